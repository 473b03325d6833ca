// The zooms of an MBTiles archive, and how many tiles each has.
import { MAX_ZOOM } from '../../zooms.js'
import type { SqliteDatabase } from '../sqlite/database.js'

export type Level = { readonly zoom: number; readonly count: number }

const COUNT = 'SELECT zoom_level, count(*) FROM tiles GROUP BY zoom_level'
const NEXT_ZOOM = 'SELECT min(zoom_level) FROM tiles WHERE zoom_level >= ?1'
/** A zoom with up to this many tiles is counted, which takes some milliseconds. */
const FEW_TILES = 20_000
const COUNT_FEW = `SELECT count(*) FROM (SELECT 1 FROM tiles WHERE zoom_level = ?1 LIMIT ${FEW_TILES + 1})`
const ENDS = `SELECT (SELECT min(tile_column) FROM tiles WHERE zoom_level = ?1),
  (SELECT max(tile_column) FROM tiles WHERE zoom_level = ?1)`
const COUNT_COLUMN = `SELECT count(*) FROM (SELECT 1 FROM tiles WHERE zoom_level = ?1 AND tile_column = ?2 LIMIT ${FEW_TILES})`
const COLUMNS_COUNTED = 24

/** Counts all tiles. */
export function countLevels(db: SqliteDatabase): Level[] {
  const counted = db.all(COUNT, [], Number.POSITIVE_INFINITY, (row) => ({
    zoom: row.number(0),
    count: row.number(1),
  }))
  return counted.filter(({ zoom }) => Number.isInteger(zoom) && zoom >= 0 && zoom <= MAX_ZOOM)
}

/** Estimates by seeks in the index: each zoom, and the tiles of some of its columns. */
export function estimateLevels(db: SqliteDatabase): Level[] {
  const levels: Level[] = []
  for (let from = 0; from <= MAX_ZOOM; ) {
    const zoom = db.first(NEXT_ZOOM, [from], (row) => row.number(0)) ?? Number.NaN
    // no more zooms, or a text, which sorts after all numbers
    if (!(zoom <= MAX_ZOOM)) break
    if (Number.isInteger(zoom)) levels.push({ zoom, count: estimateOf(db, zoom) })
    from = Math.floor(zoom) + 1
  }
  return levels
}

function estimateOf(db: SqliteDatabase, zoom: number): number {
  const few = db.first(COUNT_FEW, [zoom], (row) => row.number(0)) ?? 0
  if (few <= FEW_TILES) return few
  const [first = 0, last = 0] = db.first(ENDS, [zoom], (row) => [row.number(0), row.number(1)]) ?? []
  const width = last - first + 1
  if (!(width > 0)) return few
  const columns = new Set(
    Array.from(
      { length: COLUMNS_COUNTED },
      (_, i) => first + Math.floor(((i + 0.5) * width) / COLUMNS_COUNTED),
    ),
  )
  let counted = 0
  for (const x of columns) counted += db.first(COUNT_COLUMN, [zoom, x], (row) => row.number(0)) ?? 0
  return Math.max(few, Math.round((counted * width) / columns.size))
}
