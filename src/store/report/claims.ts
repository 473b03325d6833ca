// Compares the bounds and center that an archive claims with where its tiles are. Some archives claim bounds of zeros,
// with corners or axes swapped, or of another place. Clients believe them and show an empty map.
import { tileBoundsLonLat } from '../../grid/tiles/mercator.js'
import type { Extent } from './extent.js'

/** West, south, east, north, degrees. */
export type Box = [number, number, number, number]
/** Longitude, latitude, zoom. */
export type Center = [number, number, number]

/** Some clients write ±85, although the web mercator world ends at 85.0511. */
const SLACK_DEGREES = 0.1

/** Metadata give bounds and center as a list or, as in MBTiles, as 'w,s,e,n'. */
function numbersOf(value: unknown, count: number): number[] | undefined {
  const list =
    typeof value === 'string'
      ? value.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)))
      : value
  const isList = Array.isArray(list) && list.length === count && list.every((v) => Number.isFinite(v))
  return isList ? (list as number[]) : undefined
}

export function boxOf({ zoom, minX, minY, maxX, maxY }: Extent): Box {
  const northWest = tileBoundsLonLat(zoom, minX, minY)
  const southEast = tileBoundsLonLat(zoom, maxX, maxY)
  return [northWest.west, southEast.south, southEast.east, northWest.north]
}

/** The claimed bounds if the tiles may lie there; undefined otherwise. */
export function believedBounds(claim: unknown, extent: Extent | undefined): Box | undefined {
  const box = numbersOf(claim, 4) as Box | undefined
  if (box === undefined) return undefined
  const [west, south, east, north] = box
  const isArea = south < north && west !== east && Math.abs(west) <= 540 && Math.abs(east) <= 540
  if (!isArea || south < -91 || north > 91) return undefined
  if (extent === undefined) return box
  const tiles = boxOf(extent)
  const pad = Math.max(360 / 2 ** extent.zoom, SLACK_DEGREES)
  if (west > east || west < -180 - SLACK_DEGREES || east > 180 + SLACK_DEGREES) {
    const isAround = extent.minX === 0 && extent.maxX === 2 ** extent.zoom - 1
    return isAround && north > tiles[1] && south < tiles[3] ? box : undefined
  }
  return holds(padded(box, pad), tiles) || holds(padded(tiles, pad), box) ? box : undefined
}

/** The claimed center if it lies in the bounds and its zoom exists; otherwise that of the bounds. */
export function believedCenter(claim: unknown, bounds: Box, minZoom: number, maxZoom: number): Center {
  const [west, south, east, north] = bounds
  const [lon = NaN, lat = NaN, zoom = NaN] = numbersOf(claim, 3) ?? numbersOf(claim, 2) ?? []
  const isInside =
    lat >= south && lat <= north && (west <= east ? lon >= west && lon <= east : lon >= west || lon <= east)
  const at = isInside ? ([lon, lat] as const) : ([(west + east) / 2, (south + north) / 2] as const)
  return [...at, Number.isNaN(zoom) ? minZoom : Math.max(minZoom, Math.min(maxZoom, zoom))]
}

const padded = ([west, south, east, north]: Box, by: number): Box => [
  west - by,
  south - by,
  east + by,
  north + by,
]

const holds = (outer: Box, inner: Box): boolean =>
  outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3]
