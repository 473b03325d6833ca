// All indexes of a file as they were at one commit, copied while a writer may be at work: what a virtual archive
// is made of.
//
// Invariants: everything is of the epoch of `superblock`; what is listed is in key order, the tail merged in,
// removed tiles left out; whatever the records say was checked before it is handed out (order, zoom, bounds).
// Nothing holds up the event loop: reading is done in the thread pool, counting in slices.
import { FlagstoneError } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import type { Entry } from '../../format/directory.js'
import { RECORD_BYTES, RECORD_WORDS } from '../../format/layout.js'
import { isDeletedAt, keyAt, lengthAt, offsetAt, typeAt } from '../../format/record.js'
import type { Superblock } from '../../format/superblock.js'
import { decodeTileId, zoomBase } from '../../format/tile-id.js'
import { TailIndex } from '../index/tail.js'
import type { Census } from '../pmtiles/census.js'
import { type FlatReader, revisionOf } from '../read/reader.js'
import type { Pace } from './pace.js'

/** 200 MB. */
const MAX_RECORDS = 2 ** 23
const CHUNK_BYTES = 2 ** 18 * RECORD_BYTES
const TRIES = 20
/** Indexes this small are read at once, 12 MB in some milliseconds; larger ones when all else has failed so often. */
const AT_ONCE_RECORDS = 2 ** 19
const PATIENT_TRIES = 4
/** Records between two looks at the clock. */
const SLICE = 2 ** 14

interface LevelCopy {
  readonly zoom: number
  readonly sortedCount: number
  readonly words: Uint32Array
  /** Of the tail: its keys in order, and where each stands last. */
  readonly tail: TailIndex
  readonly tailKeys: Float64Array
}

export interface IndexCopy {
  readonly superblock: Superblock
  readonly metadata: Record<string, unknown>
  readonly census: Census
  /** Distinct values; 0 when there were too many to count. */
  readonly distinct: number
  /** Offsets are relative to V. One object, handed out again and again. */
  entries(): Generator<Entry, void>
}

/**
 * @throws TOO_LARGE when there are more than 2^23 records
 * @throws LOCKED when the writer commits faster than they can be read
 * @throws DAMAGED when records cannot be
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

/** Undefined when the file moved on meanwhile. */
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
  return { zoom, sortedCount, words, tail, tailKeys: tail.sortedKeys() }
}

/** Word positions of the live records of a level, in key order. */
function* liveWords({ words, sortedCount, tail, tailKeys }: LevelCopy): Generator<number, void> {
  let next = 0
  const end = sortedCount * RECORD_WORDS
  for (let word = 0; word < end || next < tailKeys.length; ) {
    const key = word < end ? keyAt(words, word) : Number.POSITIVE_INFINITY
    if (next === tailKeys.length || key < tailKeys[next]!) {
      if (!isDeletedAt(words, word)) yield word
      word += RECORD_WORDS
      continue
    }
    if (key === tailKeys[next]) word += RECORD_WORDS
    const last = (sortedCount + tail.find(tailKeys[next++]!)) * RECORD_WORDS
    if (!isDeletedAt(words, last)) yield last
  }
}

function* entriesOf(levels: readonly LevelCopy[]): Generator<Entry, void> {
  const entry: Entry = { tileId: 0, offset: 0, length: 0, runLength: 1 }
  for (const level of levels) {
    const { words } = level
    for (const word of liveWords(level)) {
      entry.tileId = keyAt(words, word)
      entry.offset = offsetAt(words, word)
      entry.length = lengthAt(words, word)
      yield entry
    }
  }
}

/** Of more tiles than this distinct values are not counted: it would take 24 bytes for each. */
const MAX_COUNTED = 2 ** 20

async function inspect(
  path: string,
  levels: readonly LevelCopy[],
  sb: Superblock,
  pace: Pace,
): Promise<{ census: Census; distinct: number }> {
  const types = new Map<number, number>()
  const census: Census = {
    tiles: 0,
    minZoom: -1,
    maxZoom: 0,
    minX: 0,
    minY: 0,
    maxX: 0,
    maxY: 0,
    types,
    first: new Map(),
    withDeleted: new Set(),
  }
  const records = levels.reduce((sum, level) => sum + level.words.length / RECORD_WORDS, 0)
  const offsets = records <= MAX_COUNTED ? new TailIndex(records) : undefined
  const zxy = new Int32Array(3)
  for (const level of levels) {
    const { zoom, words } = level
    const end = zoomBase(zoom + 1)
    let last = zoomBase(zoom) - 1
    let seen = 0
    for (const word of liveWords(level)) {
      const key = keyAt(words, word)
      const offset = offsetAt(words, word)
      if (key <= last || key >= end)
        throw damaged(path, `the index of zoom ${zoom} has key ${key} after ${last}`)
      if (offset + lengthAt(words, word) > sb.valuesLength || lengthAt(words, word) === 0)
        throw damaged(path, `tile ${key} of zoom ${zoom} lies outside the values`)
      last = key
      offsets?.push(offset)
      const type = typeAt(words, word)
      const already = types.get(type) ?? 0
      if (already === 0) census.first.set(type, { offset, length: lengthAt(words, word) })
      types.set(type, already + 1)
      decodeTileId(key, zxy)
      if (seen === 0) startLevel(census, zoom, zxy)
      widen(census, zxy)
      if (++seen % SLICE === 0) await pace()
    }
    census.tiles += seen
  }
  if (census.minZoom < 0) census.minZoom = 0
  return { census, distinct: offsets?.size ?? 0 }
}

function startLevel(census: Census, zoom: number, zxy: Int32Array): void {
  if (census.minZoom < 0) census.minZoom = zoom
  census.maxZoom = zoom
  census.minX = census.maxX = zxy[1]!
  census.minY = census.maxY = zxy[2]!
}

function widen(census: Census, zxy: Int32Array): void {
  census.minX = Math.min(census.minX, zxy[1]!)
  census.maxX = Math.max(census.maxX, zxy[1]!)
  census.minY = Math.min(census.minY, zxy[2]!)
  census.maxY = Math.max(census.maxY, zxy[2]!)
}

const damaged = (path: string, clause: string): FlagstoneError =>
  new FlagstoneError('DAMAGED', `${path}: ${clause}; \`flagstone verify\` says more.`)
