// Values that go past the page cache by another thread: the same contents, whatever commits, growths and
// repetitions come between; and a full disk is one sentence, with nothing committed lost.

import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { createTiles, reopenTiles } from '../../src/store/paths.js'
import { openTiles } from '../../src/store/read/open.js'
import { verify } from '../../src/store/report/verify.js'
import { mountFor } from '../helpers/mounts.js'
import { integersFrom } from '../helpers/random.js'
import { ofLong, rounds } from '../helpers/rounds.js'

const SEED = Number(process.env['FLAGSTONE_TEST_SEED'] ?? Date.now() % 1_000_000_000)
const LONG = 15
const RUNS = rounds(4, LONG)

/** A value that says which it is, `length` bytes. */
function value(n: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  const byte = integersFrom(n + 1)
  for (let i = 0; i < length; i++) bytes[i] = byte(256)
  return bytes
}

function findings(path: string): string[] {
  const file = openRealFile(path, 'read')
  try {
    return verify(file)
      .filter((finding) => !finding.ok)
      .map((finding) => finding.message)
  } finally {
    file.close()
  }
}

t.setTimeout(1_800_000)

for (const growth of ['insert', 'relocate'] as const)
  t.test(
    `any order of appends, commits and reopens, growth by ${growth}, ${RUNS} runs (seed ${SEED}${ofLong(LONG)})`,
    (t) => {
      const dir = t.testdir()
      let run = 0
      const step = fc.record({
        zoom: fc.integer({ min: 6, max: 9 }),
        length: fc.oneof(
          fc.integer({ min: 1, max: 200 }),
          fc.integer({ min: 4000, max: 15000 }),
          fc.constant(16000),
        ),
        repeat: fc.boolean(),
        after: fc.oneof(
          { weight: 40, arbitrary: fc.constant('go on') },
          { weight: 1, arbitrary: fc.constant('commit') },
          { weight: 1, arbitrary: fc.constant('reopen') },
        ),
      })
      fc.assert(
        fc.property(fc.array(step, { minLength: 200, maxLength: 600, size: 'max' }), (steps) => {
          const path = join(dir, `${growth}-${run++}.pmtiles`)
          const options = {
            cache: 'drop',
            growth,
            stagingBytes: 65536,
            initialRegionBytes: 24,
            commitBytes: 0,
          } as const
          let writer = createTiles(path, options)
          const expected = new Map<string, Uint8Array>()
          const next = new Map<number, number>()
          let last = value(0, 5000)
          for (const [n, { zoom, length, repeat, after }] of steps.entries()) {
            const x = next.get(zoom) ?? 0
            if (x >= 2 ** zoom) continue
            next.set(zoom, x + 1)
            if (!repeat) last = value(n, length)
            writer.append(zoom, x, x, last)
            expected.set(`${zoom}/${x}`, last)
            if (n % 7 === 0 && Buffer.compare(writer.get(zoom, x, x)!.bytes, last) !== 0) return false
            if (after === 'commit') writer.commit()
            if (after === 'reopen') {
              writer.close()
              writer = reopenTiles(path, options)
            }
          }
          writer.seal()
          writer.close()
          const reader = openTiles(path)
          for (const [at, bytes] of expected) {
            const [z, x] = at.split('/').map(Number) as [number, number]
            if (Buffer.compare(reader.get(z, x, x)!.bytes, bytes) !== 0) return false
          }
          reader.close()
          return findings(path).length === 0
        }),
        { seed: SEED, numRuns: RUNS },
      )
      t.end()
    },
  )

t.test('a full disk', (t) => {
  const mount = mountFor(t, 'ext4', { mib: 24 })
  if (typeof mount === 'string') {
    t.comment(`skipped: ${mount}`)
    return t.end()
  }
  const path = join(mount.directory, 'full.pmtiles')
  const writer = createTiles(path, { cache: 'drop', stagingBytes: 1 << 18, commitBytes: 0 })
  let committed = 0
  let appended = 0
  let failure: unknown
  try {
    for (; appended < 4096; appended++) {
      writer.append(12, appended, 0, value(appended, 12000))
      if (appended % 200 === 199) {
        writer.commit()
        committed = appended + 1
      }
    }
  } catch (error) {
    failure = error
  }
  t.ok(failure instanceof FlagstoneError && failure.code === 'DISK_FULL', String(failure))
  t.ok(committed > 0 && committed <= appended, `${committed} of ${appended} were committed`)
  writer.abandon()
  const reader = openTiles(path)
  for (let x = 0; x < committed; x++) {
    if (Buffer.compare(reader.get(12, x, 0)!.bytes, value(x, 12000)) !== 0) t.fail(`tile ${x} is wrong`)
  }
  reader.close()
  return t.end()
})

t.test('a thread that is not needed any more does not keep the process, nor the file', (t) => {
  const path = join(t.testdir(), 'a.pmtiles')
  for (let n = 0; n < 20; n++) {
    const writer =
      n === 0
        ? createTiles(path, { cache: 'drop', stagingBytes: 4096 })
        : reopenTiles(path, { cache: 'drop', stagingBytes: 4096 })
    for (let i = 0; i < 20; i++) writer.append(10, n * 20 + i, n, value(n * 20 + i, 1000))
    if (n % 2 === 0) writer.close()
    else writer.abandon()
  }
  t.same(findings(path), [])
  t.equal([...openTiles(path).tiles()].length, 200, 'what was abandoned is not there')
  t.end()
})
