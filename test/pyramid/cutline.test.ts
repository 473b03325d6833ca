// Cutlines: what is read of GeoJSON, which pixels lie inside, which tiles are planned.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import {
  lonLatToTile,
  metresToLat,
  metresToLon,
  pixelToMetresX,
  pixelToMetresY,
} from '../../src/grid/tiles/mercator.js'
import { countAll } from '../../src/grid/tiles/ranges.js'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import { cutlineOf, readCutline } from '../../src/pyramid/cutline/cutline.js'
import { maskOf as cutlineMask } from '../../src/pyramid/cutline/mask.js'
import { type CutlinePlan, planCutline } from '../../src/pyramid/cutline/plan.js'
import { cutlineTiles } from '../../src/pyramid/cutline/tiles.js'
import { parseBuildOptions } from '../../src/pyramid/options.js'
import { planBuild } from '../../src/pyramid/plan/plan-build.js'
import { infoOf, openerOf, speckled } from './images.js'
import { region } from './region.js'

type Ring = [number, number][]

const ZOOM = 8
const WORLD = 256 * 2 ** ZOOM
const lonOf = (px: number): number => metresToLon(pixelToMetresX(px, ZOOM))
const latOf = (py: number): number => metresToLat(pixelToMetresY(py, ZOOM))
/** Pixels to degrees. */
const ringOf = (pixels: Ring): Ring => pixels.map(([x, y]) => [lonOf(x), latOf(y)])
const polygonOf = (...rings: Ring[]): object => ({ type: 'Polygon', coordinates: rings })
const planOf = (json: object, blendPx = 0, zoom = ZOOM): CutlinePlan =>
  planCutline(cutlineOf(json, 'The cutline'), zoom, 256, blendPx)
/** In EPSG:3857, so that edges are straight on the grid. */
const inMercator = (geometries: object[]): object => ({
  type: 'GeometryCollection',
  geometries,
  crs: { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::3857' } },
})
const metresOf = (pixels: Ring): Ring =>
  pixels.map(([x, y]) => [pixelToMetresX(x, ZOOM), pixelToMetresY(y, ZOOM)])

function maskOf(plan: CutlinePlan, minX: number, minY: number, width: number, height: number): Uint8Array {
  const piece = cutlineMask(plan).of({ minX, minY, endX: minX + width, endY: minY + height })
  return piece?.mask.slice() ?? new Uint8Array(width * height)
}

const square = (x: number, y: number, side: number): Ring => [
  [x, y],
  [x, y + side],
  [x + side, y + side],
  [x + side, y],
]

t.test('kinds of GeoJSON', (t) => {
  const ring = ringOf(square(1000, 1000, 50))
  const polygon = polygonOf(ring)
  const feature = { type: 'Feature', properties: {}, geometry: polygon }
  for (const json of [
    polygon,
    { type: 'MultiPolygon', coordinates: [[ring]] },
    feature,
    { type: 'FeatureCollection', features: [{ ...feature, geometry: null }, feature] },
    { type: 'GeometryCollection', geometries: [{ type: 'Point', coordinates: [1, 2] }, polygon] },
    polygonOf([...ring, ring[0]!]),
  ]) {
    const { polygons, crs } = cutlineOf(json, 'It')
    t.equal(crs, undefined)
    t.same(
      polygons.map((rings) => rings.map((points) => [...points])),
      [[ring.flat()]],
    )
  }
  t.end()
})

t.test('what is no cutline is one sentence', (t) => {
  const dir = t.testdir({
    'broken.json': '{"type": "Polygon", "coordinates": [[[0, 0',
    'text.json': 'hello',
    'list.json': '[]',
  })
  let deep: object = polygonOf(ringOf(square(0, 0, 9)))
  for (let i = 0; i < 5000; i++) deep = { type: 'GeometryCollection', geometries: [deep] }
  const cases: [string | object, string, RegExp][] = [
    [join(dir, 'none.json'), 'NOT_FOUND', /none\.json does not exist/],
    [join(dir, 'broken.json'), 'BAD_OPTION', /broken\.json is not JSON/],
    [join(dir, 'text.json'), 'BAD_OPTION', /is not JSON/],
    [join(dir, 'list.json'), 'BAD_OPTION', /is not a GeoJSON object/],
    [dir, 'BAD_OPTION', /is not a regular file: it is a directory/],
    [{}, 'BAD_OPTION', /its type is null/],
    [{ type: 'Topology' }, 'BAD_OPTION', /its type is "Topology"/],
    [{ type: 'FeatureCollection', features: {} }, 'BAD_OPTION', /its features are not a list/],
    [{ type: 'FeatureCollection', features: [3] }, 'BAD_OPTION', /an object is expected/],
    [{ type: 'FeatureCollection', features: [] }, 'BAD_OPTION', /has no polygon/],
    [
      {
        type: 'LineString',
        coordinates: [
          [0, 0],
          [1, 1],
        ],
      },
      'BAD_OPTION',
      /has no polygon/,
    ],
    [{ type: 'Polygon', coordinates: 'x' }, 'BAD_OPTION', /its coordinates are not a list/],
    [
      polygonOf([
        [0, 0],
        [1, 1],
      ]),
      'BAD_OPTION',
      /fewer than three points/,
    ],
    [polygonOf([[0, 0], [1, 1], ['2', 2] as never]), 'BAD_OPTION', /not two numbers/],
    [polygonOf([[0, 0], [1, 1], null as never]), 'BAD_OPTION', /not two numbers/],
    [
      polygonOf([
        [0, 0],
        [1, 1],
        [Number.NaN, 1],
      ]),
      'BAD_OPTION',
      /not two numbers/,
    ],
    [deep, 'BAD_OPTION', /deeper than 32/],
    [{ ...polygonOf(ringOf(square(0, 0, 9))), crs: { type: 'link' } }, 'BAD_OPTION', /crs member/],
    [
      { ...polygonOf(ringOf(square(0, 0, 9))), crs: { type: 'name', properties: { name: 'EPSG:1' } } },
      'CRS_UNSUPPORTED',
      /EPSG:1/,
    ],
  ]
  for (const [json, code, message] of cases) t.throws(() => readCutline(json), { code, message })
  const planned: [object, RegExp][] = [
    [
      polygonOf([
        [4e5, 3e6],
        [5e5, 3e6],
        [5e5, 4e6],
      ]),
      /not longitude,latitude in degrees; .* crs member/,
    ],
    [
      polygonOf([
        [1e308, 0],
        [1, 1],
        [2, 0],
      ]),
      /not longitude,latitude/,
    ],
  ]
  for (const [json, message] of planned) t.throws(() => planOf(json), { code: 'BAD_OPTION', message })
  t.end()
})

/** Even-odd, by counting the edges to the left of the point. */
function isInside(x: number, y: number, rings: Ring[]): boolean {
  let inside = false
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i++) {
      const [x0, y0] = ring[i]!
      const [x1, y1] = ring[(i + 1) % ring.length]!
      if (y0 <= y === y1 <= y) continue
      if (x0 + ((y - y0) * (x1 - x0)) / (y1 - y0) <= x) inside = !inside
    }
  }
  return inside
}

const eighths = fc.integer({ min: -160, max: 480 }).map((n) => n / 8)
const points = fc
  .array(fc.tuple(eighths, eighths), { minLength: 3, maxLength: 9 })
  // a ring that only closes itself has two points
  .filter((ring) => ring[0]!.join() !== ring.at(-1)!.join())

t.test('pixels whose centre is inside: any polygons, holes, crossings; united', (t) => {
  const polygons = fc.array(fc.array(points, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
  const origin = 30_000
  let some = 0
  fc.assert(
    fc.property(polygons, (list) => {
      const moved = list.map((rings) =>
        rings.map((ring): Ring => ring.map(([x, y]) => [x + origin, y + origin])),
      )
      const plan = planOf(inMercator(moved.map((rings) => polygonOf(...rings.map(metresOf)))))
      const mask = maskOf(plan, origin, origin, 40, 40)
      let wrong = 0
      for (let p = 0; p < 1600; p++) {
        const x = origin + (p % 40) + 0.5
        const y = origin + Math.floor(p / 40) + 0.5
        const wanted = moved.some((rings) => isInside(x, y, rings))
        if (wanted) some++
        // metres and back: a centre on the line itself may fall to either side
        if (wanted !== mask[p]! > 0 && !moved.flat().some((ring) => isNearEdge(x, y, ring))) wrong++
      }
      return wrong === 0
    }),
  )
  t.ok(some > 1000, `${some} pixels were inside`)
  t.end()
})

function isNearEdge(x: number, y: number, ring: Ring): boolean {
  return ring.some(([x0, y0], i) => {
    const [x1, y1] = ring[(i + 1) % ring.length]!
    const length = (x1 - x0) ** 2 + (y1 - y0) ** 2
    const along = length === 0 ? 0 : ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length
    const k = Math.max(0, Math.min(1, along))
    return Math.hypot(x - x0 - k * (x1 - x0), y - y0 - k * (y1 - y0)) < 1e-6
  })
}

t.test('positions nested without end are refused in a sentence', (t) => {
  const nested = JSON.parse(`${'['.repeat(50_000)}1${']'.repeat(50_000)}`)
  t.throws(() => cutlineOf({ type: 'Polygon', coordinates: nested }, 'The cutline'), {
    code: 'BAD_OPTION',
    message: /not two numbers/,
  })
  t.throws(() => cutlineOf({ type: nested }, 'The cutline'), { code: 'BAD_OPTION', message: /no text/ })
  t.end()
})

t.test('tiles: those with a pixel inside, and none away from the cutline', (t) => {
  const polygons = fc.array(fc.array(points, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 3 })
  const tile = 8
  fc.assert(
    fc.property(polygons, (list) => {
      const origin = 30_000
      const moved = list.map((rings) =>
        rings.map((ring): Ring => ring.map(([x, y]) => [x + origin, y + origin])),
      )
      const plan = planOf(inMercator(moved.map((rings) => polygonOf(...rings.map(metresOf)))))
      const first = origin / tile
      const range = { minX: first, minY: first, maxX: first + 4, maxY: first + 4 }
      const tiles = new Set<string>()
      const found = cutlineTiles(plan, [range], tile)
      for (const { minX, minY, maxX, maxY } of found) {
        for (let y = minY; y <= maxY; y++) for (let x = minX; x <= maxX; x++) tiles.add(`${x} ${y}`)
      }
      if (tiles.size !== countAll(found)) return false
      for (let y = range.minY; y <= range.maxY; y++) {
        for (let x = range.minX; x <= range.maxX; x++) {
          const any = maskOf(plan, x * tile, y * tile, tile, tile).some((v) => v > 0)
          if (any && !tiles.has(`${x} ${y}`)) return false
          // not planned without a corner, an edge or the middle nearby
          if (tiles.has(`${x} ${y}`) && !any && !touches(moved, x * tile, y * tile, tile)) return false
        }
      }
      return true
    }),
  )
  t.end()
})

t.test('tiles: very many long edges are examined in larger squares', (t) => {
  const comb = Array.from({ length: 20_000 }, (_, i): [number, number] => [
    i * 500 - 5e6,
    i % 2 ? 1.9e7 : -1.9e7,
  ])
  const plan = planOf(inMercator([polygonOf(comb)]), 0, 16)
  const range = { minX: 0, minY: 0, maxX: 65_535, maxY: 65_535 }
  const found = cutlineTiles(plan, [range], 256)
  const has = (x: number, y: number): boolean =>
    found.some((r) => x >= r.minX && x <= r.maxX && y >= r.minY && y <= r.maxY)
  t.ok(has(32_768, 32_768) && has(24_600, 60_000) && !has(10, 32_768))
  t.end()
})

function touches(polygons: Ring[][], left: number, top: number, side: number): boolean {
  return polygons.some((rings) =>
    rings.some((ring) =>
      ring.some(([x0, y0], i) => {
        const [x1, y1] = ring[(i + 1) % ring.length]!
        for (let k = 0; k <= 2000; k++) {
          const x = x0 + ((x1 - x0) * k) / 2000
          const y = y0 + ((y1 - y0) * k) / 2000
          if (x >= left - 0.1 && x <= left + side + 0.1 && y >= top - 0.1 && y <= top + side + 0.1)
            return true
        }
        return false
      }),
    ),
  )
}

t.test('opacity rises from the outline inwards, not from lines inside', (t) => {
  const halves = [square(30_000, 30_000, 40), square(30_040, 30_000, 40)]
  const plan = planOf(inMercator(halves.map((ring) => polygonOf(metresOf(ring)))), 8)
  const mask = maskOf(plan, 29_990, 29_990, 100, 60)
  const at = (x: number, y: number): number => mask[(y - 29_990) * 100 + x - 29_990]!
  t.equal(at(29_999, 30_020), 0)
  t.same(
    [0, 1, 4, 7, 8, 20, 39, 40, 41].map((x) => at(30_000 + x, 30_020)),
    [0.5, 1.5, 4.5, 7.5, 8, 8, 8, 8, 8].map((d) => Math.floor((d / 8) * 255 + 0.5)),
  )
  t.equal(at(30_079, 30_020), Math.floor((0.5 / 8) * 255 + 0.5))
  // the same, whatever rectangle is asked for
  t.same(
    [...maskOf(plan, 30_003, 30_002, 20, 10)],
    Array.from({ length: 200 }, (_, p) => at(30_003 + (p % 20), 30_002 + Math.floor(p / 20))),
  )
  t.end()
})

t.test('straight in degrees, curved on the grid', (t) => {
  // an edge along a slanted line in degrees over 60° of latitude
  const ring: Ring = [
    [0, 0],
    [40, 70],
    [40, 0],
  ]
  const plan = planOf(polygonOf(ring))
  for (const lat of [10, 35, 60]) {
    const lon = (lat / 70) * 40
    const x = Math.floor(((lon + 180) / 360) * WORLD)
    const y = Math.floor(lonLatToTile(0, lat, ZOOM + 8)[1])
    const mask = maskOf(plan, x - 20, y, 40, 1)
    const first = mask.indexOf(255) + x - 20
    const centre = latOf(y + 0.5)
    t.ok(Math.abs(lonOf(first) - (centre / 70) * 40) < (0.6 * 360) / WORLD, `at ${lat}°`)
  }
  t.end()
})

t.test('over the antimeridian: past 180, cut there, or jumping', (t) => {
  const y: [number, number] = [-20, -10]
  const box = (west: number, east: number): Ring => [
    [west, y[0]],
    [east, y[0]],
    [east, y[1]],
    [west, y[1]],
  ]
  const middle = lonLatToTile(0, -15, ZOOM + 8)[1]
  const degree = WORLD / 360
  const at = (plan: CutlinePlan, lon: number): number =>
    maskOf(plan, Math.floor((lon + 180) * degree), middle, 1, 1)[0]!
  const lons = [-175, -179.9, 175, 179.9, 0, 160, -160]
  const wanted = [255, 255, 255, 255, 0, 0, 0]
  for (const [name, json] of [
    ['past 180', polygonOf(box(170, 190))],
    ['past −180', polygonOf(box(-190, -170))],
    ['cut', { type: 'MultiPolygon', coordinates: [[box(170, 180)], [box(-180, -170)]] }],
    ['jumping', polygonOf(box(170, -170))],
  ] as const) {
    const plan = planOf(json)
    t.same(
      lons.map((lon) => at(plan, lon)),
      wanted,
      name,
    )
    const all = { minX: 0, minY: 0, maxX: 255, maxY: 255 }
    const columns = cutlineTiles(plan, [all], 256).map(({ minX, maxX }) => [minX, maxX])
    t.ok(
      columns.every(([low, high]) => high! < 8 || low! > 247),
      `${name}: tiles at both sides only`,
    )
    t.equal(new Set(columns.map(([low]) => low! < 128)).size, 2)
  }
  const wide = planOf(polygonOf(box(-170, 170)))
  t.same(
    lons.map((lon) => at(wide, lon)),
    [0, 0, 0, 0, 255, 255, 255],
    'an outline that runs counterclockwise is meant as it is',
  )
  t.equal(at(planOf(polygonOf(box(-180, 180))), 33), 255)
  t.end()
})

t.test('around a pole, in a projection of it', (t) => {
  const ring: Ring = Array.from({ length: 36 }, (_, i) => {
    const angle = (i * 10 * Math.PI) / 180
    return [2e6 * Math.cos(angle), 2e6 * Math.sin(angle)]
  })
  const plan = planOf({
    ...polygonOf(ring),
    crs: { type: 'name', properties: { name: 'EPSG:3031' } },
  })
  // 2000 km from the south pole: some 72° south
  for (const lon of [-179, -90, 0, 1, 90, 179]) {
    const x = Math.floor(((lon + 180) / 360) * WORLD)
    t.equal(maskOf(plan, x, lonLatToTile(0, -80, ZOOM + 8)[1], 1, 1)[0], 255, `80° south, ${lon}° east`)
    t.equal(maskOf(plan, x, lonLatToTile(0, -65, ZOOM + 8)[1], 1, 1)[0], 0, `65° south, ${lon}° east`)
  }
  t.end()
})

t.test('a build is cut, its plan too', async (t) => {
  const image = { zoom: ZOOM, x: 30_000, y: 30_000, width: 1500, height: 1200, paint: speckled() }
  const triangle: Ring = [
    [30_100, 30_100],
    [31_400, 30_600],
    [30_300, 31_150],
  ]
  const json = inMercator([polygonOf(metresOf(triangle))])
  const dir = t.testdir()
  const path = join(dir, 'cut.geojson')
  writeFileSync(path, JSON.stringify(json))
  const out = join(dir, 'cut.pmtiles')
  const common: BuildOptions = {
    sources: ['image.tif'],
    out,
    zoom: ZOOM,
    format: 'png',
    resampling: 'nearest',
  }
  const report = await build({ ...common, threads: 0, cutline: path }, { openSource: openerOf(image) })
  const { rgba } = await region(out, ZOOM, image.x, image.y, image.width, image.height)
  let wrong = 0
  for (let p = 0; p < image.width * image.height; p++) {
    const x = p % image.width
    const y = Math.floor(p / image.width)
    const wanted = isInside(image.x + x + 0.5, image.y + y + 0.5, [triangle])
    const [r] = image.paint(x, y)
    if (rgba[4 * p + 3]! > 0 !== wanted || (wanted && rgba[4 * p] !== r)) wrong++
  }
  t.equal(wrong, 0)
  const whole = planBuild([infoOf(image)], parseBuildOptions(common))
  const options = parseBuildOptions({ ...common, cutline: json })
  const cut = planBuild([infoOf(image)], options, readCutline(json))
  t.ok(cut.tiles < whole.tiles * 0.75, `${cut.tiles} of ${whole.tiles} tiles are planned`)
  t.ok(report.tiles <= cut.tiles && report.tiles >= cut.tiles - 3, `${report.tiles} of ${cut.tiles} are made`)
  t.ok(Math.abs(cut.bounds[0] - lonOf(30_100)) < 1e-9 && Math.abs(cut.bounds[3] - latOf(30_100)) < 1e-9)
  const bbox: [number, number, number, number] = [lonOf(30_200), latOf(31_000), lonOf(30_700), latOf(30_200)]
  const both = planBuild([infoOf(image)], { ...options, bbox }, readCutline(json))
  t.ok(both.tiles < cut.tiles, 'with a bbox: what lies in both')
  const far = readCutline(
    polygonOf([
      [100, 0],
      [101, 0],
      [101, 1],
    ]),
  )
  t.throws(() => planBuild([infoOf(image)], options, far), {
    code: 'NOTHING_TO_BUILD',
    message: /does not overlap --cutline; it covers /,
  })
})
