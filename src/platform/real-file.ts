// A file of the file system. Reads and writes are positioned and complete; everything else is one call.
//
// Invariant: the descriptor is closed only when no operation of another thread on it is in progress. The next file that
// is opened gets its number, so a pending read or INSERT_RANGE would access that file.
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { FlagstoneError } from '../errors.js'
import { type Advice, adviseFile } from './advice.js'
import type { ByteFile, Capabilities, FileFacts, LockName, ViewMapping } from './byte-file.js'
import { cloneRange, copyRangeInKernel } from './copy.js'
import { directAlignment, O_DIRECT } from './direct.js'
import { fallocate } from './fallocate.js'
import { factsOf } from './file-facts.js'
import { call, libc } from './libc.js'
import { lockHolder, tryLock, unlock } from './locks.js'
import { map, mapViews, unmap } from './mmap.js'
import { NO_CAPABILITIES, probeDirectory } from './probe.js'
import { READ_FLAGS, specialKind } from './regular-file.js'
import { syncDirectory } from './rename.js'
import { fromNodeError, systemError } from './system-error.js'
import { readAt, readAtAsync, writeAt } from './transfer.js'
import { WriteBehind } from './write-behind.js'

const SYNC_FILE_RANGE_WRITE = 2

export type OpenMode = 'create' | 'readwrite' | 'read'

const FLAGS: Record<OpenMode, number> = {
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  readwrite: constants.O_RDWR | constants.O_NONBLOCK,
  read: READ_FLAGS,
}

/** Opens a file, and opens it again past the page cache if that is requested and really possible. */
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

/** Opening a pipe waits for its other end, and opening a device may do anything: neither is tried. */
function refuseSpecialFile(path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false })
  const kind = stat && !stat.isDirectory() ? specialKind(stat) : undefined
  if (kind !== undefined) throw notAFile(path, kind)
}

/**
 * Opens a file. 'create' makes a new one durably in its directory; if that fails, nothing of it is left.
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
  const { fd } = opened
  try {
    const kind = specialKind(fstatSync(fd))
    if (kind !== undefined) throw notAFile(path, kind)
    if (mode === 'create') syncDirectory(dirname(path))
    const capabilities = writable ? probeDirectory(dirname(path)) : NO_CAPABILITIES
    return new RealFile(path, opened, writable, capabilities)
  } catch (error) {
    closeSync(fd)
    if (mode === 'create') rmSync(path, { force: true })
    throw fromNodeError(error, 'open', path)
  }
}

class RealFile implements ByteFile {
  readonly path: string
  readonly writable: boolean
  readonly capabilities: Capabilities
  readonly fd: number
  /** Whether reads and writes really bypass the page cache. */
  readonly direct: boolean
  #isOpen = true
  /** Number of operations in other threads. */
  #underWay = 0

  constructor(
    path: string,
    { fd, direct }: { fd: number; direct: boolean },
    writable: boolean,
    capabilities: Capabilities,
  ) {
    this.path = path
    this.fd = fd
    this.direct = direct
    this.writable = writable
    this.capabilities = capabilities
  }

  size(): number {
    return this.#attempt('fstat', {}, () => fstatSync(this.fd).size)
  }

  facts(): FileFacts {
    return this.#attempt('fstat', {}, () => factsOf(this.fd) ?? fstatSync(this.fd))
  }

  read(into: Uint8Array, position: number): number {
    // without a closure, because it may be called for every tile
    try {
      this.#assertOpen()
      assertPlace(position)
      return readAt(this.fd, into, position)
    } catch (error) {
      throw this.#named(error, 'read', { position, length: into.length })
    }
  }

  /** Keeps the descriptor open until it is done, even if the file is closed meanwhile. */
  async readAsync(into: Uint8Array, position: number): Promise<number> {
    const args = { position, length: into.length }
    this.#attempt('read', args, () => assertPlace(position))
    this.#underWay++
    try {
      return await readAtAsync(this.fd, into, position)
    } catch (error) {
      throw this.#named(error, 'read', args)
    } finally {
      if (--this.#underWay === 0 && !this.#isOpen) closeSync(this.fd)
    }
  }

  write(bytes: Uint8Array, position: number): void {
    this.#attempt('write', { position, length: bytes.length }, () => {
      assertPlace(position)
      writeAt(this.fd, bytes, position)
    })
  }

  writeBehind(pieceBytes: number): WriteBehind | undefined {
    if (!this.#isOpen || this.capabilities.directAlignBytes === 0) return undefined
    return WriteBehind.open(this.fd, pieceBytes, (bytes, position) => this.write(bytes, position))
  }

  cloneFrom(source: ByteFile, position: number, length: number, at: number): boolean {
    return (
      source instanceof RealFile &&
      this.#attempt('FICLONERANGE', { position, length, at }, () =>
        cloneRange(source.fd, position, length, this.fd, at),
      )
    )
  }

  copyFrom(source: ByteFile, position: number, length: number, at: number): number {
    if (!(source instanceof RealFile)) return 0
    return this.#attempt('copy_file_range', { position, length, at }, () =>
      copyRangeInKernel(source.fd, position, length, this.fd, at),
    )
  }

  truncate(sizeBytes: number): void {
    this.#attempt('ftruncate', { sizeBytes }, () => {
      assertPlace(sizeBytes)
      ftruncateSync(this.fd, sizeBytes)
    })
  }

  fallocate(mode: number, offset: number, length: number): void {
    this.#attempt('fallocate', { mode, offset, length }, () =>
      fallocate(this.fd, mode, offset, length, this.path),
    )
  }

  sync(): void {
    this.#attempt('fdatasync', {}, () => fdatasyncSync(this.fd))
  }

  flushHint(offset: number, length: number): void {
    if (this.#isOpen && libc.syncFileRange !== undefined)
      call(libc.syncFileRange, this.fd, offset, length, SYNC_FILE_RANGE_WRITE)
  }

  /** Tells the kernel how a range will be read. A hint that never fails. Length 0 means to the end of the file. */
  advise(offset: number, length: number, advice: Advice): void {
    if (this.#isOpen) adviseFile(this.fd, offset, length, advice)
  }

  map(offset: number, length: number): ArrayBuffer | undefined {
    return this.#attempt('mmap', { offset, length }, () => map(this.fd, offset, length, this.path))
  }

  unmap(buffer: ArrayBuffer): void {
    unmap(buffer)
  }

  mapViews(offset: number, length: number): ViewMapping | undefined {
    return this.#attempt('mmap', { offset, length }, () => mapViews(this.fd, offset, length, this.path))
  }

  tryLock(name: LockName, mode: 'shared' | 'exclusive'): boolean {
    return this.#attempt('fcntl', {}, () => tryLock(this.fd, name, mode, this.path))
  }

  unlock(name: LockName): void {
    this.#attempt('fcntl', {}, () => unlock(this.fd, name, this.path))
  }

  lockHolder(name: LockName): number | undefined {
    return this.#attempt('fstat', {}, () => lockHolder(this.fd, name))
  }

  close(): void {
    if (!this.#isOpen) return
    // A mapping keeps the open file, and with it its locks, alive until the last view is gone. That is intended for pin
    // and attach, which protect the views; the writer's lock ends here.
    this.#isOpen = false
    try {
      unlock(this.fd, 'writer', this.path)
    } finally {
      if (this.#underWay === 0) closeSync(this.fd)
    }
  }

  #attempt<T>(name: string, args: Record<string, number>, work: () => T): T {
    try {
      this.#assertOpen()
      return work()
    } catch (error) {
      throw this.#named(error, name, args)
    }
  }

  /** A closed descriptor may belong to another file by now. */
  #assertOpen(): void {
    if (!this.#isOpen) throw new Errno('EBADF')
  }

  #named(error: unknown, name: string, args: Record<string, number>): unknown {
    return error instanceof Errno
      ? systemError(error.code, name, this.path, args)
      : fromNodeError(error, name, this.path, args)
  }
}

/** The error that the system would have returned. */
class Errno extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

/** Node takes a negative position for 'the current position', and a negative size for 0. */
function assertPlace(position: number): void {
  if (!Number.isSafeInteger(position) || position < 0) throw new Errno('EINVAL')
}
