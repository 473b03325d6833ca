// Which tone is chosen for what values, what is said about it, and what is refused.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { parseBuildOptions } from '../../src/pyramid/options.js'
import type { SourceOpener } from '../../src/pyramid/sources/open.js'
import { chooseColours, describeView, provisionalView } from '../../src/pyramid/sources/tone.js'
import { Collector, sampleValues, windowsOf } from '../../src/pyramid/sources/value-sample.js'
import type { SampleType, SourceInfo, StoredSamples } from '../../src/raster/source.js'
import { infoOf } from './images.js'

const SIZE = 300

interface Made {
  readonly type: SampleType
  readonly bands?: number
  readonly palette?: boolean
  /** Undefined: no value there. */
  readonly value: (x: number, y: number, band: number) => number | undefined
}

/** A source by name that gives values. */
function sources(made: Record<string, Made>): { infos: SourceInfo[]; open: SourceOpener; opened: string[] } {
  const opened: string[] = []
  const info = (path: string): SourceInfo => {
    const { type, bands = 1, palette = false } = made[path]!
    const stored: StoredSamples = { type, bits: 16, bands, hasAlpha: false, palette }
    const base = infoOf({ zoom: 10, x: 0, y: 0, width: SIZE, height: SIZE, paint: () => [0, 0, 0, 0] })
    return { ...base, path, stored }
  }
  const open: SourceOpener = async (path, { view }) => {
    opened.push(path)
    if (view?.kind !== 'values') throw new Error('values are asked for')
    return {
      info: info(path),
      async read(_level, { x, y, width, height }) {
        const bands = view.bands.length
        const data = new Float32Array(width * height * bands)
        const mask = new Uint8Array(width * height).fill(255)
        for (let p = 0; p < width * height; p++) {
          for (const [i, band] of view.bands.entries()) {
            const value = made[path]!.value(x + (p % width), y + Math.floor(p / width), band)
            data[p * bands + i] = value ?? -9999
            if (value === undefined) mask[p] = 0
          }
        }
        return { width, height, bands, data, mask }
      },
      async close() {},
    }
  }
  return { infos: Object.keys(made).map(info), open, opened }
}

const choose = (made: Record<string, Made>, given: Record<string, unknown> = {}) => {
  const { infos, open } = sources(made)
  return chooseColours(infos, parseBuildOptions({ sources: ['x'], out: 'y', ...given }), open, {})
}

const ramp = (low: number, high: number) => (x: number) => low + ((high - low) * x) / (SIZE - 1)

t.test('8-bit pictures are left alone, and not even read', async (t) => {
  const { infos, open, opened } = sources({ a: { type: 'uint8', bands: 3, value: () => 7 } })
  const options = parseBuildOptions({ sources: ['x'], out: 'y' })
  t.same(await chooseColours(infos, options, open, {}), { view: { kind: 'colour' }, notes: [] })
  t.same(opened, [])
  const reversed = parseBuildOptions({ sources: ['x'], out: 'y', bands: [3, 2, 1], alpha: false })
  t.same((await chooseColours(infos, reversed, open, {})).view, {
    kind: 'colour',
    bands: [3, 2, 1],
    alpha: false,
  })
  const brighter = await choose({ a: { type: 'uint8', bands: 3, value: () => 7 } }, { gamma: 2 })
  t.same(brighter.view.tone, { ranges: [[0, 255]], gamma: 2 })
})

t.test('deep samples get a range in which they can be seen', async (t) => {
  const cases: [string, Made, [number, number], RegExp][] = [
    ['a ramp', { type: 'uint16', value: ramp(1000, 4000) }, [1060, 3940], /uint16 values from 1060 to 3940/],
    ['heights', { type: 'int16', value: ramp(-50, 150) }, [-46, 146], /int16 values from -46 to 146/],
    ['reflectance', { type: 'float32', value: ramp(0, 1) }, [0.02, 0.98], /float32 values from 0.02 to 0.98/],
    [
      'holes do not count',
      { type: 'int16', value: (x) => (x < 150 ? undefined : x) },
      [153, 296],
      /153 to 296/,
    ],
    [
      'infinities do not count',
      { type: 'float32', value: (x) => (x < 9 ? Infinity : x) },
      [14, 294],
      /14 to 294/,
    ],
    ['one value in the middle', { type: 'uint16', value: () => 500 }, [499, 501], /499 to 501/],
    ['mostly one value', { type: 'uint16', value: (x, y) => (x + y === 0 ? 9 : 0) }, [0, 9], /0 to 9/],
    ['low numbers of one band', { type: 'uint16', value: ramp(0, 255) }, [5, 250], /5 to 250/],
    [
      'a large number',
      { type: 'float64', value: ramp(1e9, 1e9 + 6400) },
      [1e9 + 128, 1e9 + 6272],
      /1000000128 to/,
    ],
  ]
  for (const [name, made, [low, high], note] of cases) {
    const { view, notes } = await choose({ a: made })
    const [[min, max] = [0, 0]] = view.tone?.ranges ?? []
    const slack = Math.max((high - low) / 100, 1e-9)
    t.ok(Math.abs(min - low) <= slack && Math.abs(max - high) <= slack, `${name}: ${min} to ${max}`)
    t.equal(notes.length, 1, name)
    t.match(notes[0], note, name)
    t.match(notes[0], /--rescale/, name)
    t.ok(min < max, name)
  }
})

t.test('palettes stay as they are', async (t) => {
  const palette: Made = { type: 'uint8', palette: true, value: () => 3 }
  t.same(await choose({ a: palette }), { view: { kind: 'colour' }, notes: [] })
  for (const given of [{ rescale: 'auto' }, { rescale: [0, 9] }, { gamma: 2 }]) {
    const { view, notes } = await choose({ a: palette }, given)
    t.equal(view.tone, undefined)
    t.match(notes, [/palette.*rescale and gamma are not used/])
  }
  const { view } = await choose({ a: palette, b: { type: 'uint16', value: ramp(1000, 2000) } })
  t.ok(view.tone!.ranges[0]![0] > 1000, 'its numbers do not count among the values')
  t.ok((await choose({ a: palette }, { colormap: 'viridis' })).view.tone?.colormap, 'but can be mapped')
})

t.test('nothing but nodata still gives a range', async (t) => {
  const { view } = await choose({ a: { type: 'uint16', value: () => undefined } })
  t.same(view.tone?.ranges, [[0, 1]])
})

t.test('8-bit numbers in 16-bit samples stay as they are, if they are a picture', async (t) => {
  const rgb = await choose({ a: { type: 'uint16', bands: 3, value: (x) => Math.round(ramp(3, 255)(x)) } })
  t.same(rgb.view.tone?.ranges, [[0, 255]])
  t.match(rgb.notes, [/from 0 to 255 and are shown unchanged/])
  for (const value of [ramp(0, 256), ramp(-1, 255), ramp(0, 100), (x: number) => x / 2]) {
    const other = await choose({
      a: { type: 'float32', bands: 3, value: (x) => Math.floor(value(x) * 2) / 2 },
    })
    t.not(other.view.tone?.ranges.length, 1, 'no picture of 8 bits')
  }
})

t.test('each band has its own range, of all sources together', async (t) => {
  const one: Made = { type: 'uint16', bands: 4, value: (x, _, band) => band * 1000 + x }
  const two: Made = { type: 'uint16', bands: 4, value: (x, _, band) => band * 1000 + SIZE + x }
  const { view, notes } = await choose({ one, two })
  t.same(
    view.tone!.ranges.map(([low, high]) => [Math.round(low / 100), Math.round(high / 100)]),
    [
      [10, 16],
      [20, 26],
      [30, 36],
    ],
  )
  t.match(notes[0], /band 1 1012 to 1587, band 2 .*band 3/)
  const nir = await choose({ one }, { bands: [4] })
  t.same(nir.view.bands, [4])
  t.equal(Math.round(nir.view.tone!.ranges[0]![0] / 1000), 4)
  const mixed = await choose({ one, grey: { type: 'uint8', value: () => 0 } })
  t.equal(mixed.view.tone?.ranges.length, 3, 'a grey one beside it is shown as the first band')
})

t.test('ranges that are given are taken', async (t) => {
  const made: Made = { type: 'uint16', bands: 3, value: ramp(0, 9) }
  t.same(await choose({ a: made }, { rescale: [0, 10], gamma: 2 }), {
    view: { kind: 'colour', tone: { ranges: [[0, 10]], gamma: 2 } },
    notes: [],
  })
  const three = [
    [0, 1],
    [2, 3],
    [4, 5],
  ]
  t.same((await choose({ a: made }, { rescale: three })).view.tone?.ranges, three)
  const wrong = choose({ a: { ...made, bands: 1 } }, { rescale: three })
  await t.rejects(wrong, { code: 'BAD_OPTION', message: /3 ranges for one band/ })
  const auto = await choose({ a: { type: 'uint8', bands: 3, value: ramp(100, 200) } }, { rescale: 'auto' })
  t.equal(auto.view.tone?.ranges.length, 3)
  t.match(auto.notes, [/uint8 values from band 1 102 to 198/])
})

t.test('colormaps', async (t) => {
  const dem: Made = { type: 'float32', value: ramp(0, 1000) }
  const named = await choose({ a: dem }, { colormap: 'viridis' })
  t.same(named.view.bands, [1])
  const { stops } = named.view.tone!.colormap!
  t.ok(Math.abs(stops[0]!.value - 20) < 4 && Math.abs(stops.at(-1)!.value - 980) < 4, 'percentiles')
  t.match(named.notes, [/colormap spans the float32 values from .*2nd to 98th percentile/])
  const fixed = await choose({ a: dem }, { colormap: 'viridis_r', rescale: [0, 500] })
  t.same(fixed.notes, [])
  t.same(fixed.view.tone!.colormap!.stops[0], { value: 0, rgba: [253, 231, 37, 255] })
  const dir = t.testdir()
  const path = join(dir, 'map.txt')
  writeFileSync(path, '0% black\n100% white\nnv 1 2 3\n')
  const file = await choose({ a: dem }, { colormap: path })
  t.same(
    file.view.tone!.colormap!.stops.map(({ value }) => value),
    [0, 1000],
  )
  t.match(file.notes, [/nv is not used/, /lowest and highest/])
  const given = await choose({ a: dem }, { colormap: { 1: [1, 2, 3], 5: [4, 5, 6] }, bands: [1] })
  t.notOk(given.view.tone!.colormap!.interpolate)
  t.same(given.notes, [])
  const provisional = provisionalView(parseBuildOptions({ sources: ['x'], out: 'y', colormap: path }))
  t.equal(provisional.tone?.colormap?.stops.length, 2, 'so that a plan knows there are three bands')
  const rgb = choose({ a: { ...dem, bands: 3 } }, { colormap: 'viridis' })
  await t.rejects(rgb, { code: 'BAD_OPTION', message: /for one band and a has 3.*--bands 1/ })
  const missing = choose({ a: dem }, { colormap: 'virdis' })
  await t.rejects(missing, {
    code: 'BAD_OPTION',
    message: /not a colormap file or a known name.*viridis/,
  })
  await t.rejects(choose({ a: dem }, { colormap: dir }), { code: 'BAD_OPTION' })
})

t.test('the same choice every time, and it can be told apart', async (t) => {
  const made: Made = { type: 'float32', value: (x, y) => Math.sin(x * y) }
  const first = await choose({ a: made })
  t.same(first, await choose({ a: made }))
  const views = [
    first.view,
    (await choose({ a: made }, { gamma: 2 })).view,
    (await choose({ a: made }, { colormap: 'magma' })).view,
    (await choose({ a: made }, { colormap: 'magma', colormapMode: 'lower' })).view,
    (await choose({ a: made }, { alpha: false })).view,
    (await choose({ a: made }, { bands: [1] })).view,
  ]
  t.equal(new Set(views.map(describeView)).size, views.length)
})

t.test('the sample lies inside, is bounded, and reaches all over', (t) => {
  fc.assert(
    fc.property(
      fc.record({
        width: fc.integer({ min: 1, max: 50_000 }),
        height: fc.integer({ min: 1, max: 50_000 }),
        blockWidth: fc.integer({ min: 1, max: 60_000 }),
        blockHeight: fc.integer({ min: 1, max: 60_000 }),
      }),
      (level) => {
        const budget = 2 ** 20
        const windows = windowsOf(level, budget)
        let pixels = 0
        for (const { x, y, width, height } of windows) {
          pixels += width * height
          if (x < 0 || y < 0 || width < 1 || height < 1) return false
          if (x + width > level.width || y + height > level.height) return false
        }
        return windows.length > 0 && pixels <= Math.max(budget, 24 * 2 ** 17)
      },
    ),
    { numRuns: 500 },
  )
  for (const block of [
    { blockWidth: 512, blockHeight: 512 },
    { blockWidth: 20_000, blockHeight: 1 },
    { blockWidth: 20_000, blockHeight: 20_000 },
  ]) {
    const windows = windowsOf({ width: 20_000, height: 20_000, ...block }, 2 ** 21)
    for (const [left, top] of [
      [0, 0],
      [10_000, 0],
      [0, 10_000],
      [10_000, 10_000],
    ] as const) {
      const meets = windows.some(
        (w) => w.x < left + 10_000 && w.x + w.width > left && w.y < top + 10_000 && w.y + w.height > top,
      )
      t.ok(meets, `${block.blockWidth}×${block.blockHeight}: the quarter at ${left},${top}`)
    }
  }
  t.end()
})

t.test('statistics', (t) => {
  const list = new Collector()
  t.match(list.statistics(), { count: 0 })
  list.add(
    Float32Array.from([1, 9, 2, 9, 3, 9, Number.NaN, 9, 5, 9]),
    Uint8Array.of(255, 255, 0, 255, 255),
    0,
    2,
  )
  t.same(list.statistics(), { count: 3, min: 1, max: 5, low: 1, high: 5, integers: true })
  list.add(new Float32Array(200_000).fill(2.5), undefined, 0, 1)
  t.match(list.statistics(), { count: 200_003, low: 2.5, high: 2.5, integers: false })
  t.end()
})

t.test('thousands of sources are not all opened', async (t) => {
  const made: Record<string, Made> = {}
  for (let i = 0; i < 1000; i++) made[`s${i}`] = { type: 'uint16', value: () => i }
  const { infos, open, opened } = sources(made)
  const [band] = await sampleValues(infos, [1], open, {})
  t.ok(opened.length <= 64, `${opened.length} were`)
  t.ok(band!.max > 900, 'they are of everywhere')
})
