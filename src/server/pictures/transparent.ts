// Wholly transparent tiles, made by hand: a few dozen bytes, kept for ever.
//
// Formulas: PNG, W3C "Portable Network Graphics (Third Edition)": one palette entry, transparent by tRNS. WebP, Google
// "WebP Lossless Bitstream Specification", 5: five prefix codes of one symbol each, so that pixels take no bits.
import { createHash } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { crc32 } from '../../format/crc.js'
import { mimeOf, TileType } from '../../format/tile-type.js'
import { heightsToRgb, type TerrainRgb } from '../../raster/tiles/terrain.js'
import type { Made } from '../http/made.js'

type Colour = readonly [red: number, green: number, blue: number]

const MAX_SIDE = 4096
const made = new Map<string, Made>()

/**
 * Nothing, `size` pixels a side. WebP when that is asked for, else PNG: JPEG has no transparency. For a client that ignores
 * alpha, tiles of heights mean 0 m and others black.
 * @throws RangeError when `size` is not 1 … 4096
 */
export function transparentTile(size: number, format?: string, heights?: TerrainRgb): Made {
  if (!Number.isInteger(size) || size < 1 || size > MAX_SIDE)
    throw new RangeError(`${size} is no size of a tile`)
  const isWebp = format === 'webp'
  const key = `${size} ${isWebp} ${heights}`
  let tile = made.get(key)
  if (tile === undefined) {
    const colour = heights === undefined ? ([0, 0, 0] as const) : seaLevel(heights)
    const bytes = isWebp ? webpOf(size, colour) : pngOf(size, colour)
    const digest = createHash('sha1').update(bytes).digest('base64url')
    tile = { bytes, contentType: mimeOf(isWebp ? TileType.webp : TileType.png), etag: `"${digest}"` }
    made.set(key, tile)
  }
  return tile
}

function seaLevel(encoding: TerrainRgb): Colour {
  const out = new Uint8Array(3)
  const pixel = { width: 1, height: 1, bands: 1, data: new Float32Array(1), mask: undefined }
  heightsToRgb(pixel, encoding, out, 3)
  return [out[0]!, out[1]!, out[2]!]
}

function pngOf(size: number, colour: Colour): Uint8Array {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(size, 0)
  header.writeUInt32BE(size, 4)
  header.set([1, 3], 8) // one bit a pixel, of a palette
  const rows = Buffer.alloc((1 + Math.ceil(size / 8)) * size)
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(colour)),
    chunk('tRNS', Buffer.of(0)),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(name: string, data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(data.length + 12)
  bytes.writeUInt32BE(data.length, 0)
  bytes.write(name, 4, 'latin1')
  bytes.set(data, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, data.length + 8)), data.length + 8)
  return bytes
}

function webpOf(size: number, [red, green, blue]: Colour): Uint8Array {
  const bits: number[] = []
  const put = (value: number, count: number): void => {
    for (let i = 0; i < count; i++) bits.push((value >> i) & 1)
  }
  put(size - 1, 14)
  put(size - 1, 14)
  put(1, 1) // alpha is used
  put(0, 3) // version
  put(0, 3) // no transform, no colour cache, no meta prefix codes
  for (const symbol of [green, red, blue, 0 /* alpha */, 0 /* distance */]) {
    put(0b101, 3) // simple, one symbol, of 8 bits
    put(symbol, 8)
  }
  const stream = Buffer.alloc(1 + Math.ceil(bits.length / 8))
  stream[0] = 0x2f
  for (const [i, bit] of bits.entries()) stream[1 + (i >> 3)]! |= bit << (i & 7)
  const padded = stream.length + (stream.length & 1)
  const bytes = Buffer.alloc(20 + padded)
  bytes.write('RIFF', 0, 'latin1')
  bytes.writeUInt32LE(12 + padded, 4)
  bytes.write('WEBPVP8L', 8, 'latin1')
  bytes.writeUInt32LE(stream.length, 16)
  bytes.set(stream, 20)
  return bytes
}
