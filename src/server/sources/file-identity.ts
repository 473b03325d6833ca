// Which file a path leads to, and in which state: what `stat` says, as far as it tells files and states apart.
import { type Stats, statSync } from 'node:fs'
import { isPassing } from '../../platform/passing-error.js'

export interface FileIdentity {
  readonly device: number
  readonly inode: number
  readonly bytes: number
  readonly mtimeMs: number
  readonly ctimeMs: number
}

/**
 * Undefined: nothing is there. Of the file a link leads to.
 * @throws Error when the system says nothing of it: EIO, ESTALE …
 */
export function identityOf(path: string): FileIdentity | undefined {
  let facts: Stats | undefined
  try {
    facts = statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if (isPassing(error)) throw error
    // a folder of the path that may not be entered, or is none any more
  }
  return (
    facts && {
      device: facts.dev,
      inode: facts.ino,
      bytes: facts.size,
      mtimeMs: facts.mtimeMs,
      ctimeMs: facts.ctimeMs,
    }
  )
}

export const isSameFile = (a: FileIdentity, b: FileIdentity): boolean =>
  a.inode === b.inode && a.device === b.device

export const isSameState = (a: FileIdentity, b: FileIdentity): boolean =>
  isSameFile(a, b) && a.bytes === b.bytes && a.mtimeMs === b.mtimeMs

/** It was renamed, or its times were set, after the last write: whoever wrote it is done. */
export const isFinished = (file: FileIdentity): boolean => file.ctimeMs > file.mtimeMs

/** A write so soon after another may leave the same times: clocks of file systems tick every few milliseconds. */
const TICK_MS = 2000

/**
 * What tells whether a file was written to since: the same as long as it was not. Undefined where that cannot be told:
 * nothing is there, or it was written to just now. SQLite's log counts as part of its archive.
 */
export function writtenState(path: string): string | undefined {
  const file = identityOf(path)
  const log = path.endsWith('.mbtiles') ? identityOf(`${path}-wal`) : undefined
  const last = Math.max(file?.ctimeMs ?? Number.POSITIVE_INFINITY, log?.ctimeMs ?? 0)
  if (file === undefined || Date.now() - last < TICK_MS) return undefined
  return [file, log].map((it) => it && Object.values(it).join()).join()
}
