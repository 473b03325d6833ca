// How the jobs that run at once share the threads and the memory of a batch.
import { FlagstoneError } from '../errors.js'

/** What a job takes at least, and what one is counted as that has no limit of its own. */
const LEAST_BYTES = 256 * 2 ** 20
/** More than this is of no use to a build: see the default of its memLimit. */
const PROCESS_BYTES = 150 * 2 ** 20
const THREAD_BYTES = 238 * 2 ** 20

export interface Limits {
  readonly threads: number
  readonly memLimit: number
  /** Most jobs at once. */
  readonly jobs: number
}

export interface Share {
  readonly threads: number
  readonly memLimit: number
}

export interface Claim {
  /** Whether the job can use more than one thread. */
  readonly isParallel: boolean
  readonly threads: number | undefined
  readonly memLimit: number | undefined
}

/**
 * The limits of a batch.
 * @throws BAD_OPTION when the memory is too small for one job
 */
export function limitsOf(threads: number, memLimit: number, jobs: number | undefined): Limits {
  const fitting = Math.floor(memLimit / LEAST_BYTES)
  if (fitting < 1)
    throw new FlagstoneError(
      'BAD_OPTION',
      '--mem-limit: a batch needs at least 256 MB for each job that runs at once.',
    )
  const most = Math.max(1, threads)
  return { threads: most, memLimit, jobs: Math.min(jobs ?? most, fitting) }
}

export class Budget {
  readonly #limits: Limits
  #threads: number
  #bytes: number
  #running = 0

  constructor(limits: Limits) {
    this.#limits = limits
    this.#threads = limits.threads
    this.#bytes = limits.memLimit
  }

  /** Number of jobs that may still start. */
  get free(): number {
    return this.#limits.jobs - this.#running
  }

  /**
   * The share of the next job, if it may start now. Jobs that can use more threads share what is free.
   * @param waiting number of jobs that could start now, this one included
   */
  take(claim: Claim, waiting: number): Share | undefined {
    if (this.free < 1) return undefined
    const parts = Math.min(waiting, this.free)
    const { threads: all, memLimit: most } = this.#limits
    const threads = Math.min(all, claim.threads ?? (claim.isParallel ? Math.floor(this.#threads / parts) : 1))
    // more jobs than threads may run if --jobs says so
    const own = Math.max(1, threads)
    const useful = claim.isParallel ? PROCESS_BYTES + own * THREAD_BYTES : LEAST_BYTES
    const fair = Math.min(useful, Math.floor(this.#bytes / parts))
    const bytes = Math.min(most, Math.max(LEAST_BYTES, claim.memLimit ?? fair))
    const share = { threads: own, memLimit: bytes }
    const isOverdrawn = (claim.threads ?? 0) > this.#threads || bytes > this.#bytes
    if (isOverdrawn && this.#running > 0) return undefined
    this.#running++
    this.#threads -= share.threads
    this.#bytes -= share.memLimit
    return share
  }

  giveBack(share: Share): void {
    this.#running--
    this.#threads += share.threads
    this.#bytes += share.memLimit
  }
}
