// The levels of a subtree: which tiles and which pixels of each zoom are kept.
//
// Kernels wider than 2×2 look beyond a tile. For them a level has an apron of reach · 2^n pixels, n zooms below the
// root, so that there are no seams up to the root. Invariant: a level contains what is halved into it from the one
// below.
import { parentRange, type TileRange } from '../../grid/tiles/cover.js'
import { growRect, insideWorld, type PixelRect, tilesRect } from '../../grid/tiles/rect.js'
import { halveReach } from '../../raster/tiles/downsample.js'
import { Presence } from '../paint/presence.js'
import type { SubtreeUnit } from '../plan/forest.js'
import type { BuildPlan } from '../plan/plan.js'
import { plannedTilesOf } from '../plan/planned-tiles.js'
import { cellOf } from '../plan/range-index.js'

export interface Level {
  readonly zoom: number
  /** Tiles of the subtree that may hold something. */
  readonly tiles: TileRange
  /** Pixels that are kept: those of the tiles and the apron around them. */
  readonly rect: PixelRect
  /** Which of the tiles exist; undefined in a uniform plan, where all that hold a pixel do. */
  readonly presence: Presence | undefined
}

/** The levels of a subtree that have planned tiles, by zoom; the base first. */
export function levelsOf(plan: BuildPlan, unit: SubtreeUnit): Map<number, Level> {
  const { zoom: root, x, y, base } = unit
  const planned = plannedTilesOf(plan)
  const levels = new Map<number, Level>()
  for (let zoom = base; zoom >= Math.max(root, plan.minZoom); zoom--) {
    const ranges = planned.within(zoom, cellOf(x, y, zoom - root))
    if (ranges.length === 0) continue
    const below = levels.get(zoom + 1)
    const tiles = union(below === undefined ? ranges : [...ranges, parentRange(below.tiles)])
    const apron = halveReach(plan.overviewResampling) * 2 ** (zoom - root)
    const rect = insideWorld(growRect(tilesRect(tiles, plan.tileSize), apron), plan.tileSize * 2 ** zoom)
    levels.set(zoom, {
      zoom,
      tiles,
      rect,
      presence: plan.isUniform ? undefined : new Presence(plan, zoom, tiles),
    })
  }
  return levels
}

function union(ranges: readonly TileRange[]): TileRange {
  return {
    minX: Math.min(...ranges.map((r) => r.minX)),
    minY: Math.min(...ranges.map((r) => r.minY)),
    maxX: Math.max(...ranges.map((r) => r.maxX)),
    maxY: Math.max(...ranges.map((r) => r.maxY)),
  }
}
