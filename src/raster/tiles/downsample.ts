// Two to one: the overviews' kernel. Four pixels become one, on a mosaic of even size. Colours are rounded to
// 8 bits; values (Float32, one band) are not rounded, and their masks are yes or no.
//
// What is painted does not depend on the kernel (nearest aside): with a 'binary' mask a pixel is valid when
// any of its four is, so nothing disappears on the way up and nothing grows beyond its footprint; with an
// 'alpha' mask alpha is filtered like a colour, and colours are weighed by it. At the rim of the mosaic
// missing pixels repeat the last one. Average is exact (rounded half up); the wider kernels are GDAL's at
// scale 2, so they reach beyond the four: give mosaics an apron of `halveReach` pixels where neighbours exist.
import { type Canvas, createCanvas, createValueCanvas, finishCanvas } from '../canvas.js'
import { isPicture, isValues, type Pixels, type Resampling, type Samples } from '../pixels.js'
import { simd } from '../simd.js'
import type { MaskKind } from '../source.js'
import { isFootprint, kernelAt } from '../warp/kernels/kernel.js'
import { rankOf } from '../warp/kernels/rank.js'

/** Source pixels beyond a 2×2 block that its kernel touches, each way. */
export function halveReach(kernel: Resampling): number {
  return kernel === 'nearest' || isFootprint(kernel) ? 0 : taps2(kernel).length / 2 - 1
}

/** The picture at half size; undefined when nothing of it is painted. @throws RangeError when its sizes are odd */
export function halve<T extends Samples>(
  from: Pixels<T>,
  kernel: Resampling,
  maskKind: MaskKind,
): Pixels<T> | undefined {
  const width = from.width >> 1
  const height = from.height >> 1
  const canvas = isPicture(from) ? createCanvas(width, height, from.bands) : createValueCanvas(width, height)
  halveInto(from, kernel, maskKind, canvas, 0, 0)
  return finishCanvas(canvas as Canvas<Samples> as Canvas<T>)
}

/**
 * As `halve`, painted into a canvas with its corner at x, y; unpainted pixels keep what they are.
 * @throws TypeError when one has colours and the other values, or their bands differ
 */
export function halveInto(
  from: Pixels<Samples>,
  kernel: Resampling,
  maskKind: MaskKind,
  to: Canvas<Samples>,
  x: number,
  y: number,
): void {
  const width = from.width >> 1
  const height = from.height >> 1
  if (from.width & 1 || from.height & 1) throw new RangeError(`${from.width}×${from.height} cannot be halved`)
  if (from.bands !== to.bands) throw new TypeError(`${from.bands} bands do not fit a canvas of ${to.bands}`)
  if (x < 0 || y < 0 || x + width > to.width || y + height > to.height) {
    throw new RangeError(`${width}×${height} at ${x},${y} leaves the ${to.width}×${to.height} canvas`)
  }
  if (isPicture(from) !== isPicture(to)) throw new TypeError('values and colours do not mix')
  const corner = y * to.width + x
  const alpha = maskKind === 'alpha' && isPicture(from)
  if (kernel === 'nearest') nearest2(from, to, corner)
  else if (kernel !== 'average' && isFootprint(kernel)) rank2(from, kernel, alpha, to, corner)
  else if (kernel !== 'average') convolve2(from, kernel, alpha, to, corner)
  else if (isPicture(from)) averageColours(from, alpha, to as Canvas, corner)
  else if (isValues(from)) averageValues(from, to as Canvas<Float32Array>, corner)
}

function averageColours(from: Pixels, alpha: boolean, to: Canvas, corner: number): void {
  if (from.mask !== undefined) averageMasked(from, from.mask, alpha, to, corner)
  else {
    if (averageFast(from, to, corner)) {
      // done
    } else if (from.bands === 3) average3(from, to, corner)
    else average1(from, to, corner)
    fillMask(to, corner, from.width >> 1, from.height >> 1)
  }
}

/** False when they do not lie where that can be done. */
function averageFast(from: Pixels, to: Canvas, corner: number): boolean {
  const here = simd()
  if (here === undefined) return false
  const { width, height, bands } = from
  const src = here.addressOf(from.data)
  const out = here.addressOf(to.data)
  if (src < 0 || out < 0) return false
  const run = bands === 3 ? here.kernels.average3 : here.kernels.average1
  run(src, width * bands, out + corner * bands, to.width * bands, width >> 1, height >> 1)
  return true
}

/** The mean of the valid ones of four, one band. */
function averageValues(from: Pixels<Float32Array>, to: Canvas<Float32Array>, corner: number): void {
  const { width, height, data: src, mask } = from
  const out = to.data
  for (let j = 0; j < height; j += 2) {
    let d = corner + (j >> 1) * to.width
    for (let p = j * width; p < (j + 1) * width; p += 2, d++) {
      if (mask === undefined) {
        to.mask[d] = 255
        out[d] = (src[p]! + src[p + 1]! + src[p + width]! + src[p + width + 1]!) / 4
        continue
      }
      let sum = 0
      let n = 0
      if (mask[p] !== 0) {
        sum += src[p]!
        n++
      }
      if (mask[p + 1] !== 0) {
        sum += src[p + 1]!
        n++
      }
      if (mask[p + width] !== 0) {
        sum += src[p + width]!
        n++
      }
      if (mask[p + width + 1] !== 0) {
        sum += src[p + width + 1]!
        n++
      }
      if (n === 0) continue
      to.mask[d] = 255
      out[d] = sum / n
    }
  }
}

/** One of the four by its rank, band by band; with soft opacity the mean of it. */
function rank2(
  from: Pixels<Samples>,
  kernel: Resampling,
  alpha: boolean,
  to: Canvas<Samples>,
  corner: number,
): void {
  const { width, height, bands, data, mask } = from
  const four = new Float64Array(4)
  const places = new Int32Array(4)
  for (let j = 0; j < height; j += 2) {
    let d = corner + (j >> 1) * to.width
    for (let p = j * width; p < (j + 1) * width; p += 2, d++) {
      let n = 0
      let opacity = 0
      for (let q = 0; q < 4; q++) {
        const at = p + (q & 1) + (q >> 1) * width
        const valid = mask === undefined ? 255 : mask[at]!
        opacity += valid
        if (valid !== 0) places[n++] = at
      }
      const painted = alpha ? (opacity + 2) >> 2 : n > 0 ? 255 : 0
      if (painted === 0) continue
      to.mask[d] = painted
      const valid = four.subarray(0, n)
      for (let c = 0; c < bands; c++) {
        for (let q = 0; q < n; q++) valid[q] = data[places[q]! * bands + c]!
        to.data[d * bands + c] = rankOf(valid, kernel)
      }
    }
  }
}

function fillMask(to: Canvas, corner: number, width: number, height: number): void {
  for (let j = 0; j < height; j++) to.mask.fill(255, corner + j * to.width, corner + j * to.width + width)
}

/** The north-western of the four, as gdaladdo takes it. */
function nearest2(from: Pixels<Samples>, to: Canvas<Samples>, corner: number): void {
  const { width, height, bands, data, mask } = from
  for (let j = 0; j < height; j += 2) {
    let d = corner + (j >> 1) * to.width
    for (let i = 0; i < width; i += 2, d++) {
      const p = j * width + i
      const valid = mask === undefined ? 255 : mask[p]!
      if (valid === 0) continue
      to.mask[d] = valid
      for (let c = 0; c < bands; c++) to.data[d * bands + c] = data[p * bands + c]!
    }
  }
}

function average3(from: Pixels, to: Canvas, corner: number): void {
  const src = from.data
  const out = to.data
  const stride = from.width * 3
  const half = from.width >> 1
  for (let j = 0; j < from.height; j += 2) {
    let s = j * stride
    let d = (corner + (j >> 1) * to.width) * 3
    const end = d + half * 3
    while (d < end) {
      const b = s + stride
      out[d] = (src[s]! + src[s + 3]! + src[b]! + src[b + 3]! + 2) >> 2
      out[d + 1] = (src[s + 1]! + src[s + 4]! + src[b + 1]! + src[b + 4]! + 2) >> 2
      out[d + 2] = (src[s + 2]! + src[s + 5]! + src[b + 2]! + src[b + 5]! + 2) >> 2
      s += 6
      d += 3
    }
  }
}

function average1(from: Pixels, to: Canvas, corner: number): void {
  const src = from.data
  const stride = from.width
  const half = from.width >> 1
  for (let j = 0; j < from.height; j += 2) {
    let s = j * stride
    const at = corner + (j >> 1) * to.width
    for (let i = 0; i < half; i++, s += 2) {
      to.data[at + i] = (src[s]! + src[s + 1]! + src[s + stride]! + src[s + stride + 1]! + 2) >> 2
    }
  }
}

function averageMasked(from: Pixels, mask: Uint8Array, alpha: boolean, to: Canvas, corner: number): void {
  const { width, height, bands, data } = from
  const out = to.data
  const isTriple = bands === 3
  const right = bands
  const down = width * bands
  for (let j = 0; j < height; j += 2) {
    let d = corner + (j >> 1) * to.width
    for (let i = 0; i < width; i += 2, d++) {
      const p = j * width + i
      const m0 = mask[p]!
      const m1 = mask[p + 1]!
      const m2 = mask[p + width]!
      const m3 = mask[p + width + 1]!
      const sum = m0 + m1 + m2 + m3
      const painted = alpha ? (sum + 2) >> 2 : sum > 0 ? 255 : 0
      if (painted === 0) continue
      to.mask[d] = painted
      const s = p * bands
      if (sum === 1020 && isTriple) {
        // all opaque, as most are: the weights cancel out
        const e = s + down
        out[d * 3] = (data[s]! + data[s + 3]! + data[e]! + data[e + 3]! + 2) >> 2
        out[d * 3 + 1] = (data[s + 1]! + data[s + 4]! + data[e + 1]! + data[e + 4]! + 2) >> 2
        out[d * 3 + 2] = (data[s + 2]! + data[s + 5]! + data[e + 2]! + data[e + 5]! + 2) >> 2
        continue
      }
      for (let c = 0; c < bands; c++) {
        const at = s + c
        const total =
          m0 * data[at]! + m1 * data[at + right]! + m2 * data[at + down]! + m3 * data[at + down + right]!
        out[d * bands + c] = ((total + (sum >> 1)) / sum) | 0
      }
    }
  }
}

const tapTables = new Map<Resampling, Float64Array>()

/** Normalised weights of the pixels at ±0.5, ±1.5 … around the corner the four share. */
function taps2(kernel: Resampling): Float64Array {
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

/** Across, then down, on rows of colour times opacity (and opacity itself where there is a mask). */
function convolve2(
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
  // a ring of the rows one output row needs; row y lies in slot y mod taps
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

/** A row as numbers, with `half` − 1 repeated pixels before it and as many behind. */
function spread(from: Pixels<Samples>, y: number, half: number, channels: number, line: Float64Array): void {
  const { width, bands, data, mask } = from
  const length = width + 2 * half - 2
  for (let i = 0; i < length; i++) {
    const p = y * width + Math.max(0, Math.min(width - 1, i - half + 1))
    const opacity = mask === undefined ? 1 : mask[p]! / 255
    // what is not valid may be NaN, which is not 0 when multiplied by it
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
