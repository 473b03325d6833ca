// Zip archives of loose tiles, z/x/y.png. Opening one goes through its directory, and keeps where the tiles are.
import { inflateRawSync } from 'node:zlib'
import yauzl from 'yauzl'
import { FlagstoneError } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import { unpackProblem } from '../../format/unpack-problem.js'
import type { TilePlace } from '../../store/read/tile-set.js'
import type { Entry } from '../packed/entry-table.js'
import { Contents, PackedSet } from '../packed/packed-set.js'
import { MAX_TILE_BYTES, parseTileName, type TileName } from '../packed/tile-name.js'
import { WindowFile } from '../packed/window-file.js'

const LOCAL_HEADER_BYTES = 30
const LOCAL_HEADER_MARK = 0x04034b50
/** Deflate makes nothing much larger. */
const MAX_PACKED_BYTES = MAX_TILE_BYTES + 2 ** 20
/** So much of a name is read with the header. */
const NAME_BYTES = 64
const MADE_ON_UNIX = 3
/** The first four bits of a mode. */
const SYMBOLIC_LINK = 0xa
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
    let total = 0
    for (const entry of entriesOf(file)) {
      const { relativeOffsetOfLocalHeader: position, compressedSize: packedBytes } = entry
      const name = entry.fileName.toString('utf8')
      total += LOCAL_HEADER_BYTES + packedBytes
      if (total > file.sizeBytes) throw damaged(file, new Error('its entries overlap'))
      if (isLink(entry)) {
        contents.hasOthers = true
        continue
      }
      if (parseTileName(name) !== undefined) refuseMethod(path, name, entry)
      else if (!name.endsWith('/') && parseTileName(ownNameAt(file, position)) !== undefined)
        throw damaged(file, new Error(`a tile is named ${JSON.stringify(name.slice(0, 80))}`))
      contents.add(name, { position, bytes: entry.uncompressedSize, packedBytes, crc: entry.crc32 })
    }
    return new PackedSet(file, contents, (entry, place) => contentOf(file, entry, place))
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
  const options = { lazyEntries: true, autoClose: false, decodeStrings: false, validateEntrySizes: false }
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

/** Whether it is a symbolic link of Unix, whose contents are a path. */
const isLink = ({ versionMadeBy, externalFileAttributes }: ZipEntry): boolean =>
  versionMadeBy >>> 8 === MADE_ON_UNIX && externalFileAttributes >>> 28 === SYMBOLIC_LINK

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
 * The contents of an entry, which must be as long as the directory says, have its CRC, and be the tile of a place.
 * @throws DAMAGED
 */
function contentOf(
  file: WindowFile,
  { position, bytes, packedBytes, crc }: Entry,
  place: TilePlace | undefined,
): Uint8Array {
  if (packedBytes > MAX_PACKED_BYTES) throw wrong(`it takes ${packedBytes} bytes`)
  const header = headerAt(file, position)
  if (header.readUInt32LE(0) !== LOCAL_HEADER_MARK) throw wrong('it is not where the directory says')
  if (place !== undefined && !isAt(parseTileName(ownName(file, position, header)), place))
    throw wrong('it has another name than in the directory')
  const method = header.readUInt16LE(8)
  const start = position + LOCAL_HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28)
  const packed = file.read(start, packedBytes)
  const content = method === STORED ? packed : inflated(packed, bytes)
  if (content.length !== bytes) throw wrong(`it has ${content.length} bytes instead of ${bytes}`)
  if (crc32(content) !== crc) throw wrong('its checksum is wrong')
  return content
}

/** The local header of an entry, and what follows it. @throws DAMAGED */
function headerAt(file: WindowFile, position: number): Buffer {
  const length = Math.min(LOCAL_HEADER_BYTES + NAME_BYTES, file.sizeBytes - position)
  if (length < LOCAL_HEADER_BYTES) throw file.endsEarly()
  return file.read(position, length)
}

/** The name in the local header. It repeats that of the directory, where damage would move a tile to another place. */
function ownName(file: WindowFile, position: number, header: Buffer): string {
  const end = LOCAL_HEADER_BYTES + header.readUInt16LE(26)
  const whole = end <= header.length ? header : file.read(position, end)
  return whole.toString('utf8', LOCAL_HEADER_BYTES, end)
}

/** '' when there is none. */
function ownNameAt(file: WindowFile, position: number): string {
  if (position + LOCAL_HEADER_BYTES > file.sizeBytes) return ''
  const header = headerAt(file, position)
  return header.readUInt32LE(0) === LOCAL_HEADER_MARK ? ownName(file, position, header) : ''
}

/** Whether a name is that of a place, with rows from the north or from the south. */
const isAt = (name: TileName | undefined, { z, x, y }: TilePlace): boolean =>
  name?.z === z && name.x === x && (name.row === y || name.row === 2 ** z - 1 - y)

function inflated(packed: Buffer, bytes: number): Uint8Array {
  try {
    return inflateRawSync(packed, { maxOutputLength: bytes })
  } catch (cause) {
    throw wrong(`it cannot be unpacked: ${unpackProblem(cause, bytes)}`)
  }
}

const wrong = (why: string): FlagstoneError => new FlagstoneError('DAMAGED', `${why}.`)

function damaged(file: WindowFile, cause: Error | undefined): FlagstoneError {
  if (cause instanceof FlagstoneError) return cause
  return new FlagstoneError(
    'DAMAGED',
    `${file.path}: the directory of the zip archive cannot be read (${cause?.message ?? 'an entry has no name'}); get a complete copy.`,
    { path: file.path, cause },
  )
}

function notZip(file: WindowFile, cause: Error | undefined): FlagstoneError {
  if (cause instanceof FlagstoneError) return cause
  return new FlagstoneError(
    'NOT_A_TILE_FILE',
    `${file.path} is not a zip archive, or was cut off: it has no directory at its end.`,
    { path: file.path, cause },
  )
}
