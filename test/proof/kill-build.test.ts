// kill -9 of a build at random moments: what is left can be resumed, and ends as the same tiles as an undisturbed
// build. Moments count in processor time of the build, which other programs hardly change. (FLAGSTONE_KILLS: how many
// moments; FLAGSTONE_TEST_SEED: those of an earlier run.)

import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openRealFile } from '../../src/platform/real-file.js'
import { build } from '../../src/pyramid/build.js'
import { verify } from '../../src/store/report/verify.js'
import { startChild } from '../helpers/processes.js'
import { randomFrom } from '../helpers/random.js'
import { ofLong, rounds } from '../helpers/rounds.js'
import { expectSound } from '../store/model.js'
import { smallBuild, tilesOf } from './small-build.js'

const SEED = Number(process.env['FLAGSTONE_TEST_SEED'] ?? Date.now() % 1_000_000_000)
const LONG = 16
const KILLS = rounds(6, LONG, 'FLAGSTONE_KILLS')
const AT_ONCE = 2
const child = new URL('./build-child.js', import.meta.url)

t.setTimeout(1_800_000)
t.test(`${KILLS} builds killed (seed ${SEED}${ofLong(LONG)})`, async (t) => {
  const directory = t.testdir()
  const reference = join(directory, 'reference.pmtiles')
  const undisturbed = startChild(child, [reference, 'fresh'])
  t.equal((await undisturbed.end({ seconds: 900 })).code, 0)
  const cpuMsAt = (word: string): number =>
    Number(undisturbed.lines.find((l) => l.startsWith(word))!.split(' ')[1])
  const lastsMs = cpuMsAt('done') - cpuMsAt('ready')
  t.comment(`an undisturbed build takes ${lastsMs} ms of processor time (and ${cpuMsAt('ready')} to start)`)
  const expected = tilesOf(reference)
  const random = randomFrom(SEED)
  const lives = Array.from({ length: KILLS }, (_, i) => ({
    name: `life-${i}`,
    kills: [1, 1, 2, 3][Math.floor(random() * 4)]!,
    when: Array.from({ length: 3 }, () => random() * lastsMs),
    overwrites: random() < 0.2,
  }))
  const seen = { killed: 0, early: 0, midway: 0, complete: 0 }
  const live = async ({ name, kills, when, overwrites }: (typeof lives)[number]): Promise<void> => {
    const home = join(directory, name)
    mkdirSync(home)
    const out = join(home, 'out.pmtiles')
    for (let n = 0; n < kills; n++) {
      const work = startChild(child, [out, n === 0 ? 'fresh' : 'resume'])
      await work.line('ready')
      // A build that continues has less to do.
      await work.spend(when[n]! / (n + 1))
      work.kill('SIGKILL')
      const { code, signal } = await work.end({ seconds: 900 })
      if (signal === 'SIGKILL') seen.killed++
      else if (code !== 0 && !/NOT_RESUMABLE: .*(complete)/.test(work.stderr)) throw new Error(work.stderr)
      if (!existsSync(`${out}.build`)) break
    }
    if (!existsSync(out) && !existsSync(`${out}.build`)) seen.early++
    else if (existsSync(`${out}.build`)) seen.midway++
    else seen.complete++
    if (existsSync(out) && !existsSync(`${out}.build`)) {
      // Complete: the file was sealed and the checkpoint removed before the kill came.
      finished(out, expected)
    }
    if (overwrites || existsSync(`${out}.build`) || !existsSync(out)) {
      const how = overwrites ? { overwrite: true } : { resume: true }
      await build({ ...smallBuild(out), ...how, threads: 0 })
    }
    finished(out, expected)
    const left = readdirSync(home)
    if (left.length !== 1) throw new Error(`left behind: ${left}`)
    rmSync(home, { recursive: true })
  }
  const queue = [...lives]
  const work = async (): Promise<void> => {
    for (let life = queue.pop(); life !== undefined; life = queue.pop()) {
      try {
        await live(life)
      } catch (error) {
        t.fail(`${JSON.stringify(life)}: ${(error as Error).stack}`)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  t.comment(JSON.stringify(seen))
  t.ok(seen.killed > KILLS / 2, 'most were killed')
  t.ok(seen.midway > KILLS / 4, 'many with work done and work left')
})

function finished(out: string, expected: Map<number, string>): void {
  const file = openRealFile(out, 'read')
  expectSound(verify(file))
  file.close()
  const found = tilesOf(out)
  if (found.size !== expected.size) throw new Error(`${found.size} tiles, not ${expected.size}`)
  for (const [id, tile] of expected)
    if (found.get(id) !== tile) throw new Error(`tile ${id} is ${found.has(id) ? 'another' : 'missing'}`)
}
