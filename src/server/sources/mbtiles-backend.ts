// An MBTiles archive as it is served. SQLite's own locks make each answer one of a whole state of the file as long as
// SQLite writes it; when somebody copies another one over it, it is opened anew once nobody has written for a while,
// because SQLite would mix what it keeps of the old pages with new ones. The header tells the two apart.
import { closeSync, readSync, type Stats, statSync } from 'node:fs'
import { FlagstoneError } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import { isGzip } from '../../format/gzip.js'
import { typeOfTile } from '../../format/gzip-tile.js'
import { tileId } from '../../format/tile-id.js'
import { TileType } from '../../format/tile-type.js'
import { MbtilesReader } from '../../interop/mbtiles/reader.js'
import { withoutJsonRow } from '../../interop/transfer/metadata-rows.js'
import { openRegularSync } from '../../platform/regular-file.js'
import { beingWritten, type ChangingFile, inOneState, isFresh } from '../../store/read/one-state.js'
import type { TileStat } from '../../store/read/tile.js'
import type { TileSet } from '../../store/read/tile-set.js'
import type { TilesDescription } from '../../store/report/describe.js'
import type { Backend, ServedTile } from './backend.js'
import { Costly } from './costly.js'
import { describeSampled } from './describe-served.js'
import { inEncoding } from './vector-encoding.js'

const SQLITE_HEADER_BYTES = 100
/** All other requests wait for a query that long at most; with an index it is some microseconds. */
const DEADLINE_MS = 100

export class MbtilesBackend implements Backend {
  readonly kind = 'mbtiles'
  readonly reader = undefined
  readonly tiles: TileSet
  readonly #path: string
  #facts: Stats
  #header: Buffer
  /** Of an archive with a write-ahead log, which holds the latest tiles: what is committed. */
  #log: string | undefined
  #db: MbtilesReader
  #encoding: 'gzip' | undefined
  readonly #changing: ChangingFile

  /** @throws NOT_FOUND, NOT_A_TILE_FILE, DAMAGED */
  constructor(path: string) {
    this.#path = path
    this.#changing = {
      path,
      hasChanged: () => this.#changed(this.#db.state()) !== undefined,
      follow: () => this.#follow(),
    }
    this.#facts = factsOf(path)
    this.#header = headerOf(path)
    this.#db = openWhole(path, this.#facts, this.#header)
    this.#log = this.#db.state()
    this.#encoding = encodingOf(this.#db)
    this.tiles = this.#tileSet()
  }

  /** Of vector tiles, by the first: they are gzipped in nearly all archives. */
  get contentEncoding(): string | undefined {
    return this.#encoding
  }

  get revision(): string {
    this.#follow()
    return this.#state
  }

  get(z: number, x: number, y: number): ServedTile | undefined {
    return this.#whole((db) => {
      const tile = db.get(z, x, y)
      if (tile === undefined) return undefined
      const bytes = tile.type === TileType.mvt ? inEncoding(tile.bytes, this.#encoding) : tile.bytes
      return { bytes, type: tile.type, length: bytes.length, etag: this.#etag(z, x, y) }
    })
  }

  stat(z: number, x: number, y: number): TileStat | undefined {
    return this.#whole((db) => {
      const head = db.head(z, x, y)
      if (head === undefined) return undefined
      const { type } = head
      // a tile that is stored unlike the others is recoded, and only then its length is known
      const length =
        type === TileType.mvt && head.isGzip !== (this.#encoding === 'gzip')
          ? this.get(z, x, y)!.length
          : head.length
      return { type, length, etag: this.#etag(z, x, y) }
    })
  }

  describe(): TilesDescription {
    return this.#whole((db) =>
      describeSampled(this.tiles, (z, x, y) => this.stat(z, x, y), {
        kind: 'MBTiles',
        sealed: true,
        fileBytes: this.#facts.size,
        layout: undefined,
        metadata: withoutJsonRow(db.metadata()),
      }),
    )
  }

  close(): void {
    this.#db.close()
  }

  #tileSet(): TileSet {
    const whole = <T>(work: (db: MbtilesReader) => T): T => this.#whole(work)
    // a look at the whole index
    const levels = new Costly(() => whole((db) => db.levels()))
    return {
      path: this.#path,
      get: (z, x, y) => whole((db) => db.get(z, x, y)),
      has: (z, x, y) => whole((db) => db.has(z, x, y)),
      levels: () => levels.get(this.revision),
      tiles: (query) => whole((db) => db.tiles(query)),
      metadata: () => whole((db) => withoutJsonRow(db.metadata())),
      close: () => {},
      [Symbol.dispose]: () => {},
    }
  }

  #etag(z: number, x: number, y: number): string {
    return `"${tileId(z, x, y).toString(36)}-${this.#state}"`
  }

  get #state(): string {
    const of = ({ mtimeMs, size }: Stats): number[] => [Math.round(mtimeMs * 1000), size]
    const log = this.#log === undefined ? [] : [crc32(Buffer.from(this.#log))]
    return [this.#facts.ino, ...of(this.#facts), ...log].map((n) => n.toString(36)).join('-')
  }

  /** What `work` finds in one state of the file. */
  #whole<T>(work: (db: MbtilesReader) => T): T {
    this.#follow()
    return inOneState(this.#changing, () => work(this.#db))
  }

  #follow(): void {
    const facts = this.#changed(this.#db.state())
    if (facts === undefined) return
    if (!isSameState(facts, this.#facts)) this.#reopen(facts)
    this.#log = this.#db.state()
  }

  #reopen(facts: Stats): void {
    const header = headerOf(this.#path)
    if (!isOwnWork(this.#header, header) && isFresh(facts.mtimeMs)) throw beingWritten(this.#path)
    const db = openWhole(this.#path, facts, header)
    this.#db.close()
    this.#db = db
    this.#facts = facts
    this.#header = header
    this.#encoding = encodingOf(db)
  }

  /** What the file is now, if it was written; one that was renamed away or removed stays as it was. */
  #changed(log: string | undefined): Stats | undefined {
    const now = statSync(this.#path, { throwIfNoEntry: false })
    if (now === undefined || now.ino !== this.#facts.ino || now.dev !== this.#facts.dev) return undefined
    return isSameState(now, this.#facts) && log === this.#log ? undefined : now
  }
}

const isSameState = (a: Stats, b: Stats): boolean => a.mtimeMs === b.mtimeMs && a.size === b.size

function factsOf(path: string): Stats {
  const facts = statSync(path, { throwIfNoEntry: false })
  if (facts !== undefined) return facts
  throw new FlagstoneError('NOT_FOUND', `${path} does not exist; check its name.`, { path })
}

/** See https://www.sqlite.org/fileformat2.html#the_database_header */
function headerOf(path: string): Buffer {
  const header = Buffer.alloc(SQLITE_HEADER_BYTES)
  const fd = openRegularSync(path)
  try {
    readSync(fd, header, 0, SQLITE_HEADER_BYTES, 0)
  } finally {
    closeSync(fd)
  }
  return header
}

const isLogged = (header: Buffer): boolean => header[18] === 2

/** Whether SQLite made one header of the other: it counts its changes up, or keeps them beside the file (WAL). */
function isOwnWork(before: Buffer, after: Buffer): boolean {
  const isSameKind = [
    [16, 24],
    [40, 48],
    [56, 72],
  ].every(([from, to]) => before.compare(after, from, to, from, to) === 0)
  return isSameKind && (isLogged(after) || after.readUInt32BE(24) > before.readUInt32BE(24))
}

/** SQLite reads a file that is half copied as if the rest were not missing, until it gets there. */
function openWhole(path: string, { size }: Stats, header: Buffer): MbtilesReader {
  const pageBytes = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16)
  const isCounted = header.readUInt32BE(24) === header.readUInt32BE(92)
  const wanted = pageBytes * header.readUInt32BE(28)
  if (size === 0 || (isCounted && size < wanted)) {
    throw new FlagstoneError(
      'DAMAGED',
      `${path} has ${size} bytes of ${wanted}: it is being copied or was cut off; get a complete copy.`,
      { path },
    )
  }
  return MbtilesReader.open(path, { deadlineMs: DEADLINE_MS, levels: 'about' })
}

function encodingOf(db: MbtilesReader): 'gzip' | undefined {
  const first = db.first()
  return first !== undefined && isGzip(first) && typeOfTile(first) === TileType.mvt ? 'gzip' : undefined
}
