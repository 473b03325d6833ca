// A cache of decoded blocks, bounded by bytes, that evicts the least recently used. Concurrent requests decode a block
// once. Failures are not cached: the next request tries again.
//
// Invariant: an evicted block may lose its memory (`drop`). Callers with a `drop` must use blocks only in `visit`,
// which runs before the block can be evicted.

interface Sized {
  readonly byteLength: number
}

interface Pending<T> {
  readonly visitors: ((block: T) => void)[]
  readonly done: Promise<void>
}

export class BlockCache<T extends Sized> {
  readonly #limitBytes: number
  readonly #drop: (block: T) => void
  /** Insertion order is order of use. */
  readonly #blocks = new Map<number, T>()
  readonly #pending = new Map<number, Pending<T>>()
  #bytes = 0

  /** `drop` is called with every evicted block. */
  constructor(limitBytes: number, drop: (block: T) => void = () => {}) {
    this.#limitBytes = limitBytes
    this.#drop = drop
  }

  get bytes(): number {
    return this.#bytes
  }

  /** A cached block, or undefined. Counts as a use. */
  peek(key: number): T | undefined {
    const block = this.#blocks.get(key)
    if (block !== undefined) {
      this.#blocks.delete(key)
      this.#blocks.set(key, block)
    }
    return block
  }

  async get(key: number, make: () => Promise<T>): Promise<T> {
    let found: T | undefined
    await this.visit(key, make, (block) => {
      found = block
    })
    return found!
  }

  /** Calls `visitor` with the block when it is ready. @throws as `make` and the visitor */
  async visit(key: number, make: () => Promise<T>, visitor: (block: T) => void): Promise<void> {
    const block = this.peek(key)
    if (block !== undefined) {
      visitor(block)
      return
    }
    const pending = this.#pending.get(key)
    if (pending !== undefined) {
      pending.visitors.push(visitor)
      return pending.done
    }
    const visitors = [visitor]
    const done = this.#make(key, make, visitors)
    this.#pending.set(key, { visitors, done })
    return done
  }

  async #make(key: number, make: () => Promise<T>, visitors: readonly ((block: T) => void)[]): Promise<void> {
    try {
      const made = await make()
      try {
        for (const visitor of visitors) visitor(made)
      } finally {
        this.#keep(key, made)
      }
    } finally {
      this.#pending.delete(key)
    }
  }

  clear(): void {
    for (const block of this.#blocks.values()) this.#drop(block)
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
      this.#drop(old)
    }
  }
}
