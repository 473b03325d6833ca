// A rectangle of pixels that warps and mosaics paint into: Pixels that always have a mask.
//
// Invariant: a pixel whose mask is 0 has never been painted, and its samples are meaningless.
import { type Pixels, type Samples, samplesLike } from './pixels.js'
import { simd } from './simd.js'
import { isFilledWith } from './words.js'

export interface Canvas<T extends Samples = Uint8Array> extends Pixels<T> {
  readonly mask: Uint8Array
}

/** 'none' nothing painted, 'full' every pixel opaque, 'partial' anything else. */
export type Coverage = 'none' | 'partial' | 'full'

export function createCanvas(width: number, height: number, bands: number): Canvas {
  const pixels = width * height
  return { width, height, bands, data: new Uint8Array(pixels * bands), mask: new Uint8Array(pixels) }
}

/** A canvas of one band of values. */
export function createValueCanvas(width: number, height: number): Canvas<Float32Array> {
  const pixels = width * height
  return { width, height, bands: 1, data: new Float32Array(pixels), mask: new Uint8Array(pixels) }
}

export function coverageOf(mask: Uint8Array | undefined): Coverage {
  if (mask === undefined) return 'full'
  const first = mask[0] ?? 0
  if ((first !== 0 && first !== 255) || !isFilledWith(mask, first)) return 'partial'
  return first === 0 ? 'none' : 'full'
}

const COVERAGES: Readonly<Record<number, Coverage>> = { 0: 'none', 1: 'partial', 255: 'full' }

/**
 * Copies a rectangle the size of `to` from a canvas, and returns how much of it is painted. When it is empty, only the
 * mask is copied; when it is opaque, only the samples.
 */
export function cutInto(from: Canvas<Samples>, x: number, y: number, to: Canvas<Samples>): Coverage {
  const { width, height, bands } = to
  const here = simd()
  const maskAt = here?.addressOf(from.mask) ?? -1
  const dataAt = here?.addressOf(from.data) ?? -1
  const toAt = here?.addressOf(to.data) ?? -1
  const first = y * from.width + x
  const bytes = bands * from.data.BYTES_PER_ELEMENT
  if (here !== undefined && Math.min(maskAt, dataAt, toAt) >= 0 && width % 16 === 0) {
    const { copyRows, coverage } = here.kernels
    const found = COVERAGES[coverage(maskAt + first, from.width, width, height)]!
    if (found !== 'full') copyMask(from, first, to)
    if (found !== 'none') {
      copyRows(dataAt + first * bytes, from.width * bytes, toAt, width * bytes, width * bytes, height)
    }
    return found
  }
  copyMask(from, first, to)
  const found = coverageOf(to.mask)
  if (found === 'none') return found
  for (let row = 0; row < height; row++) {
    const at = (first + row * from.width) * bands
    to.data.set(from.data.subarray(at, at + width * bands), row * width * bands)
  }
  return found
}

function copyMask(from: Canvas<Samples>, first: number, to: Canvas<Samples>): void {
  const { width, height, mask } = to
  for (let row = 0; row < height; row++) {
    const at = first + row * from.width
    mask.set(from.mask.subarray(at, at + width), row * width)
  }
}

/** The canvas as Pixels: without a mask when opaque, undefined when nothing was painted. */
export function finishCanvas<T extends Samples>(canvas: Canvas<T>): Pixels<T> | undefined {
  const coverage = coverageOf(canvas.mask)
  if (coverage === 'none') return undefined
  return coverage === 'full' ? { ...canvas, mask: undefined } : canvas
}

/**
 * A copy of a rectangle of `from`. The mask is left out when every pixel is opaque.
 * @throws RangeError when the rectangle does not lie inside
 */
export function crop<T extends Samples>(
  from: Pixels<T>,
  x: number,
  y: number,
  width: number,
  height: number,
): Pixels<T> {
  if (x < 0 || y < 0 || x + width > from.width || y + height > from.height) {
    throw new RangeError(`${width}×${height} at ${x},${y} leaves the ${from.width}×${from.height} pixels`)
  }
  const { bands } = from
  const data = samplesLike(from.data, width * height * bands)
  const mask = from.mask && new Uint8Array(width * height)
  for (let row = 0; row < height; row++) {
    const at = (y + row) * from.width + x
    data.set(from.data.subarray(at * bands, (at + width) * bands), row * width * bands)
    if (mask) mask.set(from.mask.subarray(at, at + width), row * width)
  }
  return { width, height, bands, data, mask: coverageOf(mask) === 'full' ? undefined : mask }
}
