// Carries out a warp plan: paints the pixels of a window row by row.

import { type Canvas, coverageOf } from '../canvas.js'
import { isPicture, isValues, type Pixels, type Resampling, type Samples } from '../pixels.js'
import { runKernel, valueKernel } from './kernels/choose.js'
import type { RunKernel } from './kernels/kernel.js'
import { isFootprint } from './kernels/kernel.js'
import { cellStart } from './warp-grid.js'
import type { WarpPart, WarpPlan } from './warp-plan.js'

/**
 * Paints one part of a plan from the pixels of its window, synchronously. The target's corner goes to x, y of the
 * canvas.
 * @throws TypeError when one has colours and the other values, or values have more than one band
 */
export function runWarp(
  plan: WarpPlan,
  part: WarpPart,
  pixels: Pixels<Samples>,
  canvas: Canvas<Samples>,
  x: number,
  y: number,
): void {
  check(plan, part, pixels, canvas, x, y)
  const coverage = coverageOf(pixels.mask)
  if (coverage === 'none') return
  const from = coverage === 'full' ? { ...pixels, mask: undefined } : pixels
  const kernel = kernelOf(plan, part, from, canvas)
  new PartPainter(part, kernel, plan.resampling, from).paint(canvas.width, x + part.x, y + part.y)
}

function kernelOf(
  plan: WarpPlan,
  { scaleX, scaleY }: WarpPart,
  from: Pixels<Samples>,
  canvas: Canvas<Samples>,
): RunKernel {
  const { resampling } = plan
  if (isPicture(from) && isPicture(canvas)) {
    return runKernel(resampling, from, canvas as Canvas, scaleX, scaleY, plan.maskKind === 'alpha')
  }
  if (isValues(from) && isValues(canvas)) {
    return valueKernel(resampling, from, canvas as Canvas<Float32Array>, scaleX, scaleY)
  }
  throw new TypeError('values cannot be painted on a canvas of colours, nor colours on a canvas of values')
}

function check(
  plan: WarpPlan,
  part: WarpPart,
  pixels: Pixels<Samples>,
  canvas: Canvas<Samples>,
  x: number,
  y: number,
): void {
  const { target } = plan
  if (x < 0 || y < 0 || x + target.width > canvas.width || y + target.height > canvas.height) {
    throw new RangeError(
      `${target.width}×${target.height} at ${x},${y} leaves the ${canvas.width}×${canvas.height} canvas`,
    )
  }
  if (pixels.bands !== canvas.bands) {
    throw new TypeError(`the source has ${pixels.bands} bands, the canvas ${canvas.bands}`)
  }
  if (pixels.width !== part.window.width || pixels.height !== part.window.height) {
    throw new TypeError(
      `the window is ${part.window.width}×${part.window.height}, its pixels ${pixels.width}×${pixels.height}`,
    )
  }
}

// Inner runs keep this distance from the limits, so that rounding in the steps of a run cannot leave the window.
const SAFE = 1e-6

/** Cuts the rows of a part into linear runs, and passes them to the kernel. */
class PartPainter {
  readonly #part: WarpPart
  readonly #kernel: RunKernel
  // limits of painted positions (the image), and of positions whose kernel needs no checks, in window pixels
  readonly #left: number
  readonly #right: number
  readonly #top: number
  readonly #bottom: number
  readonly #innerLeft: number
  readonly #innerRight: number
  readonly #innerTop: number
  readonly #innerBottom: number
  // the result of #cut
  #first = 0
  #last = 0

  constructor(part: WarpPart, kernel: RunKernel, resampling: Resampling, pixels: Pixels<Samples>) {
    const { window, levelWidth, levelHeight } = part
    const reachX = isFootprint(resampling) ? part.scaleX / 2 : 0
    const reachY = isFootprint(resampling) ? part.scaleY / 2 : 0
    this.#part = part
    this.#kernel = kernel
    this.#left = -window.x - reachX
    this.#right = levelWidth - window.x + reachX
    this.#top = -window.y - reachY
    this.#bottom = levelHeight - window.y + reachY
    this.#innerLeft = kernel.before + SAFE
    this.#innerTop = kernel.before + SAFE
    this.#innerRight = pixels.width - kernel.after - SAFE
    this.#innerBottom = pixels.height - kernel.after - SAFE
  }

  paint(stride: number, atX: number, atY: number): void {
    const { grid, width, height } = this.#part
    for (let j = 0; j < grid.rows; j++) {
      const endY = cellStart(j + 1, grid.rows, height)
      for (let y = cellStart(j, grid.rows, height); y < endY; y++) {
        const row = (atY + y) * stride + atX
        for (let i = 0; i < grid.columns; i++) {
          const start = cellStart(i, grid.columns, width)
          const count = cellStart(i + 1, grid.columns, width) - start
          if (count <= 0) continue
          const exact = grid.exactAt === undefined ? -1 : grid.exactAt[j * grid.columns + i]!
          if (exact < 0) this.#linear(i, j, y, start, count, row + start)
          else this.#exact(exact + (y - cellStart(j, grid.rows, height)) * count * 2, count, row + start)
        }
      }
    }
  }

  /** Paints a row of one cell: positions lie on the line between the cell's left and right side. */
  #linear(i: number, j: number, y: number, start: number, count: number, at: number): void {
    const { grid, window, width, height } = this.#part
    const { nodes, columns, rows } = grid
    const stepX = Math.max(1, width - 1) / columns
    const stepY = Math.max(1, height - 1) / rows
    const t = y / stepY - j
    const a = (j * (columns + 1) + i) * 2
    const b = a + (columns + 1) * 2
    const leftX = nodes[a]! + (nodes[b]! - nodes[a]!) * t
    const leftY = nodes[a + 1]! + (nodes[b + 1]! - nodes[a + 1]!) * t
    const dx = (nodes[a + 2]! + (nodes[b + 2]! - nodes[a + 2]!) * t - leftX) / stepX
    const dy = (nodes[a + 3]! + (nodes[b + 3]! - nodes[a + 3]!) * t - leftY) / stepX
    const skip = start - i * stepX
    this.#line(at, count, leftX + dx * skip - window.x, dx, leftY + dy * skip - window.y, dy)
  }

  #exact(from: number, count: number, at: number): void {
    const { grid, window } = this.#part
    const positions = grid.exact!
    for (let k = 0; k < count; k++) {
      const x = positions[from + 2 * k]! - window.x
      const y = positions[from + 2 * k + 1]! - window.y
      if (this.#isInner(x, y)) this.#kernel.run(at + k, 1, x, 0, y, 0, true)
      else if (this.#isPainted(x, y)) this.#kernel.run(at + k, 1, x, 0, y, 0, false)
    }
  }

  /** Paints the part of a run inside the image; without checks where the whole kernel lies inside the window. */
  #line(at: number, count: number, x: number, dx: number, y: number, dy: number): void {
    const endX = x + (count - 1) * dx
    const endY = y + (count - 1) * dy
    if (this.#isInner(x, y) && this.#isInner(endX, endY)) {
      this.#kernel.run(at, count, x, dx, y, dy, true)
      return
    }
    this.#whole(count)
    this.#cut(x, dx, this.#left, this.#right)
    this.#cut(y, dy, this.#top, this.#bottom)
    const first = this.#first
    const last = this.#last
    if (first >= last) return
    this.#cut(x, dx, this.#innerLeft, this.#innerRight)
    this.#cut(y, dy, this.#innerTop, this.#innerBottom)
    const innerFirst = this.#first
    const innerLast = this.#last
    if (innerFirst >= innerLast) {
      this.#some(at, first, last, x, dx, y, dy, false)
      return
    }
    this.#some(at, first, innerFirst, x, dx, y, dy, false)
    this.#some(at, innerFirst, innerLast, x, dx, y, dy, true)
    this.#some(at, innerLast, last, x, dx, y, dy, false)
  }

  #some(
    at: number,
    first: number,
    end: number,
    x: number,
    dx: number,
    y: number,
    dy: number,
    inner: boolean,
  ): void {
    if (end > first) this.#kernel.run(at + first, end - first, x + first * dx, dx, y + first * dy, dy, inner)
  }

  #isInner(x: number, y: number): boolean {
    return x >= this.#innerLeft && x < this.#innerRight && y >= this.#innerTop && y < this.#innerBottom
  }

  #isPainted(x: number, y: number): boolean {
    return x >= this.#left && x < this.#right && y >= this.#top && y < this.#bottom
  }

  #whole(count: number): void {
    this.#first = 0
    this.#last = count
  }

  /** Narrows [first, last) to the k with low ≤ a + k·d < high. NaN leaves nothing. */
  #cut(a: number, d: number, low: number, high: number): void {
    let first = this.#first
    let last = this.#last
    const inside = (k: number): boolean => a + k * d >= low && a + k * d < high
    if (d !== 0 && Number.isFinite(d)) {
      const k0 = (low - a) / d
      const k1 = (high - a) / d
      first = Math.max(first, Math.ceil(Math.min(k0, k1)) - 1)
      last = Math.min(last, Math.floor(Math.max(k0, k1)) + 2)
    }
    while (first < last && !inside(first)) first++
    while (last > first && !inside(last - 1)) last--
    this.#first = first
    this.#last = last
  }
}
