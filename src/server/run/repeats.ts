// Limits repeated failures, for example of a damaged file, to one log line a minute, with their number.
const AGAIN_MS = 60_000
/** Failures that are remembered; the oldest are forgotten. */
const MOST = 1000

export class Repeats {
  readonly #said = new Map<string, { readonly at: number; leftOut: number }>()

  /** How many were left out since it was said last; undefined: this one is left out too. */
  count(what: string, now = performance.now()): number | undefined {
    const last = this.#said.get(what)
    if (last !== undefined && now - last.at < AGAIN_MS) {
      last.leftOut++
      return undefined
    }
    this.#said.delete(what)
    this.#said.set(what, { at: now, leftOut: 0 })
    if (this.#said.size > MOST) this.#said.delete(this.#said.keys().next().value!)
    return last?.leftOut ?? 0
  }
}
