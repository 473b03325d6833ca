// LZMA blocks of TIFF: .xz streams (https://tukaani.org/xz/xz-file-format.txt, 1.2) with a delta filter and LZMA2, as
// libtiff writes them. The container is parsed here, because the native decoder refuses the delta filter and would
// allocate whatever a hostile stream claims. The LZMA2 chunks are walked first (each has its decoded size), then
// decoded natively, and then the deltas are summed.
import type Lzma2 from '@napi-rs/lzma/lzma2'
import { requirePackage } from '../../../beside.js'
import { Problem } from '../file/problem.js'

const STREAM_MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]
const STREAM_HEADER = 12
/** Size in bytes of each type of check. */
const CHECK_BYTES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64]
const FILTER_DELTA = 3
const FILTER_LZMA2 = 0x21

const broken = (what: string): Problem => new Problem(`its LZMA data is broken: ${what}`)

interface Cursor {
  readonly bytes: Uint8Array
  at: number
}

/**
 * Reads a number: seven bits per byte, low bits first, at most nine bytes. Numbers too large for a double are absurd
 * anyway.
 */
function readNumber(cursor: Cursor): number {
  let value = 0
  for (let i = 0; i < 9; i++) {
    const byte = cursor.bytes[cursor.at++]
    if (byte === undefined) throw broken('it is cut off')
    value += (byte & 127) * 2 ** (7 * i)
    if (byte < 128) return value
  }
  throw broken('a number has no end')
}

/** Reads a block header, and returns the distance of its delta filter, or 0 without one. */
function readBlockHeader(cursor: Cursor): number {
  const start = cursor.at
  const end = start + (cursor.bytes[start]! + 1) * 4
  if (end > cursor.bytes.length) throw broken('it is cut off')
  const flags = cursor.bytes[start + 1]!
  cursor.at = start + 2
  if (flags & 0x40) readNumber(cursor)
  if (flags & 0x80) readNumber(cursor)
  let distance = 0
  for (let filter = 0; filter <= (flags & 3); filter++) {
    const id = readNumber(cursor)
    const size = readNumber(cursor)
    const isLast = filter === (flags & 3)
    if (id === FILTER_DELTA && size === 1 && distance === 0 && !isLast) {
      distance = cursor.bytes[cursor.at]! + 1
    } else if (id !== FILTER_LZMA2 || !isLast) {
      throw new Problem(`its LZMA data uses filter ${id}, which is not supported`)
    }
    cursor.at += size
    if (cursor.at > end) throw broken('a filter leaves its header')
  }
  cursor.at = end
  return distance
}

/** The bytes of the chunks from the cursor to their end mark, and their decoded size. */
function walkChunks(cursor: Cursor, most: number): { chunks: Uint8Array; outBytes: number } {
  const { bytes } = cursor
  const start = cursor.at
  let at = start
  let outBytes = 0
  for (;;) {
    const control = bytes[at]
    if (control === undefined) throw broken('it is cut off')
    if (control === 0) break
    if (at + 6 > bytes.length) throw broken('it is cut off')
    const low = ((bytes[at + 1]! << 8) | bytes[at + 2]!) + 1
    if (control >= 0x80) {
      outBytes += low + ((control & 0x1f) << 16)
      const packed = ((bytes[at + 3]! << 8) | bytes[at + 4]!) + 1
      at += 5 + (control >= 0xc0 ? 1 : 0) + packed
    } else if (control <= 2) {
      outBytes += low
      at += 3 + low
    } else {
      throw broken('an unknown kind of chunk')
    }
    if (outBytes > most) throw new Problem(`its LZMA data would decode to more than ${most} bytes`)
  }
  cursor.at = at + 1
  return { chunks: bytes.subarray(start, at + 1), outBytes }
}

function decodeChunks(chunks: Uint8Array, outBytes: number): Uint8Array {
  // few files need it; as CommonJS, it can be loaded synchronously
  const lzma2 = requirePackage('@napi-rs/lzma/lzma2') as typeof Lzma2
  let out: Uint8Array
  try {
    out = lzma2.decompressSync(chunks)
  } catch (error) {
    throw broken((error as Error).message)
  }
  if (out.length !== outBytes) throw broken(`it decodes to ${out.length} bytes instead of ${outBytes}`)
  return out
}

/** Undoes the delta filter in place: each byte is stored as the difference to the one `distance` before it. */
function undoDelta(bytes: Uint8Array, distance: number): void {
  for (let i = distance; i < bytes.length; i++) bytes[i] = bytes[i]! + bytes[i - distance]!
}

/** Decodes into `out`, and returns the number of bytes decoded. @throws Problem */
export function decodeLzma(input: Uint8Array, out: Uint8Array): number {
  if (input.length < STREAM_HEADER + 8 || STREAM_MAGIC.some((byte, i) => input[i] !== byte)) {
    throw new Problem('it has no LZMA data')
  }
  const checkBytes = CHECK_BYTES[input[7]! & 15]!
  const cursor: Cursor = { bytes: input, at: STREAM_HEADER }
  let position = 0
  // a block header of size 0 is the index, after the last block
  while (position < out.length && cursor.at < input.length && input[cursor.at] !== 0) {
    const distance = readBlockHeader(cursor)
    const start = cursor.at
    // some writers pad the last strip to full height
    const { chunks, outBytes } = walkChunks(cursor, 2 * out.length + 65536)
    if (outBytes === 0) continue
    const bytes = decodeChunks(chunks, outBytes)
    if (distance > 0) undoDelta(bytes, distance)
    const length = Math.min(bytes.length, out.length - position)
    out.set(bytes.subarray(0, length), position)
    position += length
    cursor.at += ((4 - ((cursor.at - start) & 3)) & 3) + checkBytes
  }
  return position
}
