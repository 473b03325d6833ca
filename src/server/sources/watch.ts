// Says that something may have changed in some folders: by the system's word (inotify), and because that word is not
// given everywhere (network and overlay file systems, too many folders), every so often anyway.
import { type FSWatcher, watch } from 'node:fs'

/** A copy makes thousands of events; one look a while after the first is enough … */
const GATHER_MS = 50
/** … and with many files there is a rest after it: some times what looking at a file takes. */
const REST_MS_A_FILE = 0.5

export class FolderWatch {
  readonly #onChange: () => Promise<number>
  readonly #watchers = new Map<string, FSWatcher>()
  readonly #timer: NodeJS.Timeout
  #gathering: NodeJS.Timeout | undefined
  #isLooking = false
  /** Something happened during a look. */
  #isDue = false
  #restMs = 0
  #isClosed = false

  /** `onChange` looks, at how many files it says; it is not called again before it is done. It must not reject. */
  constructor(everyMs: number, onChange: () => Promise<number>) {
    this.#onChange = onChange
    this.#timer = setInterval(() => this.after(0), everyMs).unref()
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

  /** A look is due after this time, and not before there was a rest since the last one. */
  after(ms: number): void {
    if (this.#isClosed) return
    if (this.#isLooking) this.#isDue = true
    else this.#gathering ??= setTimeout(() => void this.#look(), Math.max(ms, this.#restMs)).unref()
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    this.#isDue = false
    this.#restMs = (await this.#onChange()) * REST_MS_A_FILE
    this.#isLooking = false
    this.#gathering = undefined
    if (this.#isDue) this.after(GATHER_MS)
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
