// Reads foreign files, which another program may overwrite in place at any moment. A result counts only if the file did
// not change while it was read. A file that was just written to is trusted again after nobody has written to it for a
// while.
import { FlagstoneError } from '../../errors.js'

const QUIET_MS = 300
const TRIES = 4

export interface ChangingFile {
  readonly path: string
  /** Whether the file was written to since it was read. */
  hasChanged(): boolean
  /** Reads the file again. @throws LOCKED when it is being written */
  follow(): void
}

/** The result of `read` in one state of the file. @throws LOCKED when the file keeps changing */
export function inOneState<T>(file: ChangingFile, read: () => T): T {
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      const found = read()
      if (!file.hasChanged()) return found
    } catch (error) {
      if (!file.hasChanged()) throw error
    }
    file.follow()
  }
  throw beingWritten(file.path)
}

/**
 * Whether a file was written so recently that it may be incomplete. An mtime in the future says nothing, unless it is
 * only just so: file systems tell fractions of a millisecond, which the clock here does not, and clocks of other
 * machines run a little ahead.
 */
export function isFresh(mtimeMs: number): boolean {
  return Math.abs(Date.now() - mtimeMs) < QUIET_MS
}

export const beingWritten = (path: string): FlagstoneError =>
  new FlagstoneError(
    'LOCKED',
    `${path} is being written over; try again when it is complete. To replace a file safely, rename the new file over it.`,
    { path },
  )
