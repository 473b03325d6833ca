// The superblock: the parts of a flat-1 file at one moment. The numbers of a decoded superblock can be trusted: they
// satisfy the invariants of formats/flat-1.md.
import { FORMAT_VERSION, indexStart, LEVEL_COUNT } from '../layout.js'

/** The index region of one zoom; all zero when the zoom has none. */
export interface Level {
  /** Absolute position, a multiple of the growth unit. */
  offset: number
  /** A multiple of the growth unit; holds floor(capacityBytes / 24) records. */
  capacityBytes: number
  /** Committed records. */
  count: number
  /** How many of them, from the first, have strictly ascending keys; the others are the tail. */
  sortedCount: number
}

/** A change of geometry that was announced and may or may not have taken place. */
export interface PendingChange {
  kind: 'insert' | 'collapse'
  /** Absolute position, as in fallocate(2). */
  at: number
  length: number
  /** Size of the file before the change. After a crash it tells whether the change took place. */
  sizeBefore: number
}

/** Positions and checksums of the PMTiles parts of a sealed file. */
export interface PmtilesParts {
  /** front: leaf directories and metadata lie right before V; tail: at the end of the file. */
  placement: 'front' | 'tail'
  /** CRC-32 of [0, 16384): header, root directory, zeros. */
  headerCrc: number
  /** Absolute position of the leaf directories; the PMTiles metadata follow without a gap. */
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
  /** Exact size of a sealed file, otherwise 0. */
  fileLength: number
  /** The metadata JSON as a value, with its offset from V; undefined when there is none. */
  metadata: { offset: number; length: number; crc: number } | undefined
  /** The sources as a value, and their number; undefined when none are stored. Write version 2 and above. */
  sources: { offset: number; length: number; crc: number; count: number } | undefined
  pending: PendingChange | undefined
  pmtiles: PmtilesParts | undefined
  /** 27 levels, by zoom. */
  levels: Level[]
  /** 27 numbers, by zoom: CRC-32 of the bytes of the tail's records, 0 without a tail. */
  tailCrcs: number[]
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
    sources: undefined,
    pending: undefined,
    pmtiles: undefined,
    levels: Array.from({ length: LEVEL_COUNT }, emptyLevel),
    tailCrcs: new Array<number>(LEVEL_COUNT).fill(0),
  }
}

/**
 * The superblock with its geometry after `change`: everything at or after the position has moved. Sequence and pending
 * change stay.
 */
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
