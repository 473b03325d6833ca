// At which zooms there are tiles for a place. Coordinates are on the grid, of zooms up to 26: they fit 32 bits.

import { holdsUnder } from '../../store/read/tile-set.js'
import { MAX_ZOOM } from '../../zooms.js'
import type { Source } from './source.js'

/** The zoom of the tile itself or of its nearest stored ancestor. */
export function storedAbove({ tiles }: Source, z: number, x: number, y: number): number | undefined {
  for (let up = 0; up <= z; up++) if (tiles.has(z - up, x >> up, y >> up)) return z - up
  return undefined
}

/** How many zooms deeper there are tiles with `factor` times the pixels; fewer when no such deep ones lie under this one. */
export function depthFor({ tiles }: Source, z: number, x: number, y: number, factor: number): number {
  const wanted = Math.min(MAX_ZOOM - z, Math.ceil(Math.log2(factor)))
  let depth = wanted
  while (depth > 0 && !holdsUnder(tiles, z, x, y, depth)) depth--
  return depth
}
