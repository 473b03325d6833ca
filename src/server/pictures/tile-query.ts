// The query of a tile's URL: ?v= ?missing= ?scheme= ?format= ?quality= ?tileSize=. What it does not know
// is left alone: keys of proxies, cache busters.
import { typeFromExtension } from '../../format/tile-type.js'
import { type ImageFormat, imageFormatOf } from '../../raster/tiles/image-format.js'
import { HttpError } from '../http/message.js'
import { type AskedPolicy, askedPolicy, MISSING } from '../options.js'

export interface TileQuery {
  readonly version: string | undefined
  readonly missing: AskedPolicy | undefined
  /** Rows are counted from the south. */
  readonly isTms: boolean
  readonly format: ImageFormat | undefined
  readonly quality: number | undefined
  readonly size: number | undefined
}

export const NO_QUERY: TileQuery = {
  version: undefined,
  missing: undefined,
  isTms: false,
  format: undefined,
  quality: undefined,
  size: undefined,
}

/** @throws HttpError 400 */
export function parseTileQuery(text: string): TileQuery {
  if (text === '') return NO_QUERY
  // the URLs that TileJSON hands out have just this
  if (text.startsWith('v=') && !/[&%+]/.test(text)) return { ...NO_QUERY, version: text.slice(2) }
  const search = new URLSearchParams(text)
  const scheme = search.get('scheme')?.toLowerCase() ?? 'xyz'
  if (scheme !== 'xyz' && scheme !== 'tms') throw new HttpError(400, 'scheme must be xyz or tms.')
  return {
    version: search.get('v') ?? undefined,
    missing: missingOf(search.get('missing')),
    isTms: scheme === 'tms',
    format: formatOf(search.get('format')),
    quality: wholeOf(search.get('quality'), 'quality'),
    size: wholeOf(search.get('tileSize') ?? search.get('tilesize'), 'tileSize'),
  }
}

function missingOf(text: string | null): AskedPolicy | undefined {
  if (text === null) return undefined
  const { success, data } = askedPolicy.safeParse(text)
  if (!success) throw new HttpError(400, `missing must be one of ${MISSING.join(', ')}.`)
  return data
}

function formatOf(text: string | null): ImageFormat | undefined {
  if (text === null) return undefined
  const type = typeFromExtension(text)
  const format = type === undefined ? undefined : imageFormatOf(type)
  if (format === undefined) throw new HttpError(400, 'format must be one of png, jpeg, webp, avif.')
  return format
}

/** Whether it is available is checked in tile-want.ts. */
function wholeOf(text: string | null, name: string): number | undefined {
  if (text === null) return undefined
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new HttpError(400, `${name} must be a whole number.`)
  return Number(text)
}
