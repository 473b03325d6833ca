// Room for the indexes. A region that is full grows, in this order of preference:
//   into the gap behind it (left by an earlier seal or a moved region), at no cost;
//   in place, by INSERT_RANGE at its end: the file system moves what lies behind, extents only;
//   by relocation to a gap or to the end of the file, where INSERT_RANGE is missing or a reader holds the pin.
// New regions find their place the same way.
//
// The protocol of an insert (formats/flat-1.md): superblock with the pending change, sync, INSERT_RANGE, sync,
// superblock with the new geometry, sync; and a sync before all that. Several inserts in a row share superblocks: the one that ends
// a change announces the next. Of a relocation: copy, sync, superblock, sync, free the old place.
import { FlagstoneError } from '../../errors.js'
import { RECORD_BYTES, roundUp } from '../../format/layout.js'
import { type ByteFile, FALLOC } from '../../platform/byte-file.js'
import { gapsInFront, moved, type Region } from '../file/geometry.js'
import { pendingOutcome } from '../file/pending.js'
import { sleep } from '../file/sleep.js'
import { LevelWriter } from './level.js'
import { shortRead } from './staging.js'
import type { StoreState } from './state.js'

export type GrowthChoice = 'auto' | 'insert' | 'relocate'

/** Regions at least this full grow along with one that has to. */
const ALONG_FROM = 7 / 8
/** But not those this small: they may never grow. */
const ALONG_FROM_RECORDS = 1024
const COPY_BYTES = 1 << 20
const PIN_PATIENCE_MS = 1000

/** Doubles the index of `zoom`, and others that will need it soon. */
export function growLevel(state: StoreState, zoom: number, choice: GrowthChoice): void {
  timed(state, () => {
    const level = state.levels[zoom]!
    if (extendIntoGap(state, level)) return
    if (level.offset < state.valuesStart && insertAllowed(state, choice)) {
      const along = state.regions.filter((l) => l !== level && growsAlong(state, l))
      if (insertBehind(state, [level, ...along], choice)) return
    }
    // One that was moved among the values cannot grow there, but room for it can be inserted in front of them.
    const isAmongValues = level.offset >= state.valuesStart
    if (choice === 'insert' && !isAmongValues && !valuesEmpty(state)) throw insertRefused(state)
    relocate(state, level, level.capacityBytes * 2, isAmongValues ? choice : 'relocate')
  })
}

function growsAlong(state: StoreState, level: LevelWriter): boolean {
  return (
    level.offset < state.valuesStart &&
    level.count >= ALONG_FROM_RECORDS &&
    level.count >= level.capacity * ALONG_FROM &&
    level.count > level.committedCount
  )
}

/** Gives a level that has none a region of at least `bytes`. */
export function createLevel(
  state: StoreState,
  zoom: number,
  bytes: number,
  choice: GrowthChoice,
): LevelWriter {
  return timed(state, () => {
    const level = new LevelWriter(state.file, zoom, allocateRegion(state, bytes, choice))
    state.levels[zoom] = level
    return level
  })
}

/**
 * Finds room for a region: a gap, an insert in front of V, or the end of the file. Nothing refers to it
 * yet; the next superblock may.
 */
export function allocateRegion(state: StoreState, wantedBytes: number, choice: GrowthChoice): Region {
  const bytes = roundUp(Math.max(wantedBytes, RECORD_BYTES), state.unit)
  const gap = gapsInFront(state.regions, state.unit, state.valuesStart).find((g) => g.capacityBytes >= bytes)
  if (gap !== undefined) return { offset: gap.offset, capacityBytes: bytes }
  if (valuesEmpty(state)) return { offset: pushValues(state, bytes), capacityBytes: bytes }
  if (insertAllowed(state, choice)) {
    const offset = state.valuesStart
    if (insertRanges(state, [{ at: () => state.valuesStart, length: bytes, done: () => {} }], choice))
      return { offset, capacityBytes: bytes }
  }
  if (choice === 'insert') throw insertRefused(state)
  return { offset: appendRegion(state, bytes), capacityBytes: bytes }
}

/** Takes the gap behind a region, up to doubling it. */
function extendIntoGap(state: StoreState, level: LevelWriter): boolean {
  const gap = gapsInFront(state.regions, state.unit, state.valuesStart).find((g) => g.offset === level.end)
  const wanted = level.capacityBytes
  if (gap === undefined) {
    if (level.end !== state.valuesStart || !valuesEmpty(state)) return false
    pushValues(state, wanted)
  } else if (gap.capacityBytes < wanted / 2) return false
  level.capacityBytes += Math.min(gap?.capacityBytes ?? wanted, wanted)
  state.growth.extensions++
  return true
}

/** No value lies behind V yet, in the file or on its way: V may move freely. */
function valuesEmpty(state: StoreState): boolean {
  return state.values.end === 0 && state.regions.every((r) => r.offset < state.valuesStart)
}

/** Moves an empty V back by `bytes`; returns where it was. */
function pushValues(state: StoreState, bytes: number): number {
  const before = state.valuesStart
  state.file.truncate(before + bytes)
  state.valuesStart = before + bytes
  return before
}

/** Room in front of V for nothing, while no value lies behind it. */
export function makeRoomWithoutValues(state: StoreState, bytes: number): boolean {
  if (!valuesEmpty(state)) return false
  pushValues(state, bytes)
  return true
}

/** Makes room at the end of the file, behind the values, which continue behind the room. */
function appendRegion(state: StoreState, bytes: number): number {
  state.values.flush()
  const offset = roundUp(state.valuesStart + state.values.end, state.unit)
  state.file.truncate(offset + bytes)
  state.values.skipTo(offset + bytes - state.valuesStart)
  return offset
}

export function insertAllowed(state: StoreState, choice: GrowthChoice): boolean {
  return choice !== 'relocate' && state.insertWorks
}

function insertBehind(state: StoreState, levels: LevelWriter[], choice: GrowthChoice): boolean {
  return insertRanges(
    state,
    levels.map((level) => {
      const length = level.capacityBytes
      return {
        at: () => level.end,
        length,
        done: () => {
          level.capacityBytes += length
        },
      }
    }),
    choice,
  )
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

function relocate(state: StoreState, level: LevelWriter, bytes: number, choice: GrowthChoice): void {
  level.flush()
  const place = allocateRegion(state, bytes, choice)
  // Only now: an insertion moves the old place too.
  const old: Region = { offset: level.offset, capacityBytes: level.capacityBytes }
  copyRange(state, old.offset, place.offset, level.count * RECORD_BYTES)
  state.sync()
  level.offset = place.offset
  level.capacityBytes = place.capacityBytes
  state.writeSuperblock()
  state.sync()
  state.growth.relocations++
  punch(state, old)
}

function copyRange(state: StoreState, from: number, to: number, bytes: number): void {
  const buffer = new Uint8Array(Math.min(COPY_BYTES, bytes))
  for (let done = 0; done < bytes; done += buffer.length) {
    const part = buffer.subarray(0, Math.min(buffer.length, bytes - done))
    const got = state.file.read(part, from + done)
    if (got !== part.length) throw shortRead(state.file, from + done, part.length, got)
    state.file.write(part, to + done)
  }
}

/** Gives the blocks of a range back that no superblock refers to any more. A kindness to the disk, so it never fails. */
export function punch(state: StoreState, range: Region): void {
  if (!state.file.capabilities.punchHole || range.capacityBytes === 0) return
  try {
    state.file.fallocate(FALLOC.PUNCH_HOLE | FALLOC.KEEP_SIZE, range.offset, range.capacityBytes)
  } catch (error) {
    if (!(error instanceof FlagstoneError)) throw error
  }
}

function insertRefused(state: StoreState): FlagstoneError {
  return new FlagstoneError(
    'SYSTEM',
    `${state.file.path}: the index is full and cannot grow in place: ${
      state.insertWorks ? 'a reader holds the file as it is' : 'this file system has no INSERT_RANGE'
    }; allow growth by relocation (growth: 'auto').`,
  )
}

function timed<T>(state: StoreState, work: () => T): T {
  const start = performance.now()
  try {
    return work()
  } finally {
    state.growth.seconds += (performance.now() - start) / 1000
  }
}
