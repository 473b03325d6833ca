// Any PMTiles v3 archive, read only, with the same interface as our own files. Values have no checks to compare with;
// everything else (header, directories, bounds) is checked.
//
// A reader that does not map the file notices when a program writes to it in place (`cp` over it): a result counts only
// if size and mtime are those from before the header was read. Otherwise header and directories are read again, once
// nobody has written for a while. If a mapped file is truncated, the process that touches it is killed.
import { isUint8Array } from 'node:util/types'
import { FlagstoneError, wrongType } from '../../errors.js'
import { unpackedPicture } from '../../format/gzip-tile.js'
import type { PmtilesHeader } from '../../format/pmtiles.js'
import type { SourceRecord } from '../../format/sources/record.js'
import { tileId } from '../../format/tile-id.js'
import { sniffTileType } from '../../format/tile-type.js'
import type { ByteFile, FileFacts } from '../../platform/byte-file.js'
import { WINDOW_STEP, Windows } from '../index/window.js'
import {
  checkGetOptions,
  type GetOptions,
  parseOptions,
  type ReaderOptions,
  type ResolvedReaderOptions,
  readerOptions,
} from '../options.js'
import { Archive, type ByteSpan } from '../pmtiles/archive.js'
import { listAreas, type TileArea } from './areas.js'
import { LentViews } from './lent-views.js'
import type { LevelInfo } from './level-info.js'
import {
  type ListedTile,
  listRecords,
  listTiles,
  type RecordRow,
  type TileRange,
  type TilesQuery,
} from './list.js'
import { beingWritten, type ChangingFile, inOneState, isFresh } from './one-state.js'
import { identityOf, type KindOfTiles, kindOfTiles, levelsOf } from './pmtiles-facts.js'
import { allocate } from './slab.js'
import { SourcePlaces, type SourcesQuery } from './sources-at.js'
import { PlacedTile, type Tile, type TileStat, tooLarge } from './tile.js'
import type { TileSet } from './tile-set.js'

const TRIES = 4

/** A PMTiles v3 archive that another program made, open for reading. */
export class PmtilesReader implements TileSet {
  /** @internal */
  readonly isSorted = true
  /** Tells the two kinds of readers apart. */
  readonly kind = 'pmtiles'
  readonly path: string
  readonly #file: ByteFile
  readonly #pooled: boolean
  readonly #maxTileBytes: number
  readonly #mayEstimate: boolean
  #archive: Archive
  /** Taken before the header was read; undefined for a file that is mapped or in memory. */
  #facts: FileFacts | undefined
  /** Identifies the state of the file in which its header was read; part of entity tags. */
  #identity: string
  #windows: Windows | undefined
  /** Returns values without copying; undefined unless `zeroCopy` is set. */
  readonly #lent: LentViews | undefined
  readonly #changing: ChangingFile
  #closed = false
  #levels: LevelInfo[] | undefined
  #kindFound: KindOfTiles | undefined

  private constructor(
    file: ByteFile,
    { mode, zeroCopy, pooled, levels, maxTileBytes }: ResolvedReaderOptions,
  ) {
    this.#file = file
    this.#pooled = pooled
    this.#maxTileBytes = maxTileBytes
    this.#mayEstimate = levels === 'about'
    this.path = file.path
    this.#changing = {
      path: file.path,
      hasChanged: () => !this.#closed && this.#hasChanged(),
      follow: () => this.#follow(),
    }
    // A program that adopts or grows this file must take these locks before it moves or truncates anything.
    const held = file.tryLock('attach', 'shared') && file.tryLock('pin', 'shared')
    const facts = file.facts?.()
    this.#archive = new Archive(file)
    this.#identity = identityOf(file, facts, this.#archive)
    this.#windows = mode === 'mmap' && held ? Windows.of(file) : undefined
    if (this.#windows === undefined) this.#facts = facts
    else if (zeroCopy) this.#lent = new LentViews(file)
  }

  /**
   * @throws NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED
   * @internal
   */
  static open(file: ByteFile, options: ReaderOptions = {}): PmtilesReader {
    return new PmtilesReader(file, parseOptions(readerOptions, options, 'reader option'))
  }

  /** The archive's header, unchanged. */
  get header(): PmtilesHeader {
    return this.#archive.header
  }

  /** Differs for every state of the file. */
  get revision(): string {
    this.#assertOpen()
    return this.#inOneState(() => this.#identity)
  }

  /**
   * Reads a tile; undefined when there is none.
   * @throws RangeError when it lies outside the grid
   * @throws DAMAGED when the archive is damaged there
   * @throws LOCKED when another program is writing over the file
   */
  get(z: number, x: number, y: number): Tile | undefined {
    const key = tileId(z, x, y)
    return this.#inOneState(() => {
      const place = this.#find(key)
      return place === undefined ? undefined : this.#tile(key, place, this.#bytesAt(key, place))
    })
  }

  /**
   * Type, length and entity tag of a tile; undefined when there is none. The value is not read, unless the archive does
   * not state the type of its tiles.
   * @throws as `get`
   */
  stat(z: number, x: number, y: number): TileStat | undefined {
    const key = tileId(z, x, y)
    return this.#inOneState(() => {
      const place = this.#find(key)
      if (place === undefined) return undefined
      const { type, isSure } = this.#kind
      const etag = this.#etagOf(place.offset, place.length)
      if (isSure) return { type, length: place.length, etag }
      const tile = this.#tile(key, place, this.#bytesAt(key, place))
      return { type: tile.type, length: tile.bytes.length, etag }
    })
  }

  /**
   * As `get`, but the value is read in the thread pool, so that a slow disk does not block the event loop. Always
   * returns a copy. An abort rejects the promise with the signal's reason.
   * @throws as `get`
   */
  async getAsync(z: number, x: number, y: number, options: GetOptions = {}): Promise<Tile | undefined> {
    const key = tileId(z, x, y)
    checkGetOptions(options)
    options.signal?.throwIfAborted()
    for (let tries = 0; tries < TRIES; tries++) {
      const archive = this.#inOneState(() => this.#archive)
      const place = this.#inOneState(() => this.#find(key))
      if (place === undefined) return undefined
      this.#checkLength(key, place.length)
      const bytes = new Uint8Array(place.length)
      const got = await this.#file.readAsync(bytes, place.offset)
      options.signal?.throwIfAborted()
      this.#assertOpen()
      if (this.#archive !== archive || this.#hasChanged()) continue
      if (got !== place.length) throw this.#cutOff(place)
      return this.#tile(key, place, bytes)
    }
    throw beingWritten(this.path)
  }

  /**
   * Copies a tile's bytes to the start of `into`. Returns their number; -1 when there is no such tile.
   * @throws RangeError when `into` is too small; nothing is copied then
   * @throws as `get`
   */
  getInto(z: number, x: number, y: number, into: Uint8Array): number {
    const key = tileId(z, x, y)
    if (!isUint8Array(into)) throw wrongType('into must be a Uint8Array', into)
    return this.#inOneState(() => {
      const place = this.#find(key)
      if (place === undefined) return -1
      const tile = this.#kind.isSure ? undefined : this.#tile(key, place, this.#bytesAt(key, place))
      const length = tile?.bytes.length ?? place.length
      if (length > into.length)
        throw new RangeError(`tile ${z}/${x}/${y} has ${length} bytes, the buffer ${into.length}`)
      if (tile !== undefined) into.set(tile.bytes)
      else this.#fill(length === into.length ? into : into.subarray(0, length), place)
      return length
    })
  }

  /** Whether there is such a tile. @throws as `get` */
  has(z: number, x: number, y: number): boolean {
    const key = tileId(z, x, y)
    return this.#inOneState(() => this.#find(key)) !== undefined
  }

  /**
   * The tiles in key order (zoom by zoom along the Hilbert curve). Their `crc` is 0, because computing it would read
   * every tile.
   * @throws TypeError, RangeError when the query is not valid
   */
  tiles(query: TilesQuery = {}): IterableIterator<ListedTile> {
    return listTiles((_zoom, from, most) => this.#inOneState(() => this.#rows(from, most)), query)
  }

  /** The tiles of a zoom as rectangles of equal tiles, in no particular order. @internal */
  areas(zoom: number, range?: TileRange): IterableIterator<TileArea> {
    return listAreas((_zoom, from, most) => this.#inOneState(() => this.#rows(from, most)), zoom, range)
  }

  /** The directory entries of a zoom, in key order, with offsets from the start of the tile data. @internal */
  records(zoom: number): IterableIterator<RecordRow> {
    return listRecords((_zoom, from, most) => this.#inOneState(() => this.#rows(from, most)), zoom)
  }

  /**
   * Zooms that hold tiles, ascending, with the number of tiles of each. The first call walks all directories, unless
   * the option `levels` is 'about'.
   */
  levels(): LevelInfo[] {
    this.#assertOpen()
    return this.#inOneState(() => {
      this.#levels ??= levelsOf(this.#archive, this.#mayEstimate)
      return this.#levels
    })
  }

  metadata(): Record<string, unknown> {
    this.#assertOpen()
    return this.#inOneState(() => this.#archive.metadata())
  }

  /** None: archives of other programs remember no sources. */
  sources(): readonly SourceRecord[] {
    this.#assertOpen()
    return []
  }

  /** None, as `sources`. @throws TypeError, RangeError when the query is not valid */
  sourcesAt(query: SourcesQuery): SourceRecord[] {
    return new SourcePlaces(this.sources()).at(query)
  }

  /**
   * Fills `into` from the file in the state of `revision`, in the thread pool; false when the file is in another state
   * by now.
   * @throws DAMAGED when the file is too short
   * @throws LOCKED when another program is writing over it
   * @internal
   */
  async readBytes(into: Uint8Array, position: number, revision: string): Promise<boolean> {
    if (this.revision !== revision) return false
    const { length } = into
    const got = await this.#file.readAsync(into, position)
    this.#assertOpen()
    if (this.#identity !== revision || this.#hasChanged()) return false
    if (got !== length) throw this.#cutOff({ offset: position, length })
    return true
  }

  /** Size of the file. */
  get fileBytes(): number {
    this.#assertOpen()
    return this.#file.size()
  }

  /** Always true: the file can be served as it is. */
  get sealed(): boolean {
    return true
  }

  /** Whether `get` returns views of the mapping. */
  get zeroCopy(): boolean {
    return this.#lent !== undefined
  }

  /** Reads header and directories again. */
  refresh(): void {
    this.#assertOpen()
    this.#readAgain(this.#file.facts?.())
  }

  /** `facts`: taken before. */
  #readAgain(facts: FileFacts | undefined): void {
    this.#archive = new Archive(this.#file)
    this.#identity = identityOf(this.#file, facts, this.#archive)
    this.#levels = undefined
    this.#kindFound = undefined
    if (this.#windows === undefined) this.#facts = facts
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    // Views keep the mapping alive, and with it the locks, which belong to the open file. That is intended: they
    // protect the views.
    if (this.#lent === undefined) {
      this.#file.unlock('pin')
      this.#file.unlock('attach')
    }
    this.#windows?.close()
    this.#windows = undefined
    this.#file.close()
  }

  /** As `close`: `using file = open(path)`. */
  [Symbol.dispose](): void {
    this.close()
  }

  #inOneState<T>(read: () => T): T {
    return inOneState(this.#changing, read)
  }

  #follow(): void {
    const facts = this.#file.facts?.()
    if (isFresh(facts?.mtimeMs ?? 0)) throw beingWritten(this.path)
    // a write after this look at the file must not pass for an old one
    this.#readAgain(facts)
  }

  #hasChanged(): boolean {
    const facts = this.#facts
    if (facts === undefined) return false
    const now = this.#file.facts!()
    return now.mtimeMs !== facts.mtimeMs || now.size !== facts.size
  }

  #find(key: number): ByteSpan | undefined {
    this.#assertOpen()
    return this.#archive.find(key)
  }

  #bytesAt(key: number, { offset, length }: ByteSpan): Uint8Array {
    this.#checkLength(key, length)
    const lent = this.#lent?.view(offset, length)
    if (lent !== undefined) return lent
    const bytes = this.#pooled ? allocate(length) : new Uint8Array(length)
    this.#fill(bytes, { offset, length })
    return bytes
  }

  #checkLength(key: number, length: number): void {
    if (length > this.#maxTileBytes) throw tooLarge(this.path, key, length, this.#maxTileBytes)
  }

  #fill(into: Uint8Array, { offset, length }: ByteSpan): void {
    const window = length <= WINDOW_STEP ? this.#windows?.at(offset, offset + length) : undefined
    const at = offset - Windows.startOf(offset)
    if (window !== undefined) into.set(window.subarray(at, at + length))
    else if (this.#file.read(into, offset) !== length) throw this.#cutOff({ offset, length })
  }

  #tile(key: number, { offset, length }: ByteSpan, stored: Uint8Array): Tile {
    const { type, isSure } = this.#kind
    const bytes = isSure ? stored : unpackedPicture(stored)
    return new PlacedTile(bytes, isSure ? type : sniffTileType(bytes), key, this.#etagOf(offset, length))
  }

  /** Equal tiles that are stored once have the same entity tag. */
  #etagOf(offset: number, length: number): string {
    return `"${offset.toString(36)}-${this.#identity}-${length.toString(36)}"`
  }

  get #kind(): KindOfTiles {
    this.#kindFound ??= kindOfTiles(this.#file, this.#archive)
    return this.#kindFound
  }

  #rows(from: number, most: number): RecordRow[] | undefined {
    this.#assertOpen()
    const rows: RecordRow[] = []
    const { type } = this.#kind
    const { dataOffset } = this.#archive.header
    for (const { tileId, offset, length, runLength } of this.#archive.entries(from)) {
      const etag = this.#etagOf(dataOffset + offset, length)
      const key = Math.max(from, tileId)
      rows.push({ key, run: tileId + runLength - key, deleted: false, offset, length, type, crc: 0, etag })
      if (rows.length === most) break
    }
    return rows.length === 0 ? undefined : rows
  }

  #cutOff({ offset, length }: ByteSpan): FlagstoneError {
    return new FlagstoneError(
      'DAMAGED',
      `${this.path}: the file ends within ${length} bytes at ${offset}; get the archive again.`,
      { path: this.path },
    )
  }

  #assertOpen(): void {
    if (this.#closed) throw new TypeError('this reader is closed')
  }
}
