// Finds where the grid of a warp meets the image, and at which scale.

import { type CoordGrid, type Rect, spanOf } from './warp-grid.js'

/** Where a grid meets the image, in full-resolution source pixels. */
export interface Meeting {
  /** Bounds of the positions inside the image: x0, y0, x1, y1. */
  readonly box: readonly [number, number, number, number]
  /** Source pixels per target pixel along the source's axes, as the root mean square of all cells. */
  readonly scaleX: number
  readonly scaleY: number
  /** Ratio of the largest to the smallest local scale. */
  readonly spread: number
}

/**
 * Where the grid meets the image or, with `averaging`, comes within a target pixel of it; undefined when it does not.
 */
export function gridMeeting(
  grid: CoordGrid,
  rect: Rect,
  width: number,
  height: number,
  averaging: boolean,
): Meeting | undefined {
  const total = new MeetingSum(grid, rect)
  for (let j = 0; j < grid.rows; j++) {
    for (let i = 0; i < grid.columns; i++) total.add(i, j, width, height, averaging)
  }
  return total.result(width, height)
}

class MeetingSum {
  readonly #grid: CoordGrid
  readonly #rect: Rect
  readonly #box = [Infinity, Infinity, -Infinity, -Infinity] as [number, number, number, number]
  readonly #cell = new Float64Array(4)
  #sumX = 0
  #sumY = 0
  #count = 0
  #least = Number.POSITIVE_INFINITY
  #most = 0
  constructor(grid: CoordGrid, rect: Rect) {
    this.#grid = grid
    this.#rect = rect
  }

  add(i: number, j: number, width: number, height: number, averaging: boolean): void {
    const box = this.#cell
    this.#bound(i, j)
    const [sx, sy] = this.#scales(i, j)
    // an average paints wherever its footprint overlaps the image
    const marginX = averaging && sx > 0 ? sx : 0
    const marginY = averaging && sy > 0 ? sy : 0
    if (!(box[2]! + marginX >= 0 && box[3]! + marginY >= 0)) return
    if (!(box[0]! - marginX <= width && box[1]! - marginY <= height)) return
    const b = this.#box
    b[0] = Math.min(b[0], box[0]!)
    b[1] = Math.min(b[1], box[1]!)
    b[2] = Math.max(b[2], box[2]!)
    b[3] = Math.max(b[3], box[3]!)
    if (Number.isNaN(sx) || Number.isNaN(sy)) return
    this.#sumX += sx * sx
    this.#sumY += sy * sy
    this.#count++
    const local = Math.sqrt(sx * sy)
    this.#least = Math.min(this.#least, local)
    this.#most = Math.max(this.#most, local)
  }

  #bound(i: number, j: number): void {
    const { columns, nodes, exactAt, exact } = this.#grid
    const box = this.#cell
    box[0] = box[1] = Number.POSITIVE_INFINITY
    box[2] = box[3] = Number.NEGATIVE_INFINITY
    const from = exactAt?.[j * columns + i] ?? -1
    if (from >= 0) {
      const pixels = spanOf(i, columns, this.#rect.width) * spanOf(j, this.#grid.rows, this.#rect.height)
      for (let k = 0; k < pixels; k++) this.#point(exact!, from + 2 * k)
      return
    }
    const at = (j * (columns + 1) + i) * 2
    const below = at + (columns + 1) * 2
    for (const k of [at, at + 2, below, below + 2]) this.#point(nodes, k)
  }

  #point(from: Float64Array, at: number): void {
    const x = from[at]!
    const y = from[at + 1]!
    const box = this.#cell
    if (x < box[0]!) box[0] = x
    if (y < box[1]!) box[1] = y
    if (x > box[2]!) box[2] = x
    if (y > box[3]!) box[3] = y
  }

  #scales(i: number, j: number): [number, number] {
    const { columns, rows, nodes, exactAt } = this.#grid
    const from = exactAt?.[j * columns + i] ?? -1
    if (from >= 0) return this.#exactScales(i, j, from)
    const stepX = Math.max(1, this.#rect.width - 1) / columns
    const stepY = Math.max(1, this.#rect.height - 1) / rows
    const at = (j * (columns + 1) + i) * 2
    const below = at + (columns + 1) * 2
    const along = (k: number): number =>
      (nodes[at + 2 + k]! - nodes[at + k]! + nodes[below + 2 + k]! - nodes[below + k]!) / 2 / stepX
    const down = (k: number): number =>
      (nodes[below + k]! - nodes[at + k]! + nodes[below + 2 + k]! - nodes[at + 2 + k]!) / 2 / stepY
    return [Math.hypot(along(0), down(0)), Math.hypot(along(1), down(1))]
  }

  /**
   * The smaller scale of neighbouring pixels at two places, because there may be a discontinuity at one of them. NaN
   * when the cell is too small.
   */
  #exactScales(i: number, j: number, from: number): [number, number] {
    const exact = this.#grid.exact!
    const width = spanOf(i, this.#grid.columns, this.#rect.width)
    const height = spanOf(j, this.#grid.rows, this.#rect.height)
    const least: [number, number] = [Number.NaN, Number.NaN]
    for (const [x, y] of [
      [0, 0],
      [(width >> 1) - 1, (height >> 1) - 1],
    ] as const) {
      if (x < 0 || y < 0 || x + 1 >= width || y + 1 >= height) continue
      const at = from + 2 * (y * width + x)
      for (const axis of [0, 1] as const) {
        const here = exact[at + axis]!
        const step = Math.hypot(exact[at + 2 + axis]! - here, exact[at + 2 * width + axis]! - here)
        if (!(step >= least[axis])) least[axis] = step
      }
    }
    return least
  }

  result(width: number, height: number): Meeting | undefined {
    const b = this.#box
    if (!(b[0] <= b[2])) return undefined
    const n = this.#count
    return {
      box: [Math.max(0, b[0]), Math.max(0, b[1]), Math.min(width, b[2]), Math.min(height, b[3])],
      scaleX: n > 0 ? Math.sqrt(this.#sumX / n) : 1,
      scaleY: n > 0 ? Math.sqrt(this.#sumY / n) : 1,
      spread: n > 0 ? this.#most / this.#least : 1,
    }
  }
}
