// A sorted index that is read in pages instead of through a mapping: for the writer, and for files that cannot be
// mapped. Pages hold whole records; the most recently used ones are cached.
//
// Invariant: cached pages hold sorted records, which never change in place. The last page may gain records, so it is
// cached with the count it was read for. A caller that replaces the contents of the region must call `clear`.
import { RECORD_WORDS } from '../../format/layout.js'
import { keyAt } from '../../format/record.js'
import { lowerBound } from '../../format/search.js'

/** 16 KiB of records. */
const PAGE_RECORDS = 682
const KEPT_PAGES = 64

export class PagedIndex {
  readonly #load: (first: number, into: Uint8Array) => void
  readonly #pages = new Map<number, Uint32Array>()
  /** The last page, cached with its count. */
  #last = new Uint32Array(0)
  #lastCount = -1
  /** The words of the record located last begin at words[word]. */
  words: Uint32Array = this.#last
  word = 0

  /** `load` fills `into` with records, starting at record `first`. */
  constructor(load: (first: number, into: Uint8Array) => void) {
    this.#load = load
  }

  clear(): void {
    this.#lastCount = -1
    this.#pages.clear()
  }

  /** Points `words` and `word` at record `index`. Records from `sortedCount` on are the tail's. */
  locate(index: number, sortedCount: number): void {
    if (index >= sortedCount) {
      const single = new Uint32Array(RECORD_WORDS)
      this.#load(index, new Uint8Array(single.buffer))
      this.words = single
      this.word = 0
      return
    }
    const page = Math.floor(index / PAGE_RECORDS)
    this.words = this.#page(page, sortedCount)
    this.word = (index - page * PAGE_RECORDS) * RECORD_WORDS
  }

  /** Index of the first of `count` sorted records whose key is not below `key`. */
  lowerBound(count: number, key: number): number {
    let low = 0
    let high = Math.ceil(count / PAGE_RECORDS)
    let lowKey = 0
    let highKey = -1
    for (let probes = 0; low < high; probes++) {
      const page = probePage(low, high, lowKey, highKey, key, probes)
      const words = this.#page(page, count)
      const n = Math.min(PAGE_RECORDS, count - page * PAGE_RECORDS)
      const first = keyAt(words, 0)
      const last = keyAt(words, (n - 1) * RECORD_WORDS)
      if (key < first) {
        high = page
        highKey = first
      } else if (key > last) {
        low = page + 1
        lowKey = last
      } else return page * PAGE_RECORDS + lowerBound(words, 0, n, key)
    }
    return Math.min(low * PAGE_RECORDS, count)
  }

  #page(page: number, sortedCount: number): Uint32Array {
    const kept = this.#pages.get(page)
    if (kept !== undefined) {
      this.#pages.delete(page)
      this.#pages.set(page, kept)
      return kept
    }
    const n = Math.min(PAGE_RECORDS, sortedCount - page * PAGE_RECORDS)
    if (n < PAGE_RECORDS && this.#lastCount === sortedCount) return this.#last
    const words = new Uint32Array(n * RECORD_WORDS)
    this.#load(page * PAGE_RECORDS, new Uint8Array(words.buffer))
    if (n < PAGE_RECORDS) {
      this.#last = words
      this.#lastCount = sortedCount
      return words
    }
    this.#pages.set(page, words)
    if (this.#pages.size > KEPT_PAGES) this.#pages.delete(this.#pages.keys().next().value!)
    return words
  }
}

/**
 * The page to probe in [low, high): by interpolation in the first rounds, where the keys at both ends are known; then
 * the middle.
 */
function probePage(
  low: number,
  high: number,
  lowKey: number,
  highKey: number,
  key: number,
  probes: number,
): number {
  if (probes > 4 || highKey <= lowKey || lowKey === 0) return (low + high) >>> 1
  const guess = low + Math.floor(((key - lowKey) / (highKey - lowKey)) * (high - low))
  return Math.min(Math.max(guess, low), high - 1)
}
