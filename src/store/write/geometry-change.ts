// INSERT_RANGE and COLLAPSE_RANGE on a file that may lose power, or its writer, at any moment.
//
// The steps of an insert (formats/flat-1.md): sync, superblock with the pending change, sync, INSERT_RANGE, sync,
// superblock with the new geometry, sync. Consecutive inserts share superblocks: the one that ends a change announces
// the next. The steps of a relocation: copy, sync, superblock, sync, free the old place.
import { FlagstoneError } from '../../errors.js'
import { type ByteFile, FALLOC } from '../../platform/byte-file.js'
import { moved } from '../file/geometry.js'
import { pendingOutcome } from '../file/pending.js'
import { sleep } from '../file/sleep.js'
import type { StoreState } from './state.js'

/** How room is made: in whatever way works, only by inserting, or only by moving regions. */
export type GrowthChoice = 'auto' | 'insert' | 'relocate'

const PIN_PATIENCE_MS = 1000

export function insertAllowed(state: StoreState, choice: GrowthChoice): boolean {
  return choice !== 'relocate' && state.insertWorks
}

export interface InsertStep {
  /** Returns the position, at most V. It is called when the step begins, because earlier steps move things. */
  at: () => number
  length: number
  /** Called when the room exists and everything after it has moved. */
  done: () => void
}

/** Inserts ranges one after another; false when a reader's pin or the file system prevents it. */
export function insertRanges(state: StoreState, steps: readonly InsertStep[], choice: GrowthChoice): boolean {
  const { file } = state
  if (!takePin(file, choice)) return false
  try {
    let inserted = 0
    try {
      for (const step of steps) {
        if (!changeGeometry(state, 'insert', step.at(), step.length)) break
        step.done()
        inserted++
      }
    } finally {
      concludeChange(state)
    }
    // Only the first step is needed; the further ones may fail.
    return inserted > 0
  } finally {
    state.unlock('pin')
  }
}

/**
 * Writes the superblock that ends a change, even if what should follow the change has failed. While the announcement
 * stands, the size of the file must show whether the change took place, so nothing may be appended.
 */
function concludeChange(state: StoreState): void {
  if (state.broken !== undefined || state.written.pending === undefined) return
  state.writeSuperblock()
  state.sync()
}

/** A reader that cannot keep up pins the file for a moment. If only an insert will do, wait for it. */
function takePin(file: ByteFile, choice: GrowthChoice): boolean {
  const deadline = performance.now() + (choice === 'insert' ? PIN_PATIENCE_MS : 0)
  while (!file.tryLock('pin', 'exclusive')) {
    if (performance.now() >= deadline) return false
    sleep(1)
  }
  return true
}

/** Cuts a free range out of the file. The caller holds 'pin' and 'attach'. False when the file system refuses. */
export function collapseRange(state: StoreState, at: number, length: number): boolean {
  try {
    return changeGeometry(state, 'collapse', at, length)
  } finally {
    concludeChange(state)
  }
}

/**
 * Performs one INSERT_RANGE or COLLAPSE_RANGE: announces it, and applies it to the state in memory. The caller then
 * writes the superblock that ends it (concludeChange). False when the file system refuses.
 */
function changeGeometry(state: StoreState, kind: 'insert' | 'collapse', at: number, length: number): boolean {
  const { file } = state
  // After a crash the size shows whether the change took place. So it must be on the disk, including uncommitted
  // values, before the superblock that names it.
  state.values.flush()
  state.sync()
  const sizeBefore = file.size()
  state.writeSuperblock({ pending: { kind, at, length, sizeBefore } })
  state.sync()
  let applied = true
  try {
    file.fallocate(kind === 'insert' ? FALLOC.INSERT_RANGE : FALLOC.COLLAPSE_RANGE, at, length)
  } catch (error) {
    applied = afterRefusal(state, error)
  }
  if (applied) state.sync()
  const delta = kind === 'insert' ? length : -length
  if (applied) {
    for (const region of state.regions) region.offset = moved(region.offset, at, delta)
    state.valuesStart = moved(state.valuesStart, at, delta)
    if (kind === 'insert') {
      state.growth.inserts++
      state.growth.insertedBytes += length
    } else state.growth.collapses++
  } else concludeChange(state)
  return applied
}

/**
 * Determines what a failed fallocate left behind. Returns whether the change is done. Rethrows errors other than a
 * refusal.
 */
function afterRefusal(state: StoreState, error: unknown): boolean {
  try {
    if (pendingOutcome(state.file, state.written) === 'applied') return true
    if (state.file.size() !== state.written.pending!.sizeBefore)
      state.file.truncate(state.written.pending!.sizeBefore)
  } catch {
    throw state.break(error)
  }
  if (
    error instanceof FlagstoneError &&
    (error.errno === 'EOPNOTSUPP' || error.errno === 'EINVAL' || error.errno === 'ENOSYS')
  ) {
    if (state.written.pending!.kind === 'insert') state.insertWorks = false
    else state.collapseWorks = false
    return false
  }
  concludeChange(state)
  throw error
}
