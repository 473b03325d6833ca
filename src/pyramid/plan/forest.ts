// The units of work of a plan, in the order of the tile file.
//
// The quadtree is walked in Hilbert order. D(cell) is the deepest planned zoom inside a cell. A cell no more than
// treeDepth zooms above D is the root of a subtree, which a worker builds from base zoom D. One that lies higher is a
// parent: its four cells come first, then it is made from them.
//
// A uniform plan has subtrees alone, all at one zoom; the tiles above them follow from what they pass up.
//
// Invariants: every planned tile is in exactly one unit (in a uniform plan: or above the subtrees). Nothing is walked
// that a caller did not ask for: a plan of billions of tiles has its units counted from ranges.
import { parentRange, quadrants, type TileRange } from '../../grid/tiles/cover.js'
import { countAll, unionRanges } from '../../grid/tiles/ranges.js'
import type { BuildPlan, PlanLevel } from './plan.js'
import { type PlannedTiles, plannedTilesOf } from './planned-tiles.js'
import { cellOf, RangeIndex } from './range-index.js'

/** A root tile and the planned tiles under it, the deepest of which are at zoom `base`. */
export interface SubtreeUnit {
  readonly kind: 'subtree'
  /** Place of the root, which itself need not be planned. */
  readonly zoom: number
  readonly x: number
  readonly y: number
  readonly base: number
}

/** One planned tile above subtrees. */
export interface ParentUnit {
  readonly kind: 'parent'
  readonly zoom: number
  readonly x: number
  readonly y: number
}

export type Unit = SubtreeUnit | ParentUnit

export type Planned = Pick<BuildPlan, 'levels' | 'treeDepth' | 'isUniform' | 'minZoom' | 'maxZoom'>

/** The units in the order they are finished: children before parents, otherwise by TileID. Lazy. */
export function unitsOf(plan: Planned): Generator<Unit, undefined> {
  return walk(forestOf(plan), plan, 0, 0, 0, 0)
}

function* walk(
  forest: Forest,
  plan: Planned,
  zoom: number,
  x: number,
  y: number,
  orientation: number,
): Generator<Unit, undefined> {
  if (!forest.isAbove(zoom, x, y)) {
    const found = subtreeAt(forest, zoom, x, y)
    if (found !== undefined) yield found
    return
  }
  for (const [childX, childY, turned] of quadrants(2 * x, 2 * y, 2, orientation)) {
    yield* walk(forest, plan, zoom + 1, childX, childY, turned)
  }
  const isMade = !plan.isUniform && zoom >= plan.minZoom && forest.planned.has(zoom, x, y)
  if (isMade) yield { kind: 'parent', zoom, x, y }
}

function subtreeAt(forest: Forest, zoom: number, x: number, y: number): SubtreeUnit | undefined {
  const base = forest.deepestIn(zoom, x, y)
  return base === undefined ? undefined : { kind: 'subtree', zoom, x, y, base }
}

const forests = new WeakMap<readonly PlanLevel[], Map<number, Forest>>()

export function forestOf(plan: Planned): Forest {
  let byDepth = forests.get(plan.levels)
  if (byDepth === undefined) {
    byDepth = new Map()
    forests.set(plan.levels, byDepth)
  }
  let found = byDepth.get(plan.treeDepth)
  if (found === undefined) {
    found = new Forest(plan)
    byDepth.set(plan.treeDepth, found)
  }
  return found
}

/** Number of subtrees and of all units. */
export function countUnits(plan: Planned): { subtrees: number; units: number } {
  if (plan.isUniform) {
    const subtrees = countAll(cellsOf(plan)[Math.max(0, plan.maxZoom - plan.treeDepth)]!.ranges)
    return { subtrees, units: subtrees }
  }
  const forest = forestOf(plan)
  let subtrees = 0
  let parents = 0
  for (let zoom = 0; zoom <= plan.maxZoom; zoom++) {
    const above = countAll(forest.above[zoom]!.ranges)
    subtrees += countAll(forest.belowParents(zoom)) - above
    if (zoom >= plan.minZoom) parents += forest.countPlannedAbove(zoom)
  }
  return { subtrees, units: subtrees + parents }
}

/** Number of planned tiles of a unit; for progress. */
export function tilesOfUnit(plan: Planned, unit: Unit): number {
  if (unit.kind === 'parent') return 1
  const planned = plannedTilesOf(plan)
  let count = 0
  for (let zoom = unit.zoom; zoom <= unit.base; zoom++) {
    count += planned.countIn(zoom, cellOf(unit.x, unit.y, zoom - unit.zoom))
  }
  return count
}

/** By zoom: the cells that hold something, and those of them that lie above subtrees. */
class Forest {
  readonly planned: PlannedTiles
  readonly any: readonly RangeIndex[]
  readonly above: readonly RangeIndex[]

  constructor(plan: Planned) {
    this.planned = plannedTilesOf(plan)
    this.any = cellsOf(plan)
    const up = plan.treeDepth + 1
    this.above = this.any.map((_, zoom) => {
      const deep = this.any[zoom + up]?.ranges ?? []
      return new RangeIndex(unionRanges(deep.map((range) => parentRange(range, up))))
    })
  }

  isAbove(zoom: number, x: number, y: number): boolean {
    return this.above[zoom]?.has(x, y) === true
  }

  /** The cells whose parent lies above subtrees: the roots of subtrees, and cells above others. */
  belowParents(zoom: number): readonly TileRange[] {
    const all = this.any[zoom]!
    if (zoom === 0) return all.ranges
    return this.above[zoom - 1]!.ranges.flatMap((range) => all.within(childRange(range)))
  }

  /** Number of planned tiles above subtrees. */
  countPlannedAbove(zoom: number): number {
    return this.above[zoom]!.ranges.reduce((sum, range) => sum + this.planned.countIn(zoom, range), 0)
  }

  /** The deepest planned zoom inside a cell; undefined when it holds nothing. */
  deepestIn(zoom: number, x: number, y: number): number | undefined {
    if (!this.any[zoom]!.has(x, y)) return undefined
    let deepest = this.any.length - 1
    while (!this.planned.meets(deepest, cellOf(x, y, deepest - zoom))) deepest--
    return deepest
  }
}

const childRange = ({ minX, minY, maxX, maxY }: TileRange): TileRange => ({
  minX: 2 * minX,
  minY: 2 * minY,
  maxX: 2 * maxX + 1,
  maxY: 2 * maxY + 1,
})

const cells = new WeakMap<readonly PlanLevel[], readonly RangeIndex[]>()

/** By zoom, from 0: the cells that are planned or have a planned tile under them. */
function cellsOf({ levels, maxZoom, isUniform }: Planned): readonly RangeIndex[] {
  let found = cells.get(levels)
  if (found !== undefined) return found
  const planned = new Map(levels.map(({ zoom, ranges }) => [zoom, ranges]))
  const byZoom: RangeIndex[] = []
  let below: readonly TileRange[] = []
  for (let zoom = maxZoom; zoom >= 0; zoom--) {
    const here = planned.get(zoom)
    const parents = below.map((range) => parentRange(range))
    // without sources that are shown from a higher zoom only, a level has all parents
    below = isUniform && here !== undefined ? here : unionRanges([...(here ?? []), ...parents])
    byZoom[zoom] = new RangeIndex(below)
  }
  found = byZoom
  cells.set(levels, found)
  return found
}
