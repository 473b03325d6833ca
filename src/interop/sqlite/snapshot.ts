// Reads a database with a write-ahead log while another SQLite writes it.
//
// This SQLite has no memory that it can share with other processes. So it builds its own index of the log when it opens
// the database, and assumes that it is alone. Two locks keep this true during a read: the shared lock of the database
// (its log is not removed), and one of the log's reader slots (the log is not restarted, and nothing newer is moved out
// of it). The header that writers keep in the shared-memory file tells whether anything was committed since.
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
/**
 * WAL_READ_LOCK(1). Its mark, which does not change while it is locked, limits how far the log may be moved into the
 * database.
 */
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

  /** False when another process is writing in a way that keeps readers out. Otherwise call `unlock` afterwards. */
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

  /** Whether there are writers, or were: they are kept out while it is locked. */
  get isShared(): boolean {
    return this.#shared !== undefined
  }

  /** Changes with every commit. Undefined while one is being written. */
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
   * Whether an earlier state can still be read although newer commits exist: nothing of them is in the database, or
   * gets there while this is locked. Uses what `state` read last.
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

  /** The first writer creates the file and the last one removes it. */
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
