// Joins, cuts and halves decoded tiles.
import { type Canvas, createCanvas, createValueCanvas, crop, finishCanvas } from '../../raster/canvas.js'
import type { Pixels, Samples } from '../../raster/pixels.js'
import { halve } from '../../raster/tiles/downsample.js'

/** Decoded pixels at column and row 0 or 1. */
export interface Part<T extends Samples> {
  readonly pixels: Pixels<T>
  readonly column: number
  readonly row: number
}

/** Tiles of one size as one of twice the size; where there is none, it is transparent. */
export function join<T extends Samples>(parts: readonly Part<T>[], size: number): Pixels<T> | undefined {
  const isValue = parts[0]!.pixels.data instanceof Float32Array
  const bands = Math.max(...parts.map(({ pixels }) => pixels.bands))
  const canvas = (isValue
    ? createValueCanvas(2 * size, 2 * size)
    : createCanvas(2 * size, 2 * size, bands)) as Canvas<Samples> as Canvas<T>
  for (const { pixels, column, row } of parts) paste(pixels, canvas, column * size, row * size)
  return finishCanvas(canvas)
}

/** `from` may be grey where `to` has colours. */
function paste<T extends Samples>(from: Pixels<T>, to: Canvas<T>, x: number, y: number): void {
  const { width, height, data, mask } = from
  for (let row = 0; row < height; row++) {
    const [source, target] = [row * width, (y + row) * to.width + x]
    if (from.bands === to.bands) {
      const samples = data.subarray(source * to.bands, (source + width) * to.bands)
      to.data.set(samples, target * to.bands)
    } else
      for (let p = 0; p < width; p++) to.data.fill(data[source + p]!, 3 * (target + p), 3 * (target + p) + 3)
    if (mask === undefined) to.mask.fill(255, target, target + width)
    else to.mask.set(mask.subarray(source, source + width), target)
  }
}

/** A quarter of a tile. */
export function quarter<T extends Samples>(pixels: Pixels<T>, column: number, row: number): Pixels<T> {
  const half = pixels.width / 2
  return crop(pixels, column * half, row * half, half, half)
}

/** Half as wide and high, each pixel the mean of four. */
export const half = <T extends Samples>(pixels: Pixels<T>, isBinary: boolean): Pixels<T> | undefined =>
  halve(pixels, 'average', isBinary ? 'binary' : 'alpha')
