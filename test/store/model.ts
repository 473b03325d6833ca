// The store's promises as a function of a place to keep a file: random operations against a naive Map. Used
// with memory, memory without INSERT_RANGE, other growth units, and real files.
import fc from 'fast-check'
import type { SourceRecord } from '../../src/format/sources/record.js'
import { tileId, tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import type { ByteFile } from '../../src/platform/byte-file.js'
import type { WriterOptions } from '../../src/store/options.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { type Finding, verify } from '../../src/store/report/verify.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { sourcesOf } from '../helpers/sources.js'

/** A place that holds one file. */
export interface Place {
  create(): ByteFile
  reopen(writable: boolean): ByteFile
}

export type Operation =
  | { op: 'run'; zoom: number; from: number; count: number; seed: number; bytes: number }
  | { op: 'scatter'; zoom: number; count: number; seed: number; bytes: number }
  | { op: 'rewrite'; seed: number; count: number; bytes: number }
  | { op: 'same'; zoom: number; count: number; seed: number }
  | { op: 'remove'; seed: number; count: number }
  | { op: 'commit' }
  | { op: 'abandon' }
  | { op: 'reopen' }
  | { op: 'seal'; placement: 'auto' | 'tail' }
  | { op: 'metadata'; value: number }
  | { op: 'sources'; count: number }
  | { op: 'attachReader' }
  | { op: 'closeReader' }

const zoom = fc.integer({ min: 0, max: 12 })
const seed = fc.integer({ min: 0, max: 1 << 20 })
const bytes = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 6000 }))

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('run' as const),
      zoom,
      from: seed,
      count: fc.integer({ min: 1, max: 900 }),
      seed,
      bytes: fc.integer({ min: 1, max: 60 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('scatter' as const),
      zoom,
      count: fc.integer({ min: 1, max: 40 }),
      seed,
      bytes,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('rewrite' as const),
      seed,
      count: fc.integer({ min: 1, max: 30 }),
      bytes,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('same' as const),
      zoom,
      count: fc.integer({ min: 1, max: 50 }),
      seed,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('remove' as const),
      seed,
      count: fc.integer({ min: 1, max: 30 }),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ op: 'commit' as const }) },
  { weight: 1, arbitrary: fc.constant({ op: 'abandon' as const }) },
  { weight: 1, arbitrary: fc.constant({ op: 'reopen' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('seal' as const),
      placement: fc.constantFrom('auto' as const, 'tail' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('metadata' as const), value: seed }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('sources' as const), count: fc.integer({ min: 0, max: 30 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ op: 'attachReader' as const }) },
  { weight: 1, arbitrary: fc.constant({ op: 'closeReader' as const }) },
)

/** Bytes that depend on the seed in every position. */
export function valueFor(seed: number, length: number): Uint8Array {
  const out = new Uint8Array(length)
  let s = (seed * 2654435761) >>> 0 || 1
  for (let i = 0; i < length; i++) {
    s ^= s << 13
    s ^= s >>> 17
    s ^= s << 5
    out[i] = s
  }
  return out
}

/** The naive Map, and the store beside it. */
export class Model {
  readonly place: Place
  readonly options: WriterOptions
  writer: TileWriter
  reader: FlatReader | undefined
  live = new Map<number, Uint8Array>()
  committed = new Map<number, Uint8Array>()
  metadata: Record<string, unknown> = {}
  committedMetadata: Record<string, unknown> = {}
  sources: readonly SourceRecord[] = []
  committedSources: readonly SourceRecord[] = []

  constructor(place: Place, options: WriterOptions) {
    this.place = place
    this.options = options
    this.writer = TileWriter.create(place.create(), options)
  }

  append(key: number, bytes: Uint8Array): void {
    const [z, x, y] = tileIdToZxy(key)
    this.watch(() => this.writer.append(z, x, y, bytes))
    this.live.set(key, bytes)
  }

  /** A commit that comes by itself comes before the change. */
  private watch(change: () => void): void {
    const before = this.writer.stats.commits
    change()
    if (this.writer.stats.commits !== before) this.committedNow()
  }

  apply(operation: Operation): void {
    switch (operation.op) {
      case 'run': {
        const size = 4 ** operation.zoom
        const start = operation.from % size
        for (let i = 0; i < Math.min(operation.count, size - start); i++)
          this.append(
            zoomBase(operation.zoom) + start + i,
            valueFor(operation.seed + i, 1 + ((operation.bytes + i) % 70)),
          )
        return
      }
      case 'scatter':
        for (let i = 0; i < operation.count; i++) {
          const at = Math.floor(
            (valueFor(operation.seed + i, 4).reduce((a, b) => a * 256 + b, 0) / 2 ** 32) *
              4 ** operation.zoom,
          )
          this.append(zoomBase(operation.zoom) + at, valueFor(operation.seed ^ i, operation.bytes))
        }
        return
      case 'rewrite':
        for (const key of this.some(operation.seed, operation.count))
          this.append(key, valueFor(key ^ operation.seed, operation.bytes))
        return
      case 'same':
        for (let i = 0; i < operation.count; i++)
          this.append(
            zoomBase(operation.zoom) + ((operation.seed + i * 7) % 4 ** operation.zoom),
            valueFor(operation.seed % 5, 700),
          )
        return
      case 'remove':
        for (const key of this.some(operation.seed, operation.count)) {
          const [z, x, y] = tileIdToZxy(key)
          this.watch(() => {
            if (!this.writer.remove(z, x, y)) throw new Error(`remove ${z}/${x}/${y} found nothing`)
          })
          this.live.delete(key)
        }
        return
      case 'commit':
        this.writer.commit()
        this.committedNow()
        return
      case 'abandon':
        this.writer.abandon()
        this.live = new Map(this.committed)
        this.metadata = this.committedMetadata
        this.sources = this.committedSources
        this.writer = TileWriter.reopen(this.place.reopen(true), this.options)
        return
      case 'reopen':
        this.writer.close()
        this.committedNow()
        this.writer = TileWriter.reopen(this.place.reopen(true), this.options)
        return
      case 'seal': {
        const report = this.writer.seal({ placement: operation.placement })
        this.committedNow()
        if (report.tiles !== this.live.size)
          throw new Error(`sealed ${report.tiles} tiles of ${this.live.size}`)
        return
      }
      case 'metadata':
        this.metadata = { value: operation.value, text: 'x'.repeat(operation.value % 50) }
        this.writer.setMetadata(this.metadata)
        return
      case 'sources':
        this.sources = sourcesOf(operation.count)
        this.writer.setSources([...this.sources].reverse())
        return
      case 'attachReader':
        this.reader ??= FlatReader.open(this.place.reopen(false))
        return
      case 'closeReader':
        this.reader?.close()
        this.reader = undefined
    }
  }

  private committedNow(): void {
    this.committed = new Map(this.live)
    this.committedMetadata = this.metadata
    this.committedSources = this.sources
  }

  /** Some of the live keys, without repetition. */
  some(seed: number, count: number): number[] {
    const keys = [...this.live.keys()]
    const picked = new Set<number>()
    for (let i = 0; i < count && keys.length > 0; i++) picked.add(keys[(seed + i * 7919) % keys.length]!)
    return [...picked]
  }

  /** The reader sees what is committed, and nothing else. */
  checkReader(reader: FlatReader): void {
    expectContents(reader, this.committed)
    same(reader.metadata(), this.committedMetadata, 'metadata')
    same(reader.sources(), this.committedSources, 'sources')
  }

  /** The writer sees everything. */
  checkWriter(): void {
    for (const [key, bytes] of [...this.live].slice(0, 200)) {
      const [z, x, y] = tileIdToZxy(key)
      same(this.writer.get(z, x, y)?.bytes, bytes, `writer's ${z}/${x}/${y}`)
    }
  }
}

/** Everything that is expected, and nothing else; `every` n-th tile and its neighbours are read. */
export function expectContents(reader: FlatReader, expected: Map<number, Uint8Array>, every = 1): void {
  const listed = [...reader.tiles()].map((tile) => tile.id)
  const keys = [...expected.keys()].sort((a, b) => a - b)
  same(listed, keys, 'keys')
  const buffer = new Uint8Array(1 << 16)
  let n = 0
  for (const [key, bytes] of expected) {
    if (n++ % every !== 0) continue
    const [z, x, y] = tileIdToZxy(key)
    const tile = reader.get(z, x, y)
    if (tile === undefined || Buffer.compare(tile.bytes, bytes) !== 0)
      throw new Error(`get ${z}/${x}/${y}: ${tile === undefined ? 'missing' : 'other bytes'}`)
    const length = reader.getInto(z, x, y, buffer)
    if (length !== bytes.length || Buffer.compare(buffer.subarray(0, length), bytes) !== 0)
      throw new Error(`getInto ${z}/${x}/${y}: other bytes`)
  }
  // Neighbours of what is there, and both ends of each zoom, must be missing when they are.
  for (const key of new Set(
    keys
      .filter((_, i) => i % every === 0)
      .flatMap((k) => [k - 1, k + 1])
      .concat(probes()),
  )) {
    if (key < 0 || expected.has(key)) continue
    const [z, x, y] = tileIdToZxy(key)
    if (tileId(z, x, y) !== key) throw new Error('key')
    if (reader.get(z, x, y) !== undefined || reader.has(z, x, y)) throw new Error(`${z}/${x}/${y} is there`)
  }
  const counts = new Map<number, number>()
  for (const key of keys) counts.set(tileIdToZxy(key)[0], (counts.get(tileIdToZxy(key)[0]) ?? 0) + 1)
  const levels = reader.levels().filter((level) => level.count > 0)
  same(
    levels.map((level) => [level.zoom, level.count]),
    [...counts],
    'levels',
  )
}

function probes(): number[] {
  return Array.from({ length: 14 }, (_, z) => [zoomBase(z), zoomBase(z + 1) - 1]).flat()
}

function same(actual: unknown, expected: unknown, what: string): void {
  const a = JSON.stringify(actual instanceof Uint8Array ? [...actual] : actual)
  const b = JSON.stringify(expected instanceof Uint8Array ? [...expected] : expected)
  if (a !== b) throw new Error(`${what}: ${a?.slice(0, 300)} instead of ${b?.slice(0, 300)}`)
}

export function expectSound(findings: Finding[]): void {
  const bad = findings.filter((f) => !f.ok)
  if (bad.length > 0) throw new Error(`verify: ${bad.map((f) => `${f.invariant} ${f.message}`).join('; ')}`)
}

/** One random life of a file. */
export function runOperations(place: Place, options: WriterOptions, operations: readonly Operation[]): Model {
  const model = new Model(place, options)
  for (const operation of operations) {
    model.apply(operation)
    if (model.reader !== undefined) model.checkReader(model.reader)
  }
  model.checkWriter()
  model.writer.commit()
  model.apply({ op: 'commit' })
  for (const mode of ['mmap', 'buffered'] as const) {
    const reader = FlatReader.open(place.reopen(false), { mode })
    model.checkReader(reader)
    reader.close()
  }
  const unsealed = place.reopen(false)
  expectSound(verify(unsealed))
  unsealed.close()
  model.apply({ op: 'seal', placement: 'auto' })
  model.writer.close()
  const last = place.reopen(false)
  expectSound(verify(last))
  const reader = FlatReader.open(last)
  model.checkReader(reader)
  reader.close()
  model.reader?.close()
  return model
}
