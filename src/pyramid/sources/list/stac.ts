// Which file a STAC item names. An item may have many assets: bands, masks, previews, metadata.
import { isObject, type Json, type Prefers } from './entry.js'

interface Asset {
  readonly key: string
  readonly href: string
  readonly type: string
  readonly roles: readonly string[]
}

const NOT_SHOWN = new Set(['thumbnail', 'overview', 'metadata'])
const MAX_NAMED = 12

/**
 * The href of the item's image: of the asset that `key` names; else of the only raster (a GeoTIFF, if there is one);
 * else of the only one for the role that is preferred, or for the other. Otherwise what is wrong, as a clause.
 */
export function hrefOf(
  assets: Json,
  key: unknown,
  prefers: Prefers,
): { readonly href: string } | { readonly problem: string } {
  const all = Object.entries(assets).flatMap(([name, asset]) => assetOf(name, asset))
  if (key !== undefined) {
    const found = all.find((asset) => asset.key === key)
    return found ?? { problem: `it has no asset ${JSON.stringify(key)?.slice(0, 60)}; it has ${keysOf(all)}` }
  }
  const shown = all.filter(({ roles }) => !roles.some((role) => NOT_SHOWN.has(role)))
  const tiffs = shown.filter(isTiff)
  const rasters = tiffs.length > 0 ? tiffs : shown.filter(isPicture)
  if (rasters.length === 0) return { problem: `none of its assets is an image; it has ${keysOf(all)}` }
  if (rasters.length === 1) return rasters[0]!
  for (const role of prefers === 'visual' ? ['visual', 'data'] : ['data', 'visual']) {
    const fit = rasters.filter((asset) => asset.key === role || asset.roles.includes(role))
    if (fit.length === 1) return fit[0]!
  }
  return {
    problem: `it has ${rasters.length} images, ${keysOf(rasters)}; choose one with a property, "asset": ${JSON.stringify(rasters[0]!.key)}`,
  }
}

function assetOf(key: string, asset: unknown): Asset[] {
  if (!isObject(asset) || typeof asset.href !== 'string') return []
  const roles = Array.isArray(asset.roles) ? asset.roles.filter((role) => typeof role === 'string') : []
  return [{ key, href: asset.href, type: typeof asset.type === 'string' ? asset.type : '', roles }]
}

/** The end of a path or URL, without its query. */
const hasExtension = (href: string, pattern: RegExp): boolean => pattern.test(href.replace(/[?#].*$/, ''))

const isTiff = ({ type, href }: Asset): boolean =>
  /^image\/(tiff|vnd\.stac\.geotiff)/i.test(type) || (type === '' && hasExtension(href, /\.tiff?$/i))

const isPicture = ({ type, href }: Asset): boolean =>
  /^image\/(png|jpeg|webp|avif)/i.test(type) ||
  (type === '' && hasExtension(href, /\.(png|jpe?g|webp|avif|vrt|asc|hgt)$/i))

function keysOf(assets: readonly Asset[]): string {
  const keys = assets.map(({ key }) => key)
  if (keys.length === 0) return 'no assets'
  const more = keys.length - MAX_NAMED
  return keys.slice(0, MAX_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
