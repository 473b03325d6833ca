// The index of a level's tail: records that were appended out of order or replace an earlier one, in the order of
// writing. A hash table from key to the tail's last record of that key, with open addressing over typed arrays: a
// million entries are two arrays, and a lookup allocates nothing.
//
// Invariant: the first `processed` records of the tail have been entered in order; later ones overwrite earlier ones.

const EMPTY = -1

export class TailIndex {
  #keys: Float64Array
  #values: Uint32Array
  #mask: number
  #used = 0
  /** Number of records entered, including repeated keys. */
  processed = 0

  constructor(expected = 16) {
    let slots = 32
    while (slots < expected * 2) slots *= 2
    this.#keys = new Float64Array(slots).fill(EMPTY)
    this.#values = new Uint32Array(slots)
    this.#mask = slots - 1
  }

  get size(): number {
    return this.#used
  }

  /** Enters the next record of the tail. */
  push(key: number): void {
    if (this.#used * 2 > this.#mask) this.#double()
    const slot = this.#slotOf(key)
    if (this.#keys[slot] === EMPTY) {
      this.#keys[slot] = key
      this.#used++
    }
    this.#values[slot] = this.processed++
  }

  /** Position in the tail of the last record of `key`, or -1. */
  find(key: number): number {
    if (this.#used === 0) return -1
    const slot = this.#slotOf(key)
    return this.#keys[slot] === EMPTY ? -1 : this.#values[slot]!
  }

  /** The distinct keys, ascending. */
  sortedKeys(): Float64Array {
    const out = new Float64Array(this.#used)
    let n = 0
    for (let i = 0; i < this.#keys.length; i++) if (this.#keys[i] !== EMPTY) out[n++] = this.#keys[i]!
    return out.sort()
  }

  #slotOf(key: number): number {
    const high = (key / 4294967296) | 0
    let h = Math.imul((key >>> 0) ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1)
    h ^= h >>> 15
    const keys = this.#keys
    const mask = this.#mask
    let slot = h & mask
    while (keys[slot] !== EMPTY && keys[slot] !== key) slot = (slot + 1) & mask
    return slot
  }

  #double(): void {
    const keys = this.#keys
    const values = this.#values
    this.#keys = new Float64Array(keys.length * 2).fill(EMPTY)
    this.#values = new Uint32Array(keys.length * 2)
    this.#mask = this.#keys.length - 1
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] === EMPTY) continue
      const slot = this.#slotOf(keys[i]!)
      this.#keys[slot] = keys[i]!
      this.#values[slot] = values[i]!
    }
  }
}
