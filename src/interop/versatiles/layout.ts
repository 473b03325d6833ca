// Layout of VersaTiles containers, version 2 (github.com/versatiles-org/versatiles-spec). Numbers are big-endian.
//
//   header         66 bytes
//   blocks         each has the tiles of up to 256 x 256 places, then its tile index
//   metadata       a TileJSON document, compressed as the tiles are
//   block index    33 bytes for each block, in Brotli

export const MAGIC = 'versatiles_v02'
export const HEADER_BYTES = 66
/** Columns and rows of a block. */
export const BLOCK_SIDE = 256
/** Of a block, in the block index. */
export const RECORD_BYTES = 33
/** Of a place, in a tile index: offset in the block, and length, which is 0 where there is no tile. */
export const SLOT_BYTES = 12

/** What tiles are compressed with. */
export const PACKINGS = ['', '.gz', '.br'] as const

/** Extensions by code. */
export const FORMATS: Readonly<Record<number, string>> = {
  0: 'bin',
  16: 'png',
  17: 'jpg',
  18: 'webp',
  19: 'avif',
  20: 'svg',
  32: 'pbf',
  33: 'geojson',
  34: 'topojson',
  35: 'json',
}

/** A part of the file. */
export interface Part {
  readonly position: number
  readonly length: number
}

export interface Header {
  readonly format: number
  /** Index in PACKINGS. */
  readonly packing: number
  readonly minZoom: number
  readonly maxZoom: number
  /** West, south, east, north, degrees. */
  readonly bounds: readonly [number, number, number, number]
  readonly metadata: Part
  readonly blocks: Part
}

const PER_DEGREE = 1e7

export function encodeHeader(header: Header): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  bytes.write(MAGIC, 'latin1')
  bytes.set([header.format, header.packing, header.minZoom, header.maxZoom], 14)
  header.bounds.forEach((degrees, i) => {
    // bounds may go on beyond 180 degrees
    bytes.writeInt32BE(Math.round(Math.max(-180, Math.min(180, degrees)) * PER_DEGREE), 18 + 4 * i)
  })
  ;[header.metadata, header.blocks].forEach(({ position, length }, i) => {
    writeSize(bytes, position, 34 + 16 * i)
    writeSize(bytes, length, 42 + 16 * i)
  })
  return bytes
}

export function decodeHeader(bytes: Buffer): Header {
  const [format = 0, packing = 0, minZoom = 0, maxZoom = 0] = bytes.subarray(14, 18)
  const degrees = (i: number): number => bytes.readInt32BE(18 + 4 * i) / PER_DEGREE
  const part = (at: number): Part => ({ position: readSize(bytes, at), length: readSize(bytes, at + 8) })
  return {
    format,
    packing,
    minZoom,
    maxZoom,
    bounds: [degrees(0), degrees(1), degrees(2), degrees(3)],
    metadata: part(34),
    blocks: part(50),
  }
}

/** An entry of the block index. */
export interface Block {
  readonly zoom: number
  /** Of its tiles. */
  readonly minX: number
  readonly minY: number
  readonly maxX: number
  readonly maxY: number
  readonly position: number
  readonly tileBytes: number
  readonly indexBytes: number
}

export function encodeBlock(block: Block): Buffer {
  const bytes = Buffer.alloc(RECORD_BYTES)
  bytes[0] = block.zoom
  bytes.writeUInt32BE(Math.floor(block.minX / BLOCK_SIDE), 1)
  bytes.writeUInt32BE(Math.floor(block.minY / BLOCK_SIDE), 5)
  const { minX, minY, maxX, maxY } = block
  bytes.set(
    [minX, minY, maxX, maxY].map((place) => place % BLOCK_SIDE),
    9,
  )
  writeSize(bytes, block.position, 13)
  writeSize(bytes, block.tileBytes, 21)
  bytes.writeUInt32BE(block.indexBytes, 29)
  return bytes
}

export function decodeBlock(bytes: Buffer, at: number): Block {
  const x = bytes.readUInt32BE(at + 1) * BLOCK_SIDE
  const y = bytes.readUInt32BE(at + 5) * BLOCK_SIDE
  return {
    zoom: bytes[at]!,
    minX: x + bytes[at + 9]!,
    minY: y + bytes[at + 10]!,
    maxX: x + bytes[at + 11]!,
    maxY: y + bytes[at + 12]!,
    position: readSize(bytes, at + 13),
    tileBytes: readSize(bytes, at + 21),
    indexBytes: bytes.readUInt32BE(at + 29),
  }
}

/** Numbers above 2^53 come out inexact, and are larger than any file. */
const readSize = (bytes: Buffer, at: number): number =>
  bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)

export function writeSize(bytes: Buffer, size: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(size / 2 ** 32), at)
  bytes.writeUInt32BE(size % 2 ** 32, at + 4)
}
