// The loops that paint a strip of a file onto a plane of a VRT: the nearest pixel, or the average of the covered
// pixels.
import type { Samples } from '../pixels.js'
import type { PixelWindow, SampleType } from '../source.js'
import type { SampleArray } from '../view/tone.js'
import type { Axis } from './axis.js'
import type { Piece } from './piece.js'
import type { BandPlace } from './source-pool.js'

/** The pixels of a file that were read for destination rows [begin, end). */
export interface Strip {
  readonly width: number
  readonly height: number
  readonly bands: number
  readonly data: Samples
  readonly mask: Uint8Array | undefined
  /** Position of the first pixel in the file's level. */
  readonly left: number
  readonly top: number
  readonly across: Axis
  readonly down: Axis
  readonly begin: number
  readonly end: number
}

export interface Target {
  readonly plane: SampleArray
  /** Samples per pixel of the plane, and which of them is painted. */
  readonly stride: number
  readonly offset: number
  readonly type: SampleType
  readonly window: PixelWindow
}

const RANGES: Readonly<Partial<Record<SampleType, readonly [number, number]>>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
  uint32: [0, 2 ** 32 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint64: [0, 2 ** 64],
  int64: [-(2 ** 63), 2 ** 63],
}
/** The files' values are read as singles. */
const NODATA_SLACK = 4 * 2 ** -23

/** How the values of a piece become samples of the plane. */
interface Paint {
  /** Values in [low, high] are not painted. NaN: all are painted. */
  readonly low: number
  readonly high: number
  readonly skipsNaN: boolean
  /** Index of the band in the data. Undefined: the mask is the value. */
  readonly at: number | undefined
  readonly usesMask: boolean
  /** Stored value of the file = (value − shift) / divide. */
  readonly divide: number
  readonly shift: number
  readonly scale: number
  readonly offset: number
  readonly lut: Piece['lut']
  readonly min: number
  readonly max: number
  readonly rounds: boolean
}

function paintOf(piece: Piece, place: BandPlace | 'mask', type: SampleType): Paint {
  const { nodata = Number.NaN } = piece
  const slack = Math.abs(nodata) * NODATA_SLACK
  const range = RANGES[type]
  return {
    low: nodata - slack,
    high: nodata + slack,
    skipsNaN: piece.nodata !== undefined && Number.isNaN(nodata),
    at: place === 'mask' || place.at === 'alpha' ? undefined : place.at,
    usesMask: piece.useMask,
    divide: place === 'mask' ? 1 : place.scale,
    shift: place === 'mask' ? 0 : place.offset,
    scale: piece.scale,
    offset: piece.offset,
    lut: piece.lut,
    min: range?.[0] ?? -Infinity,
    max: range?.[1] ?? Infinity,
    rounds: range !== undefined,
  }
}

/** Rounds half away from zero and clamps, as GDAL converts numbers to integers. */
function sampleOf(value: number, paint: Paint): number {
  let v = value * paint.scale + paint.offset
  if (paint.lut !== undefined) v = lookUp(paint.lut, v)
  if (!paint.rounds) return v
  // also catches NaN
  if (!(v > paint.min)) return v <= paint.min ? paint.min : 0
  if (v >= paint.max) return paint.max
  return v >= 0 ? Math.floor(v + 0.5) : Math.ceil(v - 0.5)
}

function lookUp(lut: readonly (readonly [number, number])[], value: number): number {
  let low = 0
  let high = lut.length - 1
  if (!(value > lut[0]![0])) return lut[0]![1]
  if (value >= lut[high]![0]) return lut[high]![1]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (lut[middle]![0] <= value) low = middle
    else high = middle
  }
  const [x0, y0] = lut[low]!
  const [x1, y1] = lut[high]!
  return y0 + ((y1 - y0) * (value - x0)) / (x1 - x0)
}

function nearestColumns({ across, left }: Strip): Int32Array {
  const columns = new Int32Array(across.end - across.begin)
  for (let i = 0; i < columns.length; i++) columns[i] = nearest(across, across.begin + i) - left
  return columns
}

const nearest = ({ start, step, low, high }: Axis, p: number): number =>
  Math.min(high - 1, Math.max(low, Math.floor(start + (p + 0.5) * step + 1e-10)))

export function nearestStroke(strip: Strip, piece: Piece, place: BandPlace | 'mask', target: Target): void {
  const paint = paintOf(piece, place, target.type)
  const { data, mask, bands, across, down } = strip
  const { plane, window, stride, offset } = target
  const columns = nearestColumns(strip)
  const { low, high, skipsNaN, at, usesMask, divide, shift } = paint
  const isPlain = divide === 1 && shift === 0
  const isCopied = paint.scale === 1 && paint.offset === 0 && paint.lut === undefined && isPlain
  const isSame = isCopied && plane.constructor === data.constructor
  const isRow = isSame && at !== undefined && !skipsNaN && (!usesMask || mask === undefined) && isRun(columns)
  for (let row = strip.begin; row < strip.end; row++) {
    const from = (nearest(down, row) - strip.top) * strip.width
    const to = ((row - window.y) * window.width + across.begin - window.x) * stride + offset
    if (isRow) {
      copyRow(data, (from + columns[0]!) * bands + at, bands, plane, to, stride, columns.length, low, high)
      continue
    }
    for (let i = 0; i < columns.length; i++) {
      const pixel = from + columns[i]!
      if (usesMask && mask !== undefined && mask[pixel] === 0) continue
      const read = at === undefined ? (mask === undefined ? 255 : mask[pixel]!) : data[pixel * bands + at]!
      const value = isPlain ? read : (read - shift) / divide
      if ((value >= low && value <= high) || (skipsNaN && Number.isNaN(value))) continue
      plane[to + i * stride] = isSame ? value : sampleOf(value, paint)
    }
  }
}

const isRun = (columns: Int32Array): boolean => columns.every((column, i) => column === columns[0]! + i)

/** The simple case: copies adjacent pixels, except values from `low` to `high`. */
function copyRow(
  from: Samples,
  at: number,
  step: number,
  to: SampleArray,
  toAt: number,
  toStep: number,
  count: number,
  low: number,
  high: number,
): void {
  for (let i = 0, s = at, d = toAt; i < count; i++, s += step, d += toStep) {
    const value = from[s]!
    if (!(value >= low && value <= high)) to[d] = value
  }
}

/** Paints averages. Pixels of which less than half has values are unchanged. */
export function averageStroke(strip: Strip, piece: Piece, place: BandPlace | 'mask', target: Target): void {
  const paint = paintOf(piece, place, target.type)
  const { across, down } = strip
  const { plane, window, stride, offset } = target
  for (let row = strip.begin; row < strip.end; row++) {
    const y0 = Math.max(down.low, down.start + row * down.step)
    const y1 = Math.min(down.high, down.start + (row + 1) * down.step)
    const to = (row - window.y) * window.width - window.x
    for (let column = across.begin; column < across.end; column++) {
      const x0 = Math.max(across.low, across.start + column * across.step)
      const x1 = Math.min(across.high, across.start + (column + 1) * across.step)
      const value = averageOf(strip, paint, x0, x1, y0, y1, across.step * down.step)
      if (!Number.isNaN(value)) plane[(to + column) * stride + offset] = sampleOf(value, paint)
    }
  }
}

/** The mean of [x0, x1) × [y0, y1) of the file's level; NaN when less than half of `area` has values. */
function averageOf(
  strip: Strip,
  { low, high, at, usesMask, divide, shift }: Paint,
  x0: number,
  x1: number,
  y0: number,
  y1: number,
  area: number,
): number {
  const { data, mask, bands, width, height, left, top } = strip
  let sum = 0
  let weight = 0
  const lastRow = Math.min(top + height, Math.ceil(y1))
  const lastColumn = Math.min(left + width, Math.ceil(x1))
  for (let y = Math.max(top, Math.floor(y0)); y < lastRow; y++) {
    const tall = Math.min(y + 1, y1) - Math.max(y, y0)
    if (!(tall > 0)) continue
    for (let x = Math.max(left, Math.floor(x0)); x < lastColumn; x++) {
      const share = (Math.min(x + 1, x1) - Math.max(x, x0)) * tall
      if (!(share > 0)) continue
      const pixel = (y - top) * width + x - left
      if (usesMask && mask !== undefined && mask[pixel] === 0) continue
      const read = at === undefined ? (mask === undefined ? 255 : mask[pixel]!) : data[pixel * bands + at]!
      const value = (read - shift) / divide
      if ((value >= low && value <= high) || Number.isNaN(value)) continue
      sum += value * share
      weight += share
    }
  }
  return weight * 2 >= area ? sum / weight : Number.NaN
}
