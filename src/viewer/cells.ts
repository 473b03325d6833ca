// The tiles that a map shows, each with its state: stored, enlarged from a lower level, or missing.
import type { Coverage, CoverageCache, StoredTile } from './coverage.js'
import type { Level } from './facts.js'
import type { TileAt } from './mercator.js'
import { parentWindow, sizeOf, type TileWindow } from './tile-window.js'

export interface Cell {
  readonly tile: TileAt
  /** At the tile's own level. */
  readonly stored: StoredTile | undefined
  /** Where its picture comes from: itself, its deepest stored ancestor, or nowhere. */
  readonly from: TileAt | undefined
}

/** More cells are not drawn, because nobody could read them. */
const MAX_CELLS = 2500

/** Undefined: too many to show. */
export async function cellsOf(
  window: TileWindow,
  levels: readonly Level[],
  coverage: CoverageCache,
): Promise<Cell[] | undefined> {
  if (sizeOf(window) > MAX_CELLS) return undefined
  const here = await coverage.of(window)
  if (here === undefined) return undefined
  const side = 2 ** window.zoom
  const open: TileAt[] = []
  const cells: Cell[] = []
  for (let y = window.minY; y <= window.maxY; y++) {
    for (let column = window.minX; column <= window.maxX; column++) {
      const tile = { z: window.zoom, x: ((column % side) + side) % side, y }
      const stored = here.get(`${tile.x}/${tile.y}`)
      if (stored === undefined) open.push(tile)
      else cells.push({ tile, stored, from: tile })
    }
  }
  const above = levels.map(({ zoom }) => zoom).filter((zoom) => zoom < window.zoom)
  for (const [tile, from] of await ancestorsOf(open, window, above.reverse(), coverage)) {
    cells.push({ tile, stored: undefined, from })
  }
  return cells
}

/** Level by level, as long as some tile has none. */
async function ancestorsOf(
  open: readonly TileAt[],
  window: TileWindow,
  zooms: readonly number[],
  coverage: CoverageCache,
): Promise<Map<TileAt, TileAt | undefined>> {
  const found = new Map<TileAt, TileAt | undefined>(open.map((tile) => [tile, undefined]))
  let left = open
  for (const zoom of zooms) {
    if (left.length === 0) break
    const there: Coverage = await coverage.of(parentWindow(window, window.zoom - zoom))
    const scale = 2 ** (window.zoom - zoom)
    left = left.filter((tile) => {
      const up = { z: zoom, x: Math.floor(tile.x / scale), y: Math.floor(tile.y / scale) }
      if (there?.has(`${up.x}/${up.y}`) !== true) return true
      found.set(tile, up)
      return false
    })
  }
  return found
}
