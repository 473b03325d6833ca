// The typed array that holds a TIFF's samples.
import type { SampleType } from '../source.js'
import type { SampleArray } from '../tone.js'

export interface SampleKind {
  readonly sampleFormat: 'uint' | 'int' | 'float' | 'complex'
  readonly bitsPerSample: number
}

/** The type that holds the samples; undefined for those that no type holds. */
export function sampleTypeOf({
  sampleFormat: format,
  bitsPerSample: bits,
}: SampleKind): SampleType | undefined {
  if (format === 'float') {
    return bits === 16
      ? 'float16'
      : bits === 24 || bits === 32
        ? 'float32'
        : bits === 64
          ? 'float64'
          : undefined
  }
  if (format === 'complex' || (bits > 32 && bits !== 64)) return undefined
  return `${format}${bits <= 8 ? 8 : bits <= 16 ? 16 : bits <= 32 ? 32 : 64}`
}

const ARRAYS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: Float64Array,
  int64: Float64Array,
  float16: Float32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const

/** An array for `count` samples, all 0. */
export const newSamples = (type: SampleType, count: number): SampleArray => new ARRAYS[type](count)

export const bytesPerSample = (type: SampleType): number => ARRAYS[type].BYTES_PER_ELEMENT
