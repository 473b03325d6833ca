// Web mercator with the world as the unit square, y from the north, and the tiles in it.

const LIMIT = 85.0511287798066

export const mercatorOfLon = (lon: number): number => (lon + 180) / 360
export function mercatorOfLat(lat: number): number {
  const clamped = Math.min(Math.max(lat, -LIMIT), LIMIT)
  return 0.5 - Math.asinh(Math.tan((clamped * Math.PI) / 180)) / (2 * Math.PI)
}
export const lonOfMercator = (x: number): number => x * 360 - 180
export const latOfMercator = (y: number): number =>
  (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI

/** Within [-180, 180): maps count on when they are turned round the world. */
export const lonInWorld = (lon: number): number => ((((lon + 180) % 360) + 360) % 360) - 180

export interface TileAt {
  readonly z: number
  readonly x: number
  readonly y: number
}

/** The tile under a place; x wraps around the world, y stays in it. */
export function tileAt(lon: number, lat: number, z: number): TileAt {
  const side = 2 ** z
  const x = Math.floor(mercatorOfLon(lon) * side)
  const y = Math.floor(mercatorOfLat(lat) * side)
  return { z, x: ((x % side) + side) % side, y: Math.min(Math.max(y, 0), side - 1) }
}

/** Level of the tiles that a map at this zoom shows: maps count zoom in tiles of 512 pixels. */
export const levelOfZoom = (mapZoom: number, tileSize: number): number =>
  Math.round(mapZoom + Math.log2(512 / tileSize))

/** The zoom at which a level is seen pixel by pixel. */
export const zoomOfLevel = (level: number, tileSize: number): number => level - Math.log2(512 / tileSize)
