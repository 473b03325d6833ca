// How an image is divided into tiles or strips, and where they lie in the file.
import { FlagstoneError } from '../../../errors.js'
import type { ByteSource } from '../file/byte-source.js'
import type { Ifd } from '../file/structure.js'
import { Compression, Tag } from '../file/tags.js'
import { unitBytes, type YCbCr } from '../samples/ycbcr.js'

const MAX_BLOCKS = 2 ** 23

const MAX_SIZE = 2 ** 31 - 1

/** Long uncompressed strips are read in pieces of about this size. */
const PIECE_BYTES = 2 ** 18

export function corrupt(source: ByteSource, what: string): FlagstoneError {
  return new FlagstoneError(
    'SOURCE_CORRUPT',
    `${source.name} is damaged: ${what}; get a complete copy of the file`,
  )
}

export function tooLarge(source: ByteSource, what: string): FlagstoneError {
  return new FlagstoneError(
    'TOO_LARGE',
    `${source.name} ${what}; re-tile it, for example with gdal_translate -co TILED=YES -co COMPRESS=DEFLATE`,
  )
}

interface Shape {
  readonly tiled: boolean
  readonly width: number
  readonly height: number
  readonly blockWidth: number
  readonly blockHeight: number
  /** Decoded bytes of one row of a block. */
  readonly rowBytes: number
}

export function positive(source: ByteSource, value: number | undefined, what: string): number {
  if (value === undefined || !Number.isInteger(value) || value < 1 || value > MAX_SIZE) {
    throw corrupt(source, `its ${what} is ${value ?? 'missing'}`)
  }
  return value
}

export async function readShape(source: ByteSource, ifd: Ifd, bitsPerPixel: number): Promise<Shape> {
  const width = positive(source, await ifd.number(Tag.ImageWidth), 'width')
  const height = positive(source, await ifd.number(Tag.ImageLength), 'height')
  const tiled = ifd.has(Tag.TileWidth) || ifd.has(Tag.TileOffsets)
  let blockWidth = width
  let blockHeight = height
  if (tiled) {
    blockWidth = positive(source, await ifd.number(Tag.TileWidth), 'tile width')
    blockHeight = positive(source, await ifd.number(Tag.TileLength), 'tile height')
  } else {
    // may be missing, or 2³²−1 for "all rows"
    const rows = await ifd.number(Tag.RowsPerStrip)
    if (rows !== undefined && rows < height) blockHeight = positive(source, rows, 'number of rows per strip')
  }
  return {
    tiled,
    width,
    height,
    blockWidth,
    blockHeight,
    rowBytes: Math.ceil((blockWidth * bitsPerPixel) / 8),
  }
}

/** The largest divisor of `n` that is ≤ `limit`. */
function divisorBelow(n: number, limit: number): number {
  for (let d = Math.min(n, Math.max(1, limit)); d > 1; d--) if (n % d === 0) return d
  return 1
}

interface Blocks {
  readonly blockHeight: number
  readonly offsets: Float64Array
  readonly counts: Float64Array
}

/** Divides long uncompressed strips, which can be read from any row, so that a window reads only its own rows. */
export function cutStrips(shape: Shape, planes: number, blocks: Blocks): Blocks {
  const { height, rowBytes } = shape
  const rows = blocks.blockHeight
  if (rows * rowBytes <= 4 * PIECE_BYTES) return blocks
  const wanted = Math.max(1, Math.floor(PIECE_BYTES / rowBytes))
  const piece = rows >= height ? Math.min(wanted, rows) : divisorBelow(rows, wanted)
  const down = Math.ceil(height / piece)
  const stripsDown = Math.ceil(height / rows)
  const offsets = new Float64Array(down * planes)
  const counts = new Float64Array(down * planes)
  for (let plane = 0; plane < planes; plane++) {
    for (let i = 0; i < down; i++) {
      const strip = plane * stripsDown + Math.floor((i * piece) / rows)
      if (blocks.counts[strip] === 0) continue
      const skip = ((i * piece) % rows) * rowBytes
      offsets[plane * down + i] = blocks.offsets[strip]! + skip
      counts[plane * down + i] = Math.min(piece, height - i * piece) * rowBytes
    }
  }
  return { blockHeight: piece, offsets, counts }
}

/**
 * Estimates StripByteCounts, which writers of the nineties omitted: a strip ends at the next one or at the end of the
 * file.
 */
function estimateCounts(source: ByteSource, offsets: Float64Array): Float64Array {
  const order = [...offsets.keys()].sort((a, b) => offsets[b]! - offsets[a]!)
  const counts = new Float64Array(offsets.length)
  let end = source.sizeBytes
  let previous = end
  for (const i of order) {
    if (offsets[i]! < previous) end = previous
    previous = offsets[i]!
    if (offsets[i]! > 0) counts[i] = Math.max(1, end - offsets[i]!)
  }
  return counts
}

/** Size of an uncompressed block in block row `y`: what its rows need, whatever its byte count says. */
function storedBytes(
  { tiled, height, blockHeight, rowBytes, blockWidth }: Shape,
  y: number,
  ycbcr?: YCbCr,
): number {
  const rows = tiled ? blockHeight : Math.min(blockHeight, height - y * blockHeight)
  return ycbcr === undefined ? rows * rowBytes : unitBytes(ycbcr, blockWidth, rows)
}

/**
 * Byte counts of uncompressed blocks. As in libtiff, the file's counts are ignored, because many old writers got them
 * wrong. Only a block with offset 0 is not stored.
 */
function bareCounts(shape: Shape, offsets: Float64Array, ycbcr: YCbCr | undefined): Float64Array {
  const across = Math.ceil(shape.width / shape.blockWidth)
  const down = Math.ceil(shape.height / shape.blockHeight)
  return offsets.map((offset, i) =>
    offset === 0 ? 0 : storedBytes(shape, Math.floor(i / across) % down, ycbcr),
  )
}

interface Stored {
  readonly needed: number
  readonly compression: number
  readonly ycbcr: YCbCr | undefined
}

export async function readBlocks(
  source: ByteSource,
  ifd: Ifd,
  shape: Shape,
  { needed, compression, ycbcr }: Stored,
): Promise<Blocks> {
  if (needed > MAX_BLOCKS) throw tooLarge(source, `is cut into ${needed} blocks, more than ${MAX_BLOCKS}`)
  const offsetTag = ifd.has(Tag.TileOffsets) ? Tag.TileOffsets : Tag.StripOffsets
  const countTag = ifd.has(Tag.TileByteCounts) ? Tag.TileByteCounts : Tag.StripByteCounts
  const offsets = await ifd.numbers(offsetTag, needed)
  if (offsets === undefined || offsets.length < needed) {
    throw corrupt(source, `it has the offsets of only ${offsets?.length ?? 0} of its ${needed} blocks`)
  }
  if (compression === Compression.None) {
    return { blockHeight: shape.blockHeight, offsets, counts: bareCounts(shape, offsets, ycbcr) }
  }
  let counts = await ifd.numbers(countTag, needed)
  const isForgotten = needed === 1 && counts?.[0] === 0 && offsets[0] !== 0
  if (isForgotten || (counts === undefined && needed <= 65536)) counts = estimateCounts(source, offsets)
  if (counts === undefined || counts.length < needed) {
    throw corrupt(source, `it has the sizes of only ${counts?.length ?? 0} of its ${needed} blocks`)
  }
  return { blockHeight: shape.blockHeight, offsets, counts }
}
