// The threads that build subtrees: worker threads, the calling thread as well if it may be kept busy, or the calling
// thread alone. The latter is useful for debugging, for sources that are not files, and for builds that are done before
// a worker has started.
import { existsSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { beside } from '../../beside.js'
import { FlagstoneError } from '../../errors.js'
import { fromNodeError } from '../../platform/system-error.js'
import { kernelModule } from '../../raster/simd.js'
import type { Spool } from '../../raster/spool.js'
import type { SubtreeUnit } from '../plan/forest.js'
import type { BuildPlan } from '../plan/plan.js'
import { type OpenOptions, openSource, type SourceOpener } from '../sources/open.js'
import { SourceSet, sourceTable } from '../sources/source-set.js'
import { limitsOf, MAX_CACHE_BYTES, type Share } from './memory-share.js'
import { closeSpool, openSpool } from './spool-file.js'
import { SubtreeBuilder, type SubtreeResult } from './subtree.js'
import { createClaims, TaskBoard } from './task-board.js'
import type { SubtreeAnswer, WorkerSetup } from './worker.js'

const WORKER = beside('pyramid/work/worker.js')

/** The worker's file is missing in a bundle of Flagstone; then only the caller's thread is used. */
export const isWorkerThere = (): boolean => existsSync(WORKER)

export interface SubtreePool {
  /** Number of subtrees worth requesting at once. */
  readonly window: number
  /**
   * Builds a subtree.
   * @throws as RasterSource.read
   * @throws INTERRUPTED when stop() was called
   */
  build(unit: SubtreeUnit): Promise<SubtreeResult>
  /** Makes running subtrees fail soon. */
  stop(): void
  /** Waits for running subtrees. */
  close(): Promise<void>
}

export class InlinePool implements SubtreePool {
  readonly window = 1
  readonly #sources: SourceSet
  readonly #builder: SubtreeBuilder
  #last: Promise<unknown> = Promise.resolve()
  #stopped = false

  constructor(
    plan: BuildPlan,
    open: OpenOptions,
    opener: SourceOpener,
    limits = limitsOf(1, MAX_CACHE_BYTES),
    table = sourceTable(plan),
  ) {
    this.#sources = new SourceSet(table, open, opener, limits)
    this.#builder = new SubtreeBuilder(plan, this.#sources, () => this.#stopped)
  }

  build(unit: SubtreeUnit): Promise<SubtreeResult> {
    // One after another, because they share memory. A unit may wait for nothing but promises, and units follow each
    // other without a pause. setImmediate gives signals, timers and results of other threads a turn in between.
    const running = this.#last.then(() => setImmediate()).then(() => this.#builder.build(unit))
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

interface Asked {
  resolve(result: SubtreeResult): void
  reject(error: unknown): void
}

/** How many units a thread may be ahead of the oldest unfinished one: a square of four, and the next. */
const AHEAD = 4

export class ThreadPool implements SubtreePool {
  readonly window: number
  readonly #workers: Worker[] = []
  /** The calling thread, if it takes part. */
  readonly #local: InlinePool | undefined
  #localWork: Promise<void> | undefined
  readonly #claims = createClaims()
  readonly #board = new TaskBoard(this.#claims)
  readonly #stop = new SharedArrayBuffer(4)
  readonly #spool: Spool | undefined
  readonly #asked = new Map<number, Asked>()
  readonly #running = new Set<Promise<SubtreeResult>>()
  #next = 0
  #failure: { error: unknown } | undefined
  #isClosing = false

  /**
   * Starts the threads.
   * @param out path of the output, beside which a spool may be made; undefined: none is made
   * @param useCaller whether the calling thread takes part
   */
  constructor(plan: BuildPlan, open: OpenOptions, share: Share, out: string | undefined, useCaller: boolean) {
    const { threads, cacheBytes } = share
    this.window = AHEAD * (threads + 1)
    this.#spool = out === undefined ? undefined : openSpool(plan, out, cacheBytes)
    const setup: WorkerSetup = {
      plan: { ...plan, sources: [] },
      table: sourceTable(plan),
      open: this.#spool === undefined ? open : { ...open, spool: this.#spool },
      limits: limitsOf(threads, cacheBytes),
      stop: this.#stop,
      claims: this.#claims,
      kernels: kernelModule(),
    }
    for (let i = useCaller ? 1 : 0; i < threads; i++) this.#workers.push(this.#startWorker(setup))
    if (useCaller) this.#local = new InlinePool(plan, setup.open, openSource, setup.limits, setup.table)
  }

  #startWorker(setup: WorkerSetup): Worker {
    const worker = new Worker(WORKER, {
      workerData: setup,
      // typed arrays lie outside the heap, so the heap is small
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    })
    worker.on('message', (answer: SubtreeAnswer) => this.#settle(answer))
    worker.on('error', (error) =>
      this.#fail(fromNodeError(error, 'start of a worker', fileURLToPath(WORKER))),
    )
    worker.on('exit', (code) => {
      if (!this.#isClosing) this.#fail(new Error(`A worker thread ended by itself (exit code ${code}).`))
    })
    return worker
  }

  build(unit: SubtreeUnit): Promise<SubtreeResult> {
    const running = this.#ask(unit)
    this.#running.add(running)
    running.then(
      () => this.#running.delete(running),
      () => this.#running.delete(running),
    )
    return running
  }

  #ask(unit: SubtreeUnit): Promise<SubtreeResult> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error)
    const task = { id: this.#next++, unit }
    return new Promise((resolve, reject) => {
      this.#asked.set(task.id, { resolve, reject })
      for (const worker of this.#workers) worker.postMessage(task)
      if (this.#local === undefined) return
      this.#board.add(task)
      this.#localWork ??= this.#work(this.#local).finally(() => {
        this.#localWork = undefined
      })
    })
  }

  /** The work of the calling thread. Never rejects. */
  async #work(local: InlinePool): Promise<void> {
    // lets the workers be notified first
    await undefined
    for (let task = this.#board.claim(); task !== undefined; task = this.#board.claim()) {
      const asked = this.#asked.get(task.id)
      this.#asked.delete(task.id)
      await local.build(task.unit).then(asked?.resolve, asked?.reject)
    }
  }

  #settle(answer: SubtreeAnswer): void {
    const asked = this.#asked.get(answer.id)
    this.#asked.delete(answer.id)
    if ('result' in answer) {
      asked?.resolve(answer.result)
      return
    }
    const { code, message, stack, errno, path } = answer.failure
    const details = { ...(errno === undefined ? {} : { errno }), ...(path === undefined ? {} : { path }) }
    const error = code === undefined ? new Error(message) : new FlagstoneError(code, message, details)
    if (stack !== undefined) error.stack = stack
    asked?.reject(error)
  }

  /** A thread has failed, and the tasks that it had claimed are lost. */
  #fail(error: unknown): void {
    this.#failure ??= { error }
    for (const { reject } of this.#asked.values()) reject(error)
    this.#asked.clear()
  }

  stop(): void {
    Atomics.store(new Int32Array(this.#stop), 0, 1)
    this.#local?.stop()
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#running)
    await this.#localWork
    this.#isClosing = true
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
    await this.#local?.close()
    if (this.#spool !== undefined) closeSpool(this.#spool)
  }
}
