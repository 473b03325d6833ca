// Reads the two superblocks of a file, and says what is wrong when neither can be used.
import { FlagstoneError } from '../../errors.js'
import { SUPERBLOCK, SUPERBLOCK_A_OFFSET, SUPERBLOCK_BYTES } from '../../format/layout.js'
import type { Superblock } from '../../format/superblock/fields.js'
import { type Chosen, chooseSuperblock } from '../../format/superblock/slots.js'
import type { ByteFile } from '../../platform/byte-file.js'

export const SLOTS_BYTES = 2 * SUPERBLOCK_BYTES

/** Both slots as they are now; zeros where the file is too short. */
export function readSlots(file: ByteFile, into: Uint8Array = new Uint8Array(SLOTS_BYTES)): Uint8Array {
  const got = file.read(into, SUPERBLOCK_A_OFFSET)
  if (got < SLOTS_BYTES) into.fill(0, got)
  return into
}

export function chooseFrom(slots: Uint8Array): Chosen {
  return chooseSuperblock(slots.subarray(0, SUPERBLOCK_BYTES), slots.subarray(SUPERBLOCK_BYTES, SLOTS_BYTES))
}

/** The superblock in force. @throws NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED when there is none */
export function currentSuperblock(file: ByteFile): Superblock {
  const chosen = chooseFrom(readSlots(file))
  if (chosen.superblock === undefined) throw noSuperblock(file, chosen)
  return chosen.superblock
}

/** Whether both copies are valid and equal apart from sequence and checksum, so that losing one costs nothing. */
export function areTwins(file: ByteFile): boolean {
  const slots = readSlots(file)
  if (chooseFrom(slots).problems.some((problem) => problem !== undefined)) return false
  const [a, b] = [0, SUPERBLOCK_BYTES].map((at) => {
    const copy = slots.slice(at, at + SUPERBLOCK_BYTES)
    return copy.fill(0, SUPERBLOCK.sequence, SUPERBLOCK.uuid).fill(0, SUPERBLOCK.crc)
  })
  return Buffer.compare(a!, b!) === 0
}

export function noSuperblock(file: ByteFile, chosen: Chosen): FlagstoneError {
  const found = chosen.problems.filter((p) => p !== undefined)
  const newer = found.find((p) => p.code === 'VERSION_UNSUPPORTED')
  if (newer !== undefined)
    return new FlagstoneError('VERSION_UNSUPPORTED', `${file.path}: ${newer.problem}; use a newer Flagstone.`)
  if (found.some((p) => p.code === 'DAMAGED'))
    return new FlagstoneError(
      'DAMAGED',
      `${file.path}: neither superblock can be used: A: ${found[0]?.problem}; B: ${found[1]?.problem}. Restore the file from a copy.`,
    )
  return new FlagstoneError(
    'NOT_A_TILE_FILE',
    `${file.path}: not a Flagstone file (${file.size()} bytes, no superblock at ${SUPERBLOCK_A_OFFSET}).`,
  )
}
