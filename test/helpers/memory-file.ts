// A file in memory: for tests, and as the plain model of what INSERT_RANGE, COLLAPSE_RANGE and PUNCH_HOLE mean.
// Bytes lie in 64 KiB chunks that exist only where something was written, so positions beyond 2^40 work.
//
// Invariant: bytes at and past `size` are zero in every chunk, so that growing a file shows zeros.
import { constants } from 'node:os'
import { FlagstoneError } from '../../src/errors.js'
import { type ByteFile, type Capabilities, FALLOC, type LockName } from '../../src/platform/byte-file.js'

const CHUNK = 65536

/** What the file system of a MemoryFile can do unless told otherwise: everything. */
const MEMORY_CAPABILITIES: Capabilities = {
  insertRange: true,
  collapseRange: true,
  punchHole: true,
  zeroRange: true,
  allocate: true,
  growthUnitBytes: 4096,
  directAlignBytes: 0,
  reflink: false,
  copyFileRange: false,
}

interface Held {
  readonly owner: MemoryFile
  readonly mode: 'shared' | 'exclusive'
}

/** What an inode is: shared by every open handle. */
interface Inode {
  chunks: Map<number, Uint8Array>
  size: number
  locks: Map<LockName, Held[]>
}

export interface MemoryFileOptions {
  readonly path?: string
  readonly capabilities?: Partial<Capabilities>
  readonly bytes?: Uint8Array
  readonly writable?: boolean
}

export class MemoryFile implements ByteFile {
  readonly path: string
  readonly writable: boolean
  readonly capabilities: Capabilities
  #inode: Inode = { chunks: new Map(), size: 0, locks: new Map() }
  #closed = false

  constructor(options: MemoryFileOptions = {}) {
    this.path = options.path ?? 'memory'
    this.writable = options.writable ?? true
    this.capabilities = { ...MEMORY_CAPABILITIES, ...options.capabilities }
    if (options.bytes !== undefined) this.#put(options.bytes, 0)
  }

  /** Another open handle of the same bytes and locks. */
  reopen(writable = true): MemoryFile {
    const other = new MemoryFile({ path: this.path, capabilities: this.capabilities, writable })
    other.#inode = this.#inode
    return other
  }

  /** A copy of the bytes as another file, nobody's locks on it. */
  snapshot(): MemoryFile {
    const other = new MemoryFile({ path: this.path, capabilities: this.capabilities })
    for (const [at, chunk] of this.#inode.chunks) other.#inode.chunks.set(at, chunk.slice())
    other.#inode.size = this.#inode.size
    return other
  }

  /** All bytes; for files that fit an array. */
  bytes(): Uint8Array {
    const all = new Uint8Array(this.#inode.size)
    this.read(all, 0)
    return all
  }

  size(): number {
    return this.#inode.size
  }

  read(into: Uint8Array, position: number): number {
    this.#assertOpen('read')
    this.#assertPlace('read', position)
    const length = Math.max(0, Math.min(into.length, this.#inode.size - position))
    for (let done = 0; done < length; ) {
      const within = (position + done) % CHUNK
      const n = Math.min(length - done, CHUNK - within)
      const chunk = this.#inode.chunks.get(Math.floor((position + done) / CHUNK))
      if (chunk === undefined) into.fill(0, done, done + n)
      else into.set(chunk.subarray(within, within + n), done)
      done += n
    }
    return length
  }

  async readAsync(into: Uint8Array, position: number): Promise<number> {
    return this.read(into, position)
  }

  write(bytes: Uint8Array, position: number): void {
    this.#assertOpen('write')
    if (!this.writable) throw this.#error('EBADF', 'write', { position, length: bytes.length })
    this.#assertPlace('write', position)
    this.#put(bytes, position)
  }

  truncate(sizeBytes: number): void {
    this.#assertOpen('ftruncate')
    if (!this.writable) throw this.#error('EINVAL', 'ftruncate', { sizeBytes })
    this.#assertPlace('ftruncate', sizeBytes)
    if (sizeBytes < this.#inode.size) this.#zero(sizeBytes, this.#inode.size - sizeBytes)
    this.#inode.size = sizeBytes
  }

  fallocate(mode: number, offset: number, length: number): void {
    this.#assertOpen('fallocate')
    const refuse = (errno: string): FlagstoneError =>
      this.#error(errno, 'fallocate', { mode, offset, length })
    if (!this.writable) throw refuse('EBADF')
    if (offset < 0 || length <= 0) throw refuse('EINVAL')
    if (!this.#able(mode)) throw refuse('EOPNOTSUPP')
    const { size } = this.#inode
    if (mode === FALLOC.INSERT_RANGE || mode === FALLOC.COLLAPSE_RANGE) {
      const unit = this.capabilities.growthUnitBytes
      if (offset % unit !== 0 || length % unit !== 0) throw refuse('EINVAL')
      const beyond = mode === FALLOC.INSERT_RANGE ? offset >= size : offset + length >= size
      if (beyond) throw refuse('EINVAL')
      this.#shift(offset, mode === FALLOC.INSERT_RANGE ? length : -length)
      return
    }
    if ((mode & (FALLOC.PUNCH_HOLE | FALLOC.ZERO_RANGE)) !== 0) {
      this.#zero(offset, Math.min(length, Math.max(0, size - offset)))
    }
    if ((mode & FALLOC.KEEP_SIZE) === 0) this.#inode.size = Math.max(size, offset + length)
  }

  sync(): void {
    this.#assertOpen('fdatasync')
  }

  flushHint(): void {}

  map(): undefined {
    return undefined
  }

  unmap(): void {}

  tryLock(name: LockName, mode: 'shared' | 'exclusive'): boolean {
    this.#assertOpen('fcntl')
    if (mode === 'exclusive' && !this.writable) throw this.#error('EBADF', 'fcntl', {})
    const held = this.#inode.locks.get(name) ?? []
    const others = held.filter((lock) => lock.owner !== this)
    if (others.some((lock) => mode === 'exclusive' || lock.mode === 'exclusive')) return false
    this.#inode.locks.set(name, [...others, { owner: this, mode }])
    return true
  }

  unlock(name: LockName): void {
    const held = this.#inode.locks.get(name) ?? []
    this.#inode.locks.set(
      name,
      held.filter((lock) => lock.owner !== this),
    )
  }

  lockHolder(name: LockName): number | undefined {
    const held = this.#inode.locks.get(name) ?? []
    return held.some(({ mode }) => mode === 'exclusive') ? process.pid : undefined
  }

  close(): void {
    for (const name of this.#inode.locks.keys()) this.unlock(name)
    this.#closed = true
  }

  #able(mode: number): boolean {
    const can = this.capabilities
    switch (mode) {
      case FALLOC.ALLOCATE:
      case FALLOC.KEEP_SIZE:
        return can.allocate
      case FALLOC.PUNCH_HOLE | FALLOC.KEEP_SIZE:
        return can.punchHole
      case FALLOC.ZERO_RANGE:
      case FALLOC.ZERO_RANGE | FALLOC.KEEP_SIZE:
        return can.zeroRange
      case FALLOC.INSERT_RANGE:
        return can.insertRange
      case FALLOC.COLLAPSE_RANGE:
        return can.collapseRange
      default:
        return false
    }
  }

  #put(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length; ) {
      const within = (position + done) % CHUNK
      const n = Math.min(bytes.length - done, CHUNK - within)
      this.#chunk(Math.floor((position + done) / CHUNK)).set(bytes.subarray(done, done + n), within)
      done += n
    }
    if (bytes.length > 0) this.#inode.size = Math.max(this.#inode.size, position + bytes.length)
  }

  #chunk(index: number): Uint8Array {
    let chunk = this.#inode.chunks.get(index)
    if (chunk === undefined) {
      chunk = new Uint8Array(CHUNK)
      this.#inode.chunks.set(index, chunk)
    }
    return chunk
  }

  #zero(offset: number, length: number): void {
    const end = offset + length
    for (const [index, chunk] of this.#inode.chunks) {
      const start = index * CHUNK
      if (start >= end || start + CHUNK <= offset) continue
      if (start >= offset && start + CHUNK <= end) this.#inode.chunks.delete(index)
      else chunk.fill(0, Math.max(0, offset - start), Math.min(CHUNK, end - start))
    }
  }

  /** Moves what lies behind `offset` by `by` bytes: zeros come in, or the bytes at `offset` go away. */
  #shift(offset: number, by: number): void {
    const moved = new MemoryFile()
    const from = by > 0 ? offset : offset - by
    for (const [index, chunk] of this.#inode.chunks) {
      const start = index * CHUNK
      const skip = Math.max(0, from - start)
      if (start < offset) moved.#put(chunk.subarray(0, Math.min(CHUNK, offset - start)), start)
      if (skip < CHUNK) moved.#put(chunk.subarray(skip), start + skip + by)
    }
    const size = this.#inode.size + by
    this.#inode.chunks = moved.#inode.chunks
    this.#inode.size = size
  }

  #assertOpen(call: string): void {
    if (this.#closed) throw this.#error('EBADF', call, {})
  }

  #assertPlace(call: string, position: number): void {
    if (!Number.isSafeInteger(position) || position < 0) throw this.#error('EINVAL', call, { position })
  }

  #error(errno: string, call: string, args: Record<string, number>): FlagstoneError {
    const number = constants.errno[errno as keyof typeof constants.errno]
    const given = Object.entries(args).map(([key, value]) => `${key} ${value}`)
    return new FlagstoneError(
      'SYSTEM',
      `${this.path}: ${call}(${given.join(', ')}) failed: ${errno} (${number}).`,
      {
        errno,
        call,
        path: this.path,
        args,
      },
    )
  }
}
