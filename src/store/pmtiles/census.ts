// Counts the contents of the indexes in bounded memory: types, extent, distinct values. Also
// streams their records as PMTiles entries.
import type { Entry } from '../../format/directory.js'
import { RECORD_BYTES, RECORD_WORDS } from '../../format/layout.js'
import { isDeletedAt, keyAt, lengthAt, offsetAt, typeAt } from '../../format/record.js'
import type { Level } from '../../format/superblock/fields.js'
import { decodeTileId, zoomBase } from '../../format/tile-id.js'
import type { ByteFile } from '../../platform/byte-file.js'
import { scanRecords } from '../file/scan.js'
import { widen } from './widen.js'

export interface Extent {
  tiles: number
  minZoom: number
  maxZoom: number
  /** Tile coordinates at maxZoom, inclusive: of its tiles, and of those above that have none below them at an edge. */
  minX: number
  minY: number
  maxX: number
  maxY: number
}

/** Counts over sorted records. */
export interface Census extends Extent {
  /** Number of tiles by type code. */
  types: Map<number, number>
  /** The value of the first tile of each type; offsets are from V. */
  first: Map<number, { readonly offset: number; readonly length: number }>
  /** Zooms with deleted records, which are counted as tiles until they are merged away. */
  withDeleted: Set<number>
}

/** Counts records that it is given zoom by zoom, ascending. */
export class CensusTaker {
  readonly #census: Census = {
    tiles: 0,
    minZoom: 0,
    maxZoom: 0,
    minX: 0,
    minY: 0,
    maxX: 0,
    maxY: 0,
    types: new Map(),
    first: new Map(),
    withDeleted: new Set(),
  }
  readonly #typeCounts = new Float64Array(256)
  readonly #zxy = new Int32Array(3)
  readonly #above: Extent[] = []
  #from = 0
  #to = 0

  /** Starts a zoom that has records. */
  beginZoom(zoom: number): void {
    const census = this.#census
    if (this.#to === 0) census.minZoom = zoom
    else this.#above.push({ ...census })
    census.maxZoom = zoom
    census.minX = census.minY = Number.POSITIVE_INFINITY
    census.maxX = census.maxY = 0
    this.#from = zoomBase(zoom)
    this.#to = zoomBase(zoom + 1)
  }

  add(words: Uint32Array, word: number): void {
    const census = this.#census
    const type = typeAt(words, word)
    census.tiles++
    if (isDeletedAt(words, word)) census.withDeleted.add(census.maxZoom)
    else if (this.#typeCounts[type] === 0)
      census.first.set(type, { offset: offsetAt(words, word), length: lengthAt(words, word) })
    this.#typeCounts[type] = this.#typeCounts[type]! + 1
    const key = keyAt(words, word)
    // A key of another zoom is damage, which is reported elsewhere.
    if (!(key >= this.#from && key < this.#to)) return
    decodeTileId(key, this.#zxy)
    const [, x, y] = this.#zxy as unknown as [number, number, number]
    if (x < census.minX) census.minX = x
    if (x > census.maxX) census.maxX = x
    if (y < census.minY) census.minY = y
    if (y > census.maxY) census.maxY = y
  }

  done(): Census {
    for (const [type, n] of this.#typeCounts.entries()) if (n > 0) this.#census.types.set(type, n)
    const census = this.#census
    for (const above of this.#above.toReversed()) widen(census, census.maxZoom - above.maxZoom, above)
    return this.#census
  }
}

export function takeCensus(file: ByteFile, levels: readonly Level[]): Census {
  const taker = new CensusTaker()
  for (const [zoom, { offset, count }] of levels.entries()) {
    if (count === 0) continue
    taker.beginZoom(zoom)
    scanRecords(file, offset, count, (words, word) => taker.add(words, word))
  }
  return taker.done()
}

/** Number of offsets sorted at a time: 64 MiB. */
const DISTINCT_AT_ONCE = 2 ** 23

/** The exact number of distinct offsets, in as many passes as the memory limit requires. */
export function countDistinctValues(file: ByteFile, levels: readonly Level[], valuesLength: number): number {
  const records = levels.reduce((n, level) => n + level.count, 0)
  return countInSpan(file, levels, 0, valuesLength, records)
}

function countInSpan(
  file: ByteFile,
  levels: readonly Level[],
  from: number,
  to: number,
  atMost: number,
): number {
  const parts = Math.ceil(atMost / DISTINCT_AT_ONCE)
  let distinct = 0
  for (let part = 0; part < parts; part++) {
    const low = from + Math.floor(((to - from) / parts) * part)
    const high = part === parts - 1 ? to : from + Math.floor(((to - from) / parts) * (part + 1))
    distinct += countPart(file, levels, low, high, Math.min(atMost, 2 * DISTINCT_AT_ONCE))
  }
  return distinct
}

/** Number of distinct offsets in [low, high). If they do not fit into memory, the span is halved. */
function countPart(
  file: ByteFile,
  levels: readonly Level[],
  low: number,
  high: number,
  room: number,
): number {
  const offsets = new Float64Array(room)
  let n = 0
  let last = -1
  for (const { offset, count } of levels)
    scanRecords(file, offset, count, (words, word) => {
      const value = offsetAt(words, word)
      if (value < low || value >= high || value === last) return
      last = value
      if (n < room) offsets[n] = value
      n++
    })
  if (n > room) {
    const middle = low + Math.floor((high - low) / 2)
    return countPart(file, levels, low, middle, room) + countPart(file, levels, middle, high, room)
  }
  const sorted = offsets.subarray(0, n).sort()
  let distinct = 0
  for (let i = 0; i < n; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) distinct++
  return distinct
}

const CHUNK_RECORDS = 1 << 14

/** All records in key order as entries, with `base` added to their offsets. The same object is yielded each time. */
export function* entriesOf(file: ByteFile, levels: readonly Level[], base: number): Generator<Entry, void> {
  const entry: Entry = { tileId: 0, offset: 0, length: 0, runLength: 1 }
  const most = Math.max(0, ...levels.map(({ count }) => count))
  const words = new Uint32Array(Math.min(CHUNK_RECORDS, most) * RECORD_WORDS)
  for (const { offset, count } of levels)
    for (let first = 0; first < count; first += CHUNK_RECORDS) {
      const n = Math.min(CHUNK_RECORDS, count - first)
      file.read(new Uint8Array(words.buffer, 0, n * RECORD_BYTES), offset + first * RECORD_BYTES)
      for (let i = 0; i < n; i++) {
        entry.tileId = keyAt(words, i * RECORD_WORDS)
        entry.offset = offsetAt(words, i * RECORD_WORDS) + base
        entry.length = lengthAt(words, i * RECORD_WORDS)
        yield entry
      }
    }
}
