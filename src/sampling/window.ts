// The position of a picture in the web mercator world, independent of the zoom it is read from.
import { badRange, FlagstoneError } from '../errors.js'
import { notDegrees } from '../grid/tiles/degrees.js'
import {
  clampLatitude,
  LIMIT_METRES,
  latToMetres,
  lonToMetres,
  WORLD_METRES,
} from '../grid/tiles/mercator.js'

/**
 * A rectangle in world widths from the north-west corner, in which tiles of every zoom have exact coordinates. West of
 * 0 and east of 1 the world repeats; north of 0 and south of 1 there is nothing.
 */
export interface Window {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

const MAX_SIDE = 32768
const MAX_PIXELS = 2 ** 27

/** West, south, east, north, degrees; west > east, or east past 180, crosses the antimeridian. @throws RangeError */
export function windowOfBbox(bbox: readonly [number, number, number, number]): Window {
  const [w, s, e, n] = bbox
  if (!bbox.every(Number.isFinite) || s >= n || w === e) {
    throw badRange(`bbox ${bbox.join(',')} is not west,south,east,north in degrees`)
  }
  const problem = notDegrees(bbox)
  if (problem !== undefined) throw badRange(`bbox ${bbox.join(',')}: ${problem}`)
  const top = rowOf(n)
  const bottom = rowOf(s)
  if (top >= bottom) {
    const isThin = clampLatitude(n) > clampLatitude(s)
    throw badRange(
      `bbox ${bbox.join(',')} is ${isThin ? 'too thin to be drawn' : 'outside the web mercator world'}`,
    )
  }
  return { left: columnOf(w), top, right: columnOf(e > w ? e : e + 360), bottom }
}

export function windowOfTile(zoom: number, x: number, y: number): Window {
  const n = 2 ** zoom
  return { left: x / n, top: y / n, right: (x + 1) / n, bottom: (y + 1) / n }
}

/** The column of a longitude, in world widths. */
export const columnOf = (lon: number): number => (lonToMetres(lon) + LIMIT_METRES) / WORLD_METRES
/** The row of a latitude, in world widths. Latitudes beyond the world's edge are clamped to it. */
export const rowOf = (lat: number): number => (LIMIT_METRES - latToMetres(clampLatitude(lat))) / WORLD_METRES

/**
 * Checks the size of a picture.
 * @throws RangeError when it is not a size in pixels
 * @throws TOO_LARGE
 */
export function checkSize(width: number, height: number): void {
  if (![width, height].every((n) => Number.isInteger(n) && n > 0)) {
    throw badRange(`${width}×${height} is not a size in pixels`)
  }
  if (width <= MAX_SIDE && height <= MAX_SIDE && width * height <= MAX_PIXELS) return
  throw new FlagstoneError(
    'TOO_LARGE',
    `An image of ${width}×${height} pixels is over the limit of ${MAX_SIDE} a side and ${MAX_PIXELS} in all; request it in parts.`,
  )
}
