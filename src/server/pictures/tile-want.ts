// The requested form of a tile, checked.
import { mimeOf, TileType, typeFromExtension } from '../../format/tile-type.js'
import { type ImageFormat, imageFormatOf } from '../../raster/tiles/image-format.js'
import type { ElevationKind } from '../../sampling/tile-form.js'
import { HttpError } from '../http/message.js'
import type { ResolvedServerOptions } from '../options.js'
import type { PictureFacts } from './picture-facts.js'

/** Undefined: as it is stored. */
export interface TileWant {
  readonly format?: ImageFormat | undefined
  /** 1…100, of formats that lose something. */
  readonly quality?: number | undefined
  /** Pixels a side at scale 1: 256, 512 or 1024. */
  readonly size?: number | undefined
  /** '@2x' … '@4x'. */
  readonly scale?: number | undefined
}

const SIZES = [256, 512, 1024]
const MAX_SCALE = 4
const MAX_SIDE = 4096

/** A text that names all of it, for cache keys. */
export const nameOfWant = ({ format, quality, size, scale = 1 }: TileWant): string =>
  `${format ?? ''} q${quality ?? ''} ${size ?? ''}@${scale}`

/** What `computed` is asked for: a stored tile in another form, or the enlarged part of one above. */
export const nameOfTile = (
  how: 'tile' | 'overzoom',
  z: number,
  x: number,
  y: number,
  want: TileWant,
): string => `${how} ${z}/${x}/${y} ${nameOfWant(want)}`

/** @throws HttpError 400 when a number is not allowed */
export function checkWant({ quality, size, scale }: TileWant): void {
  if (quality !== undefined && !(Number.isInteger(quality) && quality >= 1 && quality <= 100)) {
    throw new HttpError(400, 'quality must be a whole number from 1 to 100.')
  }
  if (size !== undefined && !SIZES.includes(size)) {
    throw new HttpError(400, `tileSize must be ${SIZES.join(', ')}, and can be multiplied with @2x to @4x.`)
  }
  if (scale !== undefined && !(Number.isInteger(scale) && scale >= 1 && scale <= MAX_SCALE)) {
    throw new HttpError(400, `The scale must be @2x, @3x or @4x.`)
  }
}

/** Of tiles of numbers, which are packed on this thread. */
const MAX_NUMBERS_SIDE = 512

/** Pixels a side of the tile that is made. @throws HttpError 400 when it is more than the limits */
export function sideOf(
  want: TileWant,
  storedSize: number,
  { limits }: ResolvedServerOptions,
  heights?: ElevationKind,
): number {
  const side = (want.size ?? storedSize) * (want.scale ?? 1)
  const isOver = heights === 'numbers' && side > Math.max(MAX_NUMBERS_SIDE, storedSize)
  if (side * side > limits.pixels || side > MAX_SIDE || isOver) {
    throw new HttpError(
      400,
      `A tile of ${side}×${side} pixels is over the limit of this server; use a smaller size.`,
    )
  }
  return side
}

/** @throws HttpError 400 when heights would be lost in the form */
export function checkHeights({ heights }: PictureFacts, { format }: TileWant): void {
  if (heights === undefined || format === undefined) return
  if (heights === 'numbers') {
    throw new HttpError(
      400,
      `These tiles store heights as numbers, not as ${format}: use .elev, or /terrain/ or /hillshade/ tiles.`,
    )
  }
  if (format === 'jpeg' || format === 'avif') {
    throw new HttpError(
      400,
      `These tiles store heights as colours, which ${format} would change: use png or webp.`,
    )
  }
}

/** Undefined when it is not the extension of an image. */
export function formatOfExtension(extension: string): ImageFormat | undefined {
  const type = typeFromExtension(extension)
  return type === undefined ? undefined : imageFormatOf(type)
}

export const mimeOfFormat = (format: ImageFormat): string => mimeOf(TileType[format])
