import { z } from 'zod'
import { wrongType } from '../errors.js'
import { RESAMPLINGS, type Resampling } from '../raster/pixels.js'
import { checkPath, type Given, isReader, parseOptions } from '../store/options.js'
import type { TileSet } from '../store/read/tile-set.js'
import { MAX_ZOOM } from '../zooms.js'

/** How heights are drawn: in the file's own encoding, lit from the north-west, or from black to white. */
export type ElevationLook = 'encoded' | 'shade' | 'grey'
export const ELEVATION_LOOKS: readonly ElevationLook[] = ['encoded', 'shade', 'grey']

const kernel = z.enum(RESAMPLINGS as [Resampling, ...Resampling[]])
const degrees = z.number()
const bbox = z.tuple([degrees, degrees, degrees, degrees])

const sampleShape = {
  /** West, south, east, north, degrees; west > east, or east past 180, crosses the antimeridian. */
  bbox,
  /** Width of the image, pixels. */
  width: z.int().min(1),
  /** Height of the image, pixels. */
  height: z.int().min(1),
  /** Default: bilinear. */
  resampling: kernel.optional(),
  /** Kernel where the image is finer than the stored tiles; default: `resampling`. */
  enlarging: kernel.optional(),
  /** Zoom to read. Default: chosen by the resolution of the image. */
  zoom: z.int().min(0).max(MAX_ZOOM).optional(),
  /** Limit on tiles of the zoom that is read; more fail with TOO_LARGE. Default: 65,536. */
  maxTiles: z.int().min(1).optional(),
  /** How to draw heights; default: terrain-RGB unchanged, numbers as a hillshade. */
  elevation: z.enum(ELEVATION_LOOKS as [ElevationLook, ...ElevationLook[]]).optional(),
  /** Aborting it rejects the promise with its reason. */
  signal: z.instanceof(AbortSignal, { error: 'expected an AbortSignal' }).optional(),
}

const sampleOptions = z.strictObject(sampleShape)
/** The area and size of the image, and how it is drawn. */
export interface SampleOptions extends Given<typeof sampleShape> {}

const verifyShape = {
  /** Also decode every tile, which takes much longer. Default: false. */
  decode: z.boolean().optional(),
  /** An abort ends it with INTERRUPTED. */
  signal: z.instanceof(AbortSignal, { error: 'expected an AbortSignal' }).optional(),
}

const verifyOptions = z.strictObject(verifyShape)
/** How thoroughly a file is checked, and a signal to stop. */
export interface VerifyOptions extends Given<typeof verifyShape> {}

/** @throws TypeError, RangeError when an argument is wrong; the message names it */
export function checkVerifyArguments(path: unknown, options: unknown): void {
  checkPath(path)
  parseOptions(verifyOptions, options, 'verify option')
}

/** @throws TypeError, RangeError when an argument is wrong; the message names it */
export function checkSampleArguments(tiles: TileSet, options: unknown): void {
  if (!isReader(tiles)) throw wrongType('tiles must be an open reader', tiles)
  if (options === undefined) throw wrongType('options must be { bbox, width, height, … }', options)
  parseOptions(sampleOptions, options, 'sample option')
}
