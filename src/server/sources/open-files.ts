// How many files may be open at once: beyond that, the one that was used longest ago and that nobody holds is closed.
// It is opened again when it is asked for.
export interface Closable {
  readonly isHeld: boolean
  /** Larger: later. */
  readonly lastUsed: number
  closeForNow(): void
}

export class OpenFiles {
  readonly #most: number
  readonly #open = new Set<Closable>()
  #clock = 0

  constructor(most: number) {
    this.#most = most
  }

  get count(): number {
    return this.#open.size
  }

  /** For `lastUsed`. */
  tick(): number {
    return ++this.#clock
  }

  /** To be called when a file was opened. */
  add(file: Closable): void {
    this.#open.add(file)
    while (this.#open.size > this.#most) {
      let oldest: Closable | undefined
      for (const other of this.#open) {
        if (
          other !== file &&
          !other.isHeld &&
          other.lastUsed < (oldest?.lastUsed ?? Number.POSITIVE_INFINITY)
        ) {
          oldest = other
        }
      }
      // all of them are in use: over the limit rather than an answer cut off
      if (oldest === undefined) return
      oldest.closeForNow()
    }
  }

  delete(file: Closable): void {
    this.#open.delete(file)
  }
}
