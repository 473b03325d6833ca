// The 24-byte record: which tile, where its bytes are, what they are, and how to verify them.
//
//   key u64 · offset u48 (from V) · type u8 · flags u8 · length u32 · check u32
//
// check = crc32(value) XOR crc32(the first 20 bytes of the record). One number covers both: a flipped bit in the record
// or the value is found when the tile is read, and no tile is served under a wrong key. The CRC of the content alone,
// for dedupe and ETags, is check XOR crc32(first 20 bytes).
//
// There are two sets of functions: over a DataView (byte positions) for code that handles a few records, and over a
// Uint32Array (word positions) for hot paths. Neither allocates.
import { crc32OfWords } from './crc.js'
import { FLAG_DELETED, MAX_VALUE_BYTES, MAX_VALUE_OFFSET, RECORD } from './layout.js'

const TWO32 = 2 ** 32

/** Writes one record at byte `pos`. `check` is unsigned; see checkOf. @throws RangeError when a field does not fit */
export function writeRecord(
  view: DataView,
  pos: number,
  key: number,
  offset: number,
  type: number,
  flags: number,
  length: number,
  check: number,
): void {
  assertFits(key, offset, length)
  view.setUint32(pos, key, true)
  view.setUint32(pos + 4, Math.floor(key / TWO32), true)
  view.setUint32(pos + RECORD.offset, offset, true)
  view.setUint32(pos + 12, offsetWord(offset, type, flags), true)
  view.setUint32(pos + RECORD.length, length, true)
  view.setUint32(pos + RECORD.check, check, true)
}

/** As writeRecord, over words: `word` is the index of the record's first word. */
export function writeRecordWords(
  u32: Uint32Array,
  word: number,
  key: number,
  offset: number,
  type: number,
  flags: number,
  length: number,
  check: number,
): void {
  assertFits(key, offset, length)
  u32[word] = key
  u32[word + 1] = Math.floor(key / TWO32)
  u32[word + 2] = offset
  u32[word + 3] = offsetWord(offset, type, flags)
  u32[word + 4] = length
  u32[word + 5] = check
}

/** The check of a record whose value has the CRC-32 `contentCrc`. XOR is its own inverse, so it also converts back. */
export function checkOf(
  key: number,
  offset: number,
  type: number,
  flags: number,
  length: number,
  contentCrc: number,
): number {
  const head = crc32OfWords(
    key | 0,
    Math.floor(key / TWO32) | 0,
    offset | 0,
    offsetWord(offset, type, flags) | 0,
    length | 0,
  )
  return (head ^ contentCrc) >>> 0
}

/** The CRC-32 that the value of a record must have. */
export function recordContentCrc(view: DataView, pos: number): number {
  const head = crc32OfWords(
    view.getInt32(pos, true),
    view.getInt32(pos + 4, true),
    view.getInt32(pos + 8, true),
    view.getInt32(pos + 12, true),
    view.getInt32(pos + 16, true),
  )
  return (head ^ view.getUint32(pos + RECORD.check, true)) >>> 0
}

export function recordKey(view: DataView, pos: number): number {
  return view.getUint32(pos + 4, true) * TWO32 + view.getUint32(pos, true)
}
export function recordOffset(view: DataView, pos: number): number {
  return view.getUint16(pos + 12, true) * TWO32 + view.getUint32(pos + RECORD.offset, true)
}
export function recordType(view: DataView, pos: number): number {
  return view.getUint8(pos + RECORD.type)
}
export function recordFlags(view: DataView, pos: number): number {
  return view.getUint8(pos + RECORD.flags)
}
export function recordLength(view: DataView, pos: number): number {
  return view.getUint32(pos + RECORD.length, true)
}
export function recordCheck(view: DataView, pos: number): number {
  return view.getUint32(pos + RECORD.check, true)
}

// ── over words ──────────────────────────────────────────────────────────────────────────────────────────

export function keyAt(u32: Uint32Array, word: number): number {
  return u32[word + 1]! * TWO32 + u32[word]!
}
export function offsetAt(u32: Uint32Array, word: number): number {
  return (u32[word + 3]! & 0xffff) * TWO32 + u32[word + 2]!
}
export function typeAt(u32: Uint32Array, word: number): number {
  return (u32[word + 3]! >>> 16) & 0xff
}
export function flagsAt(u32: Uint32Array, word: number): number {
  return u32[word + 3]! >>> 24
}
export function isDeletedAt(u32: Uint32Array, word: number): boolean {
  return ((u32[word + 3]! >>> 24) & FLAG_DELETED) !== 0
}
export function lengthAt(u32: Uint32Array, word: number): number {
  return u32[word + 4]!
}
export function checkAt(u32: Uint32Array, word: number): number {
  return u32[word + 5]!
}
/** The CRC-32 that the value of the record must have. */
export function contentCrcAt(u32: Uint32Array, word: number): number {
  const head = crc32OfWords(u32[word]!, u32[word + 1]!, u32[word + 2]!, u32[word + 3]!, u32[word + 4]!)
  return (head ^ u32[word + 5]!) >>> 0
}

function offsetWord(offset: number, type: number, flags: number): number {
  if ((type & 0xff) !== type || (flags & 0xff) !== flags)
    throw new RangeError(`tile type ${type} or flags ${flags} do not fit a byte`)
  return Math.floor(offset / TWO32) | (type << 16) | (flags << 24)
}

function assertFits(key: number, offset: number, length: number): void {
  if (!(key >= 0 && key <= Number.MAX_SAFE_INTEGER)) throw new RangeError(`key ${key} is not a TileID`)
  if (!(offset >= 0 && offset <= MAX_VALUE_OFFSET))
    throw new RangeError(`value offset ${offset} does not fit 48 bits`)
  if (!(length >= 0 && length <= MAX_VALUE_BYTES))
    throw new RangeError(`value length ${length} is over ${MAX_VALUE_BYTES} bytes`)
}
