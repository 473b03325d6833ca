// Reads many tiles with few queries: all of them in the order of the index, or chosen ones by squares.
//
// Between two queries nothing is locked, so that a writer is not kept out while the caller uses what was read.
import { FlagstoneError } from '../../errors.js'
import { allocate } from '../../store/read/slab.js'
import type { StoredTile, TilePlace } from '../../store/read/tile-set.js'
import type { Row } from '../sqlite/connection.js'
import type { SqliteDatabase } from '../sqlite/database.js'

/** The bytes and type of a tile from what is stored; undefined when it is empty. */
export type Unpack = (data: Uint8Array | undefined) => Pick<StoredTile, 'bytes' | 'type'> | undefined

type Stored = { readonly x: number; readonly row: number; readonly data: Uint8Array | undefined }

/** A query ends after so many rows or bytes. */
const AT_ONCE_ROWS = 4096
const AT_ONCE_BYTES = 8 * 1024 * 1024

const DATA = 'SELECT tile_column, tile_row, tile_data FROM tiles WHERE zoom_level = ?1'
const AFTER = `${DATA} AND tile_column BETWEEN 0 AND ?2 AND tile_row BETWEEN 0 AND ?2
  AND (tile_column, tile_row) > (?3, ?4) ORDER BY tile_column, tile_row`
const IN_COLUMN = `${DATA} AND tile_column = ?2 AND tile_row BETWEEN ?3 AND ?4`

/** Without an index every query reads all tiles: so many of them take a minute. */
const MANY_TILES = 20_000
const PLAN = `EXPLAIN QUERY PLAN ${IN_COLUMN}`

/** @throws NOT_A_TILE_FILE when reading all tiles would take hours, because there is no index */
export function requireIndex(db: SqliteDatabase, tiles: number): void {
  if (tiles <= MANY_TILES) return
  const steps = db.all(PLAN, [0, 0, 0, 0], 100, (row) => row.text(3) ?? '')
  if (!steps.some((step) => step.startsWith('SCAN') || step.includes('AUTOMATIC'))) return
  throw new FlagstoneError(
    'NOT_A_TILE_FILE',
    `${db.path} has no index of its tiles, so reading all of them would take hours. Create one: CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row), or the same on the tables behind a view.`,
    { path: db.path },
  )
}

/** All tiles of a zoom by column and row, each place once. */
export function* scanZoom(db: SqliteDatabase, zoom: number, unpack: Unpack): Generator<StoredTile, void> {
  const last = 2 ** zoom - 1
  let after: readonly [number, number] = [-1, -1]
  for (;;) {
    const { stored, isEnd } = pageOf(db, AFTER, [zoom, last, ...after])
    for (const { x, row, data } of stored) {
      const isSame = x === after[0] && row === after[1]
      after = [x, row]
      // without a unique index a place may come twice; the first one is also what a lookup finds
      if (isSame || !Number.isInteger(x) || !Number.isInteger(row)) continue
      const tile = unpack(data)
      if (tile !== undefined) yield { z: zoom, x, y: last - row, ...tile }
    }
    if (isEnd) return
  }
}

/** The first rows of a query, up to some number of rows and bytes. */
function pageOf(
  db: SqliteDatabase,
  sql: string,
  values: readonly number[],
): { readonly stored: readonly Stored[]; readonly isEnd: boolean } {
  return db.read((connection) => {
    const stored: Stored[] = []
    let [bytes, isEnd] = [0, true]
    connection.each(sql, values, (row) => {
      const one = storedOf(row)
      stored.push(one)
      bytes += one.data?.length ?? 0
      isEnd = stored.length < AT_ONCE_ROWS && bytes < AT_ONCE_BYTES
      return isEnd
    })
    return { stored, isEnd }
  })
}

function storedOf(row: Row): Stored {
  const found = row.view(2)
  const data = found && allocate(found.length)
  if (found !== undefined) data?.set(found)
  return { x: row.number(0), row: row.number(1), data }
}

/** Side of the squares: TileIDs go through one square after the other. */
const SQUARE = 32

/** Tiles at places that come square by square; in any other order it is right, but slow. */
export function* readEach(
  db: SqliteDatabase,
  places: Iterable<TilePlace>,
  unpack: Unpack,
  get: (z: number, x: number, y: number) => Pick<StoredTile, 'bytes' | 'type'> | undefined,
): Generator<StoredTile, void> {
  for (const square of squaresOf(places)) {
    const read = readSquare(db, square)
    for (const { z, x, y } of square) {
      const data = read.get((x % SQUARE) * SQUARE + (y % SQUARE))
      const tile = data === undefined ? get(z, x, y) : unpack(data)
      if (tile !== undefined) yield { z, x, y, ...tile }
    }
  }
}

/** Places that follow each other in one square. */
function* squaresOf(places: Iterable<TilePlace>): Generator<TilePlace[], void> {
  let square: TilePlace[] = []
  for (const place of places) {
    const first = square[0]
    const isInside =
      first !== undefined &&
      first.z === place.z &&
      Math.floor(first.x / SQUARE) === Math.floor(place.x / SQUARE) &&
      Math.floor(first.y / SQUARE) === Math.floor(place.y / SQUARE)
    if (first !== undefined && !isInside) {
      yield square
      square = []
    }
    square.push(place)
  }
  if (square.length > 0) yield square
}

/** The tiles of a square, or some of them, column by column, by place in the square. */
function readSquare(db: SqliteDatabase, square: readonly TilePlace[]): Map<number, Uint8Array> {
  const read = new Map<number, Uint8Array>()
  const columns = new Map<number, { minY: number; maxY: number; count: number }>()
  for (const { x, y } of square) {
    const column = columns.get(x)
    if (column === undefined) columns.set(x, { minY: y, maxY: y, count: 1 })
    else {
      column.minY = Math.min(column.minY, y)
      column.maxY = Math.max(column.maxY, y)
      column.count++
    }
  }
  const { z } = square[0]!
  const last = 2 ** z - 1
  let bytes = 0
  for (const [x, { minY, maxY, count }] of columns) {
    // few of many are looked up one by one
    if (count === 1 || maxY - minY > 2 * count) continue
    for (const { row, data } of pageOf(db, IN_COLUMN, [z, x, last - maxY, last - minY]).stored) {
      const at = (x % SQUARE) * SQUARE + ((last - row) % SQUARE)
      if (data !== undefined && Number.isInteger(row) && !read.has(at)) read.set(at, data)
      bytes += data?.length ?? 0
    }
    if (bytes > AT_ONCE_BYTES * 4) break
  }
  return read
}
