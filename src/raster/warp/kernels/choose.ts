// Chooses the kernel of a warp: its hot loop, for runs of target pixels whose source positions lie on a line.
//
// A kernel's `run` paints `count` target pixels from `at` on. Pixel k takes its colour from the position (x + k·dx, y +
// k·dy) in the pixels of the window; corner = 0, so 0.5 is a pixel's centre. The caller has cut the run so that every
// position lies inside the image. `inner` says that the whole kernel lies inside the window, so that nothing needs
// checking. There are no allocations and no closures here.
//
// Validity is as in gdalwarp: a target pixel is painted when the source pixel under its centre is valid (for average:
// when any pixel under its footprint is). Invalid and missing pixels have no weight, and the rest is renormalised, so
// nodata colours never bleed. With an alpha mask, colours are weighted by alpha, and the result's alpha comes from the
// pixels that are not fully transparent, so that edges are not dimmed and adjacent images have no seam. Otherwise a
// painted pixel is opaque.
//
// Values (heights, measurements) are not rounded. Their weights are computed for each position, not looked up by phase,
// and sums are in double precision, so that results equal those of `gdalwarp -et 0 -ot Float32`
// (alg/gdalwarpkernel.cpp: GWKBilinearResample4Sample, GWKCubicResample4Sample, GWKResampleNoMasks, GWKAverageOrMode).
// Their masks are binary.

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
  // as in GDAL, cubic without widening becomes bilinear where one of its sixteen pixels is missing
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
  // as in GDAL, cubic without widening becomes bilinear where one of its sixteen pixels is missing
  const fallback = resampling === 'cubic' ? bilinear : undefined
  return new ConvolvedValues(from, to, resampling, scaleX, scaleY, fallback)
}
