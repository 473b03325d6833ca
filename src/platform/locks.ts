// Byte-range locks that belong to an open file description (Linux OFD locks): two opens in one process exclude
// each other, and the kernel drops them when the process dies however it dies. They lie near 2^62, far beyond
// any data, and never touch it.
import { constants } from 'node:os'
import type { LockName } from './byte-file.js'
import { call, libc } from './libc.js'
import { errnoName, systemError } from './system-error.js'

/** Linux; macOS has them as 90 (F_OFD_SETLK) since 10.15. */
const F_OFD_SETLK = process.platform === 'darwin' ? 90 : 37
const OFFSETS: Record<LockName, bigint> = { writer: 2n ** 62n, pin: 2n ** 62n + 1n, attach: 2n ** 62n + 2n }

// struct flock on 64-bit Linux: short type, short whence, off_t start (at 8), off_t len, pid_t pid.
// On macOS: off_t start (at 0), off_t len, pid_t pid, short type (at 20), short whence.
const DARWIN = process.platform === 'darwin'
const F_RDLCK = DARWIN ? 1 : 0
const F_WRLCK = DARWIN ? 3 : 1
const F_UNLCK = 2

function flock(name: LockName, type: number): Buffer {
  const bytes = Buffer.alloc(32)
  bytes.writeInt16LE(type, DARWIN ? 20 : 0)
  bytes.writeBigInt64LE(OFFSETS[name], DARWIN ? 0 : 8)
  bytes.writeBigInt64LE(1n, DARWIN ? 8 : 16)
  return bytes
}

/** Takes a lock without waiting; false when somebody else's is in the way. */
export function tryLock(fd: number, name: LockName, mode: 'shared' | 'exclusive', path: string): boolean {
  const answer = call(
    libc.fcntl,
    fd,
    F_OFD_SETLK,
    'void *',
    flock(name, mode === 'shared' ? F_RDLCK : F_WRLCK),
  )
  if ('value' in answer) return true
  const { EAGAIN, EACCES } = constants.errno
  if (answer.errno === EAGAIN || answer.errno === EACCES) return false
  throw systemError(errnoName(answer.errno), 'fcntl', path, { command: 'F_OFD_SETLK', lock: name, mode })
}

export function unlock(fd: number, name: LockName, path: string): void {
  const answer = call(libc.fcntl, fd, F_OFD_SETLK, 'void *', flock(name, F_UNLCK))
  if ('errno' in answer)
    throw systemError(errnoName(answer.errno), 'fcntl', path, { command: 'F_OFD_SETLK', lock: name })
}
