// Encodes image file directories, of TIFF and of BigTIFF, with all that they point to right behind each.
// Sources: TIFF 6.0, section 2; BigTIFF, libtiff's bigtiff.html.

/** Field types, by their codes in TIFF. */
const CODES = { ascii: 2, short: 3, long: 4, double: 12, long8: 16 } as const
const BYTES = { ascii: 1, short: 2, long: 4, double: 8, long8: 8 } as const

/** 'offset': 32 bits in TIFF, 64 bits in BigTIFF. */
export type Field =
  | { readonly tag: number; readonly type: 'ascii'; readonly text: string }
  | {
      readonly tag: number
      readonly type: 'short' | 'long' | 'double' | 'offset'
      readonly values: ArrayLike<number>
    }

/** In ascending order of tags. */
export type Directory = readonly Field[]

export interface Piece {
  readonly position: number
  readonly bytes: Uint8Array
}

/** Numbers that are encoded at a time. */
const AT_ONCE = 2 ** 16
const utf8 = new TextEncoder()

interface Encoded {
  readonly code: number
  readonly count: number
  readonly length: number
}

function sizeOf(field: Field, big: boolean): Encoded {
  if (field.type === 'ascii') {
    const count = utf8.encode(field.text).length + 1
    return { code: CODES.ascii, count, length: count }
  }
  const type = field.type === 'offset' ? (big ? 'long8' : 'long') : field.type
  const count = field.values.length
  return { code: CODES[type], count, length: count * BYTES[type] }
}

/** Even positions. */
const align = (position: number): number => position + (position % 2)

const entriesLength = (directory: Directory, big: boolean): number =>
  big ? 8 + 20 * directory.length + 8 : 2 + 12 * directory.length + 4

/** Number of bytes of a directory and all that it points to. */
export function directoryLength(directory: Directory, big: boolean): number {
  const inline = big ? 8 : 4
  const outside = directory.map((field) => sizeOf(field, big).length).filter((length) => length > inline)
  return align(entriesLength(directory, big) + outside.reduce((sum, length) => sum + align(length), 0))
}

/** A directory at a position, pointing to the next; `next` is 0 in the last one. */
export function* encodeDirectory(
  directory: Directory,
  at: number,
  next: number,
  big: boolean,
): Generator<Piece> {
  const head = Buffer.alloc(entriesLength(directory, big))
  const inline = big ? 8 : 4
  let outside = align(at + head.length)
  let entry = big ? 8 : 2
  if (big) head.writeBigUInt64LE(BigInt(directory.length), 0)
  else head.writeUInt16LE(directory.length, 0)
  for (const field of directory) {
    const { code, count, length } = sizeOf(field, big)
    head.writeUInt16LE(field.tag, entry)
    head.writeUInt16LE(code, entry + 2)
    if (big) head.writeBigUInt64LE(BigInt(count), entry + 4)
    else head.writeUInt32LE(count, entry + 4)
    const value = entry + (big ? 12 : 8)
    if (length <= inline) for (const { bytes } of encodeValues(field, 0, big)) head.set(bytes, value)
    else {
      if (big) head.writeBigUInt64LE(BigInt(outside), value)
      else head.writeUInt32LE(outside, value)
      yield* encodeValues(field, outside, big)
      outside = align(outside + length)
    }
    entry += big ? 20 : 12
  }
  if (big) head.writeBigUInt64LE(BigInt(next), entry)
  else head.writeUInt32LE(next, entry)
  yield { position: at, bytes: head }
}

function* encodeValues(field: Field, position: number, big: boolean): Generator<Piece> {
  if (field.type === 'ascii') {
    yield { position, bytes: utf8.encode(`${field.text}\0`) }
    return
  }
  const { values } = field
  const type = field.type === 'offset' ? (big ? 'long8' : 'long') : field.type
  const size = BYTES[type]
  for (let from = 0; from < values.length; from += AT_ONCE) {
    const count = Math.min(AT_ONCE, values.length - from)
    const bytes = Buffer.alloc(count * size)
    for (let i = 0; i < count; i++) {
      const value = values[from + i]!
      if (type === 'short') bytes.writeUInt16LE(value, i * size)
      else if (type === 'long') bytes.writeUInt32LE(value, i * size)
      else if (type === 'double') bytes.writeDoubleLE(value, i * size)
      // two halves: BigInts cost ten times as much
      else {
        bytes.writeUInt32LE(value % 2 ** 32, i * size)
        bytes.writeUInt32LE(Math.floor(value / 2 ** 32), i * size + 4)
      }
    }
    yield { position: position + from * size, bytes }
  }
}
