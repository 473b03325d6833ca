// Exact weights of a separable kernel at one position, for values: without a table, and without rounding the phase.

import type { Resampling } from '../../pixels.js'
import { type Kernel, kernelAt } from './kernel.js'

/** A kernel's weights, computed for each position in the same memory. */
class KernelWeights {
  /** Weights per position, for pixels base − half + 1 … base + half, where base = floor(u). */
  readonly half: number
  readonly taps: number
  readonly weights: Float64Array
  readonly #weight: Kernel

  constructor(weight: Kernel, radius: number) {
    this.half = Math.max(1, Math.ceil(radius - 1e-9))
    this.taps = 2 * this.half
    this.weights = new Float64Array(this.taps)
    this.#weight = weight
  }

  /** Computes the weights for a position `fraction` (0…1) after the centre of pixel base; returns their sum. */
  fill(fraction: number): number {
    const { half, taps, weights } = this
    let sum = 0
    for (let t = 0; t < taps; t++) {
      const w = this.#weight(t - half + 1 - fraction)
      weights[t] = w
      sum += w
    }
    return sum
  }
}

/** Cubic without widening, the usual case: four weights by their polynomials. */
class CubicWeights extends KernelWeights {
  override fill(f: number): number {
    const w = this.weights
    // Keys' kernel with a = −0.5 at 1 + f, f, 1 − f, 2 − f
    w[0] = f * (-0.5 + f * (1 - 0.5 * f))
    w[1] = 1 + f * f * (1.5 * f - 2.5)
    w[2] = f * (0.5 + f * (2 - 1.5 * f))
    w[3] = f * f * (0.5 * f - 0.5)
    return 1
  }
}

export function valueWeights(resampling: Resampling, scale: number): KernelWeights {
  const { weight, radius } = kernelAt(resampling, scale)
  return resampling === 'cubic' && radius === 2
    ? new CubicWeights(weight, radius)
    : new KernelWeights(weight, radius)
}
