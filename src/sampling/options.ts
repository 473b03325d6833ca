// What a caller may say when asking for a picture, checked once at the rim.
import { z } from 'zod'
import { wrongType } from '../errors.js'
import { RESAMPLINGS, type Resampling } from '../raster/pixels.js'
import { isReader, parseOptions } from '../store/options.js'
import type { TileSet } from '../store/tile-set.js'

/** How heights are shown: in the file's own encoding, lit from the north-west, or from black to white. */
export type ElevationLook = 'encoded' | 'shade' | 'grey'
export const ELEVATION_LOOKS: readonly ElevationLook[] = ['encoded', 'shade', 'grey']

const kernel = z.enum(RESAMPLINGS as [Resampling, ...Resampling[]])
const degrees = z.number()

const sampleOptions = z.strictObject({
  bbox: z.tuple([degrees, degrees, degrees, degrees]).readonly(),
  width: z.int().min(1),
  height: z.int().min(1),
  resampling: kernel.optional(),
  enlarging: kernel.optional(),
  zoom: z.int().min(0).max(26).optional(),
  maxTiles: z.int().min(1).optional(),
  elevation: z.enum(ELEVATION_LOOKS as [ElevationLook, ...ElevationLook[]]).optional(),
  signal: z.instanceof(AbortSignal).optional(),
})

/** @throws TypeError, RangeError that name the argument */
export function checkSampleArguments(tiles: TileSet, options: unknown): void {
  if (!isReader(tiles)) throw wrongType('tiles is an open reader', tiles)
  if (options === undefined) throw wrongType('options is { bbox, width, height, … }', options)
  parseOptions(sampleOptions, options, 'sample option')
}
