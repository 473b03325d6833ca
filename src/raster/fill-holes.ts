// Heights for pixels that have none, from the averages around them.
//
// The tile is halved (mean of the valid ones of four) until it is one pixel, which is what its ancestors hold of
// it under average overviews; on the way back down a pixel without a value takes the bilinear height of the
// level above, so that holes are filled smoothly from their rims. It looks at the tile alone: every tile with a
// valid pixel can be filled without waiting for its neighbours.
import { halve } from './downsample.js'
import type { Pixels } from './pixels.js'

/** The same heights, with a value everywhere. Undefined when there is not one valid pixel. Sizes: powers of two. */
export function fillHoles(pixels: Pixels<Float32Array>): Pixels<Float32Array> | undefined {
  const { width, height, mask } = pixels
  if (mask === undefined) return pixels
  if (width === 1 || height === 1) return mask.every((m) => m !== 0) ? pixels : undefined
  const half = halve(pixels, 'average', 'binary')
  const above = half && fillHoles(half)
  if (above === undefined) return undefined
  const data = pixels.data.slice()
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const p = y * width + x
      if (mask[p] === 0) data[p] = enlarged(above, x, y)
    }
  }
  return { width, height, bands: 1, data, mask: undefined }
}

/** Bilinear height of the half-size picture at the centre of a pixel of the full one; rims repeat. */
function enlarged({ width, height, data }: Pixels<Float32Array>, x: number, y: number): number {
  const x0 = Math.max(0, (x - 1) >> 1)
  const x1 = Math.min(width - 1, (x + 1) >> 1)
  const y0 = Math.max(0, (y - 1) >> 1)
  const y1 = Math.min(height - 1, (y + 1) >> 1)
  // centres lie a quarter of a coarse pixel from the nearer coarse centre
  const wx = x & 1 ? 0.25 : 0.75
  const wy = y & 1 ? 0.25 : 0.75
  const top = data[y0 * width + x0]! * (1 - wx) + data[y0 * width + x1]! * wx
  const bottom = data[y1 * width + x0]! * (1 - wx) + data[y1 * width + x1]! * wx
  return top * (1 - wy) + bottom * wy
}
