// Size and mtime of an open file, fast enough to be called for every tile: node:fs creates four Date objects each time,
// which takes longer than the system call.
import { endianness } from 'node:os'
import type { FileFacts } from './byte-file.js'
import { call, libc } from './libc.js'

const AT_EMPTY_PATH = 0x1000
const STATX_MTIME = 0x40
const STATX_SIZE = 0x200
/**
 * struct statx is the same on all architectures: u32 mask at 0, u64 size at 40, i64 and u32 of mtime at 112 and 120.
 */
const answer = new ArrayBuffer(256)
const words = new Uint32Array(answer)
const bytes = new Uint8Array(answer)
const WORD = { mask: 0, size: 10, seconds: 28, nanoseconds: 30 } as const

/** Undefined where the system has no such call; use fstat then. */
export function factsOf(fd: number): FileFacts | undefined {
  if (libc.statx === undefined || endianness() !== 'LE') return undefined
  const asked = call(libc.statx, fd, '', AT_EMPTY_PATH, STATX_MTIME | STATX_SIZE, bytes)
  if ('errno' in asked) return undefined
  const wanted = STATX_MTIME | STATX_SIZE
  if ((words[WORD.mask]! & wanted) !== wanted) return undefined
  const seconds = words[WORD.seconds]! + (words[WORD.seconds + 1]! | 0) * 2 ** 32
  return {
    size: words[WORD.size]! + words[WORD.size + 1]! * 2 ** 32,
    mtimeMs: seconds * 1000 + words[WORD.nanoseconds]! / 1e6,
  }
}
