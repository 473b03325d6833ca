// Rectangles of tiles and of pixels, end to end.
import type { TileRange } from '../grid/cover.js'

/** Pixels of the global grid of a zoom, half open. */
export interface PixelRect {
  readonly minX: number
  readonly minY: number
  readonly endX: number
  readonly endY: number
}

/** Undefined when they share nothing. */
export function intersectRects(a: PixelRect, b: PixelRect): PixelRect | undefined {
  const minX = Math.max(a.minX, b.minX)
  const minY = Math.max(a.minY, b.minY)
  const endX = Math.min(a.endX, b.endX)
  const endY = Math.min(a.endY, b.endY)
  return minX < endX && minY < endY ? { minX, minY, endX, endY } : undefined
}

/** The tiles of `range` that lie in the tile `up` zooms above it; undefined when none does. */
export function rangeInside(range: TileRange, x: number, y: number, up: number): TileRange | undefined {
  const side = 2 ** up
  const minX = Math.max(range.minX, x * side)
  const minY = Math.max(range.minY, y * side)
  const maxX = Math.min(range.maxX, (x + 1) * side - 1)
  const maxY = Math.min(range.maxY, (y + 1) * side - 1)
  return minX <= maxX && minY <= maxY ? { minX, minY, maxX, maxY } : undefined
}

/** Tiles in the union of ranges, each counted once. */
export function countUnion(ranges: readonly TileRange[]): number {
  const edges = [...new Set(ranges.flatMap((r) => [r.minX, r.maxX + 1]))].sort((a, b) => a - b)
  let count = 0
  for (let i = 0; i + 1 < edges.length; i++) {
    const here = ranges.filter((r) => r.minX <= edges[i]! && r.maxX >= edges[i]!)
    count += (edges[i + 1]! - edges[i]!) * lengthOfUnion(here)
  }
  return count
}

/** Rows in the union of the ranges' rows. */
function lengthOfUnion(ranges: readonly TileRange[]): number {
  let length = 0
  let end = -1
  for (const { minY, maxY } of [...ranges].sort((a, b) => a.minY - b.minY)) {
    if (maxY > end) length += maxY - Math.max(minY - 1, end)
    end = Math.max(end, maxY)
  }
  return length
}
