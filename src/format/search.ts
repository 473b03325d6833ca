// Finds a record by key in the sorted part of a level index: a Uint32Array over the (mapped) region, six words per
// record, keys strictly ascending.
//
// Keys are integers without repetition, so two known records bound the position of a key by arithmetic alone: at most
// low + (key - lowKey), at least high - (highKey - key). Within a run of neighbouring tiles that bound is the answer.
// So if it lies in the nearer half, it is the next probe (it halves the rest even when it misses). Otherwise the search
// interpolates, as long as each guess leaves at most a quarter; after one that does not, it bisects. So a search costs
// at most a binary search plus a few probes: log2(count) + 4 records.
import { RECORD_WORDS } from './layout.js'

const TWO32 = 2 ** 32
/**
 * Index of the record with `key` among `count` records from word `base`; -1 when there is none. `u32` may be longer. A
 * malicious (unsorted) index gives a wrong answer or -1, never an endless loop or an access outside the region.
 */
export function findRecord(u32: Uint32Array, base: number, count: number, key: number): number {
  const index = lowerBound(u32, base, count, key)
  if (index === count) return -1
  const word = base + index * RECORD_WORDS
  return u32[word + 1]! * TWO32 + u32[word]! === key ? index : -1
}

/** Index of the first record whose key is not below `key`; `count` when all are below it. */
export function lowerBound(u32: Uint32Array, base: number, count: number, key: number): number {
  if (count === 0) return 0
  // Invariant: record `low` is below key. Record `high` is not below it (or high = count, which is not read).
  let lowKey = u32[base + 1]! * TWO32 + u32[base]!
  if (lowKey >= key) return 0
  let low = 0
  let high = Math.min(key - lowKey, count - 1)
  let word = base + high * RECORD_WORDS
  let highKey = u32[word + 1]! * TWO32 + u32[word]!
  if (highKey < key) return high + 1
  if (highKey === key) return high
  let trust = true
  while (high - low > 1) {
    const span = high - low
    const half = span >>> 1
    const up = key - lowKey
    const down = highKey - key
    let middle: number
    let guessed = false
    if (up <= half) middle = low + up
    else if (down <= half) middle = high - down
    else if (trust) {
      guessed = true
      middle = low + Math.floor((up / (up + down)) * span)
      if (middle <= low) middle = low + 1
    } else middle = low + half
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
    if (guessed) trust = (high - low) * 4 <= span
  }
  return high
}

/**
 * Index of the last record with `key` in the tail [from, count); -1 when there is none. The tail is small and in the
 * order of writing; the last record counts.
 */
export function findInTail(u32: Uint32Array, base: number, from: number, count: number, key: number): number {
  const high = Math.floor(key / TWO32)
  const low = key >>> 0
  for (let i = count - 1, word = base + i * RECORD_WORDS; i >= from; i--, word -= RECORD_WORDS)
    if (u32[word] === low && u32[word + 1] === high) return i
  return -1
}
