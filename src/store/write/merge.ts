// Merges a level's tail into its sorted part. The result is written elsewhere in one pass, one superblock switches to
// it, and the old region is freed. Readers see either the old region or the new one.
//
// Everything must be committed before: the superblock of the merged region counts all its records.
import { FlagstoneError } from '../../errors.js'
import { RECORD_BYTES, RECORD_WORDS } from '../../format/layout.js'
import { isDeletedAt, keyAt } from '../../format/record.js'
import type { Region } from '../file/geometry.js'
import { MergedRecords, type RecordPointer } from '../index/merged.js'
import { collapseRange, type GrowthChoice } from './geometry-change.js'
import { allocateRegion, punch } from './growth.js'
import type { LevelWriter } from './level.js'
import type { StoreState } from './state.js'

const CHUNK_RECORDS = 1 << 15

export function mergeLevel(state: StoreState, level: LevelWriter, choice: GrowthChoice): void {
  const start = performance.now()
  const old: Region = { offset: level.offset, capacityBytes: level.capacityBytes }
  const most = (level.sortedCount + level.tail.size) * RECORD_BYTES
  // Leave room to grow again, unless the present capacity already does.
  const place = allocateRegion(state, Math.max(level.capacityBytes, most + (most >> 2)), choice)
  // allocateRegion may have moved the level's own region: level.offset is current, `old` is not yet.
  old.offset = level.offset
  const output = new RegionOutput(state, place.offset, Math.min(CHUNK_RECORDS, most / RECORD_BYTES))
  mergeInto(level, output)
  output.flush()
  state.sync()
  level.replace(place, output.count, output.lastKey)
  state.publish({})
  state.growth.merges++
  freeRegion(state, old)
  state.growth.seconds += (performance.now() - start) / 1000
}

/** Writes the records in key order, without removed ones. */
function mergeInto(level: LevelWriter, output: RegionOutput): void {
  const pointer = new StreamedRecords(level)
  const records = new MergedRecords(pointer, level)
  while (records.next())
    if (!isDeletedAt(pointer.words, pointer.word)) output.put(pointer.words, pointer.word)
}

/** A level's records. The tail is in memory; the sorted part is read in order, in large pieces. */
class StreamedRecords implements RecordPointer {
  readonly #level: LevelWriter
  readonly #tail: Uint32Array
  readonly #chunk: Uint32Array
  /** Number of the first record of the chunk. */
  #first = Number.NEGATIVE_INFINITY
  words: Uint32Array
  word = 0

  constructor(level: LevelWriter) {
    this.#level = level
    this.#tail = new Uint32Array((level.count - level.sortedCount) * RECORD_WORDS)
    level.readRecords(level.sortedCount, new Uint8Array(this.#tail.buffer))
    this.#chunk = new Uint32Array(Math.min(CHUNK_RECORDS, level.sortedCount) * RECORD_WORDS)
    this.words = this.#tail
  }

  locate(record: number, sortedCount: number): void {
    if (record >= sortedCount) {
      this.words = this.#tail
      this.word = (record - sortedCount) * RECORD_WORDS
      return
    }
    if (!(record - this.#first < CHUNK_RECORDS)) {
      this.#first = record
      const n = Math.min(CHUNK_RECORDS, sortedCount - record)
      this.#level.readRecords(record, new Uint8Array(this.#chunk.buffer, 0, n * RECORD_BYTES))
    }
    this.words = this.#chunk
    this.word = (record - this.#first) * RECORD_WORDS
  }
}

class RegionOutput {
  readonly #state: StoreState
  readonly #room: number
  readonly #words: Uint32Array
  #used = 0
  #position: number
  count = 0
  lastKey = -1

  /** Buffers `room` records before it writes them. */
  constructor(state: StoreState, position: number, room: number) {
    this.#state = state
    this.#position = position
    this.#room = room
    this.#words = new Uint32Array(room * RECORD_WORDS)
  }

  put(words: Uint32Array, word: number): void {
    if (this.#used === this.#room) this.flush()
    const to = this.#used++ * RECORD_WORDS
    for (let i = 0; i < RECORD_WORDS; i++) this.#words[to + i] = words[word + i]!
    this.lastKey = keyAt(words, word)
    this.count++
  }

  flush(): void {
    const bytes = new Uint8Array(this.#words.buffer, 0, this.#used * RECORD_BYTES)
    this.#state.file.write(bytes, this.#position)
    this.#position += bytes.length
    this.#used = 0
  }
}

/**
 * Cuts a region out of the file if nobody is reading; otherwise frees its blocks and leaves a gap. The merge is already
 * complete, so a failure to free space does not fail it.
 * @throws SYSTEM when the writer has to give up
 */
function freeRegion(state: StoreState, region: Region): void {
  let isCutOut = false
  const cutOut = (): void => {
    isCutOut = collapseRange(state, region.offset, region.capacityBytes)
  }
  try {
    if (region.offset < state.valuesStart && state.collapseWorks) whenNobodyReads(state, cutOut)
  } catch (error) {
    if (state.broken !== undefined || !(error instanceof FlagstoneError)) throw error
  }
  if (!isCutOut) punch(state, region)
}

/** A reader that maps past the new end would die of SIGBUS, and views that were returned would move. */
function whenNobodyReads(state: StoreState, work: () => void): void {
  const { file } = state
  if (!file.tryLock('attach', 'exclusive')) return
  try {
    if (!file.tryLock('pin', 'exclusive')) return
    try {
      work()
    } finally {
      state.unlock('pin')
    }
  } finally {
    state.unlock('attach')
  }
}
