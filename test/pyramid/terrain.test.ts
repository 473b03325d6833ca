// Builds of heights: exact from the source to the tile, overviews from heights, holes, resume, what is refused,
// and reading them again: by others, by sample, and as a source.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import t from 'tap'
import type { FlagstoneError } from '../../src/errors.js'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import type { OpenOptions, SourceOpener } from '../../src/pyramid/sources/open.js'
import type { Pixels } from '../../src/raster/pixels.js'
import type { PixelWindow, RasterSource, SourceInfo } from '../../src/raster/source.js'
import { decodeHeights, isTerrainRgb } from '../../src/raster/tiles/terrain.js'
import { sample, sampleHeights } from '../../src/sampling/sample.js'
import { elevationOf } from '../../src/sampling/tile-form.js'
import { verifyTiles } from '../../src/sampling/verify.js'
import { openTiles } from '../../src/store/read/open.js'
import { describeTiles } from '../../src/store/report/describe.js'
import { openPeer } from '../helpers/peer.js'
import { type ImageOptions, infoOf, tilesOf } from './images.js'

type Land = (x: number, y: number) => number | undefined

interface LandOptions extends Omit<ImageOptions, 'paint'> {
  readonly land: Land
}

/** Heights that exist only as a function, on the pixel grid of a zoom. */
class LandSource implements RasterSource {
  readonly info: SourceInfo
  readonly #options: LandOptions
  constructor(options: LandOptions) {
    this.#options = options
    this.info = {
      ...infoOf({ ...options, paint: () => [0, 0, 0, 0] }),
      bands: 1,
      samples: 'float32',
      stored: { type: 'float32', bits: 32, bands: 1, hasAlpha: false, palette: false },
    }
  }

  async read(_level: number, window: PixelWindow): Promise<Pixels<Float32Array>> {
    const { x, y, width, height } = window
    this.#options.onRead?.(window)
    const data = new Float32Array(width * height)
    const mask = new Uint8Array(width * height)
    for (let p = 0; p < data.length; p++) {
      const value = this.#options.land(x + (p % width), y + Math.floor(p / width))
      if (value === undefined) continue
      data[p] = value
      mask[p] = 255
    }
    return { width, height, bands: 1, data, mask }
  }

  async close(): Promise<void> {}
}

const openerOf =
  (options: LandOptions, opened: OpenOptions[] = []): SourceOpener =>
  async (_path, open) => {
    opened.push(open)
    return new LandSource(options)
  }

/** Steep, rough, below the sea in places, with a hole. */
const hills: Land = (x, y) =>
  Math.hypot(x - 700, y - 500) < 120
    ? undefined
    : 900 * Math.sin(x / 37) * Math.cos(y / 53) + ((x * 7919 + y * 104729) % 97) / 10

const island: LandOptions = {
  zoom: 12,
  x: 1000 * 256 + 77,
  y: 900 * 256 + 130,
  width: 1300,
  height: 700,
  land: hills,
}

const buildOf = (out: string, more: Partial<BuildOptions> = {}): BuildOptions => ({
  sources: ['land.tif'],
  out,
  terrain: 'mapbox',
  resampling: 'nearest',
  commitEverySeconds: 0,
  ...more,
})

async function heightsOf(path: string): Promise<Map<string, Pixels<Float32Array>>> {
  const reader = openTiles(path)
  const { encoding } = reader.metadata()
  const found = new Map<string, Pixels<Float32Array>>()
  for (const { z, x, y } of reader.tiles()) {
    const { bytes } = reader.get(z, x, y)!
    found.set(`${z}/${x}/${y}`, await decodeHeights(bytes, isTerrainRgb(encoding) ? encoding : undefined))
  }
  reader.close()
  return found
}

const sameBytes = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0

/** The height of a pixel of a zoom by direct averages of averages; undefined where there is none. */
function naive(zoom: number, x: number, y: number): number | undefined {
  if (zoom === island.zoom) {
    const [i, j] = [x - island.x, y - island.y]
    const inside = i >= 0 && j >= 0 && i < island.width && j < island.height
    const height = inside ? hills(i, j) : undefined
    return height === undefined ? undefined : Math.fround(height)
  }
  const four = [0, 1, 2, 3].map((k) => naive(zoom + 1, 2 * x + (k & 1), 2 * y + (k >> 1)))
  const valid = four.filter((h) => h !== undefined)
  return valid.length === 0 ? undefined : valid.reduce((a, b) => a + b, 0) / valid.length
}

t.test(
  'every encoding: heights within half a step, overviews averaged before they are written',
  async (t) => {
    const dir = t.testdir()
    for (const [terrain, half] of [
      ['mapbox', 0.05],
      ['terrarium', 1 / 512],
      ['int16', 0.125],
      ['float32', 0],
    ] as const) {
      const out = join(dir, `${terrain}.pmtiles`)
      const report = await build(buildOf(out, { terrain, minZoom: 9 }), { openSource: openerOf(island) })
      t.same(report.notes, [])
      const tiles = await heightsOf(out)
      t.equal(tiles.size, report.tiles)
      let worst = 0
      let flips = 0
      for (const [key, tile] of tiles) {
        const [z, x, y] = key.split('/').map(Number) as [number, number, number]
        if (z < 10) continue
        for (let p = 0; p < 65536; p += 37) {
          const want = naive(z, x * 256 + (p % 256), y * 256 + (p >> 8))
          const isValid = tile.mask === undefined || tile.mask[p] !== 0
          if (isValid !== (want !== undefined)) flips++
          else if (want !== undefined) worst = Math.max(worst, Math.abs(tile.data[p]! - want))
        }
      }
      t.ok(worst <= half + 1e-4, `${terrain}: ${worst}`)
      t.equal(flips, 0, `${terrain}: the same pixels have a height`)
      t.same(
        (await verifyTiles(out, { decode: true })).findings.filter((f) => !f.ok),
        [],
      )
      const reader = openTiles(out)
      const rgb = terrain === 'mapbox' || terrain === 'terrarium'
      t.equal(reader.metadata()['encoding'], rgb ? terrain : undefined)
      t.equal(elevationOf(reader), rgb ? terrain : 'numbers')
      t.match(describeTiles(reader).types, [{ name: rgb ? 'webp' : 'elevation', count: report.tiles }])
      reader.close()
    }
  },
)

t.test('PNG and WebP hold the same colours, as others read them', async (t) => {
  const dir = t.testdir()
  const small = { ...island, width: 400, height: 300 }
  const colours: Buffer[][] = []
  for (const format of ['png', 'webp'] as const) {
    const out = join(dir, `${format}.pmtiles`)
    await build(buildOf(out, { format, terrain: 'terrarium' }), { openSource: openerOf(small) })
    const peer = openPeer(out)
    const metadata = (await peer.archive.getMetadata()) as Record<string, unknown>
    t.equal(metadata['encoding'], 'terrarium')
    const reader = openTiles(out)
    const pixels: Buffer[] = []
    for (const { z, x, y } of [...reader.tiles()]) {
      const image = sharp((await peer.get(z, x, y))!)
      t.equal((await image.metadata()).format, format)
      pixels.push(await image.ensureAlpha().raw().toBuffer())
    }
    colours.push(pixels)
    reader.close()
    peer.close()
  }
  t.ok(colours[0]!.length > 3)
  t.same(
    colours[0]!.map((b) => b.toString('base64')),
    colours[1]!.map((b) => b.toString('base64')),
  )
})

t.test('interrupted and resumed: the same tiles, parents included', async (t) => {
  const dir = t.testdir()
  const strip: LandOptions = { ...island, x: 100, width: 20000, height: 200, land: (x, y) => (x % 977) + y }
  const options = (out: string): BuildOptions => buildOf(out, { minZoom: 2, terrain: 'int16' })
  await build(options(join(dir, 'whole.pmtiles')), { openSource: openerOf(strip) })
  const wanted = tilesOf(join(dir, 'whole.pmtiles'))
  const out = join(dir, 'out.pmtiles')
  let interruptions = 0
  for (let isDone = false; !isDone; ) {
    const controller = new AbortController()
    let left = 6
    const openSource = openerOf({ ...strip, onRead: () => --left === 0 && controller.abort() })
    const resume = interruptions > 0
    isDone = await build({ ...options(out), resume }, { openSource, signal: controller.signal }).then(
      () => true,
      (error: FlagstoneError) => {
        if (error.code !== 'INTERRUPTED' || ++interruptions > 40) throw error
        return false
      },
    )
  }
  t.ok(interruptions > 2, `${interruptions} interruptions`)
  t.same(tilesOf(out), wanted)
  const other = join(dir, 'other.pmtiles')
  const controller = new AbortController()
  let left = 14
  const openSource = openerOf({ ...strip, onRead: () => --left === 0 && controller.abort() })
  await t.rejects(build(options(other), { openSource, signal: controller.signal }), { code: 'INTERRUPTED' })
  if (existsSync(other)) {
    await t.rejects(
      build({ ...options(other), terrain: 'terrarium', resume: true }, { openSource: openerOf(strip) }),
      { code: 'NOT_RESUMABLE', message: /terrain/ },
    )
  }
})

t.test('the band that is asked for; heights that do not fit are said; holes as asked', async (t) => {
  const dir = t.testdir()
  const opened: OpenOptions[] = []
  const tower: LandOptions = {
    ...island,
    width: 300,
    height: 300,
    land: (x, y) => (x === 5 && y < 3 ? 20000 : x > 200 ? undefined : 100),
  }
  const out = join(dir, 'out.pmtiles')
  const notes: string[] = []
  const report = await build(buildOf(out, { terrain: 'int16', bands: [3] }), {
    openSource: openerOf(tower, opened),
    onNote: (note) => notes.push(note),
  })
  t.ok(opened.length > 0 && opened.every((o) => o.view?.kind === 'values' && o.view.bands[0] === 3))
  t.match(report.notes, [/^3 heights .* int16 .*clamped/])
  t.same(notes, report.notes)
  for (const terrainNodata of [-3, 'parent'] as const) {
    const filled = join(dir, `${terrainNodata}.pmtiles`)
    await build(buildOf(filled, { terrainNodata }), {
      openSource: openerOf({ ...tower, land: (x) => (x > 200 ? undefined : 100) }),
    })
    const tiles = await heightsOf(filled)
    t.same([...tiles.keys()].sort(), Object.keys(tilesOf(out)).sort(), 'empty tiles stay out')
    const allowed = terrainNodata === 'parent' ? [100] : [-3, 100]
    for (const [key, { mask, data }] of tiles) {
      t.equal(mask, undefined, `${key}: a height everywhere`)
      t.ok(
        data.every((h) => allowed.includes(Math.round(h * 10) / 10)),
        `${key}: ${allowed}`,
      )
    }
  }
})

t.test('a hole over several tiles is filled from the parents, without borders', async (t) => {
  const out = join(t.testdir(), 'out.pmtiles')
  const valley: LandOptions = {
    ...island,
    x: 1000 * 256,
    y: 900 * 256,
    width: 512,
    height: 512,
    land: (x, y) => (x < 200 || x >= 312 || y < 40 || y >= 480 ? x : undefined),
  }
  for (const overviewResampling of ['average', 'bilinear'] as const) {
    const options = buildOf(out, {
      terrain: 'float32',
      terrainNodata: 'parent',
      overviewResampling,
      overwrite: true,
    })
    await build(options, { openSource: openerOf(valley) })
    const tiles = await heightsOf(out)
    const height = (x: number, y: number): number => {
      const tile = tiles.get(`12/${1000 + (x >> 8)}/${900 + (y >> 8)}`)!
      return tile.data[(y & 255) * 256 + (x & 255)]!
    }
    let border = 0
    let changed = 0
    for (let y = 0; y < 512; y++) {
      border = Math.max(border, Math.abs(height(256, y) - height(255, y)))
      if (y > 0) border = Math.max(border, Math.abs(height(y, 256) - height(y, 255)))
      for (const x of [0, 199, 312, 511]) if (height(x, y) !== x) changed++
    }
    t.ok(border < 12, `${overviewResampling}: the largest step over a tile border is ${border} m of 112`)
    t.equal(changed, 0, 'valid heights stay')
    const [low, high] = [height(200, 256), height(311, 256)]
    t.ok(low < high && low > 150 && high < 360, `heights between those around: ${low} … ${high}`)
  }
})

t.test(
  'heights of two depths: a slope stays one, holes are filled, clamped heights count once',
  async (t) => {
    const out = join(t.testdir(), 'out.pmtiles')
    // metres a pixel of zoom 12, everywhere
    const slope = (zoom: number, x: number, y: number): number =>
      ((x - 256 * 1000 * 2 ** (zoom - 12)) * 0.5 + (y - 256 * 700 * 2 ** (zoom - 12)) * 0.25) *
      2 ** (12 - zoom)
    const base: LandOptions = {
      path: '0',
      zoom: 9,
      x: 256 * 125 + 20,
      y: 256 * 87 + 30,
      width: 300,
      height: 220,
      land: (x, y) => (x < 10 && y < 10 ? 2e6 : slope(9, base.x + x + 0.5, base.y + y + 0.5)),
    }
    const fine: LandOptions = {
      path: '1',
      zoom: 12,
      x: 256 * 1003 + 77,
      y: 256 * 701 + 13,
      width: 700,
      height: 600,
      land: (x, y) =>
        Math.hypot(x - 300, y - 300) < 90 ? undefined : slope(12, fine.x + x + 0.5, fine.y + y + 0.5),
    }
    const report = await build(
      buildOf(out, {
        sources: ['0', '1'],
        terrain: 'float32',
        terrainNodata: 'parent',
        resampling: 'bilinear',
        depth: 'native',
        minZoom: 8,
      }),
      { openSource: async (path) => new LandSource(path === '0' ? base : fine) },
    )
    t.match(report, { minZoom: 8, maxZoom: 12 })
    const tiles = await heightsOf(out)
    let [most, seen] = [0, 0]
    for (const [key, { data, mask }] of tiles) {
      const [z, tx, ty] = key.split('/').map(Number) as [number, number, number]
      for (let p = 0; p < data.length; p++) {
        const [x, y] = [tx * 256 + (p & 255) + 0.5, ty * 256 + (p >> 8) + 0.5]
        const scale = 2 ** (z - 9)
        // where the base has its slope, apart from its edges
        const isInside =
          x > (base.x + 14) * scale &&
          y > (base.y + 14) * scale &&
          x < (base.x + 296) * scale &&
          y < (base.y + 216) * scale
        if (!isInside) continue
        seen++
        if (mask !== undefined && mask[p] === 0) most = Number.POSITIVE_INFINITY
        const off = Math.abs(data[p]! - slope(z, x, y))
        most = Math.max(most, off)
      }
    }
    t.ok(seen > 300_000, `${seen} heights`)
    t.ok(most < 0.02, `off by ${most} m at most`)
    const coarse = join(t.testdir(), 'mapbox.pmtiles')
    const { notes } = await build(
      buildOf(coarse, { sources: ['0', '1'], depth: 'native', minZoom: 8, resampling: 'nearest' }),
      { openSource: async (path) => new LandSource(path === '0' ? base : fine) },
    )
    t.ok(
      notes.some((note) => note.startsWith('100 heights')),
      notes.join(),
    )
  },
)

t.test('what contradicts heights is refused, naming the option', async (t) => {
  const out = join(t.testdir(), 'out.pmtiles')
  const cases: [Partial<BuildOptions>, RegExp][] = [
    [{ quality: 80 }, /quality: .*lossless/],
    [{ format: 'jpeg' }, /format: .*webp or png/],
    [{ terrain: 'float32', format: 'webp' }, /format: float32 tiles are numbers/],
    [{ bands: [1, 2, 3] }, /bands: .*one band/],
    [{ rescale: 'auto' }, /rescale/],
    [{ gamma: 2 }, /gamma/],
    [{ colormap: 'viridis' }, /colormap/],
    [{ terrainStep: 1 }, /terrainStep: mapbox has its own step/],
    [{ terrain: undefined, terrainNodata: 0 }, /terrainNodata: .*set terrain to an encoding/],
    [{ terrainNodata: -20000 }, /outside the range of mapbox/],
    [{ terrain: 'rgb' as never }, /terrain/],
  ]
  for (const [more, message] of cases) {
    await t.rejects(build(buildOf(out, more), { openSource: openerOf(island) }), {
      code: 'BAD_OPTION',
      message,
    })
  }
  t.notOk(existsSync(out))
})

t.test('sampled as heights: a ramp stays a ramp at any size, in every encoding', async (t) => {
  const dir = t.testdir()
  // 6.5536 m a pixel: green wraps at each, so a mean of colours would be wildly off
  const ramp: LandOptions = {
    ...island,
    x: 1000 * 256,
    y: 900 * 256,
    width: 1024,
    height: 1024,
    land: (x) => x * 6.5,
  }
  for (const terrain of ['mapbox', 'terrarium', 'float32'] as const) {
    const out = join(dir, `${terrain}.pmtiles`)
    const { bounds } = await build(buildOf(out, { terrain }), { openSource: openerOf(ramp) })
    const reader = openTiles(out)
    for (const size of [100, 333, 1024]) {
      const heights = (await sampleHeights(reader, { bbox: bounds, width: size, height: size }))!
      let worst = 0
      for (let x = 12; x < size - 12; x++) {
        const want = (((x + 0.5) * 1024) / size - 0.5) * 6.5
        worst = Math.max(worst, Math.abs(heights.data[50 * size + x]! - want))
      }
      // a kernel that widens keeps a ramp to a tenth of a pixel or so; a mean of colours is kilometres off
      t.ok(worst < 1.3, `${terrain} at ${size}: ${worst.toFixed(3)} m`)
    }
    const encoded = sample(reader, { bbox: bounds, width: 200, height: 100, elevation: 'encoded' })
    if (terrain === 'float32') await t.rejects(encoded, { code: 'BAD_OPTION' })
    else {
      const { data } = await encoded
      const [r, g, b] = data.subarray(300, 303) as unknown as [number, number, number]
      const height =
        terrain === 'mapbox' ? -10000 + (r * 65536 + g * 256 + b) * 0.1 : r * 256 + g + b / 256 - 32768
      t.ok(Math.abs(height - 100.5 * 5.12 * 6.5) < 4, `${height} m`)
    }
    const shade = await sample(reader, { bbox: bounds, width: 90, height: 90, elevation: 'shade' })
    t.equal(shade.bands, 1)
    const grey = await sample(reader, { bbox: bounds, width: 256, height: 8, elevation: 'grey' })
    t.ok(grey.data[0] === 0 && grey.data[255] === 255 && Math.abs(grey.data[128]! - 128) < 2)
    reader.close()
  }
})

t.test('an archive of heights is a source of heights, and of nothing else', async (t) => {
  const dir = t.testdir()
  const from = join(dir, 'from.pmtiles')
  await build(buildOf(from, { terrain: 'mapbox' }), { openSource: openerOf(island) })
  const to = join(dir, 'to.pmtiles')
  await build({ sources: [from], out: to, terrain: 'terrarium', threads: 0, resampling: 'nearest' })
  const [a, b] = [await heightsOf(from), await heightsOf(to)]
  let compared = 0
  for (const [key, tile] of a) {
    if (!key.startsWith('12/')) continue
    const again = b.get(key)
    if (again === undefined) t.fail(`${key} is missing`)
    else {
      t.ok(sameBytes(again.mask, tile.mask), `${key}: the same holes`)
      const worst = tile.data.reduce(
        (most, h, p) => (tile.mask?.[p] === 0 ? most : Math.max(most, Math.abs(h - again.data[p]!))),
        0,
      )
      t.ok(worst <= 1 / 512 + 1e-4, `${key}: ${worst}`)
      compared++
    }
  }
  t.ok(compared > 12)
  await t.rejects(build({ sources: [from], out: join(dir, 'no.pmtiles'), threads: 0 }), {
    code: 'SOURCE_UNSUPPORTED',
    message: /--terrain/,
  })
})
