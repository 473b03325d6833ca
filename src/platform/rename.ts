// Names that change at once: a reader sees the old file or the new one, also after a power loss.
import { closeSync, fsyncSync, linkSync, openSync, renameSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { call, libc } from './libc.js'
import { errnoName, fromNodeError, systemError } from './system-error.js'

const AT_FDCWD = -100
const RENAME_NOREPLACE = 1
/** File systems without RENAME_NOREPLACE, and C libraries without renameat2. */
const NOT_THERE = new Set(['EINVAL', 'ENOSYS', 'EOPNOTSUPP'])

/** What file systems say that have no such thing as a directory to be synced: some network ones, some of FUSE. */
const NOT_SYNCED = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'])

/**
 * Makes the names in a directory durable, where the file system can and the directory may be read: one that may
 * only be written to is left to the kernel, files in it are no less usable.
 */
export function syncDirectory(directory: string): void {
  let fd: number
  try {
    fd = openSync(directory, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return
    throw fromNodeError(error, 'open', directory)
  }
  try {
    fsyncSync(fd)
  } catch (error) {
    if (!NOT_SYNCED.has((error as NodeJS.ErrnoException).code ?? ''))
      throw fromNodeError(error, 'fsync', directory)
  } finally {
    closeSync(fd)
  }
}

/** Moves `from` over `to`, replacing it, durably. Both in one file system. */
export function renameReplace(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    throw fromNodeError(error, 'rename', from, { to })
  }
  syncDirectory(dirname(to))
}

/** Moves `from` to `to`, durably; EXISTS when something is there. */
export function renameNoReplace(from: string, to: string): void {
  const answer =
    libc.renameat2 === undefined
      ? undefined
      : call(libc.renameat2, AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE)
  if (answer === undefined || ('errno' in answer && NOT_THERE.has(errnoName(answer.errno))))
    linkAndUnlink(from, to)
  else if ('errno' in answer) throw systemError(errnoName(answer.errno), 'renameat2', to, { from })
  syncDirectory(dirname(to))
}

function linkAndUnlink(from: string, to: string): void {
  try {
    linkSync(from, to)
    unlinkSync(from)
  } catch (error) {
    throw fromNodeError(error, 'link', to, { from })
  }
}
