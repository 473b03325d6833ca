// A disk that fills up in the middle of a build: one sentence, nothing committed lost, and --resume goes on.
import { closeSync, existsSync, openSync, rmSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FALLOC } from '../../src/platform/byte-file.js'
import { fallocate } from '../../src/platform/fallocate.js'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import { readCheckpoint } from '../../src/pyramid/output/checkpoint.js'
import { verifyTiles } from '../../src/sampling/verify.js'
import { mountFor } from '../helpers/mounts.js'
import { type ImageOptions, openerOf, type Paint, tilesOf } from './images.js'

/** Noise in one band, so that tiles are large. */
const noisy: Paint = (x, y) => {
  let h = Math.imul(x ^ (y << 15), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return [(h >>> 16) & 255, x & 127, y & 127, 255]
}
const strip: ImageOptions = { zoom: 12, x: 100, y: 5000, width: 12288, height: 256, paint: noisy }

/** Takes all space but so many bytes. */
function fill(path: string, left: number): void {
  const { bavail, bsize } = statfsSync(join(path, '..'))
  const fd = openSync(path, 'w')
  fallocate(fd, FALLOC.ALLOCATE, 0, Math.ceil(bavail * bsize - left))
  closeSync(fd)
}

const openSource = openerOf(strip)
const optionsFor = (out: string): BuildOptions => ({
  sources: ['image.tif'],
  out,
  format: 'jpeg',
  quality: 100,
  resampling: 'nearest',
  minZoom: 2,
  commitEverySeconds: 0,
})
const whole = join(t.testdir(), 'whole.pmtiles')
await build(optionsFor(whole), { openSource })
const wanted = tilesOf(whole)
const { size } = statSync(whole)

for (const name of ['tmpfs', 'ext4', 'xfs'] as const) {
  t.test(`on ${name}`, async (t) => {
    const mounted = mountFor(t, name, { mib: 320 })
    if (typeof mounted === 'string') {
      t.plan(0, mounted)
      return
    }
    const { directory } = mounted
    let resumable = 0
    for (const part of [0.02, 0.5, 0.85]) {
      const filler = join(directory, 'filler')
      const out = join(directory, `part${part}.pmtiles`)
      fill(filler, part * size)
      await t.rejects(
        build(optionsFor(out), { openSource, checkSpace: false }),
        { code: 'DISK_FULL', message: /full/ },
        `room for ${part} of ${size} bytes`,
      )
      if (existsSync(out)) {
        const { tiles, wrong } = await committed(out)
        t.same(wrong, [])
        const { subtreesDone, tally } = readCheckpoint(out)!
        t.ok(
          tiles >= tally.tiles,
          `${tiles} tiles, the checkpoint says ${tally.tiles} of ${subtreesDone} subtrees`,
        )
        if (subtreesDone > 0) resumable++
      }
      rmSync(filler)
      await build({ ...optionsFor(out), resume: true }, { openSource })
      t.same(tilesOf(out), wanted)
      t.notOk(existsSync(`${out}.build`))
      // not deleted: a mapping not yet collected would keep its space and give it back at a bad time
    }
    t.ok(resumable >= 2, `${resumable} could go on where they were`)
  })
}

/** What was committed: how many tiles, and what is wrong. */
async function committed(out: string): Promise<{ tiles: number; wrong: unknown[] }> {
  const found = tilesOf(out)
  const wrong: unknown[] = (await verifyTiles(out)).findings.filter((finding) => !finding.ok)
  wrong.push(...Object.keys(found).filter((key) => found[key] !== wanted[key]))
  return { tiles: Object.keys(found).length, wrong }
}
