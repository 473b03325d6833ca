// The extent of an archive that is a source: one rectangle of its deepest zoom.
import type { Samples } from '../../raster/pixels.js'
import type { TileMosaic } from '../../sampling/tile-mosaic.js'
import type { TileRange } from '../../store/read/list.js'
import { areasOf, type TileSet } from '../../store/read/tile-set.js'

/** Most zooms that are used as overviews: the corner of a tile is still a whole pixel in all of them. */
export const MAX_OVERVIEWS = 8

export interface Frame {
  readonly zoom: number
  readonly size: number
  /** Range of the tiles stored at the deepest zoom, or above it where that has none; inclusive. */
  readonly minX: number
  readonly minY: number
  readonly maxX: number
  readonly maxY: number
}

export async function frameOf(
  set: TileSet,
  zooms: readonly number[],
  mosaic: TileMosaic<Samples>,
): Promise<Frame> {
  const zoom = zooms.at(-1)!
  const frame = {
    zoom,
    size: await mosaic.tileSizeAt(zoom),
    minX: Infinity,
    minY: Infinity,
    maxX: -1,
    maxY: -1,
  }
  // tiles above those of the deepest zoom add nothing, except where that has none (mixed depth)
  for (const z of zooms.slice(-MAX_OVERVIEWS - 1).reverse()) {
    for (const area of areasOf(set, z))
      widen(frame, 2 ** (zoom - z), area, (x, y) => z === zoom || !mosaic.hasChildren(z, x, y))
  }
  return frame
}

/**
 * Extends the frame by the tiles of an area that count. Only those that lie outside are examined. `span`: number of
 * tiles of the frame's zoom along the side of one.
 */
function widen(
  frame: { minX: number; minY: number; maxX: number; maxY: number },
  span: number,
  area: TileRange,
  counts: (x: number, y: number) => boolean,
): void {
  const { minX, minY, maxX, maxY } = area
  const isInside = (): boolean =>
    minX * span >= frame.minX &&
    minY * span >= frame.minY &&
    (maxX + 1) * span - 1 <= frame.maxX &&
    (maxY + 1) * span - 1 <= frame.maxY
  // two opposite corners that count suffice
  for (const [x, y] of [
    [minX, minY],
    [maxX, maxY],
  ] as const) {
    if (isInside()) return
    if (!counts(x, y)) continue
    frame.minX = Math.min(frame.minX, x * span)
    frame.minY = Math.min(frame.minY, y * span)
    frame.maxX = Math.max(frame.maxX, (x + 1) * span - 1)
    frame.maxY = Math.max(frame.maxY, (y + 1) * span - 1)
  }
  if (isInside() || (minX === maxX && minY === maxY)) return
  const isWide = maxX - minX > maxY - minY
  const middle = Math.floor(isWide ? (minX + maxX) / 2 : (minY + maxY) / 2)
  widen(frame, span, isWide ? { ...area, maxX: middle } : { ...area, maxY: middle }, counts)
  widen(frame, span, isWide ? { ...area, minX: middle + 1 } : { ...area, minY: middle + 1 }, counts)
}
