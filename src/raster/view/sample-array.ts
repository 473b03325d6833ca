// The typed arrays of the stored sample types.
import type { SampleType } from '../source.js'
import type { SampleArray } from './tone.js'

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
} as const satisfies Record<SampleType, unknown>

/** An array of `count` samples, all 0. */
export const newSamples = (type: SampleType, count: number): SampleArray => new ARRAYS[type](count)

export const bytesPerSample = (type: SampleType): number => ARRAYS[type].BYTES_PER_ELEMENT

/** The constructor, for comparison. */
export const arrayOf = (type: SampleType): unknown => ARRAYS[type]
