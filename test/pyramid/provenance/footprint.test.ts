// Footprints: the outline of an image in few points, and that of its valid pixels.
import t, { type Test } from 'tap'
import type { SourceFootprint } from '../../../src/format/sources/record.js'
import { crsFromEpsg } from '../../../src/grid/crs/epsg.js'
import { lonLatConverterOf } from '../../../src/grid/crs/transform.js'
import { metresToLat, metresToLon, pixelToMetresX, pixelToMetresY } from '../../../src/grid/tiles/mercator.js'
import { cutlineOf } from '../../../src/pyramid/cutline/cutline.js'
import { parseBuildOptions } from '../../../src/pyramid/options.js'
import { framesOf } from '../../../src/pyramid/plan/frames.js'
import type { BuildPlan } from '../../../src/pyramid/plan/plan.js'
import { planBuild } from '../../../src/pyramid/plan/plan-build.js'
import { CellStates, type KnownFrame } from '../../../src/pyramid/provenance/cells.js'
import { shownFootprint } from '../../../src/pyramid/provenance/footprint.js'
import { groundResolution } from '../../../src/pyramid/provenance/outline.js'
import { Sampler } from '../../../src/pyramid/provenance/sampler.js'
import type { SourceInfo } from '../../../src/raster/source.js'
import { infoOf } from '../images.js'

const paint = () => [0, 0, 0, 255] as const

const planOf = (info: SourceInfo, options: Record<string, unknown> = {}): BuildPlan =>
  planBuild([info], parseBuildOptions({ sources: ['image.tif'], out: 'x', ...options }))

const footprintOf = (info: SourceInfo, options?: Record<string, unknown>): SourceFootprint | null =>
  shownFootprint(planOf(info, options), 0, [], 200)

const ringsOf = (footprint: SourceFootprint | null): (readonly (readonly number[])[])[] =>
  footprint === null ? [] : (footprint.coordinates.flat(footprint.type === 'Polygon' ? 0 : 1) as never)

/** Twice the area; positive when counterclockwise. */
const areaOf = (ring: readonly (readonly number[])[]): number =>
  ring.slice(1).reduce((sum, [x, y], i) => sum + ring[i]![0]! * y! - x! * ring[i]![1]!, 0)

function holds(footprint: SourceFootprint | null, lon: number, lat: number): boolean {
  let isInside = false
  for (const ring of ringsOf(footprint)) {
    for (const [i, [x, y]] of ring.slice(1).entries()) {
      const [u, v] = ring[i]!
      if (v! > lat !== y! > lat && lon < u! + ((lat - v!) / (y! - v!)) * (x! - u!)) isInside = !isInside
    }
  }
  return isInside
}

/** RFC 7946: closed rings, areas counterclockwise, holes clockwise, within ±180. */
function isValid(t: Test, footprint: SourceFootprint | null): void {
  const polygons = footprint?.type === 'Polygon' ? [footprint.coordinates] : (footprint?.coordinates ?? [])
  for (const rings of polygons as readonly (readonly (readonly number[])[])[][]) {
    for (const [i, ring] of rings.entries()) {
      t.same(ring[0], ring.at(-1), 'closed')
      t.ok(i === 0 ? areaOf(ring) > 0 : areaOf(ring) < 0, 'right-hand rule')
      t.ok(ring.every(([lon, lat]) => Math.abs(lon!) <= 180 && Math.abs(lat!) <= 90))
    }
  }
}

/** An image of a CRS, by its upper left corner and the size of its pixels. */
function projected(
  epsg: number,
  corner: [x: number, y: number],
  metres: number,
  side: number,
  turn = 0,
): SourceInfo {
  const info = infoOf({ zoom: 10, x: 0, y: 0, width: side, height: side, paint, maskKind: 'none' })
  const [cos, sin] = [Math.cos(turn) * metres, Math.sin(turn) * metres]
  return { ...info, crs: crsFromEpsg(epsg)!, geotransform: [corner[0], cos, sin, corner[1], sin, -cos] }
}

t.test('an upright image: four corners', (t) => {
  const info = infoOf({ zoom: 8, x: 33_000, y: 20_000, width: 700, height: 300, paint, maskKind: 'none' })
  const footprint = footprintOf(info)
  const [ring, ...others] = ringsOf(footprint)
  t.equal(footprint?.type, 'Polygon')
  t.same([ring?.length, others.length], [5, 0])
  const place = (x: number, y: number): number[] => [
    metresToLon(pixelToMetresX(x, 8)),
    metresToLat(pixelToMetresY(y, 8)),
  ]
  for (const [lon, lat] of [place(33_000, 20_000), place(33_700, 20_300)] as [number, number][]) {
    t.ok(
      ring!.some((p) => Math.abs(p[0]! - lon) < 1e-4 && Math.abs(p[1]! - lat) < 1e-4),
      `${lon}, ${lat}`,
    )
  }
  isValid(t, footprint)
  t.end()
})

t.test('an image whose sides bend: as many points as it needs, right to half a pixel', (t) => {
  // 200 km of UTM 33 at 20 m, turned
  const info = projected(32633, [300_000, 5_600_000], 20, 10_000, 0.3)
  const footprint = footprintOf(info)
  const [ring] = ringsOf(footprint)
  t.ok(ring!.length > 12 && ring!.length < 120, `${ring!.length} points`)
  isValid(t, footprint)
  const { toLonLat } = lonLatConverterOf(info.crs)
  const g = info.geotransform
  const p = new Float64Array(2)
  for (let i = 1; i < 1000; i++) {
    for (const [inset, is] of [
      [1, true],
      [-1, false],
    ] as const) {
      const [column, row] = i % 2 === 0 ? [i * 10, inset] : [10_000 - inset, i * 10]
      toLonLat(g[0] + column * g[1] + row * g[2], g[3] + column * g[4] + row * g[5], p)
      if (holds(footprint, p[0]!, p[1]!) !== is) t.fail(`${column}, ${row} is on the wrong side`)
    }
  }
  t.end()
})

t.test('over the antimeridian: a polygon on each side', (t) => {
  const footprint = footprintOf(projected(32701, [166_000, 8_000_000], 100, 1000, 0.2))
  t.equal(footprint?.type, 'MultiPolygon')
  const sides = ringsOf(footprint).map((ring) => ring.some(([lon]) => lon === 180 || lon === -180))
  t.same(sides, [true, true])
  isValid(t, footprint)
  t.end()
})

t.test('around a pole: a cap', (t) => {
  // polar stereographic
  const footprint = footprintOf(projected(3413, [-2_000_000, 2_000_000], 4000, 1000))
  isValid(t, footprint)
  for (const lon of [-179, -100, -1, 10, 90, 179]) {
    t.ok(holds(footprint, lon, 80), `${lon}, 80`)
    t.notOk(holds(footprint, lon, 55), `${lon}, 55`)
  }
  t.end()
})

t.test('partly beyond its projection: looked up place by place', (t) => {
  // Lambert azimuthal equal-area reaches far beyond the other side of the earth
  const info = projected(3035, [-20_000_000, 20_000_000], 40_000, 1000)
  const footprint = footprintOf(info)
  isValid(t, footprint)
  t.ok(holds(footprint, 10, 50))
  t.end()
})

t.test('within the bbox, to the pixel', (t) => {
  const info = infoOf({ zoom: 8, x: 33_000, y: 20_000, width: 700, height: 300, paint, maskKind: 'none' })
  const [west, north] = [metresToLon(pixelToMetresX(33_100, 8)), metresToLat(pixelToMetresY(20_050, 8))]
  const bbox = [west, north - 0.1, west + 0.2, north]
  const footprint = footprintOf(info, { bbox })
  const [ring] = ringsOf(footprint)
  t.equal(ring!.length, 5)
  const lons = ring!.map(([lon]) => lon!)
  t.ok(Math.abs(Math.min(...lons) - west) < 1e-4 && Math.abs(Math.max(...lons) - west - 0.2) < 0.003)
  t.end()
})

t.test('within the cutline', (t) => {
  const info = infoOf({ zoom: 8, x: 33_000, y: 20_000, width: 700, height: 300, paint, maskKind: 'none' })
  const at = (x: number, y: number): [number, number] => [
    metresToLon(pixelToMetresX(33_000 + x, 8)),
    metresToLat(pixelToMetresY(20_000 + y, 8)),
  ]
  const triangle = [at(-50, 20), at(350, 280), at(600, -90), at(-50, 20)]
  const cutline = cutlineOf({ type: 'Polygon', coordinates: [triangle] }, 'the cutline')
  const plan = planBuild([info], parseBuildOptions({ sources: ['a.tif'], out: 'x' }), cutline)
  const footprint = shownFootprint(plan, 0, [], 200)
  isValid(t, footprint)
  t.ok(ringsOf(footprint)[0]!.length < 20, `${ringsOf(footprint)[0]!.length} points`)
  t.ok(
    holds(footprint, ...at(350, 270)) && holds(footprint, ...at(10, 40)) && holds(footprint, ...at(500, 5)),
  )
  t.notOk(
    holds(footprint, ...at(100, 120)) || holds(footprint, ...at(500, 150)) || holds(footprint, ...at(-5, 25)),
  )
  t.end()
})

/** What is known of the only source when all of it was painted, in pieces. */
function sampled(plan: BuildPlan, isValid: (x: number, y: number) => boolean): KnownFrame[] {
  const frames = framesOf(plan)
  const sampler = new Sampler(frames)
  const states = new CellStates(frames)
  const { tileSize, levels, maxZoom } = plan
  for (const { minX, minY, maxX, maxY } of levels.at(-1)!.ranges) {
    for (let y = minY; y <= maxY; y++) {
      for (let x = minX; x <= maxX; x++) {
        const [left, top] = [x * tileSize, y * tileSize]
        const mask = new Uint8Array(tileSize * tileSize).map((_, i) =>
          isValid(left + (i % tileSize), top + Math.floor(i / tileSize)) ? 255 : 0,
        )
        const rect = { minX: left, minY: top, endX: left + tileSize, endY: top + tileSize }
        const piece = { rect, mask: undefined, maskRect: rect }
        const layer = { bands: 3, data: new Uint8Array(0), mask, stride: tileSize, x: left, y: top }
        sampler.look(maxZoom, piece, 0, layer)
      }
    }
    states.add(sampler.take())
  }
  return states.bySource().get(0)!
}

t.test('valid pixels: an area with a hole', (t) => {
  const info = infoOf({ zoom: 8, x: 33_000, y: 20_000, width: 1500, height: 1500, paint })
  const plan = planOf(info)
  const is = (x: number, y: number): boolean => {
    const distance = Math.hypot(x - 33_750, y - 20_750)
    return distance < 700 && distance > 200
  }
  const known = sampled(plan, is)
  t.same(
    known.map(({ frame }) => [frame.source, frame.zoom, frame.cell]),
    [[0, 8, 2]],
  )
  const footprint = shownFootprint(plan, 0, known, 200)
  isValid(t, footprint)
  t.equal(footprint?.type, 'Polygon')
  const rings = ringsOf(footprint)
  t.equal(rings.length, 2)
  t.ok(rings.flat().length < 200, `${rings.flat().length} points`)
  let wrong = 0
  for (let i = 0; i < 4000; i++) {
    const [angle, distance] = [i, ((i * 7) % 1000) + 0.5]
    if (Math.abs(distance - 700) < 4 || Math.abs(distance - 200) < 4) continue
    const [x, y] = [33_750 + distance * Math.cos(angle), 20_750 + distance * Math.sin(angle)]
    const place = [metresToLon(pixelToMetresX(x, 8)), metresToLat(pixelToMetresY(y, 8))] as const
    if (holds(footprint, ...place) !== is(x, y)) wrong++
  }
  t.equal(wrong, 0, 'more than two cells from the edge, every place is on its side')
  t.end()
})

t.test('a mask that is full, or empty', (t) => {
  const info = infoOf({ zoom: 8, x: 33_001, y: 20_003, width: 777, height: 555, paint })
  const plan = planOf(info)
  const isIn = (x: number, y: number): boolean => x >= 33_001 && x < 33_778 && y >= 20_003 && y < 20_558
  const whole = footprintOf({ ...info, maskKind: 'none' })
  t.same(shownFootprint(plan, 0, sampled(plan, isIn), 200), whole, 'full: the outline of the image')
  t.same(
    shownFootprint(
      plan,
      0,
      sampled(plan, () => false),
      200,
    ),
    null,
    'empty: none',
  )
  t.same(shownFootprint(plan, 0, [], 200), whole, 'not known: the outline of the image')
  t.end()
})

t.test('cells stay few, however many sources there are', (t) => {
  const info = infoOf({ zoom: 15, x: 33_000, y: 20_000, width: 50_000, height: 30_000, paint })
  const many = Array.from({ length: 20_000 }, () => info)
  const options = parseBuildOptions({ sources: ['a.tif'], out: 'x' })
  const one = framesOf(planBuild([info], options))
  t.ok(one[0]!.width * one[0]!.height <= 2 ** 20 && one[0]!.cell === 64)
  const all = framesOf({
    ...planBuild([info], options),
    sources: many,
    depths: many.map(() => ({ minZoom: 0, zoom: 15 })),
  })
  const cells = all.reduce((sum, { width, height }) => sum + width * height, 0)
  t.ok(all.length === 20_000 && cells <= 2 ** 27, `${cells} cells`)
  t.end()
})

t.test('metres on the ground', (t) => {
  const mercator = infoOf({ zoom: 10, x: 131_072, y: 87_000, width: 100, height: 100, paint })
  const lat = metresToLat(pixelToMetresY(87_050, 10))
  const expected = (40_075_016.7 / 262_144) * Math.cos((lat * Math.PI) / 180)
  t.ok(Math.abs(groundResolution(mercator) / expected - 1) < 0.005, `${groundResolution(mercator)} m`)
  t.ok(Math.abs(groundResolution(projected(32633, [500_000, 5_600_000], 20, 100)) / 20 - 1) < 0.005)
  t.end()
})
