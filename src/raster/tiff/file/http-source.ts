// A remote file as a ByteSource. Requests are slow, so it sends few of them. It caches the file as pages, bounded by
// bytes. The first request gets the head, where a COG has its directories. Pages missed at the same moment are
// requested together, in as few ranges as possible, several at a time.
//
// Invariants: a page is never requested twice at the same time; a page that failed is requested again next time.
import { type ByteSource, inside, outside } from './byte-source.js'
import { HttpFile, type HttpOptions } from './http-file.js'

const PAGE_BYTES = 65536
/** The head of the file holds the directories and block tables of most COGs. */
const HEAD_BYTES = PAGE_BYTES
/** A request covers at most this many pages … */
const MAX_REQUEST_PAGES = 64
/** … and bridges gaps of at most this many unneeded pages. */
const MAX_GAP_PAGES = 1
const MAX_REQUESTS = 6
/** Bounds of the cache size. The lower bound holds two requests. */
const MAX_CACHE_BYTES = 32 * 2 ** 20
const MIN_CACHE_BYTES = 2 * MAX_REQUEST_PAGES * PAGE_BYTES

interface Page {
  readonly bytes: Promise<Uint8Array>
  settled: boolean
}

interface Wanted {
  readonly page: number
  readonly resolve: (bytes: Uint8Array) => void
  readonly reject: (error: unknown) => void
}

export interface HttpSourceOptions extends HttpOptions {
  /** Size of the page cache, 8 to 32 MiB. Default: 32 MiB. */
  readonly cacheBytes?: number
}

/** Opens a URL. @throws NOT_FOUND, SOURCE_UNREADABLE */
export async function openHttpSource(path: string, options: HttpSourceOptions = {}): Promise<ByteSource> {
  const file = new HttpFile(path, options)
  const head = await file.head(HEAD_BYTES)
  const cacheBytes = Math.min(MAX_CACHE_BYTES, options.cacheBytes ?? MAX_CACHE_BYTES)
  return new HttpSource(file, head, Math.max(MIN_CACHE_BYTES, cacheBytes))
}

class HttpSource implements ByteSource {
  readonly #file: HttpFile
  /** Pages, least recently used first. */
  readonly #pages = new Map<number, Page>()
  /** The whole file, if the server sent all of it. */
  readonly #whole: Uint8Array | undefined
  readonly #cachePages: number
  /** Limit for prefetching, so that pages are still cached when they are read. */
  readonly #maxAheadBytes: number
  #wanted: Wanted[] = []
  #queue: Wanted[][] = []
  #running = 0
  #flushing = false

  constructor(file: HttpFile, head: Uint8Array, cacheBytes: number) {
    this.#file = file
    this.#cachePages = Math.floor(cacheBytes / PAGE_BYTES)
    this.#maxAheadBytes = (this.#cachePages >> 1) * PAGE_BYTES
    this.#whole = head.length === file.sizeBytes ? head : undefined
    if (this.#whole === undefined) this.#pages.set(0, { bytes: Promise.resolve(head), settled: true })
  }

  get name(): string {
    return this.#file.name
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes
  }

  get version(): string {
    return this.#file.version
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (!inside(this, offset, length)) throw outside(this, offset, length)
    if (this.#whole !== undefined) return this.#whole.slice(offset, offset + length)
    if (length === 0) return new Uint8Array(0)
    const out = new Uint8Array(length)
    // long reads go in steps, so that the cache need not hold all of it
    for (let done = 0; done < length; ) {
      const step = Math.min(this.#maxAheadBytes - ((offset + done) % PAGE_BYTES), length - done)
      await this.#readStep(offset + done, out.subarray(done, done + step))
      done += step
    }
    return out
  }

  prefetch(ranges: readonly (readonly [offset: number, length: number])[]): void {
    if (this.#whole !== undefined) return
    let ahead = 0
    for (const [offset, length] of ranges) {
      if (length <= 0 || !inside(this, offset, length)) continue
      ahead += length
      if (ahead > this.#maxAheadBytes) return
      const last = Math.floor((offset + length - 1) / PAGE_BYTES)
      for (let page = Math.floor(offset / PAGE_BYTES); page <= last; page++) {
        // the read of the page reports the failure
        this.#page(page).catch(() => {})
      }
    }
  }

  async close(): Promise<void> {
    this.#file.close()
    this.#pages.clear()
  }

  async #readStep(offset: number, out: Uint8Array): Promise<void> {
    const first = Math.floor(offset / PAGE_BYTES)
    const last = Math.floor((offset + out.length - 1) / PAGE_BYTES)
    const pages: Promise<Uint8Array>[] = []
    for (let page = first; page <= last; page++) pages.push(this.#page(page))
    // waits for all pages even if one fails, so that no rejection is unhandled
    const results = await Promise.allSettled(pages)
    for (const [i, result] of results.entries()) {
      if (result.status === 'rejected') throw result.reason
      const start = (first + i) * PAGE_BYTES - offset
      const from = Math.max(0, -start)
      out.set(result.value.subarray(from, from + out.length - Math.max(0, start)), Math.max(0, start))
    }
  }

  #page(page: number): Promise<Uint8Array> {
    const known = this.#pages.get(page)
    if (known !== undefined) {
      this.#pages.delete(page)
      this.#pages.set(page, known)
      return known.bytes
    }
    const bytes = new Promise<Uint8Array>((resolve, reject) => {
      this.#wanted.push({ page, resolve, reject })
    })
    const entry: Page = { bytes, settled: false }
    this.#pages.set(page, entry)
    bytes.then(
      () => {
        entry.settled = true
        this.#evict()
      },
      () => {
        if (this.#pages.get(page) === entry) this.#pages.delete(page)
      },
    )
    if (!this.#flushing) {
      this.#flushing = true
      // reads of the same turn of the event loop are combined
      setImmediate(() => this.#flush())
    }
    return bytes
  }

  #evict(): void {
    let surplus = this.#pages.size - this.#cachePages
    for (const [page, { settled }] of this.#pages) {
      if (surplus <= 0) return
      if (!settled) continue
      this.#pages.delete(page)
      surplus--
    }
  }

  /** Groups the wanted pages into runs of neighbours. */
  #flush(): void {
    this.#flushing = false
    const wanted = this.#wanted.sort((a, b) => a.page - b.page)
    this.#wanted = []
    let run: Wanted[] = []
    for (const one of wanted) {
      const first = run[0]?.page ?? one.page
      const previous = run.at(-1)?.page ?? one.page
      if (one.page - previous > 1 + MAX_GAP_PAGES || one.page - first >= MAX_REQUEST_PAGES) {
        this.#queue.push(run)
        run = []
      }
      run.push(one)
    }
    if (run.length > 0) this.#queue.push(run)
    this.#start()
  }

  #start(): void {
    while (this.#running < MAX_REQUESTS) {
      const run = this.#queue.shift()
      if (run === undefined) return
      this.#running++
      void this.#request(run).finally(() => {
        this.#running--
        this.#start()
      })
    }
  }

  async #request(run: readonly Wanted[]): Promise<void> {
    const offset = run[0]!.page * PAGE_BYTES
    const end = Math.min((run.at(-1)!.page + 1) * PAGE_BYTES, this.sizeBytes)
    try {
      const bytes = await this.#file.range(offset, end - offset)
      for (const { page, resolve } of run) {
        const at = page * PAGE_BYTES - offset
        // a copy, because a view would keep the whole response in memory
        resolve(run.length === 1 ? bytes : bytes.slice(at, at + PAGE_BYTES))
      }
    } catch (error) {
      for (const { reject } of run) reject(error)
    }
  }
}
