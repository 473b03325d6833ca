// The form of a requested image: size, format, kernel, colours. It is checked here, before anything is computed.
import { RESAMPLINGS, type Resampling } from '../../raster/pixels.js'
import type { ImageFormat } from '../../raster/tiles/image-format.js'
import { isTerrainRgb } from '../../raster/tiles/terrain.js'
import { ELEVATION_LOOKS, type ElevationLook } from '../../sampling/options.js'
import type { ElevationKind } from '../../sampling/tile-form.js'
import { HttpError } from '../http/message.js'
import type { ServerLimits } from '../options.js'
import type { Look } from './draw-picture.js'
import { sunOf } from './hillshade.js'
import { type Colour, WHITE } from './raw-canvas.js'
import { formatOfExtension } from './tile-want.js'

export interface PictureSize {
  /** Of the file, that is times scale. */
  readonly width: number
  readonly height: number
  readonly scale: number
  /** '' when there is none. */
  readonly extension: string
}

/** All that a picture depends on besides its place. */
export interface PictureForm {
  readonly format: ImageFormat
  readonly quality: number
  readonly resampling: Resampling
  readonly enlarging: Resampling
  readonly background: Colour | undefined
  readonly look: Look
}

/** WebP has 14 bits for them. */
const MAX_SIDE = 16383
/** AVIF takes ten times as long as the others. */
const MAX_AVIF_PIXELS = 2 ** 21
/** As of the command `sample`; AVIF's 60 looks like it. */
const QUALITY = 85
const AVIF_QUALITY = 65

/** '{w}x{h}[@2x][.ext]'. @throws HttpError 400 */
export function parseSize(text: string, { pixels }: Pick<ServerLimits, 'pixels'>): PictureSize {
  const found = /^(\d{1,5})x(\d{1,5})(?:@([1-4])x)?(?:\.(\w{1,5}))?$/.exec(text)
  if (found === null) {
    throw new HttpError(
      400,
      'The size must be {width}x{height} in pixels, optionally followed by @2x to @4x and an extension.',
    )
  }
  const scale = Number(found[3] ?? 1)
  const width = Number(found[1]) * scale
  const height = Number(found[2]) * scale
  if (width === 0 || height === 0) throw new HttpError(400, 'The width and height must be at least 1 pixel.')
  if (width > MAX_SIDE || height > MAX_SIDE || width * height > pixels) {
    throw new HttpError(
      400,
      `An image of ${width}×${height} pixels is over the limit of ${MAX_SIDE} per side and ${pixels} in all; request it in parts.`,
    )
  }
  return { width, height, scale, extension: found[4] ?? '' }
}

/** @throws HttpError 400 when a parameter is invalid, or does not fit the others */
export function formOfPicture(
  search: URLSearchParams,
  { extension, width, height }: PictureSize,
  heights: ElevationKind | undefined,
): PictureForm {
  const format = formatFor(search.get('format') ?? (extension === '' ? 'png' : extension))
  if (format === 'avif' && width * height > MAX_AVIF_PIXELS) {
    throw new HttpError(400, `AVIF images may have at most ${MAX_AVIF_PIXELS} pixels: use another format.`)
  }
  const look = lookFor(search, heights)
  const background = backgroundFor(search) ?? (format === 'jpeg' ? WHITE : undefined)
  if (look.kind === 'encoded' && (format === 'jpeg' || format === 'avif' || background !== undefined)) {
    throw new HttpError(
      400,
      'Heights stored as colours need png or webp and no background, or they would change: use those, or elevation=shade.',
    )
  }
  const asked = resamplingFor(search)
  return {
    format,
    quality: qualityFor(search, format),
    resampling: asked ?? 'bilinear',
    // slopes of a bilinear surface jump at every pixel
    enlarging: asked ?? (look.kind === 'shade' ? 'cubic' : 'bilinear'),
    background,
    look,
  }
}

function formatFor(name: string): ImageFormat {
  const format = formatOfExtension(name)
  if (format === undefined) throw new HttpError(400, 'Images can be png, jpg, webp or avif.')
  return format
}

function qualityFor(search: URLSearchParams, format: ImageFormat): number {
  const text = search.get('quality')
  if (text === null) return format === 'avif' ? AVIF_QUALITY : QUALITY
  if (!/^([1-9]\d?|100)$/.test(text))
    throw new HttpError(400, 'quality must be a whole number from 1 to 100.')
  return Number(text)
}

function resamplingFor(search: URLSearchParams): Resampling | undefined {
  const text = search.get('resampling')
  if (text === null) return undefined
  const known = RESAMPLINGS.find((name) => name === text)
  if (known === undefined) throw new HttpError(400, `resampling must be one of ${RESAMPLINGS.join(', ')}.`)
  return known
}

function backgroundFor(search: URLSearchParams): Colour | undefined {
  const text = search.get('background')
  if (text === null) return undefined
  if (!/^#?[0-9a-f]{6}$/i.test(text)) throw new HttpError(400, 'background must be a colour as rrggbb.')
  const code = Number.parseInt(text.replace('#', ''), 16)
  return [code >> 16, (code >> 8) & 255, code & 255]
}

function lookFor(search: URLSearchParams, heights: ElevationKind | undefined): Look {
  const text = search.get('elevation')
  if (text !== null && !(ELEVATION_LOOKS as readonly string[]).includes(text)) {
    throw new HttpError(400, `elevation must be one of ${ELEVATION_LOOKS.join(', ')}.`)
  }
  if (heights === undefined) {
    if (text !== null)
      throw new HttpError(400, 'elevation works only with sources of heights; this one has images.')
    return { kind: 'colours' }
  }
  const look = (text as ElevationLook | null) ?? (heights === 'numbers' ? 'shade' : 'encoded')
  if (look === 'shade') return { kind: 'shade', sun: sunOf(search) }
  if (look === 'grey') return { kind: 'grey' }
  // numbers have no colours of their own
  return { kind: 'encoded', encoding: isTerrainRgb(heights) ? heights : encodingFor(search) }
}

function encodingFor(search: URLSearchParams): 'mapbox' | 'terrarium' {
  const text = search.get('encoding') ?? 'mapbox'
  if (!isTerrainRgb(text)) throw new HttpError(400, 'encoding must be mapbox or terrarium.')
  return text
}
