// Zooms beyond the resolution of the image: each has four times as many tiles as the one above it, and shows no more. A
// note mentions them. More than a million such tiles are built only if the user asks for it (--oversample).
import { FlagstoneError } from '../../errors.js'
import { parentRange } from '../../grid/tiles/cover.js'
import { countAll, unionRanges } from '../../grid/tiles/ranges.js'
import type { ResolvedBuildOptions } from '../options.js'
import { areaOf, rectsOf, tilesOf } from './cover.js'
import { askedZooms, finestZoomOf, naturalZooms } from './depth.js'
import type { BuildPlan } from './plan.js'

const MANY_TILES = 1e6
/** Limit on tile pixels per image pixel, at the image's own zoom. Usually there are a few; rotated images have more. */
const MANY_PIXELS = 1000

interface Oversampling {
  /** The deepest zoom that is built. */
  readonly zoom: number
  /** The first zoom that shows the full resolution. */
  readonly ownZoom: number
  /** Number of tiles of the zooms beyond it. */
  readonly tiles: number
  /** What has that resolution. */
  readonly whose: string
}

function oversamplingOf(plan: BuildPlan, options: ResolvedBuildOptions): Oversampling | undefined {
  const rule = { ...options, zoomLevelStrategy: 'upper' as const }
  if (!plan.isUniform) return ofSources(plan, naturalZooms(plan.sources, rule))
  const ownZoom = finestZoomOf(plan.sources, rule)
  if (ownZoom === undefined || plan.maxZoom <= ownZoom) return undefined
  const beyond = plan.levels.filter(({ zoom }) => zoom > ownZoom)
  const tiles = beyond.reduce((sum, level) => sum + level.tiles, 0)
  return { zoom: plan.maxZoom, ownZoom, tiles, whose: 'the image' }
}

/** Of the sources that go beyond their own resolution: that with the most tiles there. */
function ofSources(
  { sources, depths, tileSize }: BuildPlan,
  own: readonly (number | undefined)[],
): Oversampling | undefined {
  let most: Oversampling | undefined
  for (const [at, info] of sources.entries()) {
    const { zoom, minZoom, isOutside } = depths[at]!
    const ownZoom = own[at] ?? zoom
    const area = areaOf(info)
    if (isOutside === true || zoom <= ownZoom || area === undefined) continue
    let ranges = unionRanges(rectsOf(area, zoom, tileSize).map((rect) => tilesOf(rect, tileSize)))
    let tiles = 0
    for (let z = zoom; z > ownZoom && z >= minZoom; z--) {
      tiles += countAll(ranges)
      ranges = unionRanges(ranges.map((range) => parentRange(range)))
    }
    if (tiles > (most?.tiles ?? 0)) most = { zoom, ownZoom, tiles, whose: info.path }
  }
  return most
}

const counted = (count: number): string => String(count).replace(/\B(?=(?:\d{3})+$)/g, ',')

/** A sentence for the user when there are such zooms. */
export function oversamplingNote(plan: BuildPlan, options: ResolvedBuildOptions): string | undefined {
  const found = oversamplingOf(plan, options)
  if (found === undefined) return undefined
  const { zoom, ownZoom, tiles, whose } = found
  const needs = tiles > MANY_TILES && !options.oversample ? ' To build them, pass --oversample.' : ''
  return `Zoom ${zoom} is beyond the resolution of ${whose} (zoom ${ownZoom}): ${counted(tiles)} tiles would show no more detail.${needs}`
}

/**
 * A sentence when nearly all tiles would be empty: for images that are a thin line around the world, or claim to be.
 */
export function emptyTilesNote({ tiles, tileSize, sources }: BuildPlan): string | undefined {
  const pixels = sources.reduce((sum, { width, height }) => sum + width * height, 0)
  if (tiles <= MANY_TILES || tiles * tileSize ** 2 < MANY_PIXELS * pixels) return undefined
  return `The ${counted(pixels)} pixels of the image would be spread over ${counted(tiles)} tiles, nearly all of them empty: its size or its geotransform is probably wrong.`
}

/** @throws BAD_OPTION when there are very many such tiles, or very many almost empty ones, without --oversample */
export function refuseOversampling(plan: BuildPlan, options: ResolvedBuildOptions): void {
  if (options.oversample) return
  const found = oversamplingOf(plan, options)
  const empty = found === undefined ? emptyTilesNote(plan) : undefined
  if (empty !== undefined) {
    throw new FlagstoneError('BAD_OPTION', `${empty} Lower --max-zoom, or pass --oversample to build them.`)
  }
  if (found === undefined || found.tiles <= MANY_TILES) return
  const { zoom, ownZoom, tiles, whose } = found
  const isAsked = plan.isUniform && askedZooms(options).maxZoom !== undefined
  const advice = isAsked ? `Lower --max-zoom to ${ownZoom}` : `Lower its maxzoom to ${ownZoom}`
  throw new FlagstoneError(
    'BAD_OPTION',
    `Zoom ${zoom} is far beyond the resolution of ${whose} (zoom ${ownZoom}): ${counted(tiles)} tiles would show no more detail. ${advice}, or pass --oversample to build them.`,
  )
}
