// The interface between a store and its bytes: a file of the file system (real-file.ts) and, in tests, one in memory
// and one that fails (test/helpers). It makes no decisions; policy is up to the store.
//
// All positions and lengths are bytes, exact as JS numbers (< 2^53).

/** Modes of Linux fallocate(2), see `man 2 fallocate`. */
export const FALLOC = {
  ALLOCATE: 0x00,
  KEEP_SIZE: 0x01,
  PUNCH_HOLE: 0x02,
  COLLAPSE_RANGE: 0x08,
  ZERO_RANGE: 0x10,
  INSERT_RANGE: 0x20,
  UNSHARE_RANGE: 0x40,
} as const

/** What the file system of a directory can do, determined by trying; see probe.ts. */
export interface Capabilities {
  /** Whether room can be made inside a file without copying: fallocate with INSERT_RANGE. */
  insertRange: boolean
  /** Whether a part of a file can be cut out without copying. */
  collapseRange: boolean
  /** Whether space inside a file can be freed. */
  punchHole: boolean
  /** Whether a part of a file can be zeroed without writing. */
  zeroRange: boolean
  /** Whether plain preallocation (mode 0) works. */
  allocate: boolean
  /** INSERT/COLLAPSE offsets and lengths must be multiples of this: 4096, or the cluster size of a bigalloc ext4. */
  growthUnitBytes: number
  /** Alignment that O_DIRECT requires; 0 where direct I/O is not available. */
  directAlignBytes: number
  /** Whether a file can be copied by sharing its blocks. */
  reflink: boolean
  /** Whether the kernel copies between files itself. */
  copyFileRange: boolean
}

/**
 * Three byte-range locks, kept far beyond the end of any file so that they never overlap data.
 * writer: exclusive, held by the single writer. pin: shared by readers that returned zero-copy views; a writer takes it
 * exclusively while it performs an INSERT or COLLAPSE. attach: shared by every reader; a writer takes it exclusively
 * while it performs a COLLAPSE, because a file that shrinks kills processes that map past its end.
 */
export type LockName = 'writer' | 'pin' | 'attach'

/** See write-behind.ts. */
export interface BehindWriter {
  readonly buffer: Uint8Array
  submit(from: number, length: number, position: number): void
  drain(): void
  close(): void
}

export interface FileFacts {
  readonly size: number
  readonly mtimeMs: number
}

/**
 * Memory of a file for views that are returned to callers. A write to it stays in this process and does not change the
 * file.
 */
export interface ViewMapping {
  readonly length: number
  /** An ArrayBuffer of exactly these bytes. The memory is kept as long as any of them is alive. */
  part(from: number, bytes: number): ArrayBuffer
}

export interface ByteFile {
  readonly path: string
  readonly writable: boolean
  readonly capabilities: Capabilities

  size(): number
  /** Size and mtime: for telling states of a file apart, not as a clock. */
  facts?(): FileFacts
  /** Fills `into` from `position`. Returns the number of bytes read, which is smaller only at the end of the file. */
  read(into: Uint8Array, position: number): number
  /** As `read`, in the thread pool. */
  readAsync(into: Uint8Array, position: number): Promise<number>
  /**
   * Writes all of `bytes` at `position`, extending the file.
   * @throws DISK_FULL, SYSTEM when not all could be written
   */
  write(bytes: Uint8Array, position: number): void
  /**
   * Shares a range of another file, which may then change without changing this one. Positions and length are multiples
   * of 4096. False, or absent, where that does not work; nothing has changed then.
   */
  cloneFrom?(source: ByteFile, position: number, length: number, at: number): boolean
  /**
   * Copies a range of another file inside the kernel. Returns the number of bytes copied, which may be fewer, or none.
   */
  copyFrom?(source: ByteFile, position: number, length: number, at: number): number
  truncate(sizeBytes: number): void
  /** See FALLOC. @throws SYSTEM when the file system does not support the mode, with errno EOPNOTSUPP */
  fallocate(mode: number, offset: number, length: number): void
  /** When this returns, all written bytes and the size are on stable storage. */
  sync(): void
  /**
   * A faster way to write large aligned pieces: past the page cache, in another thread. Undefined where there is none
   * (memory, no direct I/O).
   */
  writeBehind?(pieceBytes: number): BehindWriter | undefined
  /** Starts writing out a range without waiting (sync_file_range). A hint that never fails. */
  flushHint(offset: number, length: number): void

  /**
   * A live, shared, read-only view of [offset, offset+length); undefined where there is none (memory files, network
   * trouble), and then read() must be used. offset is a multiple of 64 KiB, length ≤ 2^30. The range may extend past
   * the end of the file, but touching a page past the end kills the process (SIGBUS), so the view must never be passed
   * to users. The memory stays mapped until `unmap`, or until no view of it is left (garbage collection), even after
   * close().
   */
  map(offset: number, length: number): ArrayBuffer | undefined
  /** Ends a mapping. Nobody may access it any more. */
  unmap(buffer: ArrayBuffer): void
  /** As `map`, for views that are returned to users; undefined or absent where there is none. */
  mapViews?(offset: number, length: number): ViewMapping | undefined
  /**
   * Does not block. Locks belong to this open file, so two ByteFiles of one process exclude each other. close()
   * releases 'writer'; 'pin' and 'attach' are kept, unless unlocked, until no view of a mapping is left.
   */
  tryLock(name: LockName, mode: 'shared' | 'exclusive'): boolean
  unlock(name: LockName): void
  /** Id of the process that holds a lock exclusively; undefined when there is none, or it cannot be determined. */
  lockHolder(name: LockName): number | undefined
  close(): void
}
