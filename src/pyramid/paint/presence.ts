// Which planned tiles of a rectangle of tiles exist. A tile exists at a zoom when a source that is built for this zoom
// or a higher one has a valid pixel in it, even a hidden one, or when a tile under it is halved into it.
import type { TileRange } from '../../grid/tiles/cover.js'
import { intersectRects, type PixelRect, tileRect } from '../../grid/tiles/rect.js'
import type { BuildPlan } from '../plan/plan.js'
import { plannedTilesOf } from '../plan/planned-tiles.js'
import { indexIn, type Layer } from './blend.js'

const PLANNED = 1
const PRESENT = 2
/** The first of four bits, for the quarters that were halved from tiles. */
const HALVED = 4

/** Which quarters of a tile were halved from the tiles under it, as bits: 0 none, 15 all of them. */
export type Halved = number

/** The bit of a tile among the quarters of its parent. */
export const quarterOf = (x: number, y: number): Halved => 1 << ((x % 2) + 2 * (y % 2))

/** Opacity in a rectangle, row by row. */
export interface Opacity {
  readonly mask: Uint8Array
  readonly rect: PixelRect
}

export class Presence {
  readonly #tiles: TileRange
  readonly #size: number
  readonly #columns: number
  readonly #states: Uint8Array

  constructor(plan: Pick<BuildPlan, 'levels' | 'tileSize'>, zoom: number, tiles: TileRange) {
    this.#tiles = tiles
    this.#size = plan.tileSize
    this.#columns = tiles.maxX - tiles.minX + 1
    this.#states = new Uint8Array(this.#columns * (tiles.maxY - tiles.minY + 1))
    for (const { minX, minY, maxX, maxY } of plannedTilesOf(plan).within(zoom, tiles)) {
      for (let y = minY; y <= maxY; y++) {
        const at = this.#at(minX, y)
        this.#states.fill(PLANNED, at, at + maxX - minX + 1)
      }
    }
  }

  #at(x: number, y: number): number {
    return (y - this.#tiles.minY) * this.#columns + x - this.#tiles.minX
  }

  #state(x: number, y: number): number {
    const { minX, minY, maxX, maxY } = this.#tiles
    return x < minX || x > maxX || y < minY || y > maxY ? 0 : this.#states[this.#at(x, y)]!
  }

  isPlanned(x: number, y: number): boolean {
    return this.#state(x, y) !== 0
  }

  has(x: number, y: number): boolean {
    return this.#state(x, y) >= PRESENT
  }

  halvedOf(x: number, y: number): Halved {
    return Math.floor(this.#state(x, y) / HALVED)
  }

  /** A tile of the next zoom is halved into its parent here. */
  addChild(childX: number, childY: number): void {
    const [x, y] = [Math.floor(childX / 2), Math.floor(childY / 2)]
    if (this.isPlanned(x, y)) this.#states[this.#at(x, y)]! |= PRESENT | (HALVED * quarterOf(childX, childY))
  }

  /** Adds the tiles in which a layer has a pixel, and its cutline another. */
  look(layer: Layer, rect: PixelRect, cutline: Opacity | undefined): void {
    for (const [x, y] of this.#unknown(rect)) {
      const part = intersectRects(tileRect(x, y, this.#size), rect)!
      if (hasPixel(layer, part, cutline)) this.#states[this.#at(x, y)]! |= PRESENT
    }
  }

  /** The part of a rectangle that contains its tiles that may exist; undefined when all is known. */
  unknownIn(rect: PixelRect): PixelRect | undefined {
    let all: PixelRect | undefined
    for (const [x, y] of this.#unknown(rect)) {
      const one = tileRect(x, y, this.#size)
      all = {
        minX: Math.min(one.minX, all?.minX ?? one.minX),
        minY: Math.min(one.minY, all?.minY ?? one.minY),
        endX: Math.max(one.endX, all?.endX ?? one.endX),
        endY: Math.max(one.endY, all?.endY ?? one.endY),
      }
    }
    return all && intersectRects(all, rect)
  }

  *#unknown(rect: PixelRect): Generator<[x: number, y: number]> {
    const size = this.#size
    for (let y = Math.floor(rect.minY / size); y * size < rect.endY; y++) {
      for (let x = Math.floor(rect.minX / size); x * size < rect.endX; x++) {
        if (this.#state(x, y) === PLANNED) yield [x, y]
      }
    }
  }
}

function hasPixel(layer: Layer, rect: PixelRect, cutline: Opacity | undefined): boolean {
  const stride = cutline === undefined ? 0 : cutline.rect.endX - cutline.rect.minX
  for (let y = rect.minY; y < rect.endY; y++) {
    const from = indexIn(layer, rect.minX, y)
    let inside = cutline === undefined ? 0 : (y - cutline.rect.minY) * stride + rect.minX - cutline.rect.minX
    for (let i = from, end = from + rect.endX - rect.minX; i < end; i++, inside++) {
      if (layer.mask[i] !== 0 && (cutline === undefined || cutline.mask[inside] !== 0)) return true
    }
  }
  return false
}
