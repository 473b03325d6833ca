// Blends of several sources against the plainest arithmetic there is.
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { build } from '../../src/pyramid/build.js'
import { Distances } from '../../src/pyramid/cutline/distance.js'
import { isCovered, type Layer, multiplyMask, paintUnder } from '../../src/pyramid/paint/blend.js'
import type { RasterSource } from '../../src/raster/source.js'
import { type ImageOptions, ImageSource, type Paint, speckled } from './images.js'
import { region } from './region.js'

const lossless = { format: 'png', resampling: 'nearest', threads: 0 } as const

const layer = (width: number, bands: number, data: Uint8Array | Float32Array, mask: Uint8Array): Layer => ({
  bands,
  data,
  mask,
  stride: width,
  x: 100,
  y: 50,
})

t.test('under what is there: over, with colours weighed by opacity', (t) => {
  const samples = fc.uint8Array({ minLength: 36, maxLength: 36 })
  const masks = fc.array(fc.constantFrom(0, 1, 77, 128, 254, 255), { minLength: 12, maxLength: 12 })
  fc.assert(
    fc.property(samples, masks, samples, masks, fc.boolean(), (a, ma, b, mb, floats) => {
      const upperData = floats ? Float32Array.from(a, (v) => v * 7.5 - 500) : Uint8Array.from(a)
      const lowerData = floats ? Float32Array.from(b, (v) => v * 7.5 - 500) : Uint8Array.from(b)
      const before = upperData.slice()
      const upper = layer(4, 3, upperData, Uint8Array.from(ma))
      paintUnder(upper, layer(4, 3, lowerData, Uint8Array.from(mb)), {
        minX: 100,
        minY: 50,
        endX: 104,
        endY: 53,
      })
      for (let p = 0; p < 12; p++) {
        const top = ma[p]! / 255
        const seen = (mb[p]! / 255) * (1 - top)
        const opacity = top + seen
        if (Math.abs(upper.mask[p]! - opacity * 255) > 0.51) return false
        if (opacity === 0) continue
        for (let c = 0; c < 3; c++) {
          const wanted = (before[3 * p + c]! * top + lowerData[3 * p + c]! * seen) / opacity
          if (Math.abs(upper.data[3 * p + c]! - wanted) > (floats ? 1e-3 : 0.51)) return false
        }
      }
      return true
    }),
  )
  t.end()
})

t.test('a part of a canvas', (t) => {
  const mask = new Uint8Array(20).fill(255)
  const some = layer(5, 1, new Uint8Array(20), mask)
  mask[2 * 5 + 3] = 254
  t.notOk(isCovered(some, { minX: 100, minY: 50, endX: 105, endY: 54 }))
  t.notOk(isCovered(some, { minX: 103, minY: 52, endX: 104, endY: 53 }))
  t.ok(isCovered(some, { minX: 100, minY: 50, endX: 103, endY: 54 }))
  t.ok(isCovered(some, { minX: 104, minY: 50, endX: 105, endY: 54 }))
  const cut = Uint8Array.of(0, 255, 128, 1)
  multiplyMask(
    some,
    cut,
    { minX: 102, minY: 51, endX: 104, endY: 53 },
    { minX: 102, minY: 51, endX: 104, endY: 53 },
  )
  t.same([mask[7], mask[8], mask[12], mask[13]], [0, 255, 128, 1])
  t.end()
})

/** Distance to the nearest empty pixel, by looking at all. */
function naiveDistances(mask: Uint8Array, width: number, height: number, limit: number): Float64Array {
  const found = new Float64Array(mask.length).fill(limit)
  for (let q = 0; q < mask.length; q++) {
    if (mask[q] !== 0) continue
    // the nearest empty pixel has a neighbour that is not
    const x = q % width
    const beside = [x > 0 ? q - 1 : q, x + 1 < width ? q + 1 : q, q - width, q + width]
    if (beside.every((k) => !(mask[k]! > 0))) {
      found[q] = 0
      continue
    }
    for (let p = 0; p < mask.length; p++) {
      const dx = (p % width) - (q % width)
      const dy = Math.floor(p / width) - Math.floor(q / width)
      found[p] = Math.min(found[p]!, Math.hypot(dx, dy))
    }
  }
  return found.subarray(0, width * height)
}

t.test('distances from what is empty', (t) => {
  const distances = new Distances()
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 24 }),
      fc.integer({ min: 1, max: 24 }),
      fc.constantFrom(1, 2.5, 6, 40),
      fc.constantFrom(2, 10, 200, 1000),
      fc.integer(),
      (width, height, limit, rarity, seed) => {
        const mask = new Uint8Array(width * height)
        for (let i = 0; i < mask.length; i++) {
          mask[i] = (Math.imul(i + seed, 0x9e3779b1) >>> 8) % rarity === 0 ? 0 : 255
        }
        const wanted = naiveDistances(mask, width, height, limit)
        return distances.of(mask, width, height, limit).every((d, i) => Math.abs(d - wanted[i]!) < 1e-5)
      },
    ),
  )
  t.end()
})

/** The same place at the pixels of a zoom: images whose pixels are the zoom's. */
const ZOOM = 12
const AT = { zoom: ZOOM, x: 256 * 1000 + 40, y: 256 * 1000 + 25 }

const opener =
  (images: readonly ImageOptions[], onOpen: (index: number) => void = () => {}) =>
  async (path: string): Promise<RasterSource> => {
    onOpen(Number(path))
    return new ImageSource({ ...images[Number(path)]!, path })
  }

const tinted =
  (paint: Paint, r: number, g: number, b: number, alpha = 255): Paint =>
  (x, y) => {
    const [, , , a] = paint(x, y)
    return [r, g, b, a === 0 ? 0 : alpha]
  }

for (const feather of [undefined, 7, 128]) {
  t.test(`feather is the mean by distance from the edge: ${feather ?? 'the default width'}`, async (t) => {
    const holes = speckled([
      [40, 30, 60, 45],
      [120, 0, 140, 10],
    ])
    const images: ImageOptions[] = [
      { ...AT, width: 160, height: 100, paint: tinted(holes, 200, 30, 90) },
      { ...AT, x: AT.x + 70, y: AT.y + 20, width: 130, height: 110, paint: tinted(speckled(), 20, 180, 240) },
      { ...AT, x: AT.x + 25, y: AT.y + 40, width: 60, height: 30, paint: tinted(speckled(), 90, 90, 0) },
    ]
    const out = join(t.testdir(), 'feather.pmtiles')
    await build(
      { sources: ['0', '1', '2'], out, zoom: ZOOM, blend: 'feather', feather, ...lossless },
      { openSource: opener(images) },
    )
    const width = 220
    const height = 150
    const got = await region(out, ZOOM, AT.x - 10, AT.y - 10, width, height)
    const sums = new Float64Array(width * height * 3)
    const weights = new Float64Array(width * height)
    for (const image of images) {
      const mask = new Uint8Array(width * height)
      const colours: number[][] = []
      for (let p = 0; p < mask.length; p++) {
        const x = (p % width) - 10 - (image.x - AT.x)
        const y = Math.floor(p / width) - 10 - (image.y - AT.y)
        const inside = x >= 0 && y >= 0 && x < image.width && y < image.height
        const [r, g, b, a] = inside ? image.paint(x, y) : [0, 0, 0, 0]
        mask[p] = a
        colours.push([r, g, b])
      }
      const distances = naiveDistances(mask, width, height, (feather ?? 64) + 0.5)
      for (let p = 0; p < mask.length; p++) {
        if (mask[p] === 0) continue
        const weight = distances[p]! - 0.5
        weights[p] = weights[p]! + weight
        for (let c = 0; c < 3; c++) sums[3 * p + c] = sums[3 * p + c]! + weight * colours[p]![c]!
      }
    }
    let worst = 0
    let wrongMask = 0
    let mixed = 0
    for (let p = 0; p < weights.length; p++) {
      if (got.rgba[4 * p + 3]! > 0 !== weights[p]! > 0) wrongMask++
      if (weights[p] === 0) continue
      for (let c = 0; c < 3; c++) {
        worst = Math.max(worst, Math.abs(got.rgba[4 * p + c]! - sums[3 * p + c]! / weights[p]!))
      }
      const [r, g, b] = [0, 1, 2].map((c) => got.rgba[4 * p + c]!)
      if (r! > 30 && r! < 190 && g! > 40 && b! > 95) mixed++
    }
    t.equal(wrongMask, 0, 'every painted pixel, and no other')
    t.ok(worst <= 0.51, `off by ${worst.toFixed(3)} at most`)
    t.ok(mixed > 1500, `${mixed} pixels are mixed`)
  })
}

t.test('soft alpha is composed, binary masks replace', async (t) => {
  const images: ImageOptions[] = [
    { ...AT, width: 64, height: 64, paint: () => [200, 100, 50, 255], maskKind: 'binary' },
    { ...AT, width: 64, height: 64, paint: (x) => [0, 40, 250, x < 32 ? 128 : 0], maskKind: 'alpha' },
  ]
  const dir = t.testdir()
  const rgbaOf = async (blend: 'first' | 'last'): Promise<number[][]> => {
    const out = join(dir, `${blend}.pmtiles`)
    await build({ sources: ['0', '1'], out, zoom: ZOOM, blend, ...lossless }, { openSource: opener(images) })
    const { rgba } = await region(out, ZOOM, AT.x, AT.y, 64, 64)
    return [4 * 10, 4 * 40].map((at) => [...rgba.subarray(at, at + 4)])
  }
  t.same(await rgbaOf('last'), [
    [100, 70, 150, 255],
    [200, 100, 50, 255],
  ])
  t.same(await rgbaOf('first'), [
    [200, 100, 50, 255],
    [200, 100, 50, 255],
  ])
})

t.test('a source of which nothing is seen is not even opened', async (t) => {
  const whole = { ...AT, width: 900, height: 700 }
  const reads = [0, 0, 0, 0]
  const at = (index: number, paint: Paint, extra: Partial<ImageOptions> = {}): ImageOptions => ({
    ...whole,
    ...extra,
    paint,
    onRead: () => {
      reads[index]!++
    },
  })
  const images = [
    at(0, tinted(speckled(), 1, 2, 3)),
    at(1, tinted(speckled(), 9, 9, 9), { x: AT.x + 300, y: AT.y + 200, width: 100, height: 50 }),
    // with a hole, through which the first is seen
    at(2, tinted(speckled([[700, 600, 720, 620]]), 50, 60, 70)),
    at(3, tinted(speckled(), 4, 5, 6), { x: AT.x + 10, y: AT.y + 10, width: 20, height: 20 }),
  ]
  const dir = t.testdir()
  const run = async (blend: 'first' | 'last', sources: string[]): Promise<number[]> => {
    reads.fill(0)
    const out = join(dir, `${blend}${sources.join('')}.pmtiles`)
    await build({ sources, out, zoom: ZOOM, blend, ...lossless }, { openSource: opener(images) })
    return reads.map((n) => Math.sign(n))
  }
  t.same(await run('last', ['0', '1', '2', '3']), [1, 0, 1, 1])
  t.same(await run('first', ['0', '1', '2', '3']), [1, 0, 0, 0])
  t.same(await run('last', ['1', '3', '0']), [1, 0, 0, 0])
})
