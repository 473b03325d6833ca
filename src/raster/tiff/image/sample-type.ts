// The stored type of a TIFF's samples.
import type { SampleType } from '../../source.js'

export interface SampleKind {
  readonly sampleFormat: 'uint' | 'int' | 'float' | 'complex'
  readonly bitsPerSample: number
}

/** The type that holds the samples; undefined when there is none. */
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
