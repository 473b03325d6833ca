// The content of a build: colours, or heights. This is the only place that treats them differently.
import { type Canvas, createCanvas, createValueCanvas } from '../../raster/canvas.js'
import { isPicture, isValues, type Pixels, type Samples } from '../../raster/pixels.js'
import { type EncodedTile, encodeTile } from '../../raster/tiles/codec.js'
import { encodeHeights } from '../../raster/tiles/terrain.js'
import type { WarpOptions } from '../../raster/warp/warp-plan.js'
import { encodingAt } from '../plan/encoding.js'
import type { BuildPlan } from '../plan/plan.js'
import { makeColours, makeValues, type SampleMaker } from './buffers.js'

export type BuiltTile = EncodedTile & {
  /** Heights that are outside the range of the encoding. */
  readonly clamped?: number
}

/** Tolerance for warping heights, pixels: at 100 m a pixel it is 1 mm. */
const VALUE_TOLERANCE_PX = 1e-5

export function warpOptionsOf({ content, resampling }: BuildPlan): WarpOptions {
  return content === 'elevation' ? { resampling, tolerancePx: VALUE_TOLERANCE_PX } : { resampling }
}

export function sampleMakerOf(plan: BuildPlan): SampleMaker<Samples> {
  return plan.content === 'elevation' ? makeValues : makeColours
}

export function canvasOf(plan: BuildPlan, width: number, height: number): Canvas<Samples> {
  return plan.content === 'elevation'
    ? createValueCanvas(width, height)
    : createCanvas(width, height, plan.bands)
}

/** Undefined when nothing would be visible. */
export async function encodePixels(
  plan: BuildPlan,
  zoom: number,
  pixels: Pixels<Samples>,
): Promise<BuiltTile | undefined> {
  if (isPicture(pixels)) return encodeTile(pixels, encodingAt(plan.encoding, zoom))
  if (isValues(pixels) && plan.terrain !== undefined) return encodeHeights(pixels, plan.terrain)
  throw new TypeError('heights in a build of colours')
}
