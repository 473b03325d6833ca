// One zoom level as the writer sees it: an index region, how full it is, and the records that are still buffered.
//
// Invariants: records [0, sortedCount) have strictly ascending keys and none is deleted. Records [sortedCount, count)
// are the tail, in the order of writing. Once there is a tail, every further record joins it until a merge. The last
// `staged` records are in the buffer, the others in the file.

import { crc32 } from '../../format/crc.js'
import { RECORD_BYTES, RECORD_WORDS, recordCapacity } from '../../format/layout.js'
import { checkOf, keyAt, writeRecordWords } from '../../format/record.js'
import type { ByteFile } from '../../platform/byte-file.js'
import type { Region } from '../file/geometry.js'
import { PagedIndex } from '../index/paged-index.js'
import { TailIndex } from '../index/tail.js'
import { shortRead } from './staging.js'

/** Number of records that are buffered before they are written. */
const STAGE_RECORDS = 2728

export class LevelWriter implements Region {
  readonly zoom: number
  readonly #file: ByteFile
  readonly #words = new Uint32Array(STAGE_RECORDS * RECORD_WORDS)
  readonly #bytes = new Uint8Array(this.#words.buffer)
  #staged = 0
  offset: number
  #capacityBytes = 0
  /** How many records the region holds. */
  capacity = 0
  count: number
  sortedCount: number
  /** As in the last superblock. */
  committedCount: number
  committedSorted: number
  /** CRC of the tail's bytes so far, and as of the last commit. */
  tailCrc = 0
  committedTailCrc = 0
  /** Key of the last sorted record, -1 before the first. */
  lastKey = -1
  tail = new TailIndex()
  /** Used to look up keys. */
  readonly index = new PagedIndex((first, into) => this.readRecords(first, into))

  constructor(file: ByteFile, zoom: number, region: Region, count = 0, sortedCount = 0) {
    this.#file = file
    this.zoom = zoom
    this.offset = region.offset
    this.capacityBytes = region.capacityBytes
    this.count = count
    this.sortedCount = sortedCount
    this.committedCount = count
    this.committedSorted = sortedCount
  }

  get capacityBytes(): number {
    return this.#capacityBytes
  }
  set capacityBytes(bytes: number) {
    this.#capacityBytes = bytes
    this.capacity = recordCapacity(bytes)
  }

  get end(): number {
    return this.offset + this.#capacityBytes
  }

  /** Adopts a region with `count` sorted records in place of the present one. This cannot fail. */
  replace(region: Region, count: number, lastKey: number): void {
    this.offset = region.offset
    this.capacityBytes = region.capacityBytes
    this.count = this.sortedCount = count
    this.lastKey = lastKey
    this.tail = new TailIndex()
    this.tailCrc = 0
    this.index.clear()
  }

  /** Number of the tail's last record of `key`, or -1. */
  findInTail(key: number): number {
    const at = this.tail.find(key)
    return at < 0 ? -1 : this.sortedCount + at
  }

  /** Distinct keys of the tail, ascending. */
  tailKeys(): Float64Array {
    return this.tail.sortedKeys()
  }

  /** Ensures that the next `push` cannot fail. The caller has made room in the region. */
  ready(): void {
    if (this.#staged === STAGE_RECORDS) this.flush()
  }

  /** Adds a record. Never fails after `ready`. */
  push(key: number, offset: number, type: number, flags: number, length: number, contentCrc: number): void {
    const check = checkOf(key, offset, type, flags, length, contentCrc)
    const at = this.#staged * RECORD_WORDS
    writeRecordWords(this.#words, at, key, offset, type, flags, length, check)
    this.#staged++
    if (this.count === this.sortedCount && key > this.lastKey && flags === 0) {
      this.sortedCount++
      this.lastKey = key
    } else {
      this.tail.push(key)
      this.tailCrc = crc32(this.#bytes.subarray(at * 4, at * 4 + RECORD_BYTES), this.tailCrc)
    }
    this.count++
  }

  /** Writes the buffered records. If it throws, they are still buffered. */
  flush(): void {
    if (this.#staged === 0) return
    const position = this.offset + (this.count - this.#staged) * RECORD_BYTES
    this.#file.write(this.#bytes.subarray(0, this.#staged * RECORD_BYTES), position)
    this.#staged = 0
  }

  /** Reads `into.length / 24` records from record `first` on, from the file and the buffer. */
  readRecords(first: number, into: Uint8Array): void {
    const inFile = Math.max(0, (this.count - this.#staged - first) * RECORD_BYTES)
    if (inFile > 0) {
      const part = inFile < into.length ? into.subarray(0, inFile) : into
      const got = this.#file.read(part, this.offset + first * RECORD_BYTES)
      if (got !== part.length)
        throw shortRead(this.#file, this.offset + first * RECORD_BYTES, part.length, got)
    }
    if (inFile < into.length) {
      const from = (first + inFile / RECORD_BYTES - (this.count - this.#staged)) * RECORD_BYTES
      into.set(this.#bytes.subarray(from, from + into.length - inFile), inFile)
    }
  }

  /** Loads what a reopened file needs in memory: the last sorted key, and the tail. */
  load(): void {
    const record = new Uint8Array(RECORD_BYTES)
    if (this.sortedCount > 0) {
      this.readRecords(this.sortedCount - 1, record)
      this.lastKey = keyAt(new Uint32Array(record.buffer), 0)
    }
    this.tail = new TailIndex(this.count - this.sortedCount)
    this.tailCrc = 0
    const words = new Uint32Array(STAGE_RECORDS * RECORD_WORDS)
    for (let first = this.sortedCount; first < this.count; first += STAGE_RECORDS) {
      const n = Math.min(STAGE_RECORDS, this.count - first)
      const bytes = new Uint8Array(words.buffer, 0, n * RECORD_BYTES)
      this.readRecords(first, bytes)
      this.tailCrc = crc32(bytes, this.tailCrc)
      for (let i = 0; i < n; i++) this.tail.push(keyAt(words, i * RECORD_WORDS))
    }
    this.committedTailCrc = this.tailCrc
  }
}
