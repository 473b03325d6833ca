// The records of a level in key order. Where the tail has a key, its last record of that key replaces the sorted one.
import { RECORD_WORDS } from '../../format/layout.js'
import { keyAt } from '../../format/record.js'

/** Points at records by number: the words of the record located last begin at words[word]. */
export interface RecordPointer {
  readonly words: Uint32Array
  readonly word: number
  locate(record: number, sortedCount: number): void
}

export interface MergedLevel {
  /** Number of sorted records; the tail's follow them. */
  readonly sortedCount: number
  /** Distinct keys of the tail, ascending. */
  tailKeys(): Float64Array
  /** Number of the tail's last record of a key, which must be in the tail. */
  findInTail(key: number): number
}

/** Records in memory. */
export class RecordArray implements RecordPointer {
  readonly words: Uint32Array
  word = 0

  constructor(words: Uint32Array) {
    this.words = words
  }

  locate(record: number): void {
    this.word = record * RECORD_WORDS
  }
}

/** Iterates over the records of a level, including those of removed tiles. */
export class MergedRecords {
  readonly #pointer: RecordPointer
  readonly #level: MergedLevel
  readonly #tailKeys: Float64Array
  #nextInTail: number
  /** The next record of the sorted part. */
  #record: number
  /** Its key; NaN: not looked up yet. */
  #recordKey = Number.NaN
  /** Whether the pointer is at that record. */
  #isLocated = false
  /** Key of the record that the pointer is at, after `next`. */
  key = -1

  /** Starts at sorted record `first`, and in the tail at the first key that is not below `from`. */
  constructor(pointer: RecordPointer, level: MergedLevel, first = 0, from = 0) {
    this.#pointer = pointer
    this.#level = level
    this.#record = first
    this.#tailKeys = level.tailKeys()
    this.#nextInTail = firstNotBelow(this.#tailKeys, from)
  }

  /** Moves the pointer to the next record; false when there is none. */
  next(): boolean {
    const { sortedCount } = this.#level
    const key = this.#record < sortedCount ? this.#keyOfRecord() : Number.POSITIVE_INFINITY
    const tailKey = this.#tailKeys[this.#nextInTail] ?? Number.POSITIVE_INFINITY
    if (tailKey <= key) {
      if (tailKey === Number.POSITIVE_INFINITY) return false
      if (tailKey === key) this.#skipRecord()
      this.#nextInTail++
      this.#isLocated = false
      this.#pointer.locate(this.#level.findInTail(tailKey), sortedCount)
      this.key = tailKey
      return true
    }
    if (!this.#isLocated) this.#pointer.locate(this.#record, sortedCount)
    this.#skipRecord()
    this.key = key
    return true
  }

  #keyOfRecord(): number {
    if (Number.isNaN(this.#recordKey)) {
      this.#pointer.locate(this.#record, this.#level.sortedCount)
      this.#isLocated = true
      this.#recordKey = keyAt(this.#pointer.words, this.#pointer.word)
    }
    return this.#recordKey
  }

  #skipRecord(): void {
    this.#record++
    this.#recordKey = Number.NaN
    this.#isLocated = false
  }
}

function firstNotBelow(keys: Float64Array, key: number): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}
