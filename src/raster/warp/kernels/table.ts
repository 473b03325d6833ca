// The loops of a warp for values (heights, measurements): as kernels-run.ts, but nothing is rounded.
//
// Weights are computed for each position, not looked up by phase, and sums are double precision: a value comes
// back as `gdalwarp -et 0 -ot Float32` has it (alg/gdalwarpkernel.cpp: GWKBilinearResample4Sample,
// GWKCubicResample4Sample, GWKResampleNoMasks, GWKAverageOrMode). Validity as there: a target pixel has a value
// when the source pixel under its centre has one (kernels of a footprint: when any pixel under it has one);
// weights of missing pixels are dropped and the rest renormalised. Masks are yes or no here.
import type { Canvas } from '../../canvas.js'
import type { Pixels, Resampling } from '../../pixels.js'
import type { RunKernel } from './kernel.js'
import { isFootprint, WIDEN_ABOVE } from './kernel.js'
import { AverageValues, RankRun } from './rank.js'
import { valueWeights } from './weights.js'

export type ValuePixels = Pixels<Float32Array>
export type ValueCanvas = Canvas<Float32Array>

/** @throws TypeError when there is more than one band */
export function valueKernel(
  resampling: Resampling,
  from: ValuePixels,
  to: ValueCanvas,
  scaleX: number,
  scaleY: number,
): RunKernel {
  if (from.bands !== 1) throw new TypeError(`values are warped one band at a time, not ${from.bands}`)
  if (resampling === 'nearest') return new NearestValues(from, to)
  if (resampling === 'average') return new AverageValues(from, to, scaleX, scaleY)
  if (isFootprint(resampling)) return new RankRun(from, to, resampling, scaleX, scaleY, false)
  const widened = scaleX > WIDEN_ABOVE || scaleY > WIDEN_ABOVE
  const bilinear = widened ? undefined : new BilinearValues(from, to)
  if (resampling === 'bilinear' && bilinear !== undefined) return bilinear
  // GDAL's four-sample cubic turns bilinear where one of its sixteen pixels is missing; so do we
  const fallback = resampling === 'cubic' ? bilinear : undefined
  return new ConvolvedValues(from, to, resampling, scaleX, scaleY, fallback)
}

/** Positions on the line between two pixels belong to the second, whatever the last bit says (GDAL: 1e-10). */
const NUDGE = 1e-8

class NearestValues implements RunKernel {
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

class BilinearValues implements RunKernel {
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

  /** One pixel anywhere in the window. At its rim missing pixels repeat their neighbour: the same as renormalising. */
  one(at: number, x: number, y: number): void {
    const { width, height, data: src, mask } = this.#from
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

/** Below this the weights of the valid pixels say nothing (GDAL: 0.000001). */
const LEAST_WEIGHT = 1e-6

/** Any separable kernel: a row of weights across and one down, made anew for each position. */
class ConvolvedValues implements RunKernel {
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

  /** One pixel, with pixels outside the window and missing ones left out. */
  #one(at: number, x: number, y: number): void {
    const { width, height, data: src, mask } = this.#from
    if (
      mask !== undefined &&
      mask[Math.min(height - 1, (y + NUDGE) | 0) * width + Math.min(width - 1, (x + NUDGE) | 0)] === 0
    )
      return
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
    let isMissing = i0 > 0 || j0 > 0 || i1 < tapsX || j1 < tapsY
    let weight = 0
    let sum = 0
    for (let j = j0; j < j1; j++) {
      const wy = weightsY[j]!
      const row = (top + j) * width + left
      for (let i = i0; i < i1; i++) {
        if (mask !== undefined && mask[row + i] === 0) {
          isMissing = true
          continue
        }
        const w = wy * weightsX[i]!
        weight += w
        sum += w * src[row + i]!
      }
    }
    if (isMissing && this.#fallback !== undefined) {
      this.#fallback.one(at, x, y)
      return
    }
    if (weight < LEAST_WEIGHT) return
    this.#to.data[at] = sum / weight
    this.#to.mask[at] = 255
  }
}
