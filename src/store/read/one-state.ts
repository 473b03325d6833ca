// Reading files of others, which somebody may write over in place at any moment: an answer counts if the file did not change
// while it was read. A file that was just written to is believed again when nobody has written for a while.
import { FlagstoneError } from '../../errors.js'

const QUIET_MS = 300
const TRIES = 4

export interface ChangingFile {
  readonly path: string
  /** Whether the file was written to since it was read. */
  hasChanged(): boolean
  /** Reads it anew. @throws LOCKED when it is being written */
  follow(): void
}

/**
 * What `read` finds in one state of the file.
 * @throws LOCKED when the file changes again and again
 */
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

/** Whether a file was written to so lately that it may not be whole yet. A clock that is ahead of ours says nothing. */
export function isFresh(mtimeMs: number): boolean {
  const age = Date.now() - mtimeMs
  return age >= 0 && age < QUIET_MS
}

export const beingWritten = (path: string): FlagstoneError =>
  new FlagstoneError(
    'LOCKED',
    `${path} is being written over; try again when it is complete. To replace a file safely, rename the new file over it.`,
    { path },
  )
