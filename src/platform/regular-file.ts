// Opens files for reading, but only regular ones. Opening a named pipe waits for its other end, possibly for ever, and
// opening a device may do anything.
//
// Invariant: nothing here waits for another process. A file is checked before it is opened. In case it is replaced in
// between, it is opened without waiting (O_NONBLOCK, which has no effect on a regular file) and checked again.
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { setTimeout as after } from 'node:timers/promises'
import { FlagstoneError } from '../errors.js'
import { fromNodeError } from './system-error.js'

export const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/** Retries when descriptors are short: other tasks usually release theirs soon. */
const TRIES = 40
const PAUSE_MS = 25
const SHORT_OF_DESCRIPTORS = new Set(['EMFILE', 'ENFILE'])

export const isShortOfDescriptors = (error: unknown): boolean =>
  SHORT_OF_DESCRIPTORS.has((error as { errno?: unknown }).errno as string) ||
  SHORT_OF_DESCRIPTORS.has((error as NodeJS.ErrnoException).code ?? '')

/** What is there instead of a regular file, in words; undefined when it is regular. */
export function specialKind(stats: Stats): string | undefined {
  if (stats.isFile()) return undefined
  if (stats.isDirectory()) return 'a directory'
  if (stats.isFIFO()) return 'a named pipe'
  if (stats.isSocket()) return 'a socket'
  return 'a device'
}

/** The error for something that is not a regular file. It has the path and no errno. */
const notRegular = (path: string, kind: string): FlagstoneError =>
  new FlagstoneError('SOURCE_UNREADABLE', `${path} is not a regular file: it is ${kind}.`, { path })

/**
 * Undefined when nothing is there.
 * @throws SYSTEM when the path is a loop of links or leads through an inaccessible folder
 */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    throw fromNodeError(error, 'stat', path)
  }
}

/** A missing file is left to the code that opens it. @throws SOURCE_UNREADABLE when it is not a regular file */
export function requireRegularSync(path: string): void {
  const stats = statOf(path)
  if (stats !== undefined) requireRegular(path, stats)
}

function requireRegular(path: string, stats: Stats): void {
  const kind = specialKind(stats)
  if (kind !== undefined) throw notRegular(path, kind)
}

/**
 * A descriptor for reading.
 * @throws SOURCE_UNREADABLE when it is not a regular file
 * @throws NOT_FOUND, SYSTEM
 */
export function openRegularSync(path: string): number {
  let fd: number
  try {
    requireRegular(path, statSync(path))
    fd = openSync(path, READ_FLAGS)
  } catch (error) {
    throw fromNodeError(error, 'open', path)
  }
  try {
    requireRegular(path, fstatSync(fd))
    return fd
  } catch (error) {
    closeSync(fd)
    throw fromNodeError(error, 'fstat', path)
  }
}

/**
 * Reads a whole file.
 * @throws as openRegularSync
 * @throws TOO_LARGE when it is larger than `maxBytes`
 */
export function readRegularSync(path: string, maxBytes = Number.POSITIVE_INFINITY): Buffer {
  const fd = openRegularSync(path)
  try {
    const { size } = fstatSync(fd)
    if (size > maxBytes) {
      throw new FlagstoneError('TOO_LARGE', `${path} has ${size} bytes, more than the ${maxBytes} allowed.`, {
        path,
      })
    }
    const bytes = Buffer.allocUnsafeSlow(size)
    let done = 0
    while (done < size) {
      const n = readSync(fd, bytes, done, size - done, done)
      // the file has become shorter
      if (n === 0) break
      done += n
    }
    return bytes.subarray(0, done)
  } catch (error) {
    throw fromNodeError(error, 'read', path)
  } finally {
    closeSync(fd)
  }
}

/** As openRegularSync, but waits up to a second when descriptors are short. */
export async function openRegular(path: string): Promise<{ handle: FileHandle; sizeBytes: number }> {
  for (let tries = 1; ; tries++) {
    try {
      return await openOnce(path)
    } catch (error) {
      if (!isShortOfDescriptors(error) || tries === TRIES) throw fromNodeError(error, 'open', path)
    }
    await after(PAUSE_MS)
  }
}

async function openOnce(path: string): Promise<{ handle: FileHandle; sizeBytes: number }> {
  requireRegular(path, await stat(path))
  const handle = await open(path, READ_FLAGS)
  try {
    const stats = await handle.stat()
    requireRegular(path, stats)
    return { handle, sizeBytes: stats.size }
  } catch (error) {
    await handle.close()
    throw error
  }
}
