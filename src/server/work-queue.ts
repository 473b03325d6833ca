// Work that computes: so many jobs at once, so many waiting, so long each; more is answered 503.
import { HttpError } from './message.js'

export interface WorkLimits {
  readonly jobs: number
  readonly waiting: number
  /** Milliseconds, waiting included. */
  readonly jobMs: number
}

const RETRY_SECONDS = 2
const overloaded = (sentence: string): HttpError =>
  new HttpError(503, sentence, ['Retry-After', String(RETRY_SECONDS)])

export class WorkQueue {
  readonly #limits: WorkLimits
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limits: WorkLimits) {
    this.#limits = limits
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /**
   * Runs a job when its turn comes. `signal`: the client's; a job that waits is then dropped, one that runs may look.
   * Rejects with HttpError 503 when too many wait, or when it took too long (the job's own signal is aborted then).
   */
  async run<T>(client: AbortSignal, job: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const signal = AbortSignal.any([client, AbortSignal.timeout(this.#limits.jobMs)])
    await this.#turn(signal, client)
    this.#running++
    const done = job(signal).finally(() => {
      this.#running--
      this.#waiting.shift()?.()
    })
    return await Promise.race([done, this.#rejectOn(signal, client)])
  }

  async #turn(signal: AbortSignal, client: AbortSignal): Promise<void> {
    if (this.#running < this.#limits.jobs) return
    if (this.#waiting.length >= this.#limits.waiting) {
      throw overloaded('Too many requests are being worked on; ask again in a moment.')
    }
    let enter = (): void => {}
    const turn = new Promise<void>((resolve) => {
      enter = resolve
    })
    this.#waiting.push(enter)
    try {
      await Promise.race([turn, this.#rejectOn(signal, client)])
    } catch (error) {
      const at = this.#waiting.indexOf(enter)
      if (at >= 0) this.#waiting.splice(at, 1)
      // our turn had come already: it is the next one's
      else this.#waiting.shift()?.()
      throw error
    }
  }

  #rejectOn(signal: AbortSignal, client: AbortSignal): Promise<never> {
    return new Promise((_, reject) => {
      const refuse = (): void =>
        reject(
          client.aborted
            ? client.reason
            : overloaded('This took longer than the server allows; ask for less.'),
        )
      if (signal.aborted) refuse()
      else signal.addEventListener('abort', refuse, { once: true })
    })
  }
}
