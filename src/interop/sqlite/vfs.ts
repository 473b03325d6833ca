// What both ways in which SQLite meets files have in common: reading what others write (files.ts), and writing a new
// database (new-file.ts).
import type { Sqlite3Static } from '@sqlite.org/sqlite-wasm'

/** What differs: how a file is read and written, and how one is opened, deleted and looked for. */
export interface Files {
  readonly name: string
  readonly maxPathBytes: number
  /** `xClose`, `xRead` and the others of an open file. */
  readonly io: object
  /** `xOpen`, without the handle: SQLite's result code, and the flags to report. */
  open(name: number, file: number, flags: number): { readonly code: number; readonly flags: number }
  readonly xDelete: () => number
  readonly xAccess: (vfs: number, name: number, flags: number, out: number) => number
}

/** Registers a file system under its name. */
export function installVfs(sqlite: Sqlite3Static, files: Files): void {
  const { capi, vfs } = sqlite
  const io = new capi.sqlite3_io_methods()
  Object.assign(io, { $iVersion: 1 })
  const struct = new capi.sqlite3_vfs()
  struct.$iVersion = 1
  struct.$szOsFile = (capi.sqlite3_file as unknown as { structInfo: { sizeof: number } }).structInfo.sizeof
  struct.$mxPathname = files.maxPathBytes
  vfs.installVfs({
    io: { struct: io, methods: files.io as never },
    vfs: { struct, methods: methodsOf(sqlite, io, files) as never, name: files.name } as never,
  })
}

function methodsOf(
  { capi, wasm }: Sqlite3Static,
  io: { readonly pointer: number },
  { open, xDelete, xAccess }: Files,
): object {
  const { SQLITE_OK, SQLITE_CANTOPEN } = capi
  return {
    xOpen(_: number, name: number, file: number, flags: number, outFlags: number) {
      const opened = open(name, file, flags)
      if (opened.code !== SQLITE_OK) return opened.code
      const handle = new capi.sqlite3_file(file)
      handle.$pMethods = io.pointer
      handle.dispose()
      if (outFlags !== 0) wasm.poke32(outFlags, opened.flags)
      return SQLITE_OK
    },
    xDelete,
    xAccess,
    xFullPathname: (_: number, name: number, size: number, out: number) =>
      wasm.cstrncpy(out, name, size) < size ? SQLITE_OK : SQLITE_CANTOPEN,
    xRandomness(_: number, length: number, out: number) {
      wasm.heap8u().fill(7, out, out + length)
      return length
    },
    xSleep: () => SQLITE_OK,
    xCurrentTime(_: number, out: number) {
      wasm.poke(out, 2440587.5 + Date.now() / 86_400_000, 'double')
      return SQLITE_OK
    },
    xGetLastError: () => SQLITE_OK,
  }
}
