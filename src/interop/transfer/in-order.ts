// Work on several tiles at the same time whose results are taken in the order in which it was given.

/** Jobs at the same time: libuv has four threads, and each should find the next job waiting. */
const IN_FLIGHT = 8

export class InOrder<T> {
  readonly #take: (result: T) => Promise<void> | void
  readonly #waiting: Promise<T>[] = []

  constructor(take: (result: T) => Promise<void> | void) {
    this.#take = take
  }

  /** Whether nothing is waiting, so that a result that is there may be taken at once. */
  get isIdle(): boolean {
    return this.#waiting.length === 0
  }

  /** Adds work. A promise is returned when the next must wait. It rejects with what an earlier job failed with. */
  push(work: Promise<T>): Promise<void> | undefined {
    // whoever waits for it sees the failure; until then it is not unhandled
    work.catch(() => {})
    this.#waiting.push(work)
    return this.#waiting.length < IN_FLIGHT ? undefined : this.#takeFirst()
  }

  /** Waits for all. */
  async drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.#takeFirst()
  }

  async #takeFirst(): Promise<void> {
    const first = this.#waiting.shift()!
    await this.#take(await first)
  }
}
