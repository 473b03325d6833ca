// Which kernel paints: the hot loops of a warp, for runs of target pixels whose source positions lie on a line.
//
// A kernel's `run` paints `count` target pixels from `at` on. Pixel k takes its colour from the position
// (x + k·dx, y + k·dy) in the pixels of the window; corner = 0, so 0.5 is a pixel's centre. The caller has
// cut the run so that every position lies inside the image, and says with `inner` whether the whole kernel
// lies inside the window (then nothing is checked). No allocation, no closures here.
//
// Validity, as gdalwarp's: a target pixel is painted when the source pixel under its centre is valid
// (average: when any pixel under its footprint is). Weights of invalid or missing pixels are dropped and the
// rest renormalised, so nodata colours never bleed. With an alpha mask colours are weighed by alpha, and the
// result's alpha is that of the pixels that are not wholly transparent, so that the rim of an image is not
// dimmed and abutting images leave no seam; otherwise a painted pixel is opaque.
//
// Values (heights, measurements) are not rounded: their weights are computed for each position, not looked up by
// phase, and sums are double precision, so that a value comes back as `gdalwarp -et 0 -ot Float32` has it
// (alg/gdalwarpkernel.cpp: GWKBilinearResample4Sample, GWKCubicResample4Sample, GWKResampleNoMasks,
// GWKAverageOrMode). Their masks are yes or no.

import type { Canvas } from '../../canvas.js'
import type { Pixels, Resampling } from '../../pixels.js'
import { AverageValues } from './average.js'
import { BilinearRun, BilinearValues } from './bilinear.js'
import type { RunKernel } from './kernel.js'
import { isFootprint, type ValueCanvas, type ValuePixels, WIDEN_ABOVE, weightTable } from './kernel.js'
import { NearestRun, NearestValues } from './nearest.js'
import { RankRun } from './rank.js'
import { ConvolvedValues, TableRun } from './table.js'

/** The kernel for colours. */
export function runKernel(
  resampling: Resampling,
  from: Pixels,
  to: Canvas,
  scaleX: number,
  scaleY: number,
  alpha: boolean,
): RunKernel {
  if (resampling === 'nearest') return new NearestRun(from, to)
  if (resampling !== 'average' && isFootprint(resampling)) {
    return new RankRun(from, to, resampling, scaleX, scaleY, alpha)
  }
  const widened = scaleX > WIDEN_ABOVE || scaleY > WIDEN_ABOVE
  if (resampling === 'bilinear' && !widened) return new BilinearRun(from, to, alpha)
  const tableX = weightTable(resampling, scaleX)
  const tableY = weightTable(resampling, scaleY)
  // GDAL's four-sample cubic turns bilinear where one of its sixteen pixels is missing; so do we
  const fallback = resampling === 'cubic' && !widened ? new BilinearRun(from, to, alpha) : undefined
  return new TableRun(from, to, tableX, tableY, alpha, resampling === 'average', fallback)
}

/**
 * The kernel for values.
 * @throws TypeError when there is more than one band
 */
export function valueKernel(
  resampling: Resampling,
  from: ValuePixels,
  to: ValueCanvas,
  scaleX: number,
  scaleY: number,
): RunKernel {
  if (from.bands !== 1) throw new TypeError(`values are warped one band at a time, not ${from.bands}`)
  if (resampling === 'nearest') return new NearestValues(from, to)
  if (resampling === 'average') return new AverageValues(from, to, scaleX, scaleY)
  if (isFootprint(resampling)) return new RankRun(from, to, resampling, scaleX, scaleY, false)
  const widened = scaleX > WIDEN_ABOVE || scaleY > WIDEN_ABOVE
  const bilinear = widened ? undefined : new BilinearValues(from, to)
  if (resampling === 'bilinear' && bilinear !== undefined) return bilinear
  // GDAL's four-sample cubic turns bilinear where one of its sixteen pixels is missing; so do we
  const fallback = resampling === 'cubic' ? bilinear : undefined
  return new ConvolvedValues(from, to, resampling, scaleX, scaleY, fallback)
}
