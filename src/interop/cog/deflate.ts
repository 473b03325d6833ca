// Pixels as blocks of a TIFF that are compressed with DEFLATE, with the predictors of TIFF: 2 for bytes, 3 for floats
// (TIFF Technical Note 3: the bytes of a row plane by plane, the highest first, then differences of bytes).
import { promisify } from 'node:util'
import { deflate, deflateSync } from 'node:zlib'
import type { Pixels } from '../../raster/pixels.js'

const compress = promisify(deflate)

/** Grey or colours with alpha, pixel by pixel. */
export function deflatePicture(
  { width, height, bands, data, mask }: Pixels,
  samples: 2 | 4,
): Promise<Uint8Array> {
  const out = new Uint8Array(width * height * samples)
  for (let p = 0; p < width * height; p++) {
    for (let c = 0; c < samples - 1; c++) out[p * samples + c] = data[p * bands + Math.min(c, bands - 1)]!
    out[(p + 1) * samples - 1] = mask === undefined ? 255 : mask[p]!
  }
  const row = width * samples
  for (let end = out.length; end > 0; end -= row)
    for (let i = end - 1; i >= end - row + samples; i--) out[i]! -= out[i - samples]!
  return compress(out)
}

/** Heights; NaN where there is none. */
export function deflateHeights({ width, height, data, mask }: Pixels<Float32Array>): Promise<Uint8Array> {
  const view = new DataView(new ArrayBuffer(4))
  const out = new Uint8Array(width * height * 4)
  for (let y = 0; y < height; y++) {
    const start = y * width * 4
    for (let x = 0; x < width; x++) {
      const p = y * width + x
      view.setFloat32(0, mask !== undefined && mask[p] === 0 ? Number.NaN : data[p]!)
      for (let plane = 0; plane < 4; plane++) out[start + plane * width + x] = view.getUint8(plane)
    }
    for (let i = start + 4 * width - 1; i > start; i--) out[i]! -= out[i - 1]!
  }
  return compress(out)
}

/** A mask of one bit a pixel: 1 where anything shows. */
export function deflateMask(mask: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  const rowBytes = Math.ceil(width / 8)
  const bits = new Uint8Array(rowBytes * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (mask[y * width + x] !== 0) bits[y * rowBytes + (x >> 3)]! |= 0x80 >> (x & 7)
  return compress(bits)
}

/** The mask of a square in which all shows. */
export const opaqueMask = (side: number): Uint8Array =>
  deflateSync(new Uint8Array((side / 8) * side).fill(255))
