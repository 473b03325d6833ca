// Any PMTiles v3 archive, read only, behind the same interface as our own files. There are no checks to compare
// values with; what can be checked (header, directories, bounds) is.
import { FlagstoneError } from '../errors.js'
import { tileId, zoomBase, zoomOfTileId } from '../format/tile-id.js'
import { sniffTileType, type TileType } from '../format/tile-type.js'
import type { ByteFile } from '../platform/byte-file.js'
import { Archive, type Place } from './archive.js'
import { type ListedTile, listTiles, type RecordRow, type TilesQuery } from './list.js'
import { parseOptions, type ReaderOptions, readerOptions } from './options.js'
import type { LevelInfo } from './reader.js'
import { CRC_UNKNOWN, Tile } from './tile.js'
import { WINDOW_STEP, Windows } from './window.js'

const ROWS = 512

export class ForeignReader {
  readonly kind = 'pmtiles'
  readonly path: string
  readonly #file: ByteFile
  #archive: Archive
  #windows: Windows | undefined
  #closed = false
  #levels: LevelInfo[] | undefined

  private constructor(file: ByteFile, mode: 'mmap' | 'buffered') {
    this.#file = file
    this.path = file.path
    // Whoever adopts or grows this file one day asks for these locks before moving or cutting anything.
    const held = file.tryLock('attach', 'shared') && file.tryLock('pin', 'shared')
    this.#archive = new Archive(file)
    this.#windows = mode === 'mmap' && held ? Windows.of(file) : undefined
  }

  /** Throws NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED. */
  static open(file: ByteFile, options: ReaderOptions = {}): ForeignReader {
    return new ForeignReader(file, parseOptions(readerOptions, options, 'reader option').mode)
  }

  /** The archive's header as it stands. */
  get header(): Archive['header'] {
    return this.#archive.header
  }

  get(z: number, x: number, y: number): Tile | undefined {
    const key = tileId(z, x, y)
    const place = this.#find(key)
    return place === undefined ? undefined : this.#tile(key, this.#bytesAt(place))
  }

  async getAsync(
    z: number,
    x: number,
    y: number,
    options: { signal?: AbortSignal } = {},
  ): Promise<Tile | undefined> {
    options.signal?.throwIfAborted()
    const key = tileId(z, x, y)
    const place = this.#find(key)
    if (place === undefined) return undefined
    const bytes = new Uint8Array(place.length)
    const got = await this.#file.readAsync(bytes, place.offset)
    options.signal?.throwIfAborted()
    if (got !== place.length) throw this.#cutOff(place)
    return this.#tile(key, bytes)
  }

  getInto(z: number, x: number, y: number, into: Uint8Array): number {
    const place = this.#find(tileId(z, x, y))
    if (place === undefined) return -1
    if (place.length > into.length)
      throw new RangeError(`tile ${z}/${x}/${y} has ${place.length} bytes, the buffer ${into.length}`)
    into.set(this.#bytesAt(place))
    return place.length
  }

  has(z: number, x: number, y: number): boolean {
    return this.#find(tileId(z, x, y)) !== undefined
  }

  /** `crc` and `etag` of listed tiles cost reading the tile, so here they are of its place: 0, and by offset. */
  tiles(query: TilesQuery = {}): IterableIterator<ListedTile> {
    return listTiles((zoom, from) => this.#rows(zoom, from), query)
  }

  /** Walks all directories the first time. */
  levels(): LevelInfo[] {
    this.#assertOpen()
    this.#levels ??= this.#countLevels()
    return this.#levels
  }

  metadata(): Record<string, unknown> {
    this.#assertOpen()
    return this.#archive.metadata()
  }

  /** Size of the file. */
  get fileBytes(): number {
    return this.#file.size()
  }

  get sealed(): boolean {
    return true
  }

  get zeroCopy(): boolean {
    return this.#windows !== undefined
  }

  /** Reads header and directories anew. */
  refresh(): void {
    this.#assertOpen()
    this.#archive = new Archive(this.#file)
    this.#levels = undefined
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#windows === undefined) {
      this.#file.unlock('pin')
      this.#file.unlock('attach')
    }
    this.#windows = undefined
    this.#file.close()
  }

  #find(key: number): Place | undefined {
    this.#assertOpen()
    return this.#archive.find(key)
  }

  #bytesAt({ offset, length }: Place): Uint8Array {
    const window = length <= WINDOW_STEP ? this.#windows?.at(offset, offset + length) : undefined
    if (window !== undefined) return new Uint8Array(window.buffer, offset - Windows.startOf(offset), length)
    const bytes = new Uint8Array(length)
    if (this.#file.read(bytes, offset) !== length) throw this.#cutOff({ offset, length })
    return bytes
  }

  #tile(key: number, bytes: Uint8Array): Tile {
    return new Tile(bytes, this.#typeOf(bytes), key, CRC_UNKNOWN)
  }

  #typeOf(bytes: Uint8Array): TileType {
    const { tileType } = this.#archive.header
    return tileType === 0 ? sniffTileType(bytes) : (tileType as TileType)
  }

  #rows(_zoom: number, from: number): RecordRow[] | undefined {
    this.#assertOpen()
    const rows: RecordRow[] = []
    const type = this.#archive.header.tileType as TileType
    for (const entry of this.#archive.entries(from)) {
      for (let key = Math.max(from, entry.tileId); key < entry.tileId + entry.runLength; key++) {
        rows.push({ key, deleted: false, offset: entry.offset, length: entry.length, type, crc: 0 })
        if (rows.length === ROWS) return rows
      }
    }
    return rows.length === 0 ? undefined : rows
  }

  #countLevels(): LevelInfo[] {
    const levels: LevelInfo[] = []
    for (const entry of this.#archive.entries()) {
      // A run may reach over into the next zoom.
      for (let key = entry.tileId, left = entry.runLength; left > 0; ) {
        const zoom = zoomOfTileId(key)
        const inZoom = Math.min(left, zoomBase(zoom + 1) - key)
        levels[zoom] ??= { zoom, count: 0, records: 0, tail: 0, indexBytes: 0 }
        levels[zoom].count += inZoom
        levels[zoom].records++
        key += inZoom
        left -= inZoom
      }
    }
    return levels.filter((level) => level !== undefined)
  }

  #cutOff({ offset, length }: Place): FlagstoneError {
    return new FlagstoneError(
      'DAMAGED',
      `${this.path}: the file ends within a tile of ${length} bytes at ${offset}; get the archive again.`,
    )
  }

  #assertOpen(): void {
    if (this.#closed) throw new TypeError('this reader is closed')
  }
}
