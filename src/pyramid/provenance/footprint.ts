// The footprint of a source: the area of its valid pixels, within the bbox and the cutline of the build.
//
// A source without nodata, mask or alpha has the outline of its image, to half a pixel. The others, and those that a
// cutline cuts, have the outline of their cells (plan/frames.ts), to about a cell if 200 points suffice. Where they have pixels everywhere, the
// outline of the image is used as well. Cells that were never painted, because other sources hide them, count as valid
// where the image is: a point there shows another source anyway.
import type { SourceFootprint } from '../../format/sources/record.js'
import {
  LIMIT_LATITUDE,
  metresToLat,
  metresToLon,
  pixelToMetresX,
  pixelToMetresY,
} from '../../grid/tiles/mercator.js'
import { cutlinesOf, framesOfSource } from '../plan/frames.js'
import type { Frame } from '../plan/plan.js'
import { type BuildPlan, clipAt } from '../plan/plan.js'
import type { KnownFrame } from './cells.js'
import { cellsOfImage, isFull, placeOf, validCells } from './grid.js'
import { type DegreeBox, outlineOf, ringsWithin } from './outline.js'
import { type DegreePolygon, type DegreeRing, polygonsOf, signedArea, simplifyPolygons } from './simplify.js'
import { type Cells, halved, traceRings } from './trace.js'

/** Tolerance in half cells: points between cells are up to half a cell off the line, on either side. */
const STEPS = 1.5
/** Most cells where only a cutline is traced. */
const CUTLINE_CELLS = 2 ** 18
/** Most points before they are simplified; with more, the cells are made larger. */
const MOST_TRACED = 50_000

/**
 * The footprint of a source as GeoJSON, of at most `most` points; null when nothing of it is shown. `known`: its
 * frames, if it has nodata, a mask or alpha.
 * @throws CRS_UNSUPPORTED
 */
export function shownFootprint(
  plan: BuildPlan,
  source: number,
  known: readonly KnownFrame[],
  most: number,
): SourceFootprint | null {
  const { zoom, isOutside } = plan.depths[source]!
  if (isOutside) return null
  const outline = outlineOf(plan.sources[source]!)
  const whole = outline && boxesOf(plan, zoom).flatMap((box) => ringsWithin(outline, box))
  const isCut = cutlinesOf(plan, source).length > 0
  const needsCells = known.length > 0 || isCut || whole === undefined
  const ownFrames = (): KnownFrame[] =>
    framesOfSource(plan, source, CUTLINE_CELLS).map((frame) => ({ frame, bits: undefined }))
  const frames = known.length > 0 || !needsCells ? known : ownFrames()
  const grids = frames.map(({ frame, bits }) => ({ frame, bits, image: cellsOfImage(plan, frame, whole) }))
  const halfPixel = 180 / (plan.tileSize * 2 ** zoom)
  if (whole !== undefined && !isCut && grids.every(({ image, bits }) => isFull(image, bits))) {
    return geoJsonOf(simplifyPolygons(polygonsOf(whole, []), halfPixel, most), halfPixel)
  }
  const tolerance = halfPixel * STEPS * Math.max(...frames.map(({ frame }) => frame.cell))
  const polygons = grids.flatMap(({ frame, bits, image }) => traced(plan, frame, validCells(image, bits)))
  return geoJsonOf(simplifyPolygons(polygons, tolerance, most), tolerance)
}

/** What may be shown at a zoom: the world, or the bbox of the build. */
function boxesOf(plan: BuildPlan, zoom: number): DegreeBox[] {
  const clip = clipAt(plan, zoom)
  if (clip === undefined) return [[-180, -LIMIT_LATITUDE, 180, LIMIT_LATITUDE]]
  const lon = (x: number): number => metresToLon(pixelToMetresX(x, zoom, plan.tileSize))
  const lat = (y: number): number => metresToLat(pixelToMetresY(y, zoom, plan.tileSize))
  return clip.map(({ minX, minY, endX, endY }) => [lon(minX), lat(endY), lon(endX), lat(minY)])
}

function traced({ tileSize }: BuildPlan, frame: Frame, valid: Cells): DegreePolygon[] {
  const place = placeOf(frame, tileSize)
  let cells = valid
  let side = 1
  let rings = traceRings(cells, MOST_TRACED)
  while (rings === undefined) {
    cells = halved(cells)
    side *= 2
    rings = traceRings(cells, MOST_TRACED)
  }
  // the pixel that is sampled begins in the middle of its cell
  const toCells = (value: number): number => value * side + 0.5 / frame.cell
  const degrees = rings.map(
    (ring): DegreeRing =>
      ring.map((value, i) =>
        i % 2 === 0
          ? within(place.lon(toCells(value)), 180)
          : within(place.lat(toCells(value)), LIMIT_LATITUDE),
      ),
  )
  const isOuter = (ring: DegreeRing): boolean => signedArea(ring) < 0
  return polygonsOf(
    degrees.filter(isOuter),
    degrees.filter((ring) => !isOuter(ring)),
  )
}

/** Cells may reach over the edge of the world. */
const within = (degrees: number, most: number): number => Math.max(-most, Math.min(most, degrees))

/** With as many decimals as the tolerance is worth. */
function geoJsonOf(polygons: readonly DegreePolygon[], tolerance: number): SourceFootprint | null {
  const scale = 10 ** Math.max(0, Math.min(9, 1 + Math.ceil(-Math.log10(tolerance))))
  const round = (value: number): number => Math.round(value * scale) / scale
  const coordinates = polygons
    .map((rings) => rings.map((ring) => positionsOf(ring, round)))
    .filter(([outer]) => outer!.length >= 4)
    .map((rings) => rings.filter((ring) => ring.length >= 4))
  if (coordinates.length === 0) return null
  return coordinates.length === 1
    ? { type: 'Polygon', coordinates: coordinates[0]! }
    : { type: 'MultiPolygon', coordinates }
}

/** Closed, without repeated positions. */
function positionsOf(ring: DegreeRing, round: (value: number) => number): number[][] {
  const positions: number[][] = []
  for (let i = 0; i < ring.length; i += 2) {
    const [lon, lat] = [round(ring[i]!), round(ring[i + 1]!)]
    const before = positions.at(-1)
    if (before?.[0] !== lon || before[1] !== lat) positions.push([lon, lat])
  }
  const [first, last] = [positions[0]!, positions.at(-1)!]
  if (positions.length > 1 && first[0] === last[0] && first[1] === last[1]) positions.pop()
  return [...positions, [...first]]
}
