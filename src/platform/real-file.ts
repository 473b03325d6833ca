// A file of the file system. Reads and writes are positioned and complete; everything else is one call.
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  read,
  readSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { FlagstoneError } from '../errors.js'
import type { ByteFile, Capabilities, LockName } from './byte-file.js'
import { directAlignment, O_DIRECT } from './direct.js'
import { fallocate, fallocateAsync } from './fallocate.js'
import { call, libc } from './libc.js'
import { tryLock, unlock } from './locks.js'
import { map } from './mmap.js'
import { NO_CAPABILITIES, probeDirectory } from './probe.js'
import { syncDirectory } from './rename.js'
import { fromNodeError, systemError } from './system-error.js'
import { WriteBehind } from './write-behind.js'

const SYNC_FILE_RANGE_WRITE = 2

export type OpenMode = 'create' | 'readwrite' | 'read'

const FLAGS: Record<OpenMode, number> = {
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  readwrite: constants.O_RDWR,
  read: constants.O_RDONLY,
}

export interface RealFile extends ByteFile {
  readonly fd: number
  /** Whether reads and writes really pass the page cache. */
  readonly direct: boolean
  /** fallocate without blocking the event loop. */
  fallocateAsync(mode: number, offset: number, length: number): Promise<void>
}

/** Opens, and opens again past the page cache when that is asked for and really possible. */
function openFd(path: string, flags: number, wantDirect: boolean): { fd: number; direct: boolean } {
  const fd = openSync(path, flags, 0o666)
  if (!wantDirect || O_DIRECT === undefined || directAlignment(path) === 0) return { fd, direct: false }
  try {
    const directFd = openSync(path, (flags & ~(constants.O_CREAT | constants.O_EXCL)) | O_DIRECT)
    closeSync(fd)
    return { fd: directFd, direct: true }
  } catch {
    return { fd, direct: false }
  }
}

/**
 * Opens a file. 'create' makes a new one durably in its directory.
 * @throws FlagstoneError NOT_FOUND, EXISTS, SYSTEM
 */
export function openRealFile(path: string, mode: OpenMode, options: { direct?: boolean } = {}): RealFile {
  const writable = mode !== 'read'
  let opened: { fd: number; direct: boolean }
  try {
    opened = openFd(path, FLAGS[mode], options.direct === true)
  } catch (error) {
    throw fromNodeError(error, 'open', path)
  }
  const { fd, direct } = opened
  try {
    if (!fstatSync(fd).isFile())
      throw new FlagstoneError('NOT_A_TILE_FILE', `${path} is not a regular file.`, { path })
    if (mode === 'create') syncDirectory(dirname(path))
    const capabilities = writable ? probeDirectory(dirname(path)) : NO_CAPABILITIES
    return realFile(path, fd, writable, direct, capabilities)
  } catch (error) {
    closeSync(fd)
    throw fromNodeError(error, 'open', path)
  }
}

function realFile(
  path: string,
  fd: number,
  writable: boolean,
  direct: boolean,
  capabilities: Capabilities,
): RealFile {
  let open = true
  const attempt = <T>(name: string, args: Record<string, number>, work: () => T): T => {
    // A closed number may belong to another file by now.
    if (!open) throw systemError('EBADF', name, path, args)
    try {
      return work()
    } catch (error) {
      throw fromNodeError(error, name, path, args)
    }
  }
  return {
    path,
    writable,
    capabilities,
    fd,
    direct,
    size: () => attempt('fstat', {}, () => fstatSync(fd).size),
    read: (into, position) =>
      attempt('read', { position, length: into.length }, () => {
        let done = 0
        while (done < into.length) {
          const n = readSync(fd, into, done, into.length - done, position + done)
          if (n === 0) break
          done += n
        }
        return done
      }),
    readAsync: async (into, position) => {
      let done = 0
      while (done < into.length) {
        const n = await attempt('read', { position, length: into.length }, () =>
          readSome(fd, into, done, position + done, path),
        )
        if (n === 0) break
        done += n
      }
      return done
    },
    write: (bytes, position) =>
      attempt('write', { position, length: bytes.length }, () => {
        for (let done = 0; done < bytes.length; ) {
          done += writeSync(fd, bytes, done, bytes.length - done, position + done)
        }
      }),
    writeBehind(pieceBytes) {
      if (!open || capabilities.directAlignBytes === 0) return undefined
      return WriteBehind.open(fd, pieceBytes, (bytes, position) => this.write(bytes, position))
    },
    truncate: (sizeBytes) => attempt('ftruncate', { sizeBytes }, () => ftruncateSync(fd, sizeBytes)),
    fallocate: (mode, offset, length) =>
      attempt('fallocate', { mode, offset, length }, () => fallocate(fd, mode, offset, length, path)),
    fallocateAsync: (mode, offset, length) =>
      attempt('fallocate', { mode, offset, length }, () => fallocateAsync(fd, mode, offset, length, path)),
    sync: () => attempt('fdatasync', {}, () => fdatasyncSync(fd)),
    flushHint: (offset, length) => {
      if (open && libc.syncFileRange !== undefined)
        call(libc.syncFileRange, fd, offset, length, SYNC_FILE_RANGE_WRITE)
    },
    map: (offset, length) => attempt('mmap', { offset, length }, () => map(fd, offset, length, path)),
    tryLock: (name: LockName, mode) => attempt('fcntl', {}, () => tryLock(fd, name, mode, path)),
    unlock: (name: LockName) => attempt('fcntl', {}, () => unlock(fd, name, path)),
    close: () => {
      if (!open) return
      // A mapping keeps the open file, and with it its locks, alive until the last view is gone. That is right
      // for pin and attach, which guard the views; the writer's lock ends here.
      unlock(fd, 'writer', path)
      closeSync(fd)
      open = false
    },
  }
}

function readSome(
  fd: number,
  into: Uint8Array,
  done: number,
  position: number,
  path: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, into, done, into.length - done, position, (error, n) => {
      if (error) reject(fromNodeError(error, 'read', path, { position }))
      else resolve(n)
    })
  })
}
