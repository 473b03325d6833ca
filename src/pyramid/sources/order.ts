// Which source is on top where several overlap: the higher priority; then, if asked for, the finer or the newer one;
// then the one that the blend says, the last or the first.
//
// Invariant: the sort is stable, so sources that nothing tells apart keep the order in which they were given.
import type { SourceInfo } from '../../raster/source.js'
import { dateOfSource, instantOf } from '../dates.js'
import type { ResolvedBuildOptions } from '../options.js'
import { resolutionOf } from '../plan/depth.js'
import type { ResolvedSource } from '../source-options.js'

/** A source with its description. */
export interface Described {
  readonly info: SourceInfo
  readonly source: ResolvedSource
}

/** Resolutions that differ by less than this factor count as the same: the same pixels in another place. */
const SAME_RESOLUTION = 1.05

/** The sources in the order in which `blend` stacks them. @throws CRS_UNSUPPORTED */
export function inOrder(
  described: readonly Described[],
  { order, blend }: Pick<ResolvedBuildOptions, 'order' | 'blend'>,
): Described[] {
  const ranks = ranksOf(described, order)
  // 1 when the last is on top
  const direction = blend === 'first' ? -1 : 1
  return described
    .map((one, i) => ({ one, priority: one.source.priority ?? 0, rank: ranks[i]! }))
    .sort((a, b) => direction * (a.priority - b.priority || a.rank - b.rank))
    .map(({ one }) => one)
}

/** Whatever has the higher rank is on top. */
function ranksOf(described: readonly Described[], order: ResolvedBuildOptions['order']): number[] {
  if (order === 'newest') return described.map(dateRank)
  if (order === 'finest')
    return classesOf(described.map(({ info }) => resolutionOf(info) ?? Number.POSITIVE_INFINITY))
  return described.map(() => 0)
}

/** A source without a date is below all others. */
function dateRank({ source, info }: Described): number {
  const date = dateOfSource(source, info)
  // finite: the difference of two infinities is none
  return date === undefined ? -Number.MAX_VALUE : instantOf(date)
}

/** A class for each resolution, the highest for the finest. Neighbours within SAME_RESOLUTION share one. */
function classesOf(resolutions: readonly number[]): number[] {
  const classes = new Map<number, number>()
  let finest = 0
  let current = 0
  for (const metres of [...new Set(resolutions)].sort((a, b) => a - b)) {
    if (!(metres <= finest * SAME_RESOLUTION)) {
      finest = metres
      current--
    }
    classes.set(metres, current)
  }
  return resolutions.map((metres) => classes.get(metres)!)
}
