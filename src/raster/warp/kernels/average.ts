// The mean of the values under a target pixel's footprint, with each pixel weighted by its overlap.
import type { Canvas } from '../../canvas.js'
import type { Pixels } from '../../pixels.js'
import type { RunKernel } from './kernel.js'

/** Smaller overlaps are rounding errors. */
const TOUCH = 1e-8

/** Area-weighted mean of one band. */
export class AverageValues implements RunKernel {
  readonly before: number
  readonly after: number
  readonly #from: Pixels<Float32Array>
  readonly #to: Canvas<Float32Array>
  readonly #halfX: number
  readonly #halfY: number

  constructor(from: Pixels<Float32Array>, to: Canvas<Float32Array>, scaleX: number, scaleY: number) {
    this.#from = from
    this.#to = to
    this.#halfX = scaleX / 2
    this.#halfY = scaleY / 2
    this.before = Math.ceil(Math.max(scaleX, scaleY) / 2) + 1
    this.after = this.before
  }

  run(at: number, count: number, x: number, dx: number, y: number, dy: number): void {
    for (let k = 0; k < count; k++) this.#one(at + k, x + k * dx, y + k * dy)
  }

  #one(at: number, x: number, y: number): void {
    const { width, height, data, mask } = this.#from
    const left = x - this.#halfX
    const right = x + this.#halfX
    const top = y - this.#halfY
    const bottom = y + this.#halfY
    const i0 = Math.max(0, Math.floor(left))
    const i1 = Math.min(width, Math.ceil(right))
    const j1 = Math.min(height, Math.ceil(bottom))
    let sum = 0
    let weight = 0
    for (let j = Math.max(0, Math.floor(top)); j < j1; j++) {
      const wy = Math.min(bottom, j + 1) - Math.max(top, j)
      for (let i = i0; i < i1; i++) {
        const p = j * width + i
        if (mask !== undefined && mask[p] === 0) continue
        const w = wy * (Math.min(right, i + 1) - Math.max(left, i))
        sum += w * data[p]!
        weight += w
      }
    }
    if (weight < TOUCH) return
    this.#to.data[at] = sum / weight
    this.#to.mask[at] = 255
  }
}
