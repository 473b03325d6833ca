// CRC-32 as in zlib, PNG and gzip (ISO-HDLC: reflected 0xEDB88320, initial and final all ones). It uses zlib.crc32
// where Node has it. Slicing-by-8 in JavaScript is used where it is missing, and for short inputs, where the fixed cost
// of a native call is higher.
import * as zlib from 'node:zlib'

/** Eight tables of 256 entries: table k advances a byte over k further zero bytes. */
const T = makeTables()

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256)
  for (let n = 0; n < 256; n++) {
    let c = n
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
    tables[n] = c
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256]!
    tables[i] = tables[before & 0xff]! ^ (before >>> 8)
  }
  return tables
}

export function crc32Js(bytes: Uint8Array, seed = 0): number {
  let c = ~seed
  const length = bytes.length
  const whole = length - (length % 8)
  let i = 0
  for (; i < whole; i += 8) {
    c ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    c =
      T[1792 + (c & 0xff)]! ^
      T[1536 + ((c >>> 8) & 0xff)]! ^
      T[1280 + ((c >>> 16) & 0xff)]! ^
      T[1024 + (c >>> 24)]! ^
      T[768 + bytes[i + 4]!]! ^
      T[512 + bytes[i + 5]!]! ^
      T[256 + bytes[i + 6]!]! ^
      T[bytes[i + 7]!]!
  }
  for (; i < length; i++) c = T[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8)
  return ~c >>> 0
}

/** Advances a raw (not inverted) CRC register over one little-endian word. */
function step(register: number, word: number): number {
  const c = register ^ word
  return T[768 + (c & 0xff)]! ^ T[512 + ((c >>> 8) & 0xff)]! ^ T[256 + ((c >>> 16) & 0xff)]! ^ T[c >>> 24]!
}

/** CRC-32 of five little-endian words: the head of a record, without creating a view of it. */
export function crc32OfWords(w0: number, w1: number, w2: number, w3: number, w4: number): number {
  return ~step(step(step(step(step(-1, w0), w1), w2), w3), w4) >>> 0
}

const native: ((data: Uint8Array, value?: number) => number) | undefined = (
  zlib as { crc32?: (data: Uint8Array, value?: number) => number }
).crc32

/** Below this many bytes the JavaScript loop is faster than a call to zlib (measured: equal at about 200 B). */
const NATIVE_FROM_BYTES = 200

/** CRC-32 of `bytes`, an unsigned 32-bit number; `seed` is the CRC of what came before. */
export const crc32: (bytes: Uint8Array, seed?: number) => number =
  native === undefined
    ? crc32Js
    : (bytes, seed = 0) => (bytes.length < NATIVE_FROM_BYTES ? crc32Js(bytes, seed) : native(bytes, seed))
