// What views make of stored samples: tones, colormaps, nodata, alpha, choices of bands. Expected colours come from
// the formulas written out again, in plain arithmetic.

import t from 'tap'
import type { ColourView, SampleType, StoredSamples, Tone } from '../../src/raster/source.js'
import type { SampleArray } from '../../src/raster/view/tone.js'
import { ViewPlan } from '../../src/raster/view/view.js'
import type { StoredLook } from '../../src/raster/view/view-choice.js'
import { randomFrom } from '../helpers/random.js'

const stored = (
  type: SampleType,
  bits: number,
  bands = 1,
  more: Partial<StoredSamples> = {},
): StoredSamples => ({
  type,
  bits,
  bands,
  hasAlpha: false,
  palette: false,
  ...more,
})

/** One interleaved array for all samples. */
function apply(plan: ViewPlan, samples: number, array: SampleArray, validity?: Uint8Array) {
  return plan.apply(
    { arrays: new Array(samples).fill(array), stride: samples },
    array.length / samples,
    validity,
  )
}

const colour = (tone?: Tone, more: Partial<ColourView> = {}): ColourView => ({
  kind: 'colour',
  ...(tone === undefined ? {} : { tone }),
  ...more,
})

/** numpy: floor(clip((v - min) / (max - min), 0, 1) ** (1 / gamma) * 255 + 0.5) */
const toned = (v: number, min: number, max: number, gamma: number): number =>
  Math.floor(Math.max(0, Math.min(1, (v - min) / (max - min))) ** (1 / gamma) * 255 + 0.5)

const ARRAYS = [
  ['uint8', 8, Uint8Array, 0, 255],
  ['int8', 8, Int8Array, -128, 127],
  ['uint16', 16, Uint16Array, 0, 65535],
  ['uint16', 12, Uint16Array, 0, 4095],
  ['int16', 16, Int16Array, -32768, 32767],
  ['uint32', 32, Uint32Array, 0, 2 ** 32 - 1],
  ['int32', 32, Int32Array, -(2 ** 31), 2 ** 31 - 1],
  ['float32', 32, Float32Array, -1000, 1000],
  ['float64', 64, Float64Array, -1e9, 1e9],
] as const

t.test('a tone is its formula, for every type, by table or not', async (t) => {
  const random = randomFrom(1)
  for (const [type, bits, Typed, low, high] of ARRAYS) {
    for (const gamma of [1, 0.5, 2.2]) {
      for (const [from, to] of [
        [0, 1],
        [0.25, 0.5],
        [0.9, 0.1],
      ] as const) {
        const min = low + (high - low) * from
        const max = low + (high - low) * to
        const array = Typed.from(Array.from({ length: 900 }, () => low + (high - low) * random()))
        array.set([low, high, Math.round(min), Math.round(max)])
        const ranges = [[min, max]] as const
        const plan = ViewPlan.of({ stored: stored(type, bits, 3) }, colour({ ranges, gamma }))
        const { data, mask } = apply(plan, 3, array)
        t.equal(mask, undefined)
        t.same(
          [...data],
          [...array].map((v) => toned(v, min, max, gamma)),
          `${type} ${bits} ${gamma} ${from}`,
        )
      }
    }
  }
})

t.test('ranges by band, in units of scale and offset', async (t) => {
  const scales = [
    { scale: 0.1, offset: -5 },
    { scale: 1, offset: 0 },
    { scale: 2, offset: 100 },
  ]
  const plan = ViewPlan.of(
    { stored: stored('int16', 16, 3, { scales }) },
    colour(
      {
        ranges: [
          [0, 10],
          [0, 200],
          [-100, 300],
        ],
        gamma: 1,
      },
      { bands: [3, 1, 2] },
    ),
  )
  const array = Int16Array.of(100, 50, 20, -50, 150, -60)
  const wanted = [
    [2 * 20 + 100, 0, 10],
    [0.1 * 100 - 5, 0, 200],
    [50, -100, 300],
    [2 * -60 + 100, 0, 10],
    [0.1 * -50 - 5, 0, 200],
    [150, -100, 300],
  ]
  t.same(
    [...apply(plan, 3, array).data],
    wanted.map(([v, min, max]) => toned(v!, min!, max!, 1)),
  )
})

t.test('a range of nothing: below or at it 0, above it 255', async (t) => {
  const plan = ViewPlan.of({ stored: stored('int16', 16) }, colour({ ranges: [[5, 5]], gamma: 1 }))
  t.same([...apply(plan, 1, Int16Array.of(4, 5, 6)).data], [0, 0, 255])
})

t.test('colormaps: between stops, beyond them, stepped, with alpha', async (t) => {
  const stops = [
    { value: 100, rgba: [0, 200, 100, 255] },
    { value: 0, rgba: [10, 20, 30, 255] },
    { value: 200, rgba: [255, 255, 255, 0] },
  ] as const
  const values = [-50, 0, 25, 50, 99, 100, 150, 200, 1000]
  const linear = [
    [10, 20, 30, 255],
    [10, 20, 30, 255],
    [7.5, 65, 47.5, 255],
    [5, 110, 65, 255],
    [0.1, 198.2, 99.3, 255],
    [0, 200, 100, 255],
    [127.5, 227.5, 177.5, 127.5],
    [255, 255, 255, 0],
    [255, 255, 255, 0],
  ]
  const steps = [1, 1, 1, 1, 1, 0, 0, 2, 2].map((i) => stops[i]!.rgba)
  for (const [interpolate, wanted] of [
    [true, linear],
    [false, steps],
  ] as const) {
    const tone: Tone = { ranges: [], gamma: 1, colormap: { stops, interpolate } }
    for (const [type, Typed] of [
      ['int16', Int16Array],
      ['float32', Float32Array],
    ] as const) {
      const plan = ViewPlan.of({ stored: stored(type, type === 'int16' ? 16 : 32) }, colour(tone))
      t.equal(plan.bands, 3)
      t.equal(plan.maskKind, 'alpha')
      const { data, mask } = apply(plan, 1, Typed.from(values))
      const rounded = wanted.map((rgba) => rgba.map((v) => Math.floor(v + 0.5)))
      t.same(
        [...data],
        rounded.flatMap((rgba) => rgba.slice(0, 3)),
      )
      t.same(
        [...mask!],
        rounded.map((rgba) => rgba[3]),
      )
    }
  }
  const opaque = ViewPlan.of(
    { stored: stored('int16', 16) },
    colour({ ranges: [], gamma: 1, colormap: { stops: stops.slice(0, 2), interpolate: true } }),
  )
  t.equal(opaque.maskKind, 'none')
  t.equal(apply(opaque, 1, Int16Array.of(3)).mask, undefined)
})

t.test('nodata is compared as stored, before any tone', async (t) => {
  const tone: Tone = { ranges: [[0, 100]], gamma: 1 }
  const masked = (type: SampleType, bits: number, array: SampleArray, nodata: number[][], bands = 1) => {
    const plan = ViewPlan.of({ stored: stored(type, bits, bands) }, colour(tone), nodata)
    const { mask } = apply(plan, bands, array)
    return [plan.maskKind, mask && [...mask]]
  }
  t.same(masked('int16', 16, Int16Array.of(-9999, 0, 5), [[-9999]]), ['binary', [0, 255, 255]])
  t.same(masked('int16', 16, Int16Array.of(-9999, 0, 5), [[-9999], [5]]), ['binary', [0, 255, 0]], 'several')
  t.same(masked('int16', 16, Int16Array.of(1, 2), [[70000]]), ['none', undefined], 'out of range')
  t.same(masked('int16', 16, Int16Array.of(1, 2), [[1.5]]), ['none', undefined], 'no integer')
  t.same(masked('uint16', 12, Uint16Array.of(4095, 1), [[4095], [4096]]), ['binary', [0, 255]])
  t.same(
    masked('float32', 32, Float32Array.of(Number.NaN, Infinity, 0), []),
    ['binary', [0, 0, 255]],
    'no numbers',
  )
  t.same(
    masked('float32', 32, Float32Array.of(Math.fround(0.1), 0.2), [[0.1]]),
    ['binary', [0, 255]],
    'rounded',
  )
  const lowest = Float32Array.of(-3.4028234663852886e38, 0)
  for (const text of [
    '-3.4028234663852886e+38',
    '-3.40282e+38',
    '-3.4028235e+38',
    '-1.7976931348623157e308',
  ]) {
    t.same(masked('float32', 32, lowest, [[Number(text)]]), ['binary', [0, 255]], text)
  }
  t.same(
    masked('float64', 64, Float64Array.of(-1.7976931348623157e308, 1), []),
    ['binary', [0, 255]],
    'no single',
  )
  // All bands at once, or not at all.
  const rgb = Uint16Array.of(0, 0, 0, 0, 0, 1, 1, 2, 3)
  t.same(masked('uint16', 16, rgb, [[0]], 3), ['binary', [0, 255, 255]])
  t.same(masked('uint16', 16, rgb, [[1, 2, 3]], 3), ['binary', [255, 255, 0]], 'one a band')
})

t.test('lists of nodata go with the bands in the order asked for, or by their numbers', async (t) => {
  const four = Uint8Array.of(1, 2, 3, 4, 3, 2, 1, 9)
  const masked = (nodata: number[][], bands: number[]) => {
    const plan = ViewPlan.of({ stored: stored('uint8', 8, 4) }, colour(undefined, { bands }), nodata)
    return [...(apply(plan, 4, four).mask ?? [])]
  }
  t.same(masked([[3, 2, 1]], [3, 2, 1]), [0, 255])
  t.same(masked([[1, 2, 3, 4]], [3, 2, 1]), [0, 255])
  t.same(masked([[7, 7, 7, 9]], [4]), [255, 0])
})

t.test('values: Float32, scaled, in any order, under a mask', async (t) => {
  const scales = [
    { scale: 1, offset: 0 },
    { scale: 0.5, offset: 10 },
  ]
  const plan = ViewPlan.of(
    { stored: stored('int16', 16, 2, { scales }) },
    { kind: 'values', bands: [2, 1] },
    [[-1]],
  )
  const { data, mask } = apply(plan, 2, Int16Array.of(3, 4, -1, -1, -1, 6))
  t.ok(data instanceof Float32Array)
  t.same([...data], [12, 3, 9.5, -1, 13, -1])
  t.same([...mask!], [255, 0, 255])
  t.match(plan, { bands: 2, samples: 'float32', maskKind: 'binary' })
  const many = ViewPlan.of({ stored: stored('uint8', 8, 5) }, { kind: 'values', bands: [1, 2, 3, 4, 5] }, [
    [7],
  ])
  t.same(
    [...apply(many, 5, Uint8Array.of(7, 7, 7, 7, 7, 7, 7, 7, 7, 8)).mask!],
    [0, 255],
    'more than three bands',
  )
})

t.test('plain pictures are not copied', async (t) => {
  for (const bands of [1, 3]) {
    const array = new Uint8Array(12).fill(9)
    const { data, mask } = apply(ViewPlan.of({ stored: stored('uint8', 8, bands) }, colour()), bands, array)
    t.equal(data.buffer, array.buffer)
    t.equal(mask, undefined)
  }
  const floats = Float32Array.of(1, 2)
  const plan = ViewPlan.of({ stored: stored('float32', 32) }, { kind: 'values', bands: [1] })
  t.equal(apply(plan, 1, floats).data.buffer, floats.buffer)
})

t.test('colours multiplied by alpha are divided before they are toned', async (t) => {
  const look: StoredLook = {
    stored: stored('uint16', 16, 1, { hasAlpha: true }),
    premultiplied: true,
  }
  const plan = ViewPlan.of(look, colour({ ranges: [[1000, 3000]], gamma: 1 }))
  // 2000 at full, half and no opacity
  const { data, mask } = apply(plan, 2, Uint16Array.of(2000, 65535, 1000, 32768, 0, 0))
  t.same([...data.subarray(0, 2)], [128, 127])
  t.same([...mask!], [255, 128, 0])
  const eight = ViewPlan.of(
    { stored: stored('uint8', 8, 1, { hasAlpha: true }), premultiplied: true },
    colour(),
  )
  t.same([...apply(eight, 2, Uint8Array.of(50, 100, 200, 255)).data], [128, 200])
})

t.test('a mask of the format’s own hides, too', async (t) => {
  const plan = ViewPlan.of({ stored: stored('uint8', 8), validity: true }, colour(), [[5]])
  t.equal(plan.maskKind, 'binary')
  t.same([...apply(plan, 1, Uint8Array.of(5, 6, 7), Uint8Array.of(255, 255, 0)).mask!], [0, 255, 0])
})

t.test('planes and interleaved samples come out the same', async (t) => {
  const look: StoredLook = { stored: stored('int16', 16, 3, { hasAlpha: true }) }
  const view = colour({ ranges: [[0, 100]], gamma: 1 }, { bands: [3, 1, 2] })
  const random = randomFrom(3)
  const mixed = Int16Array.from({ length: 400 }, () => random() * 120)
  const planes = [0, 1, 2, 3].map((s) => mixed.filter((_, i) => i % 4 === s))
  const plan = ViewPlan.of(look, view, [[7]])
  t.same(plan.apply({ arrays: planes, stride: 1 }, 100), apply(plan, 4, mixed))
  t.same(plan.needed, [2, 0, 1, 3])
})

t.test('what cannot be is said, or is misuse', async (t) => {
  const of = (view: ColourView) => () => ViewPlan.of({ stored: stored('uint8', 8, 3) }, view, [], 'a.tif')
  t.throws(of(colour(undefined, { bands: [4] })), {
    code: 'BAD_OPTION',
    message: /a\.tif has 3 bands, but --bands asks for band 4/,
  })
  t.throws(of(colour(undefined, { bands: [0] })), { code: 'BAD_OPTION' })
  t.throws(of(colour(undefined, { bands: [1, 2] })), {
    code: 'BAD_OPTION',
    message: /2 bands were given/,
  })
  const plan = ViewPlan.of({ stored: stored('int16', 16) }, colour(), [], 'a.tif')
  t.equal(plan.lacksTone, true)
  t.throws(() => apply(plan, 1, Int16Array.of(1)), {
    code: 'BAD_OPTION',
    message: /a\.tif.*int16.*--rescale/,
  })
})
