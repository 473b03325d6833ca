// INSERT_RANGE and COLLAPSE_RANGE on a file that may lose power, or its writer, at any moment.
//
// The protocol of an insert (formats/flat-1.md): superblock with the pending change, sync, INSERT_RANGE, sync,
// superblock with the new geometry, sync; and a sync before all that. Several inserts in a row share superblocks: the one that ends
// a change announces the next. Of a relocation: copy, sync, superblock, sync, free the old place.
import { FlagstoneError } from '../../errors.js'
import { type ByteFile, FALLOC } from '../../platform/byte-file.js'
import { moved } from '../file/geometry.js'
import { pendingOutcome } from '../file/pending.js'
import { sleep } from '../file/sleep.js'
import type { StoreState } from './state.js'

/** How room is made: as it can be had, by inserting only, or by moving regions only. */
export type GrowthChoice = 'auto' | 'insert' | 'relocate'

const PIN_PATIENCE_MS = 1000

export function insertAllowed(state: StoreState, choice: GrowthChoice): boolean {
  return choice !== 'relocate' && state.insertWorks
}

export interface InsertStep {
  /** Asked when its turn comes: earlier steps move things. At most V. */
  at: () => number
  length: number
  /** After the room is there and everything behind has moved. */
  done: () => void
}

/** Inserts ranges one after the other; false when a reader's pin or the file system does not let it. */
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
    // Steps that came along may fail; the first is the one that was needed.
    return inserted > 0
  } finally {
    state.unlock('pin')
  }
}

/**
 * The superblock that says a change is done, also when what should have followed failed: as long as the announcement
 * stands, the size of the file must tell whether the change took place, so nothing may be appended.
 */
function concludeChange(state: StoreState): void {
  if (state.broken !== undefined || state.written.pending === undefined) return
  state.writeSuperblock()
  state.sync()
}

/** A reader that cannot keep up pins for a moment: where nothing but an insert will do, that is waited for. */
function takePin(file: ByteFile, choice: GrowthChoice): boolean {
  const deadline = performance.now() + (choice === 'insert' ? PIN_PATIENCE_MS : 0)
  while (!file.tryLock('pin', 'exclusive')) {
    if (performance.now() >= deadline) return false
    sleep(1)
  }
  return true
}

/** Cuts a free range out of the file; 'pin' and 'attach' are held. False when the file system refuses. */
export function collapseRange(state: StoreState, at: number, length: number): boolean {
  try {
    return changeGeometry(state, 'collapse', at, length)
  } finally {
    concludeChange(state)
  }
}

/**
 * One INSERT_RANGE or COLLAPSE_RANGE, announced before and followed in memory; the superblock that says it
 * is done is still to be written (concludeChange). False when the file system refuses.
 */
function changeGeometry(state: StoreState, kind: 'insert' | 'collapse', at: number, length: number): boolean {
  const { file } = state
  // The size is what tells after a crash whether the change took place: it has to be on the disk before the
  // superblock that names it, uncommitted values and all.
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

/** fallocate threw: finds out what it left behind. Says whether the change is done; rethrows what is not just refusal. */
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
