// Lossy WebP with opacity by our own encoder (wasm/vp8.ts, webp-alpha.ts): a third of the time of a trip through
// sharp, most of which goes into looking for what saves a few per cent. For the tiles at an image's rim: without it
// these take as long as ten others, and of a small image they are a third of all.
import type { Pixels } from '../pixels.js'
import { type Simd, simd, WEBP_ADDRESS, WEBP_BYTES } from '../simd.js'
import { AC_FACTORS, COEFFICIENT_PROBABILITIES, DC_FACTORS, UPDATE_PROBABILITIES } from './vp8-tables.js'
import { encodeAlphaPlane } from './webp-alpha.js'

const MAX_SIDE = 512
/** Above it, what libwebp looks for takes a fifth off the bytes. */
const MAX_QUALITY = 80
// Offsets from WEBP_ADDRESS; those in the tables are wasm/vp8.ts's.
const FACTORS_AT = 1056
/** Its tables and planes. */
const WORK_BYTES = 5120 + (MAX_SIDE ** 2 * 3) / 2
const UPDATE_AT = WORK_BYTES
/** RGBA. */
const SOURCE_AT = UPDATE_AT + 2048
const MODES_AT = SOURCE_AT + MAX_SIDE ** 2 * 4 + 64
/** A frame header and 1024 macroblocks of at most eight decisions. */
const MODES_BYTES = 65536
const OUT_AT = MODES_AT + MODES_BYTES
const RIFF_HEADER = 12
const CHUNK_HEADER = 8
const FRAME_HEADER = 10

/** As libwebp does (VP8SetSegmentParams): equal steps of quality look equal. */
function quantiserOf(quality: number): number {
  const q = quality / 100
  const linear = q < 0.75 ? (q * 2) / 3 : 2 * q - 1
  return Math.min(127, Math.max(0, Math.round(127 * (1 - Math.cbrt(linear)))))
}

function factorsOf(quantiser: number): Int32Array {
  const dc = DC_FACTORS[quantiser]!
  const ac = AC_FACTORS[quantiser]!
  // RFC 6386, 9.6 and 14.1
  const pairs = [
    [dc, ac],
    [dc * 2, Math.max(8, Math.trunc((ac * 155) / 100))],
    [Math.min(132, dc), ac],
  ]
  // rounded down a little: most levels are small, and a zero costs least
  return Int32Array.from(
    pairs.flatMap((pair) => [
      ...pair,
      ...pair.map((factor) => (factor * 13) >> 5),
      ...pair.map((factor) => Math.ceil(65536 / factor)),
    ]),
  )
}

let ready: Simd | undefined

function prepared(): Simd | undefined {
  if (ready !== undefined) return ready
  ready = simd()
  ready?.bytes.set(COEFFICIENT_PROBABILITIES, WEBP_ADDRESS)
  ready?.bytes.set(UPDATE_PROBABILITIES, WEBP_ADDRESS + UPDATE_AT)
  return ready
}

/**
 * RGB pixels with a mask as lossy WebP, quality 1 … 80. Colours that do not show are not kept. Undefined when it cannot be
 * made here: no WebAssembly SIMD, grey, sides that are no multiples of 16 or over 512, an absurd amount of noise.
 */
export function encodeWebp(
  { width, height, bands, data, mask }: Pixels,
  quality: number,
): Uint8Array | undefined {
  if (bands !== 3 || mask === undefined || quality > MAX_QUALITY) return undefined
  if ((width | height) & 15 || Math.max(width, height) > MAX_SIDE) return undefined
  const here = prepared()
  if (here === undefined) return undefined
  const { bytes } = here
  const quantiser = quantiserOf(quality)
  const factors = factorsOf(quantiser)
  bytes.set(new Uint8Array(factors.buffer), WEBP_ADDRESS + FACTORS_AT)
  const modes = WEBP_ADDRESS + MODES_AT
  const out = WEBP_ADDRESS + OUT_AT
  // what lies elsewhere is taken to where the result will be
  let rgb = here.addressOf(data)
  if (rgb < 0) {
    rgb = out
    bytes.set(data, rgb)
  }
  const opacity = out + MAX_SIDE ** 2 * 3
  bytes.set(mask, opacity)
  const end = here.kernels.vp8Frame(
    WEBP_ADDRESS,
    WEBP_ADDRESS + UPDATE_AT,
    rgb,
    opacity,
    WEBP_ADDRESS + SOURCE_AT,
    width,
    height,
    quantiser,
    filterOf(quantiser),
    modes,
    out,
    WEBP_ADDRESS + WEBP_BYTES,
  )
  if (end === 0) return undefined
  const modesEnd = new DataView(bytes.buffer).getUint32(modes - 4, true)
  const alpha = encodeAlphaPlane(mask, width)
  return packed(width, height, alpha, bytes.subarray(modes, modesEnd), bytes.subarray(out, end))
}

/** Strength of the decoder's loop filter: half of a step, more would blur. */
const filterOf = (quantiser: number): number => Math.min(63, AC_FACTORS[quantiser]! >> 2)

/** RFC 9649, 2: RIFF, VP8X, ALPH, VP8. */
function packed(
  width: number,
  height: number,
  alpha: Uint8Array,
  modes: Uint8Array,
  coefficients: Uint8Array,
): Uint8Array {
  const alphaBytes = 1 + alpha.length
  const frameBytes = FRAME_HEADER + modes.length + coefficients.length
  const even = (bytes: number): number => bytes + (bytes & 1)
  const total = RIFF_HEADER + 3 * CHUNK_HEADER + 10 + even(alphaBytes) + even(frameBytes)
  const out = Buffer.alloc(total)
  out.write('RIFF', 0, 'latin1')
  out.writeUInt32LE(total - 8, 4)
  out.write('WEBPVP8X', 8, 'latin1')
  out.writeUInt32LE(10, 16)
  out[20] = 0x10 // there is opacity
  out.writeUIntLE(width - 1, 24, 3)
  out.writeUIntLE(height - 1, 27, 3)
  out.write('ALPH', 30, 'latin1')
  out.writeUInt32LE(alphaBytes, 34)
  out[38] = 1 // compressed, not filtered
  out.set(alpha, 39)
  let at = 38 + even(alphaBytes)
  out.write('VP8 ', at, 'latin1')
  out.writeUInt32LE(frameBytes, at + 4)
  at += CHUNK_HEADER
  // RFC 6386, 9.1: a key frame that is shown, the length of its first partition
  out.writeUIntLE(0x10 | (modes.length << 5), at, 3)
  out.set([0x9d, 0x01, 0x2a], at + 3)
  out.writeUInt16LE(width, at + 6)
  out.writeUInt16LE(height, at + 8)
  out.set(modes, at + FRAME_HEADER)
  out.set(coefficients, at + FRAME_HEADER + modes.length)
  return out
}
