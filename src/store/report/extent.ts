// Ranges of tiles that grow by what is found.
import { widen } from '../pmtiles/widen.js'
import type { TileRange } from '../read/list.js'

/** The range of one zoom's tiles, in columns and rows. */
export interface Extent {
  zoom: number
  minX: number
  minY: number
  maxX: number
  maxY: number
}

export function withTile(extent: Extent | undefined, zoom: number, x: number, y: number): Extent {
  return withArea(extent, zoom, { minX: x, minY: y, maxX: x, maxY: y })
}

export function withArea(extent: Extent | undefined, zoom: number, area: TileRange): Extent {
  const { minX, minY, maxX, maxY } = area
  if (extent === undefined) return { zoom, minX, minY, maxX, maxY }
  extent.minX = Math.min(extent.minX, minX)
  extent.maxX = Math.max(extent.maxX, maxX)
  extent.minY = Math.min(extent.minY, minY)
  extent.maxY = Math.max(extent.maxY, maxY)
  return extent
}

/** Of zooms in ascending order, in columns and rows of the last. */
export function extentOfAll(extents: readonly Extent[]): Extent | undefined {
  const last = extents.at(-1)
  if (last === undefined) return undefined
  const all = { ...last }
  for (const above of extents.toReversed()) widen(all, all.zoom - above.zoom, above)
  return all
}
