// Pixels in memory, the currency between sources, kernels and codecs.

/** Sample storage. 8-bit imagery is Uint8Array; elevation and 16-bit inputs come as the others. */
export type SampleArray = Uint8Array | Uint16Array | Int16Array | Float32Array

/** A rectangle of pixels, row by row from the north-west, bands interleaved. */
export interface Pixels<T extends SampleArray = Uint8Array> {
  readonly width: number
  readonly height: number
  /** Colour bands: 1 (grey) or 3 (RGB). Never counts alpha. */
  readonly bands: number
  /** width × height × bands samples, not premultiplied; undefined content where mask is 0. */
  readonly data: T
  /** width × height, 0 nothing … 255 opaque; undefined means all 255. Also how nodata is said. */
  readonly mask: Uint8Array | undefined
}

/** Resampling kernels by their GDAL names. */
export type Resampling = 'nearest' | 'bilinear' | 'cubic' | 'lanczos' | 'average'
export const RESAMPLINGS: readonly Resampling[] = ['nearest', 'bilinear', 'cubic', 'lanczos', 'average']
