// The tiles of a level that a map shows.
import type { Bounds } from './facts.js'
import { latOfMercator, lonOfMercator, mercatorOfLat, mercatorOfLon } from './mercator.js'

/** Inclusive; `minX` may be below 0 or `maxX` past the edge where the map shows the world's seam. */
export interface TileWindow {
  readonly zoom: number
  readonly minX: number
  readonly minY: number
  readonly maxX: number
  readonly maxY: number
}

export function windowOf([west, south, east, north]: Bounds, zoom: number): TileWindow {
  const side = 2 ** zoom
  const row = (lat: number): number => Math.min(Math.max(Math.floor(mercatorOfLat(lat) * side), 0), side - 1)
  const minX = Math.floor(mercatorOfLon(west) * side)
  // a window of the whole world and more is the world
  const maxX = Math.min(Math.ceil(mercatorOfLon(east) * side) - 1, minX + side - 1)
  return { zoom, minX, minY: row(north), maxX: Math.max(minX, maxX), maxY: row(south) }
}

export const sizeOf = ({ minX, minY, maxX, maxY }: TileWindow): number =>
  (maxX - minX + 1) * (maxY - minY + 1)

/** The same ground, `by` levels up. */
export function parentWindow({ zoom, minX, minY, maxX, maxY }: TileWindow, by: number): TileWindow {
  const up = (n: number): number => Math.floor(n / 2 ** by)
  return { zoom: zoom - by, minX: up(minX), minY: up(minY), maxX: up(maxX), maxY: up(maxY) }
}

/** From the middle of its first tile to the middle of its last, so that rounding asks for no neighbour. */
export function innerBounds({ zoom, minX, minY, maxX, maxY }: TileWindow): Bounds {
  const side = 2 ** zoom
  const lon = (x: number): number => lonOfMercator(((((x + 0.5) / side) % 1) + 1) % 1)
  const lat = (y: number): number => latOfMercator((y + 0.5) / side)
  const isWorld = maxX - minX + 1 >= side
  return [isWorld ? -180 : lon(minX), lat(maxY), isWorld ? 180 : lon(maxX), lat(minY)]
}
