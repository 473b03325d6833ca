// Iterating over tiles in key order, in rows fetched one bunch at a time, so that it works on a file that is
// growing: each bunch is consistent, and the next continues behind the last key.
import { decodeTileId, tileId, zoomBase } from '../format/tile-id.js'
import type { TileType } from '../format/tile-type.js'
import { lonLatToTile } from '../grid/mercator.js'
import { etagOf } from './tile.js'

/** What a record says. */
export interface RecordRow {
  key: number
  deleted: boolean
  /** From V. */
  offset: number
  length: number
  type: TileType
  /** CRC-32 of the value. */
  crc: number
  /** Where it is not made of the key, the CRC and the length. */
  etag?: string
}

/** Inclusive tile coordinates. */
export interface TileRange {
  minX: number
  minY: number
  maxX: number
  maxY: number
}

export interface TilesQuery {
  zoom?: number | undefined
  /** Only of a single zoom. */
  range?: TileRange | undefined
  /** West, south, east, north, degrees: tiles that meet it, of one zoom or of all; west > east crosses the antimeridian. */
  bbox?: readonly [number, number, number, number] | undefined
}

export interface ListedTile {
  z: number
  x: number
  y: number
  /** TileID. */
  id: number
  length: number
  type: TileType
  crc: number
  etag: string
}

/** `rows(zoom, from)`: the next records with keys from `from` on, undefined when there are no more. */
export function* listTiles(
  rows: (zoom: number, from: number) => RecordRow[] | undefined,
  query: TilesQuery,
): IterableIterator<ListedTile> {
  if (query.range !== undefined && query.zoom === undefined)
    throw new TypeError('a range of tiles belongs to one zoom; say which')
  if (query.range !== undefined && query.bbox !== undefined)
    throw new TypeError('ask for a range or for a bbox, not for both')
  const first = query.zoom ?? 0
  const last = query.zoom ?? 26
  for (let zoom = first; zoom <= last; zoom++) {
    const ranges = query.bbox === undefined ? [query.range] : tileRangesOf(query.bbox, zoom)
    for (const range of ranges) yield* listLevel(rows, zoom, range)
  }
}

/** West, south, east, north in degrees → one range of tiles, or two where they cross the antimeridian. Throws RangeError. */
export function tileRangesOf(bbox: readonly [number, number, number, number], zoom: number): TileRange[] {
  const [west, south, east, north] = bbox
  if (!bbox.every(Number.isFinite) || south > north)
    throw new RangeError(`${bbox} is no rectangle: west, south, east, north in degrees are wanted`)
  const between = (from: number, to: number): TileRange => {
    const [minX, minY] = lonLatToTile(from, north, zoom)
    const [maxX, maxY] = lonLatToTile(to, south, zoom)
    return { minX, minY, maxX, maxY }
  }
  if (west <= east) return [between(west, east)]
  const [left, right] = [between(-180, east), between(west, 180)]
  // At low zooms both sides are the same tiles.
  return left.maxX >= right.minX ? [{ ...left, maxX: right.maxX }] : [left, right]
}

function* listLevel(
  rows: (zoom: number, from: number) => RecordRow[] | undefined,
  zoom: number,
  range: TileRange | undefined,
): IterableIterator<ListedTile> {
  const spans = range === undefined ? [[zoomBase(zoom), zoomBase(zoom + 1)] as const] : spansOf(zoom, range)
  const zxy: [number, number, number] = [0, 0, 0]
  for (const [from, to] of spans) {
    for (let next = from; next < to; ) {
      const bunch = rows(zoom, next)
      if (bunch === undefined) return
      for (const row of bunch) {
        next = row.key + 1
        if (row.key >= to) break
        if (row.deleted) continue
        decodeTileId(row.key, zxy)
        const { key, length, type, crc, etag = etagOf(key, crc, length) } = row
        yield { z: zxy[0], x: zxy[1], y: zxy[2], id: key, length, type, crc, etag }
      }
    }
  }
}

/**
 * The keys of a rectangle of tiles as ascending spans [from, to): a quadtree cell has consecutive keys, so a
 * cell wholly inside is one span.
 */
function* spansOf(zoom: number, range: TileRange): Generator<readonly [number, number], void> {
  let open: [number, number] | undefined
  for (const span of cellSpans(zoom, range, 0, 0, 0)) {
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
