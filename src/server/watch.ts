// Says that something may have changed in some folders: by the system's word (inotify), and because that word is not
// given everywhere (network and overlay file systems, too many folders), every so often anyway.
import { type FSWatcher, watch } from 'node:fs'

/** A copy makes thousands of events; one look a while after the first is enough. */
const GATHER_MS = 50

export class FolderWatch {
  readonly #onChange: () => void
  readonly #watchers = new Map<string, FSWatcher>()
  readonly #timer: NodeJS.Timeout
  #gathering: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(everyMs: number, onChange: () => void) {
    this.#onChange = onChange
    this.#timer = setInterval(onChange, everyMs).unref()
  }

  /** The folders to watch from now on. */
  set(directories: ReadonlySet<string>): void {
    for (const [directory, watcher] of this.#watchers) {
      if (directories.has(directory)) continue
      watcher.close()
      this.#watchers.delete(directory)
    }
    for (const directory of directories) {
      if (!this.#watchers.has(directory)) this.#add(directory)
    }
  }

  /** A look is due after this time. */
  after(ms: number): void {
    if (this.#gathering !== undefined || this.#isClosed) return
    this.#gathering = setTimeout(() => {
      this.#gathering = undefined
      this.#onChange()
    }, ms).unref()
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    clearTimeout(this.#gathering)
    this.set(new Set())
  }

  #add(directory: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, () => this.after(GATHER_MS))
      // the folder went, or its file system: the regular look finds out
      watcher.on('error', () => {
        watcher.close()
        this.#watchers.delete(directory)
      })
      this.#watchers.set(directory, watcher)
    } catch {
      // no such folder yet, or no more watches to be had: the regular look has to do
    }
  }
}
