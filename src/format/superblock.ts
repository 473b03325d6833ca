// The superblock: what a flat-1 file consists of at one moment. Two copies, sequence n in slot n mod 2; the
// valid one with the higher sequence is the file. Decoding checks magic, version, checksum, then the
// invariants of formats/flat-1.md, in that order; whoever holds a Superblock may trust its numbers.
import { crc32 } from './crc.js'
import {
  BLOCK_BYTES,
  FIRST_INDEX_OFFSET,
  FLAG_SEALED,
  FORMAT_VERSION,
  indexStart,
  LEVEL,
  LEVEL_BYTES,
  LEVEL_COUNT,
  MAGIC,
  MAX_GROWTH_UNIT_BYTES,
  PENDING_COLLAPSE,
  PENDING_INSERT,
  PENDING_NONE,
  PLACEMENT_FRONT,
  PLACEMENT_NONE,
  PLACEMENT_TAIL,
  RECORD_BYTES,
  recordCapacity,
  SUPERBLOCK,
  SUPERBLOCK_BYTES,
  SUPERBLOCK_SIZES,
} from './layout.js'

/** One zoom's index region; all zero when the zoom has none. */
export interface Level {
  /** Absolute, a multiple of the growth unit. */
  offset: number
  /** A multiple of the growth unit; holds floor(capacityBytes / 24) records. */
  capacityBytes: number
  /** Committed records. */
  count: number
  /** How many of them, from the first, are strictly ascending by key; the others are the tail. */
  sortedCount: number
}

/** A change of geometry that was announced and may or may not have happened. */
export interface PendingChange {
  kind: 'insert' | 'collapse'
  /** Absolute position, as fallocate(2) has it. */
  at: number
  length: number
  /** Size of the file before the change: what tells, after a crash, whether it happened. */
  sizeBefore: number
}

/** Where the PMTiles parts of a sealed file are, and their checksums. */
export interface PmtilesParts {
  /** front: leaf directories and metadata lie right before V; tail: at the end of the file. */
  placement: 'front' | 'tail'
  /** CRC-32 of [0, 16384): header, root directory, zeros. */
  headerCrc: number
  /** Absolute; leaf directories, then the PMTiles metadata, without a gap. */
  directoriesOffset: number
  directoriesLength: number
  directoriesCrc: number
}

export interface Superblock {
  sequence: number
  readVersion: number
  writeVersion: number
  sealed: boolean
  uuid: Uint8Array
  growthUnitBytes: number
  /** V: where values begin. Absolute, a multiple of the growth unit. */
  valuesStart: number
  /** Committed bytes from V (values, and relocated regions between them). */
  valuesLength: number
  /** Exact size of a sealed file, else 0. */
  fileLength: number
  /** The metadata JSON as a value, offset from V; undefined when there is none. */
  metadata: { offset: number; length: number; crc: number } | undefined
  pending: PendingChange | undefined
  pmtiles: PmtilesParts | undefined
  /** 27, by zoom. */
  levels: Level[]
  /** 27, by zoom: CRC-32 of the bytes of the tail's records, 0 without a tail. */
  tailCrcs: number[]
}

/** Why a block is no superblock one may use. */
export interface SuperblockProblem {
  problem: string
  code: 'NOT_A_TILE_FILE' | 'VERSION_UNSUPPORTED' | 'DAMAGED'
}

function emptyLevel(): Level {
  return { offset: 0, capacityBytes: 0, count: 0, sortedCount: 0 }
}

/** The superblock of a new file without regions or values; `uuid` has 16 bytes. */
export function emptySuperblock(uuid: Uint8Array, growthUnitBytes: number): Superblock {
  return {
    sequence: 0,
    readVersion: FORMAT_VERSION,
    writeVersion: FORMAT_VERSION,
    sealed: false,
    uuid,
    growthUnitBytes,
    valuesStart: indexStart(growthUnitBytes),
    valuesLength: 0,
    fileLength: 0,
    metadata: undefined,
    pending: undefined,
    pmtiles: undefined,
    levels: Array.from({ length: LEVEL_COUNT }, emptyLevel),
    tailCrcs: new Array<number>(LEVEL_COUNT).fill(0),
  }
}

// ── encode ──────────────────────────────────────────────────────────────────────────────────────────────

/** Fills the first 4096 bytes of `into` and returns them. RangeError when `sb` breaks an invariant. */
export function encodeSuperblock(
  sb: Superblock,
  into: Uint8Array = new Uint8Array(SUPERBLOCK_BYTES),
): Uint8Array {
  const problem = geometryProblem(sb)
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

/** The optional parts; what is absent stays zero. */
function putParts(view: DataView, sb: Superblock): void {
  const { metadata, pending, pmtiles } = sb
  if (metadata !== undefined) {
    putU64(view, SUPERBLOCK.metadataOffset, metadata.offset)
    view.setUint32(SUPERBLOCK.metadataLength, metadata.length, true)
    view.setUint32(SUPERBLOCK.metadataCrc, metadata.crc, true)
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

// ── decode ──────────────────────────────────────────────────────────────────────────────────────────────

/** Reads one copy. A block that is no sound superblock is described, not thrown. */
export function decodeSuperblock(bytes: Uint8Array): Superblock | SuperblockProblem {
  for (let i = 0; i < MAGIC.length; i++)
    if (bytes[i] !== MAGIC[i]) return { problem: 'the magic number is missing', code: 'NOT_A_TILE_FILE' }
  if (bytes.length < SUPERBLOCK_BYTES)
    return damaged(`the superblock is cut off after ${bytes.length} of ${SUPERBLOCK_BYTES} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, SUPERBLOCK_BYTES)
  // The checksum's place is the same in every version, and a flipped bit in a version is damage: so the
  // version decides what we say only when the checksum vouches for it.
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
  const problem = geometryProblem(sb)
  return problem === undefined ? sb : damaged(problem)
}

function readFields(view: DataView, bytes: Uint8Array): Superblock | SuperblockProblem {
  const flags = view.getUint32(SUPERBLOCK.flags, true)
  const writeVersion = view.getUint16(SUPERBLOCK.writeVersion, true)
  // A later writer may use what is reserved today, and says so by its write version.
  if (writeVersion <= FORMAT_VERSION && ((flags & ~FLAG_SEALED) !== 0 || !reservedIsZero(bytes)))
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
    // Not slice(): of a Buffer that is a view.
    uuid: Uint8Array.from(bytes.subarray(SUPERBLOCK.uuid, SUPERBLOCK.uuid + SUPERBLOCK_SIZES.uuid)),
    growthUnitBytes: view.getUint32(SUPERBLOCK.growthUnitBytes, true),
    valuesStart: getU64(view, SUPERBLOCK.valuesStart),
    valuesLength: getU64(view, SUPERBLOCK.valuesLength),
    fileLength: getU64(view, SUPERBLOCK.fileLength),
    metadata: readMetadata(view),
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

function reservedIsZero(bytes: Uint8Array): boolean {
  // each file that is opened is read so several times, and most of a superblock is reserved
  return (['reserved1', 'reserved2', 'reserved3'] as const).every((name) => {
    const [from, length] = [SUPERBLOCK[name], SUPERBLOCK_SIZES[name]]
    return ZEROS.compare(bytes, from, from + length, 0, length) === 0
  })
}

const ZEROS = Buffer.alloc(SUPERBLOCK_BYTES)

/** What the two copies of a file say together. */
export interface Chosen {
  superblock: Superblock | undefined
  /** The slot it was read from: 0 for A, 1 for B. */
  slot: 0 | 1
  /** What is wrong with either copy; undefined where it is sound. */
  problems: [SuperblockProblem | undefined, SuperblockProblem | undefined]
}

/**
 * The valid copy with the higher sequence. A file of a newer version is refused even when an older copy is
 * readable: the other block says what the file is now.
 */
export function chooseSuperblock(a: Uint8Array, b: Uint8Array): Chosen {
  const both = [decodeSlot(a, 0), decodeSlot(b, 1)] as const
  const problems: Chosen['problems'] = [
    'problem' in both[0] ? both[0] : undefined,
    'problem' in both[1] ? both[1] : undefined,
  ]
  const newer = problems.some((p) => p?.code === 'VERSION_UNSUPPORTED')
  const sequences = both.map((copy) => ('problem' in copy ? -1 : copy.sequence))
  const slot = sequences[1]! > sequences[0]! ? 1 : 0
  const best = both[slot]
  return { superblock: newer || 'problem' in best ? undefined : best, slot, problems }
}

function decodeSlot(bytes: Uint8Array, slot: 0 | 1): Superblock | SuperblockProblem {
  const copy = decodeSuperblock(bytes)
  if ('problem' in copy || copy.sequence % 2 === slot) return copy
  return damaged(
    `F1: superblock ${copy.sequence} lies in slot ${slot === 0 ? 'A' : 'B'}, where it does not belong`,
  )
}

// ── geometry ────────────────────────────────────────────────────────────────────────────────────────────

/** The superblock's geometry after `change`: everything at or behind it has moved. Sequence and pending stay. */
export function applyChange(
  sb: Superblock,
  change: Pick<PendingChange, 'kind' | 'at' | 'length'>,
): Superblock {
  const { kind, at, length } = change
  const by = kind === 'insert' ? length : -length
  const from = kind === 'insert' ? at : at + length
  const move = (offset: number): number => (offset >= from ? offset + by : offset)
  return {
    ...sb,
    valuesStart: move(sb.valuesStart),
    levels: sb.levels.map((level) =>
      level.capacityBytes === 0 ? { ...level } : { ...level, offset: move(level.offset) },
    ),
  }
}

/** The first invariant of formats/flat-1.md that `sb` breaks, its number and a clause; undefined when it is sound. */
export function geometryProblem(sb: Superblock): string | undefined {
  return fieldProblem(sb) ?? levelProblem(sb) ?? pendingProblem(sb) ?? sealProblem(sb)
}

function fieldProblem(sb: Superblock): string | undefined {
  const unit = sb.growthUnitBytes
  if (!(unit >= BLOCK_BYTES && unit <= MAX_GROWTH_UNIT_BYTES) || (unit & (unit - 1)) !== 0)
    return `F3: growth unit ${unit} is not a power of two in ${BLOCK_BYTES}…${MAX_GROWTH_UNIT_BYTES}`
  if (sb.uuid.length !== SUPERBLOCK_SIZES.uuid) return 'F2: the UUID does not have 16 bytes'
  if (!(sb.readVersion >= 1 && sb.readVersion <= sb.writeVersion && sb.writeVersion <= 0xffff))
    return `F2: read version ${sb.readVersion} and write version ${sb.writeVersion} do not go together`
  if (!isCount(sb.sequence)) return `F2: sequence ${sb.sequence} is over 2^53`
  if (!isCount(sb.valuesStart) || sb.valuesStart % unit !== 0 || sb.valuesStart < indexStart(unit))
    return `F3: values begin at ${sb.valuesStart}, not on a multiple of ${unit} from ${indexStart(unit)} on`
  if (!isCount(sb.valuesLength) || !isCount(sb.valuesStart + sb.valuesLength))
    return `F5: values of ${sb.valuesLength} bytes reach beyond 2^53`
  const { metadata } = sb
  if (metadata === undefined) return undefined
  if (
    !isCount(metadata.offset) ||
    metadata.offset + metadata.length > sb.valuesLength ||
    metadata.length === 0
  )
    return `F6: the metadata, ${metadata.length} bytes from V+${metadata.offset}, is not within the values`
  return undefined
}

function levelProblem(sb: Superblock): string | undefined {
  if (sb.levels.length !== LEVEL_COUNT) return `F2: ${sb.levels.length} levels instead of ${LEVEL_COUNT}`
  const valuesEnd = sb.valuesStart + sb.valuesLength
  const regions: { zoom: number; from: number; to: number }[] = []
  for (let zoom = 0; zoom < LEVEL_COUNT; zoom++) {
    const { offset, capacityBytes, count, sortedCount } = sb.levels[zoom]!
    if (![offset, capacityBytes, count, sortedCount].every(isCount))
      return `F4: level ${zoom} is not made of counts`
    if (sortedCount > count || count > recordCapacity(capacityBytes))
      return `F4: level ${zoom} has ${count} records, ${sortedCount} sorted, in room for ${recordCapacity(capacityBytes)}`
    if (count > 4 ** zoom && count === sortedCount)
      return `F10: level ${zoom} has ${count} tiles, more than there are`
    if (capacityBytes === 0) {
      if (offset !== 0) return `F4: level ${zoom} has a place and no room`
      continue
    }
    const to = offset + capacityBytes
    if (offset % sb.growthUnitBytes !== 0 || capacityBytes % sb.growthUnitBytes !== 0)
      return `F3: level ${zoom} at ${offset}, ${capacityBytes} bytes, is not on multiples of the growth unit`
    const inFront = offset >= indexStart(sb.growthUnitBytes) && to <= sb.valuesStart
    const among = offset >= sb.valuesStart && to <= valuesEnd
    if (!inFront && !among)
      return `F5: level ${zoom}, ${offset}…${to}, is neither in front of the values nor among them`
    regions.push({ zoom, from: offset, to })
  }
  regions.sort((a, b) => a.from - b.from)
  for (let i = 1; i < regions.length; i++)
    if (regions[i]!.from < regions[i - 1]!.to)
      return `F5: the regions of levels ${regions[i - 1]!.zoom} and ${regions[i]!.zoom} overlap`
  return undefined
}

function pendingProblem(sb: Superblock): string | undefined {
  const { pending } = sb
  if (pending === undefined) return undefined
  const { kind, at, length, sizeBefore } = pending
  const unit = sb.growthUnitBytes
  if (sb.sealed) return 'F8: a sealed file has a pending change'
  if (![at, length, sizeBefore, at + length, sizeBefore + length].every(isCount) || length === 0)
    return `F8: the pending ${kind} of ${length} bytes at ${at} is not made of counts`
  if (at % unit !== 0 || length % unit !== 0 || at < indexStart(unit))
    return `F8: the pending ${kind} of ${length} bytes at ${at} is not on multiples of the growth unit behind the superblocks`
  if (sizeBefore < sb.valuesStart + sb.valuesLength || at > sb.valuesStart)
    return `F8: the pending ${kind} at ${at} does not fit a file of ${sizeBefore} bytes with values from ${sb.valuesStart}`
  const end = kind === 'insert' ? at : at + length
  if (end > sb.valuesStart) return `F8: the pending collapse would cut into the values`
  for (let zoom = 0; zoom < LEVEL_COUNT; zoom++) {
    const level = sb.levels[zoom]!
    const to = level.offset + level.capacityBytes
    const cuts = kind === 'insert' ? level.offset < at && at < to : level.offset < end && at < to
    if (level.capacityBytes > 0 && cuts) return `F8: the pending ${kind} cuts the region of level ${zoom}`
  }
  return undefined
}

function sealProblem(sb: Superblock): string | undefined {
  const { pmtiles } = sb
  if (sb.sealed !== (pmtiles !== undefined) || sb.sealed !== sb.fileLength > 0)
    return 'F16: sealed, file length and PMTiles parts do not go together'
  if (pmtiles === undefined) return undefined
  for (let zoom = 0; zoom < LEVEL_COUNT; zoom++)
    if (sb.levels[zoom]!.count !== sb.levels[zoom]!.sortedCount)
      return `F16: sealed, and level ${zoom} has a tail`
  const from = pmtiles.directoriesOffset
  const to = from + pmtiles.directoriesLength
  const valuesEnd = sb.valuesStart + sb.valuesLength
  if (![from, pmtiles.directoriesLength, to, sb.fileLength].every(isCount))
    return 'F18: directories are not made of counts'
  if (pmtiles.placement === 'tail')
    return from === valuesEnd && to === sb.fileLength
      ? undefined
      : `F18: directories ${from}…${to} are not all that follows the values, which end at ${valuesEnd} of ${sb.fileLength}`
  if (from < FIRST_INDEX_OFFSET || to !== sb.valuesStart || sb.fileLength !== valuesEnd)
    return `F18: directories ${from}…${to} do not end where values begin, ${sb.valuesStart}, or the file not where they end`
  for (let zoom = 0; zoom < LEVEL_COUNT; zoom++) {
    const level = sb.levels[zoom]!
    if (level.capacityBytes > 0 && level.offset < to && level.offset + level.capacityBytes > from)
      return `F18: directories ${from}…${to} lie over the region of level ${zoom}`
  }
  return undefined
}

// ── words ───────────────────────────────────────────────────────────────────────────────────────────────

function isCount(value: number): boolean {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER
}

/** Values over 2^53 come out as some number over 2^53, which isCount refuses. */
function getU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true)
}

function putU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true)
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true)
}

function damaged(problem: string): SuperblockProblem {
  return { problem, code: 'DAMAGED' }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}
