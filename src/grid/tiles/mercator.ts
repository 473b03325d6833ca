// Web mercator (EPSG:3857): metres, degrees, pixels and tiles, in closed form.
//
// Formulas: EPSG Guidance Note 7-2, method 1024 "Popular Visualisation Pseudo Mercator" (a sphere of the WGS84
// semi-major axis, geodetic latitude used as if it were spherical). The pixel grid is the GoogleMapsCompatible tile
// matrix set of OGC 17-083r2 annex D: zoom 0 is one tile, origin north-west. Functions clamp only where they say so:
// pixel column −1 lies west of the world.

/** Radius of the sphere, metres. */
export const EARTH_RADIUS = 6378137
/** Half the side of the square world, metres: π·a = 20037508.342789244. */
export const LIMIT_METRES = Math.PI * EARTH_RADIUS
export const WORLD_METRES = 2 * LIMIT_METRES
/** Latitude of the square's edge, degrees: atan(sinh π). */
export const LIMIT_LATITUDE = (Math.atan(Math.sinh(Math.PI)) * 180) / Math.PI

const DEGREES = 180 / Math.PI

/** Metres per pixel at the equator. */
export function resolution(zoom: number, tileSize = 256): number {
  return WORLD_METRES / (tileSize * 2 ** zoom)
}

export function lonToMetres(lon: number): number {
  return (lon / DEGREES) * EARTH_RADIUS
}

/** At ±90° the values are nearly infinite; clip to LIMIT_LATITUDE where that matters. */
export function latToMetres(lat: number): number {
  // asinh(tan φ) = ln(tan(π/4 + φ/2)), and is exact at the equator
  return EARTH_RADIUS * Math.asinh(Math.tan(lat / DEGREES))
}

export function metresToLon(x: number): number {
  return (x / LIMIT_METRES) * 180
}

export function metresToLat(y: number): number {
  return Math.atan(Math.sinh(y / EARTH_RADIUS)) * DEGREES
}

export function clampLatitude(lat: number): number {
  return Math.max(-LIMIT_LATITUDE, Math.min(LIMIT_LATITUDE, lat))
}

/** Global pixel column of an easting: 0 at the west edge, growing east. */
export function metresToPixelX(x: number, zoom: number, tileSize = 256): number {
  return (x + LIMIT_METRES) / resolution(zoom, tileSize)
}

/** Global pixel row of a northing: 0 at the north edge, growing south. */
export function metresToPixelY(y: number, zoom: number, tileSize = 256): number {
  return (LIMIT_METRES - y) / resolution(zoom, tileSize)
}

export function pixelToMetresX(column: number, zoom: number, tileSize = 256): number {
  return column * resolution(zoom, tileSize) - LIMIT_METRES
}

export function pixelToMetresY(row: number, zoom: number, tileSize = 256): number {
  return LIMIT_METRES - row * resolution(zoom, tileSize)
}

/** The tile that contains a point; for points outside the world, the nearest tile. */
export function lonLatToTile(lon: number, lat: number, zoom: number): [x: number, y: number] {
  const n = 2 ** zoom
  const x = Math.floor(metresToPixelX(lonToMetres(lon), zoom, 1))
  const y = Math.floor(metresToPixelY(latToMetres(clampLatitude(lat)), zoom, 1))
  return [Math.max(0, Math.min(n - 1, x)), Math.max(0, Math.min(n - 1, y))]
}

/** A rectangle in metres or degrees, as its user documents. `east` may lie past the antimeridian. */
export interface Bounds {
  readonly west: number
  readonly south: number
  readonly east: number
  readonly north: number
}

/** A tile's rectangle, metres. */
export function tileBounds(zoom: number, x: number, y: number): Bounds {
  return {
    west: pixelToMetresX(x, zoom, 1),
    south: pixelToMetresY(y + 1, zoom, 1),
    east: pixelToMetresX(x + 1, zoom, 1),
    north: pixelToMetresY(y, zoom, 1),
  }
}

/** A tile's rectangle, degrees. */
export function tileBoundsLonLat(zoom: number, x: number, y: number): Bounds {
  const degrees = 360 / 2 ** zoom
  // computed exactly: the world ends at 180, not at 180.00000000000003
  return { ...boundsToLonLat(tileBounds(zoom, x, y)), west: x * degrees - 180, east: (x + 1) * degrees - 180 }
}

export function boundsToLonLat(metres: Bounds): Bounds {
  return {
    west: metresToLon(metres.west),
    south: metresToLat(metres.south),
    east: metresToLon(metres.east),
    north: metresToLat(metres.north),
  }
}

/** Degrees to metres; latitudes are clipped to the square world. */
export function boundsFromLonLat(degrees: Bounds): Bounds {
  return {
    west: lonToMetres(degrees.west),
    south: latToMetres(clampLatitude(degrees.south)),
    east: lonToMetres(degrees.east),
    north: latToMetres(clampLatitude(degrees.north)),
  }
}
