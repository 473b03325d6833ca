// A foreign SQLite database, read only, followed from commit to commit while others write to it.
//
// Invariants: every `read` sees one commit. Between two reads nothing is locked, and no statement is in progress.
// `close` leaves no descriptor and no memory behind.
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { FlagstoneError } from '../../errors.js'
import { sleep } from '../../store/file/sleep.js'
import { Connection, type Row, TOO_SLOW } from './connection.js'
import { hasLog, logBytes } from './header.js'
import { Snapshot } from './snapshot.js'

/** Limit on a log, which is read from end to end when the database is opened. */
const MAX_LOG_BYTES = 256 * 1024 * 1024
/**
 * With a longer log, reopening takes at most one part in SHARE of the time, as long as the previous state is available.
 */
const LONG_LOG_BYTES = 2 * 1024 * 1024
const SHARE = 10
/** A commit takes as long as the disk does. Waiting for one takes at most one part in WAIT_SHARE of the deadline. */
const WAIT_SHARE = 20
/** After a query that took too long, none is tried for this many times its duration. */
const PAUSE = 20

const BREATH_MS = 0.5

export class SqliteDatabase {
  readonly path: string
  readonly #deadlineMs: number
  readonly #inode: number
  #connection: Connection | undefined
  /** For a database with a log; `#state` is its commit when the connection was opened. */
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
   * Opens a database. `deadlineMs`: limit for one statement.
   * @throws LOCKED, DAMAGED
   * @throws Error when node:fs fails, unchanged
   * @throws TypeError when loadSqlite() has not completed
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

  /** At most `most` rows of one commit, each converted by `take`. @throws LOCKED, DAMAGED */
  all<T>(sql: string, values: readonly number[], most: number, take: (row: Row) => T): T[] {
    return this.read((connection) => connection.all(sql, values, most, take))
  }

  first<T>(sql: string, values: readonly number[], take: (row: Row) => T): T | undefined {
    return this.all(sql, values, 1, take)[0]
  }

  /** Changes with every commit. Undefined for a database without a log, whose file changes instead. */
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

  /** Reads while SQLite takes the locks. Undefined when the database has a log by now. */
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

  /** Undefined when another process is writing at this moment, or the database no longer has a log. */
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
      // without a file of shared memory, writers could not be kept out
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

  /** Whether another file lies at its path. The open one is the old file, which nobody writes to. */
  #isReplaced(): boolean {
    return statSync(this.path, { throwIfNoEntry: false })?.ino !== this.#inode
  }
}
