// The outline of a whole image in degrees, and the parts of rings inside rectangles.
import { lonLatConverterOf } from '../../grid/crs/transform.js'
import { crsOfImage } from '../../grid/place/located.js'
import { mapperOf, placementOf } from '../../grid/place/placement.js'
import { distanceBetween, MEAN_RADIUS } from '../../grid/tiles/great-circle.js'
import { metresToLat } from '../../grid/tiles/mercator.js'
import type { SourceInfo } from '../../raster/source.js'
import { footprintOfSource } from '../plan/cover.js'
import { resolutionOf } from '../plan/depth.js'
import { type DegreeRing, signedArea } from './simplify.js'

/** West, south, east, north in degrees; west < east. */
export type DegreeBox = readonly [west: number, south: number, east: number, north: number]

/** Most points on each side of an image. */
const MOST_SAMPLES = 128
const FEWEST_SAMPLES = 4
/** Sides longer than this may bend in any way, metres. */
const LONG_SIDE = 300_000

/** Points on each side, so many that lines between them are right to a small part of a pixel on a sphere. */
function samplesOf(info: SourceInfo): number {
  const pixel = groundResolution(info)
  const side = Math.max(info.width, info.height)
  if (side * pixel > LONG_SIDE || info.polynomials !== undefined) return MOST_SAMPLES
  // a chord of n-th parts is (side / n)² / 8R off, in pixels times their size
  const bent = 2 * side * Math.sqrt(pixel / (2 * MEAN_RADIUS))
  return Math.max(FEWEST_SAMPLES, Math.min(MOST_SAMPLES, Math.ceil(bent)))
}

/**
 * The outline of an image, its longitudes without jumps, beyond ±180 where it crosses the antimeridian. An outline
 * around a pole is closed along the pole. Undefined when a part of it has no place on the earth.
 * @throws CRS_UNSUPPORTED
 */
export function outlineOf(info: SourceInfo): DegreeRing | undefined {
  const { toLonLat, kind } = lonLatConverterOf(crsOfImage(info))
  const mapper = mapperOf(placementOf(info))
  const { width, height } = info
  const p = new Float64Array(2)
  const points: number[] = []
  const visit = (column: number, row: number): void => {
    mapper.toMap(column, row, p)
    toLonLat(p[0]!, p[1]!, p)
    const like = points.at(-2)
    const turns = kind !== 'projected' || like === undefined ? 0 : Math.round((like - p[0]!) / 360)
    points.push(p[0]! + 360 * turns, p[1]!)
  }
  const n = samplesOf(info)
  for (let i = 0; i < n; i++) visit((width * i) / n, 0)
  for (let i = 0; i < n; i++) visit(width, (height * i) / n)
  for (let i = n; i > 0; i--) visit((width * i) / n, height)
  for (let i = n; i >= 0; i--) visit(0, (height * i) / n)
  if (!points.every(Number.isFinite)) return undefined
  return closed(points)
}

/** Without the last point, which is the first again: in the same place, or one turn around a pole further. */
function closed(points: number[]): DegreeRing {
  const first = points[0]!
  const [last, lat] = points.splice(-2) as [number, number]
  if (Math.abs(last - first) > 180) {
    const pole = points.reduce((sum, value, i) => sum + (i % 2 === 1 ? value : 0), 0) > 0 ? 90 : -90
    points.push(last, lat, last, pole, first, pole)
  }
  return Float64Array.from(points)
}

/**
 * Metres on the ground for each pixel, in the middle of an image: the side of a square as large as the pixel.
 * @throws CRS_UNSUPPORTED
 */
export function groundResolution(info: SourceInfo): number {
  const { toLonLat } = lonLatConverterOf(crsOfImage(info))
  const mapper = mapperOf(placementOf(info))
  const at = (column: number, row: number): [lon: number, lat: number] => {
    const p = new Float64Array(2)
    mapper.toMap(column, row, p)
    toLonLat(p[0]!, p[1]!, p)
    return [p[0]!, p[1]!]
  }
  const [x, y] = [info.width / 2 - 0.5, info.height / 2 - 0.5]
  const across = distanceBetween(at(x, y + 0.5), at(x + 1, y + 0.5))
  const down = distanceBetween(at(x + 0.5, y), at(x + 0.5, y + 1))
  const metres = Math.sqrt(across * down)
  if (metres > 0 && Number.isFinite(metres)) return metres
  // the middle has no place on the earth
  const box = footprintOfSource(info)
  const scale = box === undefined ? 1 : Math.cos((metresToLat((box.south + box.north) / 2) * Math.PI) / 180)
  return (resolutionOf(info) ?? 1) * scale
}

/** The parts of a ring inside a box, on whichever turn of the world the ring lies; counterclockwise. */
export function ringsWithin(ring: DegreeRing, [west, south, east, north]: DegreeBox): DegreeRing[] {
  const found: DegreeRing[] = []
  for (const turn of [-720, -360, 0, 360, 720]) {
    let part: DegreeRing = ring.map((value, i) => (i % 2 === 0 ? value + turn : value))
    for (const [axis, limit, sign] of [
      [0, west, 1],
      [0, east, -1],
      [1, south, 1],
      [1, north, -1],
    ] as const) {
      part = cut(part, axis, limit, sign)
    }
    if (part.length < 6 || signedArea(part) === 0) continue
    found.push(part)
  }
  return found
}

/** The side of a line where sign · coordinate ≥ sign · limit (I. Sutherland, G. Hodgman 1974). */
function cut(ring: DegreeRing, axis: 0 | 1, limit: number, sign: 1 | -1): DegreeRing {
  const points: number[] = []
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    const [from, to] = [ring[j + axis]!, ring[i + axis]!]
    const isFromIn = sign * from >= sign * limit
    const isToIn = sign * to >= sign * limit
    if (isFromIn !== isToIn) {
      const t = (limit - from) / (to - from)
      const other = ring[j + 1 - axis]! + t * (ring[i + 1 - axis]! - ring[j + 1 - axis]!)
      points.push(...(axis === 0 ? [limit, other] : [other, limit]))
    }
    if (isToIn) points.push(ring[i]!, ring[i + 1]!)
  }
  return Float64Array.from(points)
}
