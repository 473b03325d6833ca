// The error of a build that found nothing to paint: the reason, and what to do about it.

import { FlagstoneError } from '../../errors.js'
import { metresToLat, resolution } from '../../grid/tiles/mercator.js'
import type { SourceInfo } from '../../raster/source.js'
import type { ResolvedBuildOptions } from '../options.js'
import { footprintOfSource } from './cover.js'
import { finestZoomOf } from './depth.js'
import type { BuildPlan } from './plan.js'

/** The NOTHING_TO_BUILD error of a build without tiles. */
export function allEmpty(plan: BuildPlan, options: ResolvedBuildOptions): FlagstoneError {
  return new FlagstoneError('NOTHING_TO_BUILD', tooSmall(plan, options) ?? onlyNodata(options))
}

function onlyNodata(options: ResolvedBuildOptions): string {
  const limits = [
    ...(options.bbox === undefined ? [] : ['the bbox']),
    ...(options.cutline === undefined ? [] : ['the cutline']),
  ]
  const where = limits.length === 0 ? '' : ` inside ${limits.join(' and ')}`
  const { length } = options.sources
  const what = length === 1 ? `${options.sources[0]!.location} has` : `The ${length} sources have`
  return `${what} only nodata${where}; check --nodata.`
}

interface Size {
  /** Size on the ground, metres. */
  readonly width: number
  readonly height: number
  /** Highest zoom that is built for it. */
  readonly zoom: number
  /** Size of a pixel of that zoom at the same place, metres. */
  readonly pixel: number
}

/** Undefined unless every source is narrower or lower than a pixel of its highest zoom. */
function tooSmall(
  { sources, depths, tileSize }: BuildPlan,
  options: ResolvedBuildOptions,
): string | undefined {
  const sizes = sources.map((info, at) => sizeOf(info, depths[at]!.zoom, tileSize))
  if (!sizes.every((size) => size !== undefined && Math.min(size.width, size.height) < size.pixel))
    return undefined
  const largest = sizes.reduce((a, b) => (b!.width * b!.height > a!.width * a!.height ? b : a))!
  const own = finestZoomOf(sources, options)
  const what =
    sources.length === 1 ? `${sources[0]!.path} is` : `The largest of the ${sources.length} sources is`
  return (
    `${what} ${metres(largest.width)} wide and ${metres(largest.height)} high, ${isLine(largest) ? 'narrower' : 'smaller'} than a pixel of zoom ${largest.zoom}, ` +
    `which is ${metres(resolution(largest.zoom, tileSize))} at the equator and ${metres(largest.pixel)} there, so nothing would be drawn; ` +
    `raise --max-zoom (the resolution of the source is that of zoom ${own}).`
  )
}

function sizeOf(info: SourceInfo, zoom: number, tileSize: number): Size | undefined {
  const box = footprintOfSource(info)
  if (box === undefined) return undefined
  const scale = Math.cos((metresToLat((box.south + box.north) / 2) * Math.PI) / 180)
  return {
    width: (box.east - box.west) * scale,
    height: (box.north - box.south) * scale,
    zoom,
    pixel: resolution(zoom, tileSize) * scale,
  }
}

/** Whether only one side is smaller than a pixel. */
const isLine = ({ width, height, pixel }: Size): boolean => Math.max(width, height) >= pixel

const metres = (value: number): string => `${Number(value.toPrecision(value < 100 ? 2 : 3))} m`
