// Detects rectangles that should be in degrees but are not: mostly they are in map metres.
import { LIMIT_METRES, metresToLat, metresToLon } from './mercator.js'

/** Longitudes may go around the world once, starting from ±180°. */
const MAX_LONGITUDE = 540
/** Degrees are never this large, and map metres are rarely smaller. */
const SURELY_METRES = 1000

/** What is wrong with west, south, east, north, as the end of a sentence; undefined when they can be degrees. */
export function notDegrees(bbox: readonly [number, number, number, number]): string | undefined {
  const [west, south, east, north] = bbox
  const isFine = [west, east].every((lon) => Math.abs(lon) <= MAX_LONGITUDE)
  if (isFine && [south, north].every((lat) => Math.abs(lat) <= 90)) return undefined
  if (bbox.every((value) => Math.abs(value) < SURELY_METRES))
    return `these are not degrees: longitudes are from -${MAX_LONGITUDE} to ${MAX_LONGITUDE}, latitudes from -90 to 90`
  if (bbox.some((value) => Math.abs(value) > LIMIT_METRES))
    return 'these are not degrees; they look like metres'
  const degrees = [metresToLon(west), metresToLat(south), metresToLon(east), metresToLat(north)]
  const said = degrees.map((value) => Math.round(value * 1e5) / 1e5).join(',')
  return `these are not degrees; they look like metres, and as web mercator (EPSG:3857) they are ${said} in degrees`
}
