// Where a folder of tiles may be written, and which folder it replaces. It is written beside it, as OUT.flagstone-part.
//
//   nothing there, an empty directory          it is written
//   a folder of tiles and nothing else         it is replaced if that was requested
//   a file, any other folder, a source,        it is never written
//     a folder in a source or with one in it
import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { FlagstoneError } from '../../errors.js'
import { type FileIdentity, identityAt, isSameFile, placeAt } from '../../platform/place.js'
import { openRealFile } from '../../platform/real-file.js'
import { exchange, removeFile, syncDirectory } from '../../platform/rename.js'
import { fromNodeError } from '../../platform/system-error.js'
import { partPath } from '../transfer/part-file.js'
import { inTheWay, LOCK_NAME, otherThanTiles, removeTiles } from './only-tiles.js'

export interface FolderRequest {
  readonly path: string
  readonly who: string
  readonly overwrite: boolean
  readonly inputs: readonly string[]
}

type Lock = ReturnType<typeof openRealFile>

const bad = (path: string, message: string): FlagstoneError =>
  new FlagstoneError('BAD_OPTION', message, { path })

export class FolderPart {
  /** Without links. */
  readonly out: string
  readonly #lock: Lock
  readonly #replaces: FileIdentity | undefined

  private constructor(out: string, replaces: FileIdentity | undefined, lock: Lock) {
    this.out = out
    this.#replaces = replaces
    this.#lock = lock
  }

  /**
   * Creates the temporary folder.
   * @throws BAD_OPTION, EXISTS, NOT_FOUND when the folder may not be written
   * @throws LOCKED when another process is writing it
   * @throws DISK_FULL, SYSTEM
   */
  static async create(request: FolderRequest): Promise<FolderPart> {
    const { out, replaces } = folderPlace(request)
    const part = partPath(out)
    await removeStale(out, part)
    try {
      mkdirSync(part)
    } catch (error) {
      throw fromNodeError(error, 'mkdir', part)
    }
    const lock = openRealFile(join(part, LOCK_NAME), 'create')
    lock.tryLock('writer', 'exclusive')
    return new FolderPart(out, replaces, lock)
  }

  /** The temporary folder. */
  get path(): string {
    return partPath(this.out)
  }

  /** Puts it under its name, and removes what it replaces. @throws EXISTS, SYSTEM */
  async publish(): Promise<void> {
    const { out, path } = this
    const old = this.#replaces === undefined ? undefined : this.#exchanged(this.#replaces)
    if (old === undefined) {
      try {
        // this replaces nothing but an empty directory
        renameSync(path, out)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') throw changed(out)
        throw fromNodeError(error, 'rename', path, { to: out })
      }
    }
    syncDirectory(dirname(out))
    removeFile(join(out, LOCK_NAME))
    this.#lock.close()
    if (old !== undefined) await removeTiles(old)
  }

  /** Removes the temporary folder. Never throws: the reason for it is what the caller reports. */
  async discard(): Promise<void> {
    try {
      await removeTiles(this.path)
    } catch {
      // the next run removes what is left
    } finally {
      this.#lock.close()
    }
  }

  /** Exchanges the old folder and the new one; returns where the old one is. @throws EXISTS, SYSTEM */
  #exchanged(expected: FileIdentity): string {
    const { out, path } = this
    const now = identityAt(out)
    if (now === undefined || !isSameFile(now, expected) || inTheWay(out) !== undefined) throw changed(out)
    if (exchange(path, out)) return path
    // where names cannot be exchanged, the old folder steps aside first
    const aside = `${path}-old`
    try {
      renameSync(out, aside)
      renameSync(path, out)
    } catch (error) {
      throw fromNodeError(error, 'rename', out, { to: aside })
    }
    return aside
  }
}

const changed = (path: string): FlagstoneError =>
  new FlagstoneError('EXISTS', `${path} changed just now, so it was not replaced.`, { path })

/** @throws BAD_OPTION, EXISTS, NOT_FOUND, SYSTEM */
function folderPlace({ path, who, overwrite, inputs }: FolderRequest): {
  out: string
  replaces: FileIdentity | undefined
} {
  if (path === '-' || /^[a-z][a-z0-9+.-]+:\/\//i.test(path))
    throw bad(path, `${who} writes local folders; name one, such as tiles/.`)
  const place = placeAt(resolve(path))
  refuseInputs(path, place.path, inputs)
  if (place.kind === 'nothing') {
    if (placeAt(dirname(place.path)).kind === 'directory') return { out: place.path, replaces: undefined }
    throw new FlagstoneError(
      'NOT_FOUND',
      `${path}: the directory ${dirname(place.path)} does not exist; create it first.`,
      { path },
    )
  }
  if (place.kind !== 'directory') {
    const what = place.kind === 'broken link' ? 'a symbolic link to nothing' : `a ${place.kind}`
    throw bad(path, `${path} is ${what}; a folder of tiles cannot have its name. Choose another.`)
  }
  if (readdirSync(place.path).length === 0) return { out: place.path, replaces: undefined }
  const other = inTheWay(place.path)
  if (other !== undefined)
    throw new FlagstoneError(
      'EXISTS',
      `${path} exists and has ${other}; ${who} replaces nothing but folders of tiles. Choose another name, or remove it first.`,
      { path },
    )
  if (!overwrite)
    throw new FlagstoneError(
      'EXISTS',
      `${path} exists already: replace it with --overwrite, or choose another name.`,
      { path },
    )
  return { out: place.path, replaces: place.identity }
}

/** @throws BAD_OPTION when a source is the folder, in it, or around it */
function refuseInputs(path: string, out: string, inputs: readonly string[]): void {
  const parent = existsSync(dirname(out)) ? realpathSync(dirname(out)) : dirname(out)
  const real = existsSync(out) ? realpathSync(out) : join(parent, out.slice(dirname(out).length + 1))
  for (const input of inputs) {
    if (!existsSync(input)) continue
    const source = realpathSync(input)
    const isInside = `${real}${sep}`.startsWith(`${source}${sep}`) || source.startsWith(`${real}${sep}`)
    if (isInside)
      throw bad(
        path,
        `${path} and the source ${input} are in one another; choose another name for the output.`,
      )
  }
}

/** @throws LOCKED when another process is writing it; EXISTS when it is not ours */
async function removeStale(out: string, part: string): Promise<void> {
  const { kind } = placeAt(part)
  if (kind === 'nothing') return
  if (kind !== 'directory' || otherThanTiles(part) !== undefined)
    throw new FlagstoneError(
      'EXISTS',
      `${part} is in the way, and is no folder of tiles; move it away first.`,
      { path: part },
    )
  const lockPath = join(part, LOCK_NAME)
  const lock = existsSync(lockPath) ? openRealFile(lockPath, 'readwrite') : undefined
  try {
    if (lock?.tryLock('writer', 'exclusive') === false)
      throw new FlagstoneError('LOCKED', `${out} is being written already; wait until it is done.`, {
        path: out,
      })
    await removeTiles(part)
  } finally {
    lock?.close()
  }
}
