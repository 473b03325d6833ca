// kill -9 of a writer at random moments: the file opens, holds everything whose commit returned, verifies, and
// can be gone on with. A moment is a step that the writer has come to, and a little later: by the clock alone most
// would die at birth where much else runs. (FLAGSTONE_KILLS: how many moments; FLAGSTONE_TEST_SEED: those of an
// earlier run.)

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { tileIdToZxy } from '../../src/format/tile-id.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { currentSuperblock } from '../../src/store/file/superblocks.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { verify } from '../../src/store/report/verify.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { sleep, startChild } from '../helpers/processes.js'
import { randomFrom } from '../helpers/random.js'
import { ofLong, rounds } from '../helpers/rounds.js'
import { expectSound } from '../store/model.js'
import { applyTo, expectedAfter, SCRIPT_OPTIONS, sourcesAfter } from './script.js'
import { versionOf } from './values.js'

const SEED = Number(process.env['FLAGSTONE_TEST_SEED'] ?? Date.now() % 1_000_000_000)
const LONG = 200
const KILLS = rounds(25, LONG, 'FLAGSTONE_KILLS')
const AT_ONCE = 3
/** Sealing is step 4's, reopening step 6's. */
const STEPS = 9
/** More than a step takes. */
const MOST_MS = 40

interface Life {
  readonly i: number
  readonly seed: number
  readonly growth: 'auto' | 'relocate'
  /** The moment of death: so long after the writer said this. */
  readonly after: 'ready' | 'created' | `begin ${number}`
  readonly ms: number
}

interface Outcome {
  readonly committed: number
  readonly pending: boolean
  readonly sealed: boolean
  readonly between: boolean
}

/** One life and death; throws what is wrong. */
async function killed(path: string, { seed, growth, ms, after }: Life): Promise<Outcome> {
  const child = startChild(new URL('./kill-child.js', import.meta.url), [path, seed, growth])
  await child.line(after)
  await sleep(Math.floor(ms))
  // A little more, by burning: sleep knows whole milliseconds only.
  for (const end = performance.now() + (ms % 1); performance.now() < end; );
  child.kill('SIGKILL')
  const { signal } = await child.end({ seconds: 900 })
  if (signal !== 'SIGKILL') throw new Error(`the writer ended by itself: ${child.stderr}`)
  const number = (word: string): number =>
    Number(child.lines.findLast((line) => line.startsWith(`${word} `))?.split(' ')[1] ?? -1)
  const committed = number('committed')
  const begun = number('begin')
  if (!child.lines.includes('created')) {
    afterBirth(path)
    return { committed: -1, pending: false, sealed: false, between: false }
  }
  const file = openRealFile(path, 'read')
  const pending = currentSuperblock(file).pending !== undefined
  const reader = FlatReader.open(file)
  const found = (reader.metadata() as { step?: number }).step ?? -1
  // What was in the middle of its commit may have got through, whole.
  if (found !== committed && !(found === begun && begun === committed + 1))
    throw new Error(`step ${found} is in the file, committed was ${committed}, begun ${begun}`)
  expectExactly(reader, expectedAfter(seed, found))
  if (JSON.stringify(reader.sources()) !== JSON.stringify(sourcesAfter(found)))
    throw new Error(`${reader.sources().length} sources, not those of step ${found}`)
  const { sealed } = reader
  reader.close()
  const again = openRealFile(path, 'read')
  expectSound(verify(again))
  again.close()
  goOn(path, seed, found)
  return { committed, pending, sealed, between: found !== committed }
}

/** Killed while the file was being made: it is no tile file yet, or an empty one; never something half. */
function afterBirth(path: string): void {
  try {
    const file = openRealFile(path, 'read')
    FlatReader.open(file).close()
  } catch (error) {
    const { code } = error as FlagstoneError
    if (!(error instanceof FlagstoneError) || (code !== 'NOT_FOUND' && code !== 'NOT_A_TILE_FILE'))
      throw error
  }
}

function expectExactly(reader: FlatReader, expected: Map<number, number>): void {
  let listed = 0
  for (const tile of reader.tiles()) {
    if (!expected.has(tile.id)) throw new Error(`key ${tile.id} is in the file, and should not be`)
    listed++
  }
  if (listed !== expected.size) throw new Error(`${listed} tiles are listed, ${expected.size} were committed`)
  for (const [key, version] of expected) {
    const tile = reader.get(...tileIdToZxy(key))
    if (tile === undefined) throw new Error(`key ${key} is missing`)
    const actual = versionOf(key, tile.bytes)
    if (actual !== version) throw new Error(`key ${key} has version ${actual}, not ${version}`)
  }
}

/** Two more steps, a seal, and all is there. */
function goOn(path: string, seed: number, found: number): void {
  const real = openRealFile(path, 'readwrite')
  // A kill takes nothing that was written: to go on, nobody has to wait for the disk (power loss is another test).
  const writer = TileWriter.reopen(Object.assign(real, { sync: () => {} }), SCRIPT_OPTIONS)
  for (let n = found + 1; n <= found + 2; n++) {
    applyTo(writer, seed, n)
    writer.commit()
  }
  writer.seal()
  writer.close()
  const file = openRealFile(path, 'read')
  const reader = FlatReader.open(file)
  expectExactly(reader, expectedAfter(seed, found + 2))
  reader.close()
  const again = openRealFile(path, 'read')
  expectSound(verify(again))
  again.close()
}

function momentOf(random: number): Life['after'] {
  if (random < 0.1) return 'ready'
  if (random < 0.15) return 'created'
  return `begin ${Math.floor(((random - 0.15) / 0.85) * STEPS)}`
}

t.setTimeout(1_800_000)
t.test(`${KILLS} writers killed (seed ${SEED}${ofLong(LONG)})`, async (t) => {
  const directory = t.testdir()
  const random = randomFrom(SEED)
  const lives = Array.from(
    { length: KILLS },
    (_, i): Life => ({
      i,
      seed: Math.floor(random() * 1e6),
      growth: random() < 0.6 ? 'auto' : 'relocate',
      after: momentOf(random()),
      ms: random() * MOST_MS,
    }),
  )
  const outcomes: Outcome[] = []
  const failures: string[] = []
  const work = async (): Promise<void> => {
    for (let life = lives.pop(); life !== undefined; life = lives.pop()) {
      const path = join(directory, `${life.i}.pmtiles`)
      try {
        outcomes.push(await killed(path, life))
        rmSync(path, { force: true })
      } catch (error) {
        failures.push(`${JSON.stringify(life)}: ${(error as Error).stack}`)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  for (const failure of failures) t.fail(failure)
  const count = (test: (outcome: Outcome) => boolean): number => outcomes.filter(test).length
  t.comment(
    `of ${outcomes.length}: ${count((o) => o.committed < 0)} before the first commit, ${count((o) => o.between)} with a commit that had not returned, ${count((o) => o.pending)} within an announced INSERT_RANGE, ${count((o) => o.sealed)} sealed; steps committed: ${outcomes.reduce((sum, o) => sum + o.committed + 1, 0)}`,
  )
  t.equal(outcomes.length + failures.length, KILLS)
  t.ok(count((o) => o.committed >= 0) > KILLS / 3, 'most died in the middle of their work')
})
