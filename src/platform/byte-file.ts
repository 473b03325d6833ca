// The seam between a store and the bytes it lives in: a file of the file system (real-file.ts), and for tests one in
// memory and one that fails (test/helpers). Nothing here decides anything; policy is the store's.
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

/** What the file system under one directory can do; found by trying, see probe.ts. */
export interface Capabilities {
  /** Room can be made inside a file without copying: fallocate with INSERT_RANGE. */
  insertRange: boolean
  /** A part of a file can be cut out without copying. */
  collapseRange: boolean
  /** Space inside a file can be given back. */
  punchHole: boolean
  /** A part of a file can be made zeros without writing them. */
  zeroRange: boolean
  /** Plain preallocation (mode 0). */
  allocate: boolean
  /** INSERT/COLLAPSE offsets and lengths must be multiples of this: 4096, or the cluster of a bigalloc ext4. */
  growthUnitBytes: number
  /** Alignment O_DIRECT wants, 0 where direct I/O is not to be had. */
  directAlignBytes: number
  /** A file can be copied by sharing its blocks. */
  reflink: boolean
  /** The kernel copies between files by itself. */
  copyFileRange: boolean
}

/**
 * Three byte-range locks, kept far beyond any end of file so that they never meet data.
 * writer: exclusive, held by the one writer. pin: shared by readers that handed out zero-copy views, taken
 * exclusively by a writer for the moment of an INSERT or COLLAPSE. attach: shared by every reader, taken
 * exclusively for the moment of a COLLAPSE (a file that shrinks kills who maps past its end).
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

/** Memory of a file for views that are handed out: a write to it stays in this process, and leaves the file alone. */
export interface ViewMapping {
  readonly length: number
  /** An ArrayBuffer of exactly these bytes; the memory stays as long as any of them lives. */
  part(from: number, bytes: number): ArrayBuffer
}

export interface ByteFile {
  readonly path: string
  readonly writable: boolean
  readonly capabilities: Capabilities

  size(): number
  /** Size, and when the bytes were last changed: for telling states of a file apart, not for clocks. */
  facts?(): FileFacts
  /** Fills `into` from `position`; returns the bytes read, fewer only at the end of the file. */
  read(into: Uint8Array, position: number): number
  /** The same in the thread pool. */
  readAsync(into: Uint8Array, position: number): Promise<number>
  /**
   * Writes all of `bytes` at `position`, extending the file.
   * @throws DISK_FULL, SYSTEM when not all could be written
   */
  write(bytes: Uint8Array, position: number): void
  truncate(sizeBytes: number): void
  /** See FALLOC. @throws SYSTEM when the file system has no such mode, with errno EOPNOTSUPP */
  fallocate(mode: number, offset: number, length: number): void
  /** All written bytes, and the size, are on stable storage when this returns. */
  sync(): void
  /**
   * A second, faster way to write large aligned pieces: past the page cache, in another thread. Undefined where
   * there is none (memory, no direct I/O).
   */
  writeBehind?(pieceBytes: number): BehindWriter | undefined
  /** Starts write-out of a range without waiting (sync_file_range); a hint, never fails the caller. */
  flushHint(offset: number, length: number): void

  /**
   * A live, shared, read-only view of [offset, offset+length), or undefined where there is none (memory
   * files, network trouble): read() then. offset is a multiple of 64 KiB, length ≤ 2^30. The range may
   * reach past the end of the file, but touching a page past the end kills the process (SIGBUS), so this is
   * never handed out. The memory stays mapped until `unmap`, or until no view of it is left (garbage
   * collection), also after close().
   */
  map(offset: number, length: number): ArrayBuffer | undefined
  /** Ends a mapping; nobody may look at it any more. */
  unmap(buffer: ArrayBuffer): void
  /** As `map`, for views that are handed out; undefined or absent where there is none. */
  mapViews?(offset: number, length: number): ViewMapping | undefined
  /**
   * Non-blocking. Locks belong to this open file, so two ByteFiles of one process exclude each other. close()
   * gives up 'writer'; 'pin' and 'attach' stay, unless unlocked, until no view of a mapping is left.
   */
  tryLock(name: LockName, mode: 'shared' | 'exclusive'): boolean
  unlock(name: LockName): void
  /** Number of the process that holds a lock exclusively; undefined when nobody does, or when it cannot be found out. */
  lockHolder(name: LockName): number | undefined
  close(): void
}
