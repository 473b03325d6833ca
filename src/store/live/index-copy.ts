// All indexes of a file as of one commit, copied while a writer may be active. Virtual archives are built from it.
//
// Invariants: everything belongs to the epoch of `superblock`. Entries are in key order, with the tail merged in and
// removed tiles left out. Records are checked (order, zoom, bounds) before they are handed out. The event loop is never
// blocked: reading is done in the thread pool, counting in slices.
import { FlagstoneError } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import type { Entry } from '../../format/directory.js'
import { RECORD_BYTES, RECORD_WORDS } from '../../format/layout.js'
import { isDeletedAt, keyAt, lengthAt, offsetAt } from '../../format/record.js'
import type { Superblock } from '../../format/superblock/fields.js'
import { zoomBase } from '../../format/tile-id.js'
import { type MergedLevel, MergedRecords, RecordArray } from '../index/merged.js'
import { TailIndex } from '../index/tail.js'
import { type Census, CensusTaker } from '../pmtiles/census.js'
import type { FlatReader } from '../read/reader.js'
import { revisionOf } from '../read/session.js'
import type { Pace } from './pace.js'

/** Limit on records: 200 MB. */
const MAX_RECORDS = 2 ** 23
const CHUNK_BYTES = 2 ** 18 * RECORD_BYTES
const TRIES = 20
/**
 * Indexes up to this size are read synchronously: 12 MB in a few milliseconds. Larger ones only after PATIENT_TRIES
 * have failed.
 */
const AT_ONCE_RECORDS = 2 ** 19
const PATIENT_TRIES = 4
/** Number of records between checks of the clock. */
const SLICE = 2 ** 14

/** A level's records in memory. */
class LevelCopy implements MergedLevel {
  readonly zoom: number
  readonly sortedCount: number
  readonly words: Uint32Array
  readonly #tail: TailIndex
  readonly #tailKeys: Float64Array

  constructor(zoom: number, sortedCount: number, words: Uint32Array, tail: TailIndex) {
    this.zoom = zoom
    this.sortedCount = sortedCount
    this.words = words
    this.#tail = tail
    this.#tailKeys = tail.sortedKeys()
  }

  tailKeys(): Float64Array {
    return this.#tailKeys
  }

  findInTail(key: number): number {
    return this.sortedCount + this.#tail.find(key)
  }
}

export interface IndexCopy {
  readonly superblock: Superblock
  readonly metadata: Record<string, unknown>
  readonly census: Census
  /** Distinct values; 0 when there were too many to count. */
  readonly distinct: number
  /** Offsets are relative to V. The same object is yielded each time. */
  entries(): Generator<Entry, void>
}

/**
 * Copies the indexes of the file's current state.
 * @throws TOO_LARGE when there are more than 2^23 records
 * @throws LOCKED when the writer commits faster than the records can be read
 * @throws DAMAGED when records are damaged
 */
export async function copyIndex(reader: FlatReader, pace: Pace): Promise<IndexCopy> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { superblock } = reader
    const metadata = reader.metadata()
    if (reader.revision !== revisionOf(superblock)) continue
    const levels = await copyLevels(reader, superblock, tries >= PATIENT_TRIES, pace)
    if (levels === undefined) continue
    const { census, distinct } = await inspect(reader.path, levels, superblock, pace)
    return { superblock, metadata, census, distinct, entries: () => entriesOf(levels) }
  }
  throw new FlagstoneError(
    'LOCKED',
    `${reader.path}: it is committed to faster than its index can be read; try again, or seal it.`,
  )
}

/** Undefined when the file has changed meanwhile. */
async function copyLevels(
  reader: FlatReader,
  sb: Superblock,
  isLate: boolean,
  pace: Pace,
): Promise<LevelCopy[] | undefined> {
  const records = sb.levels.reduce((sum, level) => sum + level.count, 0)
  if (records > MAX_RECORDS) {
    throw new FlagstoneError(
      'TOO_LARGE',
      `${reader.path}: its index of ${records} records is too large to be made a PMTiles archive on the fly (at most ${MAX_RECORDS}); seal it.`,
    )
  }
  const revision = revisionOf(sb)
  const atOnce = isLate || records <= AT_ONCE_RECORDS
  const copies: { zoom: number; words: Uint32Array }[] = []
  for (const [zoom, { offset, count }] of sb.levels.entries()) {
    if (count === 0) continue
    const bytes = new Uint8Array(count * RECORD_BYTES)
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const part = bytes.subarray(at, at + CHUNK_BYTES)
      const place = (now: Superblock): number | undefined =>
        revisionOf(now) === revision ? offset + at : undefined
      const of = atOnce ? reader.readBytesSync(part, place) : await reader.readBytes(part, place)
      if (of === undefined) return undefined
    }
    copies.push({ zoom, words: new Uint32Array(bytes.buffer) })
  }
  const levels: LevelCopy[] = []
  for (const { zoom, words } of copies) levels.push(await withTail(reader.path, zoom, words, sb, pace))
  return levels
}

async function withTail(
  path: string,
  zoom: number,
  words: Uint32Array,
  sb: Superblock,
  pace: Pace,
): Promise<LevelCopy> {
  const { count, sortedCount } = sb.levels[zoom]!
  const tailBytes = new Uint8Array(words.buffer, sortedCount * RECORD_BYTES)
  if (tailBytes.length > 0 && crc32(tailBytes) !== sb.tailCrcs[zoom])
    throw damaged(path, `the tail of zoom ${zoom} does not match its checksum`)
  const tail = new TailIndex(count - sortedCount)
  for (let i = sortedCount; i < count; i++) {
    tail.push(keyAt(words, i * RECORD_WORDS))
    if (i % SLICE === 0) await pace()
  }
  return new LevelCopy(zoom, sortedCount, words, tail)
}

/** The records of existing tiles in key order; the words of each start at `at.word`. */
function* liveRecords(level: LevelCopy): Generator<RecordArray, void> {
  const at = new RecordArray(level.words)
  const records = new MergedRecords(at, level)
  while (records.next()) if (!isDeletedAt(at.words, at.word)) yield at
}

function* entriesOf(levels: readonly LevelCopy[]): Generator<Entry, void> {
  const entry: Entry = { tileId: 0, offset: 0, length: 0, runLength: 1 }
  for (const level of levels)
    for (const { words, word } of liveRecords(level)) {
      entry.tileId = keyAt(words, word)
      entry.offset = offsetAt(words, word)
      entry.length = lengthAt(words, word)
      yield entry
    }
}

/** With more tiles than this, distinct values are not counted: that takes 24 bytes for each. */
const MAX_COUNTED = 2 ** 20

async function inspect(
  path: string,
  levels: readonly LevelCopy[],
  sb: Superblock,
  pace: Pace,
): Promise<{ census: Census; distinct: number }> {
  const records = levels.reduce((sum, level) => sum + level.words.length / RECORD_WORDS, 0)
  const offsets = records <= MAX_COUNTED ? new TailIndex(records) : undefined
  const taker = new CensusTaker()
  for (const level of levels) {
    const { zoom } = level
    const end = zoomBase(zoom + 1)
    let last = zoomBase(zoom) - 1
    let seen = 0
    for (const { words, word } of liveRecords(level)) {
      const key = keyAt(words, word)
      const offset = offsetAt(words, word)
      if (key <= last || key >= end)
        throw damaged(path, `the index of zoom ${zoom} has key ${key} after ${last}`)
      if (offset + lengthAt(words, word) > sb.valuesLength || lengthAt(words, word) === 0)
        throw damaged(path, `tile ${key} of zoom ${zoom} lies outside the values`)
      last = key
      offsets?.push(offset)
      if (seen === 0) taker.beginZoom(zoom)
      taker.add(words, word)
      if (++seen % SLICE === 0) await pace()
    }
  }
  return { census: taker.done(), distinct: offsets?.size ?? 0 }
}

const damaged = (path: string, clause: string): FlagstoneError =>
  new FlagstoneError('DAMAGED', `${path}: ${clause}; run \`flagstone verify\` for details.`)
