// Where sources lie on the pixel grid of a zoom: rectangles that contain all they may paint, the tiles of those
// rectangles, and the bounds in degrees.
//
// Invariant: no pixel outside its rectangles is painted from a source, and no tile outside the cover is made.
import { type Footprint, footprintOf } from '../../grid/place/bounds.js'
import { crsOfImage } from '../../grid/place/located.js'
import { placementOf } from '../../grid/place/placement.js'
import type { TileRange } from '../../grid/tiles/cover.js'
import {
  clampLatitude,
  LIMIT_METRES,
  latToMetres,
  lonToMetres,
  metresToLat,
  metresToLon,
  metresToPixelX,
  metresToPixelY,
  WORLD_METRES,
} from '../../grid/tiles/mercator.js'
import type { PixelRect } from '../../grid/tiles/rect.js'
import type { SourceInfo } from '../../raster/source.js'

/** A rectangle of the world in metres. `west` lies inside the world, `east` may lie one turn further. */
export interface Area {
  readonly west: number
  readonly south: number
  readonly east: number
  readonly north: number
  /** Which sides were set by the user (cut to the nearest pixel) rather than by the image (known to about a pixel). */
  readonly cut: {
    readonly west: boolean
    readonly south: boolean
    readonly east: boolean
    readonly north: boolean
  }
  /** Whether the image's own sides are straight in mercator, and so known exactly. */
  readonly exact: boolean
}

/** West, south, east, north; metres. */
type Sides = readonly [number, number, number, number]

const NO_CUT = { west: false, south: false, east: false, north: false }

// A footprint takes hundreds of transforms and is needed several times, so it is cached.
const footprints = new WeakMap<SourceInfo, Footprint | 'none'>()

/** @throws CRS_UNSUPPORTED */
export function footprintOfSource(info: SourceInfo): Footprint | undefined {
  let found = footprints.get(info)
  if (found === undefined) {
    found = footprintOf(crsOfImage(info), placementOf(info), info.width, info.height) ?? 'none'
    footprints.set(info, found)
  }
  return found === 'none' ? undefined : found
}

/** The whole area of a source; undefined when it lies outside the mercator world. */
export function areaOf(info: SourceInfo): Area | undefined {
  const box = footprintOfSource(info)
  if (box === undefined) return undefined
  const code = info.crs.epsg
  const upright = info.geotransform[2] === 0 && info.geotransform[4] === 0
  const exact = upright && info.polynomials === undefined && (code === 3857 || code === 4326)
  return { west: box.west, south: box.south, east: box.east, north: box.north, cut: NO_CUT, exact }
}

/** Converts west, south, east, north from degrees to metres; east becomes larger than west. */
export function sidesOf([w, s, e, n]: readonly [number, number, number, number]): Sides {
  return [
    lonToMetres(w),
    latToMetres(clampLatitude(s)),
    lonToMetres(e > w ? e : e + 360),
    latToMetres(clampLatitude(n)),
  ]
}

/** The parts of an area between the sides, on whichever turn of the world either lies. */
export function cutArea(whole: Area, [west, south, east, north]: Sides): Area[] {
  const found: Area[] = []
  for (const turn of [-2, -1, 0, 1, 2]) {
    const shift = turn * WORLD_METRES
    const cut = {
      west: whole.cut.west || west + shift > whole.west,
      south: whole.cut.south || south > whole.south,
      east: whole.cut.east || east + shift < whole.east,
      north: whole.cut.north || north < whole.north,
    }
    const area: Area = {
      west: Math.max(whole.west, west + shift),
      south: Math.max(whole.south, south),
      east: Math.min(whole.east, east + shift),
      north: Math.min(whole.north, north),
      cut,
      exact: whole.exact,
    }
    if (area.west < area.east && area.south < area.north) found.push(area)
  }
  return found.map((area) =>
    area.west < LIMIT_METRES
      ? area
      : { ...area, west: area.west - WORLD_METRES, east: area.east - WORLD_METRES },
  )
}

/** The pixels of a zoom that an area may paint: one rectangle, or two across the antimeridian. */
export function rectsOf(area: Area, zoom: number, tileSize: number): PixelRect[] {
  // an outline that is known from samples may bulge between them
  const margin = area.exact ? -1e-6 : 1
  const low = (value: number, cut: boolean): number => (cut ? Math.round(value) : Math.floor(value - margin))
  const high = (value: number, cut: boolean): number => (cut ? Math.round(value) : Math.ceil(value + margin))
  const rect = {
    minX: low(metresToPixelX(area.west, zoom, tileSize), area.cut.west),
    minY: low(metresToPixelY(area.north, zoom, tileSize), area.cut.north),
    endX: high(metresToPixelX(area.east, zoom, tileSize), area.cut.east),
    endY: high(metresToPixelY(area.south, zoom, tileSize), area.cut.south),
  }
  return inWorld(rect, zoom, tileSize)
}

/** The parts of a rectangle inside the world. What extends beyond the east edge reappears in the west. */
function inWorld(rect: PixelRect, zoom: number, tileSize: number): PixelRect[] {
  const n = tileSize * 2 ** zoom
  const minY = Math.max(0, rect.minY)
  const endY = Math.min(n, rect.endY)
  if (minY >= endY) return []
  if (rect.endX - rect.minX >= n) return [{ minX: 0, minY, endX: n, endY }]
  return [-n, 0, n]
    .map((turn) => ({
      minX: Math.max(0, rect.minX + turn),
      minY,
      endX: Math.min(n, rect.endX + turn),
      endY,
    }))
    .filter((part) => part.minX < part.endX)
}

export function tilesOf(rect: PixelRect, tileSize: number): TileRange {
  return {
    minX: Math.floor(rect.minX / tileSize),
    minY: Math.floor(rect.minY / tileSize),
    maxX: Math.floor((rect.endX - 1) / tileSize),
    maxY: Math.floor((rect.endY - 1) / tileSize),
  }
}

/** A bbox in degrees, cut to the nearest pixel. */
export function clipOf(
  bbox: readonly [number, number, number, number],
  zoom: number,
  tileSize: number,
): PixelRect[] {
  const [west, south, east, north] = sidesOf(bbox)
  const cut = { west: true, south: true, east: true, north: true }
  return rectsOf({ west, south, east, north, cut, exact: true }, zoom, tileSize)
}

/** The bounds of all areas, degrees; the whole width of the world when they cross the antimeridian. */
export function boundsOf(areas: readonly Area[]): [number, number, number, number] {
  let west = Number.POSITIVE_INFINITY
  let south = Number.POSITIVE_INFINITY
  let east = Number.NEGATIVE_INFINITY
  let north = Number.NEGATIVE_INFINITY
  for (const area of areas) {
    west = Math.min(west, area.west)
    south = Math.min(south, area.south)
    east = Math.max(east, area.east)
    north = Math.max(north, area.north)
  }
  const crosses = east > LIMIT_METRES * (1 + 1e-12)
  return [
    crosses ? -180 : metresToLon(west),
    metresToLat(south),
    crosses ? 180 : metresToLon(east),
    metresToLat(north),
  ]
}
