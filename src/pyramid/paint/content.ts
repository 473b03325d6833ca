// The content of a build: colours, or heights. This is the only place that treats them differently.
import { type Canvas, createCanvas, createValueCanvas } from '../../raster/canvas.js'
import { isPicture, isValues, type Pixels, type Samples } from '../../raster/pixels.js'
import { type EncodedTile, encodeTile } from '../../raster/tiles/codec.js'
import { encodeHeights, terrainRange } from '../../raster/tiles/terrain.js'
import type { WarpOptions } from '../../raster/warp/warp-plan.js'
import { encodingAt } from '../plan/encoding.js'
import type { BuildPlan } from '../plan/plan.js'
import { makeColours, makeValues, type SampleMaker } from './buffers.js'
import { type Halved, quarterOf } from './presence.js'

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

/** Number of clamped heights of a tile that come from the sources: those in quarters that were not halved. */
export function paintedClamped(
  { terrain }: BuildPlan,
  { clamped = 0 }: BuiltTile,
  pixels: Pixels<Samples>,
  halved: Halved,
): number {
  if (clamped === 0 || halved === 15 || terrain === undefined) return 0
  if (halved === 0) return clamped
  const [low, high] = terrainRange(terrain)
  const { width, data, mask } = pixels
  const half = width / 2
  let count = 0
  for (let p = 0; p < data.length; p++) {
    const quarter = quarterOf(Math.floor((p % width) / half), Math.floor(p / width / half))
    const isClamped = data[p]! < low || data[p]! > high
    if (isClamped && (halved & quarter) === 0 && mask?.[p] !== 0) count++
  }
  return count
}
