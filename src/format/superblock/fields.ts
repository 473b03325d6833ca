// The superblock: what a flat-1 file consists of at one moment. Whoever holds one that was decoded may trust its numbers:
// they keep the invariants of formats/flat-1.md.
import { FORMAT_VERSION, indexStart, LEVEL_COUNT } from '../layout.js'

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
