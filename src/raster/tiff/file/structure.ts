// Reads the structure of a TIFF: its image file directories and the values of their tags, for classic TIFF and BigTIFF
// in either byte order. The input is not trusted, hence the invariants:
//   - the chain of directories ends: no directory is visited twice, and there are at most MAX_IFDS;
//   - a value is allocated only when its bytes lie inside the file, and never above the count that
//     the caller can use;
//   - an entry of an unknown type is ignored, as TIFF 6.0 requires.
import { FlagstoneError } from '../../../errors.js'
import { type ByteSource, inside } from './byte-source.js'

const MAX_IFDS = 1024
const MAX_ENTRIES = 4096
/** Directories usually lie at the start (COG) or at the end of a file. One read of this size covers most of them. */
const CHUNK_BYTES = 32768

/** Bytes per value of each field type, by type code; 0 for codes that are not types. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8]

interface Entry {
  readonly type: number
  readonly count: number
  /** Offset of the values in the file (inside the entry itself if they fit). */
  readonly offset: number
}

/** Reads neighbouring small values without a system call for each. */
class ChunkReader {
  readonly #source: ByteSource
  #start = 0
  #chunk: Uint8Array = new Uint8Array(0)

  constructor(source: ByteSource) {
    this.#source = source
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (length > CHUNK_BYTES || !inside(this.#source, offset, length)) {
      return this.#source.read(offset, length)
    }
    if (offset < this.#start || offset + length > this.#start + this.#chunk.length) {
      const want = Math.min(CHUNK_BYTES, this.#source.sizeBytes - offset)
      this.#chunk = await this.#source.read(offset, want)
      this.#start = offset
    }
    return this.#chunk.subarray(offset - this.#start, offset - this.#start + length)
  }
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** A 64-bit unsigned integer as a number. Beyond 2⁵³ it is inexact, but such values are rejected anyway. */
function uint64(view: DataView, at: number, little: boolean): number {
  const low = view.getUint32(little ? at : at + 4, little)
  const high = view.getUint32(little ? at + 4 : at, little)
  return high * 2 ** 32 + low
}

function numberAt(view: DataView, at: number, type: number, little: boolean): number {
  switch (type) {
    case 3:
      return view.getUint16(at, little)
    case 4:
    case 13:
      return view.getUint32(at, little)
    case 5:
      return view.getUint32(at, little) / view.getUint32(at + 4, little)
    case 6:
      return view.getInt8(at)
    case 8:
      return view.getInt16(at, little)
    case 9:
      return view.getInt32(at, little)
    case 10:
      return view.getInt32(at, little) / view.getInt32(at + 4, little)
    case 11:
      return view.getFloat32(at, little)
    case 12:
      return view.getFloat64(at, little)
    case 16:
    case 18:
      return uint64(view, at, little)
    case 17:
      return Number(view.getBigInt64(at, little))
    default:
      return view.getUint8(at)
  }
}

/** One image file directory. Values are read on request. */
export class Ifd {
  readonly #entries: ReadonlyMap<number, Entry>
  readonly #reader: ChunkReader
  readonly #source: ByteSource
  readonly #little: boolean

  constructor(entries: ReadonlyMap<number, Entry>, reader: ChunkReader, source: ByteSource, little: boolean) {
    this.#entries = entries
    this.#reader = reader
    this.#source = source
    this.#little = little
  }

  has(tag: number): boolean {
    return this.#entries.has(tag)
  }

  count(tag: number): number {
    return this.#entries.get(tag)?.count ?? 0
  }

  /** The first `limit` values as numbers; undefined when the tag is missing or empty. @throws SOURCE_CORRUPT */
  async numbers(tag: number, limit: number): Promise<Float64Array | undefined> {
    const entry = this.#entries.get(tag)
    if (entry === undefined || entry.count === 0) return undefined
    const size = TYPE_BYTES[entry.type]!
    const count = Math.min(entry.count, limit)
    const view = viewOf(await this.#bytes(tag, entry, count * size))
    const values = new Float64Array(count)
    for (let i = 0; i < count; i++) values[i] = numberAt(view, i * size, entry.type, this.#little)
    return values
  }

  async number(tag: number): Promise<number | undefined> {
    return (await this.numbers(tag, 1))?.[0]
  }

  /** The value's raw bytes, at most `limit`. */
  async bytes(tag: number, limit: number): Promise<Uint8Array | undefined> {
    const entry = this.#entries.get(tag)
    if (entry === undefined) return undefined
    return this.#bytes(tag, entry, Math.min(limit, entry.count * TYPE_BYTES[entry.type]!))
  }

  /** Text up to the first NUL, or to the end, because some writers omit it. */
  async text(tag: number, limit = 65536): Promise<string | undefined> {
    const bytes = await this.bytes(tag, limit)
    if (bytes === undefined) return undefined
    const end = bytes.indexOf(0)
    return new TextDecoder('latin1').decode(end < 0 ? bytes : bytes.subarray(0, end))
  }

  async #bytes(tag: number, entry: Entry, length: number): Promise<Uint8Array> {
    if (!inside(this.#source, entry.offset, length)) {
      throw corrupt(this.#source, `the values of tag ${tag} are past its end`)
    }
    return this.#reader.read(entry.offset, length)
  }
}

export interface TiffStructure {
  readonly littleEndian: boolean
  readonly big: boolean
  /** The chain of directories, in order. */
  readonly ifds: readonly Ifd[]
  /** Reads a directory that is not in the chain (SubIFDs). */
  ifdAt(offset: number): Promise<Ifd>
}

function corrupt(source: ByteSource, what: string): FlagstoneError {
  return new FlagstoneError(
    'SOURCE_CORRUPT',
    `${source.name} is not a valid TIFF: ${what}; it is truncated or damaged, get a complete copy`,
  )
}

interface Header {
  readonly little: boolean
  readonly big: boolean
  readonly firstIfd: number
}

async function readHeader(source: ByteSource, reader: ChunkReader): Promise<Header> {
  const magic =
    source.sizeBytes >= 8 ? viewOf(await reader.read(0, Math.min(16, source.sizeBytes))) : undefined
  const order = magic?.getUint16(0)
  const little = order === 0x4949
  const version = magic?.getUint16(2, little)
  if (magic === undefined || (order !== 0x4949 && order !== 0x4d4d) || (version !== 42 && version !== 43)) {
    throw new FlagstoneError('SOURCE_UNSUPPORTED', `${source.name} is not a TIFF; pass a GeoTIFF`)
  }
  if (version === 42) return { little, big: false, firstIfd: magic.getUint32(4, little) }
  if (magic.byteLength < 16 || magic.getUint16(4, little) !== 8)
    throw corrupt(source, 'its header is cut off')
  return { little, big: true, firstIfd: uint64(magic, 8, little) }
}

/**
 * Reads the header and the directories.
 * @throws SOURCE_UNSUPPORTED when it is not a TIFF
 * @throws SOURCE_CORRUPT
 */
export async function readStructure(source: ByteSource): Promise<TiffStructure> {
  const reader = new ChunkReader(source)
  const header = await readHeader(source, reader)
  const { little, big } = header
  const countBytes = big ? 8 : 2
  const entryBytes = big ? 20 : 12
  const wordBytes = big ? 8 : 4
  const word = (view: DataView, at: number): number =>
    big ? uint64(view, at, little) : view.getUint32(at, little)

  async function readIfd(offset: number): Promise<{ ifd: Ifd; next: number }> {
    if (!inside(source, offset, countBytes)) throw corrupt(source, 'an image directory is past its end')
    const head = viewOf(await reader.read(offset, countBytes))
    const count = big ? uint64(head, 0, little) : head.getUint16(0, little)
    if (count === 0 || count > MAX_ENTRIES)
      throw corrupt(source, `an image directory claims ${count} entries`)
    const length = count * entryBytes
    if (!inside(source, offset + countBytes, length)) throw corrupt(source, 'an image directory is cut off')
    const view = viewOf(await reader.read(offset + countBytes, length))
    const entries = new Map<number, Entry>()
    for (let i = 0; i < count; i++) {
      const at = i * entryBytes
      const tag = view.getUint16(at, little)
      const type = view.getUint16(at + 2, little)
      const size = TYPE_BYTES[type] ?? 0
      if (size === 0 || entries.has(tag)) continue
      const values = word(view, at + 4)
      const valueAt = at + 4 + wordBytes
      const isInline = values * size <= wordBytes
      const valueOffset = isInline ? offset + countBytes + valueAt : word(view, valueAt)
      entries.set(tag, { type, count: values, offset: valueOffset })
    }
    const ifd = new Ifd(entries, reader, source, little)
    // some writers end the file right after the last entry, without the final zero
    const nextAt = offset + countBytes + length
    const next = inside(source, nextAt, wordBytes) ? word(viewOf(await reader.read(nextAt, wordBytes)), 0) : 0
    return { ifd, next }
  }

  const ifds: Ifd[] = []
  const seen = new Set<number>()
  let offset = header.firstIfd
  while (offset !== 0 && ifds.length < MAX_IFDS) {
    if (seen.has(offset)) throw corrupt(source, 'its image directories form a circle')
    seen.add(offset)
    const { ifd, next } = await readIfd(offset)
    ifds.push(ifd)
    offset = next
  }
  if (ifds.length === 0) throw corrupt(source, 'it has no image')
  return { littleEndian: little, big, ifds, ifdAt: async (at) => (await readIfd(at)).ifd }
}
