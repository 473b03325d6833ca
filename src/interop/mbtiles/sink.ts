// Writes an MBTiles 1.3 archive: https://github.com/mapbox/mbtiles-spec/blob/master/1.3/spec.md
import { basename, extname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { FlagstoneError } from '../../errors.js'
import { isGzip } from '../../format/gzip.js'
import { extensionOf, TileType } from '../../format/tile-type.js'
import type { ByteFile } from '../../platform/byte-file.js'
import { removeFile } from '../../platform/rename.js'
import { type OutputPlace, type OutputRequest, outputPlace } from '../../store/output-path.js'
import type { StoredTile } from '../../store/read/tile-set.js'
import { loadSqlite, MAX_VALUE_BYTES } from '../sqlite/engine.js'
import { NewDatabase } from '../sqlite/new-database.js'
import { metadataRows } from '../transfer/metadata-rows.js'
import { createPart, partPath, publishPart } from '../transfer/part-file.js'
import type { ArchiveAbout, TileSink } from '../transfer/sink.js'
import { type Md5, Md5Here, startMd5 } from './md5.js'
import { MbtilesReader } from './reader.js'
import { createTables, type MbtilesType, type PutTile } from './schemas.js'
import { TilesHash } from './tiles-hash.js'

/** 'MPBX': https://www.sqlite.org/src/file/magic.txt */
const APPLICATION_ID = 0x4d504258
const METADATA = 'CREATE TABLE metadata (name TEXT NOT NULL PRIMARY KEY, value TEXT)'
const ALL =
  'SELECT zoom_level, tile_column, tile_row, tile_data FROM tiles ORDER BY zoom_level, tile_column, tile_row'
/** Number of tiles between two turns of others. */
const TURN_TILES = 2000

type Request = Omit<OutputRequest, 'kind'> & { readonly path: string }

/** Whether it is an archive that may be replaced by another one: it has no tables of somebody else. */
function isMbtiles(path: string): boolean {
  try {
    using reader = MbtilesReader.open(path)
    return reader.otherTables().length === 0
  } catch {
    return false
  }
}

export class MbtilesSink implements TileSink {
  /** So that the index grows at its end, and the hash of all tiles is computed as they come. */
  readonly wantsSorted = 'columns'
  readonly notes: string[] = []
  readonly #place: OutputPlace
  readonly #file: ByteFile
  readonly #db: NewDatabase
  readonly #put: PutTile
  readonly #hash: TilesHash
  readonly #types = new Map<number, number>()
  #minZoom = Number.POSITIVE_INFINITY
  #maxZoom = 0
  #hasUnpacked = false

  private constructor(place: OutputPlace, file: ByteFile, db: NewDatabase, put: PutTile, md5: Md5) {
    this.#place = place
    this.#file = file
    this.#db = db
    this.#put = put
    this.#hash = new TilesHash(md5)
  }

  /**
   * @throws BAD_OPTION, EXISTS, NOT_FOUND when the path cannot be written
   * @throws LOCKED, DISK_FULL, SYSTEM
   */
  static async create(request: Request, type: MbtilesType): Promise<MbtilesSink> {
    await loadSqlite()
    const place = outputPlace(request.path, {
      kind: 'archive',
      ...request,
      extension: '.mbtiles',
      isOwn: isMbtiles,
    })
    const file = createPart(place.path)
    const md5 = await startMd5()
    try {
      const db = new NewDatabase(file, place.path)
      db.run(`PRAGMA application_id = ${APPLICATION_ID}`)
      db.run(METADATA)
      return new MbtilesSink(place, file, db, createTables(db, type), md5)
    } catch (error) {
      md5.close()
      removeFile(partPath(place.path))
      file.close()
      throw error
    }
  }

  put({ z, x, y, bytes, type }: StoredTile): undefined {
    if (bytes.length > MAX_VALUE_BYTES)
      throw new FlagstoneError(
        'BAD_OPTION',
        `Tile ${z}/${x}/${y} has ${bytes.length} bytes; MBTiles are written with up to ${MAX_VALUE_BYTES / 2 ** 20} MiB a tile.`,
        { path: this.#place.path },
      )
    const row = 2 ** z - 1 - y
    this.#put(z, x, row, bytes)
    this.#hash.add(z, x, row, bytes)
    this.#types.set(type, (this.#types.get(type) ?? 0) + 1)
    if (z < this.#minZoom) this.#minZoom = z
    if (z > this.#maxZoom) this.#maxZoom = z
    if (type === TileType.mvt && !isGzip(bytes)) this.#hasUnpacked = true
  }

  async finish(about: ArchiveAbout): Promise<void> {
    const { path } = this.#place
    const format = this.#format()
    const hash = await this.#hashOfAll()
    const facts = { format, minZoom: this.#minZoom, maxZoom: this.#maxZoom, hash }
    const insert = this.#db.prepare('INSERT OR REPLACE INTO metadata VALUES (?1, ?2)')
    for (const [name, value] of metadataRows(about, facts, basename(path, extname(path)))) {
      insert.bindText(1, name)
      insert.bindText(2, value)
      insert.step()
      insert.reset()
    }
    this.#noteWhatReadersMiss(format, about)
    this.#db.commit()
    this.#file.sync()
    publishPart(this.#place)
    this.#db.close()
    this.#file.close()
  }

  async abandon(): Promise<void> {
    removeFile(partPath(this.#place.path))
    this.#hash.close()
    this.#db.close()
    this.#file.close()
  }

  /** That of most tiles. */
  #format(): string {
    const [type = TileType.unknown] = [...this.#types].sort(([, a], [, b]) => b - a)[0] ?? []
    return type === TileType.mvt ? 'pbf' : extensionOf(type)
  }

  #noteWhatReadersMiss(format: string, { metadata }: ArchiveAbout): void {
    if (format !== 'pbf') return
    if (this.#hasUnpacked)
      this.notes.push(
        'Some vector tiles are not gzipped, as MBTiles asks for; some programs cannot read them.',
      )
    if (metadata['vector_layers'] === undefined)
      this.notes.push(
        'The archive does not say which layers its tiles have (vector_layers), as MBTiles asks for.',
      )
  }

  /** Reads all tiles again if they did not come in order. */
  async #hashOfAll(): Promise<string> {
    if (this.#hash.isOrdered) return this.#hash.hex()
    this.#hash.close()
    const hash = new TilesHash(new Md5Here())
    const all = this.#db.prepare(ALL)
    for (let n = 1; all.step(); n++) {
      hash.add(all.number(0), all.number(1), all.number(2), all.bytes(3))
      if (n % TURN_TILES === 0) await setImmediate()
    }
    all.reset()
    return hash.hex()
  }
}
