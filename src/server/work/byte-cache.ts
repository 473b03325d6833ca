// Computed responses; the least recently used are dropped when their bytes exceed the limit. Requests for something that
// is being computed wait for it, so a thousand clients cause one computation. It stops when the last of them disconnects.
import { LRUCache } from 'lru-cache'
import type { Made } from '../http/made.js'

/** What an entry costs besides its bytes. */
const ENTRY_BYTES = 512
/** Of all bytes kept, the most that one answer may have: else a few large ones would drive out everything. */
const LARGEST_SHARE = 1 / 4

/** A response that is being computed. */
interface Making {
  readonly answer: Promise<Made | undefined>
  readonly everyone: AbortController
  /** Clients that wait; those that cannot go away count as well. */
  waiting: number
}

export class ByteCache {
  readonly #kept: LRUCache<string, Made> | undefined
  readonly #making = new Map<string, Making>()
  hits = 0
  misses = 0

  constructor(maxBytes: number) {
    this.#kept =
      maxBytes === 0
        ? undefined
        : new LRUCache<string, Made>({
            maxSize: maxBytes,
            maxEntrySize: Math.max(1, Math.floor(maxBytes * LARGEST_SHARE)),
            sizeCalculation: ({ bytes }, key) => bytes.length + key.length + ENTRY_BYTES,
          })
  }

  get bytes(): number {
    return this.#kept?.calculatedSize ?? 0
  }

  get entries(): number {
    return this.#kept?.size ?? 0
  }

  /**
   * What is kept under the key, else what `make` makes (undefined: nothing there; not kept). `everyone` is aborted
   * when all who asked have gone: those whose `client` signal was aborted, whose own promise then rejects with its reason.
   */
  async getOrMake(
    key: string,
    make: (everyone: AbortSignal) => Promise<Made | undefined>,
    client?: AbortSignal,
  ): Promise<Made | undefined> {
    const kept = this.#kept?.get(key)
    if (kept !== undefined) {
      this.hits++
      return kept
    }
    client?.throwIfAborted()
    let making = this.#making.get(key)
    if (making === undefined) {
      this.misses++
      making = this.#begin(key, make)
    }
    making.waiting++
    return client === undefined ? making.answer : this.#wait(key, making, client)
  }

  #begin(key: string, make: (everyone: AbortSignal) => Promise<Made | undefined>): Making {
    const everyone = new AbortController()
    const answer = make(everyone.signal)
      .then((made) => {
        if (made !== undefined) this.#kept?.set(key, made)
        return made
      })
      .finally(() => this.#end(key, making))
    const making: Making = { answer, everyone, waiting: 0 }
    this.#making.set(key, making)
    return making
  }

  #wait(key: string, making: Making, client: AbortSignal): Promise<Made | undefined> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        reject(client.reason)
        if (--making.waiting > 0) return
        // later requests start again
        this.#end(key, making)
        making.everyone.abort(client.reason)
      }
      client.addEventListener('abort', leave, { once: true })
      const stay = (): void => client.removeEventListener('abort', leave)
      making.answer.finally(stay).then(resolve, reject)
    })
  }

  #end(key: string, making: Making): void {
    if (this.#making.get(key) === making) this.#making.delete(key)
  }
}
