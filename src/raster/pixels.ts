// Pixels in memory, as passed between sources, kernels and codecs.
import type { OwnBytes, OwnFloats } from '../format/own-memory.js'

/** Samples in memory: 8-bit for pictures, whatever the file holds; floats for elevations and other values. */
export type Samples = Uint8Array | Float32Array

/** A rectangle of pixels, row by row from the north-west, bands interleaved. */
export interface Pixels<T extends Samples = Uint8Array> {
  /** In pixels. */
  readonly width: number
  /** In pixels. */
  readonly height: number
  /** Colour bands, 1 (grey) or 3 (RGB), or the number of values requested. Alpha does not count. */
  readonly bands: number
  /** width × height × bands samples, not premultiplied. The content is undefined where the mask is 0. */
  readonly data: T
  /** width × height bytes, from 0 (nothing, or nodata) to 255 (opaque). Undefined: all 255. */
  readonly mask: Uint8Array | undefined
}

/** Pixels that the caller owns, and may keep, change, clone or transfer. */
export interface OwnPixels<T extends OwnBytes | OwnFloats = OwnBytes> extends Pixels<T> {
  /** As in Pixels. */
  readonly mask: OwnBytes | undefined
}

/** Whether pixels are 8-bit colours. */
export const isPicture = (pixels: Pixels<Samples>): pixels is Pixels => pixels.data instanceof Uint8Array

/** Whether pixels are values. */
export const isValues = (pixels: Pixels<Samples>): pixels is Pixels<Float32Array> =>
  pixels.data instanceof Float32Array

/** New memory for samples of the same type. */
export function samplesLike<T extends Samples>(like: T, length: number): T {
  return (like instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length)) as T
}

/** Reusable memory. Without it, the system maps, zeroes and unmaps every large array. */
export interface PixelMemory {
  /** An array with undefined content. */
  take(length: number): Uint8Array
  /** Gives back an array that was taken; ignores any other array. */
  give(array: ArrayBufferView): void
}

/** Resampling kernels, by their GDAL names. */
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
