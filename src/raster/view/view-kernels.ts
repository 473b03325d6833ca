// The loops of view.ts that compute masks, from alpha, nodata and NaN, and the types of blocks. view-colours.ts has
// those for colours and values. They allocate only the result, and no closures per pixel.
import type { StoredSamples } from '../source.js'
import { isFilledWith, splitFours } from '../words.js'
import type { SampleArray } from './tone.js'

/** Samples of a block: interleaved (one array with `stride` samples per pixel) or one plane per sample (stride 1). */
export interface SampleBlock {
  /** Arrays by sample number. Interleaved samples repeat the same array; unneeded planes are undefined. */
  readonly arrays: readonly (SampleArray | undefined)[]
  readonly stride: number
}

/** Pixels of a block: width × rows × bands samples, and a mask unless everything is opaque. */
export interface ViewedBlock {
  readonly data: Uint8Array | Float32Array
  readonly mask: Uint8Array | undefined
}

/** Stored values from `low` to `high` mean "nothing here". */
export interface NodataRange {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** As GDAL's ARE_REAL_EQUAL: a few units in the last place, for numbers that were stored as text. */
const SINGLE_STEPS = 4 * 2 ** -23
const DOUBLE_STEPS = 4 * 2 ** -52
const LARGEST_SINGLE = 3.4028e38

/**
 * The range of a nodata value; undefined when no sample can have it (not an integer, or out of range) or it is NaN,
 * which is always empty.
 */
export function nodataRange(value: number, stored: StoredSamples): NodataRange | undefined {
  const { type, bits } = stored
  if (Number.isNaN(value)) return undefined
  if (type.startsWith('float')) {
    // many writers store the lowest single as "-3.4028e+38"
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

/** The index of a sample's first value in its array. */
export const offsetOf = (block: SampleBlock, sample: number): number => (block.stride === 1 ? 0 : sample)
/** Copies every `stride`-th sample. */
export function pick(
  out: Uint8Array,
  from: Uint8Array,
  offset: number,
  stride: number,
  pixels: number,
): void {
  if (stride === 4 && offset === 3 && splitFours(from, pixels, undefined, out)) return
  for (let i = 0, s = 0; i < pixels; i++, s += stride) out[i] = from[s + offset]!
}

/**
 * The alpha samples as a mask of 0…255; undefined when all is opaque. `hard`: every value but 0 is opaque. `top` is
 * full alpha; NaN: alpha is a float of 0…1 or 0…255.
 */
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
  if (top === 255 && from instanceof Uint8Array) pick(mask, from, offset, block.stride, pixels)
  else scaleAlpha(mask, from, offset, block.stride, top)
  if (hard) for (let i = 0; i < pixels; i++) if (mask[i] !== 0) mask[i] = 255
  return isOpaque(mask) ? undefined : mask
}

function scaleAlpha(mask: Uint8Array, from: SampleArray, offset: number, stride: number, top: number): void {
  const isFloat = Number.isNaN(top)
  for (let i = 0, s = offset; i < mask.length; i++, s += stride) {
    const v = from[s]!
    // values just above 0 do not become 0
    const scaled = isFloat ? (v <= 1 ? v * 255 : v) : (v * 255) / top
    mask[i] = scaled > 0 ? Math.min(255, Math.max(1, Math.floor(scaled + 0.5))) : 0
  }
}

export const isOpaque = (mask: Uint8Array): boolean => isFilledWith(mask, 255)

/** The smaller of both, pixel by pixel, written to the first. */
export function intersect(a: Uint8Array, b: Uint8Array): Uint8Array {
  for (let i = 0; i < a.length; i++) if (b[i]! < a[i]!) a[i] = b[i]!
  return a
}
/** Clears the mask where every chosen sample has its nodata value and, with `floats`, where any is not finite. */
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
 * Clears pixels of one to three samples with one nodata value each, the usual case. The first sample decides most
 * pixels. (`s` starts at a constant, because V8 compiles that to a loop twice as fast.)
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

/** As `clearEqual`, with a range per sample. */
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

/** Sets band `at` of the values to NaN where the stored sample lies in any of the ranges. */
export function clearBand(
  values: Float32Array,
  block: SampleBlock,
  sample: number,
  { at, bands, ranges }: { at: number; bands: number; ranges: readonly NodataRange[] },
): void {
  const from = block.arrays[sample]!
  for (const { low, high } of ranges) {
    for (let d = at, s = offsetOf(block, sample); d < values.length; d += bands, s += block.stride) {
      const v = from[s]!
      if (v >= low && v <= high) values[d] = Number.NaN
    }
  }
}

/** Clears pixels that are not finite, and doubles beyond the range of a single, which would become infinite. */
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
