// The loops behind view.ts: samples picked, toned, inverted, compared with nodata, block by block.
// Plain grey and RGB of 8 bits are not even copied. No allocation but the result, no closures a pixel.
import type { StoredSamples } from './source.js'
import {
  type BandTone,
  type BandUnits,
  type Colormap,
  colourBand,
  type SampleArray,
  toneBand,
} from './tone.js'

/** Samples of a block: interleaved (one array, `stride` samples a pixel) or a plane a sample (stride 1). */
export interface SampleBlock {
  /** By sample number; interleaved samples repeat the same array. Planes nobody needs are undefined. */
  readonly arrays: readonly (SampleArray | undefined)[]
  readonly stride: number
}

/** Pixels of a block: width × rows × bands, and the mask when not everything is opaque. */
export interface ViewedBlock {
  readonly data: Uint8Array | Float32Array
  readonly mask: Uint8Array | undefined
}

/** Stored values low … high mean "nothing here". */
export interface NodataRange {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** GDAL's ARE_REAL_EQUAL: a few units in the last place, for numbers that went through text. */
const SINGLE_STEPS = 4 * 2 ** -23
const DOUBLE_STEPS = 4 * 2 ** -52
const LARGEST_SINGLE = 3.4028e38

/** Undefined when no sample can have the value (not an integer, out of range, NaN which is always empty). */
export function nodataRange(value: number, stored: StoredSamples): NodataRange | undefined {
  const { type, bits } = stored
  if (Number.isNaN(value)) return undefined
  if (type.startsWith('float')) {
    // "-3.4028e+38" is what half of the writers make of the lowest single.
    if (Math.abs(value) >= LARGEST_SINGLE && type !== 'float64') {
      return value < 0
        ? { value, low: -Infinity, high: -LARGEST_SINGLE }
        : { value, low: LARGEST_SINGLE, high: Infinity }
    }
    const slack = Math.abs(value) * (type === 'float64' ? DOUBLE_STEPS : SINGLE_STEPS)
    return { value, low: value - slack, high: value + slack }
  }
  const isSigned = type.startsWith('int')
  const low = isSigned ? -(2 ** (bits - 1)) : 0
  const high = isSigned ? 2 ** (bits - 1) - 1 : 2 ** bits - 1
  if (!Number.isInteger(value) || value < low || value > high) return undefined
  return { value, low: value, high: value }
}

const offsetOf = (block: SampleBlock, sample: number): number => (block.stride === 1 ? 0 : sample)

const tableOfBits = (bits: number, inverted: boolean): Uint8Array => {
  const top = 2 ** bits - 1
  return Uint8Array.from({ length: 256 }, (_, v) => {
    const scaled = Math.round((Math.min(v, top) * 255) / top)
    return inverted ? 255 - scaled : scaled
  })
}

/** 8-bit (or less) samples as they are; inverted and stretched to 0…255 when need be, divided by `alpha` when given. */
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
  // Already as we want it: no copy.
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

function pick(out: Uint8Array, from: Uint8Array, offset: number, stride: number, pixels: number): void {
  for (let i = 0, s = 0; i < pixels; i++, s += stride) out[i] = from[s + offset]!
}

/** Three samples next to each other out of `stride`. */
function pickThree(out: Uint8Array, from: Uint8Array, offset: number, stride: number, pixels: number): void {
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

/** colour · 255 / alpha, where alpha is neither 0 nor 255; in place. */
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
  // Indexes beyond the table are black, as colours of a table that ends there (typed arrays give undefined → 0).
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
 * Inks → light, as libtiff's RGBA reading does: (255 − ink)·(255 − black) / 255, truncated. `top`: a full ink;
 * floats may go beyond it, and typed arrays would wrap around.
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

/** Samples as Float32 with scale and offset, interleaved in the order chosen. */
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

/** 0…255; undefined when all of it is opaque. `hard`: whatever is not 0 is opaque. `top` NaN: 0…1 or 0…255. */
export function alphaMask(
  block: SampleBlock,
  sample: number,
  pixels: number,
  top: number,
  hard: boolean,
): Uint8Array | undefined {
  const mask = new Uint8Array(pixels)
  const from = block.arrays[sample]!
  const offset = offsetOf(block, sample)
  if (top === 255) pick(mask, from as Uint8Array, offset, block.stride, pixels)
  else scaleAlpha(mask, from, offset, block.stride, top)
  if (hard) for (let i = 0; i < pixels; i++) if (mask[i] !== 0) mask[i] = 255
  return isOpaque(mask) ? undefined : mask
}

function scaleAlpha(mask: Uint8Array, from: SampleArray, offset: number, stride: number, top: number): void {
  const isFloat = Number.isNaN(top)
  for (let i = 0, s = offset; i < mask.length; i++, s += stride) {
    const v = from[s]!
    // What is not quite nothing stays something.
    const scaled = isFloat ? (v <= 1 ? v * 255 : v) : (v * 255) / top
    mask[i] = scaled > 0 ? Math.min(255, Math.max(1, Math.floor(scaled + 0.5))) : 0
  }
}

export function isOpaque(mask: Uint8Array): boolean {
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 255) return false
  return true
}

/** The smaller of both, pixel by pixel, in the first. */
export function intersect(a: Uint8Array, b: Uint8Array): Uint8Array {
  for (let i = 0; i < a.length; i++) if (b[i]! < a[i]!) a[i] = b[i]!
  return a
}

/** Chosen samples as planes of their own, divided by alpha where that is neither nothing nor full. */
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

/** Clears the mask where every chosen sample has its nodata value, and where any of `floats` is no number. */
export function clearEmpty(
  block: SampleBlock,
  chosen: readonly number[],
  nodata: readonly (readonly NodataRange[])[],
  floats: boolean,
  pixels: number,
  mask: Uint8Array | undefined,
): Uint8Array | undefined {
  let out = mask
  for (const ranges of nodata) {
    const clear = ranges.every(({ low, high }) => low === high) ? clearEqual : clearRange
    out =
      chosen.length > 3
        ? clearMany(block, chosen, ranges, pixels, out)
        : clear(block, chosen, ranges, pixels, out)
  }
  if (floats) for (const sample of chosen) out = clearNotFinite(block, sample, pixels, out)
  return out
}

/**
 * One to three samples: the first one decides most pixels. The usual case, one value each. (Written so that `s`
 * begins with a constant: V8 makes twice as fast a loop of it.)
 */
function clearEqual(
  { arrays, stride }: SampleBlock,
  chosen: readonly number[],
  ranges: readonly NodataRange[],
  pixels: number,
  mask: Uint8Array | undefined,
): Uint8Array | undefined {
  const [a, b, c] = [chosen[0]!, chosen[1] ?? chosen[0]!, chosen[2] ?? chosen[0]!]
  const fromA = arrays[a]!
  const fromB = arrays[b]!
  const fromC = arrays[c]!
  const atA = stride === 1 ? 0 : a
  const atB = stride === 1 ? 0 : b
  const atC = stride === 1 ? 0 : c
  const na = ranges[0]!.value
  const nb = (ranges[1] ?? ranges[0]!).value
  const nc = (ranges[2] ?? ranges[0]!).value
  let out = mask
  for (let i = 0, s = 0; i < pixels; i++, s += stride) {
    if (fromA[s + atA] !== na || fromB[s + atB] !== nb || fromC[s + atC] !== nc) continue
    out ??= new Uint8Array(pixels).fill(255)
    out[i] = 0
  }
  return out
}

/** One to three samples, a range each. */
function clearRange(
  { arrays, stride }: SampleBlock,
  chosen: readonly number[],
  ranges: readonly NodataRange[],
  pixels: number,
  mask: Uint8Array | undefined,
): Uint8Array | undefined {
  const [a, b, c] = [chosen[0]!, chosen[1] ?? chosen[0]!, chosen[2] ?? chosen[0]!]
  const fromA = arrays[a]!
  const fromB = arrays[b]!
  const fromC = arrays[c]!
  const atA = stride === 1 ? 0 : a
  const atB = stride === 1 ? 0 : b
  const atC = stride === 1 ? 0 : c
  const { low: lowA, high: highA } = ranges[0]!
  const { low: lowB, high: highB } = ranges[1] ?? ranges[0]!
  const { low: lowC, high: highC } = ranges[2] ?? ranges[0]!
  let out = mask
  for (let i = 0, s = 0; i < pixels; i++, s += stride) {
    const va = fromA[s + atA]!
    if (!(va >= lowA && va <= highA)) continue
    const vb = fromB[s + atB]!
    const vc = fromC[s + atC]!
    if (!(vb >= lowB && vb <= highB && vc >= lowC && vc <= highC)) continue
    out ??= new Uint8Array(pixels).fill(255)
    out[i] = 0
  }
  return out
}

function clearMany(
  block: SampleBlock,
  chosen: readonly number[],
  ranges: readonly NodataRange[],
  pixels: number,
  mask: Uint8Array | undefined,
): Uint8Array | undefined {
  const isEmpty = new Uint8Array(pixels).fill(1)
  for (const [k, sample] of chosen.entries()) {
    const from = block.arrays[sample]!
    const { low, high } = ranges[k]!
    for (let i = 0, s = offsetOf(block, sample); i < pixels; i++, s += block.stride) {
      const v = from[s]!
      if (!(v >= low && v <= high)) isEmpty[i] = 0
    }
  }
  let out = mask
  for (let i = 0; i < pixels; i++) {
    if (isEmpty[i] === 0) continue
    out ??= new Uint8Array(pixels).fill(255)
    out[i] = 0
  }
  return out
}

/** Also doubles beyond what a single holds: they would come out infinite. */
function clearNotFinite(
  block: SampleBlock,
  sample: number,
  pixels: number,
  mask: Uint8Array | undefined,
): Uint8Array | undefined {
  const from = block.arrays[sample]!
  let out = mask
  const at = offsetOf(block, sample)
  const { stride } = block
  for (let i = 0, s = 0; i < pixels; i++, s += stride) {
    const v = from[s + at]!
    if (v >= -3.4028235677973362e38 && v <= 3.4028235677973362e38) continue
    out ??= new Uint8Array(pixels).fill(255)
    out[i] = 0
  }
  return out
}
