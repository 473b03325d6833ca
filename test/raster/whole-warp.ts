// A whole warp in one call: plan, read, paint.
import { type Canvas, createCanvas, createValueCanvas, finishCanvas } from '../../src/raster/canvas.js'
import type { Pixels, Samples } from '../../src/raster/pixels.js'
import type { RasterSource } from '../../src/raster/source.js'
import { runWarp } from '../../src/raster/warp/warp.js'
import {
  planWarp,
  type WarpOptions,
  type WarpPlan,
  type WarpTarget,
} from '../../src/raster/warp/warp-plan.js'

/**
 * The source's pixels in a rectangle of the global pixel grid, colours or one band of values; undefined when it
 * has none there. Not painted pixels have mask 0. Rejects with what the source's `read` throws, or CRS_UNSUPPORTED.
 */
export async function warp<T extends Samples = Uint8Array>(
  source: RasterSource,
  target: WarpTarget,
  options: WarpOptions,
): Promise<Pixels<T> | undefined> {
  const plan = planWarp(source.info, target, options)
  if (plan === undefined) return undefined
  const canvas: Canvas<Samples> =
    source.info.samples === 'float32'
      ? createValueCanvas(target.width, target.height)
      : createCanvas(target.width, target.height, plan.bands)
  await paintPlan(source, plan, canvas, 0, 0)
  return finishCanvas(canvas as Canvas<T>)
}

/**
 * Paints the rectangle into a larger canvas with its corner at x, y; pixels the source does not cover stay as
 * they are. Returns false when the plan meets nothing of the source (nothing was read).
 * Throws RangeError when the rectangle leaves the canvas, TypeError when their bands differ.
 */
export async function warpInto(
  source: RasterSource,
  target: WarpTarget,
  options: WarpOptions,
  canvas: Canvas<Samples>,
  x: number,
  y: number,
): Promise<boolean> {
  const plan = planWarp(source.info, target, options)
  if (plan === undefined) return false
  await paintPlan(source, plan, canvas, x, y)
  return true
}

async function paintPlan(
  source: RasterSource,
  plan: WarpPlan,
  canvas: Canvas<Samples>,
  x: number,
  y: number,
): Promise<void> {
  for (const part of plan.parts) {
    runWarp(plan, part, await source.read(part.level, part.window), canvas, x, y)
  }
}
