// Strips kept in a nameless file: the same tiles as without, and nothing left behind.
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { build } from '../../src/pyramid/build.js'
import type { BuildPlan } from '../../src/pyramid/plan/plan.js'
import { closeSpool, openSpool } from '../../src/pyramid/work/spool-file.js'
import { SpooledBlocks } from '../../src/raster/spool.js'
import { fixture } from '../helpers/paths.js'
import { tilesOf } from './images.js'

/** As much of a plan as decides about a spool. */
function planOf(
  width: number,
  height: number,
  blockWidth: number,
  blockHeight: number,
  subtrees = 9,
): BuildPlan {
  const level = { width, height, blockWidth, blockHeight }
  const info = { path: 'a.tif', bands: 3, samples: 'uint8', levels: [level] }
  return { sources: [info], subtrees } as unknown as BuildPlan
}

t.test('only for strips that do not fit into the cache', (t) => {
  const dir = t.testdir()
  const out = join(dir, 'out.pmtiles')
  for (const plan of [
    planOf(5000, 5000, 512, 512),
    planOf(1000, 1000, 1000, 16),
    planOf(5000, 5000, 5000, 16, 1),
  ]) {
    t.equal(openSpool(plan, out, 32e6), undefined)
  }
  t.equal(
    openSpool(planOf(4_000_000, 4_000_000, 4_000_000, 1), out, 32e6),
    undefined,
    'no disk has so much room',
  )
  t.equal(openSpool(planOf(5000, 5000, 5000, 16), join(dir, 'no', 'such', 'folder'), 32e6), undefined)
  const spool = openSpool(planOf(5000, 5000, 5000, 16), out, 32e6)!
  t.same(readdirSync(dir), [], 'it has no name')
  t.equal(spool.states.byteLength, 313 * 4)
  closeSpool(spool)
  t.end()
})

t.test('what is kept comes back, to others too', (t) => {
  const out = join(t.testdir(), 'out')
  const spool = openSpool(planOf(5000, 5000, 5000, 16), out, 32e6)!
  const one = new SpooledBlocks(spool, 500)
  const other = new SpooledBlocks(spool, 500)
  const read = (block: number) =>
    other.read(
      block,
      () => new Uint8Array(300),
      () => new Uint8Array(100),
    )
  t.equal(read(3), undefined)
  one.keep(3, { data: new Uint8Array(300).fill(7), mask: undefined })
  one.keep(4, { data: new Uint8Array(300).fill(8), mask: new Uint8Array(100).fill(9) })
  one.keep(3, { data: new Uint8Array(300).fill(1), mask: undefined })
  t.same(read(3), { data: new Uint8Array(300).fill(7), mask: undefined }, 'the first stays')
  t.same(read(4), { data: new Uint8Array(300).fill(8), mask: new Uint8Array(100).fill(9) })
  one.keep(100_000, { data: new Uint8Array(300), mask: undefined })
  t.equal(read(100_000), undefined, 'blocks that the image does not have')
  closeSpool(spool)

  // a file that cannot be written: as if there were none
  const fd = openSync('/dev/null', 'r')
  const full = new SpooledBlocks({ ...spool, fd, states: new SharedArrayBuffer(40) }, 500)
  full.keep(1, { data: new Uint8Array(300), mask: undefined })
  t.equal(
    full.read(
      1,
      () => new Uint8Array(300),
      () => new Uint8Array(100),
    ),
    undefined,
  )
  closeSync(fd)
  t.end()
})

const hasGdal = spawnSync('gdal_translate', ['--version']).status === 0
t.test(
  'the same tiles as of a tiled image',
  { skip: hasGdal ? false : 'gdal_translate is not installed' },
  async (t) => {
    const dir = t.testdir()
    const shapes = { strips: ['-co', 'BLOCKYSIZE=4'], tiles: ['-co', 'TILED=YES'] }
    const found = []
    for (const [name, options] of Object.entries(shapes)) {
      const source = join(dir, `${name}.tif`)
      const args = [
        '-q',
        '-outsize',
        '3000',
        '3000',
        '-co',
        'COMPRESS=LZW',
        ...options,
        fixture('ortho.tif'),
        source,
      ]
      t.equal(spawnSync('gdal_translate', args).status, 0)
      const out = join(dir, `${name}.pmtiles`)
      await build({ sources: [source], out, threads: 2, memLimit: 256 * 2 ** 20 })
      found.push(tilesOf(out))
    }
    t.same(found[0], found[1])
    const hidden = readdirSync(dir).filter((name) => name.startsWith('.'))
    t.same(hidden, [], 'nothing is left')
  },
)
