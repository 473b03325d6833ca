// Templates of the tile URLs in descriptions, with the parameters of the request for the description:
// ?missing=, ?format=, ?quality=, ?tileSize=512, ?tileSize=@2x, ?scheme=tms, ?encoding=mapbox.
//
// They contain the source's version, so that the content of a URL never changes and may be cached for ever.
import { typeFromExtension } from '../../format/tile-type.js'
import { imageFormatOf } from '../../raster/tiles/image-format.js'
import { isTerrainRgb, type TerrainRgb } from '../../raster/tiles/terrain.js'
import { HttpError } from '../http/message.js'
import type { ResolvedServerOptions } from '../options.js'
import { NO_QUERY, parseTileQuery, type TileQuery } from '../pictures/tile-query.js'
import { checkWant } from '../pictures/tile-want.js'
import type { Source } from '../sources/source.js'
import type { TileLook } from './tile-look.js'

export interface TileWishes extends Omit<TileQuery, 'version' | 'format'> {
  /** An extension; undefined: as they are stored. */
  readonly extension: string | undefined
  /** Of terrain; undefined: as it is stored. */
  readonly encoding: TerrainRgb | undefined
  /** Pixels of a tile for one on the screen. */
  readonly scale: number
}

export const NO_WISHES: TileWishes = {
  ...NO_QUERY,
  extension: undefined,
  encoding: undefined,
  scale: 1,
}

/** @throws HttpError 400 when a parameter is invalid, or these tiles cannot fulfil it */
export function wishesOf(search: URLSearchParams, look: TileLook): TileWishes {
  const wished = new URLSearchParams(search)
  const scale = /^@([1-9])x$/.exec(wished.get('tileSize') ?? wished.get('tilesize') ?? '')?.[1]
  if (scale !== undefined) for (const name of ['tileSize', 'tilesize']) wished.delete(name)
  const extension = wished.get('format')?.toLowerCase()
  wished.delete('format')
  const encoding = wished.get('encoding') ?? undefined
  if (encoding !== undefined && !(isTerrainRgb(encoding) && isElevation(look))) {
    throw new HttpError(400, 'encoding must be mapbox or terrarium, and works only with tiles of heights.')
  }
  const { version: _, format: __, ...query } = parseTileQuery(wished.toString())
  const wishes = { ...query, extension, encoding, scale: Number(scale ?? 1) }
  checkWant(wishes)
  if (extension !== undefined) checkExtension(extension, look)
  const isOfPixels = wishes.size !== undefined || wishes.quality !== undefined || scale !== undefined
  if (look.kind === 'vector' && isOfPixels) {
    throw new HttpError(400, 'Vector tiles have no size or quality.')
  }
  return wishes
}

/** Of who will draw the tiles. @throws HttpError 400 when heights are wanted as numbers too */
export function drawableWishes(search: URLSearchParams, look: TileLook): TileWishes {
  const wishes = wishesOf(search, look)
  if (look.kind === 'heights' && !isDrawn(look, wishes)) {
    throw new HttpError(400, `${look.extension} tiles store numbers, not images: use png or webp.`)
  }
  return wishes
}

function checkExtension(extension: string, { kind, extension: stored }: TileLook): void {
  const type = typeFromExtension(extension)
  if (type !== undefined && stored !== undefined && type === typeFromExtension(stored)) return
  const format = type === undefined ? undefined : imageFormatOf(type)
  const isExact = format === 'png' || format === 'webp'
  const can = kind === 'picture' ? format !== undefined : kind !== 'vector' && isExact
  if (can) return
  const made =
    kind === 'picture'
      ? ', and can be converted to png, jpg, webp and avif'
      : ', and can be converted to png and webp'
  throw new HttpError(
    400,
    `This format is not available: these tiles are stored as ${stored ?? 'nothing'}${kind === 'vector' ? '' : made}.`,
  )
}

/** Pixels a side that a client should draw a tile at. */
export const shownSize = ({ tileSize }: TileLook, { size }: TileWishes): number | undefined =>
  size ?? tileSize

const isElevation = ({ kind }: TileLook): boolean => kind === 'heights' || kind === 'terrain'

/**
 * Heights come as colours in another encoding than they are stored in. Those that are stored as numbers always do,
 * unless they are asked for as they are: no map draws them.
 */
const isDrawn = (look: TileLook, { extension, encoding }: TileWishes): boolean =>
  look.kind === 'heights'
    ? extension !== look.extension
    : encoding !== undefined && encoding !== look.encoding

/** Of tiles that hold heights as colours. Terrarium is the finer one: 1/256 m. */
export const shownEncoding = (look: TileLook, wishes: TileWishes): TerrainRgb | undefined =>
  isDrawn(look, wishes) ? (wishes.encoding ?? 'terrarium') : look.encoding

/** The extension of what comes. */
export function shownFormat(look: TileLook, wishes: TileWishes): string {
  return wishes.extension ?? (isDrawn(look, wishes) ? 'png' : (look.extension ?? 'png'))
}

/** How the variables are named, and in which form heights that are numbers are drawn. */
export interface TemplateForm {
  readonly place: string
  readonly heights: 'terrain' | 'hillshade'
}

const FOR_MAPS: TemplateForm = { place: '{z}/{x}/{y}', heights: 'terrain' }

/** 'https://host/base/id/{z}/{x}/{y}.jpg?v=…' */
export function tileTemplate(
  base: string,
  source: Source,
  look: TileLook,
  options: ResolvedServerOptions,
  wishes: TileWishes,
  form: TemplateForm = FOR_MAPS,
): string {
  const drawn = isDrawn(look, wishes)
  const path = `${base}/${encodeURIComponent(source.id)}/${drawn ? `${form.heights}/` : ''}${form.place}`
  const scale = wishes.scale === 1 ? '' : `@${wishes.scale}x`
  // where tiles are transcoded, one extension for several formats would cost the edges their transparency
  const hasExtension = wishes.extension !== undefined || !(look.isMixed && options.transcode)
  const extension = hasExtension ? `.${shownFormat(look, wishes)}` : ''
  const query = queryOf(source, look, wishes, drawn)
  if (drawn && form.heights === 'terrain') query.set('encoding', shownEncoding(look, wishes)!)
  return `${path}${scale}${extension}?${query}`
}

function queryOf(source: Source, look: TileLook, wishes: TileWishes, drawn: boolean): URLSearchParams {
  const query = new URLSearchParams({ v: source.version })
  const { extension, missing, quality, size, isTms } = wishes
  // an extension alone is answered by what is stored
  const isConverted = extension !== undefined && (look.isMixed || extension !== look.extension)
  if (isConverted && !drawn) query.set('format', extension)
  if (missing !== undefined) query.set('missing', missing)
  if (quality !== undefined) query.set('quality', String(quality))
  if (size !== undefined) query.set('tileSize', String(size))
  if (isTms) query.set('scheme', 'tms')
  return query
}
