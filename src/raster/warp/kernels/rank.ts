// Chooses one of the samples under a target pixel's footprint by rank.
//
// The footprint is a rectangle of scaleX × scaleY source pixels around the position. As in gdalwarp
// (alg/gdalwarpkernel.cpp, GWKAverageOrModeThread), every pixel that it touches counts fully, band by band. 'mode' is
// the most frequent sample (of equals, the one that reaches the count first); 'med', 'q1' and 'q3' are at ceil(share ·
// n − 1) of the n sorted samples. Pixels without a value do not count.
import type { Canvas } from '../../canvas.js'
import type { Pixels, Resampling, Samples } from '../../pixels.js'
import type { RunKernel } from './kernel.js'

/** Smaller overlaps are rounding errors. */
const TOUCH = 1e-8

/** 'mode', 'min', 'max', 'med', 'q1' or 'q3' of colours or values; with soft opacity, the mean opacity. */
export class RankRun implements RunKernel {
  readonly before: number
  readonly after: number
  readonly #from: Pixels<Samples>
  readonly #to: Canvas<Samples>
  readonly #resampling: Resampling
  readonly #halfX: number
  readonly #halfY: number
  readonly #alpha: boolean
  /** Pixels under the footprint, and their samples of one band. */
  #pixels = new Int32Array(64)
  #samples = new Float64Array(64)

  constructor(
    from: Pixels<Samples>,
    to: Canvas<Samples>,
    resampling: Resampling,
    scaleX: number,
    scaleY: number,
    alpha: boolean,
  ) {
    this.#from = from
    this.#to = to
    this.#resampling = resampling
    this.#halfX = scaleX / 2
    this.#halfY = scaleY / 2
    this.#alpha = alpha
    this.before = Math.ceil(Math.max(scaleX, scaleY) / 2) + 1
    this.after = this.before
  }

  run(at: number, count: number, x: number, dx: number, y: number, dy: number): void {
    for (let k = 0; k < count; k++) this.#one(at + k, x + k * dx, y + k * dy)
  }

  #one(at: number, x: number, y: number): void {
    const n = this.#collect(x, y)
    if (n === 0) return
    const { bands, data, mask } = this.#from
    const samples = this.#samples.subarray(0, n)
    for (let c = 0; c < bands; c++) {
      for (let i = 0; i < n; i++) samples[i] = data[this.#pixels[i]! * bands + c]!
      this.#to.data[at * bands + c] = rankOf(samples, this.#resampling)
    }
    let painted = 255
    if (this.#alpha && mask !== undefined) {
      let sum = 0
      for (let i = 0; i < n; i++) sum += mask[this.#pixels[i]!]!
      painted = Math.max(1, Math.round(sum / n))
    }
    this.#to.mask[at] = painted
  }

  /** Collects the pixels that the footprint touches; returns their number. */
  #collect(x: number, y: number): number {
    const { width, height, mask } = this.#from
    const i0 = Math.max(0, Math.floor(x - this.#halfX + TOUCH))
    const i1 = Math.min(width, Math.ceil(x + this.#halfX - TOUCH))
    const j0 = Math.max(0, Math.floor(y - this.#halfY + TOUCH))
    const j1 = Math.min(height, Math.ceil(y + this.#halfY - TOUCH))
    const most = Math.max(0, i1 - i0) * Math.max(0, j1 - j0)
    if (most > this.#pixels.length) {
      this.#pixels = new Int32Array(most)
      this.#samples = new Float64Array(most)
    }
    let n = 0
    for (let j = j0; j < j1; j++) {
      for (let p = j * width + i0; p < j * width + i1; p++) {
        if (mask === undefined || mask[p] !== 0) this.#pixels[n++] = p
      }
    }
    return n
  }
}

const SHARE: Partial<Record<Resampling, number>> = { q1: 0.25, med: 0.5, q3: 0.75 }

/** The sample that a kernel chooses. Sorts `samples`. */
export function rankOf(samples: Float64Array, resampling: Resampling): number {
  if (resampling === 'min' || resampling === 'max') return extreme(samples, resampling === 'max')
  if (resampling === 'mode') return mostFrequent(samples)
  samples.sort()
  return samples[Math.max(0, Math.ceil(SHARE[resampling]! * samples.length - 1))]!
}

function extreme(values: Float64Array, isMax: boolean): number {
  let found = values[0]!
  for (let i = 1; i < values.length; i++) {
    const v = values[i]!
    if (isMax ? v > found : v < found) found = v
  }
  return found
}

function mostFrequent(values: Float64Array): number {
  const counts = new Map<number, number>()
  let best = values[0]!
  let most = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    const count = (counts.get(value) ?? 0) + 1
    counts.set(value, count)
    if (count <= most) continue
    most = count
    best = value
  }
  return best
}
