// SQLite compiled to WebAssembly: there is no binary to install, and it cannot access memory other than its own. Each
// thread has one, loaded when the first database is opened.
//
// The SQL in a database comes from its author, not from us, and views run when they are read. So it is limited:
// functions and statements by a list, values and memory by size, and time by a deadline. Recursion is refused.
import type { Sqlite3Static } from '@sqlite.org/sqlite-wasm'
import { installFiles } from './files.js'

/** A longer value (a tile, a text) is refused, not read. */
export const MAX_VALUE_BYTES = 64 * 1024 * 1024
/** Limit on SQLite's memory in one thread: pages of all open databases, and data being sorted. */
const MAX_HEAP_BYTES = 768 * 1024 * 1024

/** Steps of SQLite's virtual machine between two checks of the clock: more than an index lookup takes. */
export const STEPS = 2000
/** This many looks at the clock are some tens of milliseconds of work. */
const MANY_LOOKS = 250
const PATIENCE = 50

/** Functions that views may call: none takes more time or space than in proportion to its arguments. */
const FUNCTIONS = new Set(
  (
    'abs cast ceil ceiling coalesce count floor hex if ifnull iif length likely lower ltrim max min nullif octet_length ' +
    'pow power quote round rtrim sign substr substring sum total trim typeof unhex unlikely upper avg'
  ).split(' '),
)

/** The functions of SQLite's C interface, with pointers as numbers. */
// biome-ignore lint/suspicious/noExplicitAny: as WebAssembly exports them
type Exports = Record<string, (...args: any[]) => any>

export interface Engine {
  readonly sqlite: Sqlite3Static
  readonly c: Exports
  /** Pointers to the callbacks that decide whether a statement is allowed, and whether it may continue. */
  readonly authorize: number
  readonly goOn: number
  /** Limits of the statement that is running. */
  bound: { readonly ms: number; readonly began: number; looks: number }
  /** Tables of the current database that are implemented by a module. They would run foreign code on foreign data. */
  virtualTables: ReadonlySet<string>
  /** Why a statement was refused, for a message. */
  refusal: string | undefined
}

let loading: Promise<Engine> | undefined
let loaded: Engine | undefined

/** Must complete before a database is opened. */
export async function loadSqlite(): Promise<void> {
  loading ??= load()
  loaded = await loading
}

/** @throws TypeError when loadSqlite() has not completed */
export function engine(): Engine {
  if (loaded === undefined) throw new TypeError('SQLite is not loaded yet; wait for loadSqlite()')
  return loaded
}

async function load(): Promise<Engine> {
  const { default: init } = await import('@sqlite.org/sqlite-wasm')
  const sqlite = await init()
  const { wasm, capi } = sqlite
  const c = wasm.exports as unknown as Exports
  installFiles(sqlite)
  const state: Engine = {
    sqlite,
    c,
    authorize: wasm.installFunction(
      'i(pipppp)',
      (_: number, action: number, first: number, second: number) =>
        isAllowed(state, action, first, second) ? capi.SQLITE_OK : capi.SQLITE_DENY,
    ) as number,
    goOn: wasm.installFunction('i(p)', () => (isOver(state.bound) ? 1 : 0)) as number,
    bound: { ms: Number.POSITIVE_INFINITY, began: 0, looks: 0 },
    virtualTables: new Set(),
    refusal: undefined,
  }
  const db = new sqlite.oo1.DB(':memory:')
  db.exec(`PRAGMA hard_heap_limit = ${MAX_HEAP_BYTES}`)
  db.close()
  return state
}

/** The deadline counts only once the statement has done enough work; on a busy machine it may take longer. */
function isOver(bound: Engine['bound']): boolean {
  const ms = performance.now() - bound.began
  return ++bound.looks > MANY_LOOKS ? ms > bound.ms : ms > bound.ms * PATIENCE
}

function isAllowed(state: Engine, action: number, first: number, second: number): boolean {
  const { capi, wasm } = state.sqlite
  const refuse = (why: string): false => {
    state.refusal = why
    return false
  }
  if (action === capi.SQLITE_SELECT) return true
  if (action === capi.SQLITE_READ) {
    const table = wasm.cstrToJs(first) ?? ''
    return state.virtualTables.has(table.toLowerCase()) ? refuse(`'${table}' is a virtual table`) : true
  }
  if (action === capi.SQLITE_FUNCTION) {
    const name = wasm.cstrToJs(second) ?? ''
    return FUNCTIONS.has(name.toLowerCase()) || refuse(`its views call the function ${name}()`)
  }
  if (action === capi.SQLITE_RECURSIVE) return refuse('its views are recursive')
  return refuse('its views do more than read')
}
