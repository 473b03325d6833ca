// Byte-range locks that belong to an open file description (Linux OFD locks): two opens in one process exclude each
// other, and the kernel releases them when the process dies, however it dies. They lie near 2^62, far beyond any data.
//
// Where the kernel or the file system has no OFD locks, flock(2) replaces 'writer': it also belongs to an open file and
// ends with the process. There is only one such lock per file, so 'pin' and 'attach' are not available: shared they are
// granted without effect, exclusively they are never granted. That is the safe side: a writer then never moves or cuts
// off what a reader may be reading, but relocates.
import { fstatSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import type { LockName } from './byte-file.js'
import { call, libc } from './libc.js'
import { errnoName, systemError } from './system-error.js'

/** Linux; on macOS it is 90 (F_OFD_SETLK) since 10.15. */
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

const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4
const LOCK_UN = 8

/** Errors of kernels and file systems without OFD locks, or without locks at such offsets. */
const NO_OFD = new Set(['EINVAL', 'ENOSYS', 'EOPNOTSUPP', 'EOVERFLOW'])

type Answer = { value: number } | { errno: number }

/** Locks the byte range or, where there are no such locks, the whole file. */
function lockSomehow(
  fd: number,
  name: LockName,
  type: number,
  whole: () => Answer | boolean,
): Answer | boolean {
  const answer = call(libc.fcntl, fd, F_OFD_SETLK, 'void *', flock(name, type))
  if ('value' in answer || !NO_OFD.has(errnoName(answer.errno))) return answer
  return whole()
}

/**
 * Takes a lock without waiting; false when another holder is in the way.
 * @throws SYSTEM when the call fails: EBADF, ENOLCK …
 */
export function tryLock(fd: number, name: LockName, mode: 'shared' | 'exclusive', path: string): boolean {
  const shared = mode === 'shared'
  const answer = lockSomehow(fd, name, shared ? F_RDLCK : F_WRLCK, () =>
    name === 'writer' ? call(libc.flock, fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) : shared,
  )
  if (typeof answer === 'boolean') return answer
  if ('value' in answer) return true
  const { EAGAIN, EACCES } = constants.errno
  if (answer.errno === EAGAIN || answer.errno === EACCES) return false
  throw systemError(errnoName(answer.errno), 'fcntl', path, { lock: name, mode })
}

export function unlock(fd: number, name: LockName, path: string): void {
  const answer = lockSomehow(fd, name, F_UNLCK, () => name !== 'writer' || call(libc.flock, fd, LOCK_UN))
  if (typeof answer !== 'boolean' && 'errno' in answer)
    throw systemError(errnoName(answer.errno), 'fcntl', path, { lock: name })
}

/**
 * Id of the process that holds a lock exclusively. fcntl does not tell, because these locks belong to open files, but
 * Linux lists them with the open files of each process. Undefined when there is no holder, or its files may not be
 * inspected.
 */
export function lockHolder(fd: number, name: LockName): number | undefined {
  if (process.platform !== 'linux') return undefined
  const { dev, ino } = fstatSync(fd)
  const others = listed('/proc').filter((entry) => /^\d+$/.test(entry) && entry !== `${process.pid}`)
  for (const pid of [`${process.pid}`, ...others])
    for (const number of listed(`/proc/${pid}/fd`))
      try {
        const file = statSync(`/proc/${pid}/fd/${number}`)
        if (file.dev !== dev || file.ino !== ino) continue
        if (holds(readFileSync(`/proc/${pid}/fdinfo/${number}`, 'utf8'), name)) return Number(pid)
      } catch {
        // the process has ended, or may not be inspected
      }
  return undefined
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function holds(fdinfo: string, name: LockName): boolean {
  return fdinfo
    .split('\n')
    .some(
      (line) =>
        line.startsWith('lock:') &&
        line.includes(' WRITE ') &&
        (line.includes(` ${OFFSETS[name]} `) || (name === 'writer' && line.includes(' FLOCK '))),
    )
}

/** Which kind of locks an open, nameless file of a directory has; see above. */
export type LockKind = 'byte-range' | 'whole-file' | 'none'

export function lockKind(fd: number): LockKind {
  try {
    if (!tryLock(fd, 'pin', 'exclusive', ''))
      return tryLock(fd, 'writer', 'exclusive', '') ? 'whole-file' : 'none'
    return 'byte-range'
  } catch {
    return 'none'
  }
}
