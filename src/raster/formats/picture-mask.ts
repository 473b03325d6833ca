// Masks of pictures: GDAL's mask after the end of a JPEG (zlib-compressed bits; the last four bytes give their offset),
// and photo.png.msk beside the picture. The mask is 0 where there is nothing.
import { open } from 'node:fs/promises'
import { inflateSync } from 'node:zlib'
import { FlagstoneError } from '../../errors.js'
import { type Mask, maskBeside } from './mask-beside.js'

/**
 * The mask of a picture; undefined when there is none. As in GDAL, a file beside the picture takes precedence.
 * @throws SOURCE_CORRUPT
 */
export async function maskOfPicture(
  path: string,
  { format, width, height }: { readonly format: string; readonly width: number; readonly height: number },
): Promise<Mask | undefined> {
  return (
    (await maskBeside(path, width, height)) ??
    (format === 'JPEG' ? maskBehind(path, width, height) : undefined)
  )
}

/**
 * The mask after the end of a JPEG: bits, lowest bit of a byte first, row after row without padding. Source: GDAL's
 * JPEG driver (CheckForMask).
 */
async function maskBehind(path: string, width: number, height: number): Promise<Mask | undefined> {
  const packed = await bytesBehind(path)
  if (packed === undefined) return undefined
  let bits: Uint8Array
  try {
    bits = inflateSync(packed, { maxOutputLength: Math.ceil(((width + 8) * height) / 8) + 8 })
  } catch (cause) {
    // without the mask, hidden pixels would show
    throw damaged(path, cause)
  }
  if (bits.length * 8 < width * height) throw damaged(path)
  return {
    async read({ x, y, width: columns, height: rows }) {
      const out = new Uint8Array(columns * rows)
      for (let row = 0, d = 0; row < rows; row++) {
        let at = (y + row) * width + x
        for (let column = 0; column < columns; column++, at++)
          out[d++] = (bits[at >>> 3]! >>> (at & 7)) & 1 ? 255 : 0
      }
      return out
    },
    async close() {},
  }
}

function damaged(path: string, cause?: unknown): FlagstoneError {
  const message = `${path}: the mask after its JPEG data cannot be decoded; it is truncated or damaged, get a complete copy, or ignore masks with --no-alpha`
  return new FlagstoneError('SOURCE_CORRUPT', message, { path, cause })
}

/** The bytes between the end of the JPEG and the offset in the last four bytes. */
async function bytesBehind(path: string): Promise<Buffer | undefined> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const tail = Buffer.alloc(4)
    await file.read(tail, 0, 4, Math.max(0, size - 4))
    const start = tail.readUInt32LE()
    if (start < size / 2 || start > size - 4) return undefined
    const bytes = Buffer.alloc(size - 4 - start + 2)
    await file.read(bytes, 0, bytes.length, start - 2)
    return bytes.readUInt16BE() === 0xffd9 && bytes.length > 2 ? bytes.subarray(2) : undefined
  } finally {
    await file.close()
  }
}
