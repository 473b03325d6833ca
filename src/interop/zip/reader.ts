// Zip archives of loose tiles, z/x/y.png. Opening one goes through its directory, and keeps where the tiles are.
import { inflateRawSync } from 'node:zlib'
import yauzl from 'yauzl'
import { FlagstoneError } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import { unpackProblem } from '../../format/unpack-problem.js'
import type { Entry } from '../packed/entry-table.js'
import { Contents, PackedSet } from '../packed/packed-set.js'
import { MAX_TILE_BYTES, parseTileName } from '../packed/tile-name.js'
import { WindowFile } from '../packed/window-file.js'

const LOCAL_HEADER_BYTES = 30
const LOCAL_HEADER_MARK = 0x04034b50
/** Deflate makes nothing much larger. */
const MAX_PACKED_BYTES = MAX_TILE_BYTES + 2 ** 20
const STORED = 0
const DEFLATED = 8
const METHODS: Readonly<Record<number, string>> = {
  9: 'Deflate64',
  12: 'bzip2',
  14: 'LZMA',
  93: 'Zstandard',
  95: 'XZ',
}

/**
 * Opens a zip archive.
 * @throws NOT_FOUND, SOURCE_UNREADABLE, SYSTEM
 * @throws NOT_A_TILE_FILE when it has no tiles, or has them encrypted or compressed by anything but deflate
 * @throws DAMAGED when its directory cannot be read
 */
export function openZip(path: string): PackedSet {
  const file = new WindowFile(path)
  try {
    const contents = new Contents(path, true)
    for (const entry of entriesOf(file)) {
      const { relativeOffsetOfLocalHeader: position, compressedSize: packedBytes } = entry
      const name = entry.fileName.toString('utf8')
      if (parseTileName(name) !== undefined) refuseMethod(path, name, entry)
      contents.add(name, { position, bytes: entry.uncompressedSize, packedBytes, crc: entry.crc32 })
    }
    return new PackedSet(file, contents, (entry) => contentOf(file, entry))
  } catch (error) {
    file.close()
    throw error
  }
}

/** With names as bytes: yauzl gives up an archive that has an absolute one, and here it is only left aside. */
type ZipEntry = Omit<yauzl.Entry, 'fileName'> & { readonly fileName: Buffer }

/** The parts of yauzl that its types lack: what was read so far tells whether an entry is there already. */
interface ZipFile extends yauzl.ZipFile {
  readonly entriesRead: number
}

/** Reads from memory or at once, so that yauzl calls back before it returns. */
class AtOnce extends yauzl.RandomAccessReader {
  readonly #file: WindowFile

  constructor(file: WindowFile) {
    super()
    this.#file = file
  }

  override read(
    into: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    let bytes: Buffer
    try {
      bytes = length > 4096 ? this.#file.read(position, length) : this.#file.peek(position, length)
    } catch (error) {
      callback(error as Error)
      return
    }
    bytes.copy(into, offset)
    callback(null, length)
  }
}

/** @throws NOT_A_TILE_FILE, DAMAGED */
function* entriesOf(file: WindowFile): Generator<ZipEntry> {
  let opened: ZipFile | undefined
  let failure: Error | undefined
  let entry: ZipEntry | undefined
  const options = { lazyEntries: true, autoClose: false, decodeStrings: false }
  yauzl.fromRandomAccessReader(new AtOnce(file), file.sizeBytes, options, (error, zip) => {
    failure = error ?? undefined
    opened = zip as ZipFile | undefined
  })
  if (opened === undefined) throw notZip(file, failure)
  opened.on('entry', (found: unknown) => {
    entry = found as ZipEntry
  })
  opened.on('error', (error: Error) => {
    failure = error
  })
  while (opened.entriesRead < opened.entryCount) {
    entry = undefined
    opened.readEntry()
    if (failure !== undefined || entry === undefined) throw damaged(file, failure)
    yield entry
  }
}

/** @throws NOT_A_TILE_FILE */
function refuseMethod(path: string, name: string, entry: ZipEntry): void {
  const { compressionMethod: method, generalPurposeBitFlag: flags } = entry
  if ((method === STORED || method === DEFLATED) && (flags & 1) === 0) return
  const how = (flags & 1) !== 0 ? 'encrypted' : `compressed by ${METHODS[method] ?? `method ${method}`}`
  throw new FlagstoneError(
    'NOT_A_TILE_FILE',
    `${path}: ${name} is ${how}; only stored and deflated tiles can be read. Unpack the archive, and name the folder.`,
    { path },
  )
}

/**
 * The contents of an entry, which must be as long as the directory says, and have its CRC.
 * @throws DAMAGED
 */
function contentOf(file: WindowFile, { position, bytes, packedBytes, crc }: Entry): Uint8Array {
  if (packedBytes > MAX_PACKED_BYTES) throw wrong(`it takes ${packedBytes} bytes`)
  const header = file.read(position, LOCAL_HEADER_BYTES)
  if (header.readUInt32LE(0) !== LOCAL_HEADER_MARK) throw wrong('it is not where the directory says')
  const method = header.readUInt16LE(8)
  const start = position + LOCAL_HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28)
  const packed = file.read(start, packedBytes)
  const content = method === STORED ? packed : inflated(packed, bytes)
  if (content.length !== bytes) throw wrong(`it has ${content.length} bytes instead of ${bytes}`)
  if (crc32(content) !== crc) throw wrong('its checksum is wrong')
  return content
}

function inflated(packed: Buffer, bytes: number): Uint8Array {
  try {
    return inflateRawSync(packed, { maxOutputLength: bytes })
  } catch (cause) {
    throw wrong(`it cannot be unpacked: ${unpackProblem(cause, bytes)}`)
  }
}

const wrong = (why: string): FlagstoneError => new FlagstoneError('DAMAGED', `${why}.`)

const damaged = (file: WindowFile, cause: Error | undefined): FlagstoneError =>
  new FlagstoneError(
    'DAMAGED',
    `${file.path}: the directory of the zip archive cannot be read (${cause?.message ?? 'an entry has no name'}); get a complete copy.`,
    { path: file.path, cause },
  )

function notZip(file: WindowFile, cause: Error | undefined): FlagstoneError {
  if (cause instanceof FlagstoneError) return cause
  return new FlagstoneError(
    'NOT_A_TILE_FILE',
    `${file.path} is not a zip archive, or was cut off: it has no directory at its end.`,
    { path: file.path, cause },
  )
}
