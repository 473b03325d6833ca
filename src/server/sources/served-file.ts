// A source that is one file (or folder of tiles). It is closed when too many files are open, or when it was dropped and
// nobody holds it any more.
//
// Invariant: it never answers from another file than the one it stands for. The path may lead to another one by the
// time it is opened again; then it says so, and its catalogue makes a new source.

import { HttpError } from '../http/message.js'
import type { MissingPolicy } from '../options.js'
import type { Backend } from './backend.js'
import { BackendSource } from './backend-source.js'
import { type FileIdentity, identityOf, isSameFile, writtenState } from './file-identity.js'
import { openBackend } from './open-backend.js'
import type { Closable, OpenFiles } from './open-files.js'
import type { Source } from './source.js'

export interface FileFacts {
  readonly id: string
  readonly path: string
  /** Without links. */
  readonly real: string
  readonly missing: MissingPolicy | undefined
}

/** A file as it was, and what tells whether it still is. */
interface Left {
  readonly version: string
  readonly state: string
  /** The turn in which the state was looked at last. */
  seen: object
}

let turn: object | undefined

/** The same until others get their turn on the event loop: what was looked at in it need not be looked at again. */
function thisTurn(): object {
  if (turn === undefined) {
    turn = {}
    setImmediate(() => {
      turn = undefined
    })
  }
  return turn
}

export class ServedFile extends BackendSource implements Closable {
  readonly kind: Source['kind']
  readonly real: string
  /** Of the file when it was opened first. */
  readonly identity: FileIdentity
  readonly #files: OpenFiles
  #open: Backend | undefined
  /** What it was when it was closed for others' sake: it need not be opened to be asked for its version. */
  #left: Left | undefined
  #holds = 0
  #isDropped = false
  lastUsed = 0

  /** Opens the file. @throws as openBackend */
  constructor({ id, path, real, missing }: FileFacts, files: OpenFiles) {
    super(id, path, missing)
    this.real = real
    this.#files = files
    const { backend, identity } = openSteadily(real)
    this.identity = identity
    this.kind = backend.kind
    this.#adopt(backend)
  }

  override get version(): string {
    const left = this.#open === undefined ? this.#left : undefined
    if (left === undefined) return super.version
    const now = thisTurn()
    if (left.seen !== now && left.state !== writtenState(this.real)) return super.version
    left.seen = now
    return left.version
  }

  hold(): () => void {
    this.#holds++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      if (--this.#holds === 0 && this.#isDropped) this.closeForNow()
    }
  }

  get isHeld(): boolean {
    return this.#holds > 0
  }

  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /** Another source has taken its place, or none. */
  drop(): void {
    this.#isDropped = true
    if (!this.isHeld) this.closeForNow()
  }

  closeForNow(): void {
    this.#left = this.#isDropped ? undefined : this.#remembered()
    this.#open?.close()
    this.#open = undefined
    this.#files.delete(this)
  }

  /** Opens the file if it was closed; false when the path leads to another one now. @throws as openBackend */
  ensureOpen(): boolean {
    this.lastUsed = this.#files.tick()
    if (this.#open !== undefined) return true
    if (this.#isDropped) return false
    const { backend, identity } = openSteadily(this.real)
    if (!isSameFile(identity, this.identity)) {
      backend.close()
      return false
    }
    this.#adopt(backend)
    return true
  }

  protected get backend(): Backend {
    if (this.#open === undefined && !this.ensureOpen()) {
      throw new HttpError(503, `'${this.id}' was replaced during this request; try again.`)
    }
    return this.#open!
  }

  /** Undefined: it has to be opened again to know. */
  #remembered(): Left | undefined {
    // what is written into a folder of tiles leaves no trace at its top
    if (this.kind === 'folder') return undefined
    // before the version: what is written in between makes another state
    const state = writtenState(this.real)
    try {
      return state === undefined ? undefined : { version: super.version, state, seen: thisTurn() }
    } catch {
      return undefined
    }
  }

  #adopt(backend: Backend): void {
    this.#open = backend
    this.lastUsed = this.#files.tick()
    this.#files.add(this)
  }
}

/** A backend, and which file it is of: the path may be given to another file between two looks at it. */
function openSteadily(path: string): { backend: Backend; identity: FileIdentity } {
  for (;;) {
    const before = identityOf(path)
    const backend = openBackend(path)
    const after = identityOf(path)
    if (before !== undefined && after !== undefined && isSameFile(before, after)) {
      return { backend, identity: before }
    }
    backend.close()
  }
}
