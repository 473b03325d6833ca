// Reads a flat file. There may be any number of readers while a writer is growing it.
//
// session.ts ensures that every result comes from one state of the file, lookup.ts finds and checks records, values.ts
// reads the bytes.
import { isUint8Array } from 'node:util/types'
import { FlagstoneError, wrongType } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import { contentCrcAt, lengthAt, typeAt } from '../../format/record.js'
import type { SourceRecord } from '../../format/sources/record.js'
import type { Superblock } from '../../format/superblock/fields.js'
import { tileId, zoomBase } from '../../format/tile-id.js'
import type { TileType } from '../../format/tile-type.js'
import type { ByteFile } from '../../platform/byte-file.js'
import { readMetadata } from '../file/whole.js'
import type { LevelView } from '../index/level-view.js'
import {
  checkGetOptions,
  type GetOptions,
  parseOptions,
  type ReaderOptions,
  type ResolvedReaderOptions,
  readerOptions,
} from '../options.js'
import { listAreas, type TileArea } from './areas.js'
import type { LevelInfo } from './level-info.js'
import {
  type ListedTile,
  listRecords,
  listTiles,
  type RecordRow,
  type Rows,
  type TileRange,
  type TilesQuery,
} from './list.js'
import { MISSING, RecordLookup } from './lookup.js'
import { MOVED, type Moved, ReadSession } from './session.js'
import type { SourcesQuery } from './sources-at.js'
import { SourcesNow } from './sources-now.js'
import { etagOf, Tile, type TileStat } from './tile.js'
import type { TileSet } from './tile-set.js'
import { StoredValues } from './values.js'

/** A Flagstone file, sealed or growing, open for reading. It follows the writer's commits automatically. */
export class FlatReader implements TileSet {
  /** @internal */
  readonly isSorted = true
  /** Tells the two kinds of readers apart. */
  readonly kind = 'flat'
  readonly path: string
  readonly #session: ReadSession
  readonly #values: StoredValues
  readonly #lookup: RecordLookup
  readonly #sources: SourcesNow

  private constructor(file: ByteFile, options: ResolvedReaderOptions) {
    this.path = file.path
    this.#session = new ReadSession(file, options)
    this.#values = new StoredValues(this.#session, options)
    this.#lookup = new RecordLookup(this.#session, this.#values, options.check)
    this.#sources = new SourcesNow(this.#session)
  }

  /**
   * Opens a flat file. Nothing is scanned: the time does not depend on its size.
   * @throws NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED
   * @throws LOCKED when a writer does not finish moving parts in time
   * @internal
   */
  static open(file: ByteFile, options: ReaderOptions = {}): FlatReader {
    return new FlatReader(file, parseOptions(readerOptions, options, 'reader option'))
  }

  /**
   * Reads a tile; undefined when there is none.
   * @throws RangeError when it is outside the grid
   * @throws TypeError when an argument is not a number, or the reader is closed
   * @throws DAMAGED when the stored bytes do not match their checksum
   * @throws LOCKED when a writer moves parts of the file for longer than `busyTimeoutMs`
   */
  get(z: number, x: number, y: number): Tile | undefined {
    const key = tileId(z, x, y)
    // the first try is made without a closure, because it is usually the only one
    const tile = this.#getOnce(z, key)
    return tile === MOVED ? this.#getAgain(z, key) : tile
  }

  #getAgain(z: number, key: number): Tile | undefined {
    return this.#session.inOneEpoch(() => this.#getOnce(z, key))
  }

  #getOnce(z: number, key: number): Tile | undefined | Moved {
    const view = this.#session.viewOf(z)
    if (view === undefined) return undefined
    const record = this.#lookup.find(view, key)
    let tile: Tile | undefined
    if (record !== MISSING) {
      const { words, word } = view.index
      const length = lengthAt(words, word)
      const crc = contentCrcAt(words, word)
      const type = typeAt(words, word) as TileType
      const position = this.#values.positionOf(view, record)
      if (position >= 0 && !this.#values.isTooLarge(key, length)) {
        const bytes = this.#values.bytesAt(position, length)
        if (this.#lookup.mustCheck(view, record)) this.#lookup.compare(view, record, crc32(bytes), crc)
        tile = new Tile(bytes, type, key, crc)
      }
    }
    return this.#session.isSettled(view, key) ? tile : MOVED
  }

  /**
   * Copies a tile's bytes to the start of `into` without allocating. Returns its length; -1 when there is no such tile.
   * @throws RangeError when `into` is too small; nothing is copied then
   * @throws as `get`
   */
  getInto(z: number, x: number, y: number, into: Uint8Array): number {
    const key = tileId(z, x, y)
    if (!isUint8Array(into)) throw wrongType('into must be a Uint8Array', into)
    const once = this.#getIntoOnce(z, key, into)
    const length = once === MOVED ? this.#getIntoAgain(z, key, into) : once
    if (length > into.length)
      throw new RangeError(`tile ${z}/${x}/${y} has ${length} bytes, the buffer ${into.length}`)
    return length
  }

  #getIntoAgain(z: number, key: number, into: Uint8Array): number {
    return this.#session.inOneEpoch(() => this.#getIntoOnce(z, key, into))
  }

  #getIntoOnce(z: number, key: number, into: Uint8Array): number | Moved {
    const view = this.#session.viewOf(z)
    if (view === undefined) return MISSING
    const record = this.#lookup.find(view, key)
    let length = MISSING
    const position = record === MISSING ? MISSING : this.#values.positionOf(view, record)
    if (position >= 0) {
      const { words, word } = view.index
      length = lengthAt(words, word)
      // a tile that does not fit is reported by its length
      if (length <= into.length) {
        const target = this.#values.copyTo(into, position, length)
        if (this.#lookup.mustCheck(view, record))
          this.#lookup.compare(view, record, crc32(target), contentCrcAt(words, word))
      }
    }
    return this.#session.isSettled(view, key) ? length : MOVED
  }

  /**
   * As `get`, but the value is read in the thread pool, so that a slow disk does not block the event loop. (The index
   * is searched synchronously; it is small and usually cached.) Always returns a copy. An abort rejects the promise
   * with the signal's reason.
   * @throws as `get`, but LOCKED after `waitMs`
   */
  async getAsync(z: number, x: number, y: number, options: GetOptions = {}): Promise<Tile | undefined> {
    const key = tileId(z, x, y)
    checkGetOptions(options)
    return this.#session.inOneEpochAsync(() => this.#getAsyncOnce(z, key, options.signal))
  }

  async #getAsyncOnce(
    z: number,
    key: number,
    signal: AbortSignal | undefined,
  ): Promise<Tile | undefined | Moved> {
    signal?.throwIfAborted()
    const session = this.#session
    const view = session.viewOf(z, 0)
    if (view === undefined) return undefined
    const record = this.#lookup.find(view, key)
    if (record === MISSING) return session.isSettled(view, key) ? undefined : MOVED
    const position = this.#values.positionOf(view, record)
    const { words, word } = view.index
    const type = typeAt(words, word) as TileType
    const crc = contentCrcAt(words, word)
    const length = lengthAt(words, word)
    const isReadable = position >= 0 && !this.#values.isTooLarge(key, length)
    if (!session.isSettled(view, key) || !isReadable) return MOVED
    const epoch = session.superblock
    const bytes = new Uint8Array(length)
    const got = await session.file.readAsync(bytes, position)
    signal?.throwIfAborted()
    // Another call of this reader has refreshed meanwhile, so this was read in an older epoch.
    if (session.superblock !== epoch) return MOVED
    if (this.#lookup.mustCheck(view, record) && (got !== length || crc32(bytes) !== crc))
      this.#lookup.mismatch(view, record)
    return session.isSettled(view, key) ? new Tile(bytes, type, key, crc) : MOVED
  }

  /** Whether there is such a tile. As reliable as `get`, so it may have to read values. @throws as `get` */
  has(z: number, x: number, y: number): boolean {
    const key = tileId(z, x, y)
    const found = this.#hasOnce(z, key)
    return found === MOVED ? this.#hasAgain(z, key) : found
  }

  #hasAgain(z: number, key: number): boolean {
    return this.#session.inOneEpoch(() => this.#hasOnce(z, key))
  }

  #hasOnce(z: number, key: number): boolean | Moved {
    const view = this.#session.viewOf(z)
    if (view === undefined) return false
    const record = this.#lookup.find(view, key)
    if (record !== MISSING && this.#lookup.mustCheck(view, record)) this.#lookup.examine(view, record)
    return this.#session.isSettled(view, key) ? record !== MISSING : MOVED
  }

  /**
   * What a tile's record says; undefined when there is none, which is as reliable as with `get`. The value of an
   * existing tile is not read, so it is not compared with its check either.
   * @throws as `get`
   */
  stat(z: number, x: number, y: number): TileStat | undefined {
    const key = tileId(z, x, y)
    const stat = this.#statOnce(z, key)
    return stat === MOVED ? this.#statAgain(z, key) : stat
  }

  #statAgain(z: number, key: number): TileStat | undefined {
    return this.#session.inOneEpoch(() => this.#statOnce(z, key))
  }

  #statOnce(z: number, key: number): TileStat | undefined | Moved {
    const view = this.#session.viewOf(z)
    if (view === undefined) return undefined
    const record = this.#lookup.find(view, key)
    const stat = record === MISSING ? undefined : this.#statOf(view, record, key)
    return this.#session.isSettled(view, key) ? stat : MOVED
  }

  #statOf(view: LevelView, record: number, key: number): TileStat | undefined {
    if (this.#values.positionOf(view, record) < 0) return undefined
    const { words, word } = view.index
    const length = lengthAt(words, word)
    return {
      type: typeAt(words, word) as TileType,
      length,
      etag: etagOf(key, contentCrcAt(words, word), length),
    }
  }

  /**
   * The tiles in key order (zoom by zoom along the Hilbert curve). Each batch shows the file as it is when the
   * iteration reaches it.
   * @throws TypeError, RangeError when the query is not valid
   */
  tiles(query: TilesQuery = {}): IterableIterator<ListedTile> {
    return listTiles(this.#rows, query)
  }

  /** The tiles of a zoom as rectangles of equal tiles, in no particular order. @internal */
  areas(zoom: number, range?: TileRange): IterableIterator<TileArea> {
    return listAreas(this.#rows, zoom, range)
  }

  /**
   * What the records of a zoom say, in key order, with offsets from V: all, from a key on, or in a rectangle. No value is
   * read.
   * @internal
   */
  records(zoom: number, part?: number | TileRange): IterableIterator<RecordRow> {
    return listRecords(this.#rows, zoom, part)
  }

  readonly #rows: Rows = (zoom, from, most) =>
    this.#session.inOneEpoch(() => {
      const view = this.#session.viewOf(zoom)
      const rows = view && this.#lookup.rows(view, from, most)
      return view === undefined || this.#session.isSettled(view, Math.max(from, 0)) ? rows : MOVED
    })

  /** Zooms that have tiles, ascending, with the number of tiles of each. */
  levels(): LevelInfo[] {
    const session = this.#session
    return session.inOneEpoch(() => {
      session.refreshIfChanged()
      const infos: LevelInfo[] = []
      for (const view of session.views) {
        const count = this.#lookup.countTiles(view)
        if (!session.isSettled(view, zoomBase(view.zoom))) return MOVED
        infos.push({
          zoom: view.zoom,
          count,
          records: view.count,
          tail: view.count - view.sortedCount,
          indexBytes: view.capacityBytes,
        })
      }
      return infos
    })
  }

  /** The stored metadata; {} when there are none. @throws DAMAGED when they do not match their checksum */
  metadata(): Record<string, unknown> {
    const session = this.#session
    return session.inOneEpoch(() => {
      session.refreshIfChanged()
      let value: Record<string, unknown> | undefined
      let failure: unknown
      try {
        value = readMetadata(session.file, session.superblock)
      } catch (error) {
        failure = error
      }
      if (session.hasMoved()) return MOVED
      if (failure !== undefined) throw failure
      return value!
    })
  }

  /**
   * The images that the file was made from, from the bottom to the top; none when it remembers none. They are read when
   * they are first asked for, and again when they have changed. Until then the same list is returned: do not change it.
   * @throws DAMAGED when they do not match their checksum, or are not what the format says
   */
  sources(): readonly SourceRecord[] {
    return this.#sources.all()
  }

  /**
   * Those of `sources` whose valid pixels lie at a point or touch a rectangle, the topmost first: at a point, the first
   * is the one that tiles of its zoom show. Those without a footprint are not among them.
   * @throws TypeError, RangeError when the query is not valid
   * @throws as `sources`
   */
  sourcesAt(query: SourcesQuery): SourceRecord[] {
    return this.#sources.at(query)
  }

  /**
   * Fills `into` from the file, in the thread pool. `place` returns the position for a superblock. It is called again
   * if the superblock changes meanwhile, and may return undefined to give up. Returns the superblock that the bytes
   * belong to, so that a caller that reads several parts can compare their sequences.
   * @throws DAMAGED when the file is too short
   * @internal
   */
  async readBytes(
    into: Uint8Array,
    place: (superblock: Superblock) => number | undefined,
  ): Promise<Superblock | undefined> {
    const session = this.#session
    return session.inOneEpochAsync(async () => {
      session.refreshIfChanged(0)
      const { superblock } = session
      const position = place(superblock)
      if (position === undefined) return undefined
      const got = await session.file.readAsync(into, position)
      if (session.superblock !== superblock || session.hasMoved()) return MOVED
      if (got < into.length) throw this.#cutOff(into, position)
      return superblock
    })
  }

  /** As readBytes, but synchronous: for a few bytes that a writer must not overtake. @internal */
  readBytesSync(
    into: Uint8Array,
    place: (superblock: Superblock) => number | undefined,
  ): Superblock | undefined {
    const session = this.#session
    return session.inOneEpoch(() => {
      session.refreshIfChanged()
      const { superblock } = session
      const position = place(superblock)
      if (position === undefined) return undefined
      const got = session.file.read(into, position)
      if (session.hasMoved()) return MOVED
      if (got < into.length) throw this.#cutOff(into, position)
      return superblock
    })
  }

  /** The superblock that this reader uses, as plain data; for `info` and the like. @internal */
  get superblock(): Superblock {
    this.#session.refreshIfChanged()
    return structuredClone(this.#session.superblock)
  }

  /**
   * Differs after every change of the file, and for every file. It never waits: while a writer is moving parts of the
   * file, nothing is committed, so the revision is known.
   */
  get revision(): string {
    return this.#session.revision
  }

  /** Size of the file, bytes. */
  get fileBytes(): number {
    this.#session.refreshIfChanged()
    return this.#session.file.size()
  }

  /** Whether the file is a PMTiles archive now. */
  get sealed(): boolean {
    this.#session.refreshIfChanged()
    return this.#session.superblock.sealed
  }

  /** Whether `get` returns views of the mapping. */
  get zeroCopy(): boolean {
    return this.#session.isPinned
  }

  /** Where the values are, if they cannot move while this reader is open: with `zeroCopy`. @internal */
  get origin(): { file: ByteFile; start: number; length: number } | undefined {
    const session = this.#session
    session.refreshIfChanged()
    if (!session.isPinned) return undefined
    return {
      file: session.file,
      start: session.superblock.valuesStart,
      length: session.superblock.valuesLength,
    }
  }

  /** Checks the file for changes. Reads do this automatically; there is no need to call it. */
  refresh(): void {
    this.#session.refresh()
  }

  /** Releases the file. Tiles that were returned stay valid. */
  close(): void {
    this.#session.close()
  }

  /** As `close`: `using file = open(path)`. */
  [Symbol.dispose](): void {
    this.close()
  }

  #cutOff({ length }: Uint8Array, position: number): FlagstoneError {
    return new FlagstoneError('DAMAGED', `${this.path}: the file ends within ${length} bytes at ${position}.`)
  }
}
