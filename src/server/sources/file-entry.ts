// What is served of one path, and how it follows what happens to the file there.
//
// Invariants: a source is replaced only by one that is open and whose file is complete; until then the old one
// answers, from the old file if need be. What could not be opened is tried again when it has changed. A source goes when
// its file goes, not when the system has no descriptors left to look for it.
import { realpathSync } from 'node:fs'
import { FlagstoneError } from '../../errors.js'
import { isTileFolder } from '../../interop/folder/reader.js'
import { isPassing } from '../../platform/passing-error.js'
import { isBusy } from '../../store/file/locked.js'
import type { Found } from './discover.js'
import { type FileIdentity, identityOf, isFinished, isSameFile, isSameState } from './file-identity.js'
import type { OpenFiles } from './open-files.js'
import { ServedFile } from './served-file.js'

/** A file not written to for this long is complete; a file missing for this long is removed. */
export const SETTLED_MS = 300

export class FileEntry {
  readonly id: string
  readonly #files: OpenFiles
  #found: Found
  #source: ServedFile | undefined
  #version: string | undefined
  #problem: string | undefined
  #isBusy = false
  /** The file as it was seen last, and since when it has been so. */
  #seen: FileIdentity | undefined
  #since = performance.now()
  /** The state it could not be opened in. */
  #refused: FileIdentity | undefined

  constructor(id: string, found: Found, files: OpenFiles) {
    this.id = id
    this.#found = found
    this.#files = files
  }

  get source(): ServedFile | undefined {
    return this.#source
  }

  get path(): string {
    return this.#found.path
  }

  /** Why there is no source, or an outdated one. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Opens the file as it is now in place of what was open. @throws as openBackend */
  open(): void {
    try {
      this.#isBusy = false
      this.#adopt(this.#opened())
    } catch (error) {
      this.#isBusy = this.#source === undefined && isBusy(error)
      throw error
    }
  }

  /** As open, but a failure becomes the problem. */
  tryOpen(): void {
    try {
      this.open()
    } catch (error) {
      this.#problem = messageOf(error)
    }
  }

  /** As open, but that a writer is moving parts of the file is no failure: it can be opened in a moment. */
  openUnlessBusy(): void {
    try {
      this.open()
    } catch (error) {
      if (!isBusy(error)) throw error
      this.#problem = messageOf(error)
    }
  }

  /** It could not be opened for its writer, and may be now. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /**
   * Looks at the file. 'changed': other answers are given from now on. 'soon': it is not settled, and should be looked
   * at again after SETTLED_MS. `found`: undefined when its folder does not list it any more.
   */
  look(found: Found | undefined): 'changed' | 'soon' | undefined {
    if (found !== undefined) this.#found = found
    try {
      return this.#lookAt(
        found !== undefined || this.#isStillThere() ? identityOf(this.#found.real) : undefined,
      )
    } catch (error) {
      // nothing can be said of the file now
      this.#problem = messageOf(error)
      return undefined
    }
  }

  /** A folder that could not be read lists nothing, and a glob leaves out what it could not look into. */
  #isStillThere(): boolean {
    const { real } = this.#found
    const source = this.#source
    const now = source && identityOf(real)
    if (source === undefined || now === undefined || !isSameFile(now, source.identity)) return false
    return realpathSync(real) === real && (source.kind !== 'folder' || isTileFolder(real))
  }

  #lookAt(now: FileIdentity | undefined): 'changed' | 'soon' | undefined {
    if (!isSeen(now, this.#seen)) {
      this.#seen = now
      this.#since = performance.now()
    }
    const isSettled = performance.now() - this.#since >= SETTLED_MS
    if (now === undefined) return this.#isMissing(isSettled)
    const source = this.#source
    const isSame =
      source !== undefined && isSameFile(now, source.identity) && source.real === this.#found.real
    return isSame ? this.#follow(source, now, isSettled) : this.#replace(now, isSettled)
  }

  drop(): void {
    this.#source?.drop()
    this.#source = undefined
  }

  #isMissing(isSettled: boolean): 'changed' | 'soon' | undefined {
    this.#problem = this.#found.isNamed ? `${this.path} no longer exists.` : undefined
    if (this.#source === undefined) return undefined
    if (!isSettled) return 'soon'
    this.drop()
    return 'changed'
  }

  /** The same file: readers see themselves what is written to it. */
  #follow(source: ServedFile, now: FileIdentity, isSettled: boolean): 'changed' | 'soon' | undefined {
    try {
      // one that is closed need not be opened for this
      const version = source.isOpen ? source.version : this.#version
      this.#problem = undefined
      if (version === this.#version) return undefined
      this.#version = version
      return 'changed'
    } catch (error) {
      this.#problem = messageOf(error)
      // perhaps it is an archive of another kind by now
      return this.#replace(now, isSettled)
    }
  }

  #replace(now: FileIdentity, isSettled: boolean): 'changed' | 'soon' | undefined {
    const refused = this.#refused
    // chmod and chown change no more than the ctime
    const isRefused = refused !== undefined && isSameState(now, refused) && now.ctimeMs === refused.ctimeMs
    if (isRefused) return undefined
    let next: ServedFile
    try {
      next = this.#opened()
    } catch (error) {
      this.#problem = messageOf(error)
      // a writer that is at work says nothing of the file, nor do descriptors that are used up
      if (!(error instanceof FlagstoneError && error.code === 'LOCKED') && !isPassing(error))
        this.#refused = now
      return undefined
    }
    const isWhole = isSettled || isFinished(now) || isGrowing(next)
    if (!isWhole || !isSameFile(now, next.identity)) {
      next.drop()
      return 'soon'
    }
    this.#adopt(next)
    return 'changed'
  }

  #opened(): ServedFile {
    const { path, real, missing } = this.#found
    return new ServedFile({ id: this.id, path, real, missing }, this.#files)
  }

  #adopt(next: ServedFile): void {
    this.#source?.drop()
    this.#source = next
    this.#isBusy = false
    this.#version = next.version
    this.#problem = undefined
    this.#refused = undefined
  }
}

/** Ours and being written: every commit is a whole state of it. */
const isGrowing = ({ reader }: ServedFile): boolean => reader?.kind === 'flat' && !reader.sealed

const isSeen = (now: FileIdentity | undefined, before: FileIdentity | undefined): boolean =>
  now === undefined || before === undefined ? now === before : isSameState(now, before)

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
