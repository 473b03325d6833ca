// Whether WebP tiles have alpha, and how opaque ones get it without being encoded again: all tiles of a TIFF must have the
// same number of samples.
//
// Source: RFC 9649, "WebP Image Format".
import { pictureSize } from '../../raster/tiles/picture-size.js'

const FLAG_ALPHA = 0x10
const FLAG_ANIMATION = 0x02
const HEAD_BYTES = 12
const CHUNK_HEAD_BYTES = 8

const nameAt = (bytes: Uint8Array, at: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + at, 4).toString('latin1')

/** Whether the picture has alpha; undefined when it is animated, damaged or unknown. */
export function webpHasAlpha(bytes: Uint8Array): boolean | undefined {
  if (bytes.length < 30) return undefined
  switch (nameAt(bytes, HEAD_BYTES)) {
    case 'VP8 ':
      return false
    case 'VP8L':
      // after the signature: 14 bits of width, 14 of height, one that says whether alpha is used
      return (bytes[24]! & 0x10) !== 0
    case 'VP8X':
      return (bytes[20]! & FLAG_ANIMATION) !== 0 ? undefined : (bytes[20]! & FLAG_ALPHA) !== 0
    default:
      return undefined
  }
}

/**
 * Alpha of 255 everywhere, losslessly compressed: the header (compression 1), no transform, no cache, no meta codes, and
 * five prefix codes of one symbol each, so that a pixel takes no bits. Alpha is in green: 255.
 */
const OPAQUE = [0x01, ...opaqueStream()]

function opaqueStream(): number[] {
  const bits = [0, 0, 0]
  for (const symbol of [255, 0, 0, 0, 0]) {
    // a simple code of one symbol of one or eight bits
    const isShort = symbol < 2
    bits.push(1, 0, isShort ? 0 : 1)
    for (let i = 0; i < (isShort ? 1 : 8); i++) bits.push((symbol >> i) & 1)
  }
  const bytes = new Array<number>(Math.ceil(bits.length / 8)).fill(0)
  for (const [i, bit] of bits.entries()) bytes[i >> 3]! |= bit << (i & 7)
  return bytes
}

/** The same picture with alpha, all opaque; undefined for forms that are rare. */
export function withOpaqueAlpha(bytes: Uint8Array): Uint8Array | undefined {
  if (webpHasAlpha(bytes) !== false) return undefined
  if (nameAt(bytes, HEAD_BYTES) === 'VP8L') {
    const out = new Uint8Array(bytes)
    out[24]! |= 0x10
    return out
  }
  const size = pictureSize(bytes)
  if (nameAt(bytes, HEAD_BYTES) !== 'VP8 ' || size === undefined) return undefined
  const picture = bytes.subarray(HEAD_BYTES)
  const pad = OPAQUE.length % 2
  const alpha = CHUNK_HEAD_BYTES + OPAQUE.length + pad
  const out = Buffer.alloc(HEAD_BYTES + 18 + alpha + picture.length)
  out.write('RIFF', 0, 'latin1')
  out.writeUInt32LE(out.length - 8, 4)
  out.write('WEBPVP8X', 8, 'latin1')
  out.writeUInt32LE(10, 16)
  out[20] = FLAG_ALPHA
  out.writeUIntLE(size.width - 1, 24, 3)
  out.writeUIntLE(size.height - 1, 27, 3)
  out.write('ALPH', 30, 'latin1')
  out.writeUInt32LE(OPAQUE.length, 34)
  out.set(OPAQUE, 38)
  out.set(picture, 30 + alpha)
  return out
}
