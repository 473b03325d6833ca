// A build from tile archives alone takes over their tile size, zooms, format and metadata, unless options say
// otherwise. Notes say in advance what is lost.
import { TileType } from '../../format/tile-type.js'
import type { SourceInfo, StoredTiles } from '../../raster/source.js'
import { defaultQuality } from '../../raster/tiles/codec.js'
import { imageFormatOf } from '../../raster/tiles/image-format.js'
import type { ResolvedBuildOptions } from '../options.js'

/** Metadata that a build determines itself, or that describe the tiles as they were stored. */
const NOT_KEPT = new Set(
  (
    'bounds center minzoom maxzoom format scheme tilesize tile_size tileformat generator generator_options flagstone json ' +
    'vector_layers tilestats emptyresponse sparse encoding compression planetiler:version crs srs profile pixel_scale size mtime md5 tilejson tiles'
  ).split(' '),
)

/** The options with values of the archives in place of defaults, and sentences about it. */
export function likeArchives(
  infos: readonly SourceInfo[],
  options: ResolvedBuildOptions,
): { readonly options: ResolvedBuildOptions; readonly notes: readonly string[] } {
  const archives = infos.flatMap(({ path, tiles }) => (tiles === undefined ? [] : [{ path, ...tiles }]))
  if (archives.length === 0) return { options, notes: [] }
  const like = archives.length === infos.length ? asThey(archives, options) : {}
  const settled = { ...options, ...like }
  return { options: settled, notes: notesOf(archives, settled) }
}

type Archive = StoredTiles & { readonly path: string }

function asThey(archives: readonly Archive[], options: ResolvedBuildOptions): Partial<ResolvedBuildOptions> {
  const isAsked = (key: string): boolean => options.asked?.has(key) === true
  const like: Partial<ResolvedBuildOptions> = { metadata: { ...keptMetadata(archives), ...options.metadata } }
  const size = onlyOne(archives.map(({ tileSize }) => tileSize))
  if (!isAsked('tileSize') && (size === 256 || size === 512)) like.tileSize = size
  const isSameSize = size === (like.tileSize ?? options.tileSize)
  if (isSameSize && !isAsked('zoom') && !isAsked('minZoom')) {
    const lowest = Math.min(...archives.flatMap(({ zooms }) => zooms))
    like.minZoom = Math.min(lowest, options.maxZoom ?? lowest)
  }
  if (!['format', 'transparentFormat', 'lossless'].some(isAsked))
    Object.assign(like, formatOf(archives, options))
  return like
}

function formatOf(
  archives: readonly Archive[],
  options: ResolvedBuildOptions,
): Partial<ResolvedBuildOptions> {
  const types = [...new Set(archives.flatMap((archive) => archive.types))]
  const format = imageFormatOf(onlyOne(types) ?? TileType.unknown)
  if (options.terrain !== undefined) return format === 'png' ? { format } : {}
  if (format === undefined) return types.includes(TileType.png) ? { transparentFormat: 'png' } : {}
  // JPEG cannot keep the alpha that was requested
  if (format === 'jpeg' && options.alpha === true) return {}
  const lossless = format === 'webp' && archives.every(({ isLossless }) => isLossless)
  return lossless ? { format, lossless } : { format }
}

/** The metadata that all archives agree on, with the attributions of all. */
function keptMetadata(archives: readonly Archive[]): Record<string, unknown> {
  const [first, ...others] = archives.map(({ metadata }) => withoutOwnName(metadata))
  const kept = Object.entries(first!).filter(
    ([key, value]) =>
      !NOT_KEPT.has(key.toLowerCase()) &&
      value !== '' &&
      (key !== 'type' || value === 'overlay' || value === 'baselayer') &&
      others.every((other) => JSON.stringify(other[key]) === JSON.stringify(value)),
  )
  const named = archives
    .map(({ metadata }) => metadata['attribution'])
    .filter((one) => typeof one === 'string' && one !== '')
  const attribution = named.length === 0 ? {} : { attribution: [...new Set(named)].join(' | ') }
  return { ...Object.fromEntries(kept), ...attribution }
}

/** Drops a name that is only that of the archive's file. */
function withoutOwnName(metadata: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { fileName } = (metadata['flagstone'] ?? {}) as { fileName?: unknown }
  if (fileName === undefined || fileName !== metadata['name']) return metadata
  const { name: _, ...others } = metadata
  return others
}

function notesOf(archives: readonly Archive[], options: ResolvedBuildOptions): string[] {
  if (options.terrain !== undefined) return []
  const { lossless, quality, alpha } = options
  const format = options.format
  const types = [...new Set(archives.flatMap((archive) => archive.types))].map(
    (type) => imageFormatOf(type) ?? 'other',
  )
  const stored = types.map((type) => type.toUpperCase()).join(' and ')
  const whose = archives.length === 1 ? archives[0]!.path : `the ${archives.length} archives`
  const isLossy = !(format === 'png' || lossless)
  const made =
    format === 'auto'
      ? `JPEG and ${options.transparentFormat === 'png' ? 'PNG' : 'WebP'}`
      : format.toUpperCase()
  const notes: string[] = []
  if (isLossy) {
    const shown = typeof quality === 'number' ? quality : (quality?.default ?? defaultQuality(format))
    const advice = types.every((type) => type === 'png')
      ? '--format png or --lossless keeps all of it'
      : 'a higher --quality loses less and needs more bytes'
    notes.push(
      `The ${stored} tiles of ${whose} are decoded and encoded again as ${made} with quality ${shown}, which loses some of their quality; ${advice}.`,
    )
  }
  if ((alpha === false || format === 'jpeg') && types.some((type) => type === 'png' || type === 'webp')) {
    notes.push(`Transparent pixels of ${whose} show the background.`)
  }
  const sizes = archives.filter(({ tileSize }) => tileSize !== options.tileSize)
  if (sizes.length > 0) {
    notes.push(
      `The tiles of ${sizes[0]!.path} are ${sizes[0]!.tileSize} pixels wide and are cut into tiles of ${options.tileSize}, so zoom levels differ.`,
    )
  }
  return notes
}

const onlyOne = <T>(values: readonly T[]): T | undefined =>
  values.every((value) => value === values[0]) ? values[0] : undefined
