// The sources that are served, by id; with `watch`, as the files are now.
//
// Invariants: what is served changes between two requests, never during one. Ids stay with their paths for as long as
// the server runs. Without `watch` the sources stay the same; a file that was replaced is answered from the old one.
import { FlagstoneError } from '../../errors.js'
import { freeDescriptors } from '../../platform/descriptors.js'
import { isBusy, movedNow } from '../../store/file/locked.js'
import { newPace } from '../../store/live/pace.js'
import { HttpError } from '../http/message.js'
import type { ResolvedServerOptions } from '../options.js'
import { GivenReader } from './backend-source.js'
import { type Discovery, discover, type Found } from './discover.js'
import { FileEntry, SETTLED_MS } from './file-entry.js'
import { readyToOpen } from './open-backend.js'
import { OpenFiles } from './open-files.js'
import { parseSources } from './parse-sources.js'
import type { Catalog, Source, SourceEvent, SourceInput } from './source.js'
import { SourceIds } from './source-ids.js'
import { FolderWatch } from './watch.js'

export interface CatalogListeners {
  /** Told of each source when it was opened first: of thousands most are closed again soon, and open they are at hand. */
  readonly opened?: (source: Source, fileBytes: number) => Promise<void>
  /** Must not throw. */
  readonly happened?: ((event: SourceEvent) => void) | undefined
}

/**
 * Opens what the inputs stand for. Of files that were named, the first that cannot be opened is an error; those that
 * were found in folders are listed among the problems.
 * @throws BAD_OPTION, NOT_FOUND, NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED, LOCKED, SYSTEM
 */
export async function openCatalog(
  inputs: readonly SourceInput[],
  options: ResolvedServerOptions,
  listeners: CatalogListeners = {},
): Promise<Catalog> {
  const catalog = new FileCatalog(parseSources(inputs), options, listeners)
  try {
    await catalog.open()
    return catalog
  } catch (error) {
    catalog.close()
    throw error
  }
}

/** How often a file that could not be opened for its writer is tried again. */
const BUSY_MS = 250

class FileCatalog implements Catalog {
  readonly #inputs: readonly SourceInput[]
  readonly #options: ResolvedServerOptions
  readonly #listeners: CatalogListeners
  readonly #files: OpenFiles
  readonly #ids = new SourceIds()
  /** By id, served now or not. */
  readonly #entries = new Map<string, FileEntry>()
  readonly #given = new Map<string, GivenReader>()
  #list: readonly Source[] = []
  #discovery: Discovery | undefined
  #watch: FolderWatch | undefined
  #isClosed = false
  generation = 0

  constructor(inputs: readonly SourceInput[], options: ResolvedServerOptions, listeners: CatalogListeners) {
    this.#inputs = inputs
    this.#listeners = listeners
    this.#options = options
    // clients have descriptors too
    this.#files = new OpenFiles(Math.max(1, Math.min(options.openFiles, Math.floor(freeDescriptors() / 2))))
  }

  async open(): Promise<void> {
    for (const input of this.#inputs) {
      if (typeof input === 'string') continue
      const { id, reader, missing } = input
      if (reader === undefined) continue
      const known = this.#ids.of({ path: reader.path, label: reader.path, id })
      this.#given.set(known, new GivenReader(known, reader, missing))
    }
    this.#discovery = await this.#discover()
    const pace = newPace()
    for (const found of this.#discovery.found) {
      const entry = new FileEntry(this.#ids.of(found), found, this.#files)
      this.#entries.set(entry.id, entry)
      if (found.isNamed) entry.openUnlessBusy()
      else entry.tryOpen()
      const { source } = entry
      if (source !== undefined) await this.#listeners.opened?.(source, source.identity.bytes)
      const turn = pace()
      if (turn !== undefined) await turn
    }
    this.#publish()
    this.#retryBusy()
    if (!this.#options.watch) return
    this.#watch = new FolderWatch(this.#options.watchSeconds * 1000, () => this.#look())
    this.#watch.set(this.#discovery.directories)
    // for what happened since the folders were read
    this.#watch.after(0)
  }

  get(id: string): Source | undefined {
    const entry = this.#entries.get(id)
    if (entry?.isBusy === true) this.#openNow(entry)
    const source = entry?.source
    if (source === undefined) return this.#given.get(id)
    try {
      if (source.ensureOpen()) return source
      // replaced while it was closed
      entry!.open()
    } catch (error) {
      if (error instanceof FlagstoneError && !isBusy(error)) {
        throw new HttpError(503, `'${id}' cannot be opened now; /health lists the problems of the server.`)
      }
      throw error
    }
    this.#publish()
    return entry!.source
  }

  list(): readonly Source[] {
    return this.#list
  }

  problems(): readonly { readonly path: string; readonly message: string }[] {
    const ofFiles = [...this.#entries.values()].flatMap(({ path, problem }) =>
      problem === undefined ? [] : [{ path, message: problem }],
    )
    return [...(this.#discovery?.problems ?? []), ...ofFiles]
  }

  get openFiles(): number {
    return this.#files.count
  }

  /** What else goes wrong is its problem. @throws LOCKED when its writer is moving parts of the file */
  #openNow(entry: FileEntry): void {
    entry.tryOpen()
    if (entry.isBusy) throw movedNow({ path: entry.path })
    this.#publish()
  }

  /** Sources whose writers were moving parts when they were found are there for who lists them, too, when that is over. */
  #retryBusy(): void {
    if (this.#isClosed) return
    let isAnyLeft = false
    for (const entry of this.#entries.values()) {
      if (!entry.isBusy) continue
      entry.tryOpen()
      if (entry.source !== undefined) this.#publish()
      isAnyLeft ||= entry.isBusy
    }
    if (isAnyLeft) setTimeout(() => this.#retryBusy(), BUSY_MS).unref()
  }

  close(): void {
    this.#isClosed = true
    this.#watch?.close()
    for (const entry of this.#entries.values()) entry.drop()
    this.#publish()
  }

  async #discover(): Promise<Discovery> {
    const discovery = await discover(this.#inputs, this.#options.folderDepth)
    await readyToOpen(discovery.found.map(({ real }) => real))
    return discovery
  }

  /** What goes wrong is among the problems until the next look. */
  async #look(): Promise<number> {
    try {
      await this.#lookOnce()
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      const { found = [], directories = new Set<string>() } = this.#discovery ?? {}
      this.#discovery = { found, directories, problems: [{ path: '', message }] }
      this.#happened({ kind: 'problem', path: '', message })
    }
    return this.#entries.size
  }

  async #lookOnce(): Promise<void> {
    const discovery = await this.#discover()
    if (this.#isClosed) return
    const known = new Set(this.#discovery?.problems.map(({ message }) => message))
    for (const { path, message } of discovery.problems) {
      if (!known.has(message)) this.#happened({ kind: 'problem', path, message })
    }
    this.#discovery = discovery
    this.#watch?.set(discovery.directories)
    const found = new Map(discovery.found.map((one) => [this.#ids.of(one), one]))
    let [isChanged, isUnsettled] = [false, false]
    for (const [id, one] of found) {
      if (!this.#entries.has(id)) this.#entries.set(id, new FileEntry(id, one, this.#files))
    }
    const pace = newPace()
    for (const [id, entry] of [...this.#entries]) {
      const turn = pace()
      if (turn !== undefined) await turn
      if (this.#isClosed) return
      const outcome = this.#lookAt(entry, found.get(id))
      isChanged ||= outcome === 'changed'
      isUnsettled ||= outcome === 'soon'
      if (!found.has(id) && entry.source === undefined) this.#entries.delete(id)
    }
    if (isChanged) this.#publish()
    if (isUnsettled) this.#watch?.after(SETTLED_MS)
  }

  #lookAt(entry: FileEntry, found: Found | undefined): ReturnType<FileEntry['look']> {
    const { source, problem } = entry
    const outcome = entry.look(found)
    const { id, path } = entry
    if (outcome === 'changed') {
      const kind = source === undefined ? 'added' : entry.source === undefined ? 'removed' : 'changed'
      this.#happened({ kind, id, path })
    }
    if (entry.problem !== undefined && entry.problem !== problem) {
      this.#happened({ kind: 'problem', id, path, message: entry.problem })
    }
    return outcome
  }

  #happened(event: SourceEvent): void {
    this.#listeners.happened?.(event)
  }

  #publish(): void {
    const files = [...this.#entries.values()].flatMap(({ source }) => source ?? [])
    this.#list = [...files, ...this.#given.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
    this.generation++
  }
}
