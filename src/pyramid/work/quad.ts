// Tiles side by side, to be halved into their parent.
import type { PixelRect } from '../../grid/tiles/rect.js'
import type { Canvas } from '../../raster/canvas.js'
import type { Pixels, Samples } from '../../raster/pixels.js'
import { canvasOf } from '../paint/content.js'
import type { BuildPlan } from '../plan/plan.js'

/** The pixels of a tile, before encoding. */
export interface RawTile {
  readonly x: number
  readonly y: number
  readonly pixels: Pixels<Samples>
}

/** Children of one tile that wait to be halved into it. */
export interface Pending {
  readonly zoom: number
  readonly tiles: readonly RawTile[]
}

/** What waits, by zoom from 0. */
export function waitingFrom(pending: readonly Pending[], maxZoom: number): RawTile[][] {
  const waiting: RawTile[][] = Array.from({ length: maxZoom + 1 }, () => [])
  for (const { zoom, tiles } of pending) waiting[zoom] = [...tiles]
  return waiting
}

/** What must be stored to continue later. */
export const pendingOf = (waiting: readonly (readonly RawTile[])[]): Pending[] =>
  waiting.map((tiles, zoom) => ({ zoom, tiles: [...tiles] })).filter(({ tiles }) => tiles.length > 0)

/** Four tiles side by side. Opaque when all four exist and are opaque. */
export function quadOf(tiles: readonly RawTile[], plan: BuildPlan): Pixels<Samples> {
  const size = plan.tileSize
  const quad = canvasOf(plan, 2 * size, 2 * size)
  for (const { x, y, pixels } of tiles) paste(pixels, quad, (x & 1) * size, (y & 1) * size)
  const opaque = tiles.length === 4 && tiles.every((tile) => tile.pixels.mask === undefined)
  return opaque ? { ...quad, mask: undefined } : quad
}

export function paste(from: Pixels<Samples>, to: Canvas<Samples>, x: number, y: number): void {
  const { width, height, bands, data, mask } = from
  for (let row = 0; row < height; row++) {
    const at = (y + row) * to.width + x
    to.data.set(data.subarray(row * width * bands, (row + 1) * width * bands), at * bands)
    if (mask === undefined) to.mask.fill(255, at, at + width)
    else to.mask.set(mask.subarray(row * width, (row + 1) * width), at)
  }
}

/** Empties a part of a canvas whose pixels are `of`. */
export function clear({ width, mask }: Canvas<Samples>, of: PixelRect, part: PixelRect): void {
  for (let y = part.minY; y < part.endY; y++) {
    const at = (y - of.minY) * width + part.minX - of.minX
    mask.fill(0, at, at + part.endX - part.minX)
  }
}
