// Who builds subtrees: worker threads, or the calling thread (threads: 0; good for debugging, and for sources
// that are not files).
import { Piscina } from 'piscina'
import { FlagstoneError } from '../errors.js'
import type { Spool } from '../raster/spool.js'
import type { BuildPlan } from './plan.js'
import { type SetLimits, SourceSet, sourceTable } from './source-set.js'
import type { OpenOptions, SourceOpener } from './sources.js'
import { closeSpool, openSpool } from './spool-file.js'
import { SubtreeBuilder, type SubtreeResult } from './subtree.js'
import type { SubtreeAnswer, SubtreeTask, WorkerSetup } from './worker.js'

export interface SubtreePool {
  /** Subtrees worth asking for at once. */
  readonly window: number
  /** Rejects with what sources throw, or INTERRUPTED after stop(). */
  build(x: number, y: number): Promise<SubtreeResult>
  /** Running subtrees end soon, by failing. */
  stop(): void
  /** Waits for what is running. */
  close(): Promise<void>
}

/** What a thread takes besides the block cache: mosaics, windows, tiles being encoded, the heap. */
const THREAD_BYTES = 110 * 2 ** 20
const PROCESS_BYTES = 150 * 2 ** 20
const MIN_CACHE_BYTES = 16 * 2 ** 20
const MAX_CACHE_BYTES = 192 * 2 ** 20
/** Sources open at once in all threads; each may be three files. */
const MAX_OPEN_SOURCES = 256
const MIN_OPEN_SOURCES = 8

export interface Share {
  readonly threads: number
  /** Block cache of a thread. */
  readonly cacheBytes: number
}

/** Threads and caches within a limit; fewer threads rather than over it. */
export function shareMemory(threads: number, memLimit: number | undefined): Share {
  const limit = memLimit ?? PROCESS_BYTES + Math.max(1, threads) * (THREAD_BYTES + 128 * 2 ** 20)
  const most = Math.max(1, Math.floor((limit - PROCESS_BYTES) / (THREAD_BYTES + MIN_CACHE_BYTES)))
  const used = Math.min(threads, most)
  const each = (limit - PROCESS_BYTES) / Math.max(1, used) - THREAD_BYTES
  return {
    threads: used,
    cacheBytes: Math.floor(Math.max(MIN_CACHE_BYTES, Math.min(MAX_CACHE_BYTES, each))),
  }
}

/** Of the sources of one thread. */
const limitsOf = (threads: number, cacheBytes: number): SetLimits => ({
  maxOpen: Math.max(MIN_OPEN_SOURCES, Math.floor(MAX_OPEN_SOURCES / Math.max(1, threads))),
  cacheBytes,
})

export class WorkerPool implements SubtreePool {
  readonly window: number
  readonly #piscina: Piscina<SubtreeTask, SubtreeAnswer>
  readonly #stop = new SharedArrayBuffer(4)
  readonly #spool: Spool | undefined
  readonly #running = new Set<Promise<SubtreeResult>>()

  /** `out`: a spool may be made beside it. */
  constructor(plan: BuildPlan, open: OpenOptions, { threads, cacheBytes }: Share, out: string) {
    this.window = threads + 2
    this.#spool = openSpool(plan, out, cacheBytes)
    const setup: WorkerSetup = {
      plan: { ...plan, sources: [] },
      table: sourceTable(plan),
      open: this.#spool === undefined ? open : { ...open, spool: this.#spool },
      limits: limitsOf(threads, cacheBytes),
      stop: this.#stop,
    }
    this.#piscina = new Piscina({
      filename: new URL('./worker.js', import.meta.url).href,
      minThreads: threads,
      maxThreads: threads,
      // encodings of a subtree go on in the thread pool; a worker that sleeps in Atomics.wait cannot clean up
      atomics: 'disabled',
      // typed arrays lie outside the heap: what is in it is small
      resourceLimits: { maxOldGenerationSizeMb: 512 },
      workerData: setup,
    })
  }

  build(x: number, y: number): Promise<SubtreeResult> {
    const running = this.#ask(x, y)
    this.#running.add(running)
    running.then(
      () => this.#running.delete(running),
      () => this.#running.delete(running),
    )
    return running
  }

  async #ask(x: number, y: number): Promise<SubtreeResult> {
    const answer = await this.#piscina.run({ x, y })
    if ('result' in answer) return answer.result
    const { code, message, stack } = answer.failure
    const error = code === undefined ? new Error(message) : new FlagstoneError(code, message)
    if (stack !== undefined) error.stack = stack
    throw error
  }

  stop(): void {
    Atomics.store(new Int32Array(this.#stop), 0, 1)
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#running)
    await this.#piscina.destroy()
    if (this.#spool !== undefined) closeSpool(this.#spool)
  }
}

export class InlinePool implements SubtreePool {
  readonly window = 1
  readonly #sources: SourceSet
  readonly #builder: SubtreeBuilder
  #last: Promise<unknown> = Promise.resolve()
  #stopped = false

  constructor(plan: BuildPlan, open: OpenOptions, opener: SourceOpener, cacheBytes = MAX_CACHE_BYTES) {
    this.#sources = new SourceSet(sourceTable(plan), open, opener, limitsOf(1, cacheBytes))
    this.#builder = new SubtreeBuilder(plan, this.#sources, () => this.#stopped)
  }

  build(x: number, y: number): Promise<SubtreeResult> {
    // one after another: they share memory
    const running = this.#last.then(() => this.#builder.build(x, y))
    this.#last = running.catch(() => {})
    return running
  }

  stop(): void {
    this.#stopped = true
  }

  async close(): Promise<void> {
    await this.#last
    this.#builder.close()
    await this.#sources.close()
  }
}
