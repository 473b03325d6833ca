// Decoded blocks, least recently used thrown out first, bounded by bytes. A block asked for twice at once is
// decoded once. Failures are not kept: the next request tries again.

interface Sized {
  readonly byteLength: number
}

export class BlockCache<T extends Sized> {
  readonly #limitBytes: number
  /** Insertion order is order of use. */
  readonly #blocks = new Map<number, T>()
  readonly #pending = new Map<number, Promise<T>>()
  #bytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** A block at hand, or undefined. Counts as a use. */
  peek(key: number): T | undefined {
    const block = this.#blocks.get(key)
    if (block !== undefined) {
      this.#blocks.delete(key)
      this.#blocks.set(key, block)
    }
    return block
  }

  async get(key: number, make: () => Promise<T>): Promise<T> {
    const block = this.peek(key)
    if (block !== undefined) return block
    const pending = this.#pending.get(key)
    if (pending !== undefined) return pending
    const promise = make()
    this.#pending.set(key, promise)
    try {
      const made = await promise
      this.#keep(key, made)
      return made
    } finally {
      this.#pending.delete(key)
    }
  }

  clear(): void {
    this.#blocks.clear()
    this.#bytes = 0
  }

  #keep(key: number, block: T): void {
    this.#blocks.set(key, block)
    this.#bytes += block.byteLength
    for (const [oldest, old] of this.#blocks) {
      if (this.#bytes <= this.#limitBytes) break
      this.#blocks.delete(oldest)
      this.#bytes -= old.byteLength
    }
  }
}
