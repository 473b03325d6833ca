// A new SQLite database that is written in one go, in one transaction. Its file is complete only after `close`.
import { FlagstoneError } from '../../errors.js'
import type { ByteFile } from '../../platform/byte-file.js'
import { type Engine, engine } from './engine.js'
import { installNewFiles, NEW_FILES, NewFile, openingNewFile } from './new-file.js'

/** Pages in memory. Those of the indexes are changed again and again, so they should fit. */
const CACHE_KIB = 64 * 1024
const PRAGMAS = [
  // 4096 leaves much unused between tiles of some KB, and takes a quarter more time
  'page_size = 16384',
  'journal_mode = OFF',
  'synchronous = OFF',
  'locking_mode = EXCLUSIVE',
  'temp_store = MEMORY',
  `cache_size = ${-CACHE_KIB}`,
]

export class NewDatabase {
  readonly #path: string
  readonly #file: NewFile
  readonly #engine: Engine
  readonly #statements: NewStatement[] = []
  #db = 0

  /**
   * `file` is empty; the caller closes it. `path` is its name in messages.
   * @throws DISK_FULL, SYSTEM
   * @throws TypeError when loadSqlite() has not completed
   */
  constructor(file: ByteFile, path: string) {
    this.#path = path
    this.#file = new NewFile(file)
    this.#engine = engine()
    const { wasm, capi } = this.#engine.sqlite
    installNewFiles(this.#engine.sqlite)
    const before = wasm.pstack.pointer
    const out = wasm.pstack.alloc(8)
    openingNewFile(this.#file, () => {
      const code = capi.sqlite3_open_v2(
        'new',
        out,
        capi.SQLITE_OPEN_READWRITE | capi.SQLITE_OPEN_CREATE,
        NEW_FILES,
      )
      this.#db = Number(wasm.peekPtr(out))
      this.check(code)
      for (const pragma of PRAGMAS) this.run(`PRAGMA ${pragma}`)
      this.run('BEGIN')
    })
    wasm.pstack.restore(before)
  }

  /** @throws DISK_FULL, SYSTEM */
  run(sql: string): void {
    const statement = this.prepare(sql)
    statement.step()
    statement.reset()
  }

  prepare(sql: string): NewStatement {
    const { wasm, capi } = this.#engine.sqlite
    const before = wasm.pstack.pointer
    const out = wasm.pstack.alloc(8)
    try {
      this.check(capi.sqlite3_prepare_v2(this.#db, sql, -1, out, 0))
      const statement = new NewStatement(this.#engine, Number(wasm.peekPtr(out)), (code) => this.check(code))
      this.#statements.push(statement)
      return statement
    } finally {
      wasm.pstack.restore(before)
    }
  }

  /** Writes all that is not in the file yet. @throws DISK_FULL, SYSTEM */
  commit(): void {
    this.run('COMMIT')
    this.#file.flush()
  }

  /** Releases the memory. What was not committed is lost. */
  close(): void {
    for (const statement of this.#statements) statement.close()
    this.#statements.length = 0
    this.#engine.c['sqlite3_close_v2']!(this.#db)
    this.#db = 0
  }

  /** @throws DISK_FULL, SYSTEM when a call of SQLite did not succeed */
  check(code: number): void {
    const { capi, wasm } = this.#engine.sqlite
    if (code === capi.SQLITE_OK) return
    if (this.#file.problem !== undefined) throw this.#file.problem
    const message = wasm.cstrToJs(this.#engine.c['sqlite3_errmsg']!(this.#db)) ?? `error ${code}`
    throw new FlagstoneError('SYSTEM', `${this.#path} cannot be written as SQLite: ${message}.`, {
      path: this.#path,
    })
  }
}

/** A statement with its values. Texts and bytes are copied when they are bound. */
export class NewStatement {
  readonly #engine: Engine
  readonly #pointer: number
  readonly #check: (code: number) => void
  /** Memory of SQLite for the value of each parameter. */
  readonly #memory = new Map<number, { readonly at: number; readonly size: number }>()

  constructor(engine: Engine, pointer: number, check: (code: number) => void) {
    this.#engine = engine
    this.#pointer = pointer
    this.#check = check
  }

  /** `value`: a 32-bit integer. */
  bindNumber(parameter: number, value: number): void {
    this.#engine.c['sqlite3_bind_int']!(this.#pointer, parameter, value)
  }

  bindBytes(parameter: number, bytes: Uint8Array): void {
    const { c } = this.#engine
    this.#check(
      c['sqlite3_bind_blob']!(this.#pointer, parameter, this.#copied(parameter, bytes), bytes.length, 0),
    )
  }

  bindText(parameter: number, text: string): void {
    const { c } = this.#engine
    const bytes = Buffer.from(text)
    this.#check(
      c['sqlite3_bind_text']!(this.#pointer, parameter, this.#copied(parameter, bytes), bytes.length, 0),
    )
  }

  /** Whether there is a row. @throws DISK_FULL, SYSTEM */
  step(): boolean {
    const { c, sqlite } = this.#engine
    const code = c['sqlite3_step']!(this.#pointer) as number
    if (code === sqlite.capi.SQLITE_ROW) return true
    if (code !== sqlite.capi.SQLITE_DONE) this.#check(code)
    return false
  }

  number(column: number): number {
    return this.#engine.c['sqlite3_column_int']!(this.#pointer, column) as number
  }

  /** Valid until the next call. */
  bytes(column: number): Uint8Array {
    const { c, sqlite } = this.#engine
    const at: number = c['sqlite3_column_blob']!(this.#pointer, column)
    return sqlite.wasm.heap8u().subarray(at, at + c['sqlite3_column_bytes']!(this.#pointer, column))
  }

  reset(): void {
    this.#engine.c['sqlite3_reset']!(this.#pointer)
  }

  close(): void {
    this.#engine.c['sqlite3_finalize']!(this.#pointer)
    for (const { at } of this.#memory.values()) this.#engine.sqlite.wasm.dealloc(at)
    this.#memory.clear()
  }

  #copied(parameter: number, bytes: Uint8Array): number {
    const { wasm } = this.#engine.sqlite
    let memory = this.#memory.get(parameter)
    if (memory === undefined || memory.size < bytes.length) {
      if (memory !== undefined) wasm.dealloc(memory.at)
      const size = Math.max(1024, 2 * bytes.length)
      memory = { at: wasm.alloc(size) as number, size }
      this.#memory.set(parameter, memory)
    }
    wasm.heap8u().set(bytes, memory.at)
    return memory.at
  }
}
