// Which parts of a level are painted from the sources, because no tile under them is halved into them.
//
// A level is looked at cell by cell: a cell is a tile of the next zoom, a quarter of one of the level's. In the subtree
// it is known which cells exist. Those that do not have no pixel of a source built for a higher zoom, so such sources
// are not read for them. In the apron around the subtree a cell is taken as halved when it is planned.
import { unionRanges } from '../../grid/tiles/ranges.js'
import { intersectRects, type PixelRect, tileRect, tilesRect } from '../../grid/tiles/rect.js'
import { halveReach } from '../../raster/tiles/downsample.js'
import { type PaintArea, type PaintPart, piecesOf } from '../paint/pieces.js'
import type { SubtreeUnit } from '../plan/forest.js'
import type { BuildPlan } from '../plan/plan.js'
import { type PlannedTiles, plannedTilesOf } from '../plan/planned-tiles.js'
import type { SourceSet } from '../sources/source-set.js'
import type { Level } from './levels.js'

/** Whether a tile that exists is halved into its parent: not where a source is shown from its zoom on. */
export function isPassedUp(
  { tileSize: size }: BuildPlan,
  sources: SourceSet,
  zoom: number,
  x: number,
  y: number,
): boolean {
  return !sources.startsIn(tileRect(x, y, size), zoom)
}

/** What of a cell is painted from the sources: nothing, coarse ones, or all. */
type Rest = 'none' | 'coarse' | 'all'

/** The levels of one subtree of a plan that is not uniform. */
export class DirectParts {
  readonly #plan: BuildPlan
  readonly #sources: SourceSet
  readonly #planned: PlannedTiles
  readonly #unit: SubtreeUnit
  readonly #hasApron: boolean

  constructor(plan: BuildPlan, sources: SourceSet, unit: SubtreeUnit) {
    this.#plan = plan
    this.#sources = sources
    this.#planned = plannedTilesOf(plan)
    this.#unit = unit
    this.#hasApron = halveReach(plan.overviewResampling) > 0
  }

  /** What is painted of the base: one area if there is an apron, otherwise piece by piece. */
  base(level: Level): PaintArea[] {
    const cells = this.#cells(level).filter(({ x, y }) => this.#isNeeded(level, x, y))
    const rects = this.#rectsOf(cells, level)
    if (this.#hasApron) return [{ rect: level.rect, parts: rects.map((rect) => ({ rect })) }]
    return piecesOf(level.rect)
      .map((piece) => ({
        rect: piece,
        parts: rects.flatMap((rect) => intersectRects(rect, piece) ?? []).map((rect) => ({ rect })),
      }))
      .filter(({ parts }) => parts.length > 0)
  }

  /** What is painted of a level above the base, after `below` was halved into it. */
  above(level: Level, below: Level | undefined): PaintPart[] {
    const coarse: Cell[] = []
    const all: Cell[] = []
    for (const cell of this.#cells(level)) {
      const rest = this.#rest(level, below, cell)
      if (rest === 'coarse') coarse.push(cell)
      if (rest === 'all') all.push(cell)
    }
    return [
      ...this.#rectsOf(coarse, level).map((rect) => ({ rect, deepest: level.zoom })),
      ...this.#rectsOf(all, level).map((rect) => ({ rect })),
    ]
  }

  #rest(level: Level, below: Level | undefined, { x, y }: Cell): Rest {
    const { zoom } = level
    if (!this.#isNeeded(level, x, y)) return 'none'
    if (this.#isInside(zoom + 1, x, y)) {
      if (below?.presence?.has(x, y) !== true) return 'coarse'
      return isPassedUp(this.#plan, this.#sources, zoom + 1, x, y) ? 'none' : 'all'
    }
    if (!this.#planned.has(zoom + 1, x, y)) return 'coarse'
    const isHalved = below !== undefined && containsHalved(below.rect, this.#rectOf({ x, y }, level))
    return isHalved && isPassedUp(this.#plan, this.#sources, zoom + 1, x, y) ? 'none' : 'all'
  }

  /** Whether a cell lies in a planned tile, or beside one in reach of the kernel, or in the apron. */
  #isNeeded(level: Level, x: number, y: number): boolean {
    const isPlanned = (cellX: number, cellY: number): boolean =>
      level.presence!.isPlanned(Math.floor(cellX / 2), Math.floor(cellY / 2))
    if (!this.#hasApron) return isPlanned(x, y)
    if (!this.#isInside(level.zoom + 1, x, y)) return true
    return [-1, 0, 1].some((dy) => [-1, 0, 1].some((dx) => isPlanned(x + dx, y + dy)))
  }

  #isInside(zoom: number, x: number, y: number): boolean {
    const side = 2 ** (zoom - this.#unit.zoom)
    return Math.floor(x / side) === this.#unit.x && Math.floor(y / side) === this.#unit.y
  }

  #cells({ rect }: Level): Cell[] {
    const half = this.#plan.tileSize / 2
    const cells: Cell[] = []
    for (let y = Math.floor(rect.minY / half); y * half < rect.endY; y++) {
      for (let x = Math.floor(rect.minX / half); x * half < rect.endX; x++) cells.push({ x, y })
    }
    return cells
  }

  #rectOf({ x, y }: Cell, level: Level): PixelRect {
    return intersectRects(tileRect(x, y, this.#plan.tileSize / 2), level.rect)!
  }

  #rectsOf(cells: readonly Cell[], level: Level): PixelRect[] {
    const ranges = unionRanges(cells.map(({ x, y }) => ({ minX: x, minY: y, maxX: x, maxY: y })))
    return ranges.map((range) => intersectRects(tilesRect(range, this.#plan.tileSize / 2), level.rect)!)
  }
}

interface Cell {
  readonly x: number
  readonly y: number
}

/** Whether a rectangle lies in another of the next zoom. */
function containsHalved(below: PixelRect, { minX, minY, endX, endY }: PixelRect): boolean {
  return 2 * minX >= below.minX && 2 * minY >= below.minY && 2 * endX <= below.endX && 2 * endY <= below.endY
}
