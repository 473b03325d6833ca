// Pixels in memory, the currency between sources, kernels and codecs.
import type { OwnBytes, OwnFloats } from '../format/own-memory.js'

/** Samples in memory: pictures are 8-bit, whatever the file holds; elevations and other values are floats. */
export type Samples = Uint8Array | Float32Array

/** A rectangle of pixels, row by row from the north-west, bands interleaved. */
export interface Pixels<T extends Samples = Uint8Array> {
  /** Pixels. */
  readonly width: number
  /** Pixels. */
  readonly height: number
  /** Colour bands: 1 (grey) or 3 (RGB); or as many values as were asked for. Never counts alpha. */
  readonly bands: number
  /** width × height × bands samples, not premultiplied; undefined content where mask is 0. */
  readonly data: T
  /** width × height, 0 nothing … 255 opaque; undefined means all 255. Also how nodata is said. */
  readonly mask: Uint8Array | undefined
}

/** Pixels as callers get them: their own, to keep, change, clone or transfer. */
export interface OwnPixels<T extends OwnBytes | OwnFloats = OwnBytes> extends Pixels<T> {
  /** As in Pixels, in memory of its own. */
  readonly mask: OwnBytes | undefined
}

/** 8-bit colours, not values. */
export const isPicture = (pixels: Pixels<Samples>): pixels is Pixels => pixels.data instanceof Uint8Array

/** Values, not colours. */
export const isValues = (pixels: Pixels<Samples>): pixels is Pixels<Float32Array> =>
  pixels.data instanceof Float32Array

/** Memory for samples of the same kind. */
export function samplesLike<T extends Samples>(like: T, length: number): T {
  return (like instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length)) as T
}

/** Memory used again and again: a large array is mapped, zeroed and unmapped by the system each time it is made. */
export interface PixelMemory {
  /** Content undefined. */
  take(length: number): Uint8Array
  /** Ends the use of what was taken; any other array is left alone. */
  give(array: ArrayBufferView): void
}

/** Resampling kernels by their GDAL names. */
export type Resampling =
  | 'nearest'
  | 'bilinear'
  | 'cubic'
  | 'cubicspline'
  | 'lanczos'
  | 'average'
  | 'mode'
  | 'min'
  | 'max'
  | 'med'
  | 'q1'
  | 'q3'
export const RESAMPLINGS: readonly Resampling[] = [
  'nearest',
  'bilinear',
  'cubic',
  'cubicspline',
  'lanczos',
  'average',
  'mode',
  'min',
  'max',
  'med',
  'q1',
  'q3',
]
