// Checks an MBTiles archive with another SQLite, as martin's `mbtiles validate` does.
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import type Database from 'libsql'

const Sqlite = createRequire(import.meta.url)('libsql') as typeof Database
const PLACE = ['tile_column', 'tile_row', 'zoom_level']
const WRONG = `SELECT 1 FROM tiles WHERE typeof(zoom_level) <> 'integer' OR zoom_level NOT BETWEEN 0 AND 30
  OR typeof(tile_column) <> 'integer' OR tile_column < 0 OR tile_column >= 1 << zoom_level
  OR typeof(tile_row) <> 'integer' OR tile_row < 0 OR tile_row >= 1 << zoom_level
  OR typeof(tile_data) NOT IN ('blob', 'null')`

type Row = Record<string, string | number | ArrayBuffer>

const bytesOf = (value: unknown): Buffer => Buffer.from(value as ArrayBuffer)

export interface CheckedMbtiles {
  readonly metadata: Record<string, string>
  /** Kinds of what it has, by name. */
  readonly schema: Record<string, string>
  readonly tiles: number
  /** Number of distinct values, where they are stored once. */
  readonly images: number | undefined
  readonly applicationId: number
  /** What is wrong. */
  readonly problems: readonly string[]
}

export function checkMbtiles(path: string): CheckedMbtiles {
  const db = new Sqlite(path, { readonly: true })
  const all = (sql: string, ...values: unknown[]): Row[] => db.prepare(sql).all(...values) as Row[]
  try {
    const problems: string[] = []
    const expect = (ok: boolean, problem: string): unknown => ok || problems.push(problem)
    const integrity = all('PRAGMA integrity_check').map((row) => Object.values(row)[0])
    expect(integrity.join() === 'ok', `integrity: ${integrity.join()}`)
    expect(all(WRONG).length === 0, 'a place or a type of a tile is wrong')
    const rows = all('SELECT name, type FROM sqlite_schema WHERE sql IS NOT NULL')
    const schema = Object.fromEntries(rows.map(({ name, type }) => [name, type])) as Record<string, string>
    const table = schema['map'] ? 'map' : schema['tiles'] === 'table' ? 'tiles' : 'tiles_with_hash'
    const unique = all('SELECT name FROM pragma_index_list(?) WHERE "unique" = 1', table).map(({ name }) =>
      all('SELECT name FROM pragma_index_info(?)', name)
        .map((column) => column['name'])
        .sort(),
    )
    expect(
      unique.some((columns) => columns.join() === PLACE.join()),
      'a place may come twice',
    )
    const hashed = schema['map']
      ? 'SELECT tile_id AS hash, tile_data AS data FROM images'
      : 'SELECT tile_hash AS hash, tile_data AS data FROM tiles_with_hash'
    if (table !== 'tiles')
      for (const { hash, data } of all(hashed))
        expect(hash === md5([bytesOf(data)]), `a tile does not have the hash ${hash}`)
    const tiles = all('SELECT zoom_level AS z, tile_column AS x, tile_row AS y, tile_data AS data FROM tiles')
    tiles.sort(
      (a, b) =>
        Number(a['z']) - Number(b['z']) || Number(a['x']) - Number(b['x']) || Number(a['y']) - Number(b['y']),
    )
    const whole = md5(tiles.flatMap(({ z, x, y, data }) => [`${z}`, `${x}`, `${y}`, bytesOf(data)]))
    const metadata = Object.fromEntries(
      all('SELECT name, value FROM metadata').map(({ name, value }) => [name, value]),
    ) as Record<string, string>
    expect(
      metadata['agg_tiles_hash'] === whole,
      `agg_tiles_hash is ${metadata['agg_tiles_hash']}, not ${whole}`,
    )
    return {
      metadata,
      schema,
      tiles: tiles.length,
      images: schema['images'] ? all('SELECT 1 FROM images').length : undefined,
      applicationId: Number(Object.values(all('PRAGMA application_id')[0]!)[0]),
      problems,
    }
  } finally {
    db.close()
  }
}

function md5(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest('hex').toUpperCase()
}
