// Halves by kernels wider than four pixels: across, then down. downsample.ts says which pixels are painted.
import type { Canvas } from '../canvas.js'
import { isPicture, type Pixels, type Resampling, type Samples } from '../pixels.js'
import { kernelAt } from '../warp/kernels/kernel.js'

const tapTables = new Map<Resampling, Float64Array>()

/** Normalised weights of the pixels at ±0.5, ±1.5 … around the common corner of the four. */
export function taps2(kernel: Resampling): Float64Array {
  let taps = tapTables.get(kernel)
  if (taps === undefined) {
    const { weight, radius } = kernelAt(kernel, 2)
    const half = Math.ceil(radius - 0.5)
    taps = Float64Array.from({ length: 2 * half }, (_, t) => weight(t - half + 0.5))
    const sum = taps.reduce((a, b) => a + b, 0)
    for (let t = 0; t < taps.length; t++) taps[t] = taps[t]! / sum
    tapTables.set(kernel, taps)
  }
  return taps
}

/** Convolves across, then down, on rows of colour times opacity (and of opacity, if there is a mask). */
export function convolve2(
  from: Pixels<Samples>,
  kernel: Resampling,
  alpha: boolean,
  to: Canvas<Samples>,
  corner: number,
): void {
  const taps = taps2(kernel)
  const half = taps.length >> 1
  const channels = from.mask === undefined ? from.bands : from.bands + 1
  const rowLength = (from.width >> 1) * channels
  // a ring buffer of the rows that one output row needs; row y lies in slot y mod taps
  const ring = new Float64Array(rowLength * taps.length)
  const slots = new Int32Array(taps.length)
  const line = new Float64Array((from.width + 2 * half) * channels)
  const sums = new Float64Array(rowLength)
  let ready = -1
  for (let j = 0; j < from.height >> 1; j++) {
    const first = 2 * j - half + 1
    const last = Math.min(from.height - 1, first + taps.length - 1)
    for (; ready < last; ready++) {
      spread(from, ready + 1, half, channels, line)
      const slot = ((ready + 1) % taps.length) * rowLength
      if (channels === 3) across3(line, taps, from.width >> 1, ring, slot)
      else across(line, taps, channels, from.width >> 1, ring, slot)
    }
    for (let t = 0; t < taps.length; t++) {
      const y = Math.max(0, Math.min(from.height - 1, first + t))
      slots[t] = (y % taps.length) * rowLength
    }
    down(ring, slots, taps, sums)
    store(from, sums, j, alpha, to, corner + j * to.width)
  }
}

function down(ring: Float64Array, slots: Int32Array, taps: Float64Array, sums: Float64Array): void {
  const n = taps.length
  for (let i = 0; i < sums.length; i++) {
    let sum = 0
    for (let t = 0; t < n; t++) sum += taps[t]! * ring[slots[t]! + i]!
    sums[i] = sum
  }
}

/** A row as doubles, with `half` − 1 repeated pixels before and after it. */
function spread(from: Pixels<Samples>, y: number, half: number, channels: number, line: Float64Array): void {
  const { width, bands, data, mask } = from
  const length = width + 2 * half - 2
  for (let i = 0; i < length; i++) {
    const p = y * width + Math.max(0, Math.min(width - 1, i - half + 1))
    const opacity = mask === undefined ? 1 : mask[p]! / 255
    // invalid values may be NaN, and NaN · 0 is not 0
    for (let c = 0; c < bands; c++)
      line[i * channels + c] = opacity === 0 ? 0 : data[p * bands + c]! * opacity
    if (channels > bands) line[i * channels + bands] = opacity
  }
}

function across3(line: Float64Array, taps: Float64Array, width: number, out: Float64Array, at: number): void {
  const n = taps.length
  for (let i = 0, d = at; i < width; i++, d += 3) {
    let r = 0
    let g = 0
    let b = 0
    for (let t = 0, s = 6 * i; t < n; t++, s += 3) {
      const w = taps[t]!
      r += w * line[s]!
      g += w * line[s + 1]!
      b += w * line[s + 2]!
    }
    out[d] = r
    out[d + 1] = g
    out[d + 2] = b
  }
}

function across(
  line: Float64Array,
  taps: Float64Array,
  channels: number,
  width: number,
  out: Float64Array,
  at: number,
): void {
  for (let i = 0; i < width; i++) {
    for (let c = 0; c < channels; c++) {
      let sum = 0
      let s = 2 * i * channels + c
      for (let t = 0; t < taps.length; t++, s += channels) sum += taps[t]! * line[s]!
      out[at + i * channels + c] = sum
    }
  }
}

function store(
  from: Pixels<Samples>,
  sums: Float64Array,
  j: number,
  alpha: boolean,
  to: Canvas<Samples>,
  at: number,
): void {
  const { width, bands, mask } = from
  const out = isPicture(to)
    ? new Uint8ClampedArray(to.data.buffer, to.data.byteOffset, to.data.length)
    : to.data
  for (let i = 0; i < width >> 1; i++) {
    const d = at + i
    if (mask === undefined) {
      to.mask[d] = 255
      for (let c = 0; c < bands; c++) out[d * bands + c] = sums[i * bands + c]!
      continue
    }
    const s = i * (bands + 1)
    const opacity = sums[s + bands]!
    const p = 2 * j * width + 2 * i
    const any = mask[p]! | mask[p + 1]! | mask[p + width]! | mask[p + width + 1]!
    const painted = alpha ? Math.max(0, Math.min(255, (opacity * 255 + 0.5) | 0)) : any ? 255 : 0
    if (painted === 0 || opacity <= 0) continue
    to.mask[d] = painted
    for (let c = 0; c < bands; c++) out[d * bands + c] = sums[s + c]! / opacity
  }
}
