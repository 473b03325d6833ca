// Rectangles of pixels in the global grid of a zoom.

/** Half open: maxX and maxY lie outside. */
export interface PixelRect {
  readonly minX: number
  readonly minY: number
  readonly endX: number
  readonly endY: number
}

/** The common part; undefined when they do not overlap. */
export function intersectRects(a: PixelRect, b: PixelRect): PixelRect | undefined {
  const minX = Math.max(a.minX, b.minX)
  const minY = Math.max(a.minY, b.minY)
  const endX = Math.min(a.endX, b.endX)
  const endY = Math.min(a.endY, b.endY)
  return minX < endX && minY < endY ? { minX, minY, endX, endY } : undefined
}
