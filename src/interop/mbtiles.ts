// MBTiles 1.3 (SQLite), read only: tiles by z/x/y with y counted from the north, as everywhere here.
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type Database from 'libsql'
import { FlagstoneError } from '../errors.js'
import { sniffTileType, type TileType } from '../format/tile-type.js'
import type { TileSet, TilesOfZoom } from '../store/tile-set.js'

// Loaded when the first archive is opened: most builds have none, and every worker would pay for it.
const require = createRequire(import.meta.url)

/** Rows of TMS count from the south. */
const flip = (zoom: number, row: number): number => 2 ** zoom - 1 - row

const COLUMNS = 'SELECT tile_column, tile_row FROM'
const ROWS = 'AND tile_row BETWEEN ?4 AND ?5'
const IN_COLUMNS = `${COLUMNS} tiles WHERE zoom_level = ?1 AND tile_column BETWEEN ?2 AND ?3 ${ROWS}`
/** The index is by zoom, column, row: one seek a column is much less than all rows of the columns. */
const FEW_COLUMNS = 256
const IN_FEW_COLUMNS = `WITH RECURSIVE columns (x) AS (SELECT ?2 UNION ALL SELECT x + 1 FROM columns WHERE x < ?3)
  ${COLUMNS} columns CROSS JOIN tiles ON zoom_level = ?1 AND tile_column = x ${ROWS}`

/** Closed archives whose descriptors may still be open. */
const CLOSED_AT_MOST = 16
let closed = 0
let collect: (() => void) | undefined

/**
 * libsql closes a file when its last statement is garbage, whatever `close` says, and nothing tells V8 that descriptors
 * are short. A server whose archives are replaced again and again would run out of them.
 */
function collectSometimes(): void {
  if (++closed < CLOSED_AT_MOST) return
  closed = 0
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  setImmediate(collect)
}

export class MbtilesReader implements TileSet {
  readonly path: string
  readonly #db: Database.Database
  readonly #get: Database.Statement
  readonly #has: Database.Statement
  readonly #head: Database.Statement
  #levels: { zoom: number; count: number }[] | undefined

  private constructor(path: string, db: Database.Database) {
    this.path = path
    this.#db = db
    const where = 'FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?'
    this.#get = db.prepare(`SELECT tile_data ${where}`).raw()
    this.#has = db.prepare(`SELECT 1 ${where}`).raw()
    this.#head = db.prepare(`SELECT length(tile_data), substr(tile_data, 1, 16) ${where}`).raw()
  }

  /** Throws NOT_FOUND, NOT_A_TILE_FILE. */
  static open(path: string): MbtilesReader {
    const Sqlite = require('libsql') as typeof Database
    let db: Database.Database | undefined
    try {
      // As an address, because libsql takes no notice of `readonly`: it would write, and make files that are not there.
      db = new Sqlite(`file:${resolve(path).replace(/[%?#]/g, encodeURIComponent)}?mode=ro`)
      return new MbtilesReader(path, db)
    } catch (cause) {
      db?.close()
      throw new FlagstoneError(
        'NOT_A_TILE_FILE',
        `${path} is not an MBTiles archive (${(cause as Error).message}); get a complete copy.`,
        { path, cause },
      )
    }
  }

  get(z: number, x: number, y: number): { bytes: Uint8Array; type: TileType } | undefined {
    const row = this.#run(() => this.#get.get(z, x, flip(z, y))) as [unknown] | undefined
    const data = row?.[0]
    if (!(data instanceof Uint8Array) || data.length === 0) return undefined
    return { bytes: data, type: sniffTileType(data) }
  }

  has(z: number, x: number, y: number): boolean {
    return this.#run(() => this.#has.get(z, x, flip(z, y))) !== undefined
  }

  levels(): readonly { zoom: number; count: number }[] {
    this.#levels ??= this.#run(() =>
      (
        this.#db
          .prepare('SELECT zoom_level, count(*) FROM tiles GROUP BY zoom_level ORDER BY zoom_level')
          .raw()
          .all() as [unknown, unknown][]
      )
        .map(([zoom, count]) => ({ zoom: Number(zoom), count: Number(count) }))
        .filter(({ zoom }) => Number.isInteger(zoom) && zoom >= 0 && zoom <= 26),
    )
    return this.#levels
  }

  *tiles({ zoom, range }: TilesOfZoom): IterableIterator<{ z: number; x: number; y: number }> {
    const side = 2 ** zoom
    const { minX, minY, maxX, maxY } = range ?? { minX: 0, minY: 0, maxX: side - 1, maxY: side - 1 }
    // a statement of its own, because several of these may be under way
    const rows = this.#db.prepare(maxX - minX < FEW_COLUMNS ? IN_FEW_COLUMNS : IN_COLUMNS).raw()
    const places = [zoom, minX, maxX, flip(zoom, maxY), flip(zoom, minY)]
    for (const row of this.#run(() => rows.iterate(...places)) as Iterable<[unknown, unknown]>) {
      const x = Number(row[0])
      const y = flip(zoom, Number(row[1]))
      if (Number.isInteger(x) && Number.isInteger(y) && x >= 0 && y >= 0 && x < side && y < side) {
        yield { z: zoom, x, y }
      }
    }
  }

  metadata(): Record<string, unknown> {
    try {
      const rows = this.#db.prepare('SELECT name, value FROM metadata').raw().all() as [unknown, unknown][]
      return Object.fromEntries(rows.map(([name, value]) => [String(name), value]))
    } catch {
      // a table of tiles alone is enough to read them
      return {}
    }
  }

  /** Length and first bytes of a tile; undefined when there is none. */
  head(z: number, x: number, y: number): { length: number; first: Uint8Array } | undefined {
    const row = this.#run(() => this.#head.get(z, x, flip(z, y))) as [unknown, unknown] | undefined
    const first = row?.[1]
    return first instanceof Uint8Array && first.length > 0 ? { length: Number(row![0]), first } : undefined
  }

  /** The first tile there is, undefined in an empty archive. */
  first(): Uint8Array | undefined {
    const row = this.#run(() => this.#db.prepare('SELECT tile_data FROM tiles LIMIT 1').raw().get())
    const data = (row as [unknown] | undefined)?.[0]
    return data instanceof Uint8Array ? data : undefined
  }

  close(): void {
    this.#db.close()
    collectSometimes()
  }

  #run<T>(work: () => T): T {
    try {
      return work()
    } catch (cause) {
      throw new FlagstoneError(
        'DAMAGED',
        `${this.path} cannot be read as MBTiles: ${(cause as Error).message}; get a complete copy.`,
        { path: this.path, cause },
      )
    }
  }
}
