// Resampling kernels as functions and as tables of weights.
//
// Positions: u = 0 is the centre of a pixel. When shrinking by more than WIDEN_ABOVE, a kernel's support and argument
// are widened by the scale, so that every source pixel counts. Enlarging never narrows it. Cubic is Keys' with a = −0.5
// (Catmull-Rom) and lanczos has three lobes, as in GDAL (alg/gdalwarpkernel.cpp, GWKBilinear, GWKCubic, GWKBSpline,
// GWKLanczosSinc). Average weights each pixel by its overlap with the target pixel's footprint; mode, min, max, med, q1
// and q3 choose among the pixels under it.

import type { Canvas } from '../../canvas.js'
import type { Pixels, Resampling, Samples } from '../../pixels.js'

/** Kernels widen above this many source pixels per target pixel: GDAL's 1 / 0.95. */
export const WIDEN_ABOVE = 1 / 0.95

const SUPPORT = { bilinear: 1, cubic: 2, cubicspline: 2, lanczos: 3 } as const

/** Whether a kernel uses the pixels under a target pixel's footprint, however large that is. */
export function isFootprint(resampling: Resampling): boolean {
  return resampling !== 'nearest' && !(resampling in SUPPORT)
}

export type Kernel = (u: number) => number

const triangle: Kernel = (u) => Math.max(0, 1 - Math.abs(u))

/** R. Keys, "Cubic convolution interpolation for digital image processing", 1981, eq. 15. */
const catmullRom: Kernel = (u) => {
  const t = Math.abs(u)
  if (t < 1) return 1 + t * t * (1.5 * t - 2.5)
  return t < 2 ? 2 + t * (-4 + t * (2.5 - 0.5 * t)) : 0
}

/** The uniform cubic B-spline. It smooths, because its weights at pixel centres are 1/6, 2/3, 1/6. */
const bSpline: Kernel = (u) => {
  const t = Math.abs(u)
  if (t < 1) return 2 / 3 + t * t * (0.5 * t - 1)
  return t < 2 ? (2 - t) ** 3 / 6 : 0
}

const lanczos3: Kernel = (u) => {
  if (u === 0) return 1
  if (Math.abs(u) >= 3) return 0
  const a = Math.PI * u
  return (3 * Math.sin(a) * Math.sin(a / 3)) / (a * a)
}

const SEPARABLE = { bilinear: triangle, cubic: catmullRom, cubicspline: bSpline, lanczos: lanczos3 } as const

/** The factor by which a kernel is widened at a scale. */
export function wideningOf(scale: number): number {
  return scale > WIDEN_ABOVE ? scale : 1
}

/** The kernel at a scale, not normalised, and its radius in source pixels. */
export function kernelAt(resampling: Resampling, scale: number): { weight: Kernel; radius: number } {
  if (isFootprint(resampling)) {
    const half = scale / 2 + 0.5
    const most = Math.min(1, scale)
    return { weight: (u) => Math.max(0, Math.min(most, half - Math.abs(u))), radius: half }
  }
  if (resampling === 'nearest') return { weight: (u) => (u >= -0.5 && u < 0.5 ? 1 : 0), radius: 0.5 }
  const base = SEPARABLE[resampling as keyof typeof SEPARABLE]
  const wide = wideningOf(scale)
  const radius = SUPPORT[resampling as keyof typeof SUPPORT] * wide
  return { weight: wide === 1 ? base : (u) => base(u / wide), radius }
}

/** Pixels to read on each side of a position. */
export function kernelReach(resampling: Resampling, scale: number): number {
  return resampling === 'nearest' ? 0 : Math.ceil(kernelAt(resampling, scale).radius) + 1
}

/** Weights for PHASES positions between pixels. */
export interface WeightTable {
  /** Weights per position, for pixels base − half + 1 … base + half, where base = floor(u). */
  readonly taps: number
  readonly half: number
  /** (PHASES + 1) × taps, each row summing to 1. */
  readonly weights: Float64Array
}

/** Rounding to 1/512 pixel changes an edge of 100 levels by 0.1 level (over 60 dB). */
export const PHASES = 256

export function weightTable(resampling: Resampling, scale: number): WeightTable {
  const { weight, radius } = kernelAt(resampling, scale)
  const half = Math.max(1, Math.ceil(radius - 1e-9))
  const taps = 2 * half
  const weights = new Float64Array((PHASES + 1) * taps)
  for (let phase = 0; phase <= PHASES; phase++) {
    const at = phase * taps
    let sum = 0
    for (let t = 0; t < taps; t++) {
      const w = weight(t - half + 1 - phase / PHASES)
      weights[at + t] = w
      sum += w
    }
    for (let t = 0; t < taps; t++) weights[at + t] = weights[at + t]! / sum
  }
  return { taps, half, weights }
}

export type ValuePixels = Pixels<Float32Array>
export type ValueCanvas = Canvas<Float32Array>

/** Positions on the line between two pixels belong to the second, whatever the rounding (GDAL: 1e-10). */
const NUDGE = 1e-8

/** Whether the source pixel under a position is masked. */
export function isMissing({ width, height, mask }: Pixels<Samples>, x: number, y: number): boolean {
  if (mask === undefined) return false
  return mask[Math.min(height - 1, (y + NUDGE) | 0) * width + Math.min(width - 1, (x + NUDGE) | 0)] === 0
}

/** Smaller sums of weights are meaningless (GDAL: 0.000001). */
export const LEAST_WEIGHT = 1e-6

/** Paints runs of target pixels whose source positions lie on a line; see choose.ts. */
export interface RunKernel {
  /** Pixels that an inner run needs before and after the pixel of a position. */
  readonly before: number
  readonly after: number
  run(at: number, count: number, x: number, dx: number, y: number, dy: number, inner: boolean): void
}
