// What lies at a path that is to be written: its kind, and which file it is. Nothing is opened, because opening a pipe
// waits for its other end, and opening a device may do anything.
import { type BigIntStats, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { fromNodeError } from './system-error.js'

export type PlaceKind =
  | 'nothing'
  | 'file'
  | 'directory'
  | 'pipe'
  | 'socket'
  | 'device'
  /** A symbolic link whose target does not exist. */
  | 'broken link'

/** Identifies a file and its state: a later write gives another mtime or size. */
export interface FileIdentity {
  readonly dev: bigint
  readonly ino: bigint
  readonly size: bigint
  readonly mtimeNs: bigint
}

export interface Place {
  /** With symbolic links followed; as given when nothing is there. */
  readonly path: string
  readonly kind: PlaceKind
  /** Undefined for 'nothing' and 'broken link'. */
  readonly identity: FileIdentity | undefined
  /** Target of a broken link. */
  readonly target?: string
}

/** @throws SYSTEM when the path cannot be followed: EACCES, ELOOP, ENOTDIR … */
export function placeAt(path: string): Place {
  try {
    const own = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    if (own === undefined) return { path, kind: 'nothing', identity: undefined }
    if (!own.isSymbolicLink()) return { path, kind: kindOf(own), identity: identityOf(own) }
    const found = statSync(path, { bigint: true, throwIfNoEntry: false })
    if (found === undefined)
      return { path, kind: 'broken link', identity: undefined, target: readlinkSync(path) }
    return { path: realpathSync(path), kind: kindOf(found), identity: identityOf(found) }
  } catch (error) {
    throw fromNodeError(error, 'stat', path)
  }
}

/** The absolute path with all links followed. @throws NOT_FOUND, SYSTEM */
export function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    throw fromNodeError(error, 'realpath', path)
  }
}

/** The file that a path leads to; undefined when there is none, or it cannot be accessed. */
export function identityAt(path: string): FileIdentity | undefined {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false })
    return found && identityOf(found)
  } catch {
    return undefined
  }
}

export const isSameFile = (a: FileIdentity, b: FileIdentity): boolean => a.dev === b.dev && a.ino === b.ino

/** Whether it is the same file and was not written to in between. */
export const isUnchanged = (a: FileIdentity, b: FileIdentity): boolean =>
  isSameFile(a, b) && a.size === b.size && a.mtimeNs === b.mtimeNs

const identityOf = ({ dev, ino, size, mtimeNs }: BigIntStats): FileIdentity => ({ dev, ino, size, mtimeNs })

function kindOf(stat: BigIntStats): PlaceKind {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  if (stat.isFIFO()) return 'pipe'
  return stat.isSocket() ? 'socket' : 'device'
}
