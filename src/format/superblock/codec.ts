// A superblock as bytes. Decoding checks the magic number, the version, the checksum, then the invariants.
import { crc32 } from '../crc.js'
import {
  FLAG_SEALED,
  FORMAT_VERSION,
  LEVEL,
  LEVEL_BYTES,
  LEVEL_COUNT,
  MAGIC,
  PENDING_COLLAPSE,
  PENDING_INSERT,
  PENDING_NONE,
  PLACEMENT_FRONT,
  PLACEMENT_NONE,
  PLACEMENT_TAIL,
  RECORD_BYTES,
  SOURCES_WRITE_VERSION,
  SUPERBLOCK,
  SUPERBLOCK_BYTES,
  SUPERBLOCK_SIZES,
} from '../layout.js'
import { getU64, putU64 } from '../u64.js'
import type { Level, PendingChange, PmtilesParts, Superblock } from './fields.js'
import { brokenInvariant } from './invariants.js'

/** Why a block cannot be used as a superblock. */
export interface SuperblockProblem {
  problem: string
  code: 'NOT_A_TILE_FILE' | 'VERSION_UNSUPPORTED' | 'DAMAGED'
}

/** Fills the first 4096 bytes of `into` and returns them. @throws RangeError when `sb` breaks an invariant */
export function encodeSuperblock(
  sb: Superblock,
  into: Uint8Array = new Uint8Array(SUPERBLOCK_BYTES),
): Uint8Array {
  const problem = brokenInvariant(sb)
  if (problem !== undefined) throw new RangeError(`not a superblock to write: ${problem}`)
  const bytes = into.subarray(0, SUPERBLOCK_BYTES)
  if (bytes.length < SUPERBLOCK_BYTES) throw new RangeError('a superblock needs 4096 bytes')
  const view = new DataView(bytes.buffer, bytes.byteOffset, SUPERBLOCK_BYTES)
  bytes.fill(0)
  bytes.set(MAGIC, SUPERBLOCK.magic)
  view.setUint16(SUPERBLOCK.readVersion, sb.readVersion, true)
  view.setUint16(SUPERBLOCK.writeVersion, sb.writeVersion, true)
  view.setUint32(SUPERBLOCK.flags, sb.sealed ? FLAG_SEALED : 0, true)
  putU64(view, SUPERBLOCK.sequence, sb.sequence)
  bytes.set(sb.uuid, SUPERBLOCK.uuid)
  view.setUint32(SUPERBLOCK.growthUnitBytes, sb.growthUnitBytes, true)
  view.setUint16(SUPERBLOCK.recordBytes, RECORD_BYTES, true)
  view.setUint16(SUPERBLOCK.levelCount, LEVEL_COUNT, true)
  putU64(view, SUPERBLOCK.valuesStart, sb.valuesStart)
  putU64(view, SUPERBLOCK.valuesLength, sb.valuesLength)
  putU64(view, SUPERBLOCK.fileLength, sb.fileLength)
  putParts(view, sb)
  for (let zoom = 0; zoom < LEVEL_COUNT; zoom++) {
    const level = sb.levels[zoom]!
    const at = SUPERBLOCK.levels + zoom * LEVEL_BYTES
    putU64(view, at + LEVEL.offset, level.offset)
    putU64(view, at + LEVEL.capacityBytes, level.capacityBytes)
    putU64(view, at + LEVEL.count, level.count)
    putU64(view, at + LEVEL.sortedCount, level.sortedCount)
    view.setUint32(SUPERBLOCK.tailCrcs + zoom * 4, sb.tailCrcs[zoom]!, true)
  }
  view.setUint32(SUPERBLOCK.crc, crc32(bytes.subarray(0, SUPERBLOCK.crc)), true)
  return bytes
}

/** Writes the optional parts. Absent ones stay zero. */
function putParts(view: DataView, sb: Superblock): void {
  const { metadata, sources, pending, pmtiles } = sb
  if (metadata !== undefined) {
    putU64(view, SUPERBLOCK.metadataOffset, metadata.offset)
    view.setUint32(SUPERBLOCK.metadataLength, metadata.length, true)
    view.setUint32(SUPERBLOCK.metadataCrc, metadata.crc, true)
  }
  if (sources !== undefined) {
    putU64(view, SUPERBLOCK.sourcesOffset, sources.offset)
    view.setUint32(SUPERBLOCK.sourcesLength, sources.length, true)
    view.setUint32(SUPERBLOCK.sourcesCrc, sources.crc, true)
    view.setUint32(SUPERBLOCK.sourcesCount, sources.count, true)
  }
  if (pending !== undefined) {
    const kind = pending.kind === 'insert' ? PENDING_INSERT : PENDING_COLLAPSE
    view.setUint32(SUPERBLOCK.pendingKind, kind, true)
    putU64(view, SUPERBLOCK.pendingAt, pending.at)
    putU64(view, SUPERBLOCK.pendingLength, pending.length)
    putU64(view, SUPERBLOCK.pendingSizeBefore, pending.sizeBefore)
  }
  if (pmtiles !== undefined) {
    const placement = pmtiles.placement === 'front' ? PLACEMENT_FRONT : PLACEMENT_TAIL
    view.setUint32(SUPERBLOCK.placement, placement, true)
    view.setUint32(SUPERBLOCK.headerCrc, pmtiles.headerCrc, true)
    putU64(view, SUPERBLOCK.directoriesOffset, pmtiles.directoriesOffset)
    putU64(view, SUPERBLOCK.directoriesLength, pmtiles.directoriesLength)
    view.setUint32(SUPERBLOCK.directoriesCrc, pmtiles.directoriesCrc, true)
  }
}

/** Reads one copy. If a block is not a valid superblock, the problem is returned, not thrown. */
export function decodeSuperblock(bytes: Uint8Array): Superblock | SuperblockProblem {
  for (let i = 0; i < MAGIC.length; i++)
    if (bytes[i] !== MAGIC[i]) return { problem: 'the magic number is missing', code: 'NOT_A_TILE_FILE' }
  if (bytes.length < SUPERBLOCK_BYTES)
    return damaged(`the superblock is cut off after ${bytes.length} of ${SUPERBLOCK_BYTES} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, SUPERBLOCK_BYTES)
  // The checksum is at the same place in every version, and a flipped bit in a version is damage. So the version is
  // believed only if the checksum matches.
  const stored = view.getUint32(SUPERBLOCK.crc, true)
  const computed = crc32(bytes.subarray(0, SUPERBLOCK.crc))
  const readVersion = view.getUint16(SUPERBLOCK.readVersion, true)
  if (readVersion > FORMAT_VERSION && stored === computed)
    return {
      problem: `the file needs a reader of format version ${readVersion}, this one reads up to ${FORMAT_VERSION}`,
      code: 'VERSION_UNSUPPORTED',
    }
  if (stored !== computed)
    return damaged(`the superblock's checksum is ${hex(computed)}, it says ${hex(stored)}`)
  const sb = readFields(view, bytes)
  if ('problem' in sb) return sb
  const problem = brokenInvariant(sb)
  return problem === undefined ? sb : damaged(problem)
}

function readFields(view: DataView, bytes: Uint8Array): Superblock | SuperblockProblem {
  const flags = view.getUint32(SUPERBLOCK.flags, true)
  const writeVersion = view.getUint16(SUPERBLOCK.writeVersion, true)
  // A later writer may use bytes that are reserved today; its write version says so.
  if (
    writeVersion <= SOURCES_WRITE_VERSION &&
    ((flags & ~FLAG_SEALED) !== 0 || !reservedIsZero(bytes, writeVersion))
  )
    return damaged('F2: reserved bytes of the superblock are not zero')
  const recordBytes = view.getUint16(SUPERBLOCK.recordBytes, true)
  const levelCount = view.getUint16(SUPERBLOCK.levelCount, true)
  if (recordBytes !== RECORD_BYTES || levelCount !== LEVEL_COUNT)
    return damaged(`F2: records of ${recordBytes} bytes and ${levelCount} levels; flat-1 has 24 and 27`)
  const kind = view.getUint32(SUPERBLOCK.pendingKind, true)
  if (kind > PENDING_COLLAPSE) return damaged(`F8: pending change of unknown kind ${kind}`)
  const placement = view.getUint32(SUPERBLOCK.placement, true)
  if (placement > PLACEMENT_TAIL) return damaged(`F16: unknown placement ${placement} of the directories`)
  return {
    sequence: getU64(view, SUPERBLOCK.sequence),
    readVersion: view.getUint16(SUPERBLOCK.readVersion, true),
    writeVersion,
    sealed: (flags & FLAG_SEALED) !== 0,
    // Not slice(): for a Buffer that would be a view.
    uuid: Uint8Array.from(bytes.subarray(SUPERBLOCK.uuid, SUPERBLOCK.uuid + SUPERBLOCK_SIZES.uuid)),
    growthUnitBytes: view.getUint32(SUPERBLOCK.growthUnitBytes, true),
    valuesStart: getU64(view, SUPERBLOCK.valuesStart),
    valuesLength: getU64(view, SUPERBLOCK.valuesLength),
    fileLength: getU64(view, SUPERBLOCK.fileLength),
    metadata: readMetadata(view),
    sources: readSources(view),
    pending: kind === PENDING_NONE ? undefined : readPending(view, kind),
    pmtiles: placement === PLACEMENT_NONE ? undefined : readPmtilesParts(view, placement),
    levels: Array.from({ length: LEVEL_COUNT }, (_, zoom) => readLevel(view, zoom)),
    tailCrcs: Array.from({ length: LEVEL_COUNT }, (_, zoom) =>
      view.getUint32(SUPERBLOCK.tailCrcs + zoom * 4, true),
    ),
  }
}

function readMetadata(view: DataView): Superblock['metadata'] {
  const length = view.getUint32(SUPERBLOCK.metadataLength, true)
  if (length === 0) return undefined
  return {
    offset: getU64(view, SUPERBLOCK.metadataOffset),
    length,
    crc: view.getUint32(SUPERBLOCK.metadataCrc, true),
  }
}

function readSources(view: DataView): Superblock['sources'] {
  const length = view.getUint32(SUPERBLOCK.sourcesLength, true)
  if (length === 0) return undefined
  return {
    offset: getU64(view, SUPERBLOCK.sourcesOffset),
    length,
    crc: view.getUint32(SUPERBLOCK.sourcesCrc, true),
    count: view.getUint32(SUPERBLOCK.sourcesCount, true),
  }
}

function readPending(view: DataView, kind: number): PendingChange {
  return {
    kind: kind === PENDING_INSERT ? 'insert' : 'collapse',
    at: getU64(view, SUPERBLOCK.pendingAt),
    length: getU64(view, SUPERBLOCK.pendingLength),
    sizeBefore: getU64(view, SUPERBLOCK.pendingSizeBefore),
  }
}

function readPmtilesParts(view: DataView, placement: number): PmtilesParts {
  return {
    placement: placement === PLACEMENT_FRONT ? 'front' : 'tail',
    headerCrc: view.getUint32(SUPERBLOCK.headerCrc, true),
    directoriesOffset: getU64(view, SUPERBLOCK.directoriesOffset),
    directoriesLength: getU64(view, SUPERBLOCK.directoriesLength),
    directoriesCrc: view.getUint32(SUPERBLOCK.directoriesCrc, true),
  }
}

function readLevel(view: DataView, zoom: number): Level {
  const at = SUPERBLOCK.levels + zoom * LEVEL_BYTES
  return {
    offset: getU64(view, at + LEVEL.offset),
    capacityBytes: getU64(view, at + LEVEL.capacityBytes),
    count: getU64(view, at + LEVEL.count),
    sortedCount: getU64(view, at + LEVEL.sortedCount),
  }
}

function reservedIsZero(bytes: Uint8Array, writeVersion: number): boolean {
  // this runs several times for each file that is opened, and most of a superblock is reserved
  const isZero = (from: number, to: number): boolean => ZEROS.compare(bytes, from, to, 0, to - from) === 0
  const hasSources = writeVersion >= SOURCES_WRITE_VERSION
  return (
    isZero(SUPERBLOCK.reserved1, SUPERBLOCK.pendingAt) &&
    isZero(hasSources ? SUPERBLOCK.reserved2 : SUPERBLOCK.sourcesOffset, SUPERBLOCK.tailCrcs) &&
    isZero(SUPERBLOCK.reserved3, SUPERBLOCK.crc)
  )
}

const ZEROS = Buffer.alloc(SUPERBLOCK_BYTES)

/** The problem of a damaged superblock. */
export function damaged(problem: string): SuperblockProblem {
  return { problem, code: 'DAMAGED' }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}
