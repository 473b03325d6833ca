// A sorted index as words of a mapping. Where one mapping cannot hold it (2^30 bytes a window), it is cut into
// segments of 2^24 records, each of which lies whole in one window.
import { RECORD_BYTES, RECORD_WORDS } from '../format/layout.js'
import { keyAt } from '../format/record.js'
import { lowerBound } from '../format/search.js'
import { Windows } from './window.js'

/** 384 MiB, less than the 512 MiB that are sure to lie in one window. */
const SEGMENT_RECORDS = 2 ** 24

export class MappedIndex {
  readonly #segments: Uint32Array[]
  readonly #first: Uint32Array
  /** The record found last: its words begin at words[word]. */
  words: Uint32Array
  word = 0

  private constructor(segments: Uint32Array[]) {
    this.#segments = segments
    this.#first = segments[0]!
    this.words = this.#first
  }

  /** undefined where a part cannot be mapped. `capacity` records from file position `offset`, all inside the file. */
  static of(windows: Windows, offset: number, capacity: number): MappedIndex | undefined {
    const segments: Uint32Array[] = []
    for (let from = 0; from < capacity; from += SEGMENT_RECORDS) {
      const position = offset + from * RECORD_BYTES
      const window = windows.at(position)
      if (window === undefined) return undefined
      const records = Math.min(SEGMENT_RECORDS, capacity - from)
      segments.push(
        new Uint32Array(window.buffer, position - Windows.startOf(position), records * RECORD_WORDS),
      )
    }
    return new MappedIndex(segments)
  }

  clear(): void {}

  locate(index: number, _sortedCount: number): void {
    if (index < SEGMENT_RECORDS) {
      this.words = this.#first
      this.word = index * RECORD_WORDS
    } else {
      const segment = Math.floor(index / SEGMENT_RECORDS)
      this.words = this.#segments[segment]!
      this.word = (index - segment * SEGMENT_RECORDS) * RECORD_WORDS
    }
  }

  /** Index of the first of `count` sorted records whose key is not below `key`. */
  lowerBound(count: number, key: number): number {
    if (count <= SEGMENT_RECORDS) return lowerBound(this.#first, 0, count, key)
    // The last segment whose first key is not above `key`.
    let segment = Math.ceil(count / SEGMENT_RECORDS) - 1
    while (segment > 0 && keyAt(this.#segments[segment]!, 0) > key) segment--
    const from = segment * SEGMENT_RECORDS
    return from + lowerBound(this.#segments[segment]!, 0, Math.min(SEGMENT_RECORDS, count - from), key)
  }
}
