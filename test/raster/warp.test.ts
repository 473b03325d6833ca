// The warp against a naive one: exact positions by proj4, textbook kernels, direct sums in doubles.

import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { Crs } from '../../src/grid/crs/crs.js'
import { LIMIT_METRES, resolution } from '../../src/grid/tiles/mercator.js'
import { createCanvas } from '../../src/raster/canvas.js'
import { type Pixels, RESAMPLINGS, type Resampling } from '../../src/raster/pixels.js'
import type { Geotransform } from '../../src/raster/source.js'
import { runWarp } from '../../src/raster/warp/warp.js'
import { planWarp, type WarpTarget } from '../../src/raster/warp/warp-plan.js'
import {
  cut,
  exactPositions,
  KEEPING,
  type MaskStyle,
  type MemorySource,
  maskKindOf,
  memorySource,
  naiveSample,
  picture,
} from './synthetic.js'
import { warp, warpInto } from './whole-warp.js'

const MERCATOR: Crs = { epsg: 3857, name: 'EPSG:3857', definition: 'EPSG:3857' }
const LONLAT: Crs = { epsg: 4326, name: 'EPSG:4326', definition: 'EPSG:4326' }
const UTM: Crs = { epsg: 26917, name: 'EPSG:26917', definition: '+proj=utm +zone=17 +datum=NAD83 +units=m' }

/** A geotransform in web mercator whose pixels are `scale` of the target's, its corner at px, py of the zoom's grid. */
function onGrid(zoom: number, px: number, py: number, pixelSize: number): Geotransform {
  const r = resolution(zoom, 256)
  return [px * r - LIMIT_METRES, r * pixelSize, 0, LIMIT_METRES - py * r, 0, -r * pixelSize]
}

/** Compares every pixel with the naive warp at the plan's scale; colours within `tolerance` levels. */
async function equalsNaive(
  t: Test,
  source: MemorySource,
  target: WarpTarget,
  kernel: Resampling,
  tolerance: number,
  what: string,
): Promise<void> {
  const plan = planWarp(source.info, target, { resampling: kernel })!
  const got = (await warp(source, target, { resampling: kernel }))!
  const exact = exactPositions(source.info, target)
  const alpha = source.info.maskKind === 'alpha'
  let worst = 0
  let worstAlpha = 0
  let flips = 0
  let painted = 0
  for (const part of plan.parts) {
    for (let y = part.y; y < part.y + part.height; y++) {
      for (let x = part.x; x < part.x + part.width; x++) {
        const [sx, sy] = exact(x, y)
        const want = naiveSample(source.pixels, kernel, sx, sy, part.scaleX, part.scaleY, alpha)
        const p = y * target.width + x
        const opacity = got.mask === undefined ? 255 : got.mask[p]!
        if ((want !== undefined && want.opacity >= 0.5) !== opacity > 0) {
          flips++
          continue
        }
        if (want === undefined || opacity === 0) continue
        painted++
        worstAlpha = Math.max(worstAlpha, Math.abs(opacity - want.opacity))
        for (let c = 0; c < got.bands; c++) {
          worst = Math.max(worst, Math.abs(got.data[p * got.bands + c]! - want.colour[c]!))
        }
      }
    }
  }
  t.ok(worst <= tolerance, `${what}: colours within ${tolerance}: ${worst.toFixed(2)} over ${painted} pixels`)
  t.ok(worstAlpha <= Math.max(1, tolerance), `${what}: opacity within 1: ${worstAlpha.toFixed(2)}`)
  // a position within TOLERANCE_PX of a pixel's border may fall on its other side; none does where positions are exact
  const allowed = source.info.crs === MERCATOR ? 2 : painted / 500
  t.ok(flips <= allowed, `${what}: ${flips} pixels painted differently`)
  t.ok(painted > 500, `${what}: something was compared`)
}

const STYLES: MaskStyle[] = ['none', 'holes', 'soft']

for (const bands of [1, 3] as const) {
  for (const style of STYLES) {
    t.test(`every kernel on the mercator grid, ${bands} band(s), mask ${style}`, async (t) => {
      // positions are exact here, so only rounding and the table's phases remain
      for (const pixelSize of [2.317, 0.971, 0.713, 0.291]) {
        const side = Math.ceil(60 / pixelSize)
        const image = picture(side, side - 7, bands, style, 7 + bands)
        const source = memorySource(image, MERCATOR, onGrid(9, 1000.6, 2000.7, pixelSize), maskKindOf(style))
        const target = { zoom: 9, tileSize: 256, x: 995, y: 1995, width: 75, height: 75 }
        for (const kernel of KEEPING.filter((k) => k !== 'nearest')) {
          // renormalising over a sliver of a valid pixel magnifies the phase: more at holes under an average
          const tolerance = kernel === 'average' && style !== 'none' ? 4 : 1.5
          const what = `${kernel}, ${(1 / pixelSize).toFixed(2)} source px`
          await equalsNaive(t, source, target, kernel, tolerance, what)
        }
      }
    })
  }
}

t.test('nearest takes exactly the pixel under the centre', async (t) => {
  const image = picture(61, 50, 3, 'holes', 3)
  for (const pixelSize of [1.7, 0.6]) {
    const source = memorySource(image, MERCATOR, onGrid(9, 1000.31, 2000.77, pixelSize), 'binary')
    const target = { zoom: 9, tileSize: 256, x: 990, y: 1990, width: 120, height: 100 }
    const got = (await warp(source, target, { resampling: 'nearest' }))!
    const exact = exactPositions(source.info, target)
    let wrong = 0
    for (let p = 0; p < 120 * 100; p++) {
      const [sx, sy] = exact(p % 120, Math.floor(p / 120))
      const want = naiveSample(image, 'nearest', sx, sy, 1, 1, false)
      const same = want?.colour.every((v, c) => v === got.data[p * 3 + c]) ?? true
      if (got.mask![p]! > 0 !== (want !== undefined) || !same) wrong++
    }
    t.equal(wrong, 0, `scale ${pixelSize}`)
  }
})

t.test('reprojected: UTM with a turned geotransform, and degrees', async (t) => {
  const image = picture(300, 280, 3, 'holes', 11, 0.1)
  const turned: Geotransform = [500000, 0.5, 0.07, 4400000, 0.06, -0.5]
  const utm = memorySource(image, UTM, turned, 'binary')
  for (const [source, zoom] of [
    [utm, 18],
    [memorySource(image, LONLAT, [-80.001, 5e-6, 0, 39.7, 0, -4e-6], 'binary'), 18],
  ] as const) {
    const middle = middleOf(source, zoom)
    const target = { zoom, tileSize: 256, x: middle[0] - 100, y: middle[1] - 90, width: 200, height: 180 }
    for (const kernel of ['bilinear', 'cubic', 'average'] as const) {
      await equalsNaive(t, source, target, kernel, 2.5, `${source.info.crs.name} ${kernel}`)
    }
  }
})

/** The zoom's global pixel in the middle of an image. */
function middleOf(source: MemorySource, zoom: number): [number, number] {
  // search with the inverse that the test trusts: positions move about linearly
  const target = { zoom, tileSize: 256, x: 0, y: 0, width: 1, height: 1 }
  const exact = exactPositions(source.info, target)
  const { width, height } = source.info
  let x = 128 * 2 ** zoom
  let y = 128 * 2 ** zoom
  if (source.info.crs === UTM) x = ((-81 + 180) / 360) * 256 * 2 ** zoom
  for (let i = 0; i < 60; i++) {
    const [sx, sy] = exact(x, y)
    const [ax, ay] = exact(x + 1, y)
    const [bx, by] = exact(x, y + 1)
    const det = (ax - sx) * (by - sy) - (bx - sx) * (ay - sy)
    const ex = width / 2 - sx
    const ey = height / 2 - sy
    x += (ex * (by - sy) - ey * (bx - sx)) / det
    y += (ey * (ax - sx) - ex * (ay - sy)) / det
  }
  return [Math.round(x), Math.round(y)]
}

t.test('a constant image stays constant, edges included, whatever the geometry', async (t) => {
  const constant: Pixels = {
    width: 40,
    height: 33,
    bands: 3,
    data: new Uint8Array(40 * 33 * 3).fill(173),
    mask: undefined,
  }
  const holes: Pixels = { ...constant, mask: picture(40, 33, 3, 'holes', 5).mask }
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0.1, max: 9, noNaN: true }),
      fc.double({ min: -30, max: 30, noNaN: true }),
      fc.constantFrom(...RESAMPLINGS),
      fc.constantFrom(constant, holes),
      async (pixelSize, shift, kernel, image) => {
        const source = memorySource(
          image,
          MERCATOR,
          onGrid(5, 1000 + shift, 1000 - shift, pixelSize),
          'binary',
        )
        const target = { zoom: 5, tileSize: 256, x: 990, y: 980, width: 50, height: 60 }
        const got = await warp(source, target, { resampling: kernel })
        if (got === undefined) return true
        for (let p = 0; p < 3000; p++) {
          if (got.mask !== undefined && got.mask[p] === 0) continue
          if (got.data[p * 3] !== 173 || got.data[p * 3 + 2] !== 173) return false
        }
        return true
      },
    ),
    { numRuns: 200 },
  )
  t.pass('173 everywhere')
})

t.test('an integer shift copies', async (t) => {
  const image = picture(70, 64, 3, 'holes', 9)
  for (const kernel of KEEPING) {
    const source = memorySource(image, MERCATOR, onGrid(10, 5000, 6000, 1), 'binary')
    const target = { zoom: 10, tileSize: 256, x: 4990, y: 5990, width: 90, height: 90 }
    const got = (await warp(source, target, { resampling: kernel }))!
    let wrong = 0
    for (let y = 0; y < 64; y++) {
      for (let x = 0; x < 70; x++) {
        const p = (y + 10) * 90 + x + 10
        const valid = image.mask![y * 70 + x]! > 0
        if (got.mask![p]! > 0 !== valid) wrong++
        else if (valid && got.data[p * 3 + 1] !== image.data[(y * 70 + x) * 3 + 1]) wrong++
      }
    }
    t.equal(wrong, 0, kernel)
  }
})

t.test('into a canvas: only what the source covers changes', async (t) => {
  const image = picture(30, 20, 1, 'none', 2)
  const source = memorySource(image, MERCATOR, onGrid(10, 5010, 6005, 1))
  const canvas = createCanvas(100, 80, 1)
  canvas.data.fill(7)
  canvas.mask.fill(99)
  const target = { zoom: 10, tileSize: 256, x: 5000, y: 6000, width: 60, height: 40 }
  t.equal(await warpInto(source, target, { resampling: 'nearest' }, canvas, 33, 22), true)
  t.equal(canvas.data[(22 + 5) * 100 + 33 + 10], image.data[0])
  t.equal(canvas.mask[(22 + 5) * 100 + 33 + 10], 255)
  t.equal(canvas.data[(22 + 5) * 100 + 33 + 9], 7)
  t.equal(
    canvas.mask.reduce((n, m) => n + (m === 255 ? 1 : 0), 0),
    600,
  )
  const far = { ...target, x: 9000 }
  t.equal(await warpInto(source, far, { resampling: 'nearest' }, canvas, 0, 0), false)
  await t.rejects(warpInto(source, target, { resampling: 'nearest' }, canvas, 60, 0), RangeError)
  await t.rejects(
    warpInto(source, target, { resampling: 'nearest' }, createCanvas(60, 40, 3), 0, 0),
    TypeError,
  )
  const plan = planWarp(source.info, target, { resampling: 'nearest' })!
  const wrong = cut(image, { x: 0, y: 0, width: 3, height: 3 })
  t.throws(() => runWarp(plan, plan.parts[0]!, wrong, canvas, 0, 0), TypeError)
})

t.test('nothing valid is undefined, everything opaque has no mask', async (t) => {
  const image = picture(300, 300, 3, 'none', 2)
  const target = { zoom: 10, tileSize: 256, x: 5010, y: 6010, width: 256, height: 256 }
  const full = memorySource(image, MERCATOR, onGrid(10, 5000, 6000, 1), 'binary')
  t.equal((await warp(full, target, { resampling: 'cubic' }))!.mask, undefined)
  const empty = memorySource(
    { ...image, mask: new Uint8Array(300 * 300) },
    MERCATOR,
    onGrid(10, 5000, 6000, 1),
    'binary',
  )
  t.equal(await warp(empty, target, { resampling: 'lanczos' }), undefined)
  t.equal(await warp(full, { ...target, x: 100000 }, { resampling: 'nearest' }), undefined)
  t.equal(full.reads.length, 1, 'what is not met is not read')
})

t.test('soft alpha is carried, and hidden colours never show', async (t) => {
  const image = picture(64, 64, 3, 'none', 4)
  const mask = new Uint8Array(64 * 64).map((_, p) => (p % 64 < 32 ? 0 : 128))
  // bright magenta under the transparent half
  const data = image.data.map((v, i) => ((i / 3) % 64 < 32 ? [255, 0, 255][i % 3]! : Math.min(v, 100)))
  const source = memorySource({ ...image, data, mask }, MERCATOR, onGrid(10, 5000, 6000, 1.37), 'alpha')
  for (const kernel of RESAMPLINGS) {
    const got = (await warp(
      source,
      { zoom: 10, tileSize: 256, x: 5000, y: 6000, width: 80, height: 80 },
      { resampling: kernel },
    ))!
    const alphas = new Set(got.mask)
    t.same([...alphas].sort(), [0, 128], `${kernel}: opacity`)
    let most = 0
    got.mask!.forEach((m, p) => {
      if (m > 0) most = Math.max(most, got.data[p * 3]!)
    })
    t.ok(most <= 135, `${kernel}: no magenta, ${most}`)
  }
})
