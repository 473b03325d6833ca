// Halving: exact averages, textbook convolutions, and what happens to masks.
import fc from 'fast-check'
import t from 'tap'
import { createCanvas } from '../../src/raster/canvas.js'
import { type Pixels, RESAMPLINGS, type Resampling } from '../../src/raster/pixels.js'
import { halve, halveInto, halveReach } from '../../src/raster/tiles/downsample.js'
import { KEEPING, type MaskStyle, maskKindOf, naiveWeights, picture } from './synthetic.js'

const STYLES: MaskStyle[] = ['none', 'holes', 'soft']

/** One pixel of the half-size picture, by direct sums; edges repeat. */
function naive(from: Pixels, kernel: Resampling, alpha: boolean, x: number, y: number): [number[], number] {
  const { width, height, bands } = from
  const at = (i: number, j: number): number =>
    Math.max(0, Math.min(height - 1, j)) * width + Math.max(0, Math.min(width - 1, i))
  const opacityAt = (p: number): number => (from.mask === undefined ? 255 : from.mask[p]!)
  const normal = (weights: Map<number, number>): [number, number][] => {
    const sum = [...weights.values()].reduce((a, b) => a + b, 0)
    return [...weights].map(([i, w]) => [i, w / sum])
  }
  if (kernel === 'nearest') {
    const p = at(2 * x, 2 * y)
    return [[...from.data.subarray(p * bands, p * bands + bands)], opacityAt(p)]
  }
  const colour = new Array<number>(bands).fill(0)
  let opacity = 0
  for (const [j, wy] of normal(naiveWeights(kernel, 2 * y + 1, 2))) {
    for (const [i, wx] of normal(naiveWeights(kernel, 2 * x + 1, 2))) {
      const p = at(i, j)
      opacity += wx * wy * opacityAt(p)
      for (let c = 0; c < bands; c++)
        colour[c] = colour[c]! + wx * wy * opacityAt(p) * from.data[p * bands + c]!
    }
  }
  const four = [at(2 * x, 2 * y), at(2 * x + 1, 2 * y), at(2 * x, 2 * y + 1), at(2 * x + 1, 2 * y + 1)]
  const any = four.some((p) => opacityAt(p) > 0)
  const painted = alpha ? Math.max(0, Math.min(255, opacity)) : any ? 255 : 0
  return [colour.map((v) => Math.max(0, Math.min(255, v / opacity))), painted]
}

for (const bands of [1, 3] as const) {
  for (const style of STYLES) {
    t.test(`every kernel, ${bands} band(s), mask ${style}`, async (t) => {
      const image = picture(54, 38, bands, style, 21)
      const alpha = style === 'soft'
      for (const kernel of KEEPING) {
        const got = halve(image, kernel, maskKindOf(style))!
        t.same([got.width, got.height, got.bands], [27, 19, bands])
        let worst = 0
        let masks = 0
        for (let p = 0; p < 27 * 19; p++) {
          const [colour, painted] = naive(image, kernel, alpha, p % 27, Math.floor(p / 27))
          const mask = got.mask?.[p] ?? 255
          if (Math.abs(mask - painted) > 0.5 + 1e-9) masks++
          if (mask === 0) continue
          for (let c = 0; c < bands; c++)
            worst = Math.max(worst, Math.abs(got.data[p * bands + c]! - colour[c]!))
        }
        t.equal(masks, 0, `${kernel}: masks`)
        t.ok(worst <= 0.5 + 1e-9, `${kernel}: rounding only (${worst})`)
      }
    })
  }
}

t.test('average is exact, halves rounded up', async (t) => {
  const four = (a: number, b: number, c: number, d: number, mask?: number[]): Pixels => ({
    width: 2,
    height: 2,
    bands: 1,
    data: Uint8Array.of(a, b, c, d),
    mask: mask && Uint8Array.from(mask),
  })
  const one = (p: Pixels, kind: 'none' | 'binary' | 'alpha'): [number, number] | undefined => {
    const got = halve(p, 'average', kind)
    return got && [got.data[0]!, got.mask?.[0] ?? 255]
  }
  t.same(one(four(0, 1, 0, 1), 'none'), [1, 255])
  t.same(one(four(10, 10, 10, 11), 'none'), [10, 255])
  t.same(one(four(255, 255, 255, 255), 'none'), [255, 255])
  t.same(one(four(99, 200, 99, 99, [0, 255, 0, 0]), 'binary'), [200, 255], 'one valid pixel is enough')
  t.same(one(four(99, 200, 99, 100, [0, 255, 0, 255]), 'binary'), [150, 255])
  t.same(
    one(four(99, 200, 99, 99, [0, 255, 0, 0]), 'alpha'),
    [200, 64],
    'alpha is averaged, colour is not dimmed',
  )
  t.same(one(four(10, 200, 0, 0, [100, 50, 0, 0]), 'alpha'), [73, 38], 'weighed by alpha')
  t.equal(one(four(9, 9, 9, 9, [0, 0, 0, 0]), 'binary'), undefined)
  t.equal(one(four(9, 9, 9, 9, [1, 0, 0, 0]), 'alpha'), undefined, 'a quarter of 1/255 rounds to nothing')
})

t.test('twice is a quarter: within the rounding of two steps', async (t) => {
  const image = picture(64, 48, 3, 'none', 33)
  const twice = halve(halve(image, 'average', 'none')!, 'average', 'none')!
  let worst = 0
  for (let y = 0; y < 12; y++) {
    for (let x = 0; x < 16; x++) {
      let sum = 0
      for (let k = 0; k < 16; k++) sum += image.data[((4 * y + (k >> 2)) * 64 + 4 * x + (k & 3)) * 3]!
      worst = Math.max(worst, Math.abs(twice.data[(y * 16 + x) * 3]! - sum / 16))
    }
  }
  t.ok(worst <= 1, `${worst}`)
})

t.test('a constant stays constant, rim included', async (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(...RESAMPLINGS),
      fc.constantFrom(...STYLES),
      (w, h, value, kernel, style) => {
        const { mask } = picture(2 * w, 2 * h, 1, style, w * 31 + h)
        const image = {
          width: 2 * w,
          height: 2 * h,
          bands: 1,
          data: new Uint8Array(4 * w * h).fill(value),
          mask,
        }
        const got = halve(image, kernel, maskKindOf(style))
        return got === undefined || got.data.every((v, p) => v === value || got.mask?.[p] === 0)
      },
    ),
  )
  t.pass('property holds')
})

t.test('an apron makes tiles independent of their mosaic', async (t) => {
  const image = picture(96, 96, 3, 'none', 8)
  const cropOf = (p: Pixels, x: number, y: number, size: number): number[] => {
    const out: number[] = []
    for (let j = 0; j < size; j++) {
      for (let i = 0; i < size * 3; i++) out.push(p.data[((y + j) * p.width + x) * 3 + i]!)
    }
    return out
  }
  for (const kernel of RESAMPLINGS) {
    const apron = halveReach(kernel) + (halveReach(kernel) & 1)
    const whole = halve(image, kernel, 'none')!
    const side = 32 + 2 * apron
    const data = Uint8Array.from(cropOf(image, 32 - apron, 32 - apron, side))
    const part = halve({ width: side, height: side, bands: 3, data, mask: undefined }, kernel, 'none')!
    t.same(cropOf(part, apron / 2, apron / 2, 16), cropOf(whole, 16, 16, 16), `${kernel}: apron of ${apron}`)
  }
  t.same(KEEPING.map(halveReach), [0, 1, 3, 5, 0])
})

t.test('into a quadrant, leaving the rest', async (t) => {
  const canvas = createCanvas(20, 16, 3)
  canvas.data.fill(5)
  halveInto(picture(20, 16, 3, 'none', 1), 'average', 'none', canvas, 10, 8)
  t.equal(canvas.data[0], 5)
  t.equal(
    canvas.mask.reduce((n, m) => n + (m ? 1 : 0), 0),
    80,
  )
  t.equal(canvas.mask[8 * 20 + 10], 255)
  t.equal(canvas.mask[8 * 20 + 9], 0)
  const odd = picture(21, 16, 3, 'none', 1)
  t.throws(() => halve(odd, 'average', 'none'), RangeError)
  t.throws(() => halveInto(picture(20, 16, 3, 'none', 1), 'cubic', 'none', canvas, 11, 8), RangeError)
  t.throws(() => halveInto(picture(20, 16, 1, 'none', 1), 'cubic', 'none', canvas, 0, 0), TypeError)
})
