// The writer's picture of its file, shared by appending, growth, merging and sealing; and the one place that
// writes superblocks.
//
// Invariants: a superblock is written only after everything it refers to is on the disk, into the slot its
// sequence selects, so that the one before it stays whole; superblocks written during a change of geometry
// carry the counts of the last commit.
import { FlagstoneError } from '../../errors.js'
import { LEVEL_COUNT, SUPERBLOCK_BYTES, superblockOffset } from '../../format/layout.js'
import { encodeSuperblock } from '../../format/superblock/codec.js'
import type { Superblock } from '../../format/superblock/fields.js'
import type { ByteFile, LockName } from '../../platform/byte-file.js'
import { LevelWriter } from './level.js'
import { ValueStage } from './staging.js'

/** How the index of a file grew. */
export interface GrowthStats {
  /** INSERT_RANGE calls that made room for an index. */
  inserts: number
  /** Bytes that they inserted. */
  insertedBytes: number
  /** Regions that moved to a gap or to the end of the file. */
  relocations: number
  /** Regions that grew into a gap behind them, at no cost. */
  extensions: number
  /** Times that room was cut out of the file. */
  collapses: number
  /** Times that records which came out of order were merged. */
  merges: number
  /** Wall time of all that, seconds. */
  seconds: number
}

export class StoreState {
  readonly file: ByteFile
  readonly unit: number
  readonly values: ValueStage
  readonly levels: (LevelWriter | undefined)[] = new Array(LEVEL_COUNT).fill(undefined)
  readonly growth: GrowthStats = {
    inserts: 0,
    insertedBytes: 0,
    relocations: 0,
    extensions: 0,
    collapses: 0,
    merges: 0,
    seconds: 0,
  }
  valuesStart: number
  /** The superblock written last. */
  written: Superblock
  /** Not possible, or not any more: the file system said so. */
  insertWorks: boolean
  collapseWorks: boolean
  /** [0, 16384) may hold something: a seal's header, or what is left of one. Blank before anything else changes. */
  hasHeader: boolean
  /** Set when the state of the file is not known any more; nothing may be written then. */
  broken: unknown
  readonly #block = new Uint8Array(SUPERBLOCK_BYTES)

  constructor(
    file: ByteFile,
    superblock: Superblock,
    valuesEnd: number,
    stagingBytes: number,
    behindAfter = Number.POSITIVE_INFINITY,
  ) {
    this.file = file
    this.unit = superblock.growthUnitBytes
    this.written = superblock
    this.hasHeader = superblock.sealed
    this.valuesStart = superblock.valuesStart
    this.values = new ValueStage(file, this, valuesEnd, stagingBytes, behindAfter)
    for (const [zoom, l] of superblock.levels.entries())
      if (l.capacityBytes > 0) this.levels[zoom] = new LevelWriter(file, zoom, l, l.count, l.sortedCount)
    // An insert must be possible in units of this file, which may come from a file system with smaller ones.
    const unitFits = this.unit % file.capabilities.growthUnitBytes === 0
    this.collapseWorks = file.capabilities.collapseRange && unitFits
    this.insertWorks = file.capabilities.insertRange && unitFits
  }

  get regions(): LevelWriter[] {
    return this.levels.filter((level) => level !== undefined)
  }

  /** End of the last region. Regions among the values count as values: their room is never used twice. */
  #regionsEnd(): number {
    let end = this.valuesStart
    for (const level of this.levels) if (level !== undefined) end = Math.max(end, level.end)
    return end
  }

  /**
   * Writes the next superblock: the present geometry with the counts last committed (or, `counts` 'live', with
   * all there is), changed by `change`. Not synced.
   */
  writeSuperblock(change: Partial<Superblock> = {}, counts: 'committed' | 'live' = 'committed'): void {
    this.assertUsable()
    const live = counts === 'live'
    const sb: Superblock = {
      ...this.written,
      sequence: this.written.sequence + 1,
      pending: undefined,
      valuesStart: this.valuesStart,
      valuesLength: live
        ? this.values.end
        : Math.max(this.written.valuesLength, this.#regionsEnd() - this.valuesStart),
      levels: this.levels.map((l) => ({
        offset: l?.offset ?? 0,
        capacityBytes: l?.capacityBytes ?? 0,
        count: (live ? l?.count : l?.committedCount) ?? 0,
        sortedCount: (live ? l?.sortedCount : l?.committedSorted) ?? 0,
      })),
      tailCrcs: this.levels.map((l) => (live ? l?.tailCrc : l?.committedTailCrc) ?? 0),
      ...change,
    }
    try {
      encodeSuperblock(sb, this.#block)
    } catch (error) {
      throw this.break(error)
    }
    try {
      this.file.write(this.#block, superblockOffset(sb.sequence))
    } catch (error) {
      throw this.break(error)
    }
    this.written = sb
  }

  /** Commits: everything appended is durable already, and counts from now on. */
  publish(change: Partial<Superblock>): void {
    this.writeSuperblock(change, 'live')
    this.sync()
    for (const level of this.regions) {
      level.committedCount = level.count
      level.committedSorted = level.sortedCount
      level.committedTailCrc = level.tailCrc
    }
  }

  #closeFile(): void {
    try {
      this.file.close()
    } catch {
      // the first error is told
    }
  }

  /** Writes the same superblock into the other slot, so that one damaged copy costs nothing. */
  writeSuperblockTwin(): void {
    this.writeSuperblock({ ...this.written, sequence: this.written.sequence + 1 })
  }

  /** After a failed sync nobody knows what is on the disk (the kernel forgets that pages were dirty). */
  sync(): void {
    try {
      this.file.sync()
    } catch (error) {
      throw this.break(error)
    }
  }

  /** A lock that cannot be given back keeps others out. */
  unlock(name: LockName): void {
    try {
      this.file.unlock(name)
    } catch (error) {
      throw this.break(error)
    }
  }

  assertUsable(): void {
    if (this.broken !== undefined)
      throw new FlagstoneError(
        'SYSTEM',
        `${this.file.path}: this writer gave up after an earlier error; close it and open the file again, it recovers to the last commit.`,
        { cause: this.broken },
      )
  }

  /**
   * Marks the state as lost; returns the error for throwing. Nothing is written from here on, so others may have the
   * file: whoever is told of the error may not come to close the writer for a long time.
   */
  break(error: unknown): unknown {
    if (this.broken !== undefined) return error
    this.broken = error
    try {
      // pieces on their way to another thread must not land in what the next writer writes
      this.values.close()
      for (const lock of ['pin', 'attach', 'writer'] as const) this.file.unlock(lock)
    } catch {
      this.#closeFile()
    }
    return error
  }
}
