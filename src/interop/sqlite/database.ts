// One SQLite database of somebody else's, read only, followed from commit to commit while others write it.
//
// Invariants: every `read` is of one commit; nothing is locked, and no statement under way, between two of them; what
// `close` closed leaves no descriptor and no memory behind.
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { FlagstoneError } from '../../errors.js'
import { sleep } from '../../store/file/sleep.js'
import { Connection, type Row, TOO_SLOW } from './connection.js'
import { hasLog, logBytes } from './header.js'
import { Snapshot } from './snapshot.js'

/** A log is read from end to end when it is opened. */
const MAX_LOG_BYTES = 256 * 1024 * 1024
/** With a log that is longer, opening anew takes at most one part in SHARE of the time, as long as the state before is there. */
const LONG_LOG_BYTES = 2 * 1024 * 1024
const SHARE = 10
/** Commits take as long as the disk does: they are waited for so small a part of the deadline. */
const WAIT_SHARE = 20
/** After a query that took too long none is tried for so many times what it took. */
const PAUSE = 20

const BREATH_MS = 0.5

export class SqliteDatabase {
  readonly path: string
  readonly #deadlineMs: number
  readonly #inode: number
  #connection: Connection | undefined
  /** Of a database with a log; and what was committed to it when the connection was opened. */
  #snapshot: Snapshot | undefined
  #state: string | undefined
  #notBefore = 0
  #isReading = false
  #tooSlow: { readonly error: unknown; readonly until: number } | undefined

  private constructor(path: string, deadlineMs: number) {
    this.path = path
    this.#deadlineMs = deadlineMs
    this.#inode = statSync(path).ino
  }

  /**
   * `deadlineMs`: the most that one statement may take.
   * @throws LOCKED, DAMAGED
   * @throws Error when node:fs fails, as it says it
   * @throws TypeError when loadSqlite() is not done
   */
  static open(path: string, deadlineMs: number): SqliteDatabase {
    const database = new SqliteDatabase(resolve(path), deadlineMs)
    try {
      database.all('SELECT 1 FROM sqlite_schema', [], 1, () => undefined)
      return database
    } catch (error) {
      database.close()
      throw error
    }
  }

  /** Rows as `take` makes them, as many as are asked for, of one commit. @throws LOCKED, DAMAGED */
  all<T>(sql: string, values: readonly number[], most: number, take: (row: Row) => T): T[] {
    return this.read((connection) => connection.all(sql, values, most, take))
  }

  first<T>(sql: string, values: readonly number[], take: (row: Row) => T): T | undefined {
    return this.all(sql, values, 1, take)[0]
  }

  /** Changes with every commit. Undefined of a database without a log: its file changes. */
  state(): string | undefined {
    const now = this.#snapshot?.state()
    return now !== undefined && this.#isUpToDate(this.#snapshot!, now) ? this.#state : now
  }

  close(): void {
    this.#disconnect()
    this.#snapshot?.close()
    this.#snapshot = undefined
  }

  read<T>(work: (connection: Connection) => T): T {
    if (this.#isReading) throw new TypeError('a database is read by one at a time')
    if (this.#tooSlow !== undefined && performance.now() < this.#tooSlow.until) throw this.#tooSlow.error
    this.#isReading = true
    const began = performance.now()
    try {
      const until = began + this.#deadlineMs / WAIT_SHARE
      for (let tries = 0; tries < 3 || performance.now() < until; tries++) {
        const done =
          this.#snapshot === undefined ? this.#readPlain(work) : this.#readLogged(this.#snapshot, work)
        if (done !== undefined) return done.is
        if (tries > 0) sleep(BREATH_MS)
      }
    } catch (error) {
      if (error instanceof FlagstoneError && error.errno === TOO_SLOW) {
        const now = performance.now()
        this.#tooSlow = { error, until: now + (now - began) * PAUSE }
      }
      throw error
    } finally {
      this.#isReading = false
    }
    throw new FlagstoneError('LOCKED', `${this.path} is being written; try again when it is complete.`, {
      path: this.path,
    })
  }

  /** SQLite takes the locks. Undefined: the database has a log by now. */
  #readPlain<T>(work: (connection: Connection) => T): { readonly is: T } | undefined {
    try {
      if (this.#connection === undefined && hasLog(this.path)) {
        this.#snapshot = new Snapshot(this.path)
        return undefined
      }
      this.#connection ??= new Connection(this.path, false, this.#deadlineMs)
      return { is: work(this.#connection) }
    } catch (error) {
      if (error instanceof FlagstoneError && error.code === 'LOCKED') return undefined
      if (this.#isReplaced() || !hasLog(this.path)) throw error
      this.#disconnect()
      return undefined
    }
  }

  /** Undefined: somebody is writing at this moment, or the database has no log any more. */
  #readLogged<T>(snapshot: Snapshot, work: (connection: Connection) => T): { readonly is: T } | undefined {
    if (!snapshot.lock()) return undefined
    let hasEnded = false
    try {
      if (!this.#isReplaced()) {
        const state = snapshot.state()
        if (state === undefined) return undefined
        if (!this.#isUpToDate(snapshot, state)) {
          hasEnded = !hasLog(this.path)
          if (hasEnded) return undefined
          this.#connectAnew(state)
        }
      }
      if (this.#connection === undefined) return undefined
      const is = work(this.#connection)
      // without a file of shared memory nobody could be kept from writing
      return snapshot.isShared || this.#isReplaced() || snapshot.state() === this.#state ? { is } : undefined
    } finally {
      snapshot.unlock()
      if (hasEnded) this.close()
    }
  }

  #isUpToDate(snapshot: Snapshot, state: string): boolean {
    if (this.#connection === undefined || this.#state === undefined) return false
    if (this.#state === state) return true
    return performance.now() < this.#notBefore && snapshot.isStillThere(this.#state)
  }

  #connectAnew(state: string): void {
    const began = performance.now()
    const bytes = logBytes(this.path)
    if (bytes > MAX_LOG_BYTES) {
      throw new FlagstoneError(
        'LOCKED',
        `${this.path} has a log (${this.path}-wal) of more than ${MAX_LOG_BYTES / 2 ** 20} MiB, which must be written into the file first: let the program that writes it end, or run PRAGMA wal_checkpoint(TRUNCATE).`,
        { path: this.path },
      )
    }
    this.#disconnect()
    this.#connection = new Connection(this.path, true, this.#deadlineMs)
    this.#state = state
    const ended = performance.now()
    this.#notBefore = bytes > LONG_LOG_BYTES ? ended + (ended - began) * SHARE : 0
  }

  #disconnect(): void {
    this.#connection?.close()
    this.#connection = undefined
    this.#state = undefined
  }

  /** Another file lies at its path: what is open is the old one, which nobody writes. */
  #isReplaced(): boolean {
    return statSync(this.path, { throwIfNoEntry: false })?.ino !== this.#inode
  }
}
