// Decodes the packed rows of a TIFF block to a typed array of the stored type, or of the narrowest type that holds it:
// byte order, packed bits, predictors, and floats of 16 and 24 bits.
//
// Invariant: with `owned`, the input may be overwritten, and the result may be a view of it; otherwise the input is
// only read.
import type { SampleArray } from '../../view/tone.js'
import { Compression } from '../file/tags.js'
import { unpackBits } from '../samples/bits.js'
import { halfToSingle, tripleToSingle } from '../samples/floats.js'
import {
  undoBytePlanes,
  undoHorizontal,
  undoHorizontal8,
  undoHorizontal64,
  undoHorizontalBits,
} from '../samples/predictor.js'
import type { ImageLayout } from './layout.js'

export interface SampleShape {
  readonly width: number
  readonly rows: number
  /** Interleaved samples per pixel: 1 when planar. */
  readonly samples: number
}

/** Compressions with a predictor. As in libtiff, others ignore the predictor tag. */
const WITH_PREDICTOR: readonly number[] = [
  Compression.Lzw,
  Compression.Deflate,
  Compression.OldDeflate,
  Compression.Zstd,
  Compression.Lzma,
]
export const usesPredictor = (layout: ImageLayout): boolean =>
  layout.predictor > 1 && WITH_PREDICTOR.includes(layout.compression)

const IS_LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** See the top of this file. `bytes` holds all rows of `shape`, each beginning on a byte. */
export function decodeSamples(
  layout: ImageLayout,
  bytes: Uint8Array,
  shape: SampleShape,
  owned: boolean,
): SampleArray {
  const { bitsPerSample: bits, sampleFormat } = layout
  const predictor = usesPredictor(layout) ? layout.predictor : 1
  const perRow = shape.width * shape.samples
  if (predictor === 3) {
    const native = undoBytePlanes(
      owned ? bytes : bytes.slice(),
      bits / 8,
      perRow,
      shape.rows,
      shape.samples,
      IS_LITTLE,
    )
    return asType(native, sampleFormat, bits)
  }
  if (bits === 8) {
    if (predictor === 2) undoHorizontal8(bytes, shape.width, shape.rows, shape.samples)
    return sampleFormat === 'int' ? new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes
  }
  if (bits === 16 || bits === 32 || bits === 64) {
    const native = inNativeOrder(bytes, bits, layout.littleEndian, owned)
    if (predictor === 2) {
      if (bits === 16)
        undoHorizontal(new Uint16Array(native.buffer, native.byteOffset, native.length / 2), perRow, shape)
      else if (bits === 32)
        undoHorizontal(new Uint32Array(native.buffer, native.byteOffset, native.length / 4), perRow, shape)
      else
        undoHorizontal64(
          new Uint32Array(native.buffer, native.byteOffset, native.length / 4),
          perRow,
          shape,
          IS_LITTLE,
        )
    }
    return asType(native, sampleFormat, bits)
  }
  // 24 bits as in GDAL: floats are in the file's byte order; integers are packed from the high bit, and libtiff
  // reverses their bytes in big-endian files
  const isTurned = bits === 24 && layout.littleEndian === (sampleFormat === 'float')
  const triples = isTurned ? reversedTriples(bytes) : bytes
  const unpacked = unpackBits(triples, bits, perRow, shape.rows)
  if (predictor === 2) undoHorizontalBits(unpacked, bits, perRow, shape)
  if (sampleFormat === 'float') return tripleToSingle(unpacked)
  return sampleFormat === 'int' ? signed(unpacked, bits) : unpacked
}

/** The words in native byte order, aligned. A copy, unless they already are. */
function inNativeOrder(bytes: Uint8Array, bits: number, littleEndian: boolean, owned: boolean): Uint8Array {
  const isSwapped = littleEndian !== IS_LITTLE
  const isAligned = bytes.byteOffset % (bits / 8) === 0
  const own = isAligned && (owned || !isSwapped) ? bytes : Uint8Array.from(bytes)
  if (!isSwapped) return own
  const buffer = Buffer.from(own.buffer, own.byteOffset, own.length)
  if (bits === 16) buffer.swap16()
  else if (bits === 32) buffer.swap32()
  else buffer.swap64()
  return own
}

/** Native words as a typed array of their type. */
function asType(native: Uint8Array, format: ImageLayout['sampleFormat'], bits: number): SampleArray {
  const { buffer, byteOffset, length } = native
  if (format === 'float') {
    if (bits === 16) return halfToSingle(new Uint16Array(buffer, byteOffset, length / 2))
    if (bits === 24) return tripleToSingle(triplesToWords(native))
    if (bits === 32) return new Float32Array(buffer, byteOffset, length / 4)
    return new Float64Array(buffer, byteOffset, length / 8)
  }
  if (bits === 16) {
    return format === 'int'
      ? new Int16Array(buffer, byteOffset, length / 2)
      : new Uint16Array(buffer, byteOffset, length / 2)
  }
  if (bits === 32) {
    return format === 'int'
      ? new Int32Array(buffer, byteOffset, length / 4)
      : new Uint32Array(buffer, byteOffset, length / 4)
  }
  return wideToDouble(new Uint32Array(buffer, byteOffset, length / 4), format === 'int')
}

/** 64-bit integers as doubles; beyond 2⁵³ the nearest double. */
function wideToDouble(words: Uint32Array, isSigned: boolean): Float64Array {
  const out = new Float64Array(words.length / 2)
  const low = IS_LITTLE ? 0 : 1
  for (let i = 0, w = 0; i < out.length; i++, w += 2) {
    const high = words[w + 1 - low]!
    out[i] = (isSigned ? high | 0 : high) * 2 ** 32 + words[w + low]!
  }
  return out
}

function reversedTriples(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length)
  for (let i = 0; i + 2 < bytes.length; i += 3) {
    out[i] = bytes[i + 2]!
    out[i + 1] = bytes[i + 1]!
    out[i + 2] = bytes[i]!
  }
  return out
}

function triplesToWords(native: Uint8Array): Uint32Array {
  const out = new Uint32Array(native.length / 3)
  const low = IS_LITTLE ? 0 : 2
  for (let i = 0, b = 0; i < out.length; i++, b += 3) {
    out[i] = native[b + low]! | (native[b + 1]! << 8) | (native[b + 2 - low]! << 16)
  }
  return out
}

/** Unpacked values as signed numbers, in two's complement of `bits` bits. */
function signed(unpacked: Uint8Array | Uint16Array | Uint32Array, bits: number): SampleArray {
  const out =
    bits <= 8
      ? new Int8Array(unpacked.length)
      : bits <= 16
        ? new Int16Array(unpacked.length)
        : new Int32Array(unpacked.length)
  const shift = 32 - bits
  for (let i = 0; i < out.length; i++) out[i] = (unpacked[i]! << shift) >> shift
  return out
}
