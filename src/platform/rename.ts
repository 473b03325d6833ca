// Changes names atomically: a reader sees the old file or the new one, even after a power loss.
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { FlagstoneError } from '../errors.js'
import { call, libc } from './libc.js'
import { type FileIdentity, identityAt, isSameFile, isUnchanged } from './place.js'
import { errnoName, fromNodeError, systemError } from './system-error.js'

const AT_FDCWD = -100
const RENAME_NOREPLACE = 1
const RENAME_EXCHANGE = 2
/** Errors of file systems without these flags, and of C libraries without renameat2. */
const NOT_THERE = new Set(['EINVAL', 'ENOSYS', 'EOPNOTSUPP'])

/** Errors of file systems that cannot sync a directory: some network and FUSE file systems. */
const NOT_SYNCED = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'])

/**
 * Makes the names in a directory durable, if the file system can and the directory may be read. For a directory that
 * may only be written to this is left to the kernel; its files are no less usable.
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

/** Moves `from` over `to`, replacing it, durably. Both must be in one file system. */
export function renameReplace(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    throw fromNodeError(error, 'rename', from, { to })
  }
  syncDirectory(dirname(to))
}

/** Moves `from` to `to`, durably. @throws EXISTS when something is there */
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

/**
 * Moves `from` over `to` durably, if `to` is still the file that it was before (`expected`; undefined: there was none).
 * Otherwise returns false and leaves both as they were: a file that appeared meanwhile is never destroyed.
 */
export function renameOver(from: string, to: string, expected: FileIdentity | undefined): boolean {
  if (expected === undefined || identityAt(to) === undefined) return renamedToFree(from, to)
  if (!isStill(to, expected)) return false
  if (!exchange(from, to)) {
    // there is no such call here, so a file that appears at this very moment is not noticed
    renameReplace(from, to)
    return true
  }
  // the replaced file has the other name now, and can be checked again
  if (!isStill(from, expected)) {
    exchange(from, to)
    return false
  }
  unlinkSync(from)
  syncDirectory(dirname(to))
  return true
}

/** Removes a name, if it exists. */
export function removeFile(path: string): void {
  rmSync(path, { force: true })
}

/** Removes a name if it still belongs to the expected file; a file that appeared meanwhile stays. */
export function removeSame(path: string, expected: FileIdentity): void {
  const now = identityAt(path)
  if (now !== undefined && isSameFile(now, expected)) removeFile(path)
}

function isStill(path: string, expected: FileIdentity): boolean {
  const now = identityAt(path)
  return now !== undefined && isUnchanged(now, expected)
}

function renamedToFree(from: string, to: string): boolean {
  try {
    renameNoReplace(from, to)
    return true
  } catch (error) {
    if (error instanceof FlagstoneError && error.code === 'EXISTS') return false
    throw error
  }
}

/** Exchanges two names atomically; false where this is not possible. @throws SYSTEM */
export function exchange(a: string, b: string): boolean {
  if (libc.renameat2 === undefined) return false
  const answer = call(libc.renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE)
  if ('value' in answer) return true
  if (NOT_THERE.has(errnoName(answer.errno))) return false
  throw systemError(errnoName(answer.errno), 'renameat2', b, { from: a })
}

function linkAndUnlink(from: string, to: string): void {
  try {
    linkSync(from, to)
    unlinkSync(from)
  } catch (error) {
    throw fromNodeError(error, 'link', to, { from })
  }
}
