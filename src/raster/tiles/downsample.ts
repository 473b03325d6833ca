// Halves pictures for overviews: four pixels become one, on a mosaic of even size. Colours are rounded to 8 bits;
// values (Float32, one band) are not rounded, and their masks are binary.
//
// Which pixels are painted does not depend on the kernel (except nearest). With a 'binary' mask, a pixel is valid when
// any of its four is, so nothing disappears in overviews, and nothing grows beyond its footprint. With an 'alpha' mask,
// alpha is filtered like a colour, and colours are weighted by it. At the edge of the mosaic, missing pixels repeat the
// last one. Average is exact (rounded half up). The wider kernels are GDAL's at scale 2. They reach beyond the four
// pixels, so mosaics need a margin of `halveReach` pixels where they have neighbours.

import { type Canvas, createCanvas, createValueCanvas, finishCanvas } from '../canvas.js'
import { isPicture, isValues, type Pixels, type Resampling, type Samples } from '../pixels.js'
import type { MaskKind } from '../source.js'
import { isFootprint } from '../warp/kernels/kernel.js'
import { rankOf } from '../warp/kernels/rank.js'
import { averageColours, averageValues } from './downsample-average.js'
import { convolve2, taps2 } from './downsample-wide.js'

/** How many source pixels the kernel reaches beyond a 2×2 block, on each side. */
export function halveReach(kernel: Resampling): number {
  return kernel === 'nearest' || isFootprint(kernel) ? 0 : taps2(kernel).length / 2 - 1
}

/** The picture at half size; undefined when nothing is painted. @throws RangeError when its width or height is odd */
export function halve<T extends Samples>(
  from: Pixels<T>,
  kernel: Resampling,
  maskKind: MaskKind,
): Pixels<T> | undefined {
  const width = from.width >> 1
  const height = from.height >> 1
  const canvas = isPicture(from) ? createCanvas(width, height, from.bands) : createValueCanvas(width, height)
  halveInto(from, kernel, maskKind, canvas, 0, 0)
  return finishCanvas(canvas as Canvas<Samples> as Canvas<T>)
}

/**
 * As `halve`, painted into a canvas with its corner at x, y. Unpainted pixels are unchanged.
 * @throws TypeError when one has colours and the other values, or their bands differ
 */
export function halveInto(
  from: Pixels<Samples>,
  kernel: Resampling,
  maskKind: MaskKind,
  to: Canvas<Samples>,
  x: number,
  y: number,
): void {
  const width = from.width >> 1
  const height = from.height >> 1
  if (from.width & 1 || from.height & 1) throw new RangeError(`${from.width}×${from.height} cannot be halved`)
  if (from.bands !== to.bands) throw new TypeError(`${from.bands} bands do not fit a canvas of ${to.bands}`)
  if (x < 0 || y < 0 || x + width > to.width || y + height > to.height) {
    throw new RangeError(`${width}×${height} at ${x},${y} leaves the ${to.width}×${to.height} canvas`)
  }
  if (isPicture(from) !== isPicture(to)) throw new TypeError('values and colours do not mix')
  const corner = y * to.width + x
  const alpha = maskKind === 'alpha' && isPicture(from)
  if (kernel === 'nearest') nearest2(from, to, corner)
  else if (kernel !== 'average' && isFootprint(kernel)) rank2(from, kernel, alpha, to, corner)
  else if (kernel !== 'average') convolve2(from, kernel, alpha, to, corner)
  else if (isPicture(from)) averageColours(from, alpha, to as Canvas, corner)
  else if (isValues(from)) averageValues(from, to as Canvas<Float32Array>, corner)
}

/** Chooses one of the four by rank, band by band; with soft opacity, the mean opacity. */
function rank2(
  from: Pixels<Samples>,
  kernel: Resampling,
  alpha: boolean,
  to: Canvas<Samples>,
  corner: number,
): void {
  const { width, height, bands, data, mask } = from
  const four = new Float64Array(4)
  const places = new Int32Array(4)
  for (let j = 0; j < height; j += 2) {
    let d = corner + (j >> 1) * to.width
    for (let p = j * width; p < (j + 1) * width; p += 2, d++) {
      let n = 0
      let opacity = 0
      for (let q = 0; q < 4; q++) {
        const at = p + (q & 1) + (q >> 1) * width
        const valid = mask === undefined ? 255 : mask[at]!
        opacity += valid
        if (valid !== 0) places[n++] = at
      }
      const painted = alpha ? (opacity + 2) >> 2 : n > 0 ? 255 : 0
      if (painted === 0) continue
      to.mask[d] = painted
      const valid = four.subarray(0, n)
      for (let c = 0; c < bands; c++) {
        for (let q = 0; q < n; q++) valid[q] = data[places[q]! * bands + c]!
        to.data[d * bands + c] = rankOf(valid, kernel)
      }
    }
  }
}

/** The north-western pixel of the four, as in gdaladdo. */
function nearest2(from: Pixels<Samples>, to: Canvas<Samples>, corner: number): void {
  const { width, height, bands, data, mask } = from
  for (let j = 0; j < height; j += 2) {
    let d = corner + (j >> 1) * to.width
    for (let i = 0; i < width; i += 2, d++) {
      const p = j * width + i
      const valid = mask === undefined ? 255 : mask[p]!
      if (valid === 0) continue
      to.mask[d] = valid
      for (let c = 0; c < bands; c++) to.data[d * bands + c] = data[p * bands + c]!
    }
  }
}
