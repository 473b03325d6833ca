// The loops of view.ts that convert samples to colours and values: selection, tone, inversion, look-up, division by
// alpha. Plain 8-bit grey and RGB are not even copied. They allocate only the result, and no closures per pixel.
import type { StoredSamples } from '../source.js'
import { splitFours } from '../words.js'
import {
  type BandTone,
  type BandUnits,
  type Colormap,
  colourBand,
  type SampleArray,
  toneBand,
} from './tone.js'
import { isOpaque, offsetOf, pick, type SampleBlock, type ViewedBlock } from './view-kernels.js'

const tableOfBits = (bits: number, inverted: boolean): Uint8Array => {
  const top = 2 ** bits - 1
  return Uint8Array.from({ length: 256 }, (_, v) => {
    const scaled = Math.round((Math.min(v, top) * 255) / top)
    return inverted ? 255 - scaled : scaled
  })
}

/**
 * Samples of up to 8 bits as colours; inverted and stretched to 0…255 if necessary, and divided by `alpha` if given.
 */
export function pickColours(
  block: SampleBlock,
  chosen: readonly number[],
  bits: number,
  inverted: boolean,
  alpha: Uint8Array | undefined,
  pixels: number,
): Uint8Array {
  const bands = chosen.length
  const [a, b, c] = chosen as [number, number, number]
  const { arrays, stride } = block
  const first = arrays[a] as Uint8Array
  const isPlain = bits === 8 && !inverted
  const inOrder = bands === 1 || (b === a + 1 && c === a + 2)
  // the samples are already in the right form: no copy
  if (stride === bands && isPlain && inOrder && alpha === undefined) return first.subarray(0, pixels * bands)
  const out = new Uint8Array(pixels * bands)
  if (bands === 1) pick(out, first, offsetOf(block, a), stride, pixels)
  else if (stride > 1 && inOrder) pickThree(out, first, a, stride, pixels)
  else if (stride === 1)
    interleavePlanes(out, first, arrays[b] as Uint8Array, arrays[c] as Uint8Array, pixels)
  else {
    const second = arrays[b] as Uint8Array
    const third = arrays[c] as Uint8Array
    interleave(
      out,
      first,
      second,
      third,
      offsetOf(block, a),
      offsetOf(block, b),
      offsetOf(block, c),
      stride,
      pixels,
    )
  }
  if (!isPlain) translate(out, tableOfBits(bits, inverted))
  if (alpha !== undefined) unpremultiply(out, alpha, bands)
  return out
}
/** Picks three adjacent samples out of each `stride`. */
function pickThree(out: Uint8Array, from: Uint8Array, offset: number, stride: number, pixels: number): void {
  if (stride === 4 && offset === 0 && splitFours(from, pixels, out, undefined)) return
  const end = pixels * 3
  for (let o = 0, s = offset; o < end; o += 3, s += stride) {
    out[o] = from[s]!
    out[o + 1] = from[s + 1]!
    out[o + 2] = from[s + 2]!
  }
}

function interleavePlanes(
  out: Uint8Array,
  a: Uint8Array,
  b: Uint8Array,
  c: Uint8Array,
  pixels: number,
): void {
  for (let i = 0, o = 0; i < pixels; i++, o += 3) {
    out[o] = a[i]!
    out[o + 1] = b[i]!
    out[o + 2] = c[i]!
  }
}

function interleave(
  out: Uint8Array,
  a: Uint8Array,
  b: Uint8Array,
  c: Uint8Array,
  offsetA: number,
  offsetB: number,
  offsetC: number,
  stride: number,
  pixels: number,
): void {
  for (let i = 0, o = 0, s = 0; i < pixels; i++, o += 3, s += stride) {
    out[o] = a[s + offsetA]!
    out[o + 1] = b[s + offsetB]!
    out[o + 2] = c[s + offsetC]!
  }
}

function translate(data: Uint8Array, table: Uint8Array): void {
  for (let i = 0; i < data.length; i++) data[i] = table[data[i]!]!
}

/** Computes colour · 255 / alpha in place, where alpha is neither 0 nor 255. */
function unpremultiply(data: Uint8Array, alpha: Uint8Array, bands: number): void {
  for (let i = 0; i < alpha.length; i++) {
    const a = alpha[i]!
    if (a === 0 || a === 255) continue
    for (let b = i * bands; b < (i + 1) * bands; b++) {
      const value = ((data[b]! * 255 + (a >> 1)) / a) | 0
      data[b] = Math.min(value, 255)
    }
  }
}

export function colourPalette(
  block: SampleBlock,
  sample: number,
  palette: { readonly bands: 1 | 3; readonly table: Uint8Array; readonly alpha?: Uint8Array },
  wantsAlpha: boolean,
  pixels: number,
): ViewedBlock {
  const { bands, table } = palette
  const from = block.arrays[sample]!
  const out = new Uint8Array(pixels * bands)
  const offset = offsetOf(block, sample)
  // indices beyond the table become black (a typed array gives undefined, stored as 0)
  if (bands === 1) {
    for (let i = 0, s = offset; i < pixels; i++, s += block.stride) out[i] = table[from[s]!]!
  } else {
    for (let o = 0, s = offset, end = pixels * 3; o < end; o += 3, s += block.stride) {
      const t = from[s]! * 3
      out[o] = table[t]!
      out[o + 1] = table[t + 1]!
      out[o + 2] = table[t + 2]!
    }
  }
  if (palette.alpha === undefined || !wantsAlpha) return { data: out, mask: undefined }
  const mask = new Uint8Array(pixels)
  for (let i = 0, s = offset; i < pixels; i++, s += block.stride) mask[i] = palette.alpha[from[s]!]!
  return { data: out, mask: isOpaque(mask) ? undefined : mask }
}

/**
 * CMYK → RGB as in libtiff's RGBA interface: (255 − ink)·(255 − black) / 255, truncated. `top` is a full ink. Floats
 * may exceed it, and would wrap around in typed arrays.
 */
export function colourCmyk(block: SampleBlock, top: number, pixels: number): Uint8Array {
  const out = new Uint8Array(pixels * 3)
  const { stride } = block
  const [c, m, y, k] = [0, 1, 2, 3].map((s) => block.arrays[s]!) as [
    SampleArray,
    SampleArray,
    SampleArray,
    SampleArray,
  ]
  const step = stride === 1 ? 0 : 1
  for (let i = 0, s = 0, o = 0; i < pixels; i++, s += stride, o += 3) {
    const light = lightOf(k[s + 3 * step]!, top)
    out[o] = (lightOf(c[s]!, top) * light) / 255
    out[o + 1] = (lightOf(m[s + step]!, top) * light) / 255
    out[o + 2] = (lightOf(y[s + 2 * step]!, top) * light) / 255
  }
  return out
}

const lightOf = (ink: number, top: number): number =>
  ink >= top ? 0 : ink > 0 ? 255 - (((ink * 255) / top) | 0) : 255

export const toneColours = {
  byRange(
    block: SampleBlock,
    chosen: readonly number[],
    tones: readonly BandTone[],
    pixels: number,
  ): Uint8Array {
    const out = new Uint8Array(pixels * chosen.length)
    if (toneThree(block, chosen, tones, pixels, out)) return out
    for (const [i, s] of chosen.entries()) {
      toneBand(tones[i]!, block.arrays[s]!, offsetOf(block, s), block.stride, pixels, out, i, chosen.length)
    }
    return out
  },

  byMap(
    block: SampleBlock,
    sample: number,
    map: Colormap,
    table: Uint8Array | undefined,
    units: BandUnits,
    pixels: number,
  ): ViewedBlock {
    const data = new Uint8Array(pixels * 3)
    const mask = map.hasAlpha ? new Uint8Array(pixels) : undefined
    const from = block.arrays[sample]!
    colourBand(map, table, units, from, offsetOf(block, sample), block.stride, pixels, data, mask)
    return { data, mask: mask !== undefined && isOpaque(mask) ? undefined : mask }
  },
}

/** Tones three interleaved 16-bit samples by their tables in one pass; false for anything else. */
function toneThree(
  { arrays, stride }: SampleBlock,
  chosen: readonly number[],
  tones: readonly BandTone[],
  pixels: number,
  out: Uint8Array,
): boolean {
  const from = arrays[chosen[0]!]
  const [tableA, tableB, tableC] = tones.map((tone) => tone.table)
  const fits = chosen.length === 3 && stride >= 3 && from instanceof Uint16Array
  if (!fits || tableA === undefined || tableB === undefined || tableC === undefined) return false
  const [a, b, c] = chosen as [number, number, number]
  for (let i = 0, s = 0, o = 0; i < pixels; i++, s += stride, o += 3) {
    out[o] = tableA[from[s + a]!]!
    out[o + 1] = tableB[from[s + b]!]!
    out[o + 2] = tableC[from[s + c]!]!
  }
  return true
}

/** The chosen samples as Float32 with scale and offset, interleaved in that order. */
export function valuesOf(
  block: SampleBlock,
  chosen: readonly number[],
  scales: StoredSamples['scales'],
  pixels: number,
): { data: Float32Array; mask: undefined } {
  const bands = chosen.length
  const isPlain = chosen.every((s) => {
    const by = scales?.[s]
    return by === undefined || (by.scale === 1 && by.offset === 0)
  })
  const first = block.arrays[chosen[0]!]!
  if (isPlain && bands === 1 && block.stride === 1 && first instanceof Float32Array) {
    return { data: first.subarray(0, pixels), mask: undefined }
  }
  const data = new Float32Array(pixels * bands)
  for (const [i, sample] of chosen.entries()) {
    const { scale, offset } = scales?.[sample] ?? { scale: 1, offset: 0 }
    scaleBand(block.arrays[sample]!, offsetOf(block, sample), block.stride, scale, offset, data, i, bands)
  }
  return { data, mask: undefined }
}

function scaleBand(
  from: SampleArray,
  at: number,
  stride: number,
  scale: number,
  offset: number,
  out: Float32Array,
  outAt: number,
  outStride: number,
): void {
  const pixels = out.length / outStride
  for (let i = 0, o = 0, s = 0; i < pixels; i++, o += outStride, s += stride) {
    out[o + outAt] = from[s + at]! * scale + offset
  }
}
/** The chosen samples as separate planes, divided by alpha where it is neither 0 nor full. */
export function dividedByAlpha(
  block: SampleBlock,
  chosen: readonly number[],
  alpha: number,
  top: number,
  pixels: number,
): SampleBlock {
  const arrays = new Array<SampleArray | undefined>(block.arrays.length).fill(undefined)
  const by = block.arrays[alpha]!
  const byOffset = offsetOf(block, alpha)
  for (const sample of chosen) {
    const from = block.arrays[sample]!
    const out = new Float64Array(pixels)
    const step = block.stride
    let s = offsetOf(block, sample)
    for (let i = 0, a = byOffset; i < pixels; i++, s += step, a += step) {
      const opacity = by[a]!
      const full = Number.isNaN(top) ? (opacity <= 1 ? 1 : 255) : top
      const value = opacity > 0 && opacity < full ? (from[s]! * full) / opacity : from[s]!
      out[i] = value > top ? top : value
    }
    arrays[sample] = out
  }
  return { arrays, stride: 1 }
}
