// How SQLite writes a new database: into one file that nobody else has under its name yet. So there is no journal and
// there are no locks. Pages that follow each other are written in one call.
import type { Sqlite3Static } from '@sqlite.org/sqlite-wasm'
import type { ByteFile } from '../../platform/byte-file.js'
import { installVfs } from './vfs.js'

export const NEW_FILES = 'flagstone-new'
const BUFFER_BYTES = 2 ** 18

/** The file of a new database, with the writes that were not passed on yet. */
export class NewFile {
  readonly #file: ByteFile
  readonly #buffer = new Uint8Array(BUFFER_BYTES)
  #start = 0
  #buffered = 0
  #size = 0
  /** What made a call fail. SQLite only knows that it failed. */
  problem: unknown

  constructor(file: ByteFile) {
    this.#file = file
  }

  get size(): number {
    return this.#size
  }

  /** Returns the number of bytes read. @throws SYSTEM */
  read(into: Uint8Array, position: number): number {
    if (position < this.#start + this.#buffered && position + into.length > this.#start) this.flush()
    return this.#file.read(into, position)
  }

  /** @throws DISK_FULL, SYSTEM */
  write(bytes: Uint8Array, position: number): void {
    if (position !== this.#start + this.#buffered || this.#buffered + bytes.length > BUFFER_BYTES) {
      this.flush()
      this.#start = position
    }
    this.#buffer.set(bytes, this.#buffered)
    this.#buffered += bytes.length
    this.#size = Math.max(this.#size, position + bytes.length)
  }

  /** @throws DISK_FULL, SYSTEM */
  flush(): void {
    if (this.#buffered === 0) return
    this.#file.write(this.#buffer.subarray(0, this.#buffered), this.#start)
    this.#start += this.#buffered
    this.#buffered = 0
  }
}

/** Open files, by SQLite's pointer. */
const open = new Map<number, NewFile>()
let opening: NewFile | undefined

/** Opens a database in `file` by calling `work`. SQLite opens its file immediately. */
export function openingNewFile(file: NewFile, work: () => void): void {
  opening = file
  work()
  opening = undefined
}

/** Exceptions must not pass through SQLite's own code. */
function attempt(file: NewFile, otherwise: number, work: () => number): number {
  try {
    return work()
  } catch (error) {
    file.problem ??= error
    return otherwise
  }
}

function ioMethodsOf({ capi, wasm }: Sqlite3Static): object {
  const { SQLITE_OK, SQLITE_IOERR_READ, SQLITE_IOERR_WRITE, SQLITE_IOERR_SHORT_READ } = capi
  return {
    xClose(pointer: number) {
      open.delete(pointer)
      return SQLITE_OK
    },
    xRead(pointer: number, into: number, length: number, position: bigint) {
      const file = open.get(pointer)!
      return attempt(file, SQLITE_IOERR_READ, () => {
        const bytes = wasm.heap8u().subarray(into, into + length)
        const got = file.read(bytes, Number(position))
        if (got === length) return SQLITE_OK
        bytes.fill(0, got)
        return SQLITE_IOERR_SHORT_READ
      })
    },
    xWrite(pointer: number, from: number, length: number, position: bigint) {
      const file = open.get(pointer)!
      return attempt(file, SQLITE_IOERR_WRITE, () => {
        file.write(wasm.heap8u().subarray(from, from + length), Number(position))
        return SQLITE_OK
      })
    },
    xFileSize(pointer: number, out: number) {
      wasm.poke64(out, BigInt(open.get(pointer)!.size))
      return SQLITE_OK
    },
    xCheckReservedLock(_: number, out: number) {
      wasm.poke32(out, 0)
      return SQLITE_OK
    },
    // a new database only grows
    xTruncate: () => SQLITE_IOERR_WRITE,
    xSync: () => SQLITE_OK,
    xLock: () => SQLITE_OK,
    xUnlock: () => SQLITE_OK,
    xFileControl: () => capi.SQLITE_NOTFOUND,
    xSectorSize: () => 4096,
    xDeviceCharacteristics: () => 0,
  }
}

const installed = new WeakSet<Sqlite3Static>()

/** Once for each SQLite. */
export function installNewFiles(sqlite: Sqlite3Static): void {
  if (installed.has(sqlite)) return
  installed.add(sqlite)
  const { capi, wasm } = sqlite
  const { SQLITE_OK, SQLITE_CANTOPEN } = capi
  installVfs(sqlite, {
    name: NEW_FILES,
    maxPathBytes: 64,
    io: ioMethodsOf(sqlite),
    open(_name, file, flags) {
      if (opening === undefined) return { code: SQLITE_CANTOPEN, flags: 0 }
      open.set(file, opening)
      return { code: SQLITE_OK, flags }
    },
    xDelete: () => SQLITE_OK,
    xAccess(_, _name, _flags, out) {
      wasm.poke32(out, 0)
      return SQLITE_OK
    },
  })
}
