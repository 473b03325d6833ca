// Draws any window of a tile file at any size, in web mercator.
//
// It reads the lowest stored zoom that is at least as fine as the image, or the deepest. A tile missing there is made
// from deeper tiles where they exist, otherwise enlarged from its deepest stored ancestor (mixed depth), otherwise
// transparent. When shrinking, kernels are widened.
//
// Files of heights are resampled as heights, however their tiles are encoded.
import { FlagstoneError } from '../errors.js'
import type { OwnFloats } from '../format/own-memory.js'
import { LIMIT_METRES, WORLD_METRES } from '../grid/tiles/mercator.js'
import { finishCanvas } from '../raster/canvas.js'
import type { OwnPixels, Pixels, Samples } from '../raster/pixels.js'
import { greyOfHeights, shadeOfHeights } from '../raster/tiles/hillshade.js'
import { heightsToRgb, isTerrainRgb } from '../raster/tiles/terrain.js'
import type { TileSet } from '../store/read/tile-set.js'
import { checkSampleArguments, type ElevationLook, type SampleOptions } from './options.js'
import { Sampler } from './sampler.js'
import { colourForm, type ElevationKind, elevationOf, formOf, type TileForm } from './tile-form.js'
import { checkSize, type Window, windowOfBbox } from './window.js'

/**
 * An image of width × height pixels in web mercator, evenly spaced; mask 0 where the file has no data.
 * @throws TypeError, RangeError when a size, bbox or option is not valid
 * @throws BAD_OPTION when the file stores heights as numbers and `elevation` is 'encoded'
 * @throws TOO_LARGE when it exceeds the limits
 * @throws DAMAGED when a tile cannot be decoded
 */
export async function sample(tiles: TileSet, options: SampleOptions): Promise<OwnPixels> {
  checkSampleArguments(tiles, options)
  const kind = elevationOf(tiles)
  if (kind === undefined) {
    const form = colourForm()
    const picture = await sampleAs(tiles, options, form)
    return own(form.isGrey && tiles.levels().length > 0 ? greyOf(picture) : picture)
  }
  const look = options.elevation ?? (kind === 'numbers' ? 'shade' : 'encoded')
  return own(lookOf(await sampleAs(tiles, options, formOf(kind)), kind, look, windowOfBbox(options.bbox)))
}

/**
 * The heights of a window, metres, one band; mask 0 where there are none. Undefined for a file of images.
 * @throws as sample
 */
export async function sampleHeights(
  tiles: TileSet,
  options: SampleOptions,
): Promise<OwnPixels<OwnFloats> | undefined> {
  checkSampleArguments(tiles, options)
  const kind = elevationOf(tiles)
  return kind && ((await sampleAs(tiles, options, formOf(kind))) as OwnPixels<OwnFloats>)
}

/** Each image has a canvas of its own. */
const own = (pixels: Pixels): OwnPixels => pixels as OwnPixels

function lookOf(
  heights: Pixels<Float32Array>,
  kind: ElevationKind,
  look: ElevationLook,
  window: Window,
): Pixels {
  const { width, height, mask } = heights
  if (look === 'grey') return greyOfHeights(heights)
  if (look === 'shade') {
    return shadeOfHeights(heights, {
      north: LIMIT_METRES - window.top * WORLD_METRES,
      metresX: ((window.right - window.left) * WORLD_METRES) / width,
      metresY: ((window.bottom - window.top) * WORLD_METRES) / height,
    })
  }
  if (!isTerrainRgb(kind)) {
    throw new FlagstoneError(
      'BAD_OPTION',
      'The file stores heights as numbers, not colours: use elevation shade or grey.',
    )
  }
  const data = new Uint8Array(width * height * 3)
  heightsToRgb(heights, kind, data, 3)
  return { width, height, bands: 3, data, mask }
}

async function sampleAs<T extends Samples>(
  tiles: TileSet,
  options: SampleOptions,
  form: TileForm<T>,
): Promise<Pixels<T>> {
  const { width, height } = options
  checkSize(width, height)
  const window = windowOfBbox(options.bbox)
  const canvas = form.canvas(width, height)
  const sampler = await Sampler.open(tiles, form, window, options)
  if (sampler === undefined) return canvas
  for (const piece of sampler.pieces()) await sampler.paint(piece, canvas, piece.minX, piece.minY)
  return finishCanvas(canvas) ?? canvas
}

function greyOf(pixels: Pixels): Pixels {
  const data = new Uint8Array(pixels.width * pixels.height)
  for (let p = 0; p < data.length; p++) data[p] = pixels.data[3 * p]!
  return { ...pixels, bands: 1, data }
}
