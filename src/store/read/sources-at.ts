// Which sources lie at a place. Their rectangles are looked at one by one, which takes microseconds for thousands of them
// and needs no package that every reader would have to load; then their polygons decide.
//
// The polygons are in degrees, within ±180 and with straight edges, as in GeoJSON. Their edges belong to them.
import { badRange, badType, wrongType } from '../../errors.js'
import type { SourceFootprint, SourceRecord, SourceRing } from '../../format/sources/record.js'
import { didYouMean } from '../nearest.js'
import { checkBbox, longitudesOf } from './list.js'

/** The place whose sources are asked for: one of the two. */
export interface SourcesQuery {
  /** Longitude and latitude, degrees. */
  readonly point?: readonly [number, number] | undefined
  /** West, south, east, north, degrees. West > east, or east past 180, crosses the antimeridian. */
  readonly bbox?: readonly [number, number, number, number] | undefined
}

type Box = readonly [west: number, south: number, east: number, north: number]

export class SourcePlaces {
  /** Those with a footprint, from the bottom to the top. */
  readonly #records: SourceRecord[]
  /** West, south, east, north of each. */
  readonly #boxes: Float64Array

  constructor(records: readonly SourceRecord[]) {
    this.#records = records.filter(({ footprint }) => footprint !== null)
    this.#boxes = new Float64Array(this.#records.length * 4)
    for (const [i, { footprint }] of this.#records.entries()) this.#boxes.set(boxOf(footprint!), i * 4)
  }

  /** The topmost first. @throws TypeError, RangeError when the query is not valid */
  at(query: SourcesQuery): SourceRecord[] {
    const found = new Set<number>()
    for (const box of boxesOf(query)) {
      for (const i of this.#near(box)) if (!found.has(i) && this.#touches(i, box)) found.add(i)
    }
    return [...found].sort((a, b) => b - a).map((i) => this.#records[i]!)
  }

  #near([west, south, east, north]: Box): number[] {
    const boxes = this.#boxes
    const near: number[] = []
    for (let at = 0; at < boxes.length; at += 4)
      if (boxes[at]! <= east && boxes[at + 2]! >= west && boxes[at + 1]! <= north && boxes[at + 3]! >= south)
        near.push(at / 4)
    return near
  }

  #touches(i: number, box: Box): boolean {
    return polygonsOf(this.#records[i]!.footprint!).some((rings) => touches(rings, box))
  }
}

/** The rectangles within ±180 that a query is about; a point is one without an area. */
function boxesOf(query: SourcesQuery): Box[] {
  if (typeof query !== 'object' || query === null)
    throw wrongType('the query of sourcesAt() must be { point } or { bbox }', query)
  for (const key of Object.keys(query))
    if (key !== 'point' && key !== 'bbox')
      throw badType(
        `the query of sourcesAt() has point or bbox; there is no '${key}'${didYouMean(key, ['point', 'bbox'])}`,
      )
  const { point, bbox } = query
  if ((point === undefined) === (bbox === undefined)) throw badType('pass a point or a bbox to sourcesAt()')
  if (bbox !== undefined) checkBbox(bbox)
  const [west, south, east, north] = bbox ?? pointBox(point!)
  const [from, to] = longitudesOf(west, east)
  const boxes: Box[] =
    from <= to
      ? [[from, south, to, north]]
      : [
          [from, south, 180, north],
          [-180, south, to, north],
        ]
  // the two ends of the map are one line
  if (to === 180) boxes.push([-180, south, -180, north])
  if (from === -180) boxes.push([180, south, 180, north])
  return boxes
}

function pointBox(point: readonly number[]): Box {
  if (!Array.isArray(point) || point.length !== 2)
    throw badType('point must be [longitude, latitude] in degrees')
  const [lon, lat] = point as [unknown, unknown]
  if (typeof lon !== 'number') throw wrongType('point must be two numbers', lon)
  if (typeof lat !== 'number') throw wrongType('point must be two numbers', lat)
  const box: [number, number, number, number] = [lon, lat, lon, lat]
  if (!(Math.abs(lat) <= 90 && Math.abs(lon) <= 540))
    throw badRange(`point ${point} is not a longitude and a latitude in degrees`)
  return box
}

const polygonsOf = (footprint: SourceFootprint): readonly (readonly SourceRing[])[] =>
  footprint.type === 'Polygon' ? [footprint.coordinates] : footprint.coordinates

function boxOf(footprint: SourceFootprint): Box {
  let [west, south, east, north] = [180, 90, -180, -90]
  for (const rings of polygonsOf(footprint))
    for (const position of rings[0]!) {
      const [lon, lat] = position as [number, number]
      west = Math.min(west, lon)
      east = Math.max(east, lon)
      south = Math.min(south, lat)
      north = Math.max(north, lat)
    }
  return [west, south, east, north]
}

/** Whether a polygon and a rectangle have a point in common. */
function touches(rings: readonly SourceRing[], box: Box): boolean {
  const [lon, lat] = box
  let isInside = false
  for (const ring of rings)
    for (let i = 1; i < ring.length; i++) {
      const [ax, ay] = ring[i - 1] as [number, number]
      const [bx, by] = ring[i] as [number, number]
      if (meets(ax, ay, bx, by, box)) return true
      if (ay > lat !== by > lat && lon < ax + ((lat - ay) / (by - ay)) * (bx - ax)) isInside = !isInside
    }
  // no edge comes near, so that all of the rectangle lies where its corner does
  return isInside
}

/** Whether an edge and a rectangle have a point in common: no line along one of their sides parts them. */
function meets(ax: number, ay: number, bx: number, by: number, [west, south, east, north]: Box): boolean {
  if (Math.max(ax, bx) < west || Math.min(ax, bx) > east) return false
  if (Math.max(ay, by) < south || Math.min(ay, by) > north) return false
  const side = (x: number, y: number): number => (bx - ax) * (y - ay) - (by - ay) * (x - ax)
  const sides = [side(west, south), side(west, north), side(east, south), side(east, north)]
  return !(sides.every((s) => s > 0) || sides.every((s) => s < 0))
}
