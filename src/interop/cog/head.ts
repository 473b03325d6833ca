// The beginning of a Cloud Optimized GeoTIFF: the header of TIFF or BigTIFF, GDAL's description of the layout, and the
// directories. What the description promises: directories come before data; blocks come row by row; each is preceded by
// its length in 4 bytes and followed by a copy of its last 4 bytes, and then by its mask in the same way.
import { type Directory, directoryLength, encodeDirectory, type Piece } from './ifd.js'

/** What is true of the blocks of a file. */
export interface BlockLayout {
  readonly hasMasks: boolean
  readonly isRowMajor: boolean
}

/** Largest size of a file whose offsets have 32 bits. */
const CLASSIC_BYTES = 2 ** 32 - 1

function layoutText({ hasMasks, isRowMajor }: BlockLayout): string {
  const lines = [
    'LAYOUT=IFDS_BEFORE_DATA',
    ...(isRowMajor ? ['BLOCK_ORDER=ROW_MAJOR'] : []),
    'BLOCK_LEADER=SIZE_AS_UINT4',
    'BLOCK_TRAILER=LAST_4_BYTES_REPEATED',
    'KNOWN_INCOMPATIBLE_EDITION=NO',
    ...(hasMasks ? ['MASK_INTERLEAVED_WITH_IMAGERY=YES'] : []),
  ]
  // the space is where an editor that breaks a promise has room to write YES
  const text = `${lines.join('\n')}\n `
  return `GDAL_STRUCTURAL_METADATA_SIZE=${String(text.length).padStart(6, '0')} bytes\n${text}`
}

/** Number of bytes before the first directory. */
function prologueLength(big: boolean, layout: BlockLayout): number {
  const length = (big ? 16 : 8) + layoutText(layout).length
  return length + (length % 2)
}

/** The most bytes that `encodeHead` takes. */
export function headLength(directories: readonly Directory[], layout: BlockLayout, big = true): number {
  return directories.reduce(
    (sum, directory) => sum + directoryLength(directory, big),
    prologueLength(big, layout),
  )
}

/** All pieces, each with its position. BigTIFF only when the file is too long for TIFF. */
export function* encodeHead(
  directories: readonly Directory[],
  layout: BlockLayout,
  fileBytes: number,
): Generator<Piece> {
  const big = fileBytes > CLASSIC_BYTES
  let at = prologueLength(big, layout)
  yield { position: 0, bytes: prologue(big, at, layout) }
  for (const [i, directory] of directories.entries()) {
    const end = at + directoryLength(directory, big)
    yield* encodeDirectory(directory, at, i === directories.length - 1 ? 0 : end, big)
    at = end
  }
}

function prologue(big: boolean, first: number, layout: BlockLayout): Uint8Array {
  const bytes = Buffer.alloc(first)
  bytes.write('II', 0, 'latin1')
  bytes.writeUInt16LE(big ? 43 : 42, 2)
  if (big) {
    // bytes per offset
    bytes.writeUInt16LE(8, 4)
    bytes.writeBigUInt64LE(BigInt(first), 8)
  } else bytes.writeUInt32LE(first, 4)
  bytes.write(layoutText(layout), big ? 16 : 8, 'latin1')
  return bytes
}
