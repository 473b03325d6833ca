// A value that takes long to find out and is out of date from time to time: found out anew at most so often that it
// takes a fiftieth of the time, whoever asks and whatever changes.
const SHARE = 50

export class Costly<T> {
  readonly #find: () => T
  #found: { readonly value: T; readonly key: string; readonly until: number } | undefined

  constructor(find: () => T) {
    this.#find = find
  }

  /** What was found for this key, or, for a while, for the one before. */
  get(key: string): T {
    const now = performance.now()
    const found = this.#found
    if (found !== undefined && (found.key === key || now < found.until)) return found.value
    const value = this.#find()
    const done = performance.now()
    this.#found = { value, key, until: done + (done - now) * SHARE }
    return value
  }
}
