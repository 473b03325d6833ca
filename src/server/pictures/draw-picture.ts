// Any window of a source as a picture, drawn piece by piece so that tiles are answered in between.
//
// Heights are resampled as heights and made visible afterwards; for that a piece has the pixels around it, so that no
// seam is seen where pieces, or tiles of shade, meet.
import { FlagstoneError } from '../../errors.js'
import { LIMIT_METRES, WORLD_METRES } from '../../grid/tiles/mercator.js'
import type { PixelRect } from '../../grid/tiles/rect.js'
import { type Canvas, finishCanvas } from '../../raster/canvas.js'
import type { Pixels, Resampling, Samples } from '../../raster/pixels.js'
import { type Sun, shadeOfHeights } from '../../raster/tiles/hillshade.js'
import type { RawPicture } from '../../raster/tiles/picture-encode.js'
import { heightsToRgb, type TerrainRgb } from '../../raster/tiles/terrain.js'
import { Sampler } from '../../sampling/sampler.js'
import { colourForm, formOf, type TileForm } from '../../sampling/tile-form.js'
import type { Window } from '../../sampling/window.js'
import { HttpError } from '../http/message.js'
import type { Source } from '../sources/source.js'
import { factsOf } from './picture-facts.js'
import { breathe, gentle, piecePixels } from './pieces.js'
import { type Colour, RawCanvas } from './raw-canvas.js'

/** Colours as they are; heights as shade, from black to white, or as colours in an encoding. */
export type Look =
  | { readonly kind: 'colours' }
  | { readonly kind: 'grey' }
  | { readonly kind: 'shade'; readonly sun: Sun }
  | { readonly kind: 'encoded'; readonly encoding: TerrainRgb }

export interface Drawing {
  readonly window: Window
  /** Pixels. */
  readonly width: number
  readonly height: number
  readonly look: Look
  readonly resampling: Resampling
  /** Where the picture is finer than what is stored. */
  readonly enlarging: Resampling
  /** The zoom to read; undefined: by the size. */
  readonly zoom?: number | undefined
  readonly background?: Colour | undefined
}

/** Most tiles decoded for one image: about five seconds of work. */
const MAX_TILES = 4096

export interface Drawn {
  readonly picture: RawPicture
  /** Nothing is seen on it but the background. */
  readonly isEmpty: boolean
}

/**
 * Undefined for a source without tiles. Once the signal is aborted it rejects with its reason.
 * @throws HttpError 400 when too many tiles would have to be read
 * @throws DAMAGED
 */
export async function drawPicture(
  source: Source,
  drawing: Drawing,
  signal: AbortSignal,
): Promise<Drawn | undefined> {
  const { heights } = factsOf(source)
  const { look } = drawing
  if (heights === undefined || look.kind === 'colours') {
    const form = colourForm()
    const canvas = await paint(source, drawing, form, 0, 3, signal, (pixels) => pixels)
    return canvas && drawn(canvas, form.isGrey)
  }
  const form = gentle(formOf(heights), signal)
  if (look.kind === 'grey') return grey(source, drawing, form, signal)
  if (look.kind === 'encoded') {
    const { encoding } = look
    const canvas = await paint(source, drawing, form, 0, 3, signal, (pixels) => encoded(pixels, encoding))
    return canvas && drawn(canvas, false)
  }
  const { window, width, height } = drawing
  const metresX = ((window.right - window.left) * WORLD_METRES) / width
  const metresY = ((window.bottom - window.top) * WORLD_METRES) / height
  const top = LIMIT_METRES - window.top * WORLD_METRES
  const shaded = (pixels: Pixels<Float32Array>, rect: PixelRect): Pixels =>
    shadeOfHeights(pixels, { north: top - rect.minY * metresY, metresX, metresY }, look.sun)
  const canvas = await paint(source, drawing, form, 1, 1, signal, shaded)
  return canvas && drawn(canvas, true)
}

const drawn = (canvas: RawCanvas, isGrey: boolean): Drawn => ({
  picture: canvas.finish(isGrey),
  isEmpty: canvas.isEmpty,
})

/** `margin`: pixels around each piece that `show` needs. */
async function paint<T extends Samples>(
  source: Source,
  drawing: Drawing,
  form: TileForm<T>,
  margin: number,
  bands: 1 | 3,
  signal: AbortSignal,
  show: (pixels: Pixels<T>, rect: PixelRect) => Pixels,
): Promise<RawCanvas | undefined> {
  const sampler = await samplerOf(source, drawing, form, signal)
  if (sampler === undefined) return undefined
  // clients that overlook alpha read sea level there
  const keepsHidden = drawing.look.kind === 'encoded'
  const canvas = new RawCanvas(drawing.width, drawing.height, bands, drawing.background, keepsHidden)
  for (const piece of sampler.pieces()) {
    const rect = grown(piece, margin)
    const small = await paintedPiece(sampler, form, rect)
    canvas.put(show(finishCanvas(small) ?? small, rect), piece, margin, margin)
    await breathe(signal)
  }
  return canvas
}

/** The lowest height of the whole picture is black and the highest white, so all of it is needed first. */
async function grey(
  source: Source,
  drawing: Drawing,
  form: TileForm<Float32Array>,
  signal: AbortSignal,
): Promise<Drawn | undefined> {
  const sampler = await samplerOf(source, drawing, form, signal)
  if (sampler === undefined) return undefined
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  const painted: { piece: PixelRect; pixels: Canvas<Float32Array> }[] = []
  for (const piece of sampler.pieces()) {
    const pixels = await paintedPiece(sampler, form, piece)
    painted.push({ piece, pixels })
    for (let p = 0; p < pixels.data.length; p++) {
      if (pixels.mask[p] === 0) continue
      low = Math.min(low, pixels.data[p]!)
      high = Math.max(high, pixels.data[p]!)
    }
    await breathe(signal)
  }
  const scale = high > low ? 255 / (high - low) : 0
  const canvas = new RawCanvas(drawing.width, drawing.height, 1, drawing.background, false)
  for (const { piece, pixels } of painted) {
    const data = Uint8Array.from(pixels.data, (height) => Math.round((height - low) * scale))
    canvas.put({ ...pixels, data }, piece, 0, 0)
    await breathe(signal)
  }
  return drawn(canvas, true)
}

/** Tells the client why the image is too large. */
async function samplerOf<T extends Samples>(
  source: Source,
  { window, width, height, resampling, enlarging, zoom }: Drawing,
  form: TileForm<T>,
  signal: AbortSignal,
): Promise<Sampler<T> | undefined> {
  const { sizes, heights } = factsOf(source)
  const isHeights = heights !== undefined
  const most = Math.min(piecePixels(resampling, isHeights), piecePixels(enlarging, isHeights))
  const how = { width, height, resampling, enlarging, zoom, signal, sizes }
  try {
    const limits = { piecePixels: most, maxTiles: MAX_TILES }
    return await Sampler.open(source.tiles, form, window, { ...how, ...limits })
  } catch (error) {
    if (error instanceof FlagstoneError && error.code === 'TOO_LARGE') throw new HttpError(400, error.message)
    throw error
  }
}

async function paintedPiece<T extends Samples>(
  sampler: Sampler<T>,
  form: TileForm<T>,
  rect: PixelRect,
): Promise<Canvas<T>> {
  const canvas = form.canvas(rect.endX - rect.minX, rect.endY - rect.minY)
  await sampler.paint(rect, canvas, 0, 0)
  return canvas
}

function encoded(pixels: Pixels<Float32Array>, encoding: TerrainRgb): Pixels {
  const { width, height, mask } = pixels
  const data = new Uint8Array(width * height * 3)
  heightsToRgb(pixels, encoding, data, 3)
  return { width, height, bands: 3, data, mask }
}

const grown = ({ minX, minY, endX, endY }: PixelRect, by: number): PixelRect => ({
  minX: minX - by,
  minY: minY - by,
  endX: endX + by,
  endY: endY + by,
})
