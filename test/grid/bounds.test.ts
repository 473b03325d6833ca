// Footprints, tile ranges and automatic zooms.

import t, { type Test } from 'tap'
import type { Crs } from '../../src/grid/crs/crs.js'
import { WEB_MERCATOR } from '../../src/grid/crs/epsg.js'
import { transformer } from '../../src/grid/crs/transform.js'
import {
  type Affine,
  footprintOf,
  suggestedResolution,
  zoomForResolution,
} from '../../src/grid/place/bounds.js'
import {
  LIMIT_METRES,
  lonToMetres,
  metresToLat,
  metresToLon,
  resolution,
} from '../../src/grid/tiles/mercator.js'
import { tileRanges } from './tile-ranges.js'

const crs = (definition: string): Crs => ({ epsg: undefined, name: definition, definition })
const LONLAT = crs('EPSG:4326')
const POLAR = crs('+proj=stere +lat_0=-90 +lat_ts=-71 +lon_0=0 +datum=WGS84')

const near = (t: Test, a: number, b: number, eps: number, what: string): boolean =>
  t.ok(Math.abs(a - b) <= eps, `${what}: ${a} is ${b}`)

t.test('a UTM image: no corner or edge lies outside its footprint', async (t) => {
  const utm = crs('+proj=utm +zone=17 +datum=WGS84')
  const g: Affine = [300000, 30, 0, 5000000, 0, -30]
  const box = footprintOf(utm, g, 7000, 8000)!
  const { forward } = transformer(utm, WEB_MERCATOR)
  const p = new Float64Array(2)
  let outside = 0
  const touches = { west: 1e9, north: 1e9 }
  for (let i = 0; i <= 1000; i++) {
    for (const [c, r] of [
      [i * 7, 0],
      [i * 7, 8000],
      [0, i * 8],
      [7000, i * 8],
    ] as const) {
      forward(g[0] + c * 30, g[3] - r * 30, p)
      const slack = 0.3 // of a 30 m pixel's 1 %
      if (p[0]! < box.west - slack || p[0]! > box.east + slack) outside++
      if (p[1]! < box.south - slack || p[1]! > box.north + slack) outside++
      touches.west = Math.min(touches.west, p[0]! - box.west)
      touches.north = Math.min(touches.north, box.north - p[1]!)
    }
  }
  t.equal(outside, 0)
  t.ok(Math.abs(touches.west) < 0.3 && Math.abs(touches.north) < 0.3, 'and it is tight')
  t.equal(box.lonOffset, 0)
})

t.test('whole worlds', async (t) => {
  for (const west of [-180, 0, -180.0000000001]) {
    const box = footprintOf(LONLAT, [west, 0.75, 0, 90, 0, -0.5], 480, 360)!
    near(t, box.east - box.west, 2 * LIMIT_METRES, 1e-3, `${west}: all longitudes`)
    near(t, box.north, LIMIT_METRES, 1e-3, 'to the top')
    near(t, box.south, -LIMIT_METRES, 1e-3, 'to the bottom')
  }
})

t.test('over the antimeridian', async (t) => {
  for (const [west, offset] of [
    [170, 0],
    [-190, 360],
    [530, -360],
  ] as const) {
    const box = footprintOf(LONLAT, [west, 0.1, 0, 10, 0, -0.1], 200, 100)!
    near(t, metresToLon(box.west), 170, 1e-9, 'west')
    near(t, metresToLon(box.east), 190, 1e-9, 'east')
    t.equal(box.lonOffset, offset)
  }
  // a projected image over 180° (Fiji)
  const fiji = crs('+proj=tmerc +lat_0=-17 +lon_0=178.75 +k=0.99985 +x_0=2000000 +y_0=4000000 +ellps=WGS84')
  const box = footprintOf(fiji, [1900000, 1000, 0, 4100000, 0, -1000], 400, 200)!
  t.ok(metresToLon(box.west) > 177 && metresToLon(box.east) > 181 && metresToLon(box.east) < 183)
})

t.test('an image that holds the pole covers every longitude', async (t) => {
  const box = footprintOf(POLAR, [-2e6, 1000, 0, 2e6, 0, -1000], 4000, 4000)!
  near(t, box.east - box.west, 2 * LIMIT_METRES, 1e-6, 'all around')
  near(t, box.south, -LIMIT_METRES, 1e-6, 'down to the limit')
  t.ok(metresToLat(box.north) > -66 && metresToLat(box.north) < -63, 'up to its corners')
})

t.test('nothing in the mercator world', async (t) => {
  t.equal(footprintOf(LONLAT, [0, 0.1, 0, 90, 0, -0.1], 10, 10), undefined)
  t.equal(footprintOf(POLAR, [-1000, 10, 0, 1000, 0, -10], 200, 200), undefined)
})

t.test('a globe seen from space: corners outside the domain do not hurt', async (t) => {
  const globe = crs('+proj=ortho +lat_0=0 +lon_0=10 +ellps=sphere')
  const box = footprintOf(globe, [-6.4e6, 1e5, 0, 6.4e6, 0, -1e5], 128, 128)!
  t.ok(metresToLon(box.west) < -70 && metresToLon(box.east) > 90, `${metresToLon(box.west)}…`)
})

t.test('tile ranges: touching is not meeting', async (t) => {
  const r = resolution(4, 1)
  const west = -LIMIT_METRES + 3 * r
  const box = { west, east: west + 2 * r, north: LIMIT_METRES - r, south: LIMIT_METRES - 4 * r }
  t.same(tileRanges(box, 4), [{ minX: 3, minY: 1, maxX: 4, maxY: 3 }])
  t.same(tileRanges({ ...box, east: box.east + 1 }, 4)[0]!.maxX, 5)
  t.same(tileRanges({ west: 0, east: 1, south: LIMIT_METRES + 1, north: LIMIT_METRES + 2 }, 4), [])
})

t.test('automatic zoom', async (t) => {
  t.equal(zoomForResolution(resolution(12)), 12, 'exact')
  t.equal(zoomForResolution(resolution(12), 512), 11)
  t.equal(zoomForResolution(resolution(12) * 1.3), 12, 'nearer by ratio')
  t.equal(zoomForResolution(resolution(12) * 1.5), 11)
  t.equal(zoomForResolution(resolution(12) * 1.3, 256, 'lower'), 11)
  t.equal(zoomForResolution(resolution(12) * 1.9, 256, 'upper'), 12)
  t.equal(zoomForResolution(1e9), 0)
  const bench = suggestedResolution(
    crs('+proj=utm +zone=17 +datum=NAD83'),
    [440000, 0.45, 0, 4400000, 0, -0.45],
    8192,
    8192,
  )
  t.equal(zoomForResolution(bench), 18, '0.45 m at 39.7° north')
  const world = suggestedResolution(LONLAT, [-180, 0.703125, 0, 90, 0, -0.703125], 512, 256)
  near(t, world, (2 * LIMIT_METRES * Math.SQRT2) / Math.hypot(512, 256), 1, "GDAL's diagonal rule")
  t.ok(suggestedResolution(POLAR, [-2e6, 1000, 0, 2e6, 0, -1000], 4000, 4000) < 6000)
  t.ok(lonToMetres(1) > 0)
})
