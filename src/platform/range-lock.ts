// Locks on ranges of a file's bytes, as SQLite takes them (fcntl), to cooperate with other programs that lock in this
// way. They belong to the open file (OFD locks), so two opens in one process exclude each other, and end with it.
import { constants } from 'node:os'
import { call, libc } from './libc.js'
import { errnoName, systemError } from './system-error.js'

const DARWIN = process.platform === 'darwin'
/** F_OFD_SETLK and F_OFD_GETLK; see locks.ts for the layout of struct flock. */
const SET = DARWIN ? 90 : 37
const GET = DARWIN ? 92 : 36
const TYPES = DARWIN ? { shared: 1, exclusive: 3, none: 2 } : { shared: 0, exclusive: 1, none: 2 }
const TYPE_AT = DARWIN ? 20 : 0
const START_AT = DARWIN ? 0 : 8

/** Errors of kernels and file systems without such locks: other processes cannot be excluded there. */
const WITHOUT_LOCKS = new Set(['EINVAL', 'ENOSYS', 'EOPNOTSUPP', 'ENOLCK'])

export class RangeLock {
  readonly #ask: Buffer
  readonly #shared: Buffer
  readonly #exclusive: Buffer
  readonly #none: Buffer

  /** A range of bytes, which need not be inside any file. */
  constructor(offset: number, length: number) {
    const describe = (type: keyof typeof TYPES): Buffer => {
      const bytes = Buffer.alloc(32)
      bytes.writeInt16LE(TYPES[type], TYPE_AT)
      bytes.writeBigInt64LE(BigInt(offset), START_AT)
      bytes.writeBigInt64LE(BigInt(length), START_AT + 8)
      return bytes
    }
    this.#ask = describe('exclusive')
    this.#shared = describe('shared')
    this.#exclusive = describe('exclusive')
    this.#none = describe('none')
  }

  /**
   * Does not wait; false when another lock is in the way. Where there are no such locks, it is granted without effect.
   * @throws SYSTEM when the call fails: EBADF …
   */
  take(fd: number, mode: 'shared' | 'exclusive'): boolean {
    const answer = call(libc.fcntl, fd, SET, 'void *', mode === 'shared' ? this.#shared : this.#exclusive)
    if ('value' in answer) return true
    const { EAGAIN, EACCES } = constants.errno
    if (answer.errno === EAGAIN || answer.errno === EACCES) return false
    const name = errnoName(answer.errno)
    if (WITHOUT_LOCKS.has(name)) return true
    throw systemError(name, 'fcntl', `descriptor ${fd}`, { mode })
  }

  release(fd: number): void {
    call(libc.fcntl, fd, SET, 'void *', this.#none)
  }

  /** Whether another process or open file holds it, in any mode. */
  isTaken(fd: number): boolean {
    this.#exclusive.copy(this.#ask)
    const answer = call(libc.fcntl, fd, GET, 'void *', this.#ask)
    return 'value' in answer && this.#ask.readInt16LE(TYPE_AT) !== TYPES.none
  }
}
