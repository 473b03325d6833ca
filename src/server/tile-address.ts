// Templates of the tile URLs that descriptions hold, with what a client wished for when it asked for the description:
// ?missing=, ?format=, ?tileSize=512, ?tileSize=@2x.
//
// They hold the source's version, so that what is behind one never changes and may be kept for ever.
import { nameOfTileType, typeFromExtension } from '../format/tile-type.js'
import { HttpError } from './message.js'
import { type MissingPolicy, missingPolicy, type ResolvedServerOptions } from './options.js'
import type { Source } from './source.js'
import type { TileLook } from './tile-look.js'

export interface TileWishes {
  readonly missing: MissingPolicy | undefined
  /** An extension; undefined: as they are stored. */
  readonly format: string | undefined
  /** Pixels a side at which tiles are shown. */
  readonly tileSize: number | undefined
  /** Pixels of a tile for one on the screen. */
  readonly scale: number
}

export const NO_WISHES: TileWishes = { missing: undefined, format: undefined, tileSize: undefined, scale: 1 }

const PICTURE_EXTENSIONS: readonly string[] = ['png', 'jpg', 'webp', 'avif']
const SIZES: readonly string[] = ['256', '512', '1024']

/** Throws HttpError 400 for what is none, or what this server would not do. */
export function wishesOf(
  search: URLSearchParams,
  source: Source,
  look: TileLook,
  options: ResolvedServerOptions,
): TileWishes {
  const missing = search.get('missing')
  const format = search.get('format')
  const size = search.get('tileSize') ?? search.get('tilesize')
  const wished = missingPolicy.safeParse(missing ?? '204')
  if (!wished.success) {
    throw new HttpError(400, `missing= is one of ${missingPolicy.options.join(', ')}.`)
  }
  const scale = size === null ? undefined : /^@([2-4])x$/.exec(size)?.[1]
  const isVector = look.kind === 'vector'
  if (size !== null && (isVector || (scale === undefined && !SIZES.includes(size)))) {
    throw new HttpError(
      400,
      isVector
        ? 'Vector tiles have no size in pixels.'
        : `tileSize= is one of ${SIZES.join(', ')}, @2x, @3x, @4x.`,
    )
  }
  return {
    missing: missing === null ? undefined : wished.data,
    format: format === null ? undefined : formatOf(format, source, look, options),
    tileSize: size === null || scale !== undefined ? undefined : Number(size),
    scale: scale === undefined ? 1 : Number(scale),
  }
}

function formatOf(
  wished: string,
  source: Source,
  { kind, extension }: TileLook,
  { transcode }: ResolvedServerOptions,
): string {
  const type = typeFromExtension(wished)
  const isStored =
    type !== undefined && source.describe().types.some(({ name }) => name === nameOfTileType(type))
  if (isStored) return wished
  const canBeMade = kind === 'heights' || (transcode && kind !== 'vector')
  if (canBeMade && type !== undefined && PICTURE_EXTENSIONS.includes(wished.replace('jpeg', 'jpg')))
    return wished
  throw new HttpError(
    400,
    `format=${type === undefined ? '' : nameOfTileType(type)} cannot be had here: tiles are sent as they are stored (${extension ?? 'there are none'})${transcode ? '' : ' unless the server runs with transcode'}.`,
  )
}

/** Pixels a side that a client should draw a tile at. */
export function shownSize({ tileSize }: TileLook, wishes: TileWishes): number | undefined {
  return wishes.tileSize ?? tileSize
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
  const drawn = isDrawn(look, wishes) ? `${form.heights}/` : ''
  const path = `${base}/${encodeURIComponent(source.id)}/${drawn}${form.place}`
  const scale = wishes.scale === 1 ? '' : `@${wishes.scale}x`
  // where tiles are transcoded, one extension for several formats would cost the edges their transparency
  const hasExtension = wishes.format !== undefined || !(look.isMixed && options.transcode)
  const extension = hasExtension ? `.${shownFormat(look, wishes)}` : ''
  const query = new URLSearchParams({ v: source.version })
  if (wishes.missing !== undefined) query.set('missing', wishes.missing)
  if (wishes.tileSize !== undefined) query.set('tileSize', String(wishes.tileSize))
  return `${path}${scale}${extension}?${query}`
}

/** Heights as numbers are nothing a map draws: unless they are asked for as they are, they come as pictures. */
export const isDrawn = ({ kind, extension }: TileLook, { format }: TileWishes): boolean =>
  kind === 'heights' && format !== extension

/** The extension of what comes. */
export function shownFormat(look: TileLook, wishes: TileWishes): string {
  return wishes.format ?? (isDrawn(look, wishes) ? 'png' : (look.extension ?? 'png'))
}
