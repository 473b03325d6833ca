// Encodes pixels in the requested form, or like the tiles they come from.
import { FlagstoneError } from '../../errors.js'
import { decodeElevation } from '../../format/elevation.js'
import { TileType } from '../../format/tile-type.js'
import { coverageOf } from '../../raster/canvas.js'
import type { Pixels } from '../../raster/pixels.js'
import { type EncodedTile, encodeImage, isLosslessWebp, recodeExactly } from '../../raster/tiles/codec.js'
import { type ImageFormat, imageFormatOf } from '../../raster/tiles/image-format.js'
import { encodeHeights, type TerrainOptions } from '../../raster/tiles/terrain.js'
import type { StoredTile, TilePlace } from '../../store/read/tile-set.js'
import type { RecodePlan, RecodeRequest } from './request.js'

const nameOf = ({ z, x, y }: TilePlace): string => `${z}/${x}/${y}`

/** Whether a tile has the requested form already, so that it is copied. */
export function isAsAsked(
  { bytes, type }: StoredTile,
  { request, encoding, isHeights }: RecodePlan,
): boolean {
  const { format, quality, lossless, terrain } = request
  if (terrain !== undefined && (terrain !== encoding || type === TileType.elevation)) return false
  const own = imageFormatOf(type)
  // numbers are numbers, in whatever form pictures shall be
  if (isHeights && own === undefined && terrain === undefined) return true
  if (format !== undefined && format !== own) return false
  if (lossless === true && own === 'webp') return isLosslessWebp(bytes)
  if (lossless === true) return own === 'png'
  // what is not lossy cannot be of a lower quality
  const isExact = own === 'png' || (own === 'webp' && isLosslessWebp(bytes))
  return quality === undefined || format !== undefined || isExact
}

/**
 * Encodes colours. `like`: the tiles that they come from.
 * @throws BAD_OPTION when JPEG cannot show what is transparent
 */
export async function encodeColours(
  place: TilePlace,
  pixels: Pixels,
  like: readonly StoredTile[],
  request: RecodeRequest,
): Promise<EncodedTile> {
  const { quality, background } = request
  const isTransparent = coverageOf(pixels.mask) !== 'full'
  const format = request.format ?? formatLike(like, isTransparent)
  if (format === 'jpeg' && isTransparent && background === undefined)
    throw new FlagstoneError(
      'BAD_OPTION',
      `Tile ${nameOf(place)} has transparent pixels, which JPEG cannot have; add --background 255,255,255 (background) for the colour behind them, or choose another format.`,
    )
  const isLossless = request.lossless ?? (request.format === undefined && like.every(isExact))
  return encodeImage(pixels, {
    format,
    lossless: isLossless && format !== 'jpeg',
    ...(quality === undefined ? {} : { quality }),
    ...(background === undefined ? {} : { background }),
  })
}

const isExact = ({ type, bytes }: StoredTile): boolean =>
  type === TileType.png || (type === TileType.webp && isLosslessWebp(bytes))

/** The format of the tiles; of JPEG and another the other, where something is transparent. */
function formatLike(like: readonly StoredTile[], isTransparent: boolean): ImageFormat {
  const formats = new Set(like.map(({ type }) => imageFormatOf(type)!))
  if (!isTransparent && formats.has('jpeg')) return 'jpeg'
  return [...formats].find((format) => format !== 'jpeg') ?? 'webp'
}

/** Encodes heights. Undefined when there are none. `clamped` is called with a number of heights out of range. */
export async function encodeLike(
  pixels: Pixels<Float32Array>,
  like: readonly StoredTile[],
  { request, encoding }: RecodePlan,
  clamped: (count: number) => void,
): Promise<EncodedTile | undefined> {
  const [first] = like
  const isNumbers = first!.type === TileType.elevation
  const format = request.format ?? (first!.type === TileType.png ? 'png' : 'webp')
  const base = { format: format as 'png' | 'webp', step: 1, offset: 0, nodata: 'transparent' } as const
  const wanted = request.terrain ?? (isNumbers ? undefined : encoding)
  const options: TerrainOptions =
    wanted === undefined ? { ...base, ...numbersLike(like) } : { ...base, encoding: wanted }
  const tile = await encodeHeights(pixels, options)
  if (tile !== undefined && tile.clamped > 0) clamped(tile.clamped)
  return tile
}

/** Numbers as all of these tiles store them, or as floats, which hold all. */
function numbersLike(like: readonly StoredTile[]): Pick<TerrainOptions, 'encoding' | 'step' | 'offset'> {
  const [first, ...others] = like.map(({ bytes }) => decodeElevation(bytes))
  const { samples, step, offset } = first!
  const isSame = others.every(
    (o) => o.step === step && o.offset === offset && o.samples instanceof Int16Array,
  )
  return samples instanceof Int16Array && isSame
    ? { encoding: 'int16', step, offset }
    : { encoding: 'float32', step: 1, offset: 0 }
}

/** Heights in another picture format, every bit of them. */
export async function recodeHeights(tile: StoredTile, format: 'png' | 'webp'): Promise<EncodedTile> {
  return { type: TileType[format], bytes: await recodeExactly(tile.bytes, format) }
}
