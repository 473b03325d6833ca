// Where an image lies in the mercator world, and which zoom that means.
//
// A footprint is in web mercator metres, and clipped to the square world in y. Its `west` lies in [−LIMIT, LIMIT). Its
// `east` may lie up to one turn past the antimeridian.

import { MAX_ZOOM } from '../../zooms.js'
import type { Crs } from '../crs/crs.js'
import { WEB_MERCATOR } from '../crs/epsg.js'
import { lonLatConverterOf, transformer } from '../crs/transform.js'
import type { Bounds } from '../tiles/mercator.js'
import {
  clampLatitude,
  LIMIT_LATITUDE,
  LIMIT_METRES,
  latToMetres,
  lonToMetres,
  resolution,
  WORLD_METRES,
} from '../tiles/mercator.js'
import { isAffine, type Mapper, mapperOf, type Placement } from './placement.js'

export type { Affine } from './placement.js'

export interface Footprint extends Bounds {
  /** Degrees to subtract from a longitude in the footprint to get the longitude in the source. */
  readonly lonOffset: number
}

const EDGE_SAMPLES = 128
const INNER_SAMPLES = 32
/** Images of at most this many degrees, away from the poles, have a smooth outline … */
const SMALL_DEGREES = 2
const SMALL_MAX_LATITUDE = 80
/** … which this many samples per side follow to within a thousandth of its curvature. */
const SMALL_EDGE_SAMPLES = 32

/** An extent in degrees; longitudes may exceed ±180°. */
class Extent {
  west = Number.POSITIVE_INFINITY
  east = Number.NEGATIVE_INFINITY
  south = Number.POSITIVE_INFINITY
  north = Number.NEGATIVE_INFINITY
  add(lon: number, lat: number): void {
    this.west = Math.min(this.west, lon)
    this.east = Math.max(this.east, lon)
    this.south = Math.min(this.south, lat)
    this.north = Math.max(this.north, lat)
  }
  get empty(): boolean {
    return !(this.west <= this.east)
  }
}

const nearTurn = (lon: number, like: number): number => lon + 360 * Math.round((like - lon) / 360)

/**
 * The rectangle that an image covers, metres; undefined when no part of it lies in the mercator world. It samples the
 * outline (128 points per side) and the inside, or for small images the outline only (32 per side). An image that
 * contains a pole covers all longitudes.
 * @throws CRS_UNSUPPORTED when its CRS is not supported
 */
export function footprintOf(
  crs: Crs,
  placement: Placement,
  width: number,
  height: number,
): Footprint | undefined {
  const { toLonLat, fromLonLat, kind } = lonLatConverterOf(crs)
  const mapper = mapperOf(placement)
  const margin = isAffine(placement) ? 0 : disagreement(mapper, width, height)
  const p = new Float64Array(2)
  let extent = new Extent()
  let missing = false
  let like = Number.NaN
  let first = Number.NaN
  const visit = (column: number, row: number): void => {
    mapper.toMap(column, row, p)
    toLonLat(p[0]!, p[1]!, p)
    if (Number.isNaN(p[0]!) || Number.isNaN(p[1]!)) {
      missing = true
      return
    }
    // longitudes of geographic systems and mercator are already unwrapped
    like = Number.isNaN(like) || kind !== 'projected' ? p[0]! : nearTurn(p[0]!, like)
    if (Number.isNaN(first)) first = like
    extent.add(like, p[1]!)
  }
  inside(width, height, 2, visit)
  const middle = like
  ring(width, height, 2, margin, visit)
  if (!missing && isSmall(extent)) {
    ring(width, height, SMALL_EDGE_SAMPLES, margin, visit)
    if (!missing) return toFootprint(extent)
  }
  // sample more densely, from the middle again: with wide steps, longitudes could not be unwrapped
  extent = new Extent()
  missing = false
  like = middle
  first = Number.NaN
  ring(width, height, EDGE_SAMPLES, margin, visit)
  const turned = Math.abs(like - first) > 180
  inside(width, height, INNER_SAMPLES, visit)
  if (extent.empty) return undefined
  if (missing) pad(extent)
  const holds = (lat: number): boolean => {
    fromLonLat(0, lat, p)
    mapper.toPixel(p[0]!, p[1]!, p)
    return p[0]! >= 0 && p[0]! <= width && p[1]! >= 0 && p[1]! <= height
  }
  if (kind === 'projected') addPoles(extent, turned, holds)
  return toFootprint(extent)
}

function isSmall({ west, east, south, north }: Extent): boolean {
  return (
    east - west < SMALL_DEGREES &&
    north - south < SMALL_DEGREES &&
    Math.max(-south, north) < SMALL_MAX_LATITUDE
  )
}

/** The outline, `margin` pixels outside the image, with `n` samples per side. */
function ring(
  width: number,
  height: number,
  n: number,
  margin: number,
  visit: (column: number, row: number) => void,
): void {
  const across = (i: number): number => -margin + ((width + 2 * margin) * i) / n
  const down = (i: number): number => -margin + ((height + 2 * margin) * i) / n
  for (let i = 0; i < n; i++) visit(across(i), -margin)
  for (let i = 0; i < n; i++) visit(width + margin, down(i))
  for (let i = n; i > 0; i--) visit(across(i), height + margin)
  for (let i = n; i >= 0; i--) visit(-margin, down(i))
}

/** The largest difference, in pixels, between the two directions of a fit. Images are painted by map → pixel. */
function disagreement(mapper: Mapper, width: number, height: number): number {
  const p = new Float64Array(2)
  let most = 0
  ring(width, height, SMALL_EDGE_SAMPLES, 0, (column, row) => {
    mapper.toMap(column, row, p)
    mapper.toPixel(p[0]!, p[1]!, p)
    most = Math.max(most, Math.abs(p[0]! - column), Math.abs(p[1]! - row))
  })
  return Math.min(1.5 * most, Math.max(width, height))
}

function inside(
  width: number,
  height: number,
  n: number,
  visit: (column: number, row: number) => void,
): void {
  for (let j = 1; j < n; j++) {
    // back and forth, so that successive samples are neighbours and longitudes can be unwrapped
    for (let i = 1; i < n; i++) visit((width * (j % 2 ? i : n - i)) / n, (height * j) / n)
  }
}

/**
 * For images that lie partly outside the projection's domain: the edge is known only to the distance between samples.
 */
function pad(extent: Extent): void {
  const dx = (extent.east - extent.west) / 8
  const dy = (extent.north - extent.south) / 8
  extent.add(extent.west - dx, Math.max(-90, extent.south - dy))
  extent.add(extent.east + dx, Math.min(90, extent.north + dy))
}

function addPoles(extent: Extent, turned: boolean, holdsPole: (lat: number) => boolean): void {
  for (const lat of [-90, 90]) {
    if (!holdsPole(lat)) continue
    extent.add(extent.west, lat)
    turned = true
  }
  // an outline that goes around more than once covers the world too
  if (turned || extent.east - extent.west >= 360) {
    extent.west = -180
    extent.east = 180
  }
}

function toFootprint(extent: Extent): Footprint | undefined {
  if (extent.south >= LIMIT_LATITUDE || extent.north <= -LIMIT_LATITUDE) return undefined
  const span = Math.min(360, extent.east - extent.west)
  // slightly beyond −180 is rounding in the file, not another turn
  const rim = Math.abs(extent.west + 180) < 1e-6
  const lonOffset = rim ? 0 : -360 * Math.floor((extent.west + 180) / 360)
  const west = rim ? -180 : extent.west + lonOffset
  return {
    west: lonToMetres(west),
    east: lonToMetres(west + span),
    south: latToMetres(clampLatitude(extent.south)),
    north: latToMetres(clampLatitude(extent.north)),
    // turns −0 into 0, which deepEqual tells apart
    lonOffset: lonOffset + 0,
  }
}

/**
 * Mercator metres per source pixel: the diagonal of the image's bounding box over its diagonal in pixels. This is
 * GDALSuggestedWarpOutput2's method, so automatic zooms equal those of GDAL's MBTiles driver. A rotated image is
 * smaller than its bounding box, so its own diagonals count instead. Images that lie partly outside the world are
 * measured inside it. `box` is the footprint, if known.
 */
export function suggestedResolution(
  crs: Crs,
  placement: Placement,
  width: number,
  height: number,
  box = footprintOf(crs, placement, width, height),
): number {
  if (box === undefined) return Number.NaN
  const pixels = Math.hypot(width, height)
  const boxed = Math.hypot(box.east - box.west, box.north - box.south) / pixels
  const whole = boxed * diagonalShare(crs, placement, width, height)
  // an image over a pole, or partly outside its domain, has no meaningful diagonal: measure its middle
  if (box.east - box.west < WORLD_METRES * 0.9) return whole
  return lonLatConverterOf(crs).kind === 'projected' ? localResolution(crs, placement, width, height) : whole
}

/** The ratio of an image's diagonals to that of its bounding box, measured in the middle: 1 for upright images. */
function diagonalShare(crs: Crs, placement: Placement, width: number, height: number): number {
  const { forward } = transformer(crs, WEB_MERCATOR)
  const mapper = mapperOf(placement)
  const at = (column: number, row: number): readonly [number, number] => {
    const p = new Float64Array(2)
    mapper.toMap(column, row, p)
    forward(p[0]!, p[1]!, p)
    return [p[0]!, p[1]!]
  }
  const [x, y] = at(width / 2, height / 2)
  const [acrossX, acrossY] = at(width / 2 + 1, height / 2)
  const [downX, downY] = at(width / 2, height / 2 + 1)
  const a = [(acrossX - x) * width, (acrossY - y) * width] as const
  const b = [(downX - x) * height, (downY - y) * height] as const
  const box = Math.hypot(Math.abs(a[0]) + Math.abs(b[0]), Math.abs(a[1]) + Math.abs(b[1]))
  const own = (Math.hypot(a[0] + b[0], a[1] + b[1]) + Math.hypot(a[0] - b[0], a[1] - b[1])) / 2
  const share = own / box
  // at the antimeridian or the edge of a projection, the measurement is meaningless
  return share > 0.5 && share <= 1 ? share : 1
}

/** The finest resolution at 49 places in the image. */
function localResolution(crs: Crs, placement: Placement, width: number, height: number): number {
  const { forward } = transformer(crs, WEB_MERCATOR)
  const mapper = mapperOf(placement)
  const a = new Float64Array(2)
  const b = new Float64Array(2)
  const stepTo = (column: number, row: number): number => {
    mapper.toMap(column, row, b)
    forward(b[0]!, b[1]!, b)
    return Math.hypot(b[0]! - a[0]!, b[1]! - a[1]!)
  }
  let best = Number.POSITIVE_INFINITY
  for (let j = 1; j < 8; j++) {
    for (let i = 1; i < 8; i++) {
      const column = (width * i) / 8
      const row = (height * j) / 8
      mapper.toMap(column, row, a)
      forward(a[0]!, a[1]!, a)
      if (Math.abs(a[1]!) > LIMIT_METRES) continue
      const diagonal = Math.hypot(stepTo(column + 1, row) * width, stepTo(column, row + 1) * height)
      const step = diagonal / Math.hypot(width, height)
      if (step < best) best = step
    }
  }
  return best
}

export type ZoomStrategy = 'auto' | 'lower' | 'upper'

/**
 * The zoom for a resolution: the first one at least as fine (`upper`), the one before it (`lower`), or the nearer of
 * the two by ratio (`auto`), as in GDAL's ZOOM_LEVEL_STRATEGY.
 */
export function zoomForResolution(
  metresPerPixel: number,
  tileSize = 256,
  strategy: ZoomStrategy = 'auto',
): number {
  let zoom = 0
  while (zoom < MAX_ZOOM && resolution(zoom, tileSize) > metresPerPixel * (1 + 1e-8)) zoom++
  if (zoom === 0 || strategy === 'upper') return zoom
  const fine = resolution(zoom, tileSize)
  const exact = Math.abs(fine - metresPerPixel) <= fine * 1e-8
  if (exact) return zoom
  if (strategy === 'lower') return zoom - 1
  return resolution(zoom - 1, tileSize) / metresPerPixel < metresPerPixel / fine ? zoom - 1 : zoom
}
