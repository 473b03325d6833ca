// PMTiles v3 directories before compression: the list of entries as varints, column after column (id differences, run
// lengths, lengths, offsets). A decoded directory stays in columns: typed arrays rather than an object per entry.
// Numbers are exact up to 2^53; larger, missing or contradictory ones are refused with one sentence.
import { FlagstoneError } from '../errors.js'

export interface Entry {
  tileId: number
  /** Relative to the tile data section, or to the leaf section when runLength is 0. */
  offset: number
  length: number
  /** How many consecutive TileIDs share these bytes; 0 when the entry refers to a leaf directory. */
  runLength: number
}

export interface Directory {
  count: number
  tileIds: Float64Array
  offsets: Float64Array
  lengths: Float64Array
  runLengths: Float64Array
}

/** Limit on decompressing a directory: it is enough for 16 million entries. */
export const MAX_DIRECTORY_BYTES = 1 << 26

/** An empty directory with room for `capacity` entries. */
export function emptyDirectory(capacity: number): Directory {
  return {
    count: 0,
    tileIds: new Float64Array(capacity),
    offsets: new Float64Array(capacity),
    lengths: new Float64Array(capacity),
    runLengths: new Float64Array(capacity),
  }
}

export function directoryOf(entries: readonly Entry[]): Directory {
  const directory = emptyDirectory(entries.length)
  for (const entry of entries) {
    const i = directory.count++
    directory.tileIds[i] = entry.tileId
    directory.offsets[i] = entry.offset
    directory.lengths[i] = entry.length
    directory.runLengths[i] = entry.runLength
  }
  return directory
}

export function entryAt(directory: Directory, index: number): Entry {
  return {
    tileId: directory.tileIds[index]!,
    offset: directory.offsets[index]!,
    length: directory.lengths[index]!,
    runLength: directory.runLengths[index]!,
  }
}

/**
 * Index of the entry that covers `tileId`: the tile's own, or the leaf directory (runLength 0) to search next; -1 when
 * there is none. Reads log2(count) entries.
 */
export function findEntry(directory: Directory, tileId: number): number {
  const index = lastNotAbove(directory, tileId)
  if (directory.count === 0 || directory.tileIds[index]! > tileId) return -1
  const run = directory.runLengths[index]!
  return run === 0 || tileId - directory.tileIds[index]! < run ? index : -1
}

/** Index of the last entry whose id is not above `tileId`; 0 when all are above it. */
export function lastNotAbove({ tileIds, count }: Directory, tileId: number): number {
  let low = 0
  let high = count
  // at the end it is the one before `low`
  while (low < high) {
    const middle = (low + high) >>> 1
    if (tileIds[middle]! <= tileId) low = middle + 1
    else high = middle
  }
  return Math.max(0, low - 1)
}

// ── encode ──────────────────────────────────────────────────────────────────────────────────────────────

/** Entries 0…count-1 as uncompressed bytes. Ids must ascend. */
export function encodeDirectory(directory: Directory): Uint8Array {
  const { count, tileIds, offsets, lengths, runLengths } = directory
  const out = new Varints(16 + count * 12)
  out.put(count)
  let last = 0
  for (let i = 0; i < count; i++) {
    const id = tileIds[i]!
    if (id < last || (i > 0 && id === last))
      throw new RangeError(`TileID ${id} follows ${last} in a directory`)
    out.put(id - last)
    last = id
  }
  for (let i = 0; i < count; i++) out.put(runLengths[i]!)
  for (let i = 0; i < count; i++) {
    if (!(lengths[i]! > 0))
      throw new RangeError(`TileID ${tileIds[i]} has length ${lengths[i]} in a directory`)
    out.put(lengths[i]!)
  }
  for (let i = 0; i < count; i++) {
    const follows = i > 0 && offsets[i] === offsets[i - 1]! + lengths[i - 1]!
    out.put(follows ? 0 : offsets[i]! + 1)
  }
  return out.bytes()
}

/** A growing buffer of little-endian base-128 numbers. */
class Varints {
  #buffer: Uint8Array
  #length = 0

  constructor(capacity: number) {
    this.#buffer = new Uint8Array(capacity)
  }

  put(value: number): void {
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER))
      throw new RangeError(`${value} cannot stand in a directory`)
    if (this.#length + 8 > this.#buffer.length) this.#grow()
    const buffer = this.#buffer
    let rest = value
    while (rest >= 0x80000000) {
      buffer[this.#length++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    while (rest >= 0x80) {
      buffer[this.#length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[this.#length++] = rest
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  #grow(): void {
    const bigger = new Uint8Array(this.#buffer.length * 2 + 64)
    bigger.set(this.#buffer)
    this.#buffer = bigger
  }
}

// ── decode ──────────────────────────────────────────────────────────────────────────────────────────────

/**
 * The entries of an uncompressed directory. Memory is bounded by the input: an entry takes at least four bytes, so a
 * larger count is refused before anything is allocated. `onLeftOver` is called with the number of bytes after the last
 * entry, if there are any.
 * @throws DAMAGED
 */
export function decodeDirectory(bytes: Uint8Array, onLeftOver?: (bytes: number) => void): Directory {
  const cursor: Cursor = { bytes, at: 0 }
  const count = readVarint(cursor)
  if (count * 4 > bytes.length - cursor.at)
    throw damaged(`it claims ${count} entries in ${bytes.length} bytes`)
  const directory = emptyDirectory(count)
  directory.count = count
  const { tileIds, offsets, lengths, runLengths } = directory
  let last = 0
  for (let i = 0; i < count; i++) {
    const step = readVarint(cursor)
    if (step === 0 && i > 0) throw damaged(`TileID ${last} stands in it twice`)
    last += step
    if (last > Number.MAX_SAFE_INTEGER) throw damaged('a TileID is over 2^53, which is beyond zoom 26')
    tileIds[i] = last
  }
  for (let i = 0; i < count; i++) {
    const run = readVarint(cursor)
    if (tileIds[i]! + run > Number.MAX_SAFE_INTEGER) throw damaged(`a run of ${run} tiles ends beyond 2^53`)
    runLengths[i] = run
  }
  for (let i = 0; i < count; i++) {
    const length = readVarint(cursor)
    if (length === 0) throw damaged(`the entry of TileID ${tileIds[i]} has no bytes`)
    lengths[i] = length
  }
  for (let i = 0; i < count; i++) {
    const code = readVarint(cursor)
    if (code === 0 && i === 0) throw damaged('its first entry continues an entry before it')
    const offset = code === 0 ? offsets[i - 1]! + lengths[i - 1]! : code - 1
    if (offset + lengths[i]! > Number.MAX_SAFE_INTEGER)
      throw damaged(`the entry of TileID ${tileIds[i]} ends beyond 2^53`)
    offsets[i] = offset
  }
  if (cursor.at < bytes.length) onLeftOver?.(bytes.length - cursor.at)
  return directory
}

interface Cursor {
  bytes: Uint8Array
  at: number
}

/** Reads one number below 2^53. */
function readVarint(cursor: Cursor): number {
  const { bytes } = cursor
  let at = cursor.at
  let value = 0
  let scale = 1
  for (;;) {
    if (at >= bytes.length) throw damaged(`it is cut off after ${bytes.length} bytes`)
    const byte = bytes[at++]!
    value += (byte & 0x7f) * scale
    if (value > Number.MAX_SAFE_INTEGER || scale > 2 ** 56) throw damaged('a number in it is over 2^53')
    if (byte < 0x80) break
    scale *= 128
  }
  cursor.at = at
  return value
}

function damaged(clause: string): FlagstoneError {
  return new FlagstoneError(
    'DAMAGED',
    `A PMTiles directory is damaged: ${clause}. Get the archive again from where it came from.`,
  )
}
