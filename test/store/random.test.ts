// Random lives of a file against a naive Map, on every kind of file there is without mounting anything.
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { Capabilities } from '../../src/platform/byte-file.js'
import { openRealFile } from '../../src/platform/real-file.js'
import type { WriterOptions } from '../../src/store/options.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { ofLong, rounds } from '../helpers/rounds.js'
import { operation, type Place, runOperations } from './model.js'

const SEED = Number(process.env['FLAGSTONE_TEST_SEED'] ?? Date.now() % 1_000_000_000)
const LONG = 25
const RUNS = rounds(8, LONG, 'FLAGSTONE_TEST_RUNS')

function memory(capabilities: Partial<Capabilities> = {}): () => Place {
  return () => {
    const file = new MemoryFile({ capabilities })
    return { create: () => file, reopen: (writable) => file.reopen(writable) }
  }
}

let files = 0
function real(directory: string): () => Place {
  return () => {
    const path = join(directory, `${files++}.pmtiles`)
    return {
      create: () => openRealFile(path, 'create'),
      reopen: (writable) => openRealFile(path, writable ? 'readwrite' : 'read'),
    }
  }
}

const SMALL: WriterOptions = { initialRegionBytes: 4096, tailRecords: 20, stagingBytes: 4096, commitBytes: 0 }
const noInsert = { insertRange: false, collapseRange: false }

const cases: [string, (t: Tap) => () => Place, WriterOptions, number][] = [
  ['memory, insert', () => memory(), SMALL, RUNS],
  ['memory, relocation', () => memory({ ...noInsert, punchHole: false }), SMALL, RUNS],
  ['memory, relocation with punch', () => memory(noInsert), SMALL, RUNS],
  ['memory, insert without collapse', () => memory({ collapseRange: false }), SMALL, RUNS],
  ['memory, 64 KiB units', () => memory({ growthUnitBytes: 65536 }), SMALL, RUNS / 2],
  [
    'memory, hints, big tails, auto commit',
    () => memory(),
    { levels: [{ zoom: 9, expectedTiles: 3000 }], commitBytes: 20000 },
    RUNS / 2,
  ],
  [
    'memory, no dedupe, relocation by choice',
    () => memory(),
    { ...SMALL, dedupe: false, growth: 'relocate' },
    RUNS / 2,
  ],
  ['real file', (t) => real(t.testdir()), SMALL, RUNS / 2],
  ['real file, relocation', (t) => real(t.testdir()), { ...SMALL, growth: 'relocate' }, RUNS / 4],
]
interface Tap {
  testdir(): string
}

for (const [name, place, options, numRuns] of cases) {
  t.test(
    `${name}, ${Math.ceil(numRuns)} lives (seed ${SEED}${ofLong(Math.ceil((numRuns * LONG) / RUNS))})`,
    (t) => {
      const newPlace = place(t)
      fc.assert(
        fc.property(fc.array(operation, { minLength: 10, maxLength: 40, size: 'max' }), (operations) => {
          runOperations(newPlace(), options, operations)
        }),
        { seed: SEED, numRuns: Math.ceil(numRuns), endOnFailure: false, interruptAfterTimeLimit: 60_000 },
      )
      t.pass(`${Math.ceil(numRuns)} lives`)
      t.end()
    },
  )
}
