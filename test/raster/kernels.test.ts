// Weight tables: normalised, symmetric, right at known points, as wide as the scale asks.
import t from 'tap'
import { RESAMPLINGS } from '../../src/raster/pixels.js'
import {
  kernelAt,
  kernelReach,
  PHASES,
  WIDEN_ABOVE,
  weightTable,
  wideningOf,
} from '../../src/raster/warp/kernels/kernel.js'

const SCALES = [0.2, 0.95, 1, 1.05, 1.06, 1.5, 2, 3.7, 40]

t.test('every row of every table sums to 1, and mirrors its opposite', async (t) => {
  for (const kernel of RESAMPLINGS.filter((k) => k !== 'nearest')) {
    for (const scale of SCALES) {
      const { taps, weights } = weightTable(kernel, scale)
      let sums = 0
      let mirrors = 0
      for (let phase = 0; phase <= PHASES; phase++) {
        let sum = 0
        for (let i = 0; i < taps; i++) {
          const w = weights[phase * taps + i]!
          sum += w
          mirrors = Math.max(mirrors, Math.abs(w - weights[(PHASES - phase) * taps + taps - 1 - i]!))
        }
        sums = Math.max(sums, Math.abs(sum - 1))
      }
      t.ok(sums < 1e-12 && mirrors < 1e-12, `${kernel} at ${scale}: ${sums}, ${mirrors}`)
    }
  }
})

t.test('known values', async (t) => {
  const near = (a: number, b: number, what: string): boolean => t.ok(Math.abs(a - b) < 1e-12, `${what}: ${a}`)
  const at = (kernel: 'bilinear' | 'cubic' | 'cubicspline' | 'lanczos', u: number): number =>
    kernelAt(kernel, 1).weight(u)
  near(at('bilinear', 0.25), 0.75, 'triangle')
  near(at('cubic', 0), 1, 'Catmull-Rom at 0')
  near(at('cubic', 0.5), 0.5625, 'at a half: 9/16')
  near(at('cubic', 1.5), -0.0625, 'at one and a half: −1/16')
  near(at('cubic', 2), 0, 'at its end')
  near(at('cubicspline', 0), 2 / 3, 'B-spline at 0')
  near(at('cubicspline', 0.5), 23 / 48, 'at a half')
  near(at('cubicspline', 1), 1 / 6, 'at one')
  near(at('cubicspline', 2), 0, 'at its end')
  near(at('lanczos', 0.5), (12 / Math.PI ** 2) * Math.sin(Math.PI / 6), 'lanczos at a half')
  near(at('lanczos', 3), 0, 'lanczos at its end')
  for (const u of [1, 2]) near(at('lanczos', u), 0, `lanczos at ${u}`)
})

t.test('widening starts where GDAL starts it, and never narrows', async (t) => {
  t.equal(wideningOf(0.3), 1)
  t.equal(wideningOf(1.05), 1)
  t.equal(wideningOf(1.06), 1.06)
  t.ok(WIDEN_ABOVE > 1.05 && WIDEN_ABOVE < 1.06)
  t.equal(weightTable('cubic', 0.2).taps, 4)
  t.equal(weightTable('cubic', 2).taps, 8)
  t.equal(weightTable('lanczos', 3.7).taps, 24)
  t.equal(weightTable('average', 4).taps, 6)
  t.ok(kernelReach('lanczos', 2) >= 6 && kernelReach('nearest', 50) === 0)
})

t.test('average is the overlap', async (t) => {
  const { taps, weights } = weightTable('average', 2)
  // at a corner (phase ½): exactly the two neighbours; at a centre: one whole, two halves
  const row = (phase: number): number[] =>
    [...weights.subarray(phase * taps, (phase + 1) * taps)].filter((w) => w > 0)
  t.same(row(PHASES / 2), [0.5, 0.5])
  t.same(row(0), [0.25, 0.5, 0.25])
})
