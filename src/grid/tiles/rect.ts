// Rectangles of pixels in the global grid of a zoom.
import type { TileRange } from './cover.js'

/** Half open: maxX and maxY lie outside. */
export interface PixelRect {
  readonly minX: number
  readonly minY: number
  readonly endX: number
  readonly endY: number
}

/** The pixels of a range of tiles with a side of `size` pixels. */
export const tilesRect = ({ minX, minY, maxX, maxY }: TileRange, size: number): PixelRect => ({
  minX: minX * size,
  minY: minY * size,
  endX: (maxX + 1) * size,
  endY: (maxY + 1) * size,
})

export const tileRect = (x: number, y: number, size: number): PixelRect =>
  tilesRect({ minX: x, minY: y, maxX: x, maxY: y }, size)

/** Larger by a number of pixels on each side. */
export const growRect = ({ minX, minY, endX, endY }: PixelRect, by: number): PixelRect => ({
  minX: minX - by,
  minY: minY - by,
  endX: endX + by,
  endY: endY + by,
})

/** The part inside a world of `side` pixels, which a rectangle must meet. */
export const insideWorld = (rect: PixelRect, side: number): PixelRect =>
  intersectRects(rect, { minX: 0, minY: 0, endX: side, endY: side })!

/** The common part; undefined when they do not overlap. */
export function intersectRects(a: PixelRect, b: PixelRect): PixelRect | undefined {
  const minX = Math.max(a.minX, b.minX)
  const minY = Math.max(a.minY, b.minY)
  const endX = Math.min(a.endX, b.endX)
  const endY = Math.min(a.endY, b.endY)
  return minX < endX && minY < endY ? { minX, minY, endX, endY } : undefined
}
