// MBTiles 1.3 (SQLite), read only: tiles by z/x/y with y counted from the north, as everywhere here.
//
// The contents are not trusted, nor is the SQL (`tiles` may be a view); see sqlite/. Types are not reliable either:
// SQLite may store text where a number was declared, and text that is not UTF-8.
import { resolve } from 'node:path'
import { FlagstoneError } from '../../errors.js'
import { isGzip } from '../../format/gzip.js'
import { typeOfTile, unpackedPicture } from '../../format/gzip-tile.js'
import { sniffTileType, TileType } from '../../format/tile-type.js'
import type { StoredTile, TilePlace, TileSet, TilesOfZoom } from '../../store/read/tile-set.js'
import { inOtherGrid, otherGridOf } from '../other-grid.js'
import type { Row } from '../sqlite/connection.js'
import { SqliteDatabase } from '../sqlite/database.js'
import { loadSqlite, MAX_VALUE_BYTES } from '../sqlite/engine.js'
import { readEach, requireIndex, scanZoom } from './bulk.js'
import { countLevels, estimateLevels, type Level } from './levels.js'

export interface MbtilesOptions {
  /** Limit on one query; default: a minute. */
  readonly deadlineMs?: number
  /** 'about': zooms with many tiles are estimated. Default: all are counted. */
  readonly levels?: 'exact' | 'about'
}

const DEADLINE_MS = 60_000
/** Number of first bytes that determine a type. */
const HEAD_BYTES = 512
const MAX_METADATA_ROWS = 1000
const MAX_NAME_BYTES = 1024
const MAX_METADATA_BYTES = 16 * 1024 * 1024
const METADATA = `SELECT name, value, octet_length(value) FROM metadata
  WHERE coalesce(octet_length(name), 0) <= ${MAX_NAME_BYTES} AND octet_length(value) <= ${MAX_METADATA_BYTES}`

const AT = 'FROM tiles WHERE zoom_level = ?1 AND tile_column = ?2 AND tile_row = ?3'
const GET = `SELECT tile_data ${AT} LIMIT 1`
const HAS = `SELECT 1 ${AT} LIMIT 1`
const HEAD = `SELECT octet_length(tile_data),
  CASE WHEN octet_length(tile_data) > ${MAX_VALUE_BYTES} THEN NULL ELSE substr(tile_data, 1, ${HEAD_BYTES}) END ${AT} LIMIT 1`
const FIRST = `SELECT tile_data FROM tiles WHERE octet_length(tile_data) <= ${MAX_VALUE_BYTES} LIMIT 1`

const PLACES = 'SELECT tile_column, tile_row FROM tiles WHERE zoom_level = ?1'
const ROWS = 'tile_row BETWEEN ?2 AND ?3'
/** The index is by zoom, column, row: one seek per column reads much less than all rows of the columns. */
const FEW_COLUMNS = 256
const COLUMNS_AT_ONCE = 16
const IN_COLUMNS = `${PLACES} AND ${ROWS} AND tile_column IN (${Array.from({ length: COLUMNS_AT_ONCE }, (_, i) => `?${4 + i}`)})`
/** Number of rows per query. Nothing is locked while the caller processes them. */
const AT_ONCE = 4096
const IN_RANGE = `${PLACES} AND ${ROWS} AND tile_column BETWEEN ?4 AND ?5
  AND (tile_column, tile_row) > (?6, ?7) ORDER BY tile_column, tile_row LIMIT ${AT_ONCE}`

const TABLES = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')"
/** Of the specification, and of mb-util, tippecanoe, MapTiler, tilelive, martin, planetiler and SQLite. */
const OWN_TABLE =
  /^(metadata|sqlite_.*|android_metadata|tiles(_.*)?|map(_.*)?|images(_.*)?|grids?(_.*)?|keymap|omtm|bsdiffraw.*|geocoder_data|package_tiles)$/i

/** TMS rows count from the south. */
const flip = (zoom: number, row: number): number => 2 ** zoom - 1 - row

export class MbtilesReader implements TileSet {
  readonly scanOrder = 'columns'
  readonly path: string
  readonly #db: SqliteDatabase
  readonly #mayEstimate: boolean
  #holdsVectors: boolean | undefined
  #levels: readonly Level[] | undefined

  private constructor(path: string, db: SqliteDatabase, mayEstimate: boolean) {
    this.path = path
    this.#db = db
    this.#mayEstimate = mayEstimate
  }

  /** Loads what `open` needs. */
  static load(): Promise<void> {
    return loadSqlite()
  }

  /**
   * Opens an MBTiles archive.
   * @throws NOT_FOUND, NOT_A_TILE_FILE, LOCKED
   * @throws TypeError when load() has not completed
   */
  static open(path: string, { deadlineMs = DEADLINE_MS, levels }: MbtilesOptions = {}): MbtilesReader {
    let db: SqliteDatabase | undefined
    try {
      db = SqliteDatabase.open(path, deadlineMs)
      db.first(HAS, [0, 0, 0], () => true)
      const reader = new MbtilesReader(path, db, levels === 'about')
      const grid = otherGridOf(reader.metadata())
      if (grid !== undefined) throw inOtherGrid(path, grid)
      return reader
    } catch (cause) {
      db?.close()
      const { code } = cause as FlagstoneError
      if (cause instanceof TypeError || code === 'LOCKED' || code === 'NOT_A_TILE_FILE') throw cause
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
        throw new FlagstoneError('NOT_FOUND', `${path} does not exist; check its name.`, { path, cause })
      }
      throw new FlagstoneError(
        'NOT_A_TILE_FILE',
        `${path} is not an MBTiles archive that can be read: ${whyOf(cause, path)}`,
        { path, cause },
      )
    }
  }

  get(z: number, x: number, y: number): { bytes: Uint8Array; type: TileType } | undefined {
    return this.#unpack(this.#db.first(GET, [z, x, flip(z, y)], bytesOf))
  }

  has(z: number, x: number, y: number): boolean {
    return this.#db.first(HAS, [z, x, flip(z, y)], () => true) !== undefined
  }

  /** Length and type of a tile, and whether it is gzipped; undefined when there is none. */
  head(z: number, x: number, y: number): { length: number; type: TileType; isGzip: boolean } | undefined {
    const found = this.#db.first(HEAD, [z, x, flip(z, y)], (row) => ({
      length: row.number(0),
      first: row.bytes(1),
    }))
    if (found === undefined || !(found.length > 0)) return undefined
    const { length, first } = found
    // too large to be read
    if (first === undefined) return { length, type: TileType.unknown, isGzip: false }
    if (!isGzip(first)) return { length, type: sniffTileType(first), isGzip: false }
    const type = this.#isOfVectors ? TileType.mvt : typeOfTile(first)
    if (type === TileType.mvt) return { length, type, isGzip: true }
    return { length: this.get(z, x, y)?.bytes.length ?? 0, type, isGzip: false }
  }

  levels(): readonly Level[] {
    this.#levels ??= (this.#mayEstimate ? estimateLevels(this.#db) : countLevels(this.#db)).sort(
      (a, b) => a.zoom - b.zoom,
    )
    return this.#levels
  }

  *tiles({ zoom, range }: TilesOfZoom): IterableIterator<{ z: number; x: number; y: number }> {
    const side = 2 ** zoom
    const { minX, minY, maxX, maxY } = range ?? { minX: 0, minY: 0, maxX: side - 1, maxY: side - 1 }
    const rows = [flip(zoom, maxY), flip(zoom, minY)]
    const placesOf =
      maxX - minX < FEW_COLUMNS
        ? this.#inColumns(zoom, rows, minX, maxX)
        : this.#inRange(zoom, rows, minX, maxX)
    for (const [x, row] of placesOf) {
      const y = flip(zoom, row)
      if (Number.isInteger(x) && Number.isInteger(y) && x >= 0 && y >= 0 && x < side && y < side) {
        yield { z: zoom, x, y }
      }
    }
  }

  *#inColumns(
    zoom: number,
    rows: readonly number[],
    minX: number,
    maxX: number,
  ): Generator<readonly [number, number]> {
    for (let from = minX; from <= maxX; from += COLUMNS_AT_ONCE) {
      const columns = Array.from({ length: COLUMNS_AT_ONCE }, (_, i) => Math.min(from + i, maxX))
      yield* this.#db.all(IN_COLUMNS, [zoom, ...rows, ...columns], Number.POSITIVE_INFINITY, placeOf)
    }
  }

  *#inRange(
    zoom: number,
    rows: readonly number[],
    minX: number,
    maxX: number,
  ): Generator<readonly [number, number]> {
    let last: readonly [number, number] = [-1, -1]
    for (;;) {
      const found = this.#db.all(IN_RANGE, [zoom, ...rows, minX, maxX, ...last], AT_ONCE, placeOf)
      yield* found
      last = found.at(-1) ?? last
      if (found.length < AT_ONCE) return
    }
  }

  *scan(): IterableIterator<StoredTile> {
    this.#requireIndex()
    for (const { zoom } of this.levels()) yield* scanZoom(this.#db, zoom, (data) => this.#unpack(data))
  }

  readEach(places: Iterable<TilePlace>): IterableIterator<StoredTile> {
    this.#requireIndex()
    return readEach(
      this.#db,
      places,
      (data) => this.#unpack(data),
      (z, x, y) => this.get(z, x, y),
    )
  }

  /**
   * All values as texts, up to 16 MiB in total; {} when they cannot be read, because tiles can be read without them.
   */
  metadata(): Record<string, unknown> {
    let left = MAX_METADATA_BYTES
    try {
      const rows = this.#db.all(METADATA, [], MAX_METADATA_ROWS, (row) => {
        left -= row.number(2)
        return [row.text(0) ?? '', left < 0 ? '' : (row.text(1) ?? '')] as const
      })
      return Object.fromEntries(rows.filter(([, value]) => value !== ''))
    } catch (error) {
      if ((error as FlagstoneError).code === 'LOCKED') throw error
      return {}
    }
  }

  /** Tables that are not those of an MBTiles archive, as any program writes it. */
  otherTables(): string[] {
    return this.#db
      .all(TABLES, [], MAX_METADATA_ROWS, (row) => row.text(0) ?? '')
      .filter((name) => !OWN_TABLE.test(name))
  }

  /** The first readable tile as it is stored; undefined when there is none. */
  first(): Uint8Array | undefined {
    return this.#db.first(FIRST, [], bytesOf)
  }

  /** Changes with every commit of a writer; undefined if the file itself changes. */
  state(): string | undefined {
    return this.#db.state()
  }

  close(): void {
    this.#db.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #requireIndex(): void {
    requireIndex(
      this.#db,
      this.levels().reduce((sum, { count }) => sum + count, 0),
    )
  }

  #unpack(data: Uint8Array | undefined): { bytes: Uint8Array; type: TileType } | undefined {
    if (data === undefined || data.length === 0) return undefined
    const bytes = !isGzip(data) || this.#isOfVectors ? data : unpackedPicture(data)
    return { bytes, type: sniffTileType(bytes) }
  }

  /** Decided by the contents: a gzipped picture is not a vector tile, whatever the metadata say. */
  get #isOfVectors(): boolean {
    if (this.#holdsVectors === undefined) {
      const first = this.first()
      const format = String(this.metadata()['format']).toLowerCase()
      this.#holdsVectors =
        first !== undefined && typeOfTile(first) === TileType.mvt && !/png|jpe?g|webp|avif/.test(format)
    }
    return this.#holdsVectors
  }
}

/** The messages of sqlite/ begin with the path. */
const whyOf = (cause: unknown, path: string): string =>
  (cause as Error).message.replace(`${resolve(path)} `, 'it ')

const bytesOf = (row: Row): Uint8Array | undefined => row.bytes(0)
const placeOf = (row: Row): readonly [number, number] => [row.number(0), row.number(1)]
