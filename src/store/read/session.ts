// A reader's hold on a file: which state it reads, and how it ensures that an answer is of one state.
//
// Every answer is read between two looks at the epoch (epoch.ts) and used only if the epoch did not move. If a writer
// keeps moving it, the reader takes the 'pin', which makes the writer pause. With `zeroCopy`, the pin of a file that is
// not growing is kept: values are returned as views of a mapping, and a later writer will not move them.
import { setTimeout as after } from 'node:timers/promises'
import { FlagstoneError } from '../../errors.js'
import { RECORD_BYTES, recordCapacity } from '../../format/layout.js'
import type { Superblock } from '../../format/superblock/fields.js'
import { tileIdToZxy } from '../../format/tile-id.js'
import type { ByteFile } from '../../platform/byte-file.js'
import { isBusy, movedNow } from '../file/locked.js'
import { sleep } from '../file/sleep.js'
import { LevelView } from '../index/level-view.js'
import { MappedIndex } from '../index/mapped-index.js'
import { PagedIndex } from '../index/paged-index.js'
import { Windows } from '../index/window.js'
import type { ResolvedReaderOptions } from '../options.js'
import { EpochWatch } from './epoch.js'
import { LentViews } from './lent-views.js'

/** Returned in place of a result that was read while the file moved. */
export const MOVED: unique symbol = Symbol('moved')
export type Moved = typeof MOVED

/** Attempts with the seqlock alone before the reader takes the pin. */
const FREE_TRIES = 3
/** Milliseconds between checks for a writer that is moving parts, by calls that wait without blocking. */
const POLL_MS = 5

export class ReadSession {
  readonly file: ByteFile
  /** The superblock that is used for reading. */
  superblock!: Superblock
  /** Undefined for a file that is not mapped. */
  windows: Windows | undefined
  /** Returns values without copying; undefined unless `zeroCopy` is set. */
  readonly lent: LentViews | undefined
  /** Whether the pin is held permanently. Values then stay where they are, and views of them may be returned. */
  isPinned = false
  /**
   * What was wrong with the last read: a clause for DAMAGED, or another error. It counts only if the epoch did not move
   * meanwhile.
   */
  problem: string | FlagstoneError | undefined
  readonly #epoch: EpochWatch
  readonly #views: (LevelView | undefined)[] = []
  readonly #busyTimeoutMs: number
  readonly #waitMs: number
  #revision: string | undefined
  #temporaryPins = 0
  #isClosed = false

  /**
   * Attaches to the file and reads its superblock.
   * @throws NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED
   * @throws LOCKED when a writer does not finish moving parts in time
   */
  constructor(file: ByteFile, options: ResolvedReaderOptions) {
    this.file = file
    this.#busyTimeoutMs = options.busyTimeoutMs
    this.#waitMs = options.waitMs
    attach(file, options.busyTimeoutMs)
    this.windows = options.mode === 'mmap' ? Windows.of(file) : undefined
    this.lent = options.zeroCopy && this.windows !== undefined ? new LentViews(file) : undefined
    this.#epoch = new EpochWatch(file, this.windows)
    try {
      this.refresh()
    } catch (error) {
      this.#letGo()
      throw error
    }
  }

  /**
   * The result of `read` in one state of the file. `read` returns MOVED to be called again; it checks the epoch itself
   * before and after reading.
   */
  inOneEpoch<T>(read: () => T | Moved): T {
    for (let tries = 0; ; tries++) {
      const isPinned = tries >= FREE_TRIES && this.#pinForNow()
      try {
        const found = read()
        if (found !== MOVED) return found
      } finally {
        if (isPinned) this.#unpin()
      }
    }
  }

  /**
   * As inOneEpoch, for reads in the thread pool. Waits for a writer that is moving parts without blocking the event
   * loop.
   */
  async inOneEpochAsync<T>(read: () => Promise<T | Moved>): Promise<T> {
    const deadline = performance.now() + this.#waitMs
    for (let tries = 0; ; tries++) {
      const isPinned = tries >= FREE_TRIES && this.#pinForNow()
      try {
        const found = await read()
        if (found !== MOVED) return found
      } catch (error) {
        if (!isBusy(error)) throw error
        if (performance.now() >= deadline) throw movedNow(this.file, this.#waitMs)
        await after(POLL_MS)
      } finally {
        if (isPinned) this.#unpin()
      }
    }
  }

  /** The view of a zoom for reading; call isSettled afterwards. undefined when the zoom is certain to hold nothing. */
  viewOf(zoom: number, waitMs = this.#busyTimeoutMs): LevelView | undefined {
    if (this.#isClosed || this.#epoch.mayHaveChanged) this.refresh(waitMs)
    const view = this.#views[zoom]
    if (view !== undefined) return view
    this.refreshIfChanged(waitMs)
    return this.#views[zoom]
  }

  /** The levels that hold records, in order of zoom. */
  get views(): LevelView[] {
    return this.#views.filter((view) => view !== undefined && view.count > 0) as LevelView[]
  }

  /** Whether the file has changed since the superblock was read. What was read meanwhile is then discarded. */
  hasMoved(): boolean {
    return this.#epoch.changedAfterReading()
  }

  /**
   * Whether what was just read of a level is valid. False means that the epoch moved: read again.
   * @throws DAMAGED, TOO_LARGE when there is a problem and the epoch did not move
   */
  isSettled(view: LevelView, key: number): boolean {
    const { problem } = this
    this.problem = undefined
    if (this.#epoch.changedAfterReading()) {
      // these were filled while the file was moving
      view.dropTail()
      view.index.clear()
      return false
    }
    if (problem !== undefined) throw this.#errorOf(problem, key)
    return true
  }

  #errorOf(problem: string | FlagstoneError, key: number): FlagstoneError {
    if (typeof problem !== 'string') return problem
    // the cached part of the index may be of a file that this one was written over
    if (this.windows === undefined) this.#epoch.distrust()
    const { path } = this.file
    const tile = tileIdToZxy(key).join('/')
    return new FlagstoneError('DAMAGED', `${path}: tile ${tile} cannot be read: ${problem}.`, { path })
  }

  /** Whether only the checks of the values reveal that another program writes over the file; see epoch.ts. */
  get isExposed(): boolean {
    return this.windows === undefined && !this.superblock.sealed && this.file.facts !== undefined
  }

  refreshIfChanged(waitMs = this.#busyTimeoutMs): void {
    if (this.#epoch.changed() || this.#isClosed) this.refresh(waitMs)
  }

  /**
   * Reads the superblock again.
   * @throws TypeError when this reader is closed
   * @throws LOCKED, DAMAGED when opening the file again would throw them
   */
  refresh(waitMs = this.#busyTimeoutMs): void {
    if (this.#isClosed) throw new TypeError('this reader is closed')
    let sb = this.#epoch.read(waitMs)
    // Views are for files that are not growing. Once taken, the pin is kept, because holders of views rely on it.
    if (sb.sealed && !this.isPinned && this.lent !== undefined && this.file.tryLock('pin', 'shared')) {
      this.isPinned = true
      sb = this.#epoch.read(waitMs)
    }
    this.#adopt(sb)
  }

  /**
   * Identifies the state of the file. It never waits: while a writer is moving parts, nothing is committed, so the
   * revision is known.
   */
  get revision(): string {
    try {
      this.refreshIfChanged(0)
    } catch (error) {
      if (!isBusy(error)) throw error
    }
    this.#revision ??= revisionOf(this.superblock)
    return this.#revision
  }

  close(): void {
    if (this.#isClosed) return
    this.#letGo()
    // Views keep the mapping alive, and with it the locks, which belong to the open file. That is intended: they
    // protect the views.
    if (!this.isPinned) this.file.unlock('attach')
    this.file.close()
  }

  /** Ends the mappings. The file is not accessed any more. */
  #letGo(): void {
    this.#isClosed = true
    this.#views.length = 0
    this.#epoch.close()
    this.windows?.close()
    this.windows = undefined
  }

  /** Replaces the views of levels that changed. */
  #adopt(sb: Superblock): void {
    const before: Superblock | undefined = this.superblock
    this.superblock = sb
    this.#revision = undefined
    const isOurs =
      before !== undefined && !this.#epoch.wasTouched && Buffer.compare(before.uuid, sb.uuid) === 0
    const isSame = isOurs && before.sequence === sb.sequence && before.valuesStart === sb.valuesStart
    if (isSame) return
    // Successive sequences differ by one step, and no step renumbers records without moving them.
    const isNext = isOurs && before.sequence === sb.sequence - 1
    for (const [zoom, level] of sb.levels.entries()) {
      if (level.capacityBytes === 0) {
        this.#views[zoom] = undefined
        continue
      }
      const tailCrc = sb.tailCrcs[zoom]!
      if (isNext && this.#views[zoom]?.advance(level, tailCrc)) continue
      this.#views[zoom] = new LevelView(
        zoom,
        level,
        tailCrc,
        this.#indexOf(level.offset, level.capacityBytes),
      )
    }
  }

  #indexOf(offset: number, capacityBytes: number): MappedIndex | PagedIndex {
    return this.windows === undefined
      ? new PagedIndex((first, into) => void this.file.read(into, offset + first * RECORD_BYTES))
      : new MappedIndex(this.windows, offset, recordCapacity(capacityBytes))
  }

  /** Call it before checking the epoch: what was read before the pin was taken may have moved. */
  #pinForNow(): boolean {
    if (this.isPinned || this.#isClosed) return false
    if (this.#temporaryPins === 0 && !this.file.tryLock('pin', 'shared')) {
      sleep(1)
      return false
    }
    this.#temporaryPins++
    return true
  }

  #unpin(): void {
    if (--this.#temporaryPins === 0 && !this.isPinned && !this.#isClosed) this.file.unlock('pin')
  }
}

/** Identifies the file and the state that a superblock belongs to. */
export function revisionOf({ uuid, sequence }: Superblock): string {
  return `${Buffer.from(uuid).toString('hex', 0, 6)}-${sequence.toString(36)}`
}

/** Being attached keeps a writer from shortening the file, which would kill a reader that maps it. */
function attach(file: ByteFile, waitMs: number): void {
  const deadline = performance.now() + waitMs
  while (!file.tryLock('attach', 'shared')) {
    if (performance.now() >= deadline) throw movedNow(file, waitMs)
    sleep(1)
  }
}
