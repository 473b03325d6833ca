// Estimates beside the builds they are about; and that nothing is left behind by one.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import { estimate } from '../../src/pyramid/estimate/estimate.js'
import { samplePlanOf, smallPlanOf, vanDerCorput } from '../../src/pyramid/estimate/sample.js'
import { parseBuildOptions } from '../../src/pyramid/options.js'
import { tilesOfUnit } from '../../src/pyramid/plan/forest.js'
import { planBuild } from '../../src/pyramid/plan/plan-build.js'
import { rootsOf, subtreeAt } from '../../src/pyramid/plan/roots.js'
import { fixture } from '../helpers/paths.js'
import { type ImageOptions, ImageSource, infoOf, openerOf, speckled } from './images.js'

const within = (share: number, a: number, b: number): boolean => Math.abs(a - b) <= share * b

t.test('all parts sampled: tiles and bytes are those of the build', async (t) => {
  const dir = t.testdir()
  const options: BuildOptions = {
    sources: [fixture('ortho.tif')],
    out: join(dir, 'out.pmtiles'),
    maxZoom: 17,
    threads: 2,
  }
  const before = createHash('sha1')
    .update(readFileSync(fixture('ortho.tif')))
    .digest('hex')
  const found = await estimate(options, { sampleSeconds: 600 })
  t.same(readdirSync(dir), [], 'nothing is written')
  t.equal(found.sample.share, 1)
  const report = await build(options)
  t.equal(
    createHash('sha1')
      .update(readFileSync(fixture('ortho.tif')))
      .digest('hex'),
    before,
  )
  for (const level of report.levels.slice(-3)) {
    const own = found.levels.find(({ zoom }) => zoom === level.zoom)!
    t.ok(within(0.02, own.tiles, level.tiles), `zoom ${level.zoom}: ${own.tiles} of ${level.tiles} tiles`)
    t.ok(within(0.02, own.bytes, level.bytes), `zoom ${level.zoom}: ${own.bytes} of ${level.bytes} bytes`)
  }
  t.ok(within(0.05, found.tiles, report.tiles), `${found.tiles} of ${report.tiles} tiles`)
  t.ok(within(0.25, found.fileBytes, report.fileBytes), `${found.fileBytes} of ${report.fileBytes} bytes`)
  t.ok(found.seconds > 0 && Number.isFinite(found.seconds))
  t.equal(found.threads, 2)
  t.ok(found.disk.fits)
  t.match(found.growth.method, /insert|relocate/)
  t.ok(found.coverage.share > 0.9)
  t.same(found.bounds, report.bounds)
})

t.test('a part of the parts says enough about a half-empty image', async (t) => {
  const dir = t.testdir()
  const width = 256 * 18
  const image = {
    zoom: 12,
    x: 256 * 1000,
    y: 256 * 1000,
    width,
    height: width,
    // an empty quarter, and an empty stripe
    paint: speckled([
      [0, 0, width / 2, width / 2],
      [width * 0.6, 0, width * 0.7, width],
    ]),
  }
  const options: BuildOptions = { sources: ['image.tif'], out: join(dir, 'out.pmtiles'), minZoom: 10 }
  const context = { openSource: openerOf(image) }
  const plan = planBuild([infoOf(image)], parseBuildOptions(options))
  const found = await estimate(options, { ...context, sampleSeconds: 0.1 })
  t.ok(found.sample.share < 1, `${found.sample.parts} parts, ${found.sample.share}`)
  t.same(readdirSync(dir), [])
  const report = await build(options, context)
  t.ok(
    within(0.25, found.tiles, report.tiles),
    `${found.tiles} of ${report.tiles} tiles, ${plan.tiles} planned`,
  )
  t.ok(within(0.35, found.tileBytes, report.tileBytes), `${found.tileBytes} of ${report.tileBytes} bytes`)
})

t.test('several depths: parts of each, weighed by how many there are', async (t) => {
  const dir = t.testdir()
  const paint = speckled()
  const images: ImageOptions[] = [
    { zoom: 8, x: 256 * 100, y: 256 * 100, width: 256 * 20, height: 256 * 20, paint },
    { zoom: 11, x: 2048 * 110 + 99, y: 2048 * 110, width: 700, height: 700, paint },
  ]
  const context = {
    openSource: async (path: string) => new ImageSource({ ...images[Number(path)]!, path }),
  }
  const options: BuildOptions = { sources: ['0', '1'], out: join(dir, 'out.pmtiles'), minZoom: 4 }
  const found = await estimate(options, { ...context, sampleSeconds: 0.3 })
  t.same(found.depths, [
    { zoom: 8, sources: ['0'] },
    { zoom: 11, sources: ['1'] },
  ])
  t.match(found.notes, [/^The highest zoom is 8 for 0 and 11 for 1, .*pass --depth uniform\.$/])
  const report = await build(options, context)
  t.same(report.depths, found.depths)
  // the lowest zooms are one tile each
  for (const level of report.levels.filter(({ zoom }) => zoom > 5)) {
    const own = found.levels.find(({ zoom }) => zoom === level.zoom)!
    t.ok(within(0.3, own.tiles, level.tiles), `zoom ${level.zoom}: ${own.tiles} of ${level.tiles} tiles`)
    t.ok(within(0.5, own.bytes, level.bytes), `zoom ${level.zoom}: ${own.bytes} of ${level.bytes} bytes`)
    t.ok(own.seconds > 0, `zoom ${level.zoom}: ${own.seconds} s`)
  }
  t.ok(within(0.2, found.tileBytes, report.tileBytes), `${found.tileBytes} of ${report.tileBytes} bytes`)
})

t.test('an output that is there is no obstacle, one that cannot be is', async (t) => {
  const dir = t.testdir({ 'there.pmtiles': 'x' })
  const sources = [fixture('ortho.tif')]
  const options = { sources, maxZoom: 14, threads: 0 }
  const found = await estimate({ ...options, out: join(dir, 'there.pmtiles') }, { sampleSeconds: 0 })
  t.match(found.notes, [/exists and is another kind of file; build replaces nothing but tile archives/])
  t.equal(readFileSync(join(dir, 'there.pmtiles'), 'utf8'), 'x')
  await t.rejects(estimate({ ...options, out: join(dir, 'no', 'x') }), { code: 'NOT_FOUND' })
  await t.rejects(estimate({ ...options, out: join(dir, 'x'), bbox: [0, 0, 1, 1] }), {
    code: 'NOTHING_TO_BUILD',
  })
  const signal = AbortSignal.abort()
  await t.rejects(estimate({ ...options, out: join(dir, 'x') }, { signal }), { code: 'INTERRUPTED' })
})

t.test('the sample has the same tiles as the plan', (t) => {
  for (const [size, tileSize] of [
    [256 * 100, 256],
    [256 * 100, 512],
    [256 * 3, 256],
  ] as const) {
    const info = infoOf({
      zoom: 14,
      x: 5000,
      y: 7000,
      width: size,
      height: size,
      paint: () => [0, 0, 0, 0],
      tileSize,
    })
    const plan = planBuild([info], parseBuildOptions({ sources: ['x'], out: 'y', tileSize }))
    for (const part of [samplePlanOf(plan), smallPlanOf(plan)]) {
      t.ok(part.treeDepth >= 0 && part.treeDepth <= plan.treeDepth)
      const roots = rootsOf(part)
      const count = roots.reduce((sum, one) => sum + one.count, 0)
      let tiles = 0
      for (let n = 0; n < count; n++) tiles += tilesOfUnit(part, subtreeAt(roots, n))
      const wanted = plan.levels.filter(({ zoom }) => zoom >= part.maxZoom - part.treeDepth)
      t.equal(
        tiles,
        wanted.reduce((sum, level) => sum + level.tiles, 0),
      )
    }
  }
  t.end()
})

t.test('van der Corput', (t) => {
  t.same([1, 2, 3, 4, 5, 6, 7].map(vanDerCorput), [1 / 2, 1 / 4, 3 / 4, 1 / 8, 5 / 8, 3 / 8, 7 / 8])
  t.end()
})
