// Halves colours and values by the mean of four pixels. downsample.ts says which pixels are painted.
import type { Canvas } from '../canvas.js'
import type { Pixels } from '../pixels.js'
import { simd } from '../simd.js'

export function averageColours(from: Pixels, alpha: boolean, to: Canvas, corner: number): void {
  if (from.mask !== undefined) averageMasked(from, from.mask, alpha, to, corner)
  else {
    if (averageFast(from, to, corner)) {
      // done
    } else if (from.bands === 3) average3(from, to, corner)
    else average1(from, to, corner)
    fillMask(to, corner, from.width >> 1, from.height >> 1)
  }
}

/** Averages with SIMD. False when the pixels do not lie in its memory. */
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

/** The mean of the valid pixels of four, for one band. */
export function averageValues(from: Pixels<Float32Array>, to: Canvas<Float32Array>, corner: number): void {
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

function fillMask(to: Canvas, corner: number, width: number, height: number): void {
  for (let j = 0; j < height; j++) to.mask.fill(255, corner + j * to.width, corner + j * to.width + width)
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
        // all four are opaque, as in most cases: the weights cancel out
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
