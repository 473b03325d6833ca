// The two copies of the superblock in a file: sequence n is in slot n mod 2, and the valid copy with the higher
// sequence is in force.
import { damaged, decodeSuperblock, type SuperblockProblem } from './codec.js'
import type { Superblock } from './fields.js'

/** The result of reading both copies. */
export interface Chosen {
  superblock: Superblock | undefined
  /** The slot it was read from: 0 for A, 1 for B. */
  slot: 0 | 1
  /** What is wrong with each copy; undefined where it is valid. */
  problems: [SuperblockProblem | undefined, SuperblockProblem | undefined]
}

/**
 * Chooses the valid copy with the higher sequence. A file of a newer version is refused even if an older copy is
 * readable, because the newer copy describes what the file is now.
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
