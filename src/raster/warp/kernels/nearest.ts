// The source pixel under the centre of a target pixel, for colours and values.

import type { Canvas } from '../../canvas.js'
import type { Pixels } from '../../pixels.js'
import type { RunKernel, ValueCanvas, ValuePixels } from './kernel.js'

/** As in kernel.ts; repeated because an imported constant costs up to 15 % in these loops. */
const NUDGE = 1e-8

export class NearestRun implements RunKernel {
  readonly before = 0
  readonly after = 0
  readonly #from: Pixels
  readonly #to: Canvas
  constructor(from: Pixels, to: Canvas) {
    this.#from = from
    this.#to = to
  }

  run(at: number, count: number, x: number, dx: number, y: number, dy: number): void {
    const { width, height, bands, data: src, mask } = this.#from
    const out = this.#to.data
    const outMask = this.#to.mask
    const maxX = width - 1
    const maxY = height - 1
    for (let k = 0; k < count; k++) {
      const ix = Math.min(maxX, (x + k * dx + NUDGE) | 0)
      const iy = Math.min(maxY, (y + k * dy + NUDGE) | 0)
      const p = iy * width + ix
      const valid = mask === undefined ? 255 : mask[p]!
      if (valid === 0) continue
      outMask[at + k] = valid
      if (bands === 3) {
        const s = p * 3
        const d = (at + k) * 3
        out[d] = src[s]!
        out[d + 1] = src[s + 1]!
        out[d + 2] = src[s + 2]!
      } else out[at + k] = src[p]!
    }
  }
}

export class NearestValues implements RunKernel {
  readonly before = 0
  readonly after = 0
  readonly #from: ValuePixels
  readonly #to: ValueCanvas
  constructor(from: ValuePixels, to: ValueCanvas) {
    this.#from = from
    this.#to = to
  }

  run(at: number, count: number, x: number, dx: number, y: number, dy: number): void {
    const { width, height, data: src, mask } = this.#from
    const { data: out, mask: outMask } = this.#to
    for (let k = 0; k < count; k++) {
      const ix = Math.min(width - 1, (x + k * dx + NUDGE) | 0)
      const iy = Math.min(height - 1, (y + k * dy + NUDGE) | 0)
      const p = iy * width + ix
      if (mask !== undefined && mask[p] === 0) continue
      outMask[at + k] = 255
      out[at + k] = src[p]!
    }
  }
}
