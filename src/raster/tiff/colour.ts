// Samples as stored → the pixels the rest of the project works with: one or three 8-bit colour bands and a
// mask. Which samples are colour, which one is alpha, palette, inverted grey, nodata: decided once per image
// as a plain ColourPlan; applying it to a block is a few tight loops, and none at all for plain grey and RGB.
import type { MaskKind } from '../source.js'
import type { ImageLayout } from './layout.js'
import { Photometric } from './tags.js'

export interface ColourPlan {
  readonly bands: 1 | 3
  /** Sample numbers of the colour bands; one of them for a palette. */
  readonly colour: readonly number[]
  readonly alpha: number | undefined
  /** Colours are stored multiplied by alpha. */
  readonly premultiplied: boolean
  /** Stored value → 8-bit value (inverted grey, fewer than eight bits); undefined: as it is. */
  readonly lut: Uint8Array | undefined
  /** The same for alpha, which is never inverted. */
  readonly alphaLut: Uint8Array | undefined
  /** 256 × bands. */
  readonly palette: Uint8Array | undefined
  /** Stored colours that mean "nothing here", one value a colour sample each. */
  readonly nodata: readonly (readonly number[])[]
  readonly maskKind: MaskKind
}

/** Pixels of a block: width × rows × bands, and the mask when not everything is opaque. */
export interface ColourBlock {
  readonly data: Uint8Array
  readonly mask: Uint8Array | undefined
}

/** Samples of a block: interleaved (one array, `stride` samples a pixel) or a plane a sample (stride 1). */
export interface SampleBlock {
  /** By sample number; interleaved samples repeat the same array. Planes nobody needs are undefined. */
  readonly arrays: readonly (Uint8Array | undefined)[]
  readonly stride: number
}

const scaleLut = (bits: number, inverted: boolean): Uint8Array | undefined => {
  if (bits === 8 && !inverted) return undefined
  const top = 2 ** bits - 1
  return Uint8Array.from({ length: 256 }, (_, v) => {
    const scaled = Math.round((Math.min(v, top) * 255) / top)
    return inverted ? 255 - scaled : scaled
  })
}

/** ColorMap is all reds, all greens, all blues, 16 bits each; some writers left the values at 8. As GDAL reads it. */
function paletteOf(map: Float64Array, bits: number): { bands: 1 | 3; table: Uint8Array } {
  const size = 2 ** bits
  const factor = map.every((v) => v < 256) ? 1 : 1 / 257
  const rgb = new Uint8Array(256 * 3)
  for (let i = 0; i < size; i++) {
    for (let b = 0; b < 3; b++) rgb[i * 3 + b] = Math.round((map[b * size + i] ?? 0) * factor)
  }
  const isGrey = rgb.every((v, i) => v === rgb[i - (i % 3)])
  return isGrey ? { bands: 1, table: rgb.filter((_, i) => i % 3 === 0) } : { bands: 3, table: rgb }
}

/** ExtraSamples of sample `s`: 1 associated alpha, 2 unassociated alpha, 0 anything else. */
function alphaKind(layout: ImageLayout, s: number): number {
  const firstExtra = layout.samplesPerPixel - layout.extraSamples.length
  const kind = layout.extraSamples[s - firstExtra]
  if (kind !== undefined) return kind
  // RGB with a fourth sample and no word about it: alpha, as GDAL takes it.
  return layout.photometric === Photometric.Rgb && layout.samplesPerPixel === 4 && s === 3 ? 2 : 0
}

/** How to make colours of an image that is known to be supported. `nodata`: see openGeoTiff. */
export function planColour(layout: ImageLayout, nodata: readonly (readonly number[])[]): ColourPlan {
  const { samplesPerPixel: samples, bitsPerSample: bits, photometric } = layout
  if (photometric === Photometric.Palette) {
    const { bands, table } = paletteOf(layout.colorMap!, bits)
    return finish(layout, { bands, colour: [0], palette: table, lut: undefined }, nodata)
  }
  const isGrey = photometric === Photometric.MinIsWhite || samples < 3 || alphaKind(layout, 1) > 0
  return finish(
    layout,
    {
      bands: isGrey ? 1 : 3,
      colour: isGrey ? [0] : [0, 1, 2],
      palette: undefined,
      lut: scaleLut(bits, photometric === Photometric.MinIsWhite),
    },
    nodata,
  )
}

type Base = Pick<ColourPlan, 'bands' | 'colour' | 'palette' | 'lut'>

function finish(layout: ImageLayout, base: Base, nodata: readonly (readonly number[])[]): ColourPlan {
  let alpha: number | undefined
  for (let s = base.colour.length; s < layout.samplesPerPixel && alpha === undefined; s++) {
    if (alphaKind(layout, s) > 0) alpha = s
  }
  const possible = nodata
    .map((colour) => base.colour.map((_, i) => colour[i] ?? colour[0] ?? Number.NaN))
    .filter((colour) => colour.every((v) => Number.isInteger(v) && v >= 0 && v < 2 ** layout.bitsPerSample))
  return {
    ...base,
    alpha,
    alphaLut: scaleLut(layout.bitsPerSample, false),
    premultiplied: alpha !== undefined && alphaKind(layout, alpha) === 1,
    nodata: possible,
    maskKind: alpha !== undefined ? 'alpha' : possible.length > 0 ? 'binary' : 'none',
  }
}

/** What a block that is not stored holds: nodata, else 0. One value a sample. */
export const emptySample = (plan: ColourPlan, sample: number): number =>
  plan.nodata[0]?.[plan.colour.indexOf(sample)] ?? 0

/** How to read a transparency mask: whatever is not 0 is opaque, in the one band of `data`. */
export const MASK_PLAN: ColourPlan = {
  bands: 1,
  colour: [0],
  alpha: undefined,
  premultiplied: false,
  lut: Uint8Array.from({ length: 256 }, (_, v) => (v === 0 ? 0 : 255)),
  alphaLut: undefined,
  palette: undefined,
  nodata: [],
  maskKind: 'none',
}

/** `pixels` pixels of colour. The result may be the samples' own memory, which is given up to it. */
export function toColour(plan: ColourPlan, samples: SampleBlock, pixels: number): ColourBlock {
  const alpha = plan.alpha === undefined ? undefined : alphaMask(plan, samples, pixels)
  const data = colourData(plan, samples, pixels)
  if (plan.premultiplied && alpha !== undefined) unpremultiply(data, alpha, plan.bands)
  // Compared as stored: `data` may have been looked up, inverted or divided by alpha.
  let mask = alpha
  for (const colour of plan.nodata) mask = nodataMask(plan, samples, pixels, colour, mask)
  return { data, mask }
}

function colourData(plan: ColourPlan, { arrays, stride }: SampleBlock, pixels: number): Uint8Array {
  const [a, b, c] = plan.colour
  const first = arrays[a!]!
  if (plan.palette !== undefined) return applyPalette(plan, first, stride, pixels)
  // Already as we want it: no copy.
  if (stride === plan.bands && plan.lut === undefined) return first.subarray(0, pixels * plan.bands)
  const out = new Uint8Array(pixels * plan.bands)
  if (plan.bands === 1) pick(out, first, stride === 1 ? 0 : a!, stride, pixels)
  else if (stride === 1) interleave(out, first, arrays[b!]!, arrays[c!]!, pixels)
  else pickThree(out, first, a!, stride, pixels)
  if (plan.lut !== undefined) translate(out, plan.lut)
  return out
}

function pick(out: Uint8Array, from: Uint8Array, offset: number, stride: number, pixels: number): void {
  for (let i = 0, s = offset; i < pixels; i++, s += stride) out[i] = from[s]!
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

function interleave(out: Uint8Array, a: Uint8Array, b: Uint8Array, c: Uint8Array, pixels: number): void {
  for (let i = 0, o = 0; i < pixels; i++, o += 3) {
    out[o] = a[i]!
    out[o + 1] = b[i]!
    out[o + 2] = c[i]!
  }
}

function translate(data: Uint8Array, lut: Uint8Array): void {
  for (let i = 0; i < data.length; i++) data[i] = lut[data[i]!]!
}

function applyPalette(plan: ColourPlan, from: Uint8Array, stride: number, pixels: number): Uint8Array {
  const table = plan.palette!
  const out = new Uint8Array(pixels * plan.bands)
  if (plan.bands === 1) {
    for (let i = 0, s = 0; i < pixels; i++, s += stride) out[i] = table[from[s]!]!
    return out
  }
  for (let i = 0, o = 0, s = 0; i < pixels; i++, o += 3, s += stride) {
    const t = from[s]! * 3
    out[o] = table[t]!
    out[o + 1] = table[t + 1]!
    out[o + 2] = table[t + 2]!
  }
  return out
}

/** Undefined when all of it is opaque. */
function alphaMask(
  plan: ColourPlan,
  { arrays, stride }: SampleBlock,
  pixels: number,
): Uint8Array | undefined {
  const mask = new Uint8Array(pixels)
  pick(mask, arrays[plan.alpha!]!, stride === 1 ? 0 : plan.alpha!, stride, pixels)
  if (plan.alphaLut !== undefined) translate(mask, plan.alphaLut)
  return isOpaque(mask) ? undefined : mask
}

export function isOpaque(mask: Uint8Array): boolean {
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 255) return false
  return true
}

/** Clears the mask where every colour sample has its nodata value. */
function nodataMask(
  plan: ColourPlan,
  { arrays, stride }: SampleBlock,
  pixels: number,
  nodata: readonly number[],
  mask: Uint8Array | undefined,
): Uint8Array | undefined {
  const a = arrays[plan.colour[0]!]!
  const b = arrays[plan.colour[1] ?? plan.colour[0]!]!
  const c = arrays[plan.colour[2] ?? plan.colour[0]!]!
  const offsetB = stride === 1 || plan.colour.length === 1 ? 0 : plan.colour[1]!
  const offsetC = stride === 1 || plan.colour.length === 1 ? 0 : plan.colour[2]!
  const na = nodata[0]!
  const nb = nodata[1] ?? na
  const nc = nodata[2] ?? na
  let out = mask
  for (let i = 0, s = 0; i < pixels; i++, s += stride) {
    if (a[s] !== na || b[s + offsetB] !== nb || c[s + offsetC] !== nc) continue
    out ??= new Uint8Array(pixels).fill(255)
    out[i] = 0
  }
  return out
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
