import { isUint8Array } from 'node:util/types'
import { FlagstoneError, wrongType } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import { FLAG_DELETED, MAX_VALUE_BYTES, RECORD_BYTES } from '../../format/layout.js'
import { contentCrcAt, flagsAt, isDeletedAt, keyAt, lengthAt, offsetAt, typeAt } from '../../format/record.js'
import type { SourceRecord } from '../../format/sources/record.js'
import { tileId } from '../../format/tile-id.js'
import { isTileType, sniffTileType, type TileType } from '../../format/tile-type.js'
import type { ByteFile } from '../../platform/byte-file.js'
import type { PagedIndex } from '../index/paged-index.js'
import {
  behindAfterBytes,
  parseOptions,
  type ResolvedWriterOptions,
  type SealOptions,
  sealOptions,
  type WriterOptions,
  writerOptions,
} from '../options.js'
import { Tile } from '../read/tile.js'
import { publish, tidy } from './commit.js'
import { DedupeTable } from './dedupe.js'
import { Graft } from './graft.js'
import { createLevel, growLevel } from './growth.js'
import type { LevelWriter } from './level.js'
import { lockForWriting } from './lock.js'
import { mergeLevel } from './merge.js'
import { asJson } from './metadata.js'
import { newFile } from './new-file.js'
import { recover } from './recover.js'
import { checkPlace, type SealReport, sealFile, unseal } from './seal.js'
import { type PackedSources, packedSources } from './sources.js'
import type { GrowthStats, StoreState } from './state.js'

/** What a writer has done since it was opened. */
export interface WriterStats {
  /** Number of tiles appended. */
  appended: number
  /** Number of tiles removed. */
  removed: number
  /** Number of tiles whose bytes were already stored. */
  dedupeHits: number
  /** Number of bytes that were not stored again. */
  dedupedBytes: number
  /** Bytes of tiles and metadata that were stored. */
  valueBytes: number
  /** Number of commits, including automatic ones. */
  commits: number
  /** How the index grew. */
  growth: GrowthStats
}

/** A commit merges a tail that has more records than this share (one in TAIL_SHARE) of the sorted part. */
const TAIL_SHARE = 8
const TAIL_CAP = 2 ** 20

/** The single writer of a Flagstone file. Once `commit` has returned, the data survive any crash. */
export class TileWriter {
  readonly #file: ByteFile
  readonly #state: StoreState
  readonly #options: ResolvedWriterOptions
  readonly #dedupe: DedupeTable | undefined
  #metadata: Record<string, unknown>
  #metadataChanged = false
  /** What the next commit stores, null for none; undefined when they stay as they are. */
  #sources: PackedSources | null | undefined
  #closed = false
  /** Value of appendedBytes at which the next automatic commit is due. */
  #commitAt: number
  #lastCommit = performance.now()
  #uncommitted = 0
  readonly #stats = { appended: 0, removed: 0, dedupeHits: 0, dedupedBytes: 0, commits: 0 }

  private constructor(
    file: ByteFile,
    state: StoreState,
    options: ResolvedWriterOptions,
    metadata: Record<string, unknown>,
  ) {
    this.#file = file
    this.#state = state
    this.#options = options
    this.#dedupe = options.dedupe ? new DedupeTable() : undefined
    this.#metadata = metadata
    this.#commitAt = options.commitBytes || Number.POSITIVE_INFINITY
  }

  /**
   * Turns an empty ByteFile into an empty, committed tile file.
   * @throws EXISTS, LOCKED, BAD_OPTION, DISK_FULL
   * @internal
   */
  static create(file: ByteFile, options: WriterOptions = {}): TileWriter {
    const resolved = parseOptions(writerOptions, options, 'writer option')
    lockForWriting(file)
    try {
      return new TileWriter(file, newFile(file, resolved), resolved, {})
    } catch (error) {
      file.unlock('writer')
      throw error
    }
  }

  /**
   * Opens a file to continue writing, and recovers from whatever ended the last writer. A sealed file is unsealed: our
   * readers do not notice, PMTiles readers must wait for the next seal.
   * @throws LOCKED, NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED
   * @internal
   */
  static reopen(file: ByteFile, options: WriterOptions = {}): TileWriter {
    const resolved = parseOptions(writerOptions, options, 'writer option')
    lockForWriting(file)
    try {
      const { state, metadata } = recover(file, resolved.stagingBytes, behindAfterBytes(resolved.cache))
      return new TileWriter(file, state, resolved, metadata)
    } catch (error) {
      file.unlock('writer')
      throw error
    }
  }

  /**
   * Adds or replaces a tile; x and y count from the north-west. The bytes, 1 to 2^31 - 1 of them, are copied. If `type`
   * is absent, it is detected from the bytes. If it throws, nothing was appended.
   * @throws RangeError when the tile is outside the grid, or has no bytes or too many
   * @throws TypeError when an argument is of another type, or the writer is closed
   * @throws DISK_FULL, SYSTEM when it cannot be written
   */
  append(z: number, x: number, y: number, bytes: Uint8Array, type?: TileType): void {
    const key = tileId(z, x, y)
    if (!isUint8Array(bytes)) throw wrongType('bytes must be a Uint8Array', bytes)
    if (type !== undefined && !isTileType(type)) throw wrongType('type must be one of TileType', type)
    const length = bytes.length
    if (length === 0 || length >= MAX_VALUE_BYTES)
      throw new RangeError(
        `a tile must have 1 to 2^31 - 1 bytes, not ${length}; an empty tile is removed, or not stored`,
      )
    const level = this.#room(z)
    const crc = crc32(bytes)
    const offset = this.#store(bytes, crc)
    level.push(key, offset, type ?? sniffTileType(bytes), 0, length, crc)
    this.#stats.appended++
    this.#uncommitted++
  }

  /**
   * Removes a tile; false when there is none.
   * @throws RangeError when the tile is outside the grid
   * @throws DISK_FULL, SYSTEM when it cannot be written
   */
  remove(z: number, x: number, y: number): boolean {
    const key = tileId(z, x, y)
    if (this.#locate(z, key) === undefined) return false
    this.#room(z).push(key, 0, 0, FLAG_DELETED, 0, 0)
    this.#stats.removed++
    this.#uncommitted++
    return true
  }

  /**
   * A copy of a tile as it is now, committed or not; undefined when there is none.
   * @throws RangeError when the tile is outside the grid
   * @throws DAMAGED when its bytes do not match their checksum
   */
  get(z: number, x: number, y: number): Tile | undefined {
    const key = tileId(z, x, y)
    const index = this.#locate(z, key)
    if (index === undefined) return undefined
    const { words, word } = index
    const bytes = new Uint8Array(lengthAt(words, word))
    this.#state.values.read(offsetAt(words, word), bytes)
    const crc = contentCrcAt(words, word)
    if (crc32(bytes) !== crc)
      throw new FlagstoneError('DAMAGED', `${this.#file.path}: tile ${z}/${x}/${y} does not match its check.`)
    return new Tile(bytes, typeAt(words, word) as TileType, key, crc)
  }

  /** Whether there is such a tile now, committed or not. @throws RangeError when the tile is outside the grid */
  has(z: number, x: number, y: number): boolean {
    return this.#locate(z, tileId(z, x, y)) !== undefined
  }

  /**
   * Stores bytes that belong to no tile; returns their offset from V, which the caller keeps in the metadata: nothing
   * else refers to them.
   * @throws DISK_FULL, SYSTEM when they cannot be written
   * @internal
   */
  storeBytes(bytes: Uint8Array): number {
    this.#beforeChange()
    return this.#state.values.append(bytes)
  }

  /** Takes tiles over from other files. @internal */
  graft(): Graft {
    this.#assertOpen()
    return new Graft({
      state: this.#state,
      room: (zoom) => this.#room(zoom),
      reserve: (zoom, records) => {
        const { growth } = this.#options
        if (this.#state.levels[zoom] === undefined && records > 0)
          createLevel(this.#state, zoom, records * RECORD_BYTES, growth)
      },
      counted: () => {
        this.#stats.appended++
        this.#uncommitted++
      },
    })
  }

  /** A copy of the current metadata, committed or not. */
  get metadata(): Record<string, unknown> {
    return structuredClone(this.#metadata)
  }

  /** Replaces the metadata with the next commit. @throws TypeError when they cannot be written as JSON */
  setMetadata(metadata: Record<string, unknown>): void {
    this.#assertOpen()
    this.#metadata = asJson(metadata)
    this.#metadataChanged = true
  }

  /**
   * Replaces what the file remembers of the images it was made from, with the next commit; an empty list removes it.
   * The records are copied.
   * @throws TypeError when a record is wrong, an id or an order is used twice, or they are too many
   */
  setSources(records: readonly SourceRecord[]): void {
    this.#assertOpen()
    this.#sources = packedSources(records)
  }

  /**
   * Makes everything so far durable and visible to readers. May be called again if it throws.
   * @throws DISK_FULL, SYSTEM when it cannot be written
   */
  commit(): void {
    this.#assertOpen()
    const { values } = this.#state
    if (this.#isChanged) this.#publish()
    this.#uncommitted = 0
    this.#commitAt = values.appendedBytes + (this.#options.commitBytes || Number.POSITIVE_INFINITY)
    this.#lastCommit = performance.now()
    for (const level of this.#state.regions) {
      const tail = level.count - level.sortedCount
      const bound = Math.min(TAIL_CAP, Math.max(this.#options.tailRecords, level.sortedCount / TAIL_SHARE))
      if (tail > bound) mergeLevel(this.#state, level, this.#options.growth)
    }
  }

  /**
   * Commits, merges records that were written out of order, and writes PMTiles' header and directories. The file is
   * then a PMTiles v3 archive, until the next append unseals it.
   * @throws RangeError, TypeError when an option is wrong, or bounds and center do not fit the tiles
   * @throws DISK_FULL, SYSTEM when it cannot be written
   */
  seal(info: SealOptions = {}): SealReport {
    const resolved = parseOptions(sealOptions, info, 'seal option')
    checkPlace(resolved)
    this.#commitWith(resolved.metadata)
    if (this.#state.hasHeader) unseal(this.#state)
    for (const level of this.#state.regions)
      if (level.count > level.sortedCount) mergeLevel(this.#state, level, this.#options.growth)
    return sealFile(this.#state, resolved, this.#metadata, this.#options.growth)
  }

  /**
   * Commits, tidies up the file and closes it. The file is closed and its lock released even if that fails.
   * @throws DISK_FULL, SYSTEM when it cannot be written
   */
  close(): void {
    if (this.#closed) return
    try {
      if (this.#state.broken === undefined) {
        if (this.#isChanged) this.commit()
        tidy(this.#state)
      }
    } finally {
      this.#release()
    }
  }

  /** Closes without committing: what was appended since the last commit is lost. */
  abandon(): void {
    if (!this.#closed) this.#release()
  }

  /** What this writer has done so far. */
  get stats(): WriterStats {
    return {
      ...this.#stats,
      valueBytes: this.#state.values.appendedBytes,
      growth: { ...this.#state.growth },
    }
  }

  /** Whether the file is sealed: true between a seal and the next change. */
  get sealed(): boolean {
    return this.#state.written.sealed
  }

  /** As `close`: `using writer = create(path)`. */
  [Symbol.dispose](): void {
    this.close()
  }

  // ── inside ────────────────────────────────────────────────────────────────────────────────────────────

  /** The level of a zoom, with room for one more record. */
  #room(zoom: number): LevelWriter {
    if (this.#closed || this.#state.broken !== undefined || this.#state.hasHeader) this.#beforeChange()
    if (this.#state.values.appendedBytes >= this.#commitAt || (this.#uncommitted & 1023) === 1023)
      this.#autoCommit()
    let level = this.#state.levels[zoom]
    if (level === undefined) level = this.#newLevel(zoom)
    if (level.count === level.capacity) growLevel(this.#state, zoom, this.#options.growth)
    level.ready()
    return level
  }

  /** The rarely needed part of every change. */
  #beforeChange(): void {
    this.#assertOpen()
    if (this.#state.hasHeader) unseal(this.#state)
  }

  #newLevel(zoom: number): LevelWriter {
    const bytes = Math.min(this.#options.initialRegionBytes, 4 ** zoom * RECORD_BYTES)
    return createLevel(this.#state, zoom, bytes, this.#options.growth)
  }

  /** Stores a value unless it is already stored; returns its offset. */
  #store(bytes: Uint8Array, crc: number): number {
    const { values } = this.#state
    const dedupe = this.#dedupe
    if (dedupe === undefined) return values.append(bytes)
    const proposed = dedupe.propose(crc, bytes.length)
    if (proposed >= 0 && values.equals(proposed, bytes)) {
      this.#stats.dedupeHits++
      this.#stats.dedupedBytes += bytes.length
      return proposed
    }
    const offset = values.append(bytes)
    dedupe.remember(crc, bytes.length, offset)
    return offset
  }

  /** The level's index, pointing at the live record of a key; undefined when there is none. */
  #locate(zoom: number, key: number): PagedIndex | undefined {
    this.#assertOpen()
    const level = this.#state.levels[zoom]
    if (level === undefined) return undefined
    const { index } = level
    const inTail = level.findInTail(key)
    if (inTail >= 0) {
      index.locate(inTail, level.sortedCount)
      return isDeletedAt(index.words, index.word) ? undefined : index
    }
    if (key > level.lastKey) return undefined
    index.locate(index.lowerBound(level.sortedCount, key), level.sortedCount)
    const { words, word } = index
    return flagsAt(words, word) === 0 && keyAt(words, word) === key ? index : undefined
  }

  get #isChanged(): boolean {
    return this.#uncommitted > 0 || this.#metadataChanged || this.#sources !== undefined
  }

  #publish(): void {
    const metadata = this.#metadataChanged ? this.#metadata : undefined
    publish(this.#state, { metadata, sources: this.#sources })
    this.#metadataChanged = false
    this.#sources = undefined
    this.#stats.commits++
  }

  /** Commits before an append rather than after it: a failed commit must not look like a failed append. */
  #autoCommit(): void {
    const { commitSeconds } = this.#options
    const late = commitSeconds > 0 && performance.now() - this.#lastCommit >= commitSeconds * 1000
    if (late || this.#state.values.appendedBytes >= this.#commitAt) this.commit()
  }

  /** Commits with additions to the metadata. If nothing was committed, they stay as they were. */
  #commitWith(added: Record<string, unknown> | undefined): void {
    const { commits } = this.#stats
    const [metadata, isChanged] = [this.#metadata, this.#metadataChanged]
    if (added !== undefined) this.setMetadata({ ...metadata, ...added })
    try {
      this.commit()
    } catch (error) {
      if (this.#stats.commits === commits) {
        this.#metadata = metadata
        this.#metadataChanged = isChanged
      }
      throw error
    }
  }

  /** Releases everything, even if a part of it fails. */
  #release(): void {
    this.#closed = true
    try {
      this.#state.values.close()
    } finally {
      this.#file.close()
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new TypeError('this writer is closed')
    this.#state.assertUsable()
  }
}
