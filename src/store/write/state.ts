// The writer's state of its file, shared by appending, growth, merging and sealing. It is the only place that writes
// superblocks.
//
// Invariants: a superblock is written only after everything it refers to is on the disk, into the slot that its
// sequence selects, so that the previous one stays intact. Superblocks written during a change of geometry carry the
// counts of the last commit.
import { FlagstoneError } from '../../errors.js'
import {
  FORMAT_VERSION,
  LEVEL_COUNT,
  SOURCES_WRITE_VERSION,
  SUPERBLOCK_BYTES,
  superblockOffset,
} from '../../format/layout.js'
import { encodeSuperblock } from '../../format/superblock/codec.js'
import type { Superblock } from '../../format/superblock/fields.js'
import type { ByteFile, LockName } from '../../platform/byte-file.js'
import { LevelWriter } from './level.js'
import { ValueStage } from './staging.js'

/** How the index of a file grew. */
export interface GrowthStats {
  /** INSERT_RANGE calls that made room for an index. */
  inserts: number
  /** Number of bytes that they inserted. */
  insertedBytes: number
  /** Regions that moved to a gap or to the end of the file. */
  relocations: number
  /** Regions that grew into a gap behind them, at no cost. */
  extensions: number
  /** Number of times that room was cut out of the file. */
  collapses: number
  /** Number of merges of records that were written out of order. */
  merges: number
  /** Wall time of all this, seconds. */
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
  /** False when the file system cannot do it, or has refused once. */
  insertWorks: boolean
  collapseWorks: boolean
  /** Whether [0, 16384) may hold a seal's header, or remains of one. It must be blank before anything else changes. */
  hasHeader: boolean
  /** Set when the state of the file is unknown. Nothing may be written then. */
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
    // Inserts must be possible in the units of this file, which may come from a file system with smaller ones.
    const unitFits = this.unit % file.capabilities.growthUnitBytes === 0
    this.collapseWorks = file.capabilities.collapseRange && unitFits
    this.insertWorks = file.capabilities.insertRange && unitFits
  }

  get regions(): LevelWriter[] {
    return this.levels.filter((level) => level !== undefined)
  }

  /** End of the last region. Regions among the values count as values: their room is never reused. */
  #regionsEnd(): number {
    let end = this.valuesStart
    for (const level of this.levels) if (level !== undefined) end = Math.max(end, level.end)
    return end
  }

  /**
   * Writes the next superblock: the present geometry with the counts of the last commit (or, with `counts` 'live', of
   * everything appended), changed by `change`. Not synced.
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
    sb.writeVersion = sb.sources === undefined ? FORMAT_VERSION : SOURCES_WRITE_VERSION
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

  /** Commits: everything appended is already durable, and counts from now on. */
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
      // the first error is reported
    }
  }

  /** Writes the same superblock to the other slot, so that losing one copy costs nothing. */
  writeSuperblockTwin(): void {
    this.writeSuperblock({ ...this.written, sequence: this.written.sequence + 1 })
  }

  /** After a failed sync the contents of the disk are unknown, because the kernel forgets that pages were dirty. */
  sync(): void {
    try {
      this.file.sync()
    } catch (error) {
      throw this.break(error)
    }
  }

  /** A lock that cannot be released would keep others out. */
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
   * Marks the state as lost; returns the error to throw. Nothing is written after this, so the locks are released: the
   * caller may not close the writer for a long time.
   */
  break(error: unknown): unknown {
    if (this.broken !== undefined) return error
    this.broken = error
    try {
      // pieces queued in another thread must not be written into what the next writer writes
      this.values.close()
      for (const lock of ['pin', 'attach', 'writer'] as const) this.file.unlock(lock)
    } catch {
      this.#closeFile()
    }
    return error
  }
}
