// Plans are plain data: known ones by deepEqual, and the promises about positions, windows and parts.
import proj4 from 'proj4'
import t from 'tap'
import type { Crs } from '../../src/grid/crs/crs.js'
import { LIMIT_METRES, resolution } from '../../src/grid/tiles/mercator.js'
import type { Resampling } from '../../src/raster/pixels.js'
import type { Geotransform, SourceInfo, SourceLevel } from '../../src/raster/source.js'
import { cellStart } from '../../src/raster/warp/warp-grid.js'
import { planWarp, TOLERANCE_PX, type WarpPart, type WarpTarget } from '../../src/raster/warp/warp-plan.js'
import { exactPositions } from './synthetic.js'

const crs = (definition: string): Crs => ({ epsg: undefined, name: definition, definition })
const MERCATOR = crs('EPSG:3857')
const LONLAT = crs('EPSG:4326')
const UTM = crs('+proj=utm +zone=17 +datum=NAD83 +units=m')

function infoOf(
  c: Crs,
  geotransform: Geotransform,
  width: number,
  height: number,
  factors: number[] = [],
): SourceInfo {
  const level = (f: number): SourceLevel => ({
    width: Math.ceil(width / f),
    height: Math.ceil(height / f),
    blockWidth: 256,
    blockHeight: 256,
  })
  return {
    path: 'planned',
    width,
    height,
    bands: 3,
    maskKind: 'none',
    samples: 'uint8',
    stored: { type: 'uint8', bits: 8, bands: 3, hasAlpha: false, palette: false },
    crs: c,
    geotransform,
    levels: [level(1), ...factors.map(level)],
    description: 'planned',
  }
}

const tile = (zoom: number, x: number, y: number, size = 256): WarpTarget => ({
  zoom,
  tileSize: size,
  x: x * size,
  y: y * size,
  width: size,
  height: size,
})

const plan = (info: SourceInfo, target: WarpTarget, resampling: Resampling = 'bilinear') =>
  planWarp(info, target, { resampling })

/** Where a part puts the centre of a target pixel, by the rules of warp-grid.ts. */
function positionIn(part: WarpPart, x: number, y: number): [number, number] {
  const { grid, width, height } = part
  let i = 0
  let j = 0
  while (cellStart(i + 1, grid.columns, width) <= x) i++
  while (cellStart(j + 1, grid.rows, height) <= y) j++
  const exactAt = grid.exactAt?.[j * grid.columns + i] ?? -1
  if (exactAt >= 0) {
    const x0 = cellStart(i, grid.columns, width)
    const across = cellStart(i + 1, grid.columns, width) - x0
    const at = exactAt + 2 * ((y - cellStart(j, grid.rows, height)) * across + x - x0)
    return [grid.exact![at]!, grid.exact![at + 1]!]
  }
  const u = (x * grid.columns) / Math.max(1, width - 1) - i
  const v = (y * grid.rows) / Math.max(1, height - 1) - j
  const node = (di: number, dj: number, axis: number): number =>
    grid.nodes[((j + dj) * (grid.columns + 1) + i + di) * 2 + axis]!
  const mix = (axis: number): number =>
    (node(0, 0, axis) * (1 - u) + node(1, 0, axis) * u) * (1 - v) +
    (node(0, 1, axis) * (1 - u) + node(1, 1, axis) * u) * v
  return [mix(0), mix(1)]
}

/** The largest distance between planned and exact positions inside the image, in the larger of both pixels. */
function worstError(info: SourceInfo, target: WarpTarget, part: WarpPart): number {
  const exact = exactPositions(info, target)
  const fx = part.levelWidth / info.width
  const fy = part.levelHeight / info.height
  let worst = 0
  for (let y = 0; y < part.height; y += 3) {
    for (let x = 0; x < part.width; x += 3) {
      const [ex, ey] = exact(part.x + x, part.y + y)
      if (!(ex >= 0 && ey >= 0 && ex < info.width && ey < info.height)) continue
      const [px, py] = positionIn(part, x, y)
      const error = Math.hypot(
        (px - ex * fx) / Math.max(1, part.scaleX),
        (py - ey * fy) / Math.max(1, part.scaleY),
      )
      worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error)
    }
  }
  return worst
}

t.test('a mercator image on the grid: four nodes say it all', async (t) => {
  const r = resolution(10)
  const info = infoOf(MERCATOR, [100 * r - LIMIT_METRES, r, 0, LIMIT_METRES - 200 * r, 0, -r], 4000, 3000)
  const target = { zoom: 10, tileSize: 256, x: 612, y: 712, width: 256, height: 256 }
  const got = plan(info, target)!
  const nodes = got.parts[0]!.grid.nodes
  const wanted = [512.5, 512.5, 767.5, 512.5, 512.5, 767.5, 767.5, 767.5]
  t.ok(
    nodes.every((v, i) => Math.abs(v - wanted[i]!) < 1e-6),
    `${nodes}`,
  )
  const { scaleX, scaleY } = got.parts[0]!
  t.ok(Math.abs(scaleX - 1) < 1e-9 && Math.abs(scaleY - 1) < 1e-9)
  t.same(got, {
    target,
    resampling: 'bilinear',
    bands: 3,
    maskKind: 'none',
    parts: [
      {
        x: 0,
        y: 0,
        width: 256,
        height: 256,
        level: 0,
        levelWidth: 4000,
        levelHeight: 3000,
        window: { x: 510, y: 510, width: 260, height: 260 },
        scaleX,
        scaleY,
        grid: { columns: 1, rows: 1, nodes, exactAt: undefined, exact: undefined },
      },
    ],
  })
  t.same(structuredClone(got), got, 'plain data: it survives the way to a worker')
})

t.test('only the part of the target that the image touches is planned', async (t) => {
  const r = resolution(10)
  const info = infoOf(MERCATOR, [300.5 * r - LIMIT_METRES, r, 0, LIMIT_METRES - 200.5 * r, 0, -r], 20, 10)
  const part = plan(info, tile(10, 1, 0))!.parts[0]!
  t.same([part.x, part.y, part.width, part.height], [42, 198, 25, 15])
  t.same(part.window, { x: 0, y: 0, width: 20, height: 10 })
  t.equal(plan(info, tile(10, 2, 0)), undefined)
  t.throws(() => plan(info, { ...tile(10, 1, 0), width: 0 }), RangeError)
})

t.test('the coarsest overview that still serves', async (t) => {
  const r = resolution(14)
  const g: Geotransform = [-LIMIT_METRES, r, 0, LIMIT_METRES, 0, -r]
  const info = infoOf(MERCATOR, g, 8192, 8192, [2, 4, 8, 16])
  const levels = [15, 14, 13, 12, 11, 10, 9, 8].map((z) => plan(info, tile(z, 0, 0))!.parts[0]!)
  t.same(
    levels.map((p) => p.level),
    [0, 0, 1, 2, 3, 4, 4, 4],
  )
  t.same(
    levels.map((p) => Math.round(p.scaleX * 100) / 100),
    [0.5, 1, 1, 1, 1, 1, 2, 4],
  )
  const between = infoOf(MERCATOR, [g[0], r / 3, 0, g[3], 0, -r / 3], 8192, 8192, [2, 4])
  t.equal(plan(between, tile(14, 0, 0))!.parts[0]!.level, 1, '3 source pixels: the half, not the quarter')
})

const WORLDLY: [string, SourceInfo, number[]][] = [
  ['UTM, 0.45 m', infoOf(UTM, [440000, 0.45, 0, 4400000, 0, -0.45], 8192, 8192), [14, 16, 18, 20]],
  ['UTM, 300 m', infoOf(UTM, [101985, 300, 0, 2826915, 0, -300], 791, 718), [5, 7, 9, 10]],
  ['degrees, the world', infoOf(LONLAT, [-180, 0.703125, 0, 90, 0, -0.703125], 512, 256), [0, 1, 2]],
  ['degrees, a town', infoOf(LONLAT, [18, 0.000025, 0, -33, 0, -0.000025], 1098, 3039), [13, 16]],
  [
    'polar stereographic with its pole',
    infoOf(
      crs('+proj=stere +lat_0=-90 +lat_ts=-71 +lon_0=0 +datum=WGS84'),
      [-3e6, 2e3, 0, 3e6, 0, -2e3],
      3000,
      3000,
    ),
    [0, 2, 4],
  ],
  [
    'Mollweide, cut in the Atlantic',
    infoOf(crs('+proj=moll +lon_0=150 +datum=WGS84'), [-18040096, 36080, 0, 9020048, 0, -36080], 1000, 500),
    [0, 1, 3],
  ],
  [
    'Albers, a continent',
    infoOf(
      crs('+proj=aea +lat_1=29.5 +lat_2=45.5 +lat_0=37.5 +lon_0=-96 +x_0=0 +y_0=0 +datum=NAD83'),
      [-2.4e6, 500, 0, 1.6e6, 0, -500],
      9000,
      6000,
    ),
    [3, 6, 9],
  ],
]

for (const [name, info, zooms] of WORLDLY) {
  t.test(`positions are exact enough: ${name}`, async (t) => {
    for (const zoom of zooms) {
      const target = someTile(info, zoom)
      const got = plan(info, target)!
      const worst = Math.max(...got.parts.map((part) => worstError(info, target, part)))
      // half a tolerance is expected; measured midpoints do not see every maximum
      t.ok(
        worst <= 2 * TOLERANCE_PX,
        `zoom ${zoom}: ${worst.toExponential(2)} px, ${got.parts.length} part(s)`,
      )
      for (const { window, levelWidth, levelHeight } of got.parts) {
        const inside = window.x >= 0 && window.y >= 0 && window.width > 0 && window.height > 0
        t.ok(
          inside && window.x + window.width <= levelWidth && window.y + window.height <= levelHeight,
          'window',
        )
      }
    }
  })
}

/** The tile that holds the point in the middle of the image's upper half. */
function someTile(info: SourceInfo, zoom: number): WarpTarget {
  const g = info.geotransform
  const [column, row] = [info.width * 0.5, info.height * 0.3]
  const place: [number, number] = [g[0] + column * g[1] + row * g[2], g[3] + column * g[4] + row * g[5]]
  const [x, y] = proj4(info.crs.definition, 'EPSG:3857').forward(place) as [number, number]
  const r = resolution(zoom, 1)
  return tile(zoom, Math.floor((x + LIMIT_METRES) / r), Math.floor((LIMIT_METRES - y) / r))
}

t.test('proj4 is asked little', async (t) => {
  const info = WORLDLY[0]![1]
  const { columns, rows } = plan(info, someTile(info, 18))!.parts[0]!.grid
  t.ok(columns * rows <= 16, `${columns}×${rows} cells for a 0.45 m tile`)
})

t.test('what is symmetric about the equator is not taken for linear', async (t) => {
  const info = infoOf(LONLAT, [-180, 0.1, 0, 90, 0, -0.1], 3600, 1800)
  const target = tile(0, 0, 0)
  t.ok(plan(info, target)!.parts.every((part) => worstError(info, target, part) <= 2 * TOLERANCE_PX))
})

t.test('both sides of the antimeridian, and 0…360', async (t) => {
  const over = infoOf(LONLAT, [170, 0.1, 0, 10, 0, -0.1], 200, 100)
  t.equal(plan(over, tile(0, 0, 0))!.parts.length, 2, 'zoom 0 sees it twice')
  const east = plan(over, tile(4, 15, 7))!.parts
  const west = plan(over, tile(4, 0, 7))!.parts
  t.same([east.length, west.length], [1, 1])
  t.ok(east[0]!.window.x === 0 && west[0]!.window.x > 90, `${east[0]!.window.x}, ${west[0]!.window.x}`)
  const behind = infoOf(LONLAT, [-190, 0.1, 0, 10, 0, -0.1], 200, 100)
  t.same(plan(behind, tile(4, 15, 7))!.parts[0]!.window, east[0]!.window, 'whichever turn the file counts in')
  t.same(plan(behind, tile(4, 0, 7))!.parts[0]!.window, west[0]!.window)
  const pacific = infoOf(LONLAT, [0, 0.5, 0, 90, 0, -0.5], 720, 360)
  const half = plan(pacific, tile(1, 0, 0))!.parts
  t.ok(
    half.length >= 1 && half.every((p) => p.window.x >= 350),
    `western tiles come from its eastern half: ${half.map((p) => p.window.x)}`,
  )
})

t.test('windows are bounded: a world without overviews is read in pieces', async (t) => {
  const info = infoOf(LONLAT, [-180, 0.005, 0, 90, 0, -0.005], 72000, 36000)
  const { parts } = plan(info, tile(0, 0, 0))!
  t.ok(parts.length > 20, `${parts.length} parts`)
  const largest = Math.max(...parts.map(({ window }) => window.width * window.height))
  t.ok(largest <= 16 * 2 ** 20, `${largest} pixels`)
  const covered = new Uint8Array(256 * 256)
  for (const p of parts) {
    for (let y = p.y; y < p.y + p.height; y++) covered.fill(1, y * 256 + p.x, y * 256 + p.x + p.width)
  }
  t.equal(covered.indexOf(0), -1, 'together they cover the tile')
})

t.test('a source that lies nowhere in the world', async (t) => {
  t.equal(plan(infoOf(LONLAT, [0, 0.1, 0, 90, 0, -0.1], 10, 10), tile(0, 0, 0)), undefined)
})

t.test('positions are as near to exact as asked for', async (t) => {
  const LAEA = crs('+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000 +ellps=GRS80')
  const images: [string, SourceInfo, number][] = [
    ['UTM, 100 m', infoOf(UTM, [300000, 100, 0, 5000000, 0, -100], 4000, 4000), 10],
    ['UTM, 0.45 m', infoOf(UTM, [500000, 0.45, 0, 4400000, 0, -0.45], 20480, 20480), 18],
    ['degrees', infoOf(LONLAT, [10, 1 / 3600, 0, 50, 0, -1 / 3600], 7200, 7200), 12],
    ['LAEA, 1 km', infoOf(LAEA, [2500000, 1000, 0, 5500000, 0, -1000], 5000, 4000), 7],
  ]
  for (const [what, info, zoom] of images) {
    const target = { ...someTile(info, zoom), width: 700, height: 500 }
    for (const tolerancePx of [2 ** -8, 2 ** -14]) {
      const { parts } = planWarp(info, target, { resampling: 'bilinear', tolerancePx })!
      const worst = Math.max(...parts.map((part) => worstError(info, target, part)))
      t.ok(worst <= tolerancePx, `${what}: ${worst.toExponential(1)} of ${tolerancePx.toExponential(1)} px`)
    }
  }
})

t.test('where a projection is cut, tight positions are exact', async (t) => {
  const info = infoOf(crs('+proj=moll +datum=WGS84'), [-18040096, 40000, 0, 9020048, 0, -40000], 902, 451)
  const target = tile(0, 0, 0, 512)
  const { parts } = planWarp(info, target, { resampling: 'bilinear', tolerancePx: 2 ** -14 })!
  for (const part of parts) {
    const worst = worstError(info, target, part)
    t.ok(worst <= 2 ** -14, `${worst.toExponential(1)} px`)
  }
})
