// The depth of each source: the zoom that matches its resolution, unless something else was asked for.
import { suggestedResolution, zoomForResolution } from '../../grid/place/bounds.js'
import { crsOfImage } from '../../grid/place/located.js'
import { placementOf } from '../../grid/place/placement.js'
import type { SourceInfo } from '../../raster/source.js'
import { MAX_ZOOM } from '../../zooms.js'
import type { ResolvedBuildOptions } from '../options.js'
import { footprintOfSource } from './cover.js'

/** Zooms that were given for one source. */
export interface ZoomLimits {
  /** Lowest zoom that shows it. */
  readonly minZoom?: number | undefined
  /** Highest zoom that is built for it. */
  readonly maxZoom?: number | undefined
}

/**
 * Sources whose resolutions differ by less than half a zoom have one depth, that of the finest. Otherwise the sheets of
 * one survey would alternate between two zooms where the scale of the map, or a rounding, passes the middle of the two.
 */
const SAME_DEPTH = Math.SQRT2

/** The zooms that the options set, in either way. */
export function askedZooms(options: ResolvedBuildOptions): ZoomLimits {
  const { zoom, minZoom, maxZoom } = options
  const [low, high] = zoom === undefined || typeof zoom === 'number' ? [zoom, zoom] : zoom
  return { minZoom: minZoom ?? low, maxZoom: maxZoom ?? high }
}

/** Whether all sources are built to the highest zoom. */
export function wantsUniform(options: ResolvedBuildOptions): boolean {
  if (options.depth !== undefined) return options.depth === 'uniform'
  return askedZooms(options).maxZoom !== undefined
}

// takes many transforms and is asked for several times
const resolutions = new WeakMap<SourceInfo, number>()

/** Mercator metres per pixel; undefined outside the mercator world. @throws CRS_UNSUPPORTED */
export function resolutionOf(info: SourceInfo): number | undefined {
  const box = footprintOfSource(info)
  if (box === undefined) return undefined
  let metres = resolutions.get(info)
  if (metres === undefined) {
    metres = suggestedResolution(crsOfImage(info), placementOf(info), info.width, info.height, box)
    resolutions.set(info, metres)
  }
  return metres > 0 ? metres : undefined
}

type Rule = Pick<ResolvedBuildOptions, 'tileSize' | 'zoomLevelStrategy'>

/** The zoom that matches the resolution of a source; undefined outside the mercator world. @throws CRS_UNSUPPORTED */
function ownZoomOf(info: SourceInfo, { tileSize, zoomLevelStrategy }: Rule): number | undefined {
  if (info.tiles?.tileSize === tileSize) return info.tiles.zooms.at(-1)
  const metres = resolutionOf(info)
  return metres && Math.min(MAX_ZOOM, zoomForResolution(metres, tileSize, zoomLevelStrategy))
}

/** The zooms of all sources, those that hardly differ taken together. @throws CRS_UNSUPPORTED */
export function naturalZooms(sources: readonly SourceInfo[], rule: Rule): (number | undefined)[] {
  const zooms = sources.map((info) => ownZoomOf(info, rule))
  const byResolution = sources
    .map((info, at) => ({ at, metres: resolutionOf(info) ?? Number.POSITIVE_INFINITY }))
    .filter(({ at }) => sources[at]!.tiles === undefined && zooms[at] !== undefined)
    .sort((a, b) => a.metres - b.metres)
  let finest = byResolution[0]
  for (const one of byResolution) {
    if (one.metres >= finest!.metres * SAME_DEPTH) finest = one
    zooms[one.at] = zooms[finest!.at]
  }
  return zooms
}

/** The zoom of the finest source; undefined when all are outside the mercator world. @throws CRS_UNSUPPORTED */
export function finestZoomOf(sources: readonly SourceInfo[], rule: Rule): number | undefined {
  const zooms = sources.map((info) => ownZoomOf(info, rule)).filter((zoom) => zoom !== undefined)
  return zooms.length === 0 ? undefined : Math.max(...zooms)
}
