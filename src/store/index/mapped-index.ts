// A sorted index as words of a mapping. An index too large for one mapping (2^30 bytes a window) is cut into segments
// of 2^24 records, each of which lies within one window. A segment is mapped when it is first touched: every new
// mapping makes V8 collect garbage, because V8 counts its 2^30 bytes as memory in use.
import { FlagstoneError } from '../../errors.js'
import { RECORD_BYTES, RECORD_WORDS } from '../../format/layout.js'
import { keyAt } from '../../format/record.js'
import { lowerBound } from '../../format/search.js'
import { Windows } from './window.js'

/** 384 MiB. Any range of up to 512 MiB lies within one window. */
const SEGMENT_RECORDS = 2 ** 24

export class MappedIndex {
  readonly #windows: Windows
  readonly #offset: number
  readonly #capacity: number
  readonly #segments: (Uint32Array | undefined)[] = []
  /** The words of the record located last begin at words[word]. */
  words: Uint32Array = new Uint32Array(0)
  word = 0

  /** `capacity` records from file position `offset`, all within the file. */
  constructor(windows: Windows, offset: number, capacity: number) {
    this.#windows = windows
    this.#offset = offset
    this.#capacity = capacity
  }

  /** Nothing to do: the mapping always shows the current file. */
  clear(): void {}

  locate(index: number, _sortedCount: number): void {
    if (index < SEGMENT_RECORDS) {
      this.words = this.#segments[0] ?? this.#map(0)
      this.word = index * RECORD_WORDS
    } else {
      const segment = Math.floor(index / SEGMENT_RECORDS)
      this.words = this.#segments[segment] ?? this.#map(segment)
      this.word = (index - segment * SEGMENT_RECORDS) * RECORD_WORDS
    }
  }

  /** Index of the first of `count` sorted records whose key is not below `key`. */
  lowerBound(count: number, key: number): number {
    if (count <= SEGMENT_RECORDS)
      return count === 0 ? 0 : lowerBound(this.#segments[0] ?? this.#map(0), 0, count, key)
    // The last segment whose first key is not above `key`.
    let low = 0
    let high = Math.ceil(count / SEGMENT_RECORDS)
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if (keyAt(this.#segments[middle] ?? this.#map(middle), 0) <= key) low = middle
      else high = middle
    }
    const from = low * SEGMENT_RECORDS
    const words = this.#segments[low] ?? this.#map(low)
    return from + lowerBound(words, 0, Math.min(SEGMENT_RECORDS, count - from), key)
  }

  #map(segment: number): Uint32Array {
    const from = segment * SEGMENT_RECORDS
    const position = this.#offset + from * RECORD_BYTES
    const records = Math.min(SEGMENT_RECORDS, this.#capacity - from)
    const window = this.#windows.at(position, position + records * RECORD_BYTES)
    if (window === undefined)
      throw new FlagstoneError(
        'SYSTEM',
        `The index at ${position} cannot be mapped: the process has no address space left for it; open the file with mode 'buffered'.`,
      )
    const words = new Uint32Array(window.buffer, position - Windows.startOf(position), records * RECORD_WORDS)
    this.#segments[segment] = words
    return words
  }
}
