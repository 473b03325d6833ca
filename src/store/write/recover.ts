// Opens a file for writing after anything that may have happened to it: determines the superblock in force and whether
// an announced change of geometry took place, and truncates what no commit accounts for.
import { FlagstoneError } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import { HEADER_BLOCK_BYTES, SOURCES_WRITE_VERSION } from '../../format/layout.js'
import type { Superblock } from '../../format/superblock/fields.js'
import type { ByteFile } from '../../platform/byte-file.js'
import { committedEnd } from '../file/geometry.js'
import { type PendingOutcome, pendingOutcome, resolved } from '../file/pending.js'
import { crcOfRange } from '../file/scan.js'
import { areTwins, currentSuperblock } from '../file/superblocks.js'
import { assertWhole, readMetadata } from '../file/whole.js'
import { zeroHeader } from './seal.js'
import { StoreState } from './state.js'

/** The caller holds the 'writer' lock. @throws NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED */
export function recover(
  file: ByteFile,
  stagingBytes: number,
  behindAfter: number,
): { state: StoreState; metadata: Record<string, unknown> } {
  const found = currentSuperblock(file)
  if (found.writeVersion > SOURCES_WRITE_VERSION)
    throw new FlagstoneError(
      'VERSION_UNSUPPORTED',
      `${file.path}: written in format version ${found.writeVersion}, this program writes up to ${SOURCES_WRITE_VERSION}; use a newer Flagstone, or only read it.`,
    )
  const outcome = found.pending === undefined ? undefined : pendingOutcome(file, found)
  const superblock = outcome === undefined ? found : resolved(found, outcome)
  assertWhole(file, superblock)
  const metadata = readMetadata(file, superblock)
  const state = new StoreState(file, superblock, superblock.valuesLength, stagingBytes, behindAfter)
  for (const level of state.regions) {
    level.load()
    if (level.tailCrc !== superblock.tailCrcs[level.zoom])
      throw new FlagstoneError(
        'DAMAGED',
        `${file.path}: the tail of zoom ${level.zoom} (records ${level.sortedCount} to ${level.count} at ${level.offset}) does not match its checksum; restore the file from a copy.`,
      )
  }
  if (outcome !== undefined) settle(state, found, outcome)
  const end = committedEnd(superblock)
  if (superblock.sealed) {
    // a seal was interrupted before its second copy
    if (!areTwins(file)) {
      state.writeSuperblockTwin()
      state.sync()
    }
  } else {
    if (file.size() > end) file.truncate(end)
    // A seal, or an unseal, was interrupted.
    if (crcOfRange(file, 0, HEADER_BLOCK_BYTES) !== crc32(new Uint8Array(HEADER_BLOCK_BYTES)))
      zeroHeader(state)
  }
  return { state, metadata }
}

/** Makes the outcome of a pending change permanent before anything else is written. */
function settle(state: StoreState, found: Superblock, outcome: PendingOutcome): void {
  const { kind, length, sizeBefore } = found.pending!
  const sizeAfter = kind === 'insert' ? sizeBefore + length : sizeBefore - length
  const size = outcome === 'applied' ? sizeAfter : sizeBefore
  if (state.file.size() !== size) state.file.truncate(size)
  state.writeSuperblock()
  state.sync()
}
