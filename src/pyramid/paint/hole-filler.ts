// Fills holes in heights from the parent (--terrain-nodata parent). Tiles with holes wait until the levels above them
// in the subtree are complete. These are then filled from the top down, so that a hole across many tiles has no borders
// in it.
//
// The encoder fills the remaining holes (at the subtree's root, or in a subtree of one zoom) within each tile.
// Invariant: valid heights never change, and tiles without any are not made.

import { type PixelRect, tileRect } from '../../grid/tiles/rect.js'
import { type Canvas, crop } from '../../raster/canvas.js'
import { isValues, type Samples } from '../../raster/pixels.js'
import { fillFrom, fillHoles } from '../../raster/tiles/fill-holes.js'
import type { Halved } from './presence.js'

export interface HeldTile {
  readonly zoom: number
  readonly x: number
  readonly y: number
  readonly canvas: Canvas<Samples>
  readonly halved: Halved
}

/** The raw pixels of a level above the base, and their position. */
export interface LevelPixels {
  readonly zoom: number
  readonly rect: PixelRect
  readonly canvas: Canvas<Samples>
}

export class HoleFiller {
  readonly #held: HeldTile[] = []
  readonly #tileSize: number

  constructor(tileSize: number) {
    this.#tileSize = tileSize
  }

  hold(tile: HeldTile): void {
    this.#held.push(tile)
  }

  /**
   * The tiles that waited, filled as far as there is something above them. `levels`: the lowest zoom first. Changes
   * both.
   */
  release(levels: readonly LevelPixels[]): HeldTile[] {
    const held = this.#held.splice(0)
    if (held.length === 0) return held
    let above: LevelPixels | undefined
    for (const level of levels) {
      if (above?.zoom !== level.zoom - 1) this.#fillEachTile(level)
      else fillLevel(level.canvas, level.rect, above)
      for (const { zoom, x, y, canvas } of held)
        if (zoom === level.zoom + 1) fillLevel(canvas, tileRect(x, y, this.#tileSize), level)
      above = level
    }
    return held
  }

  /** A level without one directly above it: each of its tiles is filled from itself. */
  #fillEachTile({ canvas, rect }: LevelPixels): void {
    const size = this.#tileSize
    const offX = (size - (rect.minX % size)) % size
    const offY = (size - (rect.minY % size)) % size
    for (let y = offY; y + size <= canvas.height; y += size) {
      for (let x = offX; x + size <= canvas.width; x += size) fillTile(canvas, x, y, size)
    }
  }
}

function fillLevel(canvas: Canvas<Samples>, rect: PixelRect, above: LevelPixels): void {
  if (!isValues(canvas) || !isValues(above.canvas)) throw new TypeError('colours have no holes to fill')
  fillFrom(canvas, rect.minX, rect.minY, above.canvas, above.rect.minX, above.rect.minY)
}

function fillTile(canvas: Canvas<Samples>, x: number, y: number, size: number): void {
  if (!isValues(canvas)) throw new TypeError('colours have no holes to fill')
  const filled = fillHoles(crop<Float32Array>(canvas, x, y, size, size))
  if (filled === undefined) return
  for (let row = 0; row < size; row++) {
    const at = (y + row) * canvas.width + x
    canvas.data.set(filled.data.subarray(row * size, (row + 1) * size), at)
    canvas.mask.fill(255, at, at + size)
  }
}
