// Stored samples → 8-bit colours by a Tone: a range (and gamma) per band, or a colormap for one band. Integers of up to
// 16 bits use tables, made once; all else is computed by the same function, so that results are equal.
//
// Invariant: the result is 0…255 for every value (NaN gives 0; view.ts handles masks).
import type { ColormapStop, SampleType, Tone } from '../source.js'

/** Decoded samples of any type. 64-bit integers become doubles, 16- and 24-bit floats become singles. */
export type SampleArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array

/** What toning needs to know about a band. */
export interface BandUnits {
  readonly type: SampleType
  readonly bits: number
  /** value = stored · scale + offset. */
  readonly scale: number
  readonly offset: number
  /** 0 is white, so toned values are inverted. */
  readonly inverted: boolean
}

const SMALL: Readonly<Partial<Record<SampleType, number>>> = { uint8: 8, int8: 8, uint16: 16, int16: 16 }

/** (value − min) / (max − min), clamped to 0…1, to the power 1/gamma, times 255, rounded half up. */
function toneValue(value: number, min: number, max: number, gamma: number, inverted = false): number {
  const t = share(value, min, max, inverted)
  return Math.floor((gamma === 1 ? t : t ** (1 / gamma)) * 255 + 0.5)
}

/** The position of a value in the range, 0…1. */
function share(value: number, min: number, max: number, inverted: boolean): number {
  let t = (value - min) / (max - min)
  // also catches NaN, as from an empty range
  if (!(t > 0)) t = 0
  if (t > 1) t = 1
  return inverted ? 1 - t : t
}

const STEPS = 4096

/**
 * Colours at evenly spaced positions in the range. Between two equal neighbours, no power needs computing, which would
 * cost 50 ns.
 */
const stepsOf = (gamma: number): Uint8Array =>
  Uint8Array.from({ length: STEPS + 2 }, (_, i) => toneValue(Math.min(i, STEPS), 0, STEPS, gamma))

/** How one band is toned: by a table, with index = stored & tableMask, or computed. */
export interface BandTone {
  readonly table: Uint8Array | undefined
  readonly tableMask: number
  readonly min: number
  readonly max: number
  readonly gamma: number
  /** See stepsOf. Only for tones without a table. */
  readonly steps: Uint8Array | undefined
  readonly units: BandUnits
}

/** The tone of a band. `computed` makes no table, for samples that differ from the stored ones (divided by alpha). */
export function bandTone(tone: Tone, band: number, units: BandUnits, computed = false): BandTone {
  const [min, max] = tone.ranges[band] ?? tone.ranges.at(-1) ?? [0, 255]
  const { gamma } = tone
  const bits = SMALL[units.type]
  const table =
    bits === undefined || computed
      ? undefined
      : tableOf(units, bits, (value) => toneValue(value, min, max, gamma, units.inverted))
  const steps = table === undefined ? stepsOf(gamma) : undefined
  return { table, tableMask: 2 ** (bits ?? 0) - 1, min, max, gamma, steps, units }
}

function tableOf(units: BandUnits, bits: number, tone: (value: number) => number): Uint8Array {
  const table = new Uint8Array(2 ** bits)
  eachStored(units, bits, (stored, index) => {
    table[index] = tone(stored * units.scale + units.offset)
  })
  return table
}

function eachStored(units: BandUnits, bits: number, visit: (stored: number, index: number) => void): void {
  const size = 2 ** bits
  const isSigned = units.type === 'int8' || units.type === 'int16'
  for (let i = 0; i < size; i++) visit(isSigned && i >= size / 2 ? i - size : i, i)
}

/**
 * Tones `pixels` samples, every `stride`-th of `from`, into every `outStride`-th of `out`. (Positions start at a
 * constant, because V8 compiles that to a loop twice as fast.)
 */
export function toneBand(
  tone: BandTone,
  from: SampleArray,
  offset: number,
  stride: number,
  pixels: number,
  out: Uint8Array,
  outOffset: number,
  outStride: number,
): void {
  const { table, tableMask } = tone
  if (table === undefined) {
    computeBand(tone, from, offset, stride, pixels, out, outOffset, outStride)
    return
  }
  for (let i = 0, s = 0, o = 0; i < pixels; i++, s += stride, o += outStride) {
    out[o + outOffset] = table[from[s + offset]! & tableMask]!
  }
}

function computeBand(
  { min, max, gamma, steps: known, units }: BandTone,
  from: SampleArray,
  offset: number,
  stride: number,
  pixels: number,
  out: Uint8Array,
  outOffset: number,
  outStride: number,
): void {
  const { scale, offset: shift, inverted } = units
  const steps = known!
  for (let i = 0, s = 0, o = 0; i < pixels; i++, s += stride, o += outStride) {
    const t = share(from[s + offset]! * scale + shift, min, max, inverted)
    const step = (t * STEPS) | 0
    const low = steps[step]!
    out[o + outOffset] = low === steps[step + 1]! ? low : toneValue(t, 0, 1, gamma)
  }
}

/** A colormap, ready for look-ups. */
export class Colormap {
  /** Whether some colour is not opaque. */
  readonly hasAlpha: boolean
  readonly #values: Float64Array
  /** Four values per stop. */
  readonly #rgba: Float64Array
  readonly #interpolate: boolean

  constructor(stops: readonly ColormapStop[], interpolate: boolean) {
    const sorted = [...stops].sort((a, b) => a.value - b.value)
    this.#values = Float64Array.from(sorted, (stop) => stop.value)
    this.#rgba = Float64Array.from(sorted.flatMap((stop) => [...stop.rgba]))
    this.#interpolate = interpolate
    this.hasAlpha = sorted.some((stop) => stop.rgba[3] !== 255)
  }

  /** Writes the four bytes of a colour at `at`. Values outside the stops get the colour of the nearest stop. */
  lookUp(value: number, out: Uint8Array, at: number): void {
    const values = this.#values
    const rgba = this.#rgba
    const last = values.length - 1
    // the last stop that is not above the value
    let low = 0
    let high = last
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (values[middle]! <= value) low = middle
      else high = middle - 1
    }
    const from = low * 4
    const share =
      this.#interpolate && low < last && value > values[low]!
        ? (value - values[low]!) / (values[low + 1]! - values[low]!)
        : 0
    const to = share > 0 ? from + 4 : from
    for (let c = 0; c < 4; c++) {
      const a = rgba[from + c]!
      out[at + c] = Math.floor(a + (rgba[to + c]! - a) * share + 0.5)
    }
  }

  /** Four bytes for every integer of up to 16 bits; undefined for other types. */
  table(units: BandUnits): Uint8Array | undefined {
    const bits = SMALL[units.type]
    if (bits === undefined) return undefined
    const table = new Uint8Array(4 * 2 ** bits)
    eachStored(units, bits, (stored, index) => {
      this.lookUp(stored * units.scale + units.offset, table, index * 4)
    })
    return table
  }
}

/** Colours `pixels` samples: three bytes per pixel into `out`, and alpha into `alpha` if given. */
export function colourBand(
  map: Colormap,
  table: Uint8Array | undefined,
  units: BandUnits,
  from: SampleArray,
  offset: number,
  stride: number,
  pixels: number,
  out: Uint8Array,
  alpha: Uint8Array | undefined,
): void {
  const rgba = table ?? new Uint8Array(4)
  const mask = table === undefined ? 0 : table.length / 4 - 1
  for (let i = 0, s = 0, o = 0; i < pixels; i++, s += stride, o += 3) {
    let t = 0
    if (table === undefined) map.lookUp(from[s + offset]! * units.scale + units.offset, rgba, 0)
    else t = (from[s + offset]! & mask) * 4
    out[o] = rgba[t]!
    out[o + 1] = rgba[t + 1]!
    out[o + 2] = rgba[t + 2]!
    if (alpha !== undefined) alpha[i] = rgba[t + 3]!
  }
}
