// Computed answers, the least recently used go first when their bytes are too many. Who asks for what is being
// made waits for it: a thousand clients make one picture.
import { LRUCache } from 'lru-cache'

export interface Made {
  readonly bytes: Uint8Array
  readonly contentType: string
  /** Strong, quoted. */
  readonly etag: string
}

/** What an entry costs besides its bytes. */
const ENTRY_BYTES = 512

export class ByteCache {
  readonly #kept: LRUCache<string, Made> | undefined
  readonly #making = new Map<string, Promise<Made | undefined>>()
  hits = 0
  misses = 0

  constructor(maxBytes: number) {
    this.#kept =
      maxBytes === 0
        ? undefined
        : new LRUCache<string, Made>({
            maxSize: maxBytes,
            sizeCalculation: ({ bytes }, key) => bytes.length + key.length + ENTRY_BYTES,
          })
  }

  get bytes(): number {
    return this.#kept?.calculatedSize ?? 0
  }

  get entries(): number {
    return this.#kept?.size ?? 0
  }

  /** What is kept under the key, else what `make` makes (undefined: nothing there; not kept). */
  async getOrMake(key: string, make: () => Promise<Made | undefined>): Promise<Made | undefined> {
    const kept = this.#kept?.get(key)
    if (kept !== undefined) {
      this.hits++
      return kept
    }
    const underWay = this.#making.get(key)
    if (underWay !== undefined) return underWay
    this.misses++
    const made = make()
      .then((answer) => {
        if (answer !== undefined) this.#kept?.set(key, answer)
        return answer
      })
      .finally(() => this.#making.delete(key))
    this.#making.set(key, made)
    return made
  }
}
