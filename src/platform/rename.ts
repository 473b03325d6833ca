// Names that change at once: a reader sees the old file or the new one, also after a power loss.
import { closeSync, fsyncSync, linkSync, openSync, renameSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { call, libc } from './libc.js'
import { errnoName, fromNodeError, systemError } from './system-error.js'

const AT_FDCWD = -100
const RENAME_NOREPLACE = 1
/** File systems without RENAME_NOREPLACE, and C libraries without renameat2. */
const NOT_THERE = new Set(['EINVAL', 'ENOSYS', 'EOPNOTSUPP'])

/** Makes the names in a directory durable. */
export function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r')
  try {
    fsyncSync(fd)
  } catch (error) {
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
