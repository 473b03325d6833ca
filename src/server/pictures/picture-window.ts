// The part of the world that a picture shows, out of an address.
import { notDegrees } from '../../grid/tiles/degrees.js'
import { LIMIT_LATITUDE } from '../../grid/tiles/mercator.js'
import { columnOf, rowOf, type Window, windowOfBbox } from '../../sampling/window.js'
import { HttpError } from '../http/message.js'
import type { Source } from '../sources/source.js'

const MAX_STATIC_ZOOM = 30
const TILE_SIZE = 256

/**
 * 'west,south,east,north', degrees; west > east, or east past 180, crosses the antimeridian.
 * @throws HttpError 400
 */
export function windowOfText(text: string): Window {
  const numbers = numbersOf(text, 4)
  if (numbers === undefined) {
    throw new HttpError(
      400,
      "The window must be west,south,east,north in degrees, or 'auto' for the whole source.",
    )
  }
  const bbox = numbers as [number, number, number, number]
  const problem = notDegrees(bbox)
  if (problem !== undefined) throw new HttpError(400, `The window ${text} is not valid: ${problem}.`)
  return windowOf(bbox)
}

/** @throws HttpError 404 when that is not known */
export function allOf(source: Source): Window {
  const { bounds } = source.describe()
  if (bounds === undefined) throw new HttpError(404, `'${source.id}' has no tiles.`)
  const [west, south, east, north] = bounds
  // some archives of the whole world have bounds such as ±180.1
  return windowOf([west, south, Math.min(east, west + 360), north])
}

function windowOf([west, south, east, north]: readonly [number, number, number, number]): Window {
  const to = east > west ? east : east + 360
  if (!(south < north) || west === east) {
    throw new HttpError(
      400,
      'The window is empty: south must be less than north, and west must differ from east.',
    )
  }
  if (Math.abs(west) > 540 || Math.abs(east) > 540 || to - west > 360 || to <= west) {
    throw new HttpError(400, 'The window may be at most 360° wide, with longitudes from -540 to 540.')
  }
  if (south >= LIMIT_LATITUDE || north <= -LIMIT_LATITUDE) {
    throw new HttpError(
      400,
      `The window is outside the web mercator world, which ends at ${LIMIT_LATITUDE}° of latitude.`,
    )
  }
  return onFirstTurn(windowOfBbox([west, south, to, north]))
}

/** 'lon,lat,zoom' in the middle of width × height screen pixels. @throws HttpError 400 */
export function windowAround(text: string, width: number, height: number): Window {
  const [lon, lat, zoom] = numbersOf(text, 3) ?? []
  if (lon === undefined || lat === undefined || zoom === undefined) {
    throw new HttpError(400, 'The place must be longitude,latitude,zoom.')
  }
  if (Math.abs(lon) > 540 || Math.abs(lat) > 90 || zoom < 0 || zoom > MAX_STATIC_ZOOM) {
    throw new HttpError(
      400,
      `The place needs a longitude from -540 to 540, a latitude from -90 to 90, and a zoom from 0 to ${MAX_STATIC_ZOOM}.`,
    )
  }
  const pixel = 1 / (TILE_SIZE * 2 ** zoom)
  if (width * pixel > 1) {
    throw new HttpError(
      400,
      'The image is wider than the world at this zoom: use a smaller size or a higher zoom.',
    )
  }
  const x = columnOf(lon)
  const y = rowOf(lat)
  return onFirstTurn({
    left: x - (width / 2) * pixel,
    top: y - (height / 2) * pixel,
    right: x + (width / 2) * pixel,
    bottom: y + (height / 2) * pixel,
  })
}

/** The same place with its western edge in the world, 0 … 1. */
function onFirstTurn({ left, top, right, bottom }: Window): Window {
  const turn = Math.floor(left)
  return { left: left - turn, top, right: right - turn, bottom }
}

/** Decimal numbers, as many, small ones as JavaScript writes them (1e-7) too; undefined for anything else. */
function numbersOf(text: string, count: number): number[] | undefined {
  const parts = text.split(',', count + 1)
  if (parts.length !== count) return undefined
  const numbers = parts.map((part) =>
    /^ ?[+-]?\d{1,9}(\.\d{0,20})?(e-\d{1,3})?$/i.test(part) ? Number(part) : Number.NaN,
  )
  return numbers.every(Number.isFinite) ? numbers : undefined
}
