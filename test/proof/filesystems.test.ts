// The same life of a file on every file system: the same contents, whatever it grows by.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type t as tap } from 'tap'
import { tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import { openRealFile } from '../../src/platform/real-file.js'
import type { WriterOptions } from '../../src/store/options.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { verify } from '../../src/store/report/verify.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { FILE_SYSTEMS, mountFor } from '../helpers/mounts.js'
import { openPeer } from '../helpers/peer.js'
import { ofLong, rounds } from '../helpers/rounds.js'
import { expectSound, Model, type Operation, operation, type Place } from '../store/model.js'

const SEED = Number(process.env['FLAGSTONE_TEST_SEED'] ?? Date.now() % 1_000_000_000)
const LONG_LIVES = 2
const LIVES = rounds(1, LONG_LIVES)
/** Every level begins with one unit and small tails are merged soon: growth all the time. */
const OPTIONS: WriterOptions = {
  initialRegionBytes: 24,
  tailRecords: 30,
  stagingBytes: 16384,
  commitBytes: 0,
}

interface Growth {
  inserts: number
  relocations: number
  extensions: number
  merges: number
}

/** Several levels growing at once, in turn, each in order. */
function* together(seed: number): Generator<Operation> {
  for (let round = 0; round < 8; round++) {
    for (let zoom = 5; zoom <= 12; zoom++)
      yield { op: 'run', zoom, from: round * 220 + seed, count: 220, seed: round * 31 + seed, bytes: 20 }
    yield { op: 'commit' }
  }
}

function livesFrom(seed: number): Operation[][] {
  return Array.from({ length: LIVES }, (_, life) => {
    const random = fc.sample(operation, { seed: seed + life, numRuns: 45 })
    return [...random.slice(0, 20), ...together(seed % 1000), ...random.slice(20)]
  })
}

function live(place: Place, operations: readonly Operation[], growth: Growth, n: number): Model {
  // Every other one writes past the page cache, where there is such a thing.
  const model = new Model(place, { ...OPTIONS, cache: (n + SEED) % 2 === 0 ? 'keep' : 'drop' })
  const note = (): void => {
    const stats = model.writer.stats.growth
    growth.inserts += stats.inserts
    growth.relocations += stats.relocations
    growth.extensions += stats.extensions
    growth.merges += stats.merges
  }
  for (const operation of operations) {
    if (operation.op === 'reopen' || operation.op === 'abandon') note()
    model.apply(operation)
    if (operation.op === 'seal' && model.reader !== undefined) model.checkReader(model.reader)
  }
  model.checkWriter()
  model.apply({ op: 'commit' })
  check(place, model)
  model.apply({ op: 'seal', placement: 'auto' })
  check(place, model)
  model.apply({ op: 'closeReader' })
  // Again from the sealed file.
  note()
  model.apply({ op: 'reopen' })
  for (const operation of together(77)) model.apply(operation)
  model.apply({ op: 'rewrite', seed: 5, count: 20, bytes: 500 })
  model.apply({ op: 'remove', seed: 6, count: 20 })
  model.apply({ op: 'seal', placement: 'auto' })
  note()
  model.writer.close()
  check(place, model, ['mmap', 'buffered'])
  return model
}

function check(place: Place, model: Model, modes: readonly ('mmap' | 'buffered')[] = ['mmap']): void {
  for (const mode of modes) {
    const reader = FlatReader.open(place.reopen(false), { mode })
    model.checkReader(reader)
    reader.close()
  }
  const file = place.reopen(false)
  expectSound(verify(file))
  file.close()
}

function digestOf(contents: Map<number, Uint8Array>): string {
  const hash = createHash('sha256')
  for (const [key, bytes] of [...contents].sort(([a], [b]) => a - b)) hash.update(`${key}:`).update(bytes)
  return hash.digest('hex')
}

t.setTimeout(1_800_000)
const expected: string[] = []
t.test(`in memory (seed ${SEED})`, (t) => {
  const growths: Growth[] = []
  for (const [n, operations] of livesFrom(SEED).entries()) {
    const growth = { inserts: 0, relocations: 0, extensions: 0, merges: 0 }
    growths.push(growth)
    const file = new MemoryFile()
    const place = { create: () => file, reopen: (writable: boolean) => file.reopen(writable) }
    expected.push(digestOf(live(place, operations, growth, n).committed))
  }
  t.comment(JSON.stringify(growths))
  t.equal(new Set(expected).size, LIVES)
  t.end()
})

for (const [number, name] of FILE_SYSTEMS.entries())
  t.test(`${name}, a life of a file${ofLong(LONG_LIVES)} (seed ${SEED})`, async (t) => {
    const mount = mountFor(t, name)
    if (typeof mount === 'string') return t.comment(`skipped: ${mount}`)
    const growth = { inserts: 0, relocations: 0, extensions: 0, merges: 0 }
    for (const [n, operations] of livesFrom(SEED).entries()) {
      const path = join(mount.directory, `${n}.pmtiles`)
      const model = live(
        {
          create: () => openRealFile(path, 'create'),
          reopen: (writable) => openRealFile(path, writable ? 'readwrite' : 'read'),
        },
        operations,
        growth,
        number + n,
      )
      t.equal(digestOf(model.committed), expected[n], `life ${n}: contents as in memory`)
      await samePeer(t as typeof tap, path, model.committed)
    }
    t.comment(`${name}: ${JSON.stringify(growth)}`)
    // A unit of bigalloc holds 16 times as many records, so there is less to grow.
    const bigalloc = name === 'ext4-bigalloc'
    const enough = (bigalloc ? 2.5 : 15) * LIVES
    const all = growth.inserts + growth.relocations + growth.extensions + growth.merges
    t.ok(all >= (bigalloc ? 25 : 75) * LIVES, `${all} growths`)
    const inserting = name.startsWith('ext4') || name === 'xfs'
    if (inserting) t.ok(growth.inserts >= enough, 'by INSERT_RANGE')
    else {
      t.ok(growth.relocations >= enough, 'by relocation')
      t.equal(growth.inserts, 0)
    }
    return undefined
  })

/** The pmtiles package reads every tile byte for byte, and no other. */
async function samePeer(t: typeof tap, path: string, contents: Map<number, Uint8Array>): Promise<void> {
  const peer = openPeer(path)
  let wrong = 0
  for (const [key, bytes] of contents) {
    const found = await peer.get(...tileIdToZxy(key))
    if (found === undefined || Buffer.compare(found, bytes) !== 0) wrong++
  }
  for (let zoom = 0; zoom <= 12; zoom++)
    for (const at of [0, 4 ** zoom - 1, (SEED * 7) % 4 ** zoom]) {
      const key = zoomBase(zoom) + at
      if (!contents.has(key) && (await peer.get(...tileIdToZxy(key))) !== undefined) wrong++
    }
  peer.close()
  t.equal(wrong, 0, `pmtiles agrees on ${contents.size} tiles`)
}
