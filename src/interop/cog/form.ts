// In which form the tiles of a TIFF are stored. All tiles of an image must have the same, so it is chosen from a sample
// before the first is written: the one that most tiles have already, which are then copied as they are.
import { FlagstoneError } from '../../errors.js'
import { nameOfTileType, TileType } from '../../format/tile-type.js'
import { type ImageFormat, imageFormatOf } from '../../raster/tiles/image-format.js'
import { isTerrainRgb, type TerrainRgb } from '../../raster/tiles/terrain.js'
import type { StoredTile } from '../../store/read/tile-set.js'
import type { TransferOutline } from '../transfer/outline.js'
import type { CogLevel } from './grid.js'
import { isSameLook, type JpegLook, jpegLook } from './jpeg-look.js'
import { webpHasAlpha } from './webp-alpha.js'

export type CogForm =
  /** `mask`: transparency is in masks beside the tiles. */
  | { readonly kind: 'jpeg'; readonly look: JpegLook; readonly mask: boolean }
  /** 4: with alpha. */
  | { readonly kind: 'webp'; readonly samples: 3 | 4 }
  /** What PNG tiles become, losslessly: grey or colours, with alpha. */
  | { readonly kind: 'deflate'; readonly samples: 2 | 4 }
  /** Heights in metres, 32-bit floats, NaN where there is none. */
  | { readonly kind: 'heights'; readonly encoding: TerrainRgb | undefined }

/** The form that was requested, and how tiles that are not in it are encoded. */
export interface CogEncoding {
  readonly format?: ImageFormat | undefined
  readonly quality?: number | undefined
  readonly lossless?: boolean | undefined
}

const COLOUR_LOOK: JpegLook = { colour: 'ycbcr', subsampling: [2, 2] }

/** @throws BAD_OPTION when a GeoTIFF cannot contain such tiles */
export function chooseForm(
  { sample, metadata }: TransferOutline,
  levels: readonly CogLevel[],
  { format }: CogEncoding,
): CogForm {
  const encoding = isTerrainRgb(metadata['encoding']) ? metadata['encoding'] : undefined
  if (encoding !== undefined || sample.some(({ type }) => type === TileType.elevation)) {
    if (format === undefined) return { kind: 'heights', encoding }
    throw bad('Heights are written to a GeoTIFF as numbers, without loss; leave out --format.')
  }
  const stranger = sample.find(({ type }) => imageFormatOf(type) === undefined)
  if (stranger !== undefined)
    throw bad(
      `A GeoTIFF holds pixels; tiles of the type ${nameOfTileType(stranger.type)} cannot be copied to it.`,
    )
  const kind = format ?? commonest(sample)
  const isSparse = levels.some(({ isFull }) => !isFull)
  const isOpaque = !isSparse && sample.every(({ type, bytes }) => isSurelyOpaque(type, bytes))
  switch (kind) {
    case 'avif':
      throw bad('A GeoTIFF cannot hold AVIF; add --format webp, jpeg or png, which encodes the tiles again.')
    case 'jpeg':
      return { kind, look: commonestLook(sample), mask: !isOpaque }
    case 'webp':
      return { kind, samples: isOpaque && format === undefined ? 3 : 4 }
    case 'png':
      return { kind: 'deflate', samples: sample.every(isGreyPng) ? 2 : 4 }
  }
}

const bad = (message: string): FlagstoneError => new FlagstoneError('BAD_OPTION', message)

const isSurelyOpaque = (type: TileType, bytes: Uint8Array): boolean =>
  type === TileType.jpeg || (type === TileType.webp && webpHasAlpha(bytes) === false)

/** Colour type 0 or 4 in IHDR: PNG specification, 11.2.1. */
const isGreyPng = ({ type, bytes }: StoredTile): boolean =>
  type === TileType.png && (bytes[25] === 0 || bytes[25] === 4)

function commonest(sample: readonly StoredTile[]): ImageFormat {
  const counts = new Map<ImageFormat, number>()
  for (const { type } of sample) {
    const format = imageFormatOf(type)!
    counts.set(format, (counts.get(format) ?? 0) + 1)
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 'webp'
}

/** Grey only if all JPEGs are. */
function commonestLook(sample: readonly StoredTile[]): JpegLook {
  const jpegs = sample.filter(({ type }) => type === TileType.jpeg)
  const looks = jpegs.map(({ bytes }) => jpegLook(bytes)).filter((look) => look !== undefined)
  const coloured = looks.filter(({ colour }) => colour !== 'grey')
  const among = coloured.length > 0 ? coloured : looks
  const countOf = (look: JpegLook): number => among.filter((other) => isSameLook(look, other)).length
  return among.toSorted((a, b) => countOf(b) - countOf(a))[0] ?? COLOUR_LOOK
}
