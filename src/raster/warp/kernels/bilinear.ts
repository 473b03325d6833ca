// Bilinear without widening: colours in fixed point, values in floating point.

import type { Canvas } from '../../canvas.js'
import type { Pixels } from '../../pixels.js'
import { type Simd, simd } from '../../simd.js'
import type { RunKernel } from './kernel.js'
import { isMissing, type ValueCanvas, type ValuePixels } from './kernel.js'

// The loops use fixed-point positions with 11 bits of fraction: two interpolations of 8-bit samples take 8 + 22 bits,
// which fit into an int32.
const BITS = 11
const ONE = 1 << BITS
const FRACTION = ONE - 1
const HALF = 1 << (2 * BITS - 1)

export class BilinearRun implements RunKernel {
  readonly before = 1
  readonly after = 1
  readonly #from: Pixels
  readonly #to: Canvas
  readonly #alpha: boolean
  /** Set if all arrays lie in its memory. The addresses are those of the first samples. */
  readonly #simd: Simd | undefined
  readonly #src: number
  readonly #out: number
  readonly #outMask: number
  constructor(from: Pixels, to: Canvas, alpha: boolean) {
    this.#from = from
    this.#to = to
    this.#alpha = alpha
    const here = simd()
    this.#src = here?.addressOf(from.data) ?? -1
    this.#out = here?.addressOf(to.data) ?? -1
    this.#outMask = here?.addressOf(to.mask) ?? -1
    this.#simd = Math.min(this.#src, this.#out, this.#outMask) < 0 ? undefined : here
  }

  run(at: number, count: number, x: number, dx: number, y: number, dy: number, inner: boolean): void {
    if (this.#from.mask !== undefined) this.#masked(at, count, x, dx, y, dy, inner)
    else if (!inner) this.#rim(at, count, x, dx, y, dy)
    else if (this.#simd !== undefined) this.#fast(this.#simd, at, count, x, dx, y, dy)
    else if (this.#from.bands === 3) this.#inner3(at, count, x, dx, y, dy)
    else this.#inner1(at, count, x, dx, y, dy)
  }

  #fast(on: Simd, at: number, count: number, x: number, dx: number, y: number, dy: number): void {
    const { width, bands } = this.#from
    const { bilinear1, bilinear3 } = on.kernels
    const run = bands === 3 ? bilinear3 : bilinear1
    const out = this.#out + at * bands
    const mask = this.#outMask + at
    run(this.#src, width * bands, out, mask, count, (x - 0.5) * ONE, (y - 0.5) * ONE, dx * ONE, dy * ONE)
  }

  #inner3(at: number, count: number, x: number, dx: number, y: number, dy: number): void {
    const src = this.#from.data
    const stride = this.#from.width * 3
    const out = this.#to.data
    let fx = (x - 0.5) * ONE
    let fy = (y - 0.5) * ONE
    const stepX = dx * ONE
    const stepY = dy * ONE
    let d = at * 3
    for (let k = 0; k < count; k++) {
      const ux = fx | 0
      const uy = fy | 0
      fx += stepX
      fy += stepY
      const s = (uy >> BITS) * stride + (ux >> BITS) * 3
      const wx = ux & FRACTION
      const wy = uy & FRACTION
      const b = s + stride
      const r0 = src[s]!
      const g0 = src[s + 1]!
      const b0 = src[s + 2]!
      const r1 = src[b]!
      const g1 = src[b + 1]!
      const b1 = src[b + 2]!
      const rt = (r0 << BITS) + (src[s + 3]! - r0) * wx
      const gt = (g0 << BITS) + (src[s + 4]! - g0) * wx
      const bt = (b0 << BITS) + (src[s + 5]! - b0) * wx
      const rb = (r1 << BITS) + (src[b + 3]! - r1) * wx
      const gb = (g1 << BITS) + (src[b + 4]! - g1) * wx
      const bb = (b1 << BITS) + (src[b + 5]! - b1) * wx
      out[d] = ((rt << BITS) + (rb - rt) * wy + HALF) >> (2 * BITS)
      out[d + 1] = ((gt << BITS) + (gb - gt) * wy + HALF) >> (2 * BITS)
      out[d + 2] = ((bt << BITS) + (bb - bt) * wy + HALF) >> (2 * BITS)
      d += 3
    }
    this.#to.mask.fill(255, at, at + count)
  }

  #inner1(at: number, count: number, x: number, dx: number, y: number, dy: number): void {
    const src = this.#from.data
    const stride = this.#from.width
    const out = this.#to.data
    let fx = (x - 0.5) * ONE
    let fy = (y - 0.5) * ONE
    const stepX = dx * ONE
    const stepY = dy * ONE
    for (let k = 0; k < count; k++) {
      const ux = fx | 0
      const uy = fy | 0
      fx += stepX
      fy += stepY
      const s = (uy >> BITS) * stride + (ux >> BITS)
      const wx = ux & FRACTION
      const v0 = src[s]!
      const v1 = src[s + stride]!
      const top = (v0 << BITS) + (src[s + 1]! - v0) * wx
      const bottom = (v1 << BITS) + (src[s + stride + 1]! - v1) * wx
      out[at + k] = ((top << BITS) + (bottom - top) * (uy & FRACTION) + HALF) >> (2 * BITS)
    }
    this.#to.mask.fill(255, at, at + count)
  }

  /** At the edge of the window, missing pixels repeat their neighbour, which equals renormalising. */
  #rim(at: number, count: number, x: number, dx: number, y: number, dy: number): void {
    const { width, height, bands, data: src } = this.#from
    const out = this.#to.data
    const maxX = width - 1
    const maxY = height - 1
    for (let k = 0; k < count; k++) {
      const ux = Math.max(0, Math.min(maxX, x + k * dx - 0.5))
      const uy = Math.max(0, Math.min(maxY, y + k * dy - 0.5))
      const ix = ux | 0
      const iy = uy | 0
      const wx = ux - ix
      const wy = uy - iy
      const s = (iy * width + ix) * bands
      const right = ix < maxX ? bands : 0
      const down = iy < maxY ? width * bands : 0
      for (let c = 0; c < bands; c++) {
        const v0 = src[s + c]!
        const v1 = src[s + down + c]!
        const top = v0 + (src[s + right + c]! - v0) * wx
        const bottom = v1 + (src[s + down + right + c]! - v1) * wx
        out[(at + k) * bands + c] = (top + (bottom - top) * wy + 0.5) | 0
      }
    }
    this.#to.mask.fill(255, at, at + count)
  }

  /** Most pixels lie away from any edge: those with four opaque samples take the fast path. */
  #masked(at: number, count: number, x: number, dx: number, y: number, dy: number, inner: boolean): void {
    const { width, bands, data: src } = this.#from
    const mask = this.#from.mask!
    const out = this.#to.data
    const outMask = this.#to.mask
    for (let k = 0; k < count; k++) {
      const px = x + k * dx
      const py = y + k * dy
      const ux = ((px - 0.5) * ONE) | 0
      const uy = ((py - 0.5) * ONE) | 0
      const p = (uy >> BITS) * width + (ux >> BITS)
      if (!inner || (mask[p]! & mask[p + 1]! & mask[p + width]! & mask[p + width + 1]!) !== 255) {
        this.one(at + k, px, py)
        continue
      }
      const wx = ux & FRACTION
      const wy = uy & FRACTION
      const right = p * bands + bands
      const down = width * bands
      for (let s = p * bands, d = (at + k) * bands; s < right; s++, d++) {
        const top = (src[s]! << BITS) + (src[s + bands]! - src[s]!) * wx
        const bottom = (src[s + down]! << BITS) + (src[s + down + bands]! - src[s + down]!) * wx
        out[d] = ((top << BITS) + (bottom - top) * wy + HALF) >> (2 * BITS)
      }
      outMask[at + k] = 255
    }
  }

  /** One pixel anywhere in the window, masked or not. */
  one(at: number, x: number, y: number): void {
    const { width, height, bands, data: src, mask } = this.#from
    const out = this.#to.data
    const maxX = width - 1
    const maxY = height - 1
    if (isMissing(this.#from, x, y)) return
    const ux = Math.max(0, Math.min(maxX, x - 0.5))
    const uy = Math.max(0, Math.min(maxY, y - 0.5))
    const ix = ux | 0
    const iy = uy | 0
    const p00 = iy * width + ix
    const p01 = ix < maxX ? p00 + 1 : p00
    const p10 = iy < maxY ? p00 + width : p00
    const p11 = p10 + p01 - p00
    const wx = ux - ix
    const wy = uy - iy
    let w00 = (1 - wx) * (1 - wy)
    let w01 = wx * (1 - wy)
    let w10 = (1 - wx) * wy
    let w11 = wx * wy
    let sum = 1
    let painted = 255
    if (mask !== undefined) {
      const m00 = mask[p00]!
      const m01 = mask[p01]!
      const m10 = mask[p10]!
      const m11 = mask[p11]!
      const valid = (m00 && w00) + (m01 && w01) + (m10 && w10) + (m11 && w11)
      w00 *= m00
      w01 *= m01
      w10 *= m10
      w11 *= m11
      sum = w00 + w01 + w10 + w11
      if (this.#alpha) painted = Math.max(1, (sum / valid + 0.5) | 0)
    }
    for (let c = 0; c < bands; c++) {
      const v =
        src[p00 * bands + c]! * w00 +
        src[p01 * bands + c]! * w01 +
        src[p10 * bands + c]! * w10 +
        src[p11 * bands + c]! * w11
      out[at * bands + c] = (v / sum + 0.5) | 0
    }
    this.#to.mask[at] = painted
  }
}

export class BilinearValues implements RunKernel {
  readonly before = 1
  readonly after = 1
  readonly #from: ValuePixels
  readonly #to: ValueCanvas
  constructor(from: ValuePixels, to: ValueCanvas) {
    this.#from = from
    this.#to = to
  }

  run(at: number, count: number, x: number, dx: number, y: number, dy: number, inner: boolean): void {
    if (inner && this.#from.mask === undefined) this.#inner(at, count, x, dx, y, dy)
    else for (let k = 0; k < count; k++) this.one(at + k, x + k * dx, y + k * dy)
  }

  #inner(at: number, count: number, x: number, dx: number, y: number, dy: number): void {
    const { width, data: src } = this.#from
    const out = this.#to.data
    for (let k = 0; k < count; k++) {
      const ux = x + k * dx - 0.5
      const uy = y + k * dy - 0.5
      const ix = ux | 0
      const iy = uy | 0
      const wx = ux - ix
      const p = iy * width + ix
      const top = src[p]! * (1 - wx) + src[p + 1]! * wx
      const bottom = src[p + width]! * (1 - wx) + src[p + width + 1]! * wx
      const wy = uy - iy
      out[at + k] = top * (1 - wy) + bottom * wy
    }
    this.#to.mask.fill(255, at, at + count)
  }

  /**
   * One pixel anywhere in the window. At its edge, missing pixels repeat their neighbour, which equals renormalising.
   */
  one(at: number, x: number, y: number): void {
    const { width, height, data: src, mask } = this.#from
    const maxX = width - 1
    const maxY = height - 1
    if (isMissing(this.#from, x, y)) return
    const ux = Math.max(0, Math.min(maxX, x - 0.5))
    const uy = Math.max(0, Math.min(maxY, y - 0.5))
    const ix = ux | 0
    const iy = uy | 0
    const p00 = iy * width + ix
    const p01 = ix < maxX ? p00 + 1 : p00
    const p10 = iy < maxY ? p00 + width : p00
    const p11 = p10 + p01 - p00
    const wx = ux - ix
    const wy = uy - iy
    let sum = 0
    let weight = 0
    if (mask === undefined || mask[p00] !== 0) {
      const w = (1 - wx) * (1 - wy)
      sum += w * src[p00]!
      weight += w
    }
    if (mask === undefined || mask[p01] !== 0) {
      const w = wx * (1 - wy)
      sum += w * src[p01]!
      weight += w
    }
    if (mask === undefined || mask[p10] !== 0) {
      const w = (1 - wx) * wy
      sum += w * src[p10]!
      weight += w
    }
    if (mask === undefined || mask[p11] !== 0) {
      const w = wx * wy
      sum += w * src[p11]!
      weight += w
    }
    this.#to.data[at] = sum / weight
    this.#to.mask[at] = 255
  }
}
