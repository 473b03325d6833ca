// Reading a database with a write-ahead log while another SQLite writes it.
//
// Here SQLite has no memory to share with other processes, so it makes an index of the log for itself when it opens the
// database, and believes it is alone. What keeps that true while something is read: the shared lock of the database (its
// log is not removed) and one of the log's reader slots (it is not begun anew, and nothing newer is moved out of it).
// Whether anything was committed since is told by the header that writers keep in the file of shared memory.
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { RangeLock } from '../../platform/range-lock.js'
import { READ_FLAGS } from '../../platform/regular-file.js'
import { lockShared, unlockShared } from './files.js'

// https://www.sqlite.org/walformat.html, "The WAL-Index File Format"
const HEADER_BYTES = 48
const MAX_FRAME_AT = 16
const SALT_AT = 32
const READ_MARK_AT = 104
const BACKFILL_ATTEMPTED_AT = 128
const INDEX_BYTES = 136
/** WAL_READ_LOCK(1): its mark, which stays while it is locked, is how far the log may be moved into the database. */
const readerSlot = new RangeLock(124, 1)

export class Snapshot {
  readonly #path: string
  readonly #fd: number
  #shared: { readonly fd: number; readonly inode: number } | undefined
  readonly #index = Buffer.alloc(INDEX_BYTES)

  constructor(path: string) {
    this.#path = path
    this.#fd = openSync(path, READ_FLAGS)
  }

  /** False when somebody is writing in a way that keeps readers out; else `unlock` follows. */
  lock(): boolean {
    if (!lockShared(this.#fd)) return false
    this.#openShared()
    if (this.#shared === undefined || readerSlot.take(this.#shared.fd, 'shared')) return true
    unlockShared(this.#fd)
    return false
  }

  unlock(): void {
    if (this.#shared !== undefined) readerSlot.release(this.#shared.fd)
    unlockShared(this.#fd)
  }

  /** Writers are kept off while it is locked: there are some, or were. */
  get isShared(): boolean {
    return this.#shared !== undefined
  }

  /** Changes with every commit. Undefined while one is being written down. */
  state(): string | undefined {
    this.#openShared()
    if (this.#shared === undefined) {
      const log = statSync(`${this.#path}-wal`, { throwIfNoEntry: false })
      return [fstatSync(this.#fd), log].map((facts) => `${facts?.mtimeMs} ${facts?.size}`).join(' ')
    }
    this.#index.fill(0)
    readSync(this.#shared.fd, this.#index, 0, INDEX_BYTES, 0)
    const header = this.#index.subarray(0, HEADER_BYTES)
    if (header.compare(this.#index, HEADER_BYTES, 2 * HEADER_BYTES) !== 0) return undefined
    return header.toString('latin1')
  }

  /**
   * Whether what was true in a state can still be read, though newer things were committed since: nothing of them is in
   * the database, or gets there while this is locked. Of what `state` looked at last.
   */
  isStillThere(state: string): boolean {
    if (this.#shared === undefined || state.length !== HEADER_BYTES) return false
    const then = Buffer.from(state, 'latin1')
    return (
      then.compare(this.#index, SALT_AT, SALT_AT + 8, SALT_AT, SALT_AT + 8) === 0 &&
      this.#index.readUInt32LE(READ_MARK_AT) <= then.readUInt32LE(MAX_FRAME_AT) &&
      this.#index.readUInt32LE(BACKFILL_ATTEMPTED_AT) <= then.readUInt32LE(MAX_FRAME_AT)
    )
  }

  close(): void {
    if (this.#shared !== undefined) closeSync(this.#shared.fd)
    closeSync(this.#fd)
  }

  /** Writers make the file when the first comes and remove it when the last goes. */
  #openShared(): void {
    const inode = statSync(`${this.#path}-shm`, { throwIfNoEntry: false })?.ino
    if (this.#shared?.inode === inode) return
    if (this.#shared !== undefined) closeSync(this.#shared.fd)
    this.#shared = undefined
    if (inode === undefined) return
    const fd = openSync(`${this.#path}-shm`, READ_FLAGS)
    this.#shared = { fd, inode: fstatSync(fd).ino }
  }
}
