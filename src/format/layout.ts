// Every offset and size of a flat-1 file, named once; numbers that follow from others are computed. The normative text
// is formats/flat-1.md; test/format/document.test.ts checks that both agree.
//
// All integers in the file are little-endian. The index is read through Uint32Array views, so the host must be
// little-endian too (as is every platform of Node 20 except s390x); the end of this file asserts it.
import { FlagstoneError } from '../errors.js'
import { MAX_ZOOM } from '../zooms.js'

/** Offsets of consecutive fields, from their sizes. The sizes must add up to `totalBytes`. */
function layOut<K extends string>(sizes: Record<K, number>, totalBytes: number): Readonly<Record<K, number>> {
  const offsets = {} as Record<K, number>
  let at = 0
  for (const name of Object.keys(sizes) as K[]) {
    offsets[name] = at
    at += sizes[name]
  }
  if (at !== totalBytes) throw new Error(`layout adds up to ${at} bytes, not ${totalBytes}`)
  return Object.freeze(offsets)
}

// ── the file ────────────────────────────────────────────────────────────────────────────────────────────

/** The smallest unit the file is laid out in. */
export const BLOCK_BYTES = 4096
/** [0, 16384): PMTiles header and root directory; zero unless the file is sealed. */
export const HEADER_BLOCK_BYTES = 16384
export const SUPERBLOCK_BYTES = BLOCK_BYTES
export const SUPERBLOCK_A_OFFSET = HEADER_BLOCK_BYTES
export const SUPERBLOCK_B_OFFSET = SUPERBLOCK_A_OFFSET + SUPERBLOCK_BYTES
/** No level index begins before this offset. */
export const FIRST_INDEX_OFFSET = SUPERBLOCK_B_OFFSET + SUPERBLOCK_BYTES
/** Growth units are powers of two from one block to this (bigalloc ext4 needs its cluster size, 64 KiB by default). */
export const MAX_GROWTH_UNIT_BYTES = 1 << 24

/** Superblock n is stored in slot n mod 2. */
export function superblockOffset(sequence: number): number {
  return sequence % 2 === 0 ? SUPERBLOCK_A_OFFSET : SUPERBLOCK_B_OFFSET
}

export function roundUp(bytes: number, unitBytes: number): number {
  return Math.ceil(bytes / unitBytes) * unitBytes
}

/** Where the first level index may begin: after the superblocks, at a multiple of the growth unit. */
export function indexStart(growthUnitBytes: number): number {
  return roundUp(FIRST_INDEX_OFFSET, growthUnitBytes)
}

// ── the record ──────────────────────────────────────────────────────────────────────────────────────────

export const RECORD_BYTES = 24
export const RECORD_SIZES = { key: 8, offset: 6, type: 1, flags: 1, length: 4, check: 4 } as const
export const RECORD = layOut(RECORD_SIZES, RECORD_BYTES)
export const RECORD_WORDS = RECORD_BYTES / 4
/** Bit 0 of a record's flags: the tile was removed; offset and length are 0. All other bits are 0. */
export const FLAG_DELETED = 1
/** Values are at most 2^31 bytes. */
export const MAX_VALUE_BYTES = 2 ** 31
/** Offsets of values are 48 bits, relative to V. */
export const MAX_VALUE_OFFSET = 2 ** 48 - 1
/** Window for mapping a large index: a multiple of a record and of 64 KiB, below 2^30. */
const INDEX_WINDOW_BYTES = 3 * 2 ** 28

/** How many records fit into a region. */
export function recordCapacity(capacityBytes: number): number {
  return Math.floor(capacityBytes / RECORD_BYTES)
}

// ── the superblock ──────────────────────────────────────────────────────────────────────────────────────

/** Modelled on PNG's: a byte that is not text, the name, and line ends that a text-mode transfer would change. */
export const MAGIC = Uint8Array.of(0x89, 0x46, 0x4c, 0x41, 0x54, 0x0d, 0x0a, 0x1a)
/** A reader of this version reads files whose read version is not above it. A writer compares the write version. */
export const FORMAT_VERSION = 1
/** Write version of a file that has sources: a writer of version 1 would lose them, while a reader can do without. */
export const SOURCES_WRITE_VERSION = 2
export const LEVEL_COUNT = MAX_ZOOM + 1

export const LEVEL_BYTES = 32
export const LEVEL_SIZES = { offset: 8, capacityBytes: 8, count: 8, sortedCount: 8 } as const
export const LEVEL = layOut(LEVEL_SIZES, LEVEL_BYTES)

export const SUPERBLOCK_SIZES = {
  magic: 8,
  readVersion: 2,
  writeVersion: 2,
  flags: 4,
  sequence: 8,
  uuid: 16,
  growthUnitBytes: 4,
  recordBytes: 2,
  levelCount: 2,
  valuesStart: 8,
  valuesLength: 8,
  fileLength: 8,
  metadataOffset: 8,
  metadataLength: 4,
  metadataCrc: 4,
  pendingKind: 4,
  reserved1: 4,
  pendingAt: 8,
  pendingLength: 8,
  pendingSizeBefore: 8,
  placement: 4,
  headerCrc: 4,
  directoriesOffset: 8,
  directoriesLength: 8,
  directoriesCrc: 4,
  sourcesOffset: 8,
  sourcesLength: 4,
  sourcesCrc: 4,
  sourcesCount: 4,
  reserved2: 236,
  tailCrcs: LEVEL_COUNT * 4,
  levels: LEVEL_COUNT * LEVEL_BYTES,
  reserved3: 2716,
  crc: 4,
} as const
export const SUPERBLOCK = layOut(SUPERBLOCK_SIZES, SUPERBLOCK_BYTES)
/** Low word of the sequence, in 32-bit words from the start of a superblock; for readers that poll a mapping. */
export const SEQUENCE_WORD = SUPERBLOCK.sequence / 4
export const FLAG_SEALED = 1
export const PENDING_NONE = 0
export const PENDING_INSERT = 1
export const PENDING_COLLAPSE = 2
export const PLACEMENT_NONE = 0
export const PLACEMENT_FRONT = 1
export const PLACEMENT_TAIL = 2

// ── PMTiles v3 (https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md) ─────────────────────────

export const PMTILES_MAGIC = Uint8Array.of(0x50, 0x4d, 0x54, 0x69, 0x6c, 0x65, 0x73)
export const PMTILES_VERSION = 3
export const PMTILES_HEADER_BYTES = 127
const PMTILES_HEADER_SIZES = {
  magic: 7,
  version: 1,
  rootOffset: 8,
  rootLength: 8,
  metadataOffset: 8,
  metadataLength: 8,
  leafOffset: 8,
  leafLength: 8,
  dataOffset: 8,
  dataLength: 8,
  addressedTiles: 8,
  tileEntries: 8,
  tileContents: 8,
  clustered: 1,
  internalCompression: 1,
  tileCompression: 1,
  tileType: 1,
  minZoom: 1,
  maxZoom: 1,
  minPosition: 8,
  maxPosition: 8,
  centerZoom: 1,
  centerPosition: 8,
} as const
export const PMTILES_HEADER = layOut(PMTILES_HEADER_SIZES, PMTILES_HEADER_BYTES)
/** Bytes that are left for the compressed root directory. */
export const MAX_ROOT_BYTES = HEADER_BLOCK_BYTES - PMTILES_HEADER_BYTES

// ── assertions ──────────────────────────────────────────────────────────────────────────────────────────

if (
  SUPERBLOCK.tailCrcs !== 404 ||
  SUPERBLOCK.levels !== 512 ||
  SUPERBLOCK.crc !== SUPERBLOCK_BYTES - 4 ||
  SUPERBLOCK.sequence % 8 !== 0
)
  throw new Error('superblock layout moved')
if (RECORD.length !== 16 || RECORD.check !== 20 || INDEX_WINDOW_BYTES % (RECORD_BYTES * 65536) !== 0)
  throw new Error('record layout moved')
if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1)
  throw new FlagstoneError(
    'UNSUPPORTED_PLATFORM',
    'Flagstone reads its index through memory and needs a little-endian processor; this one is big-endian.',
  )
