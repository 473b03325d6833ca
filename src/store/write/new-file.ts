// Creates an empty, committed tile file.
import { randomBytes } from 'node:crypto'
import { FlagstoneError } from '../../errors.js'
import { indexStart, RECORD_BYTES, roundUp } from '../../format/layout.js'
import { emptySuperblock, type Superblock } from '../../format/superblock/fields.js'
import type { ByteFile } from '../../platform/byte-file.js'
import { MAX_ZOOM } from '../../zooms.js'
import { behindAfterBytes, type ResolvedWriterOptions } from '../options.js'
import { StoreState } from './state.js'

/** Turns an empty ByteFile into a tile file. The caller holds the 'writer' lock. @throws EXISTS, DISK_FULL */
export function newFile(file: ByteFile, options: ResolvedWriterOptions): StoreState {
  if (file.size() !== 0)
    throw new FlagstoneError(
      'EXISTS',
      `${file.path}: it already has ${file.size()} bytes; reopen it, or choose another name.`,
    )
  const superblock = layOut(file, options)
  file.truncate(superblock.valuesStart)
  const state = new StoreState(file, superblock, 0, options.stagingBytes, behindAfterBytes(options.cache))
  state.sync()
  state.writeSuperblock()
  file.sync()
  state.writeSuperblockTwin()
  file.sync()
  return state
}

/** The superblock of a new file, with regions for the levels that were hinted. */
function layOut(file: ByteFile, options: ResolvedWriterOptions): Superblock {
  const superblock = emptySuperblock(
    new Uint8Array(randomBytes(16)),
    Math.max(4096, file.capabilities.growthUnitBytes),
  )
  const unit = superblock.growthUnitBytes
  let at = indexStart(unit)
  for (let zoom = 0; zoom <= MAX_ZOOM; zoom++) {
    const hint = options.levels.find((l) => l.zoom === zoom)
    if (hint === undefined || hint.expectedTiles === 0) continue
    const capacityBytes = roundUp(Math.ceil(hint.expectedTiles) * RECORD_BYTES, unit)
    superblock.levels[zoom] = { offset: at, capacityBytes, count: 0, sortedCount: 0 }
    at += capacityBytes
  }
  superblock.valuesStart = at
  return superblock
}
