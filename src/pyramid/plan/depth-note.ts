// What is said about depth: which sources reach to which zoom.
import { withoutSecrets } from '../../raster/remote-path.js'
import type { ResolvedBuildOptions } from '../options.js'
import { askedZooms } from './depth.js'
import type { BuildPlan } from './plan.js'

/** Sources with one highest zoom. */
export interface SourcesOfDepth {
  /** The highest zoom that is built for them. */
  readonly zoom: number
  /** Their paths. */
  readonly sources: readonly string[]
}

/** The sources of a build by their highest zoom, lowest first. Those outside the area to build are left out. */
export function sourcesByDepth({ sources, depths }: BuildPlan): SourcesOfDepth[] {
  const byZoom = new Map<number, string[]>()
  for (const [at, info] of sources.entries()) {
    const { zoom, isOutside } = depths[at]!
    if (isOutside === true) continue
    const paths = byZoom.get(zoom)
    if (paths === undefined) byZoom.set(zoom, [withoutSecrets(info.path)])
    else paths.push(withoutSecrets(info.path))
  }
  return [...byZoom].sort(([a], [b]) => a - b).map(([zoom, paths]) => ({ zoom, sources: paths }))
}

/** A sentence when some sources are built to other zooms than others. */
export function depthNote(plan: BuildPlan, options: ResolvedBuildOptions): string | undefined {
  // sources that end above the lowest zoom have no tiles
  const depths = sourcesByDepth(plan).filter(({ zoom }) => zoom >= plan.minZoom)
  if (depths.length < 2) return undefined
  const parts = depths.map(({ zoom, sources }) => `${zoom} for ${named(sources)}`)
  const isGiven =
    askedZooms(options).maxZoom !== undefined ||
    options.sources.some(({ minZoom, maxZoom }) => minZoom !== undefined || maxZoom !== undefined)
  const why = isGiven ? '' : ', each to match its resolution'
  return `The highest zoom is ${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}${why}. To build all of them to zoom ${plan.maxZoom}, pass --depth uniform.`
}

function named(sources: readonly string[]): string {
  return sources.length === 1 ? sources[0]! : `${sources.length} sources`
}
