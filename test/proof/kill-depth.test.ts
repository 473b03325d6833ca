// Builds of sources of several depths: on any number of threads, with other memory, and after kill -9 at random moments
// the same tiles. Moments count in processor time. (FLAGSTONE_KILLS: how many; FLAGSTONE_TEST_SEED: those of an earlier
// run.)
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { build } from '../../src/pyramid/build.js'
import { verifyTiles } from '../../src/sampling/verify.js'
import { startChild } from '../helpers/processes.js'
import { randomFrom } from '../helpers/random.js'
import { ofLong, rounds } from '../helpers/rounds.js'
import { tilesOf } from '../pyramid/images.js'
import { depthBuild, KINDS, writeImages } from './depth-build.js'

const SEED = Number(process.env['FLAGSTONE_TEST_SEED'] ?? Date.now() % 1_000_000_000)
const LONG = 20
const KILLS = rounds(1, LONG, 'FLAGSTONE_KILLS')
const child = new URL('./depth-child.js', import.meta.url)

t.setTimeout(1_800_000)
const dir = t.testdir()
for (const kind of KINDS) {
  t.test(`${kind}: ${KILLS} kills (seed ${SEED}${ofLong(LONG)})`, async (t) => {
    writeImages(dir, kind)
    const reference = join(dir, `${kind}.pmtiles`)
    const undisturbed = startChild(child, [dir, kind, reference, 'fresh', 1])
    t.equal((await undisturbed.end({ seconds: 900 })).code, 0, undisturbed.stderr)
    const expected = tilesOf(reference)
    t.match(await verifyTiles(reference, { decode: true }), { ok: true })
    const zooms = new Set(Object.keys(expected).map((key) => Number(key.split('/')[0])))
    t.same(
      [...zooms].sort((a, b) => a - b),
      [4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
    )
    for (const more of [{ threads: 0 }, { threads: 5, memLimit: 2 ** 28 }]) {
      const out = join(dir, 'other.pmtiles')
      await build({ ...depthBuild(dir, kind, out), overwrite: true, ...more })
      t.same(tilesOf(out), expected, JSON.stringify(more))
    }
    const cpuMsAt = (word: string): number =>
      Number(undisturbed.lines.find((line) => line.startsWith(word))!.split(' ')[1])
    const lastsMs = cpuMsAt('done') - cpuMsAt('ready')
    t.comment(`an undisturbed build takes ${lastsMs} ms of processor time`)
    const random = randomFrom(SEED)
    const seen = { killed: 0, midway: 0 }
    for (let n = 0; n < KILLS; n++) {
      const home = join(dir, `life-${n}`)
      mkdirSync(home)
      const out = join(home, 'out.pmtiles')
      const when = lastsMs * (0.2 + 0.75 * random())
      const work = startChild(child, [dir, kind, out, 'fresh', (n + 2) % 3])
      await work.line('ready')
      await work.spend(when)
      work.kill('SIGKILL')
      if ((await work.end({ seconds: 900 })).signal === 'SIGKILL') seen.killed++
      const isMidway = existsSync(`${out}.build`)
      if (isMidway) seen.midway++
      // on another number of threads
      if (isMidway || !existsSync(out))
        await build({ ...depthBuild(dir, kind, out), resume: isMidway, threads: n % 3 })
      t.same(tilesOf(out), expected, `killed after ${Math.round(when)} ms${isMidway ? ', resumed' : ''}`)
      t.same(readdirSync(home), ['out.pmtiles'], 'nothing is left behind')
      rmSync(home, { recursive: true })
    }
    t.comment(JSON.stringify(seen))
    t.ok(seen.killed > 0, 'some were killed')
  })
}
