// Runs computations: limits how many run at once, how many wait and how long each takes; beyond that the response is 503.
//
// Invariants: jobs run in the order of the requests, so none starves; a job holds its slots until it has really ended,
// even if nobody waits for it any more; a job that ended leaves no timer and no listener.
import { HttpError } from '../http/message.js'

export interface WorkLimits {
  /** Slots: jobs at once, when each takes one. */
  readonly jobs: number
  readonly waiting: number
  /** Milliseconds, waiting included. */
  readonly jobMs: number
}

const RETRY_SECONDS = 2
/** The longest that setTimeout knows. */
const MAX_MS = 2 ** 31 - 1
const overloaded = (sentence: string): HttpError =>
  new HttpError(503, sentence, ['Retry-After', String(RETRY_SECONDS)])

interface Turn {
  readonly slots: number
  readonly begin: () => void
}

export class WorkQueue {
  readonly #limits: WorkLimits
  readonly #waiting: Turn[] = []
  #free: number
  #running = 0
  /** Requests answered 503: for too many were waiting, and for it took too long. */
  refused = 0
  late = 0

  constructor(limits: WorkLimits) {
    this.#limits = limits
    this.#free = limits.jobs
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /**
   * Runs a job when its turn comes. `signal`: the client's; a job that waits is then dropped, one that runs may look
   * at its own, which is aborted with the client's reason. `slots`: how many a job that needs much memory takes.
   * @throws HttpError 503 when too many wait, or when it took too long (the job's signal is aborted then)
   */
  run<T>(client: AbortSignal, job: (signal: AbortSignal) => Promise<T>, slots = 1): Promise<T> {
    const { jobs, jobMs } = this.#limits
    return new Promise<T>((resolve, reject) => {
      if (client.aborted) return reject(client.reason)
      const controller = new AbortController()
      const stop = (reason: unknown): void => {
        clearTimeout(timer)
        client.removeEventListener('abort', left)
        this.#drop(turn)
        controller.abort(reason)
        reject(reason)
      }
      const left = (): void => stop(client.reason)
      const turn: Turn = {
        slots: Math.min(slots, jobs),
        begin: () => {
          void this.#work(turn, () => job(controller.signal))
            .then(resolve, reject)
            .finally(() => {
              clearTimeout(timer)
              client.removeEventListener('abort', left)
            })
        },
      }
      const mayBegin = this.#waiting.length === 0 && turn.slots <= this.#free
      if (!mayBegin && this.#waiting.length >= this.#limits.waiting) {
        this.refused++
        return reject(overloaded('The server is busy; try again in a moment.'))
      }
      const giveUp = (): void => {
        this.late++
        stop(overloaded('This request took longer than the server allows; ask for less.'))
      }
      const timer = setTimeout(giveUp, Math.min(jobMs, MAX_MS))
      timer.unref()
      client.addEventListener('abort', left)
      this.#waiting.push(turn)
      this.#beginNext()
    })
  }

  async #work<T>({ slots }: Turn, job: () => Promise<T>): Promise<T> {
    this.#free -= slots
    this.#running++
    try {
      return await job()
    } finally {
      this.#free += slots
      this.#running--
      this.#beginNext()
    }
  }

  /** Those whose turn it is; the first that does not fit keeps the others behind it, else it would wait for ever. */
  #beginNext(): void {
    for (
      let next = this.#waiting[0];
      next !== undefined && next.slots <= this.#free;
      next = this.#waiting[0]
    ) {
      this.#waiting.shift()
      next.begin()
    }
  }

  #drop(turn: Turn): void {
    const at = this.#waiting.indexOf(turn)
    if (at < 0) return
    this.#waiting.splice(at, 1)
    // it may have been the one that did not fit
    if (at === 0) this.#beginNext()
  }
}
