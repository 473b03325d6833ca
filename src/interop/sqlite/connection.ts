// One connection to a database: statements, rows, and the errors of SQLite.
import { FlagstoneError } from '../../errors.js'
import { type Engine, engine, MAX_VALUE_BYTES, STEPS } from './engine.js'
import { FILES, openingFile } from './files.js'
import { isInUtf16 } from './header.js'

/** Page cache of each database. Other pages are found in the system's page cache. */
const CACHE_KIB = 512
const LIMIT_LENGTH = 0
const LIMIT_ATTACHED = 7

const INTEGER = 1
const FLOAT = 2
const NULL = 5

/** The current row of a statement. */
export interface Row {
  /** NaN for anything that is not a number, including NULL. */
  number(column: number): number
  /** Decoded as UTF-8 or, if invalid, as Windows-1252, which accepts any bytes; undefined for NULL. */
  text(column: number): string | undefined
  /** A copy, also of texts. Undefined for NULL. */
  bytes(column: number): Uint8Array | undefined
  /** As `bytes`, but in SQLite's memory: valid until the next row. */
  view(column: number): Uint8Array | undefined
}

/** `errno` of the error for a query that exceeded its deadline. */
export const TOO_SLOW = 'SQLITE_INTERRUPT'

const utf8 = new TextDecoder('utf-8', { fatal: true })
const latin = new TextDecoder('windows-1252')

export class Connection {
  readonly #path: string
  readonly #engine: Engine
  readonly #deadlineMs: number
  readonly #db: number
  readonly #statements = new Map<string, number>()
  #virtualTables: ReadonlySet<string> = new Set()

  /**
   * `isAlone`: takes no locks, and builds its own index of a log. `deadlineMs`: limit for one statement.
   * @throws as `all`
   */
  constructor(path: string, isAlone: boolean, deadlineMs: number) {
    this.#path = path
    this.#engine = engine()
    this.#deadlineMs = deadlineMs
    const { wasm, capi } = this.#engine.sqlite
    const before = wasm.pstack.pointer
    const out = wasm.pstack.alloc(8)
    let code = 0
    openingFile(!isAlone, () => {
      code = capi.sqlite3_open_v2(path, out, capi.SQLITE_OPEN_READONLY, FILES)
    })
    this.#db = Number(wasm.peekPtr(out))
    wasm.pstack.restore(before)
    try {
      if (code !== 0) throw this.#problem(code)
      if (isInUtf16(path)) throw this.#inUtf16()
      this.#bound(isAlone)
    } catch (error) {
      this.close()
      throw error
    }
  }

  #bound(isAlone: boolean): void {
    const { c, authorize, goOn } = this.#engine
    c['sqlite3_limit']!(this.#db, LIMIT_LENGTH, MAX_VALUE_BYTES)
    c['sqlite3_limit']!(this.#db, LIMIT_ATTACHED, 0)
    c['sqlite3_progress_handler']!(this.#db, STEPS, goOn, 0)
    const pragmas = ['trusted_schema = OFF', 'cell_size_check = ON', `cache_size = ${-CACHE_KIB}`]
    if (isAlone) pragmas.unshift('locking_mode = EXCLUSIVE')
    const statements = pragmas.map((pragma) => `PRAGMA ${pragma}`)
    // one lock for everything that follows, because a writer may leave little time between two changes
    for (const sql of [...statements, 'BEGIN']) this.all(sql, [], 1, () => undefined)
    const tables = "SELECT lower(t.name) FROM sqlite_schema t WHERE t.type = 'table' AND"
    const virtual = this.all(`${tables} coalesce(t.rootpage, 0) = 0`, [], Infinity, (row) => row.text(0)!)
    this.#virtualTables = new Set(virtual)
    // their expressions run without the checks below
    const computed = `${tables} t.rootpage > 0 AND EXISTS (SELECT 1 FROM pragma_table_xinfo(t.name) WHERE hidden IN (2, 3))`
    if (this.all(computed, [], 1, () => true).length > 0) throw this.#refused('it has computed columns')
    this.all('COMMIT', [], 1, () => undefined)
    c['sqlite3_set_authorizer']!(this.#db, authorize, 0)
  }

  /**
   * At most `most` rows, each converted by `take`. `values` are 32-bit integers.
   * @throws LOCKED when another process keeps readers out
   * @throws TOO_LARGE when a value is over MAX_VALUE_BYTES
   * @throws DAMAGED when the file cannot be read, or exceeds another limit
   */
  all<T>(sql: string, values: readonly number[], most: number, take: (row: Row) => T): T[] {
    const found: T[] = []
    if (most > 0) this.each(sql, values, (row) => found.push(take(row)) < most)
    return found
  }

  /** Calls `visit` with each row until it returns false. @throws as `all` */
  each(sql: string, values: readonly number[], visit: (row: Row) => boolean): void {
    const { c } = this.#engine
    this.#engine.bound = { ms: this.#deadlineMs, began: performance.now(), looks: 0 }
    const statement = this.#statements.get(sql) ?? this.#prepare(sql)
    try {
      for (let i = 0; i < values.length; i++) c['sqlite3_bind_int']!(statement, i + 1, values[i])
      const row = this.#rowOf(statement)
      do {
        const code = c['sqlite3_step']!(statement) as number
        if (code === this.#engine.sqlite.capi.SQLITE_DONE) return
        if (code !== this.#engine.sqlite.capi.SQLITE_ROW) throw this.#problem(code)
      } while (visit(row))
    } finally {
      c['sqlite3_reset']!(statement)
    }
  }

  close(): void {
    const { c } = this.#engine
    for (const statement of this.#statements.values()) c['sqlite3_finalize']!(statement)
    this.#statements.clear()
    c['sqlite3_close_v2']!(this.#db)
  }

  #prepare(sql: string): number {
    const { wasm, capi } = this.#engine.sqlite
    this.#engine.virtualTables = this.#virtualTables
    this.#engine.refusal = undefined
    const before = wasm.pstack.pointer
    const out = wasm.pstack.alloc(8)
    try {
      const code = capi.sqlite3_prepare_v2(this.#db, sql, -1, out, 0)
      if (code !== 0) throw this.#problem(code)
      const statement = Number(wasm.peekPtr(out))
      this.#statements.set(sql, statement)
      return statement
    } finally {
      wasm.pstack.restore(before)
    }
  }

  #rowOf(statement: number): Row {
    const { c, sqlite } = this.#engine
    const type = (column: number): number => c['sqlite3_column_type']!(statement, column)
    const view = (column: number): Uint8Array | undefined => {
      if (type(column) === NULL) return undefined
      const at: number = c['sqlite3_column_blob']!(statement, column)
      const length: number = c['sqlite3_column_bytes']!(statement, column)
      return sqlite.wasm.heap8u().subarray(at, at + length)
    }
    return {
      number(column) {
        const is = type(column)
        return is === INTEGER || is === FLOAT ? c['sqlite3_column_double']!(statement, column) : Number.NaN
      },
      text(column) {
        const found = view(column)
        if (found === undefined) return undefined
        try {
          return utf8.decode(found)
        } catch {
          return latin.decode(found)
        }
      },
      bytes: (column) => view(column)?.slice(),
      view,
    }
  }

  #refused(why: string): FlagstoneError {
    return new FlagstoneError(
      'DAMAGED',
      `${this.#path} cannot be read, because ${why}; copy its tiles into a plain table.`,
      { path: this.#path },
    )
  }

  /** The error for UTF-16, which the engine is compiled without. */
  #inUtf16(): FlagstoneError {
    return new FlagstoneError(
      'DAMAGED',
      `${this.#path} stores text as UTF-16, which is not supported; copy it into a UTF-8 file: sqlite3 FILE .dump | sqlite3 NEW.mbtiles.`,
      { path: this.#path },
    )
  }

  #problem(code: number): FlagstoneError {
    const { sqlite, c, refusal } = this.#engine
    const { capi, wasm } = sqlite
    const path = this.#path
    switch (code & 0xff) {
      case capi.SQLITE_BUSY:
        return new FlagstoneError('LOCKED', `${path} is being written; try again when it is complete.`, {
          path,
        })
      case capi.SQLITE_AUTH:
        return this.#refused(refusal ?? 'its views do more than read')
      case capi.SQLITE_INTERRUPT:
        return new FlagstoneError(
          'DAMAGED',
          `${path} takes too long to read, more than ${this.#deadlineMs / 1000} s for one query: it may lack an index. CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row) creates one.`,
          { path, errno: TOO_SLOW },
        )
      case capi.SQLITE_TOOBIG:
        return new FlagstoneError(
          'TOO_LARGE',
          `${path} has a value larger than the limit of ${MAX_VALUE_BYTES / 2 ** 20} MiB, so it cannot be read.`,
          { path },
        )
      case capi.SQLITE_READONLY:
        return new FlagstoneError(
          'DAMAGED',
          `${path} was left in the middle of a change, which its journal (${path}-journal) can undo; open it once with a program that writes SQLite: sqlite3 FILE 'PRAGMA quick_check'.`,
          { path },
        )
      default: {
        const message = wasm.cstrToJs(c['sqlite3_errmsg']!(this.#db)) ?? `error ${code}`
        // the code for a refused function is not specific
        if (refusal !== undefined && message.startsWith('not authorized')) return this.#refused(refusal)
        return new FlagstoneError('DAMAGED', `${path} cannot be read as SQLite: ${message}.`, { path })
      }
    }
  }
}
