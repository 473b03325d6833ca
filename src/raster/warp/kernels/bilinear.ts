// The hot loops of a warp: kernels that paint a run of target pixels whose source positions lie on a line.
//
// A kernel's `run` paints `count` target pixels from `at` on. Pixel k takes its colour from the position
// (x + k·dx, y + k·dy) in the pixels of the window; corner = 0, so 0.5 is a pixel's centre. The caller has
// cut the run so that every position lies inside the image, and says with `inner` whether the whole kernel
// lies inside the window (then nothing is checked). No allocation, no closures here.
//
// Validity, as gdalwarp's: a target pixel is painted when the source pixel under its centre is valid
// (average: when any pixel under its footprint is). Weights of invalid or missing pixels are dropped and the
// rest renormalised, so nodata colours never bleed. With an alpha mask colours are weighed by alpha, and the
// result's alpha is that of the pixels that are not wholly transparent, so that the rim of an image is not
// dimmed and abutting images leave no seam; otherwise a painted pixel is opaque.
import type { Canvas } from '../../canvas.js'
import type { Pixels, Resampling } from '../../pixels.js'
import { type Simd, simd } from '../../simd.js'
import { isFootprint, PHASES, type RunKernel, type WeightTable, WIDEN_ABOVE, weightTable } from './kernel.js'
import { RankRun } from './rank.js'

export function runKernel(
  resampling: Resampling,
  from: Pixels,
  to: Canvas,
  scaleX: number,
  scaleY: number,
  alpha: boolean,
): RunKernel {
  if (resampling === 'nearest') return new NearestRun(from, to)
  if (resampling !== 'average' && isFootprint(resampling)) {
    return new RankRun(from, to, resampling, scaleX, scaleY, alpha)
  }
  const widened = scaleX > WIDEN_ABOVE || scaleY > WIDEN_ABOVE
  if (resampling === 'bilinear' && !widened) return new BilinearRun(from, to, alpha)
  const tableX = weightTable(resampling, scaleX)
  const tableY = weightTable(resampling, scaleY)
  // GDAL's four-sample cubic turns bilinear where one of its sixteen pixels is missing; so do we
  const fallback = resampling === 'cubic' && !widened ? new BilinearRun(from, to, alpha) : undefined
  return new TableRun(from, to, tableX, tableY, alpha, resampling === 'average', fallback)
}

/** Positions on the line between two pixels belong to the second, whatever the last bit says (GDAL: 1e-10). */
const NUDGE = 1e-8

class NearestRun implements RunKernel {
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

// Positions in bilinear's loops are fixed point with 11 bits of fraction: two lerps of 8-bit samples make
// 8 + 22 bits, which is what an int32 holds.
const BITS = 11
const ONE = 1 << BITS
const FRACTION = ONE - 1
const HALF = 1 << (2 * BITS - 1)

class BilinearRun implements RunKernel {
  readonly before = 1
  readonly after = 1
  readonly #from: Pixels
  readonly #to: Canvas
  readonly #alpha: boolean
  /** Where all of it lies in its memory; the addresses are of the first samples. */
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

  /** At the window's rim: missing pixels repeat their neighbour, which is the same as renormalising. */
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

  /** Most pixels lie away from every rim: those with four opaque samples take the short way. */
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
    if (
      mask !== undefined &&
      mask[Math.min(maxY, (y + NUDGE) | 0) * width + Math.min(maxX, (x + NUDGE) | 0)] === 0
    )
      return
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

/** Below this the weights of the valid pixels say nothing (GDAL: 0.000001). */
const LEAST_WEIGHT = 1e-6

/** Any kernel by tables of weights: one row of weights across, one down, a position. */
class TableRun implements RunKernel {
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
    // rounds and clamps in one store
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

  /** One pixel, with pixels outside the window and invalid ones left out. */
  #one(at: number, x: number, y: number): void {
    const { width, height, bands, data: src, mask } = this.#from
    if (!this.#anyValid && mask !== undefined) {
      if (mask[Math.min(height - 1, (y + NUDGE) | 0) * width + Math.min(width - 1, (x + NUDGE) | 0)] === 0)
        return
    }
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
