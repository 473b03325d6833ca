// One random program of writing, run beside a naive model that knows what may fail: a change that failed did not
// happen; a commit that failed happened or did not, as a reader sees; a writer that gave up has let go of its lock, and
// the next one goes on from the last commit.
import { FlagstoneError } from '../../src/errors.js'
import { crc32 } from '../../src/format/crc.js'
import { tileId, tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import type { ByteFile } from '../../src/platform/byte-file.js'
import type { WriterOptions } from '../../src/store/options.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { verify } from '../../src/store/report/verify.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { sourcesOf } from '../helpers/sources.js'
import { expectSound, valueFor } from './model.js'

export interface FaultPlace {
  /** Each call opens the file anew. 'create' makes it empty. Calls through what it returns may fail. */
  open(mode: 'create' | 'write'): ByteFile
  /** The same without trouble, to see what is there. */
  look(): ByteFile
}

type Step =
  | { op: 'put'; key: number; bytes: Uint8Array }
  | { op: 'remove'; key: number }
  | { op: 'commit' }
  | { op: 'seal'; placement: 'auto' | 'tail'; metadata: number }
  | { op: 'metadata'; value: number }
  | { op: 'sources'; count: number }
  | { op: 'reopen' }
  | { op: 'look' }

export function numbers(seed: number): (below: number) => number {
  let s = seed >>> 0 || 1
  return (below) => {
    s ^= s << 13
    s ^= s >>> 17
    s ^= s << 5
    return (s >>> 0) % below
  }
}

/** Runs in order that fill regions (170 records of 4096 bytes), strays that make tails, and everything that moves things. */
export function randomProgram(seed: number): Step[] {
  const next = numbers(seed * 7919 + 13)
  const steps: Step[] = []
  const ends = new Map<number, number>()
  const run = (zoom: number, count: number): void => {
    const from = ends.get(zoom) ?? 0
    for (let i = from; i < from + count && i < 4 ** zoom; i++)
      steps.push({ op: 'put', key: zoomBase(zoom) + i, bytes: valueFor(seed + i, 2 + next(40)) })
    ends.set(zoom, Math.min(4 ** zoom, from + count))
  }
  const strays = (zoom: number, count: number): void => {
    const end = ends.get(zoom) ?? 1
    for (let i = 0; i < count; i++) {
      const key = zoomBase(zoom) + next(end)
      if (next(4) === 0) steps.push({ op: 'remove', key })
      else steps.push({ op: 'put', key, bytes: valueFor(next(1 << 20), 1 + next(next(9) === 0 ? 6000 : 60)) })
    }
  }
  run(6, 90 + next(30))
  run(5, 10 + next(10))
  steps.push({ op: 'commit' })
  run(6, 85 + next(30))
  strays(6, 14)
  steps.push({ op: 'metadata', value: next(100) }, { op: 'sources', count: 1 + next(9) }, { op: 'commit' })
  strays(5, 3 + next(14))
  steps.push({ op: 'seal', placement: next(3) === 0 ? 'tail' : 'auto', metadata: next(100) })
  run(7, 10 + next(10))
  if (next(2) === 0) steps.push({ op: 'reopen' })
  strays(6, 15)
  steps.push({ op: 'commit' })
  steps.push({ op: 'seal', placement: next(2) === 0 ? 'tail' : 'auto', metadata: next(100) })
  steps.push({ op: 'sources', count: next(9) })
  run(6, 20)
  strays(7, 12)
  steps.push({ op: 'commit' })
  return steps
}

const END: readonly Step[] = [
  { op: 'commit' },
  { op: 'look' },
  { op: 'reopen' },
  { op: 'look' },
  { op: 'seal', placement: 'auto', metadata: 0 },
]

interface State {
  readonly tiles: Map<number, Uint8Array>
  readonly metadata: Record<string, unknown>
  /** Their number. */
  readonly sources: number
}

const copyOf = (state: State): State => ({ ...state, tiles: new Map(state.tiles) })

export class FaultRun {
  readonly #place: FaultPlace
  readonly #options: WriterOptions
  #writer: TileWriter | undefined
  #live: State = { tiles: new Map(), metadata: {}, sources: 0 }
  /** What the file may hold: one state, or more after a commit that failed. */
  #committed: State[] = []
  errors: FlagstoneError[] = []

  constructor(place: FaultPlace, options: WriterOptions) {
    this.#place = place
    this.#options = options
  }

  /** Throws what contradicts the model. */
  run(steps: readonly Step[]): void {
    this.#writer = this.#again(() => TileWriter.create(this.#place.open('create'), this.#options))
    this.#committed = [copyOf(this.#live)]
    for (const step of [...steps, ...END]) {
      const before = this.errors.length
      this.#step(step)
      if (this.errors.length > before) this.#check(step)
    }
    this.#close()
    this.#whatIsThere()
    const file = this.#place.look()
    expectSound(verify(file))
    file.close()
  }

  #step(step: Step): void {
    if (step.op === 'look') {
      this.#checkWriter()
      this.#whatIsThere()
      return
    }
    if (step.op === 'reopen') {
      this.#close()
      this.#reopen()
      return
    }
    const writer = this.#writer!
    const z = 'key' in step ? tileIdToZxy(step.key) : undefined
    if (step.op === 'put') {
      if (this.#attempt(() => writer.append(...z!, step.bytes))) this.#live.tiles.set(step.key, step.bytes)
    } else if (step.op === 'remove') {
      const had = this.#live.tiles.has(step.key)
      let answer: boolean | undefined
      if (this.#attempt(() => (answer = writer.remove(...z!)))) {
        if (answer !== had)
          throw new Error(`remove says ${answer} of a tile that ${had ? 'is' : 'is not'} there`)
        this.#live.tiles.delete(step.key)
      }
    } else if (step.op === 'metadata') {
      const metadata = { value: step.value }
      writer.setMetadata(metadata)
      this.#live = { ...this.#live, metadata }
    } else if (step.op === 'sources') {
      writer.setSources(sourcesOf(step.count))
      this.#live = { ...this.#live, sources: step.count }
    } else if (step.op === 'commit') this.#committing(() => writer.commit(), this.#live.metadata)
    else {
      const { placement } = step
      const added = { [`sealed${step.metadata}`]: true }
      const metadata = { ...this.#live.metadata, ...added }
      this.#committing(() => void writer.seal({ placement, metadata: added }), metadata)
    }
  }

  #committing(work: () => void, metadata: Record<string, unknown>): void {
    const next = { ...this.#live, metadata }
    if (this.#attempt(work)) {
      this.#live = next
      this.#committed = [copyOf(next)]
      return
    }
    this.#committed.push(copyOf(next))
    if (this.#hasGivenUp) return
    // what it committed before it failed counts, metadata too; nothing is half there
    const now = this.#writer!.metadata
    if (!same(now, metadata) && !same(now, this.#live.metadata))
      throw new Error('metadata of neither before nor after')
    this.#live = { ...this.#live, metadata: now }
  }

  /** False when it failed as it may. */
  #attempt(work: () => void): boolean {
    try {
      work()
      return true
    } catch (error) {
      if (!(error instanceof FlagstoneError) || !['SYSTEM', 'DISK_FULL'].includes(error.code)) throw error
      this.errors.push(error)
      return false
    }
  }

  /** Until it works: one call fails once. */
  #again<T>(work: () => T): T {
    for (let tries = 0; ; tries++) {
      let result!: T
      if (this.#attempt(() => (result = work()))) return result
      if (tries > 20) throw new Error('it goes on failing', { cause: this.errors.at(-1) })
    }
  }

  get #hasGivenUp(): boolean {
    try {
      // nothing is stored at zoom 1, so that no call is needed to find out
      this.#writer!.has(1, 0, 0)
      return false
    } catch (error) {
      if (error instanceof FlagstoneError && /gave up/.test(error.message)) return true
      throw error
    }
  }

  #close(): void {
    const ended = copyOf(this.#live)
    if (this.#attempt(() => this.#writer!.close())) this.#committed = [ended]
    else this.#committed.push(ended)
  }

  #reopen(): void {
    this.#writer = this.#again(() => TileWriter.reopen(this.#place.open('write'), this.#options))
    const found = this.#whatIsThere()
    this.#committed = [found]
    this.#live = copyOf(found)
    if (!same(this.#writer.metadata, found.metadata))
      throw new Error('the writer has other metadata than the reader')
  }

  /** One of the states that may be there, whole: by a reader that meets no trouble. */
  #whatIsThere(): State {
    const reader = FlatReader.open(this.#place.look())
    try {
      const listed = [...reader.tiles()]
      const found = this.#committed.filter(
        ({ tiles, metadata, sources }) =>
          listed.length === tiles.size &&
          same(reader.sources(), sourcesOf(sources)) &&
          same(reader.metadata(), metadata) &&
          listed.every(({ id, crc }) => tiles.has(id) && crc === crc32(tiles.get(id)!)) &&
          listed.every(
            ({ id, z, x, y }, i) => i % 16 > 0 || equal(reader.get(z, x, y)?.bytes, tiles.get(id)),
          ),
      )
      if (found.length === 0)
        throw new Error(
          `the file holds ${listed.length} tiles, ${reader.sources().length} sources and ${JSON.stringify(reader.metadata())}, none of ${this.#committed.map((c) => `${c.tiles.size} ${c.sources} ${JSON.stringify(c.metadata)}`)}`,
        )
      return found.at(-1)!
    } finally {
      reader.close()
    }
  }

  /** Writer and file against the model, after something failed. */
  #check(step: Step): void {
    try {
      if (this.#hasGivenUp) {
        const other = this.#place.look()
        if (!other.tryLock('writer', 'shared')) throw new Error('a writer that gave up keeps its lock')
        other.close()
        // closing it changes nothing, and need not work; what it committed last is what there is
        this.#attempt(() => this.#writer!.close())
        this.#reopen()
      }
      this.#checkWriter()
      this.#whatIsThere()
    } catch (error) {
      throw new Error(`after ${step.op} and ${this.errors.at(-1)?.message}: ${(error as Error).message}`, {
        cause: error,
      })
    }
  }

  #checkWriter(): void {
    const { tiles } = this.#live
    const writer = this.#writer!
    for (const [key, bytes] of tiles) {
      const place = tileIdToZxy(key)
      if (!this.#again(() => writer.has(...place))) throw new Error(`the writer misses ${place.join('/')}`)
      if (!equal(this.#again(() => writer.get(...place))?.bytes, bytes))
        throw new Error(`the writer has other bytes at ${place.join('/')}`)
    }
    for (const zoom of [0, 5, 6, 7])
      for (let i = 0; i < Math.min(250, 4 ** zoom); i++) {
        const key = zoomBase(zoom) + i
        if (tiles.has(key)) continue
        const place = tileIdToZxy(key)
        if (tileId(...place) !== key) throw new Error('key')
        if (this.#again(() => writer.has(...place)))
          throw new Error(`the writer has ${place.join('/')}, which is not there`)
      }
  }
}

const equal = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && b !== undefined && Buffer.compare(a, b) === 0

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
