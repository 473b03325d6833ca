// Results for tiles that were seen a moment ago: seas and empty land repeat one tile very often.
import { crc32 } from '../../format/crc.js'

interface Entry<R> {
  readonly inputs: readonly Uint8Array[]
  readonly result: R
}

export class Memo<R> {
  readonly #entries = new Map<string, Entry<R>>()
  readonly #kept: number

  /** `kept`: number of results. */
  constructor(kept: number) {
    this.#kept = kept
  }

  /** The result for the same bytes and the same `how`, or that of `make`. */
  get(inputs: readonly Uint8Array[], how: string, make: () => R): R {
    const key = `${how}:${inputs.map((bytes) => `${bytes.length},${crc32(bytes)}`).join(';')}`
    const found = this.#entries.get(key)
    if (found?.inputs.every((bytes, i) => Buffer.compare(bytes, inputs[i]!) === 0) === true) {
      // used last
      this.#entries.delete(key)
      this.#entries.set(key, found)
      return found.result
    }
    const result = make()
    this.#entries.set(key, { inputs, result })
    if (this.#entries.size > this.#kept) this.#entries.delete(this.#entries.keys().next().value!)
    return result
  }
}
