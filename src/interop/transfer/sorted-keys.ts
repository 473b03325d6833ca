// Sorts TileIDs that come in any order, in bounded memory: runs of some millions are sorted and parked in a nameless
// temporary file, and merged at the end.
import { NamelessFile } from '../../platform/nameless-file.js'

const KEY_BYTES = 8
/** Most zooms have few. */
const FIRST_KEYS = 2 ** 10
/** 16 MiB. */
const RUN_KEYS = 2 ** 21
/** Keys of each run that are in memory while runs are merged. */
const AHEAD_KEYS = 2 ** 15

export class SortedKeys {
  #run: Float64Array<ArrayBuffer>
  readonly #runKeys: number
  #count = 0
  #file: NamelessFile | undefined
  /** Number of keys of each parked run. */
  readonly #parked: number[] = []

  /** `runKeys`: for tests. */
  constructor(runKeys = RUN_KEYS) {
    this.#runKeys = runKeys
    this.#run = new Float64Array(Math.min(FIRST_KEYS, runKeys))
  }

  /** @throws DISK_FULL, SYSTEM when keys cannot be parked */
  add(key: number): void {
    if (this.#count === this.#run.length) this.#makeRoom()
    this.#run[this.#count++] = key
  }

  /** All keys, ascending; equal ones come once. Ends with the memory and the file released. */
  *[Symbol.iterator](): Generator<number, void> {
    try {
      let last = -1
      for (const key of this.#merged()) {
        if (key !== last) yield key
        last = key
      }
    } finally {
      this.close()
    }
  }

  close(): void {
    this.#file?.close()
    this.#file = undefined
  }

  #merged(): Iterable<number> {
    const rest = this.#run.subarray(0, this.#count).sort()
    if (this.#parked.length === 0) return rest
    let start = 0
    const runs = this.#parked.map((count) => {
      const run = this.#readRun(start, count)
      start += count
      return run
    })
    return merge([...runs, rest[Symbol.iterator]()])
  }

  #makeRoom(): void {
    const { length } = this.#run
    if (length >= this.#runKeys) {
      this.#park()
      return
    }
    const larger = new Float64Array(Math.min(2 * length, this.#runKeys))
    larger.set(this.#run)
    this.#run = larger
  }

  #park(): void {
    this.#file ??= new NamelessFile()
    const start = this.#parked.reduce((sum, count) => sum + count, 0) * KEY_BYTES
    this.#file.write(new Uint8Array(this.#run.sort().buffer), start)
    this.#parked.push(this.#count)
    this.#count = 0
  }

  *#readRun(start: number, count: number): Generator<number, void> {
    const keys = new Float64Array(Math.min(AHEAD_KEYS, count))
    for (let done = 0; done < count; ) {
      const n = Math.min(keys.length, count - done)
      this.#file!.read(new Uint8Array(keys.buffer, 0, n * KEY_BYTES), (start + done) * KEY_BYTES)
      for (let i = 0; i < n; i++) yield keys[i]!
      done += n
    }
  }
}

/** Merges ascending sequences. There are few of them, so the smallest head is found by looking at all. */
function* merge(runs: readonly Iterator<number>[]): Generator<number, void> {
  const heads = runs.map((run) => headOf(run))
  for (;;) {
    let least = 0
    for (let i = 1; i < heads.length; i++) if (heads[i]! < heads[least]!) least = i
    const key = heads[least]!
    if (key === Number.POSITIVE_INFINITY) return
    yield key
    heads[least] = headOf(runs[least]!)
  }
}

function headOf(run: Iterator<number>): number {
  const { done, value } = run.next()
  return done === true ? Number.POSITIVE_INFINITY : value
}
