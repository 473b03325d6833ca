// Fills pixels without a height from the averages around them.
//
// The tile is halved (mean of the valid pixels of four) down to one pixel, as its ancestors hold it in average
// overviews. On the way back, a pixel without a value gets the bilinear height of the coarser level, so that holes are
// filled smoothly from their edges. `fillHoles` uses one tile alone; `fillFrom` uses a coarser level that is already
// filled.

import type { Pixels } from '../pixels.js'
import { halve } from './downsample.js'

/** The same heights, with a value everywhere; undefined when no pixel is valid. Width and height are powers of two. */
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

/** Bilinear height of the half-size picture at the centre of a full-size pixel. Edge pixels repeat. */
function enlarged({ width, height, data }: Pixels<Float32Array>, x: number, y: number): number {
  const x0 = Math.max(0, (x - 1) >> 1)
  const x1 = Math.min(width - 1, (x + 1) >> 1)
  const y0 = Math.max(0, (y - 1) >> 1)
  const y1 = Math.min(height - 1, (y + 1) >> 1)
  // a centre lies a quarter of a coarse pixel from the nearest coarse centre
  const wx = x & 1 ? 0.25 : 0.75
  const wy = y & 1 ? 0.25 : 0.75
  const top = data[y0 * width + x0]! * (1 - wx) + data[y0 * width + x1]! * wx
  const bottom = data[y1 * width + x0]! * (1 - wx) + data[y1 * width + x1]! * wx
  return top * (1 - wy) + bottom * wy
}

/** Heights with a mask. */
interface Masked {
  readonly width: number
  readonly height: number
  readonly data: Float32Array
  readonly mask: Uint8Array
}

/**
 * Fills pixels without a height in place, with the bilinear height of the level above where that has any nearby. `x`,
 * `y` is the corner of the pixels in the global pixel grid of their zoom; `aboveX`, `aboveY` that of the level above,
 * in its own grid.
 */
export function fillFrom(
  pixels: Masked,
  x: number,
  y: number,
  above: Masked,
  aboveX: number,
  aboveY: number,
): void {
  const { width, height, data, mask } = pixels
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const p = row * width + column
      if (mask[p] !== 0) continue
      const found = heightAbove(above, x + column - 2 * aboveX, y + row - 2 * aboveY)
      if (Number.isNaN(found)) continue
      data[p] = found
      mask[p] = 255
    }
  }
}

/** As `enlarged`, from valid pixels only; NaN where there are none. x, y are in pixels of the finer level. */
function heightAbove({ width, height, data, mask }: Masked, x: number, y: number): number {
  const wx = x & 1 ? 0.25 : 0.75
  const wy = y & 1 ? 0.25 : 0.75
  let sum = 0
  let weights = 0
  for (let j = 0; j < 2; j++) {
    const row = Math.min(height - 1, Math.max(0, (y + 2 * j - 1) >> 1))
    for (let i = 0; i < 2; i++) {
      const p = row * width + Math.min(width - 1, Math.max(0, (x + 2 * i - 1) >> 1))
      if (mask[p] === 0) continue
      const w = (i === 0 ? 1 - wx : wx) * (j === 0 ? 1 - wy : wy)
      sum += w * data[p]!
      weights += w
    }
  }
  return weights === 0 ? Number.NaN : sum / weights
}
