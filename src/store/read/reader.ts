// Reading a flat file: any number of readers, while a writer may be growing it.
//
// Every answer is read between two looks at the epoch (epoch.ts) and taken only if it did not move. Values are copied
// before the second look. With `zeroCopy` those of files nobody is growing are handed out as views of a mapping: this
// reader then holds the 'pin', and a writer that comes later will not move them.
//
// Right or an error, never a wrong tile: a record is authentic when its check matches its value. A hit is
// authentic itself; a miss is proven by its two neighbours in the sorted index, which must be in order and
// authentic. Each record is examined once (check: 'first').

import { setTimeout as after } from 'node:timers/promises'
import { isUint8Array } from 'node:util/types'
import { FlagstoneError, wrongType } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import { RECORD_BYTES, recordCapacity } from '../../format/layout.js'
import { contentCrcAt, isDeletedAt, keyAt, lengthAt, offsetAt, typeAt } from '../../format/record.js'
import type { Superblock } from '../../format/superblock.js'
import { tileId, tileIdToZxy, zoomBase } from '../../format/tile-id.js'
import type { TileType } from '../../format/tile-type.js'
import type { ByteFile } from '../../platform/byte-file.js'
import { isBusy, movedNow } from '../file/locked.js'
import { crcOfRange } from '../file/scan.js'
import { sleep } from '../file/sleep.js'
import { readMetadata } from '../file/whole.js'
import { LevelView } from '../index/level-view.js'
import { MappedIndex } from '../index/mapped-index.js'
import { PagedIndex } from '../index/paged-index.js'
import { WINDOW_STEP, Windows } from '../index/window.js'
import {
  checkGetOptions,
  type GetOptions,
  parseOptions,
  type ReaderOptions,
  type ResolvedReaderOptions,
  readerOptions,
} from '../options.js'
import { listAreas, type TileArea } from './areas.js'
import { EpochWatch } from './epoch.js'
import { LentViews } from './lent-views.js'
import { type ListedTile, listTiles, type RecordRow, type TileRange, type TilesQuery } from './list.js'
import { allocate } from './slab.js'
import { etagOf, Tile, type TileStat, tooLarge } from './tile.js'

export interface LevelInfo {
  zoom: number
  /** Tiles; removed and replaced ones do not count. */
  count: number
  /** Records in the index, and how many of them wait in the tail for a merge. */
  records: number
  tail: number
  indexBytes: number
}

/** What #find says when there is no such tile. */
const MISSING = -1
/** Attempts by seqlock alone before a reader asks the writer to hold still by taking the pin. */
const FREE_TRIES = 3
const LARGE_BYTES = 2 ** 24
/** How often a writer that is moving parts is looked for by calls that wait without blocking. */
const POLL_MS = 5

export class FlatReader {
  readonly kind = 'flat'
  readonly path: string
  readonly #file: ByteFile
  #windows: Windows | undefined
  readonly #epoch: EpochWatch
  readonly #views: (LevelView | undefined)[] = []
  readonly #check: boolean
  readonly #checkAlways: boolean
  readonly #pooled: boolean
  readonly #maxTileBytes: number
  readonly #busyTimeoutMs: number
  readonly #waitMs: number
  /** For values that are handed out without copying them; undefined when nobody asked for that. */
  readonly #lent: LentViews | undefined
  #sb!: Superblock
  #revision: string | undefined
  /** The pin is held for good: values stay where they are, views of them may be handed out. */
  #pinned = false
  #temporaryPins = 0
  #closed = false
  /** What was wrong with what was just read; counts only if the epoch did not move meanwhile. */
  #problem: string | undefined
  /** Of a problem that is nothing but a tile's length. */
  #tooLarge: FlagstoneError | undefined

  private constructor(file: ByteFile, options: ResolvedReaderOptions) {
    this.#file = file
    this.path = file.path
    this.#check = options.check !== 'never'
    this.#checkAlways = options.check === 'always'
    this.#pooled = options.pooled
    this.#maxTileBytes = options.maxTileBytes
    this.#windows = options.mode === 'mmap' ? Windows.of(file) : undefined
    this.#lent = options.zeroCopy && this.#windows !== undefined ? new LentViews(file) : undefined
    this.#epoch = new EpochWatch(file, this.#windows)
    this.#busyTimeoutMs = options.busyTimeoutMs
    this.#waitMs = options.waitMs
  }

  /**
   * Opens a flat file. Nothing is scanned: the time does not depend on its size.
   * @throws NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED
   * @throws LOCKED when a writer never finishes moving things
   * @internal
   */
  static open(file: ByteFile, options: ReaderOptions = {}): FlatReader {
    const resolved = parseOptions(readerOptions, options, 'reader option')
    attach(file, resolved.busyTimeoutMs)
    const reader = new FlatReader(file, resolved)
    try {
      reader.refresh()
      return reader
    } catch (error) {
      reader.#letGo()
      throw error
    }
  }

  /**
   * A tile, undefined when there is none. RangeError outside the grid; DAMAGED when what is stored does not
   * match its check.
   */
  get(z: number, x: number, y: number): Tile | undefined {
    const key = tileId(z, x, y)
    for (let tries = 0; ; tries++) {
      const pin = tries >= FREE_TRIES && this.#pinForNow()
      try {
        const view = this.#viewOf(z)
        if (view === undefined) return undefined
        const tile = this.#read(view, key)
        if (this.#settled(view, key)) return tile
      } finally {
        if (pin) this.#unpin()
      }
    }
  }

  /**
   * Copies a tile's bytes to the start of `into`, allocating nothing. Returns its length, -1 when there is no such
   * tile. RangeError when `into` is too small, with nothing copied.
   */
  getInto(z: number, x: number, y: number, into: Uint8Array): number {
    const key = tileId(z, x, y)
    if (!isUint8Array(into)) throw wrongType('into is a Uint8Array', into)
    for (let tries = 0; ; tries++) {
      const pin = tries >= FREE_TRIES && this.#pinForNow()
      try {
        const view = this.#viewOf(z)
        if (view === undefined) return MISSING
        const length = this.#readInto(view, key, into)
        if (!this.#settled(view, key)) continue
        if (length > into.length)
          throw new RangeError(`tile ${z}/${x}/${y} has ${length} bytes, the buffer ${into.length}`)
        return length
      } finally {
        if (pin) this.#unpin()
      }
    }
  }

  /**
   * As `get`, but the value is read in the thread pool, so that a cold disk does not hold up the event loop (the
   * index is looked up at once; it is small and warm). Always a copy.
   */
  async getAsync(z: number, x: number, y: number, options: GetOptions = {}): Promise<Tile | undefined> {
    const key = tileId(z, x, y)
    checkGetOptions(options)
    const deadline = performance.now() + this.#waitMs
    for (let tries = 0; ; tries++) {
      options.signal?.throwIfAborted()
      const pin = tries >= FREE_TRIES && this.#pinForNow()
      try {
        const view = this.#viewOf(z, 0)
        if (view === undefined) return undefined
        const record = this.#find(view, key)
        if (record === MISSING) {
          if (this.#settled(view, key)) return undefined
          continue
        }
        const { words, word } = view.index
        const type = typeAt(words, word) as TileType
        const crc = contentCrcAt(words, word)
        const length = lengthAt(words, word)
        const position = this.#positionOf(view, offsetAt(words, word), length)
        if (length > this.#maxTileBytes) this.#tooLarge = tooLarge(this.path, key, length, this.#maxTileBytes)
        if (!this.#settled(view, key)) continue
        const epoch = this.#sb
        const bytes = new Uint8Array(length)
        const got = await this.#file.readAsync(bytes, position)
        options.signal?.throwIfAborted()
        // Another call of this reader has looked anew meanwhile: its epoch is not the one this was read in.
        if (this.#sb !== epoch) continue
        if (this.#mustCheck(view, record) && (got !== length || crc32(bytes) !== crc))
          this.#mismatch(view, record)
        if (!this.#settled(view, key)) continue
        return new Tile(bytes, type, key, crc)
      } catch (error) {
        await this.#afterBusy(error, deadline)
      } finally {
        if (pin) this.#unpin()
      }
    }
  }

  /** Whether there is such a tile; as sure as `get`, so it may have to read values to be. */
  has(z: number, x: number, y: number): boolean {
    const key = tileId(z, x, y)
    for (;;) {
      const view = this.#viewOf(z)
      if (view === undefined) return false
      const record = this.#find(view, key)
      if (record !== MISSING && this.#mustCheck(view, record)) this.#examine(view, record)
      if (this.#settled(view, key)) return record !== MISSING
    }
  }

  /**
   * What the record says of a tile, undefined when there is none (which is as sure as with `get`). The value of a tile
   * that is there is not read, so it is not compared with its check either.
   */
  stat(z: number, x: number, y: number): TileStat | undefined {
    const key = tileId(z, x, y)
    for (let tries = 0; ; tries++) {
      const pin = tries >= FREE_TRIES && this.#pinForNow()
      try {
        const view = this.#viewOf(z)
        if (view === undefined) return undefined
        const record = this.#find(view, key)
        const stat = record === MISSING ? undefined : this.#statOf(view, record, key)
        if (this.#settled(view, key)) return stat
      } finally {
        if (pin) this.#unpin()
      }
    }
  }

  /** The tiles in key order (zoom by zoom along the Hilbert curve), as they are when the iteration gets to them. */
  tiles(query: TilesQuery = {}): IterableIterator<ListedTile> {
    return listTiles((zoom, from, most) => this.#rows(zoom, from, most), query)
  }

  /** The tiles of a zoom as rectangles of equal ones, in no particular order. @internal */
  areas(zoom: number, range?: TileRange): IterableIterator<TileArea> {
    return listAreas((z, from, most) => this.#rows(z, from, most), zoom, range)
  }

  levels(): LevelInfo[] {
    this.#refreshIfChanged()
    const infos: LevelInfo[] = []
    for (const view of this.#views)
      if (view !== undefined && view.count > 0)
        infos.push({
          zoom: view.zoom,
          count: this.#countTiles(view),
          records: view.count,
          tail: view.count - view.sortedCount,
          indexBytes: view.capacityBytes,
        })
    return infos
  }

  /** The stored metadata; {} when there is none. */
  metadata(): Record<string, unknown> {
    for (;;) {
      this.#refreshIfChanged()
      let value: Record<string, unknown> | undefined
      let failure: unknown
      try {
        value = readMetadata(this.#file, this.#sb)
      } catch (error) {
        failure = error
      }
      if (this.#epoch.changedAfterReading()) continue
      if (failure !== undefined) throw failure
      return value!
    }
  }

  /**
   * Fills `into` from the file, in the thread pool. `place` says where, for the superblock in force, and is asked
   * again when that changed meanwhile; undefined gives up. Returns the superblock whose bytes they are: so who wants
   * several parts of one state compares its sequence. DAMAGED when the file ends before.
   * @internal
   */
  async readBytes(
    into: Uint8Array,
    place: (superblock: Superblock) => number | undefined,
  ): Promise<Superblock | undefined> {
    const deadline = performance.now() + this.#waitMs
    for (let tries = 0; ; tries++) {
      const pin = tries >= FREE_TRIES && this.#pinForNow()
      try {
        this.#refreshIfChanged(0)
        const epoch = this.#sb
        const position = place(epoch)
        if (position === undefined) return undefined
        const got = await this.#file.readAsync(into, position)
        if (this.#sb !== epoch || this.#epoch.changedAfterReading()) continue
        if (got < into.length) throw this.#cutOff(into, position)
        return epoch
      } catch (error) {
        await this.#afterBusy(error, deadline)
      } finally {
        if (pin) this.#unpin()
      }
    }
  }

  /**
   * The same at once: for little that a writer is not to overtake.
   * @internal
   */
  readBytesSync(
    into: Uint8Array,
    place: (superblock: Superblock) => number | undefined,
  ): Superblock | undefined {
    for (let tries = 0; ; tries++) {
      const pin = tries >= FREE_TRIES && this.#pinForNow()
      try {
        this.#refreshIfChanged()
        const position = place(this.#sb)
        if (position === undefined) return undefined
        const got = this.#file.read(into, position)
        if (this.#epoch.changedAfterReading()) continue
        if (got < into.length) throw this.#cutOff(into, position)
        return this.#sb
      } finally {
        if (pin) this.#unpin()
      }
    }
  }

  /**
   * The superblock this reader reads by: plain data, for `info` and the like.
   * @internal
   */
  get superblock(): Superblock {
    this.#refreshIfChanged()
    return structuredClone(this.#sb)
  }

  /**
   * Another one after every change of the file, and for every file. While a writer is moving parts of the file nothing
   * is committed, so that it is known without waiting.
   */
  get revision(): string {
    try {
      this.#refreshIfChanged(0)
    } catch (error) {
      if (!isBusy(error)) throw error
    }
    this.#revision ??= revisionOf(this.#sb)
    return this.#revision
  }

  /** Size of the file. */
  get fileBytes(): number {
    this.#refreshIfChanged()
    return this.#file.size()
  }

  get sealed(): boolean {
    this.#refreshIfChanged()
    return this.#sb.sealed
  }

  /** Whether `get` hands out views of the mapping. */
  get zeroCopy(): boolean {
    return this.#pinned
  }

  /** Looks at the file anew. Reading does that by itself; no need to call it. */
  refresh(): void {
    this.#refresh(this.#busyTimeoutMs)
  }

  #refresh(waitMs: number): void {
    if (this.#closed) throw new TypeError('this reader is closed')
    let sb = this.#epoch.read(waitMs)
    // Views are for files that are not growing. Once had, the pin stays: whoever holds a view relies on it.
    if (sb.sealed && !this.#pinned && this.#lent !== undefined && this.#file.tryLock('pin', 'shared')) {
      this.#pinned = true
      sb = this.#epoch.read(waitMs)
    }
    this.#adopt(sb)
  }

  /** Releases the file. Tiles handed out stay valid. */
  close(): void {
    if (this.#closed) return
    this.#letGo()
    // With views about, the mapping they hold alive keeps the locks, which belong to the open file; that is right so.
    if (!this.#pinned) this.#file.unlock('attach')
    this.#file.close()
  }

  /** As `close`: `using file = open(path)`. */
  [Symbol.dispose](): void {
    this.close()
  }

  // ── inside ────────────────────────────────────────────────────────────────────────────────────────────

  /** Ends the mappings; from now on nothing looks at the file. */
  #letGo(): void {
    this.#closed = true
    this.#views.length = 0
    this.#epoch.close()
    this.#windows?.close()
    this.#windows = undefined
  }

  /** To read by and then to ask #settled; undefined when the zoom holds nothing, for certain. */
  #viewOf(zoom: number, waitMs = this.#busyTimeoutMs): LevelView | undefined {
    if (this.#closed || this.#epoch.mayHaveChanged) this.#refresh(waitMs)
    const view = this.#views[zoom]
    if (view !== undefined) return view
    this.#refreshIfChanged(waitMs)
    return this.#views[zoom]
  }

  #cutOff({ length }: Uint8Array, position: number): FlagstoneError {
    return new FlagstoneError('DAMAGED', `${this.path}: the file ends within ${length} bytes at ${position}.`)
  }

  #refreshIfChanged(waitMs = this.#busyTimeoutMs): void {
    if (this.#epoch.changed() || this.#closed) this.#refresh(waitMs)
  }

  /**
   * For calls that return promises: lets a writer go on for a moment.
   * @throws as `error`, when it is something else or too late
   */
  async #afterBusy(error: unknown, deadline: number): Promise<void> {
    if (!isBusy(error)) throw error
    if (performance.now() >= deadline) throw movedNow(this.#file, this.#waitMs)
    await after(POLL_MS)
  }

  /** Exchanges the views of levels that changed. */
  #adopt(sb: Superblock): void {
    const before: Superblock | undefined = this.#sb
    this.#sb = sb
    this.#revision = undefined
    const isOurs =
      before !== undefined && !this.#epoch.wasTouched && Buffer.compare(before.uuid, sb.uuid) === 0
    const same = isOurs && before.sequence === sb.sequence && before.valuesStart === sb.valuesStart
    if (same) return
    // Between two neighbours in sequence lies one step, and no step gives records new numbers without moving them.
    const oneStep = isOurs && before.sequence === sb.sequence - 1
    for (const [zoom, level] of sb.levels.entries()) {
      if (level.capacityBytes === 0) {
        this.#views[zoom] = undefined
        continue
      }
      const view = this.#views[zoom]
      if (oneStep && view?.advance(level, sb.tailCrcs[zoom]!)) continue
      this.#views[zoom] = new LevelView(
        zoom,
        level,
        sb.tailCrcs[zoom]!,
        this.#indexOf(level.offset, level.capacityBytes),
      )
    }
  }

  #indexOf(offset: number, capacityBytes: number): MappedIndex | PagedIndex {
    return this.#windows === undefined
      ? new PagedIndex((first, into) => void this.#file.read(into, offset + first * RECORD_BYTES))
      : new MappedIndex(this.#windows, offset, recordCapacity(capacityBytes))
  }

  /**
   * Whether what was just read can be believed. False: the epoch moved, read again.
   * @throws DAMAGED when it did not
   */
  #settled(view: LevelView, key: number): boolean {
    const problem = this.#problem
    const tooLarge = this.#tooLarge
    this.#problem = undefined
    this.#tooLarge = undefined
    if (this.#epoch.changedAfterReading()) {
      this.#forget(view)
      return false
    }
    if (problem !== undefined) {
      // what is kept of the index may be of a file that this one was written over
      if (this.#windows === undefined) this.#epoch.distrust()
      const [z, x, y] = tileIdToZxy(key)
      throw new FlagstoneError('DAMAGED', `${this.path}: tile ${z}/${x}/${y} cannot be read: ${problem}.`, {
        path: this.path,
      })
    }
    if (tooLarge !== undefined) throw tooLarge
    return true
  }

  /** Drops what was remembered while the file was moving. */
  #forget(view: LevelView): void {
    view.dropTail()
    view.index.clear()
  }

  /** To be asked before the look at the epoch: what was seen before the pin was had may have moved. */
  #pinForNow(): boolean {
    if (this.#pinned || this.#closed) return false
    if (this.#temporaryPins === 0 && !this.#file.tryLock('pin', 'shared')) {
      sleep(1)
      return false
    }
    this.#temporaryPins++
    return true
  }

  #unpin(): void {
    if (--this.#temporaryPins === 0 && !this.#pinned && !this.#closed) this.#file.unlock('pin')
  }

  /**
   * Number of the live record of a key, with view.index pointing at it; MISSING when there is none, which
   * is then proven. Sets #problem.
   */
  #find(view: LevelView, key: number): number {
    if (view.count !== view.sortedCount) {
      this.#loadTail(view)
      const record = view.findInTail(key)
      if (record >= 0) {
        view.index.locate(record, view.sortedCount)
        return this.#isLive(view, record, key) ? record : MISSING
      }
    }
    const index = view.index
    const record = index.lowerBound(view.sortedCount, key)
    if (record < view.sortedCount) {
      index.locate(record, view.sortedCount)
      if (keyAt(index.words, index.word) === key) return this.#isLive(view, record, key) ? record : MISSING
    }
    if (this.#check) this.#proveMissing(view, record, key)
    return MISSING
  }

  /** Sees to it that the tail's index is complete; a tail that is damaged becomes #problem. */
  #loadTail(view: LevelView): void {
    if (view.tailBehind && !view.loadTail(this.#file))
      this.#problem = `the tail of zoom ${view.zoom} (records ${view.sortedCount} to ${view.count} at ${view.offset}) does not match its checksum`
  }

  /** A record found by its key: not deleted, and if deleted, authentically so. */
  #isLive(view: LevelView, record: number, key: number): boolean {
    const { words, word } = view.index
    if (keyAt(words, word) !== key) {
      this.#problem = `record ${record} has another key than it had when the index was read`
      return false
    }
    if (!isDeletedAt(words, word)) return true
    if (this.#mustCheck(view, record)) this.#examine(view, record)
    return false
  }

  /** The neighbours of where the key would be must enclose it and be authentic. */
  #proveMissing(view: LevelView, at: number, key: number): void {
    const index = view.index
    if (at > 0) {
      index.locate(at - 1, view.sortedCount)
      if (keyAt(index.words, index.word) >= key)
        this.#problem = `the index is out of order at record ${at - 1}`
      if (this.#mustCheck(view, at - 1)) this.#examine(view, at - 1)
    }
    if (at < view.sortedCount) {
      index.locate(at, view.sortedCount)
      if (keyAt(index.words, index.word) <= key) this.#problem = `the index is out of order at record ${at}`
      if (this.#mustCheck(view, at)) this.#examine(view, at)
    }
  }

  /** Nothing but the checks of its values tells whether somebody writes over the file; see epoch.ts. */
  get #isExposed(): boolean {
    return this.#windows === undefined && !this.#sb.sealed && this.#file.facts !== undefined
  }

  #mustCheck(view: LevelView, record: number): boolean {
    if (!this.#check) return false
    return this.#checkAlways || this.#isExposed || !view.isVerified(record)
  }

  /** Compares the record at view.index with its value; what does not match becomes #problem. */
  #examine(view: LevelView, record: number): void {
    const { words, word } = view.index
    const offset = offsetAt(words, word)
    const length = lengthAt(words, word)
    const crc = contentCrcAt(words, word)
    if (offset + length > this.#sb.valuesLength) this.#outside(view, record, offset, length)
    else if (this.#crcOf(this.#sb.valuesStart + offset, length) !== crc) this.#mismatch(view, record)
    else this.#markVerified(view, record)
  }

  #crcOf(position: number, length: number): number {
    return length > LARGE_BYTES
      ? crcOfRange(this.#file, position, length)
      : crc32(this.#look(position, length))
  }

  /** Marks a record as authentic, unless the epoch moved and it was another record, or another value. */
  #markVerified(view: LevelView, record: number): void {
    if (!this.#epoch.changedAfterReading()) view.setVerified(record)
  }

  #mismatch(view: LevelView, record: number): void {
    const at = view.offset + record * RECORD_BYTES
    this.#problem = `its record (${record} of zoom ${view.zoom}, at ${at}) and its bytes do not match their check`
  }

  #outside(view: LevelView, record: number, offset: number, length: number): void {
    this.#problem = `record ${record} of zoom ${view.zoom} (at ${view.offset + record * RECORD_BYTES}) names ${length} bytes at V+${offset}, beyond the ${this.#sb.valuesLength} bytes of values`
  }

  /** File position of a value; its bounds are checked, out of bounds becomes #problem and an empty place. */
  #positionOf(view: LevelView, offset: number, length: number): number {
    if (offset + length <= this.#sb.valuesLength) return this.#sb.valuesStart + offset
    this.#problem = `a record of zoom ${view.zoom} names ${length} bytes at V+${offset}, beyond the ${this.#sb.valuesLength} bytes of values`
    return 0
  }

  #read(view: LevelView, key: number): Tile | undefined {
    const record = this.#find(view, key)
    if (record === MISSING) return undefined
    const { words, word } = view.index
    const offset = offsetAt(words, word)
    const length = lengthAt(words, word)
    const crc = contentCrcAt(words, word)
    const type = typeAt(words, word) as TileType
    if (offset + length > this.#sb.valuesLength) {
      this.#outside(view, record, offset, length)
      return undefined
    }
    if (length > this.#maxTileBytes) {
      this.#tooLarge = tooLarge(this.path, key, length, this.#maxTileBytes)
      return undefined
    }
    const bytes = this.#bytesAt(this.#sb.valuesStart + offset, length)
    if (this.#mustCheck(view, record)) {
      if (crc32(bytes) !== crc) this.#mismatch(view, record)
      else this.#markVerified(view, record)
    }
    return new Tile(bytes, type, key, crc)
  }

  #statOf(view: LevelView, record: number, key: number): TileStat {
    const { words, word } = view.index
    const offset = offsetAt(words, word)
    const length = lengthAt(words, word)
    if (offset + length > this.#sb.valuesLength) this.#outside(view, record, offset, length)
    return {
      type: typeAt(words, word) as TileType,
      length,
      etag: etagOf(key, contentCrcAt(words, word), length),
    }
  }

  #readInto(view: LevelView, key: number, into: Uint8Array): number {
    const record = this.#find(view, key)
    if (record === MISSING) return MISSING
    const { words, word } = view.index
    const offset = offsetAt(words, word)
    const length = lengthAt(words, word)
    if (offset + length > this.#sb.valuesLength) {
      this.#outside(view, record, offset, length)
      return MISSING
    }
    if (length > into.length) return length
    const position = this.#sb.valuesStart + offset
    const window = length <= WINDOW_STEP ? this.#windows?.at(position, position + length) : undefined
    const target = length === into.length ? into : into.subarray(0, length)
    if (window === undefined) {
      const got = this.#file.read(target, position)
      if (got !== length) this.#problem = `the file ends within the ${length} bytes at ${position}`
    } else {
      const at = position - Windows.startOf(position)
      target.set(window.subarray(at, at + length))
    }
    if (this.#mustCheck(view, record)) {
      if (crc32(target) !== contentCrcAt(words, word)) this.#mismatch(view, record)
      else this.#markVerified(view, record)
    }
    return length
  }

  /** Bytes of the file, to be handed out. */
  #bytesAt(position: number, length: number): Uint8Array {
    if (this.#pinned) {
      const lent = this.#lent!.view(position, length)
      if (lent !== undefined) return lent
    }
    const window = length <= WINDOW_STEP ? this.#windows?.at(position, position + length) : undefined
    if (window === undefined) {
      // Garbage may say any length; what was read is thrown away then, so it need not be read.
      if (length > LARGE_BYTES && position + length > this.#file.size()) return new Uint8Array(0)
      const bytes = this.#pooled ? allocate(length) : new Uint8Array(length)
      const got = this.#file.read(bytes, position)
      if (got !== length) this.#problem = `the file ends within the ${length} bytes at ${position}`
      return bytes
    }
    const at = position - Windows.startOf(position)
    if (!this.#pooled) return window.slice(at, at + length)
    const bytes = allocate(length)
    bytes.set(window.subarray(at, at + length))
    return bytes
  }

  /** Bytes of the file, for this reader's eyes. */
  #look(position: number, length: number): Uint8Array {
    const window = length <= WINDOW_STEP ? this.#windows?.at(position, position + length) : undefined
    if (window === undefined) return this.#bytesAt(position, length)
    return new Uint8Array(window.buffer, position - Windows.startOf(position), length)
  }

  /** Up to `most` records of a zoom with keys from `from` on, in key order, tail merged in. */
  #rows(zoom: number, from: number, most: number): RecordRow[] | undefined {
    for (;;) {
      this.#refreshIfChanged()
      const view = this.#views[zoom]
      if (view === undefined) return undefined
      const rows = this.#collectRows(view, from, most)
      if (this.#settled(view, Math.max(from, 0))) return rows
    }
  }

  #collectRows(view: LevelView, from: number, most: number): RecordRow[] | undefined {
    this.#loadTail(view)
    const { index } = view
    const tailKeys = view.tailKeys()
    const rows: RecordRow[] = []
    let last = -1
    let record = index.lowerBound(view.sortedCount, from)
    let next = firstNotBelow(tailKeys, from)
    for (let n = 0; n < most && (record < view.sortedCount || next < tailKeys.length); n++) {
      let key = Number.POSITIVE_INFINITY
      if (record < view.sortedCount) {
        index.locate(record, view.sortedCount)
        key = keyAt(index.words, index.word)
      }
      if (next < tailKeys.length && tailKeys[next]! <= key) {
        if (tailKeys[next] === key) record++
        key = tailKeys[next++]!
        index.locate(view.findInTail(key), view.sortedCount)
      } else record++
      if (key <= last || key < zoomBase(view.zoom) || key >= zoomBase(view.zoom + 1))
        this.#problem = `the index of zoom ${view.zoom} (at ${view.offset}) has key ${key} after ${last}`
      last = key
      const { words, word } = index
      rows.push({
        key,
        deleted: isDeletedAt(words, word),
        offset: offsetAt(words, word),
        length: lengthAt(words, word),
        type: typeAt(words, word) as TileType,
        crc: contentCrcAt(words, word),
      })
    }
    return rows.length === 0 ? undefined : rows
  }

  /** Tiles of a level: what the tail adds, replaces and removes is counted out. */
  #countTiles(view: LevelView): number {
    for (;;) {
      let count = view.sortedCount
      this.#loadTail(view)
      const { index } = view
      for (const key of view.tailKeys()) {
        index.locate(view.findInTail(key), view.sortedCount)
        const live = !isDeletedAt(index.words, index.word)
        const at = index.lowerBound(view.sortedCount, key)
        if (at < view.sortedCount) index.locate(at, view.sortedCount)
        const known = at < view.sortedCount && keyAt(index.words, index.word) === key
        count += (live ? 1 : 0) - (known ? 1 : 0)
      }
      if (this.#settled(view, zoomBase(view.zoom))) return count
      this.refresh()
      if (this.#views[view.zoom] !== view)
        return this.#views[view.zoom] ? this.#countTiles(this.#views[view.zoom]!) : 0
    }
  }
}

/** What state of which file a superblock is of. */
export function revisionOf({ uuid, sequence }: Superblock): string {
  return `${Buffer.from(uuid).toString('hex', 0, 6)}-${sequence.toString(36)}`
}

function firstNotBelow(keys: Float64Array, key: number): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}

/** Being attached keeps a writer from shortening the file, which would kill a reader that maps it. */
function attach(file: ByteFile, waitMs: number): void {
  const deadline = performance.now() + waitMs
  while (!file.tryLock('attach', 'shared')) {
    if (performance.now() >= deadline) throw movedNow(file, waitMs)
    sleep(1)
  }
}
