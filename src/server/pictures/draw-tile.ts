// The square of a tile in any size, drawn from the tiles of one zoom and encoded as the source's tiles are.
import { decodeElevation } from '../../format/elevation.js'
import { mimeOf, type TileType } from '../../format/tile-type.js'
import { finishCanvas } from '../../raster/canvas.js'
import type { Pixels, Samples } from '../../raster/pixels.js'
import { encodeTile } from '../../raster/tiles/codec.js'
import { imageFormatOf } from '../../raster/tiles/image-format.js'
import { encodePicture } from '../../raster/tiles/picture-encode.js'
import { encodeHeights, isTerrainRgb, type TerrainOptions } from '../../raster/tiles/terrain.js'
import { Sampler } from '../../sampling/sampler.js'
import { colourForm, formOf, type TileForm } from '../../sampling/tile-form.js'
import { windowOfTile } from '../../sampling/window.js'
import type { Made } from '../http/made.js'
import type { Source } from '../sources/source.js'
import { drawPicture } from './draw-picture.js'
import { factsOf } from './picture-facts.js'
import { breathe, piecePixels } from './pieces.js'
import { WHITE } from './raw-canvas.js'
import type { TileWant } from './tile-want.js'

/** A tile's square. */
export interface TileSquare {
  readonly z: number
  readonly x: number
  readonly y: number
  /** Pixels a side. */
  readonly side: number
  /** The zoom whose tiles are read. */
  readonly from: number
}

export type Encoded = Omit<Made, 'etag'>

/** Up to this side encoding on this thread takes a few milliseconds, and is faster than to hand it over. */
const QUICK_SIDE = 1024

/** Undefined when there is nothing. `like`: a stored tile, whose kind is kept where nothing else is wanted. */
export async function drawTile(
  source: Source,
  square: TileSquare,
  want: TileWant,
  like: { readonly bytes: Uint8Array; readonly type: TileType },
  signal: AbortSignal,
): Promise<Encoded | undefined> {
  const { heights } = factsOf(source)
  if (square.side > QUICK_SIDE) return drawLarge(source, square, want, like.type, signal)
  if (heights === undefined) {
    const form = colourForm()
    const pixels = await pixelsOf(source, square, form, signal)
    return pixels && encodeColours(form.isGrey ? greyOf(pixels) : pixels, want, like.type)
  }
  const pixels = await pixelsOf(source, square, formOf(heights), signal)
  if (pixels === undefined) return undefined
  const format = (want.format ?? imageFormatOf(like.type)) === 'webp' ? 'webp' : 'png'
  const options: TerrainOptions = isTerrainRgb(heights)
    ? { encoding: heights, format, step: 1, offset: 0, nodata: 'transparent' }
    : { ...numbersLike(like.bytes), format, nodata: 'transparent' }
  const encoded = await encodeHeights(pixels, options)
  return encoded && { bytes: encoded.bytes, contentType: mimeOf(encoded.type) }
}

async function drawLarge(
  source: Source,
  { z, x, y, side, from }: TileSquare,
  { format, quality }: TileWant,
  stored: TileType,
  signal: AbortSignal,
): Promise<Encoded | undefined> {
  const { heights } = factsOf(source)
  const drawn = await drawPicture(
    source,
    {
      window: windowOfTile(z, x, y),
      width: side,
      height: side,
      look: isTerrainRgb(heights) ? { kind: 'encoded', encoding: heights } : { kind: 'colours' },
      resampling: 'average',
      enlarging: 'bilinear',
      zoom: from,
      background: format === 'jpeg' ? WHITE : undefined,
    },
    signal,
  )
  if (drawn === undefined || drawn.isEmpty) return undefined
  const own = imageFormatOf(stored) ?? 'png'
  const chosen = format ?? (own === 'jpeg' && !drawn.picture.isOpaque ? 'png' : own)
  const lossless = heights !== undefined
  const { bytes, type } = await encodePicture(drawn.picture, { format: chosen, quality, lossless })
  return { bytes, contentType: mimeOf(type) }
}

/** Undefined when all is transparent. */
export async function pixelsOf<T extends Samples>(
  source: Source,
  { z, x, y, side, from }: TileSquare,
  form: TileForm<T>,
  signal: AbortSignal,
): Promise<Pixels<T> | undefined> {
  const canvas = form.canvas(side, side)
  const sampler = await Sampler.open(source.tiles, form, windowOfTile(z, x, y), {
    width: side,
    height: side,
    zoom: from,
    resampling: 'average',
    enlarging: 'bilinear',
    signal,
    sizes: factsOf(source).sizes,
    piecePixels: piecePixels('bilinear', factsOf(source).heights !== undefined),
  })
  if (sampler === undefined) return undefined
  for (const piece of sampler.pieces()) {
    await sampler.paint(piece, canvas, piece.minX, piece.minY)
    await breathe(signal)
  }
  return finishCanvas(canvas)
}

/** In the format that is wanted, else in that of the source; where that is JPEG and something shows through, in PNG. */
export async function encodeColours(
  pixels: Pixels,
  { format, quality }: TileWant,
  stored: TileType,
): Promise<Encoded | undefined> {
  const own = imageFormatOf(stored) ?? 'png'
  const chosen = format ?? (own === 'jpeg' ? 'auto' : own)
  const encoded = await encodeTile(pixels, {
    format: chosen,
    transparentFormat: 'png',
    ...(quality === undefined ? {} : { quality }),
  })
  return encoded && { bytes: encoded.bytes, contentType: mimeOf(encoded.type) }
}

/** How a tile of numbers writes them. */
function numbersLike(bytes: Uint8Array): Pick<TerrainOptions, 'encoding' | 'step' | 'offset'> {
  const { samples, step, offset } = decodeElevation(bytes)
  return { encoding: samples instanceof Int16Array ? 'int16' : 'float32', step, offset }
}

function greyOf(pixels: Pixels): Pixels {
  const data = new Uint8Array(pixels.width * pixels.height)
  for (let p = 0; p < data.length; p++) data[p] = pixels.data[3 * p]!
  return { ...pixels, bands: 1, data }
}
