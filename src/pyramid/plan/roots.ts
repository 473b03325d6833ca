// The roots of all subtrees of a plan as ranges, so that they can be counted and picked without a walk.
import { coverTileAt, parentRange, type TileRange } from '../../grid/tiles/cover.js'
import { countAll, unionRanges } from '../../grid/tiles/ranges.js'
import { forestOf, type Planned, type SubtreeUnit } from './forest.js'
import { minusRanges, RangeIndex } from './range-index.js'

/** Subtrees with one base zoom and roots at one zoom. */
export interface Roots {
  readonly base: number
  readonly zoom: number
  /** They do not overlap. */
  readonly ranges: readonly TileRange[]
  readonly count: number
}

/** All subtrees of a plan, by the zoom of their base and that of their root. */
export function rootsOf(plan: Planned): Roots[] {
  const forest = forestOf(plan)
  const found: Roots[] = []
  for (let zoom = 0; zoom <= plan.maxZoom; zoom++) {
    let left = minusRanges(forest.belowParents(zoom), forest.above[zoom]!)
    for (let base = Math.min(plan.maxZoom, zoom + plan.treeDepth); base >= zoom && left.length > 0; base--) {
      const parents = forest.planned.at(base).map((range) => parentRange(range, base - zoom))
      const cells = new RangeIndex(unionRanges(parents))
      const ranges = unionRanges(left.flatMap((range) => cells.within(range)))
      if (ranges.length > 0) found.push({ base, zoom, ranges, count: countAll(ranges) })
      left = minusRanges(left, cells)
    }
  }
  return found.sort((a, b) => a.base - b.base || a.zoom - b.zoom)
}

/** The n-th subtree, from 0. @throws RangeError when there are not that many */
export function subtreeAt(roots: readonly Roots[], n: number): SubtreeUnit {
  let left = n
  for (const { base, zoom, ranges, count } of roots) {
    if (left < count) {
      const [x, y] = coverTileAt(zoom, ranges, left)
      return { kind: 'subtree', zoom, x, y, base }
    }
    left -= count
  }
  throw new RangeError(`there is no subtree ${n}`)
}
