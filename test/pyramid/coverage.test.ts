// Gaps between images: how much they leave open, and where.
import t from 'tap'
import { coverageOf } from '../../src/pyramid/estimate/coverage.js'
import { parseBuildOptions } from '../../src/pyramid/options.js'
import { planBuild } from '../../src/pyramid/plan/plan-build.js'
import type { SourceInfo } from '../../src/raster/source.js'
import { infoOf } from './images.js'

const paint = () => [0, 0, 0, 255] as const
const ZOOM = 14
const X = 256 * 8000
const Y = 256 * 5000

const image = (x: number, y: number, width: number, height: number): SourceInfo =>
  infoOf({ zoom: ZOOM, x: X + x, y: Y + y, width, height, paint })

const coverage = (sources: SourceInfo[]) => {
  const { bounds } = planBuild(sources, parseBuildOptions({ sources: ['x'], out: 'y' }))
  return coverageOf(sources, bounds)
}

const near = (a: number, b: number): boolean => Math.abs(a - b) < 0.02

t.test('one upright image covers all', (t) => {
  const { share, holes } = coverage([image(0, 0, 1000, 500)])
  t.equal(share, 1)
  t.same(holes, [])
  t.end()
})

t.test('corners that are open are no holes', (t) => {
  const { share, holes } = coverage([image(0, 0, 500, 500), image(500, 500, 500, 500)])
  t.ok(near(share, 0.5), `${share}`)
  t.same(holes, [])
  t.end()
})

t.test('a frame has a hole', (t) => {
  const frame = [
    image(0, 0, 1000, 300),
    image(0, 700, 1000, 300),
    image(0, 0, 300, 1000),
    image(600, 0, 400, 1000),
  ]
  const { share, holes } = coverage(frame)
  t.ok(near(share, 0.88), `${share}`)
  t.equal(holes.length, 1)
  t.ok(near(holes[0]!.share, 0.12))
  // a mosaic with an image there has none
  const [west, south, east, north] = holes[0]!.bounds
  const { bounds } = planBuild([image(300, 300, 300, 400)], parseBuildOptions({ sources: ['x'], out: 'y' }))
  for (const [i, value] of [west, south, east, north].entries()) t.ok(Math.abs(value - bounds[i]!) < 2e-3)
  t.same(coverage([...frame, image(290, 290, 320, 420)]).holes, [])
  t.end()
})

t.test('many images: small gaps are seen, larger ones first', (t) => {
  const sources: SourceInfo[] = []
  for (let j = 0; j < 40; j++) {
    for (let i = 0; i < 40; i++) {
      const missing = (i === 5 && j === 5) || (j === 20 && i >= 10 && i < 13)
      if (!missing) sources.push(image(i * 100, j * 100, 100, 100))
    }
  }
  const { share, holes } = coverage(sources)
  t.ok(Math.abs(share - (1 - 4 / 1600)) < 1e-3, `${share}`)
  t.equal(holes.length, 2)
  t.ok(Math.abs(holes[0]!.share / holes[1]!.share - 3) < 0.8)
  t.end()
})

t.test('a turned image leaves its corners open', (t) => {
  const upright = image(0, 0, 1000, 1000)
  const [x, dx, , y, , dy] = upright.geotransform
  // 45°: half of its bounds
  const turned = { ...upright, geotransform: [x, dx, dx, y, dy, -dy] as const }
  const { share, holes } = coverage([turned])
  t.ok(near(share, 0.5), `${share}`)
  t.same(holes, [])
  t.end()
})
