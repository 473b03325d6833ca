// The power goes at every single operation of a small life of a file (in npm test at one of three), and whatever the
// disk may then hold is opened: everything a commit returned from is there, nothing half-done is, it verifies, and it can be gone on with.
import t from 'tap'
import { tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import type { Capabilities } from '../../src/platform/byte-file.js'
import type { WriterOptions } from '../../src/store/options.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { verify } from '../../src/store/report/verify.js'
import type { GrowthStats } from '../../src/store/write/state.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { FaultFile, SimulatedCrash } from '../helpers/fault-file.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { rounds } from '../helpers/rounds.js'
import { sourcesOf } from '../helpers/sources.js'
import { expectContents, expectSound, valueFor } from './model.js'

const SEED = Number(process.env['FLAGSTONE_TEST_SEED'] ?? Date.now() % 1_000_000_000)
/** Of so many operations one is the last. */
const EVERY = rounds(3, 1)
const OPTIONS: WriterOptions = {
  initialRegionBytes: 4096,
  tailRecords: 10,
  stagingBytes: 4096,
  commitBytes: 0,
}

/** What a disk must hold: the last commit that returned, or the one that was under way. */
class Ledger {
  committed: Map<number, Uint8Array> | undefined
  underWay: Map<number, Uint8Array> | undefined
  live = new Map<number, Uint8Array>()
  /** Numbers of sources: what a disk may hold of them, and what the next commit stores. */
  sources = new Set([0])
  nextSources = 0

  commit(work: () => void): void {
    this.underWay = new Map(this.live)
    this.sources.add(this.nextSources)
    work()
    this.sources = new Set([this.nextSources])
    this.committed = this.underWay
    this.underWay = undefined
  }
}

/** Creates, appends in three levels, grows, rewrites, removes, merges, seals both ways, reopens. */
function live(file: FaultFile, ledger: Ledger, options: WriterOptions): GrowthStats {
  let writer!: TileWriter
  ledger.commit(() => {
    writer = TileWriter.create(file, options)
  })
  const append = (key: number, bytes: Uint8Array): void => {
    const [z, x, y] = tileIdToZxy(key)
    writer.append(z, x, y, bytes)
    ledger.live.set(key, bytes)
  }
  const run = (zoom: number, from: number, count: number, seed: number): void => {
    for (let i = 0; i < count; i++)
      append(zoomBase(zoom) + from + i, valueFor(seed + i, 3 + ((seed + i) % 40)))
  }
  const remember = (count: number): void => {
    writer.setSources(sourcesOf(count))
    ledger.nextSources = count
  }
  run(6, 0, 60, 1)
  run(5, 0, 25, 1000)
  ledger.commit(() => writer.commit())
  run(6, 60, 120, 2)
  run(5, 25, 20, 3)
  writer.setMetadata({ name: 'one' })
  remember(2)
  ledger.commit(() => writer.commit())
  for (let i = 0; i < 26; i++) append(zoomBase(6) + i * 6, valueFor(i + 77, 100))
  const [z, x, y] = tileIdToZxy(zoomBase(6) + 5)
  writer.remove(z, x, y)
  ledger.live.delete(zoomBase(6) + 5)
  ledger.commit(() => writer.commit())
  run(7, 0, 30, 9)
  append(zoomBase(7) + 100, valueFor(5, 5000))
  ledger.commit(() => void writer.seal())
  remember(3)
  run(7, 200, 145, 12)
  run(6, 700, 20, 13)
  append(zoomBase(7) + 5, valueFor(6, 60))
  ledger.commit(() => void writer.seal({ placement: 'tail' }))
  run(4, 0, 10, 14)
  append(zoomBase(7) + 3, valueFor(8, 8))
  ledger.commit(() => writer.close())
  return writer.stats.growth
}

const insert = {}
const relocation = { insertRange: false, collapseRange: false }
/** How many random combinations of what was not synced are tried at each operation, beside every prefix. */
const cases: [string, Partial<Capabilities>, WriterOptions, number][] = [
  ['insert and collapse', insert, OPTIONS, 3],
  ['insert, 64 KiB units', { growthUnitBytes: 65536 }, { ...OPTIONS, initialRegionBytes: 65536 }, 0],
  ['relocation and punch', relocation, OPTIONS, 2],
  ['relocation', { ...relocation, punchHole: false }, { ...OPTIONS, dedupe: false }, 0],
]

for (const [name, capabilities, options, random] of cases) {
  t.test(`${name}${EVERY > 1 ? `, one operation of ${EVERY}` : ''} (seed ${SEED})`, (t) => {
    const undisturbed = new FaultFile(new MemoryFile({ capabilities }))
    const growth = live(undisturbed, new Ledger(), options)
    const moved = capabilities.insertRange === false ? growth.relocations : growth.inserts
    t.ok(growth.merges >= 2 && moved >= 1, JSON.stringify(growth))
    if (capabilities === insert) t.ok(growth.collapses >= 1)
    const operations = undisturbed.operations
    let images = 0
    for (let n = SEED % EVERY; n < operations; n += EVERY) {
      const file = new FaultFile(new MemoryFile({ capabilities }))
      const ledger = new Ledger()
      file.crashAt(n)
      try {
        live(file, ledger, options)
        throw new Error(`operation ${n} did not crash`)
      } catch (error) {
        if (!(error instanceof SimulatedCrash)) throw error
      }
      for (const image of file.crashImages(random, n)) {
        images++
        try {
          examine(image, ledger, options)
        } catch (error) {
          throw new Error(`crash at operation ${n} of ${operations}: ${(error as Error).message}`, {
            cause: error,
          })
        }
      }
    }
    t.pass(`${operations} operations, ${images} images`)
    t.end()
  })
}

function examine(image: MemoryFile, ledger: Ledger, options: WriterOptions): void {
  // Before create() returned there is nothing to hold on to.
  if (ledger.committed === undefined) return
  const expected = readOnly(image, ledger)
  // Between two steps of sealing, the header is there already, or only one of the superblocks.
  expectSound(verify(image.reopen(false)).filter((f) => !['F1', 'F15'].includes(f.invariant)))
  const writer = TileWriter.reopen(image.reopen(), options)
  const added = valueFor(4711, 333)
  writer.append(3, 3, 3, added)
  writer.append(6, 0, 0, added)
  writer.append(7, 127, 127, added)
  expected.set(zoomBase(3) + keyWithin(3, 3, 3), added)
  expected.set(zoomBase(6) + keyWithin(6, 0, 0), added)
  expected.set(zoomBase(7) + keyWithin(7, 127, 127), added)
  writer.commit()
  expectSound(verify(image.reopen(false)))
  writer.seal()
  writer.close()
  const reader = FlatReader.open(image.reopen(false))
  expectContents(reader, expected, 7)
  reader.close()
  expectSound(verify(image.reopen(false)))
}

/** Opens without writing; says which of the two possible states it is. */
function readOnly(image: MemoryFile, ledger: Ledger): Map<number, Uint8Array> {
  const reader = FlatReader.open(image.reopen(false))
  try {
    const sources = reader.sources()
    if (
      !ledger.sources.has(sources.length) ||
      JSON.stringify(sources) !== JSON.stringify(sourcesOf(sources.length))
    )
      throw new Error(`${sources.length} sources, not ${[...ledger.sources].join(' or ')}`)
    const state = [ledger.committed!, ledger.underWay].find(
      (candidate) => candidate !== undefined && candidate.size === [...reader.tiles()].length,
    )
    if (state === undefined) throw new Error('neither the last commit nor the one under way')
    try {
      expectContents(reader, state)
      return new Map(state)
    } catch (error) {
      if (ledger.underWay === undefined || state === ledger.underWay) throw error
      expectContents(reader, ledger.underWay)
      return new Map(ledger.underWay)
    }
  } finally {
    reader.close()
  }
}

function keyWithin(z: number, x: number, y: number): number {
  let id = 0
  for (let s = 2 ** z / 2; s >= 1; s /= 2) {
    const rx = Math.floor(x / s) % 2
    const ry = Math.floor(y / s) % 2
    id += s * s * ((3 * rx) ^ ry)
    if (ry === 0) {
      if (rx === 1) {
        x = 2 ** z - 1 - x
        y = 2 ** z - 1 - y
      }
      ;[x, y] = [y, x]
    }
  }
  return id
}
