import fc from 'fast-check'
import t from 'tap'
import { tileId } from '../../src/format/tile-id.js'
import { WEB_MERCATOR } from '../../src/grid/crs/epsg.js'
import type { TileRange } from '../../src/grid/tiles/cover.js'
import { LIMIT_METRES } from '../../src/grid/tiles/mercator.js'
import { countAll, unionRanges } from '../../src/grid/tiles/ranges.js'
import { type Cutline, cutlineOf } from '../../src/pyramid/cutline/cutline.js'
import { parseBuildOptions } from '../../src/pyramid/options.js'
import { naturalZooms, type ZoomLimits } from '../../src/pyramid/plan/depth.js'
import { depthNote } from '../../src/pyramid/plan/depth-note.js'
import { tilesOfUnit, unitsOf } from '../../src/pyramid/plan/forest.js'
import { type BuildPlan, clipAt } from '../../src/pyramid/plan/plan.js'
import { planBuild } from '../../src/pyramid/plan/plan-build.js'
import type { SourceInfo } from '../../src/raster/source.js'
import { infoOf } from './images.js'

const paint = () => [0, 0, 0, 255] as const
const plan = (info: SourceInfo, options: Record<string, unknown> = {}): BuildPlan =>
  planBuild([info], parseBuildOptions({ sources: ['image.tif'], out: 'x', ...options }))

t.test('one tile exactly', (t) => {
  const info = infoOf({ zoom: 10, x: 256 * 500, y: 256 * 400, width: 256, height: 256, paint })
  const range = { minX: 500, minY: 400, maxX: 500, maxY: 400 }
  const { bounds, ...rest } = plan(info)
  t.same(rest, {
    content: 'colour',
    terrain: undefined,
    sources: [info],
    tileSize: 256,
    bands: 3,
    maskKind: 'binary',
    resampling: 'bilinear',
    overviewResampling: 'average',
    encoding: {
      format: 'auto',
      transparentFormat: 'webp',
      quality: 75,
      qualityByZoom: {},
      lossless: false,
      background: [255, 255, 255],
      alpha: true,
      skipBlank: false,
    },
    minZoom: 10,
    maxZoom: 10,
    depths: [{ minZoom: 10, zoom: 10 }],
    isUniform: true,
    treeDepth: 4,
    subtrees: 1,
    units: 1,
    bbox: undefined,
    blend: 'last',
    featherPx: 64,
    cutline: undefined,
    cutlines: undefined,
    frames: [{ source: 0, zoom: 10, cell: 2, x: 64_000, y: 51_200, width: 128, height: 128 }],
    levels: [{ zoom: 10, ranges: [range], tiles: 1 }],
    tiles: 1,
  })
  t.ok(Math.abs(bounds[0] - (500 / 1024 - 0.5) * 360) < 1e-9)
  t.end()
})

t.test('zooms: asked for, and not', (t) => {
  const info = infoOf({ zoom: 10, x: 256 * 500, y: 256 * 400, width: 1000, height: 500, paint })
  const zooms = (options: Record<string, unknown>): number[] => {
    const { minZoom, maxZoom } = plan(info, options)
    return [minZoom, maxZoom]
  }
  t.same(zooms({}), [8, 10])
  t.same(zooms({ minZoom: 0 }), [0, 10])
  t.same(zooms({ maxZoom: 12 }), [8, 12])
  t.same(zooms({ zoom: [9, 11] }), [9, 11])
  t.same(zooms({ zoom: 9 }), [9, 9])
  t.same(zooms({ zoom: [9, 11], maxZoom: 10 }), [9, 10])
  t.same(zooms({ maxZoom: 3 }), [3, 3])
  t.same(zooms({ tileSize: 512 }), [8, 9], 'a tile of 512 px has the resolution of the next zoom')
  t.throws(() => plan(info, { minZoom: 11 }), { code: 'BAD_OPTION', message: /lowest zoom, 11, is above/ })
  t.end()
})

t.test('strategies between two zooms', (t) => {
  const base = infoOf({ zoom: 10, x: 0, y: 0, width: 512, height: 512, paint })
  const scaled = (factor: number): SourceInfo => {
    const g = base.geotransform
    return { ...base, geotransform: [g[0], g[1] * factor, 0, g[3], 0, g[5] * factor] }
  }
  const zooms = (info: SourceInfo): number[] =>
    ['auto', 'lower', 'upper'].map((zoomLevelStrategy) => plan(info, { zoomLevelStrategy }).maxZoom)
  t.same(zooms(base), [10, 10, 10])
  t.same(zooms(scaled(1.1)), [10, 9, 10])
  t.same(zooms(scaled(1.9)), [9, 9, 10])
  t.end()
})

t.test('a bbox cuts to the pixel, and to nothing', (t) => {
  const info = infoOf({ zoom: 10, x: 256 * 512, y: 256 * 511, width: 512, height: 512, paint })
  const pixel = 360 / 1024 / 256
  const cut = plan(info, { bbox: [10 * pixel, -100 * pixel, 300.4 * pixel, 0] })
  const x = 256 * 512
  t.same(clipAt(cut, 10), [{ minX: x + 10, minY: 256 * 512, endX: x + 300, endY: 256 * 512 + 100 }])
  t.same(cut.levels.at(-1)!.ranges, [{ minX: 512, minY: 512, maxX: 513, maxY: 512 }])
  t.throws(() => plan(info, { bbox: [100, 10, 101, 11] }), {
    code: 'NOTHING_TO_BUILD',
    message: /does not overlap --bbox .*; it covers /,
  })
  t.end()
})

t.test('over the antimeridian: two ranges, parents counted once', (t) => {
  // five degrees on either side
  const info: SourceInfo = {
    ...infoOf({ zoom: 6, x: 0, y: 0, width: 1000, height: 500, paint }),
    crs: { epsg: 4326, name: 'EPSG:4326', definition: 'EPSG:4326' },
    geotransform: [175, 0.01, 0, 2.5, 0, -0.01],
  }
  const { levels, minZoom, bounds } = plan(info, { minZoom: 0 })
  t.equal(minZoom, 0)
  t.same(
    bounds.map((degrees) => Math.round(degrees * 10) / 10),
    [-180, -2.5, 180, 2.5],
  )
  t.same(
    levels.slice(0, 3).map((level) => level.tiles),
    [1, 4, 4],
  )
  const [west, east] = levels.at(-1)!.ranges
  t.equal(west!.minX, 0)
  t.equal(east!.maxX, 2 ** levels.at(-1)!.zoom - 1)
  t.end()
})

t.test('outside the world', (t) => {
  const info: SourceInfo = {
    ...infoOf({ zoom: 6, x: 0, y: 0, width: 100, height: 100, paint }),
    crs: { epsg: 4326, name: 'EPSG:4326', definition: 'EPSG:4326' },
    geotransform: [0, 0.01, 0, 89, 0, -0.01],
  }
  t.throws(() => plan(info), { code: 'NOTHING_TO_BUILD', message: /outside the web mercator world/ })
  t.end()
})

t.test('subtrees: few for a small image, deep for a large one', (t) => {
  const at = (side: number): BuildPlan =>
    plan(infoOf({ zoom: 16, x: 0, y: 0, width: side, height: side, paint }))
  const facts = [256, 2048, 4096, 8192, 20480].map((side) => {
    const { treeDepth, subtrees } = at(side)
    return [side, treeDepth, subtrees]
  })
  t.same(facts, [
    [256, 4, 1],
    [2048, 3, 1],
    [4096, 3, 4],
    [8192, 3, 16],
    [20480, 4, 25],
  ])
  t.end()
})

t.test('roots come in the order of their ids, and add up', (t) => {
  const p = plan(infoOf({ zoom: 14, x: 12345, y: 54321, width: 30000, height: 20000, paint }))
  const units = [...unitsOf(p)]
  const rootZoom = p.maxZoom - p.treeDepth
  t.equal(units.length, p.subtrees)
  t.equal(p.units, p.subtrees)
  t.ok(units.every(({ kind, zoom }) => kind === 'subtree' && zoom === rootZoom))
  const ids = units.map(({ x, y }) => tileId(rootZoom, x, y))
  t.same(
    ids,
    [...ids].sort((a, b) => a - b),
  )
  const below = units.reduce((sum, unit) => sum + tilesOfUnit(p, unit), 0)
  const above = p.levels.filter((l) => l.zoom < rootZoom).reduce((sum, l) => sum + l.tiles, 0)
  t.equal(below + above, p.tiles)
  t.end()
})

t.test('a world of a billion tiles is planned at once, its subtrees on demand', (t) => {
  const side = 2 ** 17
  const step = (2 * LIMIT_METRES) / side
  const info: SourceInfo = {
    ...infoOf({ zoom: 0, x: 0, y: 0, width: side, height: side, paint }),
    crs: WEB_MERCATOR,
    geotransform: [-LIMIT_METRES, step, 0, LIMIT_METRES, 0, -step],
  }
  const p = plan(info, { maxZoom: 15 })
  t.equal(p.levels.at(-1)!.tiles, 4 ** 15)
  t.equal(p.subtrees, 4 ** 11)
  const first = unitsOf(p)
  const root = { kind: 'subtree', zoom: 11, x: 0, base: 15 }
  t.same(
    [first.next().value, first.next().value],
    [
      { ...root, y: 0 },
      { ...root, y: 1 },
    ],
  )
  t.end()
})

t.test('each source to its own zoom', (t) => {
  const base = infoOf({ zoom: 8, x: 0, y: 0, width: 4096, height: 4096, paint })
  // a city within tiles 8/4/4, and one beside the base
  const city = infoOf({ zoom: 12, x: 256 * 70, y: 256 * 70, width: 300, height: 256, paint })
  const island = infoOf({ zoom: 11, x: 256 * 8 * 17, y: 256 * 8 * 3, width: 256, height: 256, paint })
  const planOf = (options: Record<string, unknown> = {}, limits: ZoomLimits[] = []): BuildPlan =>
    planBuild(
      [base, city, island],
      parseBuildOptions({ sources: ['image.tif'], out: 'x', ...options }),
      undefined,
      limits,
    )
  const tilesBy = ({ levels }: BuildPlan): Record<string, number> =>
    Object.fromEntries(levels.map(({ zoom, tiles }) => [zoom, tiles]))
  const zooms = ({ depths }: BuildPlan): number[] => depths.map(({ zoom }) => zoom)

  const noteOf = (plan: BuildPlan, more: Record<string, unknown> = {}): string | undefined =>
    depthNote(plan, parseBuildOptions({ sources: ['image.tif'], out: 'x', ...more }))

  const native = planOf()
  t.same(zooms(native), [8, 12, 11])
  t.equal(native.isUniform, false)
  t.same([native.minZoom, native.maxZoom], [3, 12])
  t.same(tilesBy(native), { 3: 1, 4: 2, 5: 5, 6: 17, 7: 65, 8: 257, 9: 2, 10: 2, 11: 2, 12: 2 })

  const uniform = planOf({ depth: 'uniform' })
  t.same([uniform.isUniform, ...zooms(uniform)], [true, 12, 12, 12])
  t.equal(uniform.levels.at(-1)!.tiles, 256 * 256 + 4)
  t.ok(planOf({ maxZoom: 12 }).isUniform && planOf({ zoom: [3, 12] }).isUniform)
  t.same(zooms(planOf({ maxZoom: 10, depth: 'native' })), [8, 10, 10])
  t.ok(planOf({ maxZoom: 8, depth: 'native' }).isUniform)

  const deep = planOf({ minZoom: 9 })
  t.same(zooms(deep), [8, 12, 11], 'the base lies below the city, but has no tiles')
  t.equal(deep.levels[0]!.tiles, 2)
  t.match(
    noteOf(native),
    /^The highest zoom is 8 for image\.tif, 11 for image\.tif and 12 for image\.tif, each/,
  )
  t.match(noteOf(deep), /^The highest zoom is 11 for image\.tif and 12 for image\.tif, each/)
  t.equal(noteOf(uniform), undefined)
  const given = /^The highest zoom is 11 for image\.tif and 12 for image\.tif\. To build/
  t.match(noteOf(deep, { maxZoom: 12 }), given, 'not the resolution decided')
  t.match(noteOf(deep, { sources: [{ location: 'image.tif', maxZoom: 11 }] }), given)

  const limited = planOf({}, [{}, { minZoom: 11 }, { maxZoom: 9 }])
  t.same(
    limited.depths.map(({ minZoom, zoom }) => [minZoom, zoom]),
    [
      [3, 8],
      [11, 12],
      [3, 9],
    ],
  )
  t.same(tilesBy(limited), { 3: 1, 4: 2, 5: 5, 6: 17, 7: 65, 8: 257, 9: 1, 10: 0, 11: 1, 12: 2 })
  t.equal(planOf({ depth: 'uniform' }, [{ minZoom: 9 }]).isUniform, false)
  t.end()
})

t.test('sources outside the bbox or the cutline do not count', (t) => {
  const base = infoOf({ zoom: 8, x: 0, y: 0, width: 4096, height: 4096, paint })
  const city = infoOf({ zoom: 12, x: 256 * 70, y: 256 * 70, width: 300, height: 256, paint })
  const west = -180 + (360 / 256) * 6
  const bbox = [west, 83, west + 3, 84]
  const build = (options: Record<string, unknown>, cutline?: Cutline): BuildPlan =>
    planBuild([base, city], parseBuildOptions({ sources: ['image.tif'], out: 'x', ...options }), cutline)
  const boxed = build({ bbox })
  t.same([boxed.isUniform, boxed.maxZoom], [true, 8])
  const ring = [
    [bbox[0], bbox[1]],
    [bbox[2], bbox[1]],
    [bbox[2], bbox[3]],
    [bbox[0], bbox[1]],
  ]
  const cut = build({}, cutlineOf({ type: 'Polygon', coordinates: [ring] }, 'the cutline'))
  t.same([cut.isUniform, cut.maxZoom], [true, 8])
  t.throws(() => build({ bbox, minZoom: 9 }), { code: 'BAD_OPTION', message: /9, is above the highest, 8/ })
  t.end()
})

t.test('sources of nearly one resolution have one depth', (t) => {
  const base = infoOf({ zoom: 10, x: 256 * 500, y: 256 * 400, width: 512, height: 512, paint })
  const scaled = (factor: number): SourceInfo => {
    const g = base.geotransform
    return { ...base, geotransform: [g[0], g[1] * factor, 0, g[3], 0, g[5] * factor] }
  }
  const zooms = (...factors: number[]): (number | undefined)[] =>
    naturalZooms(factors.map(scaled), { tileSize: 256, zoomLevelStrategy: 'auto' })
  t.same(zooms(1.35, 1.45, 1.4), [10, 10, 10], 'around the middle between two zooms')
  t.same(zooms(1.45, 1.5), [9, 9])
  t.same(zooms(2, 1, 1.3, 4, 1.9), [9, 10, 10, 8, 9])
  t.same(zooms(16, 1), [6, 10])
  t.end()
})

t.test('threads and memory change no plan', (t) => {
  const info = infoOf({ zoom: 14, x: 12345, y: 54321, width: 30000, height: 20000, paint })
  t.same(plan(info, { threads: 1 }), plan(info, { threads: 64, memLimit: 2 ** 30 }))
  t.end()
})

const range = fc
  .tuple(fc.nat(20), fc.nat(20), fc.nat(8), fc.nat(8))
  .map(([x, y, w, h]): TileRange => ({ minX: x, minY: y, maxX: x + w, maxY: y + h }))

t.test('ranges that share none hold the same tiles', (t) => {
  const tiles = (ranges: readonly TileRange[]): string[] =>
    ranges.flatMap(({ minX, minY, maxX, maxY }) =>
      Array.from({ length: (maxX - minX + 1) * (maxY - minY + 1) }, (_, i) => {
        const width = maxX - minX + 1
        return `${minX + (i % width)} ${minY + Math.floor(i / width)}`
      }),
    )
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), (ranges) => {
      const found = tiles(unionRanges(ranges))
      const wanted = new Set(tiles(ranges))
      return found.length === wanted.size && found.every((tile) => wanted.has(tile))
    }),
  )
  const field = Array.from({ length: 20_000 }, (_, i): TileRange => {
    const minX = (i * 7919) % 100_000
    const minY = (i * 104_729) % 100_000
    return { minX, minY, maxX: minX + (i % 9), maxY: minY + (i % 5) }
  })
  t.ok(unionRanges(field).length < 40_000)
  t.end()
})

t.test('tiles in a union of ranges', (t) => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 6 }), (ranges) => {
      const seen = new Set<string>()
      for (const r of ranges) {
        for (let y = r.minY; y <= r.maxY; y++) for (let x = r.minX; x <= r.maxX; x++) seen.add(`${x},${y}`)
      }
      return countAll(unionRanges(ranges)) === seen.size
    }),
  )
  t.end()
})
