// A file of the file system. Reads and writes are positioned and complete; everything else is one call.
//
// Invariant: the descriptor is closed only when no operation of another thread is under way on it. Its number goes
// to the next file that is opened, and a read, or an INSERT_RANGE, that was still waiting would meet that file.
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  read,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { FlagstoneError } from '../errors.js'
import { type Advice, adviseFile } from './advice.js'
import type { ByteFile, Capabilities, LockName } from './byte-file.js'
import { directAlignment, O_DIRECT } from './direct.js'
import { fallocate, fallocateAsync } from './fallocate.js'
import { factsOf } from './file-facts.js'
import { call, libc } from './libc.js'
import { lockHolder, tryLock, unlock } from './locks.js'
import { map, mapViews, unmap } from './mmap.js'
import { NO_CAPABILITIES, probeDirectory } from './probe.js'
import { READ_FLAGS, specialKind } from './regular-file.js'
import { syncDirectory } from './rename.js'
import { fromNodeError, systemError } from './system-error.js'
import { WriteBehind } from './write-behind.js'

const SYNC_FILE_RANGE_WRITE = 2
/** Of one system call: Linux moves at most 2^31 − 4096 bytes, Node refuses to ask for 2^31. */
const MAX_TRANSFER_BYTES = 2 ** 30

export type OpenMode = 'create' | 'readwrite' | 'read'

const FLAGS: Record<OpenMode, number> = {
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  readwrite: constants.O_RDWR | constants.O_NONBLOCK,
  read: READ_FLAGS,
}

export interface RealFile extends ByteFile {
  readonly fd: number
  /** Whether reads and writes really pass the page cache. */
  readonly direct: boolean
  /** fallocate without blocking the event loop. */
  fallocateAsync(mode: number, offset: number, length: number): Promise<void>
  /** How a range will be read; a hint, never fails. Length 0: to the end of the file. */
  advise(offset: number, length: number, advice: Advice): void
}

/** Opens, and opens again past the page cache when that is asked for and really possible. */
function openFd(path: string, flags: number, wantDirect: boolean): { fd: number; direct: boolean } {
  const fd = openSync(path, flags, 0o666)
  if (!wantDirect || O_DIRECT === undefined) return { fd, direct: false }
  try {
    if (directAlignment(path) === 0) return { fd, direct: false }
    const directFd = openSync(path, (flags & ~(constants.O_CREAT | constants.O_EXCL)) | O_DIRECT)
    closeSync(fd)
    return { fd: directFd, direct: true }
  } catch {
    return { fd, direct: false }
  }
}

const notAFile = (path: string, kind: string): FlagstoneError =>
  new FlagstoneError('NOT_A_TILE_FILE', `${path} is not a regular file: it is ${kind}.`, { path })

/** Opening a pipe waits for its other end, opening a device may do anything: neither is tried. */
function refuseSpecialFile(path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false })
  const kind = stat && !stat.isDirectory() ? specialKind(stat) : undefined
  if (kind !== undefined) throw notAFile(path, kind)
}

/**
 * Opens a file. 'create' makes a new one durably in its directory; when that fails nothing of it is left.
 * @throws NOT_FOUND, EXISTS, NOT_A_TILE_FILE, SYSTEM
 */
export function openRealFile(path: string, mode: OpenMode, options: { direct?: boolean } = {}): RealFile {
  const writable = mode !== 'read'
  let opened: { fd: number; direct: boolean }
  try {
    if (mode !== 'create') refuseSpecialFile(path)
    opened = openFd(path, FLAGS[mode], options.direct === true)
  } catch (error) {
    throw fromNodeError(error, 'open', path)
  }
  const { fd, direct } = opened
  try {
    const kind = specialKind(fstatSync(fd))
    if (kind !== undefined) throw notAFile(path, kind)
    if (mode === 'create') syncDirectory(dirname(path))
    const capabilities = writable ? probeDirectory(dirname(path)) : NO_CAPABILITIES
    return realFile(path, fd, writable, direct, capabilities)
  } catch (error) {
    closeSync(fd)
    if (mode === 'create') rmSync(path, { force: true })
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
  let underWay = 0
  const attempt = <T>(name: string, args: Record<string, number>, work: () => T): T => {
    // A closed number may belong to another file by now.
    if (!open) throw systemError('EBADF', name, path, args)
    try {
      return work()
    } catch (error) {
      throw fromNodeError(error, name, path, args)
    }
  }
  /** Work of another thread: it has the descriptor until it is done, whether or not somebody closes meanwhile. */
  const attemptAsync = async <T>(
    name: string,
    args: Record<string, number>,
    work: () => Promise<T>,
  ): Promise<T> => {
    if (!open) throw systemError('EBADF', name, path, args)
    underWay++
    try {
      return await work()
    } catch (error) {
      throw fromNodeError(error, name, path, args)
    } finally {
      if (--underWay === 0 && !open) closeSync(fd)
    }
  }
  // Node takes a negative position for 'where the file stands', and a negative size for 0.
  const place = (name: string, args: Record<string, number>, at: number): void => {
    if (!Number.isSafeInteger(at) || at < 0) throw systemError('EINVAL', name, path, args)
  }
  return {
    path,
    writable,
    capabilities,
    fd,
    direct,
    size: () => attempt('fstat', {}, () => fstatSync(fd).size),
    facts: () => attempt('fstat', {}, () => factsOf(fd) ?? fstatSync(fd)),
    read: (into, position) =>
      attempt('read', { position, length: into.length }, () => {
        place('read', { position, length: into.length }, position)
        let done = 0
        while (done < into.length) {
          const length = Math.min(MAX_TRANSFER_BYTES, into.length - done)
          const n = uninterrupted(() => readSync(fd, into, done, length, position + done))
          if (n === 0) break
          done += n
        }
        return done
      }),
    readAsync: (into, position) =>
      attemptAsync('read', { position, length: into.length }, async () => {
        place('read', { position, length: into.length }, position)
        let done = 0
        while (done < into.length) {
          const n = await readSome(fd, into, done, position + done)
          if (n === 0) break
          done += n
        }
        return done
      }),
    write: (bytes, position) =>
      attempt('write', { position, length: bytes.length }, () => {
        place('write', { position, length: bytes.length }, position)
        for (let done = 0; done < bytes.length; ) {
          const length = Math.min(MAX_TRANSFER_BYTES, bytes.length - done)
          done += writeSync(fd, bytes, done, length, position + done)
        }
      }),
    writeBehind(pieceBytes) {
      if (!open || capabilities.directAlignBytes === 0) return undefined
      return WriteBehind.open(fd, pieceBytes, (bytes, position) => this.write(bytes, position))
    },
    truncate: (sizeBytes) =>
      attempt('ftruncate', { sizeBytes }, () => {
        place('ftruncate', { sizeBytes }, sizeBytes)
        ftruncateSync(fd, sizeBytes)
      }),
    fallocate: (mode, offset, length) =>
      attempt('fallocate', { mode, offset, length }, () => fallocate(fd, mode, offset, length, path)),
    fallocateAsync: (mode, offset, length) =>
      attemptAsync('fallocate', { mode, offset, length }, () =>
        fallocateAsync(fd, mode, offset, length, path),
      ),
    sync: () => attempt('fdatasync', {}, () => fdatasyncSync(fd)),
    flushHint: (offset, length) => {
      if (open && libc.syncFileRange !== undefined)
        call(libc.syncFileRange, fd, offset, length, SYNC_FILE_RANGE_WRITE)
    },
    advise: (offset, length, advice) => {
      if (open) adviseFile(fd, offset, length, advice)
    },
    map: (offset, length) => attempt('mmap', { offset, length }, () => map(fd, offset, length, path)),
    unmap,
    mapViews: (offset, length) =>
      attempt('mmap', { offset, length }, () => mapViews(fd, offset, length, path)),
    tryLock: (name: LockName, mode) => attempt('fcntl', {}, () => tryLock(fd, name, mode, path)),
    unlock: (name: LockName) => attempt('fcntl', {}, () => unlock(fd, name, path)),
    lockHolder: (name: LockName) => attempt('fstat', {}, () => lockHolder(fd, name)),
    close: () => {
      if (!open) return
      // A mapping keeps the open file, and with it its locks, alive until the last view is gone. That is right
      // for pin and attach, which guard the views; the writer's lock ends here.
      open = false
      try {
        unlock(fd, 'writer', path)
      } finally {
        if (underWay === 0) closeSync(fd)
      }
    },
  }
}

function readSome(fd: number, into: Uint8Array, done: number, position: number): Promise<number> {
  const length = Math.min(MAX_TRANSFER_BYTES, into.length - done)
  return new Promise((resolve, reject) => {
    read(fd, into, done, length, position, (error, n) => {
      if (error?.code === 'EINTR') resolve(readSome(fd, into, done, position))
      else if (error) reject(error)
      else resolve(n)
    })
  })
}

/** Node tries every call again that a signal interrupted, but for reads. */
function uninterrupted<T>(work: () => T): T {
  for (;;) {
    try {
      return work()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINTR') throw error
    }
  }
}
