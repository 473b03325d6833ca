// The header and the keys of frast v2 (`.ft`), a flat tile file for Linux: github.com/steplee/frast. There is no
// specification; this follows frast2/flat/flat_env.h and files that frast wrote.
//
//   0     u64  version, 0
//   8     u64  position of the metadata, JSON; frast itself neither writes nor reads them
//   16    u64  their length
//   24    26 × 7 u64, one for each zoom 0 … 25:
//         capacity of the keys, capacity of the values, position of the keys, length of the keys,
//         position of the values' offsets, position of the values, length of the values; all in bytes
//   1480  u8   raster: 0 = colour (or grey), 1 = grey, 2 = terrain
//   1481  u8   codec, 0
//   4096  keys, offsets and values of the zooms, anywhere
//
// A key is zoom << 58 | row << 29 | column, with rows counted from the south. Keys ascend. A value begins at its offset
// from the position of the values, and ends where the next one begins. All numbers are little-endian.

import { getU64, putU64 } from '../../format/u64.js'

export const HEADER_BYTES = 4096
/** frast has zooms 0 … 25. */
export const FRAST_MAX_ZOOM = 25
/** Size of a key, and of an offset. */
export const KEY_BYTES = 8
const VERSION = 0
const ZOOMS = FRAST_MAX_ZOOM + 1
const LEVEL_FIELDS = 7
const AT = { version: 0, metadata: 8, metadataLength: 16, levels: 24, raster: 1480, codec: 1481 } as const

/** Kinds of rasters, by their code. */
const RASTERS = ['colour', 'grey', 'terrain'] as const
export type FrastRaster = (typeof RASTERS)[number]

/** Where the parts of a zoom are. Bytes, as positions in the file. */
export interface FrastLevel {
  readonly zoom: number
  readonly keys: number
  readonly keysLength: number
  readonly keysCapacity: number
  readonly offsets: number
  readonly values: number
  readonly valuesLength: number
  readonly valuesCapacity: number
}

export interface FrastHeader {
  readonly raster: FrastRaster
  readonly metadata: number
  readonly metadataLength: number
  /** The zooms with keys, ascending. */
  readonly levels: readonly FrastLevel[]
}

/** Reads a header. A text says what is wrong with it, as a clause. */
export function decodeFrastHeader(bytes: Uint8Array): FrastHeader | string {
  if (bytes.length < HEADER_BYTES) return `it has ${bytes.length} bytes, fewer than its header`
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const raster = RASTERS[bytes[AT.raster]!]
  if (getU64(view, AT.version) !== VERSION)
    return `its version is ${getU64(view, AT.version)}, and only ${VERSION} is known`
  if (raster === undefined) return `its raster type is ${bytes[AT.raster]}, and only 0 to 2 are known`
  if (bytes[AT.codec] !== 0) return `its codec is ${bytes[AT.codec]}, and only 0 is known`
  const levels: FrastLevel[] = []
  for (let zoom = 0; zoom < ZOOMS; zoom++) {
    const at = AT.levels + zoom * LEVEL_FIELDS * 8
    const [keysCapacity, valuesCapacity, keys, keysLength, offsets, values, valuesLength] = Array.from(
      { length: LEVEL_FIELDS },
      (_, i) => getU64(view, at + i * 8),
    ) as [number, number, number, number, number, number, number]
    if (keysLength === 0) continue
    levels.push({ zoom, keys, keysLength, keysCapacity, offsets, values, valuesLength, valuesCapacity })
  }
  return {
    raster,
    metadata: getU64(view, AT.metadata),
    metadataLength: getU64(view, AT.metadataLength),
    levels,
  }
}

export function encodeFrastHeader({ raster, metadata, metadataLength, levels }: FrastHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  putU64(view, AT.version, VERSION)
  putU64(view, AT.metadata, metadata)
  putU64(view, AT.metadataLength, metadataLength)
  for (const level of levels) {
    const { keysCapacity, valuesCapacity, keys, keysLength, offsets, values, valuesLength } = level
    const at = AT.levels + level.zoom * LEVEL_FIELDS * 8
    const fields = [keysCapacity, valuesCapacity, keys, keysLength, offsets, values, valuesLength]
    for (const [i, value] of fields.entries()) putU64(view, at + i * 8, value)
  }
  bytes[AT.raster] = RASTERS.indexOf(raster)
  return bytes
}

/**
 * Whether a file with these first bytes is frast's. There is no magic number, so every field has to make sense; a
 * Flagstone file that was never sealed begins with zeros.
 */
export function beginsFrast(head: Uint8Array): boolean {
  const header = decodeFrastHeader(head)
  if (typeof header === 'string' || header.levels.length === 0) return false
  return header.levels.every(
    ({ keys, keysLength, keysCapacity, offsets, values }) =>
      keysLength % KEY_BYTES === 0 &&
      keysLength <= keysCapacity &&
      [keys, offsets, values].every((at) => at >= HEADER_BYTES && at < Number.MAX_SAFE_INTEGER),
  )
}

/** Row from the south times the number of columns, plus column: ascends as the keys of a zoom do. Exact, below 2^50. */
export type FrastOrder = number

export const frastOrder = (zoom: number, x: number, y: number): FrastOrder => {
  const side = 2 ** zoom
  return (side - 1 - y) * side + x
}

export function placeOfOrder(zoom: number, order: FrastOrder): { z: number; x: number; y: number } {
  const side = 2 ** zoom
  return { z: zoom, x: order % side, y: side - 1 - Math.floor(order / side) }
}

/** The order of a key; undefined when it is of another zoom or outside the grid. */
export function decodeFrastKey(zoom: number, low: number, high: number): FrastOrder | undefined {
  const side = 2 ** zoom
  const x = low & 0x1fffffff
  const south = (high & 0x3ffffff) * 8 + (low >>> 29)
  return high >>> 26 === zoom && x < side && south < side ? south * side + x : undefined
}

/** Writes the key of an order at a position. */
export function putFrastKey(view: DataView, at: number, zoom: number, order: FrastOrder): void {
  const side = 2 ** zoom
  const south = Math.floor(order / side)
  view.setUint32(at, ((south & 7) << 29) | (order % side), true)
  view.setUint32(at + 4, (zoom << 26) | (south >>> 3), true)
}
