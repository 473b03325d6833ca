// Bytes of a source image by position: the seam between the TIFF reader and wherever the file lies (a disk
// here, http ranges in http-source.ts). Invariant: a read either returns exactly the bytes asked for or throws; offsets
// and lengths come out of hostile files, so they are checked here before anything is allocated.
import type { FileHandle } from 'node:fs/promises'
import { FlagstoneError } from '../../../errors.js'
import { isShortOfDescriptors, openRegular } from '../../../platform/regular-file.js'
import type { PixelMemory } from '../../pixels.js'

export interface ByteSource {
  /** For messages: the path or URL. */
  readonly name: string
  readonly sizeBytes: number
  /** What the server calls this version of a remote file: size, and ETag or date. */
  readonly version?: string
  /**
   * Exactly `length` bytes at `offset`, perhaps in memory taken from `memory`.
   * @throws SOURCE_CORRUPT when they lie outside the file
   * @throws SOURCE_UNREADABLE when the system fails
   */
  read(offset: number, length: number, memory?: PixelMemory): Promise<Uint8Array>
  /** Says what will be read soon, where that can be made faster. */
  prefetch?(ranges: readonly (readonly [offset: number, length: number])[]): void
  close(): Promise<void>
}

/** Is [offset, offset + length) a range of the file? */
export function inside(source: ByteSource, offset: number, length: number): boolean {
  return (
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    offset + length <= source.sizeBytes
  )
}

export function outside(source: ByteSource, offset: number, length: number): FlagstoneError {
  return new FlagstoneError(
    'SOURCE_CORRUPT',
    `${source.name}: bytes ${offset}…${offset + length} are needed, but the file has only ${source.sizeBytes}; it is truncated or damaged, get a complete copy`,
  )
}

class FileSource implements ByteSource {
  readonly name: string
  readonly sizeBytes: number
  readonly #handle: FileHandle

  constructor(name: string, sizeBytes: number, handle: FileHandle) {
    this.name = name
    this.sizeBytes = sizeBytes
    this.#handle = handle
  }

  async read(offset: number, length: number, memory?: PixelMemory): Promise<Uint8Array> {
    if (!inside(this, offset, length)) throw outside(this, offset, length)
    const bytes = memory?.take(length) ?? new Uint8Array(length)
    let done = 0
    while (done < length) {
      const { bytesRead } = await this.#read(bytes, done, offset + done)
      // The file became shorter while we were reading it.
      if (bytesRead === 0) throw outside(this, offset, length)
      done += bytesRead
    }
    return bytes
  }

  async #read(into: Uint8Array, at: number, position: number): Promise<{ bytesRead: number }> {
    try {
      return await this.#handle.read(into, at, into.length - at, position)
    } catch (cause) {
      throw unreadable(this.name, 'read', cause)
    }
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

function unreadable(path: string, call: string, cause: unknown): FlagstoneError {
  const errno =
    cause instanceof FlagstoneError ? cause.errno : (cause as NodeJS.ErrnoException | undefined)?.code
  const details = { ...(errno === undefined ? {} : { errno }), call, path, cause }
  if (errno === 'ENOENT')
    return new FlagstoneError('NOT_FOUND', `${path} does not exist; check the path`, details)
  return new FlagstoneError('SOURCE_UNREADABLE', `${path} cannot be read (${errno ?? cause})`, details)
}

/**
 * Opens a file of the disk.
 * @throws NOT_FOUND
 * @throws SOURCE_UNREADABLE when it cannot be read, or is no regular file
 * @throws SYSTEM when too many files are open
 */
export async function openFileSource(path: string): Promise<ByteSource> {
  try {
    const { handle, sizeBytes } = await openRegular(path)
    return new FileSource(path, sizeBytes, handle)
  } catch (cause) {
    const isSaid = cause instanceof FlagstoneError && cause.errno === undefined
    throw isSaid || isShortOfDescriptors(cause) ? cause : unreadable(path, 'open', cause)
  }
}
