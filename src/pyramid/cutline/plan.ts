// A cutline on the pixel grid of a zoom. Edges are divided so finely that straight lines between their points are right
// to a fraction of a pixel. Plain data in shared memory, so that workers do not copy it.
import Flatbush from 'flatbush'
import { FlagstoneError } from '../../errors.js'
import { type LonLatConverter, lonLatConverterOf } from '../../grid/crs/transform.js'
import {
  clampLatitude,
  latToMetres,
  lonToMetres,
  metresToPixelX,
  metresToPixelY,
  pixelToMetresX,
  pixelToMetresY,
} from '../../grid/tiles/mercator.js'
import type { Cutline } from './cutline.js'
import { ringWithTurns } from './turns.js'

export interface CutlinePlan {
  /** x, y pairs in pixels of maxZoom, ring after ring; x may lie a turn or more outside the world. */
  readonly points: Float64Array
  /** Index of each ring's first point (in pairs), then the end. A ring's last point is joined to its first. */
  readonly rings: Int32Array
  /** Index of each polygon's first ring, then the end. */
  readonly polygons: Int32Array
  /** A Flatbush over the edges; edge i begins at point i. */
  readonly index: SharedArrayBuffer
  readonly worldPixels: number
  /** Number of pixels over which opacity rises from the line inwards; 0 means a hard edge. */
  readonly blendPx: number
  /** West, south, east, north; metres; not wrapped. */
  readonly sides: readonly [number, number, number, number]
}

/** Largest distance between an edge and the line that is drawn for it. */
const TOLERANCE_PX = 0.02
const MAX_DEPTH = 14
const MAX_POINTS = 10_000_000
/** Positions along an edge that are checked. */
const CHECKS = [0.25, 0.5, 0.75]

/** Puts a cutline on the pixel grid of a zoom. @throws BAD_OPTION when coordinates are not valid positions */
export function planCutline(cutline: Cutline, zoom: number, tileSize: number, blendPx: number): CutlinePlan {
  const tracer = new Tracer(cutline, zoom, tileSize)
  const rings: number[] = []
  const polygons: number[] = []
  for (const polygon of cutline.polygons) {
    polygons.push(rings.length)
    for (const ring of ringWithTurns(polygon, tracer.isDegrees)) {
      rings.push(tracer.points.length / 2)
      tracer.ring(ring)
    }
  }
  polygons.push(rings.length)
  rings.push(tracer.points.length / 2)
  const points = new Float64Array(new SharedArrayBuffer(tracer.points.length * 8))
  points.set(tracer.points)
  const starts = Int32Array.from(rings)
  const index = indexOf(points, starts)
  return {
    points,
    rings: starts,
    polygons: Int32Array.from(polygons),
    index: index.data as SharedArrayBuffer,
    worldPixels: tileSize * 2 ** zoom,
    blendPx,
    sides: [
      pixelToMetresX(index.minX, zoom, tileSize),
      pixelToMetresY(index.maxY, zoom, tileSize),
      pixelToMetresX(index.maxX, zoom, tileSize),
      pixelToMetresY(index.minY, zoom, tileSize),
    ],
  }
}

function indexOf(points: Float64Array, rings: Int32Array): Flatbush {
  const index = new Flatbush(points.length / 2, 16, Float64Array, SharedArrayBuffer)
  eachEdge(points, rings, (x0, y0, x1, y1) => {
    index.add(Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1))
  })
  index.finish()
  return index
}

/** Visits the edges of all rings, in the order of their points. */
export function eachEdge(
  points: Float64Array,
  rings: Int32Array,
  visit: (x0: number, y0: number, x1: number, y1: number, ring: number) => void,
): void {
  for (let ring = 0; ring + 1 < rings.length; ring++) {
    const end = rings[ring + 1]!
    for (let i = rings[ring]!; i < end; i++) {
      const j = i + 1 === end ? rings[ring]! : i + 1
      visit(points[2 * i]!, points[2 * i + 1]!, points[2 * j]!, points[2 * j + 1]!, ring)
    }
  }
}

/** A point of an edge, in the cutline's system and on the grid. */
interface EdgePoint {
  readonly x: number
  readonly y: number
  readonly lon: number
  readonly px: number
  readonly py: number
}

/** Converts rings to pixels. */
class Tracer {
  readonly points: number[] = []
  /**
   * Whether coordinates are degrees: straight lines are then straight in degrees, and longitudes are taken as they are.
   */
  readonly isDegrees: boolean
  readonly #converter: LonLatConverter | undefined
  readonly #name: string
  readonly #zoom: number
  readonly #tileSize: number
  readonly #out = new Float64Array(2)

  constructor({ crs, name }: Cutline, zoom: number, tileSize: number) {
    const converter = crs && lonLatConverterOf(crs)
    this.isDegrees = converter === undefined || converter.kind === 'lonlat'
    this.#converter = this.isDegrees ? undefined : converter
    this.#name = name
    this.#zoom = zoom
    this.#tileSize = tileSize
  }

  ring(ring: Float64Array): void {
    const n = ring.length / 2
    const first = this.#place(ring[0]!, ring[1]!, undefined)
    let from = first
    this.#push(first)
    for (let i = 1; i <= n; i++) {
      const at = 2 * (i % n)
      const to = this.#place(ring[at]!, ring[at + 1]!, from.lon)
      this.#edge(from, to, 0)
      if (i < n) this.#push(to)
      else if (Math.abs(to.lon - first.lon) > 180) this.#overPole(first, to)
      from = to
    }
  }

  /**
   * A ring that returns one turn further around the world encloses a pole. It is closed along the edge of the world.
   */
  #overPole(first: EdgePoint, last: EdgePoint): void {
    this.#push(last)
    const edge = last.py < (this.#tileSize * 2 ** this.#zoom) / 2 ? 0 : this.#tileSize * 2 ** this.#zoom
    this.#push({ ...last, py: edge })
    this.#push({ ...first, py: edge })
  }

  #push({ px, py }: EdgePoint): void {
    if (this.points.length >= 2 * MAX_POINTS) throw this.#bad('has too many points at this zoom; simplify it')
    this.points.push(px, py)
  }

  #place(x: number, y: number, like: number | undefined): EdgePoint {
    let lon = x
    let lat = y
    if (this.#converter !== undefined) {
      this.#converter.toLonLat(x, y, this.#out)
      lon = this.#out[0]!
      lat = this.#out[1]!
      if (like !== undefined) lon += 360 * Math.round((like - lon) / 360)
    }
    if (!(Math.abs(lat) <= 90.000001 && Math.abs(lon) <= 1080)) {
      throw this.#bad(
        this.isDegrees
          ? `has the position ${x},${y}, which is not longitude,latitude in degrees; if it has another coordinate system, give it in the crs member`
          : `has the position ${x},${y}, which is outside its coordinate system`,
      )
    }
    const px = metresToPixelX(lonToMetres(lon), this.#zoom, this.#tileSize)
    const py = metresToPixelY(latToMetres(clampLatitude(lat)), this.#zoom, this.#tileSize)
    return { x, y, lon, px, py }
  }

  /** Adds the points between the ends of an edge. */
  #edge(from: EdgePoint, to: EdgePoint, depth: number): void {
    if (this.#converter?.kind === 'mercator' || depth >= MAX_DEPTH) return
    let middle: EdgePoint | undefined
    let straight = true
    for (const t of CHECKS) {
      const place = this.#place(from.x + (to.x - from.x) * t, from.y + (to.y - from.y) * t, from.lon)
      if (t === 0.5) middle = place
      straight &&= distanceToLine(place, from, to) <= TOLERANCE_PX
    }
    if (straight) return
    this.#edge(from, middle!, depth + 1)
    this.#push(middle!)
    this.#edge(middle!, to, depth + 1)
  }

  #bad(what: string): FlagstoneError {
    return new FlagstoneError('BAD_OPTION', `${this.#name} ${what}.`)
  }
}

function distanceToLine(p: EdgePoint, a: EdgePoint, b: EdgePoint): number {
  const dx = b.px - a.px
  const dy = b.py - a.py
  const length = Math.hypot(dx, dy)
  if (length < 1e-9) return Math.hypot(p.px - a.px, p.py - a.py)
  return Math.abs((p.px - a.px) * dy - (p.py - a.py) * dx) / length
}
