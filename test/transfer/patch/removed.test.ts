// The list of tiles that a patch removes: any keys come back, and nothing else is believed.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { crc32 } from '../../../src/format/crc.js'
import { zoomBase } from '../../../src/format/tile-id.js'
import { type RunChunk, RunsWriter, readRuns } from '../../../src/transfer/patch/removed.js'
import { root } from '../../helpers/paths.js'
import { integersFrom } from '../../helpers/random.js'

const SEED = Number(process.env['FLAGSTONE_TEST_SEED'] ?? Date.now() % 1_000_000)

function written(keys: Iterable<number>, chunkBytes?: number) {
  const stored: Uint8Array[] = []
  const writer = new RunsWriter((chunk) => stored.push(chunk.slice()) - 1, chunkBytes)
  for (const key of keys) writer.add(key)
  const chunks = writer.finish()
  return { chunks, stored, tiles: writer.tiles }
}

const runsOf = (chunks: readonly RunChunk[], stored: readonly Uint8Array[]) => [
  ...readRuns('p.patch', chunks, ({ offset }) => stored[offset]!),
]

t.test(`any keys, in chunks of any size (seed ${SEED})`, (t) => {
  const below = integersFrom(SEED)
  for (let round = 0; round < 100; round++) {
    const keys = new Set<number>()
    for (let n = below(200); n > 0; n--) {
      let key = below(4) === 0 ? zoomBase(26) + below(2 ** 30) : below(500)
      for (let run = 1 + below(5); run > 0; run--) keys.add(key++)
    }
    const ascending = [...keys].sort((a, b) => a - b)
    const { chunks, stored, tiles } = written(ascending, 16 + below(100))
    t.equal(tiles, keys.size)
    const found: number[] = []
    for (const { key, end } of runsOf(chunks, stored)) for (let id = key; id < end; id++) found.push(id)
    if (found.join() !== ascending.join()) t.same(found, ascending)
  }
  t.end()
})

t.test('the example of the format', (t) => {
  const text = readFileSync(join(root, 'formats/patch-1.md'), 'utf8')
  const [, bytes] = /5, 6, 8 and 300 are removed.* `([0-9A-F ]+)`/.exec(text)!
  const { stored } = written([5, 6, 8, 300])
  t.equal(Buffer.from(stored[0]!).toString('hex').toUpperCase(), bytes!.replaceAll(' ', ''))
  t.end()
})

t.test('neighbours cost nothing, and single tiles little', (t) => {
  function* every(step: number): Generator<number> {
    for (let n = 0; n < 300_000; n++) yield n * step
  }
  t.ok(written(every(1)).chunks[0]!.length < 5)
  const { chunks } = written(every(3))
  t.ok(chunks.reduce((sum, { length }) => sum + length, 0) <= 600_000, 'two bytes each')
  t.end()
})

t.test('what no writer writes is damage', (t) => {
  const of = (...lists: number[][]) => {
    const stored = lists.map((list) => new Uint8Array(list))
    return [
      stored.map((bytes, offset) => ({ offset, length: bytes.length, crc: crc32(bytes) })),
      stored,
    ] as const
  }
  t.same(runsOf(...of([5, 2, 1, 1], [200, 1, 1])), [
    { key: 5, end: 7 },
    { key: 8, end: 9 },
    { key: 200, end: 201 },
  ])
  const wrong = {
    'a run of nothing': of([5, 0]),
    'half a run': of([5]),
    'half a number': of([5, 128]),
    'a number without an end': of([5, ...Array<number>(9).fill(255), 1]),
    'beyond the last zoom': of([0, 255, 255, 255, 255, 255, 255, 255, 15]),
    'runs that touch': of([5, 2, 0, 1]),
    'chunks that touch': of([5, 2], [7, 1]),
    'chunks in another order': of([50, 1], [5, 1]),
  }
  for (const [what, [chunks, stored]] of Object.entries(wrong))
    t.throws(() => runsOf(chunks, stored), { code: 'DAMAGED' }, what)
  const [chunks, stored] = of([5, 2])
  t.throws(() => runsOf([{ ...chunks[0]!, crc: 1 }], stored), { code: 'DAMAGED' }, 'another checksum')
  t.end()
})
