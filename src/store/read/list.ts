// Iterates over tiles in key order. Rows are fetched in batches, so that it works on a growing file: each batch is
// consistent, and the next one continues after the last key.
import { badRange, badType, wrongType } from '../../errors.js'
import { decodeTileId, tileId, zoomBase } from '../../format/tile-id.js'
import type { TileType } from '../../format/tile-type.js'
import { notDegrees } from '../../grid/tiles/degrees.js'
import { lonLatToTile } from '../../grid/tiles/mercator.js'
import { MAX_ZOOM } from '../../zooms.js'
import { didYouMean } from '../nearest.js'
import { etagOf } from './tile.js'

/** The fields of a record. */
export interface RecordRow {
  key: number
  deleted: boolean
  /** Offset from V. */
  offset: number
  length: number
  type: TileType
  /** CRC-32 of the value. */
  crc: number
  /** Set when the ETag is not derived from key, CRC and length. */
  etag?: string
  /** How many keys from `key` on have these bytes, possibly into the next zoom. Default 1. */
  run?: number
}

/** A rectangle of tiles of one zoom. All bounds are inclusive. */
export interface TileRange {
  /** Westernmost column. */
  minX: number
  /** Northernmost row. */
  minY: number
  /** Easternmost column. */
  maxX: number
  /** Southernmost row. */
  maxY: number
}

/** Which tiles are listed. Default: all. */
export interface TilesQuery {
  /** 0 to 26; default: all. */
  zoom?: number | undefined
  /** Requires a single zoom. */
  range?: TileRange | undefined
  /**
   * West, south, east, north, degrees: the tiles that intersect it, of one zoom or of all. West > east, or east past
   * 180, crosses the antimeridian.
   */
  bbox?: readonly [number, number, number, number] | undefined
}

/** A tile in a listing. */
export interface ListedTile {
  /** Zoom, 0 to 26. */
  z: number
  /** Column, from the west. */
  x: number
  /** Row, from the north. */
  y: number
  /** TileID of PMTiles v3. */
  id: number
  /** Bytes. */
  length: number
  /** What its bytes are. */
  type: TileType
  /** CRC-32 of its bytes; 0 for foreign PMTiles archives, where it would have to be computed. */
  crc: number
  /** The tile's ETag: strong, quoted. */
  etag: string
}

/**
 * The next `most` records of a zoom with keys from `from` on; a record that covers `from` starts there. undefined when
 * there are no more. Records of later zooms may be among them.
 */
export type Rows = (zoom: number, from: number, most: number) => RecordRow[] | undefined

/** The first batch is small, for callers that only check whether there is anything. */
const FIRST_ROWS = 4
const MOST_ROWS = 512

/**
 * The tiles that match a query, zoom by zoom in key order.
 * @throws TypeError, RangeError when the query is not valid
 */
export function listTiles(rows: Rows, query: TilesQuery): IterableIterator<ListedTile> {
  checkQuery(query)
  return listAsked(rows, query)
}

const QUERY_KEYS = ['zoom', 'range', 'bbox']
const RANGE_KEYS = ['minX', 'minY', 'maxX', 'maxY'] as const

/** Checked by hand, because it runs before every lookup of the tiles under a place. */
function checkQuery(query: TilesQuery): void {
  if (typeof query !== 'object' || query === null)
    throw wrongType('the query of tiles() must be an object', query)
  for (const key of Object.keys(query)) {
    if (!QUERY_KEYS.includes(key))
      throw badType(
        `the query of tiles() has ${QUERY_KEYS.join(', ')}; there is no '${key}'${didYouMean(key, QUERY_KEYS)}`,
      )
  }
  const { zoom, range, bbox } = query
  if (zoom !== undefined) {
    if (typeof zoom !== 'number') throw wrongType('zoom must be a number', zoom)
    if (!Number.isInteger(zoom) || zoom < 0 || zoom > MAX_ZOOM)
      throw badRange(`zoom must be a whole number from 0 to ${MAX_ZOOM}, not ${zoom}`)
  }
  if (range !== undefined) checkRange(range, zoom, bbox !== undefined)
  if (bbox !== undefined) checkBbox(bbox)
}

function checkRange(range: TileRange, zoom: number | undefined, hasBbox: boolean): void {
  if (typeof range !== 'object' || range === null)
    throw wrongType('range must be { minX, minY, maxX, maxY }', range)
  if (zoom === undefined) throw badType('a range of tiles belongs to one zoom; pass zoom too')
  if (hasBbox) throw badType('pass range or bbox, not both')
  for (const key of RANGE_KEYS) {
    if (typeof range[key] !== 'number') throw wrongType(`${key} of the range must be a number`, range[key])
    if (!Number.isInteger(range[key]))
      throw badRange(`${key} of the range must be a whole number, not ${range[key]}`)
  }
}

/** @throws TypeError, RangeError when it is not west, south, east, north in degrees */
export function checkBbox(bbox: readonly number[]): void {
  if (!Array.isArray(bbox) || bbox.length !== 4)
    throw badType('bbox must be [west, south, east, north] in degrees: four numbers')
  const wrong = bbox.findIndex((value) => typeof value !== 'number')
  if (wrong >= 0) throw wrongType('bbox must be four numbers', bbox[wrong])
  const [, south, , north] = bbox
  if (!bbox.every(Number.isFinite) || south! > north!)
    throw badRange(`bbox ${bbox} is not west, south, east, north in degrees`)
  const wrongUnit = notDegrees(bbox as [number, number, number, number])
  if (wrongUnit !== undefined) throw badRange(`bbox ${bbox}: ${wrongUnit}`)
}

function* listAsked(rows: Rows, query: TilesQuery): IterableIterator<ListedTile> {
  const first = query.zoom ?? 0
  const last = query.zoom ?? MAX_ZOOM
  for (let zoom = first; zoom <= last; zoom++) {
    const ranges = query.bbox === undefined ? [query.range] : tileRangesOf(query.bbox, zoom)
    for (const range of ranges) yield* listLevel(rows, zoom, range)
  }
}

/**
 * Converts west, south, east, north in degrees to one range of tiles, or two across the antimeridian.
 * @throws RangeError
 */
export function tileRangesOf(bbox: readonly [number, number, number, number], zoom: number): TileRange[] {
  checkBbox(bbox)
  const [, south, , north] = bbox
  const [west, east] = longitudesOf(bbox[0], bbox[2])
  const between = (from: number, to: number): TileRange => {
    const [minX, minY] = lonLatToTile(from, north, zoom)
    const [maxX, maxY] = lonLatToTile(to, south, zoom)
    return { minX, minY, maxX, maxY }
  }
  if (west <= east) return [between(west, east)]
  const [left, right] = [between(-180, east), between(west, 180)]
  // At low zooms both sides may be the same tiles.
  return left.maxX >= right.minX ? [{ ...left, maxX: right.maxX }] : [left, right]
}

/** Wraps both into -180…180; west > east when they cross the antimeridian. */
export function longitudesOf(west: number, east: number): readonly [number, number] {
  if ((west >= -180 && east <= 180) || west > east) return [west, east]
  if (east - west >= 360) return [-180, 180]
  const wrapped = (lon: number): number => lon - 360 * Math.floor((lon + 180) / 360)
  return [wrapped(west), wrapped(east)]
}

function* listLevel(rows: Rows, zoom: number, range: TileRange | undefined): IterableIterator<ListedTile> {
  const spans = range === undefined ? [[zoomBase(zoom), zoomBase(zoom + 1)] as const] : spansOf(zoom, range)
  const zxy: [number, number, number] = [0, 0, 0]
  let most = FIRST_ROWS
  for (const [from, to] of spans) {
    for (let next = from; next < to; most = Math.min(MOST_ROWS, most * 4)) {
      const bunch = rows(zoom, next, Math.min(most, to - next))
      if (bunch === undefined) return
      for (const row of bunch) {
        const end = row.key + (row.run ?? 1)
        next = end
        if (row.key >= to) break
        if (row.deleted) continue
        for (let key = row.key; key < end && key < to; key++) {
          decodeTileId(key, zxy)
          const { length, type, crc, etag = etagOf(key, crc, length) } = row
          yield { z: zxy[0], x: zxy[1], y: zxy[2], id: key, length, type, crc, etag }
        }
      }
    }
  }
}

/**
 * The live records of a zoom in key order: all, from a key on, or in a rectangle. Runs that extend beyond it are cut off.
 */
export function* listRecords(
  rows: Rows,
  zoom: number,
  part: number | TileRange = zoomBase(zoom),
): IterableIterator<RecordRow> {
  const spans = typeof part === 'number' ? [[part, zoomBase(zoom + 1)] as const] : spansOf(zoom, part)
  let most = FIRST_ROWS
  for (const [from, to] of spans)
    for (let next = from; next < to; most = Math.min(MOST_ROWS, most * 4)) {
      const bunch = rows(zoom, next, Math.min(most, to - next))
      if (bunch === undefined) return
      for (const row of bunch) {
        if (row.key >= to) {
          next = to
          break
        }
        const run = Math.min(row.run ?? 1, to - row.key)
        next = row.key + run
        if (!row.deleted) yield run === row.run || row.run === undefined ? row : { ...row, run }
      }
    }
}

/**
 * The keys of a rectangle of tiles as ascending spans [from, to). A quadtree cell has consecutive keys, so a cell that
 * lies wholly inside is one span.
 */
function* spansOf(zoom: number, range: TileRange): Generator<readonly [number, number], void> {
  let open: [number, number] | undefined
  const last = 2 ** zoom - 1
  const inWorld = (n: number): number => Math.min(Math.max(n, 0), last)
  const corners = [range.minX, range.minY, range.maxX, range.maxY].map(inWorld) as [
    number,
    number,
    number,
    number,
  ]
  // the smallest cell that holds both corners
  const up = 32 - Math.clz32((corners[0] ^ corners[2]) | (corners[1] ^ corners[3]))
  for (const span of cellSpans(zoom, range, zoom - up, corners[0] >> up, corners[1] >> up)) {
    if (open !== undefined && open[1] === span[0]) open[1] = span[1]
    else {
      if (open !== undefined) yield open
      open = [span[0], span[1]]
    }
  }
  if (open !== undefined) yield open
}

function* cellSpans(
  zoom: number,
  range: TileRange,
  z: number,
  x: number,
  y: number,
): Generator<readonly [number, number], void> {
  const size = 2 ** (zoom - z)
  const [minX, minY] = [x * size, y * size]
  const [maxX, maxY] = [minX + size - 1, minY + size - 1]
  if (maxX < range.minX || minX > range.maxX || maxY < range.minY || minY > range.maxY) return
  if (minX >= range.minX && maxX <= range.maxX && minY >= range.minY && maxY <= range.maxY) {
    const from = zoomBase(zoom) + (tileId(z, x, y) - zoomBase(z)) * size * size
    yield [from, from + size * size]
    return
  }
  const children = [0, 1, 2, 3].map((i) => ({ x: x * 2 + (i & 1), y: y * 2 + (i >> 1) }))
  children.sort((a, b) => tileId(z + 1, a.x, a.y) - tileId(z + 1, b.x, b.y))
  for (const child of children) yield* cellSpans(zoom, range, z + 1, child.x, child.y)
}
