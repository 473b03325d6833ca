// Zooms beyond the resolution of the image: each has four times as many tiles as the one above it, and shows no more. A
// note mentions them. More than a million such tiles are built only if the user asks for it (--oversample).
import { FlagstoneError } from '../../errors.js'
import type { ResolvedBuildOptions } from '../options.js'
import type { BuildPlan } from './plan.js'
import { ownZoomOf } from './plan-build.js'

const MANY_TILES = 1e6
/** Limit on tile pixels per image pixel, at the image's own zoom. Usually there are a few; rotated images have more. */
const MANY_PIXELS = 1000

interface Oversampling {
  /** The first zoom that shows the full resolution. */
  readonly ownZoom: number
  /** Number of tiles of the zooms beyond it. */
  readonly tiles: number
}

function oversamplingOf(plan: BuildPlan, options: ResolvedBuildOptions): Oversampling | undefined {
  const ownZoom = ownZoomOf(plan.sources, { ...options, zoomLevelStrategy: 'upper' })
  if (plan.maxZoom <= ownZoom) return undefined
  const beyond = plan.levels.filter(({ zoom }) => zoom > ownZoom)
  return { ownZoom, tiles: beyond.reduce((sum, level) => sum + level.tiles, 0) }
}

const counted = (count: number): string => String(count).replace(/\B(?=(?:\d{3})+$)/g, ',')

/** A sentence for the user when there are such zooms. */
export function oversamplingNote(plan: BuildPlan, options: ResolvedBuildOptions): string | undefined {
  const found = oversamplingOf(plan, options)
  if (found === undefined) return undefined
  const { ownZoom, tiles } = found
  const needs = tiles > MANY_TILES && !options.oversample ? ' To build them, pass --oversample.' : ''
  return `Zoom ${plan.maxZoom} is beyond the resolution of the image (zoom ${ownZoom}): ${counted(tiles)} tiles would show no more detail.${needs}`
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
  throw new FlagstoneError(
    'BAD_OPTION',
    `Zoom ${plan.maxZoom} is far beyond the resolution of the image (zoom ${found.ownZoom}): ${counted(found.tiles)} tiles would show no more detail. Lower --max-zoom to ${found.ownZoom}, or pass --oversample to build them.`,
  )
}
