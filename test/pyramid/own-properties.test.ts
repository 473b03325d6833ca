// What is said of single sources: which one is on top, what is cut off, and how each is read. Proved by pixels.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { pixelToMetresX, pixelToMetresY } from '../../src/grid/tiles/mercator.js'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import { estimate } from '../../src/pyramid/estimate/estimate.js'
import type { RasterSource } from '../../src/raster/source.js'
import { plainTiff } from '../helpers/plain-tiff.js'
import { type ImageOptions, ImageSource, type Paint, speckled, tilesOf } from './images.js'
import { region } from './region.js'

const lossless = { format: 'png', resampling: 'nearest', threads: 0 } as const
const [X, Y] = [256 * 512, 256 * 400]

const openerOf =
  (images: readonly ImageOptions[]) =>
  async (path: string): Promise<RasterSource> =>
    new ImageSource({ ...images[Number(path)]!, path })

const flat =
  (red: number): Paint =>
  () => [red, 0, 0, 255]

t.test('which one is on top', async (t) => {
  const at = (zoom: number, red: number, px = 200): ImageOptions => {
    const scale = 2 ** (12 - zoom)
    return { zoom, x: X / scale, y: Y / scale, width: px / scale, height: px / scale, paint: flat(red) }
  }
  // 0 and 3 are as fine as each other, up to a rounding
  const images = [at(12, 10), at(11, 11), at(10, 12), { ...at(12, 13), x: X + 1, y: Y + 1 }]
  const dates = ['2020-05-01', '2021', undefined, '2020-05-01T00:00:00Z']
  const out = join(t.testdir(), 'out.pmtiles')
  const top = async (
    options: Partial<BuildOptions>,
    priorities: (number | undefined)[] = [],
  ): Promise<number> => {
    const sources = images.map((_, i) => ({ location: `${i}`, date: dates[i], priority: priorities[i] }))
    const common = { sources, out, zoom: 12, overwrite: true, ...lossless }
    await build({ ...common, ...options }, { openSource: openerOf(images) })
    return (await region(out, 12, X + 100, Y + 100, 1, 1)).rgba[0]! - 10
  }
  t.equal(await top({}), 3)
  t.equal(await top({ blend: 'first' }), 0)
  t.equal(await top({ order: 'finest' }), 3, 'of equals the last')
  t.equal(await top({ order: 'finest', blend: 'first' }), 0, 'of equals the first')
  t.equal(await top({ order: 'newest' }), 1)
  t.equal(await top({ order: 'newest', blend: 'first' }), 1)
  for (const blend of ['last', 'first'] as const) {
    t.equal(await top({ blend }, [0, 0, 1, -1]), 2, 'the highest priority')
    t.equal(await top({ blend, order: 'finest' }, [1, 2, 2]), 1, 'among those of one priority the finest')
    t.equal(await top({ blend, order: 'newest' }, [0, -1, 0, -0.5]), 0, 'a date is above none')
  }
  t.equal(await top({ order: 'newest', blend: 'last' }, [0, -1, 0, 0]), 3, 'the same instant: the last')
  t.equal(await top({ order: 'newest', blend: 'first' }, [0, -1, 0, 0]), 0, 'the same instant: the first')
})

/** A polygon with a hole, in pixels of zoom 12; through no centre of a pixel. */
const RINGS = [
  [
    [70.2, 40.3],
    [1500.7, 160.1],
    [1210.4, 900.8],
    [300.6, 1150.9],
  ],
  [
    [600.3, 400.2],
    [900.1, 500.6],
    [700.8, 700.3],
  ],
]

function isInside(px: number, py: number): boolean {
  let inside = false
  for (const ring of RINGS) {
    for (const [i, [x1, y1]] of ring.entries()) {
      const [x0, y0] = ring[(i + ring.length - 1) % ring.length]!
      if (y0! <= py !== y1! <= py && px < x0! + ((py - y0!) / (y1! - y0!)) * (x1! - x0!)) inside = !inside
    }
  }
  return inside
}

const cutline = {
  type: 'Polygon',
  crs: { type: 'name', properties: { name: 'EPSG:3857' } },
  coordinates: RINGS.map((ring) =>
    [...ring, ring[0]!].map(([x, y]) => [pixelToMetresX(X + x!, 12, 256), pixelToMetresY(Y + y!, 12, 256)]),
  ),
}

t.test('a source that is cut is built like one that has nothing outside', async (t) => {
  const upper = speckled()
  const soft: Paint = (x, y) => [x & 255, y & 255, 90, 40 + ((x * 3 + y) % 200)]
  for (const [blend, paint, maskKind] of [
    ['last', upper, 'binary'],
    ['first', upper, 'binary'],
    ['feather', soft, 'alpha'],
  ] as const) {
    const place = { zoom: 12, x: X, y: Y, width: 1600, height: 1200 }
    const cut: Paint = (x, y) => (isInside(x + 0.5, y + 0.5) ? paint(x, y) : [0, 0, 0, 0])
    const lower: ImageOptions = {
      zoom: 12,
      x: X + 500,
      y: Y - 100,
      width: 700,
      height: 1500,
      paint: speckled(),
    }
    const tilesFor = async (image: ImageOptions, own: object): Promise<Record<string, string>> => {
      const out = join(t.testdir(), 'out.pmtiles')
      const sources = [{ location: '0' }, { location: '1', ...own }, { location: '2' }]
      await build(
        { sources, out, zoom: [11, 12], blend, ...lossless },
        { openSource: openerOf([lower, image, { ...lower, x: X + 1100 }]) },
      )
      return tilesOf(out)
    }
    const expected = await tilesFor({ ...place, maskKind, paint: cut }, {})
    t.same(await tilesFor({ ...place, maskKind, paint }, { cutline }), expected, blend)
  }
})

t.test('a deep source that is cut leaves coarse tiles outside', async (t) => {
  const upper: ImageOptions = { zoom: 12, x: X, y: Y, width: 1600, height: 1200, paint: speckled() }
  const cut: Paint = (x, y) => (isInside(x + 0.5, y + 0.5) ? upper.paint(x, y) : [0, 0, 0, 0])
  const lower: ImageOptions = {
    zoom: 9,
    x: X / 8 - 30,
    y: Y / 8 - 60,
    width: 300,
    height: 250,
    paint: speckled(),
  }
  for (const blend of ['last', 'first', 'feather'] as const) {
    const tilesFor = async (image: ImageOptions, own: object): Promise<Record<string, string>> => {
      const out = join(t.testdir(), 'out.pmtiles')
      const sources = [{ location: '0' }, { location: '1', ...own }]
      const options = {
        sources,
        out,
        minZoom: 8,
        blend,
        depth: 'native',
        feather: blend === 'feather' ? 16 : undefined,
      } as const
      await build({ ...options, ...lossless }, { openSource: openerOf([lower, image]) })
      return tilesOf(out)
    }
    const expected = await tilesFor({ ...upper, paint: cut }, {})
    const found = await tilesFor(upper, { cutline })
    t.same(found, expected, blend)
    const deep = Object.keys(found).filter((key) => key.startsWith('12/'))
    t.ok(deep.length > 10 && deep.length < 35, `${deep.length} deep tiles`)
  }
})

t.test('tiles outside of all polygons are not planned', async (t) => {
  const image: ImageOptions = { zoom: 12, x: X, y: Y, width: 2560, height: 2560, paint: speckled() }
  const reads: number[] = []
  const openSource = openerOf([{ ...image, onRead: ({ x }) => reads.push(x) }])
  const out = join(t.testdir(), 'out.pmtiles')
  const options = { sources: [{ location: '0', cutline }], out, zoom: 12, ...lossless } as const
  const planned = (await estimate(options, { openSource, sampleSeconds: 0 })).levels[0]!.planned
  t.ok(planned <= 6 * 5, `${planned} tiles`)
  await build(options, { openSource })
  t.ok(Math.max(...reads) <= 1600, 'and what is outside is not read')
  const far = {
    type: 'Polygon',
    coordinates: [
      [
        [0, 0],
        [1, 0],
        [1, 1],
      ],
    ],
  }
  await t.rejects(
    build({ ...options, overwrite: true, sources: [{ location: '0', cutline: far }] }, { openSource }),
    {
      code: 'NOTHING_TO_BUILD',
      message: /does not overlap the polygons that the list cuts by; it covers .*degrees, longitude first/,
    },
  )
  await t.rejects(
    build(
      {
        ...options,
        overwrite: true,
        sources: [{ location: '0', cutline: { type: 'Polygon', coordinates: [[]] } }],
      },
      { openSource },
    ),
    {
      code: 'BAD_OPTION',
      message: /^The cutline of 0 has a ring of fewer than three points/,
    },
  )
})

/** Three images side by side, of the same numbers, which need different things to be said of them. */
function threeImages(t: Test): string {
  const dir = t.testdir()
  const [width, height] = [600, 600]
  const data = new Uint8Array(width * height * 4)
  for (let p = 0; p < width * height; p++) data.set([p % 7, 100, 200, 50], p * 4)
  const write = (name: string, at: number, keys?: null): void => {
    const place = [10, 500_000 + at * 6000, 5_300_000] as const
    const more = keys === null ? { keys, tags: { 34735: undefined } } : {}
    writeFileSync(
      join(dir, name),
      plainTiff({ width, height, samples: 4, data, place, rowsPerStrip: 100, ...more }),
    )
  }
  write('a.tif', 0)
  write('b.tif', 1)
  write('c.tif', 2, null)
  return dir
}

t.test('nodata, bands and CRS of single sources reach every thread', async (t) => {
  const dir = threeImages(t)
  writeFileSync(
    join(dir, 'list.csv'),
    'location,nodata,bands,s_srs,cutline,taken\na.tif,"3,100,200",,,,x\nb.tif,,"3,2,1",,half.geojson,y\nc.tif,,4,EPSG:32633,,\n',
  )
  const half = {
    type: 'Polygon',
    crs: { type: 'name', properties: { name: 'EPSG:32633' } },
    coordinates: [
      [
        [505_000, 5_290_000],
        [509_000, 5_290_000],
        [509_000, 5_301_000],
        [505_000, 5_301_000],
      ],
    ],
  }
  writeFileSync(join(dir, 'half.geojson'), JSON.stringify(half))
  const said = [
    { location: join(dir, 'a.tif'), nodata: [3, 100, 200], properties: { taken: 'x' } },
    { location: join(dir, 'b.tif'), bands: [3, 2, 1], cutline: half },
    { location: join(dir, 'c.tif'), bands: [4], crs: 'EPSG:32633' },
  ]
  const out = join(dir, 'out.pmtiles')
  const options = { out, overwrite: true, zoom: [12, 14], format: 'png', resampling: 'nearest' } as const
  let expected: string | undefined
  for (const [threads, sources] of [
    [0, said],
    [2, [join(dir, 'list.csv')]],
  ] as const) {
    const report = await build({ ...options, sources, threads })
    t.equal(report.sources.length, 3)
    const tiles = JSON.stringify(tilesOf(out))
    t.equal(tiles, expected ?? tiles, `${threads} threads`)
    expected = tiles
  }
  // the middles of the three, on the grid of zoom 14
  const seen = await colours(out)
  t.ok(seen.has('0,100,200,255') && !seen.has('3,100,200,255'), 'nodata of the first')
  t.ok(seen.has('200,100,3,255'), 'bands of the second')
  t.ok(seen.has('50,50,50,255'), 'the grey of the third')
  // one colour of seven
  const share = (7 * seen.get('200,100,3,255')!) / seen.get('50,50,50,255')!
  t.ok(Math.abs(share - 0.5) < 0.02, `half of the second is cut off: ${share.toFixed(3)}`)
  await t.rejects(build({ ...options, sources: [join(dir, 'c.tif')] }), { code: 'CRS_MISSING' })
  const one = { location: join(dir, 'b.tif'), bands: [3, 2, 1] }
  await t.rejects(build({ ...options, sources: [one], terrain: 'mapbox' }), {
    code: 'BAD_OPTION',
    message: /^Heights come from one band, and the bands given for .*b\.tif are 3,2,1: give one\.$/,
  })
  await t.rejects(build({ ...options, sources: [one], colormap: 'viridis' }), { code: 'BAD_OPTION' })
  await build({ ...options, sources: [{ ...one, bands: [2] }], terrain: 'float32', format: 'auto' })
})

/** The colours of all tiles of zoom 14, and how often each is there. */
async function colours(out: string): Promise<Map<string, number>> {
  const places = Object.keys(tilesOf(out)).map((key) => key.split('/').map(Number))
  const seen = new Map<string, number>()
  for (const [z, x, y] of places) {
    if (z !== 14) continue
    const { rgba } = await region(out, z, x! * 256, y! * 256, 256, 256)
    for (let p = 0; p < rgba.length; p += 4) {
      const colour = rgba.subarray(p, p + 4).join()
      seen.set(colour, (seen.get(colour) ?? 0) + 1)
    }
  }
  return seen
}

t.test('a build is not continued with other properties', async (t) => {
  const dir = threeImages(t)
  const out = join(dir, 'out.pmtiles')
  const sourcesWith = (own: object): BuildOptions['sources'] => [
    { location: join(dir, 'a.tif'), ...own },
    join(dir, 'b.tif'),
  ]
  const options = { out, minZoom: 15, maxZoom: 16, threads: 0, format: 'png', commitEverySeconds: 0 } as const
  const stop = new AbortController()
  const own = { nodata: 3 }
  await t.rejects(
    build(
      { ...options, sources: sourcesWith(own) },
      { signal: stop.signal, onProgress: ({ subtreesDone }) => subtreesDone > 0 && stop.abort() },
    ),
    { code: 'INTERRUPTED' },
  )
  for (const other of [
    {},
    { nodata: 4 },
    {
      ...own,
      cutline: {
        type: 'Polygon',
        coordinates: [
          [
            [14, 47],
            [16, 47],
            [16, 49],
          ],
        ],
      },
    },
    { ...own, bands: [1] },
  ]) {
    await t.rejects(build({ ...options, resume: true, sources: sourcesWith(other) }), {
      code: 'NOT_RESUMABLE',
      message: /bands or cutlines of single sources have changed|the cutline/,
    })
  }
  const more = { ...own, attribution: 'somebody', date: '2024', properties: { x: 1 } }
  const report = await build({ ...options, resume: true, sources: sourcesWith(more) })
  t.equal(report.resumed, true, 'what no tile shows may change')
  rmSync(out)
})
