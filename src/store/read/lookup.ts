// Finds a tile's record, and verifies the result.
//
// The answer is right or an error, never a wrong tile. A record is authentic when its check matches its value. A hit is
// verified directly. A miss is proven by its two neighbours in the sorted index, which must be in order and authentic.
// Each record is checked once (check: 'first'). A fault is stored as the session's problem, which counts only if the
// file did not move.
import { RECORD_BYTES } from '../../format/layout.js'
import { contentCrcAt, isDeletedAt, keyAt, lengthAt, offsetAt, typeAt } from '../../format/record.js'
import { zoomBase } from '../../format/tile-id.js'
import type { TileType } from '../../format/tile-type.js'
import type { LevelView } from '../index/level-view.js'
import { MergedRecords } from '../index/merged.js'
import type { ResolvedReaderOptions } from '../options.js'
import type { RecordRow } from './list.js'
import type { ReadSession } from './session.js'
import type { StoredValues } from './values.js'

/** Returned by `find` when there is no such tile. */
export const MISSING = -1

export class RecordLookup {
  readonly #session: ReadSession
  readonly #values: StoredValues
  readonly #isChecking: boolean
  readonly #isCheckingAlways: boolean

  constructor(session: ReadSession, values: StoredValues, check: ResolvedReaderOptions['check']) {
    this.#session = session
    this.#values = values
    this.#isChecking = check !== 'never'
    this.#isCheckingAlways = check === 'always'
  }

  /** Number of the live record of a key, with view.index pointing at it; MISSING, with proof, when there is none. */
  find(view: LevelView, key: number): number {
    if (view.count !== view.sortedCount) {
      this.#loadTail(view)
      const record = view.findInTail(key)
      if (record >= 0) {
        view.index.locate(record, view.sortedCount)
        return this.#isLive(view, record, key) ? record : MISSING
      }
    }
    const index = view.index
    const record = index.lowerBound(view.sortedCount, key)
    if (record < view.sortedCount) {
      index.locate(record, view.sortedCount)
      if (keyAt(index.words, index.word) === key) return this.#isLive(view, record, key) ? record : MISSING
    }
    if (this.#isChecking) this.#proveMissing(view, record, key)
    return MISSING
  }

  /** Whether the value of a record must be compared with its check before it is used. */
  mustCheck(view: LevelView, record: number): boolean {
    if (!this.#isChecking) return false
    return this.#isCheckingAlways || this.#session.isExposed || !view.isVerified(record)
  }

  /** Reads the value of the record at view.index and compares it with the record's check. */
  examine(view: LevelView, record: number): void {
    const position = this.#values.positionOf(view, record)
    if (position < 0) return
    const { words, word } = view.index
    const crc = contentCrcAt(words, word)
    this.compare(view, record, this.#values.crcAt(position, lengthAt(words, word)), crc)
  }

  /** Compares the CRC of a value with its record's, and remembers a match. */
  compare(view: LevelView, record: number, crc: number, expected: number): void {
    if (crc !== expected) this.mismatch(view, record)
    // if the epoch moved, it was another record or another value
    else if (!this.#session.hasMoved()) view.setVerified(record)
  }

  mismatch(view: LevelView, record: number): void {
    const at = view.offset + record * RECORD_BYTES
    this.#session.problem = `its record (${record} of zoom ${view.zoom}, at ${at}) and its bytes do not match their check`
  }

  /** Up to `most` records of a level with keys from `from` on, in key order, the tail merged in. */
  rows(view: LevelView, from: number, most: number): RecordRow[] | undefined {
    this.#loadTail(view)
    const { index, zoom } = view
    const records = new MergedRecords(index, view, index.lowerBound(view.sortedCount, from), from)
    const rows: RecordRow[] = []
    let last = -1
    while (rows.length < most && records.next()) {
      const { key } = records
      if (key <= last || key < zoomBase(zoom) || key >= zoomBase(zoom + 1))
        this.#session.problem = `the index of zoom ${zoom} (at ${view.offset}) has key ${key} after ${last}`
      last = key
      const { words, word } = index
      rows.push({
        key,
        deleted: isDeletedAt(words, word),
        offset: offsetAt(words, word),
        length: lengthAt(words, word),
        type: typeAt(words, word) as TileType,
        crc: contentCrcAt(words, word),
      })
    }
    return rows.length === 0 ? undefined : rows
  }

  /** Number of tiles of a level, taking into account what the tail adds, replaces and removes. */
  countTiles(view: LevelView): number {
    this.#loadTail(view)
    const { index, sortedCount } = view
    let count = sortedCount
    for (const key of view.tailKeys()) {
      index.locate(view.findInTail(key), sortedCount)
      const isLive = !isDeletedAt(index.words, index.word)
      const at = index.lowerBound(sortedCount, key)
      if (at < sortedCount) index.locate(at, sortedCount)
      const isKnown = at < sortedCount && keyAt(index.words, index.word) === key
      count += (isLive ? 1 : 0) - (isKnown ? 1 : 0)
    }
    return count
  }

  /** Completes the tail's index. */
  #loadTail(view: LevelView): void {
    if (view.tailBehind && !view.loadTail(this.#session.file))
      this.#session.problem = `the tail of zoom ${view.zoom} (records ${view.sortedCount} to ${view.count} at ${view.offset}) does not match its checksum`
  }

  /** Whether the record found for a key is not a deletion. A deletion must be authentic. */
  #isLive(view: LevelView, record: number, key: number): boolean {
    const { words, word } = view.index
    if (keyAt(words, word) !== key) {
      this.#session.problem = `record ${record} has another key than it had when the index was read`
      return false
    }
    if (!isDeletedAt(words, word)) return true
    if (this.mustCheck(view, record)) this.examine(view, record)
    return false
  }

  /** Checks that the neighbours of the key's position enclose it and are authentic. */
  #proveMissing(view: LevelView, at: number, key: number): void {
    const index = view.index
    if (at > 0) {
      index.locate(at - 1, view.sortedCount)
      if (keyAt(index.words, index.word) >= key) this.#outOfOrder(at - 1)
      if (this.mustCheck(view, at - 1)) this.examine(view, at - 1)
    }
    if (at < view.sortedCount) {
      index.locate(at, view.sortedCount)
      if (keyAt(index.words, index.word) <= key) this.#outOfOrder(at)
      if (this.mustCheck(view, at)) this.examine(view, at)
    }
  }

  #outOfOrder(record: number): void {
    this.#session.problem = `the index is out of order at record ${record}`
  }
}
