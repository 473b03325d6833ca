// The tables that MBTiles archives have, under the names that martin's `mbtiles` tool gives them.
import { createHash } from 'node:crypto'
import type { NewDatabase, NewStatement } from '../sqlite/new-database.js'

/** 'flat': one table. 'flat-with-hash': with a hash of each tile. 'normalized': equal tiles are stored once. */
export type MbtilesType = (typeof MBTILES_TYPES)[number]

export const MBTILES_TYPES = ['flat', 'flat-with-hash', 'normalized'] as const

/** Adds a tile; the row is counted from the south. */
export type PutTile = (zoom: number, column: number, row: number, bytes: Uint8Array) => void

const PLACE = 'zoom_level INTEGER NOT NULL, tile_column INTEGER NOT NULL, tile_row INTEGER NOT NULL'
const BY_PLACE = '(zoom_level, tile_column, tile_row)'
const JOINED = 'FROM map INNER JOIN images ON map.tile_id = images.tile_id'
const MAPPED = 'map.zoom_level, map.tile_column, map.tile_row, images.tile_data'

const TABLES: Readonly<Record<MbtilesType, readonly string[]>> = {
  flat: [
    `CREATE TABLE tiles (${PLACE}, tile_data BLOB)`,
    `CREATE UNIQUE INDEX tile_index ON tiles ${BY_PLACE}`,
  ],
  'flat-with-hash': [
    `CREATE TABLE tiles_with_hash (${PLACE}, tile_data BLOB, tile_hash TEXT)`,
    `CREATE UNIQUE INDEX tile_index ON tiles_with_hash ${BY_PLACE}`,
    'CREATE VIEW tiles AS SELECT zoom_level, tile_column, tile_row, tile_data FROM tiles_with_hash',
  ],
  normalized: [
    `CREATE TABLE map (${PLACE}, tile_id TEXT)`,
    `CREATE UNIQUE INDEX map_index ON map ${BY_PLACE}`,
    'CREATE TABLE images (tile_data BLOB, tile_id TEXT)',
    'CREATE UNIQUE INDEX images_id ON images (tile_id)',
    `CREATE VIEW tiles AS SELECT ${MAPPED} ${JOINED}`,
    `CREATE VIEW tiles_with_hash AS SELECT ${MAPPED}, images.tile_id AS tile_hash ${JOINED}`,
  ],
}

/** Creates the tables and returns what adds a tile. */
export function createTables(db: NewDatabase, type: MbtilesType): PutTile {
  for (const sql of TABLES[type]) db.run(sql)
  return PUT[type](db)
}

const PUT: Readonly<Record<MbtilesType, (db: NewDatabase) => PutTile>> = {
  flat(db) {
    const insert = db.prepare('INSERT INTO tiles VALUES (?1, ?2, ?3, ?4)')
    return (zoom, column, row, bytes) => {
      insert.bindBytes(4, bytes)
      insertAt(insert, zoom, column, row)
    }
  },
  'flat-with-hash'(db) {
    const insert = db.prepare('INSERT INTO tiles_with_hash VALUES (?1, ?2, ?3, ?4, ?5)')
    return (zoom, column, row, bytes) => {
      insert.bindBytes(4, bytes)
      insert.bindText(5, md5(bytes))
      insertAt(insert, zoom, column, row)
    }
  },
  normalized(db) {
    const image = db.prepare('INSERT OR IGNORE INTO images VALUES (?1, ?2)')
    const map = db.prepare('INSERT INTO map VALUES (?1, ?2, ?3, ?4)')
    return (zoom, column, row, bytes) => {
      const id = md5(bytes)
      image.bindBytes(1, bytes)
      image.bindText(2, id)
      run(image)
      map.bindText(4, id)
      insertAt(map, zoom, column, row)
    }
  },
}

function insertAt(insert: NewStatement, zoom: number, column: number, row: number): void {
  insert.bindNumber(1, zoom)
  insert.bindNumber(2, column)
  insert.bindNumber(3, row)
  run(insert)
}

function run(statement: NewStatement): void {
  try {
    statement.step()
  } finally {
    statement.reset()
  }
}

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex').toUpperCase()
