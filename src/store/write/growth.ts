// Room for the indexes. A full region grows, in this order of preference:
//   into the gap after it (left by an earlier seal or a moved region), at no cost;
//   in place, by INSERT_RANGE at its end: the file system moves only extents;
//   by relocation to a gap or to the end of the file, if INSERT_RANGE is missing or a reader holds the pin.
// Room for new regions is found in the same way.
import { FlagstoneError } from '../../errors.js'
import { RECORD_BYTES, roundUp } from '../../format/layout.js'
import { FALLOC } from '../../platform/byte-file.js'
import { gapsInFront, type Region } from '../file/geometry.js'
import { type GrowthChoice, insertAllowed, insertRanges } from './geometry-change.js'
import { LevelWriter } from './level.js'
import { shortRead } from './staging.js'
import type { StoreState } from './state.js'

/** Regions at least this full grow together with one that must grow. */
const ALONG_FROM = 7 / 8
/** But not regions this small, which may never need to grow. */
const ALONG_FROM_RECORDS = 1024
const COPY_BYTES = 1 << 20

/** Doubles the index of `zoom`, and of others that will need it soon. */
export function growLevel(state: StoreState, zoom: number, choice: GrowthChoice): void {
  timed(state, () => {
    const level = state.levels[zoom]!
    if (extendIntoGap(state, level)) return
    if (level.offset < state.valuesStart && insertAllowed(state, choice)) {
      const along = state.regions.filter((l) => l !== level && growsAlong(state, l))
      if (insertBehind(state, [level, ...along], choice)) return
    }
    // A region that was moved among the values cannot grow there, but room for it can be inserted before them.
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

/** Gives a level without a region one of at least `bytes`. */
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
 * Finds room for a region: in a gap, by an insert before V, or at the end of the file. No superblock refers to it yet;
 * the next one may.
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

/** Extends a region into the gap after it, at most to twice its size. */
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

/** Whether no value is stored or staged yet, so that V may move freely. */
function valuesEmpty(state: StoreState): boolean {
  return state.values.end === 0 && state.regions.every((r) => r.offset < state.valuesStart)
}

/** Moves an empty V by `bytes`; returns its old position. */
function pushValues(state: StoreState, bytes: number): number {
  const before = state.valuesStart
  state.file.truncate(before + bytes)
  state.valuesStart = before + bytes
  return before
}

/** Makes room before V at no cost; false when there are values. */
export function makeRoomWithoutValues(state: StoreState, bytes: number): boolean {
  if (!valuesEmpty(state)) return false
  pushValues(state, bytes)
  return true
}

/** Makes room at the end of the file, after the values. Further values continue after the room. */
function appendRegion(state: StoreState, bytes: number): number {
  state.values.flush()
  const offset = roundUp(state.valuesStart + state.values.end, state.unit)
  state.file.truncate(offset + bytes)
  state.values.skipTo(offset + bytes - state.valuesStart)
  return offset
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

function relocate(state: StoreState, level: LevelWriter, bytes: number, choice: GrowthChoice): void {
  level.flush()
  const place = allocateRegion(state, bytes, choice)
  // Read only now, because an insertion moves the old place too.
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

/** Frees the blocks of a range that no superblock refers to any more. It only saves disk space, so it never fails. */
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
