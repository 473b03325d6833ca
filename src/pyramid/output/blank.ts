// Files that were created but do not hold anything yet.
import { closeSync, readSync } from 'node:fs'
import { SUPERBLOCK_A_OFFSET, SUPERBLOCK_B_OFFSET, SUPERBLOCK_BYTES } from '../../format/layout.js'
import { chooseSuperblock } from '../../format/superblock/slots.js'
import { openRegularSync } from '../../platform/regular-file.js'

/** Whether a file was created and nothing more. After a power loss its first superblock may be incomplete. */
export function isBlank(path: string): boolean {
  const head = Buffer.alloc(SUPERBLOCK_B_OFFSET + SUPERBLOCK_BYTES)
  const fd = openRegularSync(path)
  try {
    readSync(fd, head, 0, head.length, 0)
  } finally {
    closeSync(fd)
  }
  const slots = [SUPERBLOCK_A_OFFSET, SUPERBLOCK_B_OFFSET].map((at) =>
    head.subarray(at, at + SUPERBLOCK_BYTES),
  )
  const begun = chooseSuperblock(slots[0]!, slots[1]!).superblock !== undefined
  return !begun && head.subarray(0, SUPERBLOCK_A_OFFSET).every((byte) => byte === 0)
}
