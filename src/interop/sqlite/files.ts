// How SQLite reads files here: it never writes, and takes the same shared lock as other SQLites (fcntl on the same
// bytes), so that everything read is from one commit. Databases with a write-ahead log are locked by snapshot.ts
// instead.
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import type { Sqlite3Static } from '@sqlite.org/sqlite-wasm'
import { RangeLock } from '../../platform/range-lock.js'
import { READ_FLAGS } from '../../platform/regular-file.js'
import { installVfs } from './vfs.js'

export const FILES = 'flagstone'

// https://www.sqlite.org/src/file/src/os.h
const PENDING_BYTE = 0x40000000
const pending = new RangeLock(PENDING_BYTE, 1)
const reserved = new RangeLock(PENDING_BYTE + 1, 1)
const shared = new RangeLock(PENDING_BYTE + 2, 510)

const SQLITE_LOCK_SHARED = 1

/** As SQLite does it: no reader enters while a writer waits. False when another process is writing. */
export function lockShared(fd: number): boolean {
  hold++
  if (!pending.take(fd, 'shared')) return false
  try {
    return shared.take(fd, 'shared')
  } finally {
    pending.release(fd)
  }
}

export function unlockShared(fd: number): void {
  shared.release(fd)
}

/** Bytes to read at once when pages are read in sequence, as those of a tile are. */
const AHEAD_BYTES = 32 * 1024

interface OpenFile {
  /** Undefined: a log that does not exist, treated as an empty file. */
  readonly fd: number | undefined
  /** Whether it takes locks itself. */
  readonly locks: boolean
  isLocked: boolean
  /** End of the last read. */
  last: number
}

/** Counts the locks taken; data read ahead are valid for only one. */
let hold = 0
const ahead = {
  file: undefined as OpenFile | undefined,
  hold,
  start: 0,
  end: 0,
  bytes: Buffer.alloc(AHEAD_BYTES),
}

function readThrough(
  file: OpenFile,
  heap: Uint8Array,
  into: number,
  length: number,
  position: number,
): number {
  if (file.fd === undefined) return 0
  const isNext = position === file.last
  file.last = position + length
  const isRead = ahead.file === file && ahead.hold === hold
  if (!isRead || position < ahead.start || position + length > ahead.end) {
    if (!isNext || length >= AHEAD_BYTES) return readSync(file.fd, heap, into, length, position)
    const end = position + readSync(file.fd, ahead.bytes, 0, AHEAD_BYTES, position)
    Object.assign(ahead, { file, hold, start: position, end })
  }
  const from = position - ahead.start
  const got = Math.max(0, Math.min(length, ahead.end - position))
  heap.set(ahead.bytes.subarray(from, from + got), into)
  return got
}

/** Open files, by SQLite's pointer. */
const open = new Map<number, OpenFile>()
/** Settings for the database being opened. SQLite opens its file immediately. */
let wanted: { locks: boolean; fd: number | undefined } = { locks: true, fd: undefined }

/** Opens a database by calling `work`. Returns the descriptor of its main file, which SQLite closes. */
export function openingFile(locks: boolean, work: () => void): number | undefined {
  wanted = { locks, fd: undefined }
  work()
  return wanted.fd
}

/** Exceptions must not pass through SQLite's own code. */
function guarded(otherwise: number, work: () => number): number {
  try {
    return work()
  } catch {
    return otherwise
  }
}

/** The operations on an open file. */
function ioMethodsOf({ capi, wasm }: Sqlite3Static): object {
  const { SQLITE_OK, SQLITE_IOERR_SHORT_READ, SQLITE_IOERR_READ, SQLITE_BUSY, SQLITE_READONLY } = capi
  const readonly = (): number => SQLITE_READONLY
  return {
    xClose(file: number) {
      const { fd } = open.get(file)!
      open.delete(file)
      if (fd !== undefined) closeSync(fd)
      return SQLITE_OK
    },
    xRead(file: number, into: number, length: number, position: bigint) {
      return guarded(SQLITE_IOERR_READ, () => {
        const heap = wasm.heap8u()
        const got = readThrough(open.get(file)!, heap, into, length, Number(position))
        if (got === length) return SQLITE_OK
        heap.fill(0, into + got, into + length)
        return SQLITE_IOERR_SHORT_READ
      })
    },
    xWrite: readonly,
    xTruncate: readonly,
    xSync: () => SQLITE_OK,
    xFileSize(file: number, out: number) {
      const { fd } = open.get(file)!
      return guarded(SQLITE_IOERR_READ, () => {
        wasm.poke64(out, BigInt(fd === undefined ? 0 : fstatSync(fd).size))
        return SQLITE_OK
      })
    },
    xLock(file: number, level: number) {
      const one = open.get(file)!
      // without locks: a database that only we use, or whose log is locked by snapshot.ts
      if (!one.locks || one.isLocked) return SQLITE_OK
      if (level > SQLITE_LOCK_SHARED) return SQLITE_BUSY
      return guarded(SQLITE_IOERR_READ, () => {
        one.isLocked = lockShared(one.fd!)
        return one.isLocked ? SQLITE_OK : SQLITE_BUSY
      })
    },
    xUnlock(file: number, level: number) {
      const one = open.get(file)!
      if (!one.isLocked || level >= SQLITE_LOCK_SHARED) return SQLITE_OK
      one.isLocked = false
      return guarded(SQLITE_IOERR_READ, () => {
        unlockShared(one.fd!)
        return SQLITE_OK
      })
    },
    xCheckReservedLock(file: number, out: number) {
      const { fd } = open.get(file)!
      wasm.poke32(out, fd !== undefined && reserved.isTaken(fd) ? 1 : 0)
      return SQLITE_OK
    },
    xFileControl: () => capi.SQLITE_NOTFOUND,
    xSectorSize: () => 4096,
    xDeviceCharacteristics: () => 0,
  }
}

/** Once for each SQLite. */
export function installFiles(sqlite: Sqlite3Static): void {
  const { capi, wasm } = sqlite
  const { SQLITE_OK, SQLITE_IOERR_READ, SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_OPEN_READONLY } = capi
  installVfs(sqlite, {
    name: FILES,
    maxPathBytes: 4096,
    io: ioMethodsOf(sqlite),
    open(name, file, flags) {
      const isMain = (flags & capi.SQLITE_OPEN_MAIN_DB) !== 0
      const isLog = (flags & capi.SQLITE_OPEN_WAL) !== 0
      let fd: number | undefined
      try {
        fd = openSync(wasm.cstrToJs(name)!, READ_FLAGS)
      } catch (error) {
        if (!isLog || (error as NodeJS.ErrnoException).code !== 'ENOENT')
          return { code: SQLITE_CANTOPEN, flags: 0 }
      }
      if (isMain) wanted.fd = fd
      open.set(file, { fd, locks: isMain && wanted.locks, isLocked: false, last: -1 })
      return { code: SQLITE_OK, flags: SQLITE_OPEN_READONLY }
    },
    xDelete: () => SQLITE_READONLY,
    xAccess: (_, name, __, out) =>
      guarded(SQLITE_IOERR_READ, () => {
        const facts = statSync(wasm.cstrToJs(name)!, { throwIfNoEntry: false })
        wasm.poke32(out, facts !== undefined && facts.size > 0 ? 1 : 0)
        return SQLITE_OK
      }),
  })
}
