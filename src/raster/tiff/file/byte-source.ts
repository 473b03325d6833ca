// Bytes of a source image by position: the interface between the TIFF reader and the place of the file (a disk here,
// HTTP ranges in http-source.ts).
//
// Invariant: a read returns exactly the requested bytes or throws. Offsets and lengths come from hostile files, so they
// are checked here before anything is allocated.
import type { FileHandle } from 'node:fs/promises'
import { FlagstoneError } from '../../../errors.js'
import { isShortOfDescriptors, openRegular } from '../../../platform/regular-file.js'
import type { PixelMemory } from '../../pixels.js'

export interface ByteSource {
  /** The path or URL, for messages. */
  readonly name: string
  readonly sizeBytes: number
  /** The version of a remote file according to its server: size, and ETag or date. */
  readonly version?: string
  /**
   * Reads exactly `length` bytes at `offset`, possibly into memory taken from `memory`.
   * @throws SOURCE_CORRUPT when they lie outside the file
   * @throws SOURCE_UNREADABLE when the system fails
   */
  read(offset: number, length: number, memory?: PixelMemory): Promise<Uint8Array>
  /** Announces ranges that will be read soon, where that speeds up reading. */
  prefetch?(ranges: readonly (readonly [offset: number, length: number])[]): void
  close(): Promise<void>
}

/** Whether [offset, offset + length) lies inside the file. */
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
      // the file was truncated while we were reading it
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
 * Opens a local file.
 * @throws NOT_FOUND when there is none
 * @throws SOURCE_UNREADABLE when it cannot be read, or is not a regular file
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
