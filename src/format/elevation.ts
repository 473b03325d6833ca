// Raw elevation tiles: heights as numbers, for exact point queries. They are described in formats/elevation-1.md.
//
//   0   4 bytes   'FSEL'
//   4   u8        version, 1
//   5   u8        samples: 1 = int16, 2 = float32
//   6   u8        flags: bit 0 = a mask follows the samples
//   7   u8        compression: 0 = none, 1 = deflate (RFC 1951, raw)
//   8   u16 LE    width, pixels
//   10  u16 LE    height
//   12  u32       0
//   16  f64 LE    step   height = stored · step + offset (float32: 1 and 0)
//   24  f64 LE    offset
//   32            payload: byte planes of the samples' residuals, the lowest byte first, then the mask's bits
//
// A sample is predicted as west + north − northwest. Samples without a value are set to their prediction, so that holes
// cost nothing. Invariant: decoding returns exactly what was encoded. For any bytes it ends with a result or with
// DAMAGED, and allocates no more than the sizes that were checked.
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { FlagstoneError } from '../errors.js'
import { unpackProblem } from './unpack-problem.js'

const ELEVATION_MAGIC = 'FSEL'
const VERSION = 1
const HEADER_BYTES = 32
const MAX_SIDE = 4096
const FLAG_MASK = 1

const AT = {
  version: 4,
  samples: 5,
  flags: 6,
  compression: 7,
  width: 8,
  height: 10,
  zero: 12,
  step: 16,
  offset: 24,
} as const

/** A tile of stored numbers. */
export interface StoredElevation {
  readonly width: number
  readonly height: number
  /** Row by row from the north-west. Undefined values where the mask is 0. */
  readonly samples: Int16Array | Float32Array
  /** 0 means no value; undefined when all samples have one. */
  readonly mask: Uint8Array | undefined
  /** height = stored · step + offset, metres. */
  readonly step: number
  readonly offset: number
}

/**
 * Encodes a tile.
 * @throws RangeError when width or height is not valid
 * @throws TypeError when an array does not fit the size
 */
export function encodeElevation(tile: StoredElevation): Uint8Array {
  const { width, height, samples, mask, step, offset } = tile
  const pixels = width * height
  if (!isSide(width) || !isSide(height)) throw new RangeError(`${width}×${height} is not a valid tile size`)
  if (samples.length !== pixels || (mask !== undefined && mask.length !== pixels)) {
    throw new TypeError(`${samples.length} samples do not make ${width}×${height}`)
  }
  const isInt = samples instanceof Int16Array
  const planes = isInt ? 2 : 4
  const payload = new Uint8Array(pixels * planes + (mask === undefined ? 0 : Math.ceil(pixels / 8)))
  const numbers = orderedOf(samples)
  predict(numbers, mask, width, planes)
  split(numbers, planes, payload)
  if (mask !== undefined) packMask(mask, payload.subarray(pixels * planes))
  const packed = deflateRawSync(payload, { level: 6 })
  const bytes = new Uint8Array(HEADER_BYTES + packed.length)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < 4; i++) bytes[i] = ELEVATION_MAGIC.charCodeAt(i)
  bytes[AT.version] = VERSION
  bytes[AT.samples] = isInt ? 1 : 2
  bytes[AT.flags] = mask === undefined ? 0 : FLAG_MASK
  bytes[AT.compression] = 1
  view.setUint16(AT.width, width, true)
  view.setUint16(AT.height, height, true)
  view.setFloat64(AT.step, step, true)
  view.setFloat64(AT.offset, offset, true)
  bytes.set(packed, HEADER_BYTES)
  return bytes
}

/**
 * Decodes a tile.
 * @throws DAMAGED when the bytes are not such a tile
 * @throws VERSION_UNSUPPORTED when they are of a later version
 */
export function decodeElevation(bytes: Uint8Array): StoredElevation {
  if (!isElevation(bytes) || bytes.length < HEADER_BYTES) {
    throw damaged(`its ${bytes.length} bytes do not begin with the header of one`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = bytes[AT.version]!
  if (version !== VERSION) {
    throw new FlagstoneError(
      'VERSION_UNSUPPORTED',
      `An elevation tile is of version ${version}, and this program reads version ${VERSION}; use a later one.`,
    )
  }
  const kind = bytes[AT.samples]!
  const flags = bytes[AT.flags]!
  const compression = bytes[AT.compression]!
  const width = view.getUint16(AT.width, true)
  const height = view.getUint16(AT.height, true)
  const step = view.getFloat64(AT.step, true)
  const offset = view.getFloat64(AT.offset, true)
  if (kind !== 1 && kind !== 2) throw damaged(`its samples are of the unknown kind ${kind}`)
  if ((flags & ~FLAG_MASK) !== 0) throw damaged(`its flags, ${flags}, are unknown`)
  if (compression > 1) throw damaged(`its compression, ${compression}, is unknown`)
  if (!isSide(width) || !isSide(height)) throw damaged(`its stated size is ${width}×${height} pixels`)
  if (!(step > 0) || !Number.isFinite(step) || !Number.isFinite(offset)) {
    throw damaged(`its step is ${step} and its offset ${offset}`)
  }
  const pixels = width * height
  const planes = kind === 1 ? 2 : 4
  const masked = (flags & FLAG_MASK) !== 0
  const length = pixels * planes + (masked ? Math.ceil(pixels / 8) : 0)
  const payload = unpack(bytes.subarray(HEADER_BYTES), compression, length)
  const mask = masked ? unpackMask(payload.subarray(pixels * planes), pixels) : undefined
  const numbers = join(payload, planes, pixels)
  restore(numbers, width, planes)
  const samples = kind === 1 ? Int16Array.from(numbers) : floatsOf(numbers)
  return { width, height, samples, mask, step, offset }
}

export function isElevation(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false
  for (let i = 0; i < 4; i++) if (bytes[i] !== ELEVATION_MAGIC.charCodeAt(i)) return false
  return true
}

const isSide = (side: number): boolean => Number.isInteger(side) && side >= 1 && side <= MAX_SIDE

function damaged(why: string, cause?: unknown): FlagstoneError {
  return new FlagstoneError(
    'DAMAGED',
    `An elevation tile does not decode: ${why}; build it again.`,
    cause === undefined ? {} : { cause },
  )
}

function unpack(packed: Uint8Array, compression: number, length: number): Uint8Array {
  if (compression === 0) {
    if (packed.length !== length) throw damaged(`it holds ${packed.length} bytes instead of ${length}`)
    return packed
  }
  let out: Uint8Array
  try {
    out = inflateRawSync(packed, { maxOutputLength: length })
  } catch (cause) {
    throw damaged(unpackProblem(cause, length), cause)
  }
  if (out.length !== length) throw damaged(`it unpacks to ${out.length} bytes instead of ${length}`)
  return out
}

/** Integers in the same order as the numbers: the bits of floats, with the order of negative ones reversed. */
function orderedOf(samples: Int16Array | Float32Array): Int32Array {
  if (samples instanceof Int16Array) return Int32Array.from(samples)
  const numbers = new Int32Array(samples.length)
  numbers.set(new Int32Array(samples.buffer, samples.byteOffset, samples.length))
  for (let i = 0; i < numbers.length; i++) if (numbers[i]! < 0) numbers[i] = numbers[i]! ^ 0x7fffffff
  return numbers
}

function floatsOf(numbers: Int32Array): Float32Array {
  for (let i = 0; i < numbers.length; i++) if (numbers[i]! < 0) numbers[i] = numbers[i]! ^ 0x7fffffff
  return new Float32Array(numbers.buffer, numbers.byteOffset, numbers.length)
}

/**
 * Replaces numbers by the difference from their prediction, modulo `size` bytes. Small differences become small
 * positive numbers (zigzag).
 */
function predict(numbers: Int32Array, mask: Uint8Array | undefined, width: number, size: number): void {
  const spare = 32 - 8 * size
  // the decoder sees samples without a value as predicted
  if (mask !== undefined) {
    for (let p = 0; p < numbers.length; p++) {
      if (mask[p] === 0) numbers[p] = (predicted(numbers, p, width) << spare) >> spare
    }
  }
  for (let p = numbers.length - 1; p >= 0; p--) {
    const residual = ((numbers[p]! - predicted(numbers, p, width)) << spare) >> spare
    numbers[p] = (residual << 1) ^ (residual >> 31)
  }
}

function restore(numbers: Int32Array, width: number, size: number): void {
  const spare = 32 - 8 * size
  for (let p = 0; p < numbers.length; p++) {
    const zigzag = numbers[p]!
    const residual = (zigzag >>> 1) ^ -(zigzag & 1)
    numbers[p] = ((residual + predicted(numbers, p, width)) << spare) >> spare
  }
}

/** A plane through the three known neighbours; a line at the edges. */
function predicted(numbers: Int32Array, p: number, width: number): number {
  if (p === 0) return 0
  if (p < width) return numbers[p - 1]!
  if (p % width === 0) return numbers[p - width]!
  return (numbers[p - 1]! + numbers[p - width]! - numbers[p - width - 1]!) | 0
}

function split(numbers: Int32Array, planes: number, out: Uint8Array): void {
  const pixels = numbers.length
  for (let plane = 0; plane < planes; plane++) {
    const at = plane * pixels
    const shift = plane * 8
    for (let p = 0; p < pixels; p++) out[at + p] = numbers[p]! >>> shift
  }
}

function join(payload: Uint8Array, planes: number, pixels: number): Int32Array {
  const numbers = new Int32Array(pixels)
  for (let plane = 0; plane < planes; plane++) {
    const at = plane * pixels
    const shift = plane * 8
    for (let p = 0; p < pixels; p++) numbers[p] = numbers[p]! | (payload[at + p]! << shift)
  }
  return numbers
}

function packMask(mask: Uint8Array, out: Uint8Array): void {
  for (let p = 0; p < mask.length; p++) if (mask[p] !== 0) out[p >> 3] = out[p >> 3]! | (1 << (p & 7))
}

function unpackMask(bits: Uint8Array, pixels: number): Uint8Array {
  const mask = new Uint8Array(pixels)
  for (let p = 0; p < pixels; p++) if ((bits[p >> 3]! >> (p & 7)) & 1) mask[p] = 255
  return mask
}
