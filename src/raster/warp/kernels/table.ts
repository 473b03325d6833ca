// Separable kernels of any width: colours use tables of weights, values use weights computed for each position.

import type { Canvas } from '../../canvas.js'
import type { Pixels, Resampling } from '../../pixels.js'
import type { BilinearRun, BilinearValues } from './bilinear.js'
import type { RunKernel, WeightTable } from './kernel.js'
import { isMissing, LEAST_WEIGHT, PHASES, type ValueCanvas, type ValuePixels } from './kernel.js'
import { valueWeights } from './weights.js'

/** Any kernel by tables of weights: for each position, one row of weights across and one down. */
export class TableRun implements RunKernel {
  readonly before: number
  readonly after: number
  readonly #from: Pixels
  readonly #to: Canvas
  readonly #clamped: Uint8ClampedArray
  readonly #tableX: WeightTable
  readonly #tableY: WeightTable
  readonly #alpha: boolean
  readonly #anyValid: boolean
  readonly #fallback: BilinearRun | undefined

  constructor(
    from: Pixels,
    to: Canvas,
    tableX: WeightTable,
    tableY: WeightTable,
    alpha: boolean,
    anyValid: boolean,
    fallback: BilinearRun | undefined,
  ) {
    this.#from = from
    this.#to = to
    // a clamped array rounds and clamps on each store
    this.#clamped = new Uint8ClampedArray(to.data.buffer, to.data.byteOffset, to.data.length)
    this.#tableX = tableX
    this.#tableY = tableY
    this.#alpha = alpha
    this.#anyValid = anyValid
    this.#fallback = fallback
    this.before = Math.max(tableX.half, tableY.half)
    this.after = this.before
  }

  run(at: number, count: number, x: number, dx: number, y: number, dy: number, inner: boolean): void {
    if (!inner || this.#from.mask !== undefined) this.#checked(at, count, x, dx, y, dy)
    else if (this.#from.bands === 3) this.#inner3(at, count, x, dx, y, dy)
    else this.#inner1(at, count, x, dx, y, dy)
  }

  #inner3(at: number, count: number, x: number, dx: number, y: number, dy: number): void {
    const src = this.#from.data
    const width = this.#from.width
    const out = this.#clamped
    const { taps: tapsX, half: halfX, weights: weightsX } = this.#tableX
    const { taps: tapsY, half: halfY, weights: weightsY } = this.#tableY
    for (let k = 0; k < count; k++) {
      const ux = x + k * dx - 0.5
      const uy = y + k * dy - 0.5
      const ix = ux | 0
      const iy = uy | 0
      const wx0 = (((ux - ix) * PHASES + 0.5) | 0) * tapsX
      const wy0 = (((uy - iy) * PHASES + 0.5) | 0) * tapsY
      let row = ((iy - halfY + 1) * width + ix - halfX + 1) * 3
      let r = 0
      let g = 0
      let b = 0
      for (let j = 0; j < tapsY; j++) {
        let rr = 0
        let rg = 0
        let rb = 0
        let s = row
        for (let i = 0; i < tapsX; i++) {
          const w = weightsX[wx0 + i]!
          rr += w * src[s]!
          rg += w * src[s + 1]!
          rb += w * src[s + 2]!
          s += 3
        }
        const w = weightsY[wy0 + j]!
        r += w * rr
        g += w * rg
        b += w * rb
        row += width * 3
      }
      const d = (at + k) * 3
      out[d] = r
      out[d + 1] = g
      out[d + 2] = b
    }
    this.#to.mask.fill(255, at, at + count)
  }

  #inner1(at: number, count: number, x: number, dx: number, y: number, dy: number): void {
    const src = this.#from.data
    const width = this.#from.width
    const out = this.#clamped
    const { taps: tapsX, half: halfX, weights: weightsX } = this.#tableX
    const { taps: tapsY, half: halfY, weights: weightsY } = this.#tableY
    for (let k = 0; k < count; k++) {
      const ux = x + k * dx - 0.5
      const uy = y + k * dy - 0.5
      const ix = ux | 0
      const iy = uy | 0
      const wx0 = (((ux - ix) * PHASES + 0.5) | 0) * tapsX
      const wy0 = (((uy - iy) * PHASES + 0.5) | 0) * tapsY
      let row = (iy - halfY + 1) * width + ix - halfX + 1
      let v = 0
      for (let j = 0; j < tapsY; j++) {
        let line = 0
        for (let i = 0; i < tapsX; i++) line += weightsX[wx0 + i]! * src[row + i]!
        v += weightsY[wy0 + j]! * line
        row += width
      }
      out[at + k] = v
    }
    this.#to.mask.fill(255, at, at + count)
  }

  #checked(at: number, count: number, x: number, dx: number, y: number, dy: number): void {
    for (let k = 0; k < count; k++) this.#one(at + k, x + k * dx, y + k * dy)
  }

  /** One pixel, without pixels that are outside the window or invalid. */
  #one(at: number, x: number, y: number): void {
    const { width, height, bands, data: src, mask } = this.#from
    if (!this.#anyValid && isMissing(this.#from, x, y)) return
    const { taps: tapsX, half: halfX, weights: weightsX } = this.#tableX
    const { taps: tapsY, half: halfY, weights: weightsY } = this.#tableY
    const ix = Math.floor(x - 0.5)
    const iy = Math.floor(y - 0.5)
    const wx0 = (((x - 0.5 - ix) * PHASES + 0.5) | 0) * tapsX
    const wy0 = (((y - 0.5 - iy) * PHASES + 0.5) | 0) * tapsY
    const left = ix - halfX + 1
    const top = iy - halfY + 1
    const i0 = Math.max(0, -left)
    const i1 = Math.min(tapsX, width - left)
    const j0 = Math.max(0, -top)
    const j1 = Math.min(tapsY, height - top)
    let weight = 0
    let opacity = 0
    let missing = i0 > 0 || j0 > 0 || i1 < tapsX || j1 < tapsY
    let r = 0
    let g = 0
    let b = 0
    for (let j = j0; j < j1; j++) {
      const wy = weightsY[wy0 + j]!
      for (let i = i0; i < i1; i++) {
        const p = (top + j) * width + left + i
        const m = mask === undefined ? 255 : mask[p]!
        if (m === 0) {
          missing = true
          continue
        }
        let w = wy * weightsX[wx0 + i]!
        weight += w
        w *= m
        opacity += w
        const s = p * bands
        r += w * src[s]!
        if (bands === 3) {
          g += w * src[s + 1]!
          b += w * src[s + 2]!
        }
      }
    }
    if (missing && this.#fallback !== undefined) {
      this.#fallback.one(at, x, y)
      return
    }
    if (opacity < 255 * LEAST_WEIGHT || weight < LEAST_WEIGHT) return
    const out = this.#clamped
    const d = at * bands
    out[d] = r / opacity
    if (bands === 3) {
      out[d + 1] = g / opacity
      out[d + 2] = b / opacity
    }
    const soft = Math.max(1, Math.min(255, (opacity / weight + 0.5) | 0))
    this.#to.mask[at] = this.#alpha && mask !== undefined ? soft : 255
  }
}

/** Any separable kernel: a row of weights across and one down, computed for each position. */
export class ConvolvedValues implements RunKernel {
  readonly before: number
  readonly after: number
  readonly #from: ValuePixels
  readonly #to: ValueCanvas
  readonly #fallback: BilinearValues | undefined
  readonly #across: ReturnType<typeof valueWeights>
  readonly #down: ReturnType<typeof valueWeights>

  constructor(
    from: ValuePixels,
    to: ValueCanvas,
    resampling: Resampling,
    scaleX: number,
    scaleY: number,
    fallback: BilinearValues | undefined,
  ) {
    this.#from = from
    this.#to = to
    this.#fallback = fallback
    this.#across = valueWeights(resampling, scaleX)
    this.#down = valueWeights(resampling, scaleY)
    this.before = Math.max(this.#across.half, this.#down.half)
    this.after = this.before
  }

  run(at: number, count: number, x: number, dx: number, y: number, dy: number, inner: boolean): void {
    if (inner && this.#from.mask === undefined) this.#inner(at, count, x, dx, y, dy)
    else for (let k = 0; k < count; k++) this.#one(at + k, x + k * dx, y + k * dy)
  }

  #inner(at: number, count: number, x: number, dx: number, y: number, dy: number): void {
    const { width, data: src } = this.#from
    const { half: halfX, taps: tapsX, weights: weightsX } = this.#across
    const { half: halfY, taps: tapsY, weights: weightsY } = this.#down
    const out = this.#to.data
    let sumY = dy === 0 ? this.#down.fill(y - 0.5 - Math.floor(y - 0.5)) : 0
    for (let k = 0; k < count; k++) {
      const ux = x + k * dx - 0.5
      const uy = y + k * dy - 0.5
      const ix = ux | 0
      const iy = uy | 0
      const sumX = this.#across.fill(ux - ix)
      if (dy !== 0) sumY = this.#down.fill(uy - iy)
      let row = (iy - halfY + 1) * width + ix - halfX + 1
      let v = 0
      for (let j = 0; j < tapsY; j++) {
        let line = 0
        for (let i = 0; i < tapsX; i++) line += weightsX[i]! * src[row + i]!
        v += weightsY[j]! * line
        row += width
      }
      out[at + k] = v / (sumX * sumY)
    }
    this.#to.mask.fill(255, at, at + count)
  }

  /** One pixel, without pixels that are outside the window or missing. */
  #one(at: number, x: number, y: number): void {
    const { width, height, data: src, mask } = this.#from
    if (isMissing(this.#from, x, y)) return
    const { half: halfX, taps: tapsX, weights: weightsX } = this.#across
    const { half: halfY, taps: tapsY, weights: weightsY } = this.#down
    const ix = Math.floor(x - 0.5)
    const iy = Math.floor(y - 0.5)
    this.#across.fill(x - 0.5 - ix)
    this.#down.fill(y - 0.5 - iy)
    const left = ix - halfX + 1
    const top = iy - halfY + 1
    const i0 = Math.max(0, -left)
    const i1 = Math.min(tapsX, width - left)
    const j0 = Math.max(0, -top)
    const j1 = Math.min(tapsY, height - top)
    let isCut = i0 > 0 || j0 > 0 || i1 < tapsX || j1 < tapsY
    let weight = 0
    let sum = 0
    for (let j = j0; j < j1; j++) {
      const wy = weightsY[j]!
      const row = (top + j) * width + left
      for (let i = i0; i < i1; i++) {
        if (mask !== undefined && mask[row + i] === 0) {
          isCut = true
          continue
        }
        const w = wy * weightsX[i]!
        weight += w
        sum += w * src[row + i]!
      }
    }
    if (isCut && this.#fallback !== undefined) {
      this.#fallback.one(at, x, y)
      return
    }
    if (weight < LEAST_WEIGHT) return
    this.#to.data[at] = sum / weight
    this.#to.mask[at] = 255
  }
}
