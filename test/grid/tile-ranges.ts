// The tiles under a footprint, to compare with other programs' tiles.

import type { TileRange } from '../../src/grid/tiles/cover.js'
import type { Bounds } from '../../src/grid/tiles/mercator.js'
import { metresToPixelX, metresToPixelY } from '../../src/grid/tiles/mercator.js'

/**
 * The tiles at `zoom` that a rectangle (metres) meets: one range, or two when it crosses the antimeridian.
 * A rectangle that only touches a tile's edge does not meet it.
 */
export function tileRanges(bounds: Bounds, zoom: number): TileRange[] {
  const n = 2 ** zoom
  const minY = Math.max(0, Math.floor(metresToPixelY(bounds.north, zoom, 1) + 1e-9))
  const maxY = Math.min(n - 1, Math.ceil(metresToPixelY(bounds.south, zoom, 1) - 1e-9) - 1)
  const west = Math.floor(metresToPixelX(bounds.west, zoom, 1) + 1e-9)
  const east = Math.ceil(metresToPixelX(bounds.east, zoom, 1) - 1e-9) - 1
  if (minY > maxY || west > east) return []
  if (east - west + 1 >= n) return [{ minX: 0, minY, maxX: n - 1, maxY }]
  const ranges: TileRange[] = []
  for (const turn of [0, -n]) {
    const minX = Math.max(0, west + turn)
    const maxX = Math.min(n - 1, east + turn)
    if (minX <= maxX) ranges.push({ minX, minY, maxX, maxY })
  }
  return ranges
}
