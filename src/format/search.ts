// Finding a record by key in the sorted part of a level index: a Uint32Array over the (mapped) region, six words
// a record, keys strictly ascending.
//
// Keys are whole numbers without repetition, so between two known records the position of a key is bounded by
// arithmetic alone: at most first + (key - firstKey), at least last - (lastKey - key). Where tiles are dense
// that bound is the answer and the second touch is the hit. Else up to three interpolated probes, then
// halving; the bounds keep tightening for free. At most log2(n) + 6 records are touched.
import { RECORD_WORDS } from './layout.js'

const TWO32 = 2 ** 32
/** Interpolated probes before halving. */
const GUESSES = 3

/**
 * Index of the record with `key` among `count` records from word `base`, or -1. `u32` may be longer. A hostile
 * (unsorted) index gives a wrong answer or -1, never an endless loop or a touch outside the region.
 */
export function findRecord(u32: Uint32Array, base: number, count: number, key: number): number {
  const index = lowerBound(u32, base, count, key)
  if (index === count) return -1
  const word = base + index * RECORD_WORDS
  return u32[word + 1]! * TWO32 + u32[word]! === key ? index : -1
}

/** Index of the first record whose key is not below `key`; `count` when all are. */
export function lowerBound(u32: Uint32Array, base: number, count: number, key: number): number {
  if (count === 0) return 0
  // Invariant: record `low` is below key, record `high` is not below it (or high = count, and not known).
  let lowKey = u32[base + 1]! * TWO32 + u32[base]!
  if (lowKey >= key) return 0
  let low = 0
  let high = Math.min(key - lowKey, count - 1)
  let word = base + high * RECORD_WORDS
  let highKey = u32[word + 1]! * TWO32 + u32[word]!
  if (highKey < key) return high + 1
  if (highKey === key) return high
  let guesses = GUESSES
  while (high - low > 1) {
    let middle: number
    if (guesses > 0) {
      guesses--
      middle = low + Math.floor(((key - lowKey) / (highKey - lowKey)) * (high - low))
      // The key, if there, is not before high - (highKey - key); a guess below that teaches less.
      const least = high - (highKey - key)
      if (middle < least) middle = least
      if (middle <= low) middle = low + 1
      else if (middle >= high) middle = high - 1
    } else middle = (low + high) >>> 1
    word = base + middle * RECORD_WORDS
    const found = u32[word + 1]! * TWO32 + u32[word]!
    if (found === key) return middle
    if (found < key) {
      low = middle
      lowKey = found
    } else {
      high = middle
      highKey = found
    }
  }
  return high
}

/**
 * Index of the last record with `key` in the tail [from, count), or -1. The tail is in the order of
 * writing and small; the last one wins.
 */
export function findInTail(u32: Uint32Array, base: number, from: number, count: number, key: number): number {
  const high = Math.floor(key / TWO32)
  const low = key >>> 0
  for (let i = count - 1, word = base + i * RECORD_WORDS; i >= from; i--, word -= RECORD_WORDS)
    if (u32[word] === low && u32[word + 1] === high) return i
  return -1
}
