// The encoded tiles of a subtree for the way from a worker: columns and one buffer, so that they are transferred rather
// than copied.
//
// Invariant: zooms ascend, and TileIDs ascend within a zoom.
import { tileId } from '../../format/tile-id.js'
import type { TileType } from '../../format/tile-type.js'

export interface EncodedAt {
  readonly z: number
  readonly x: number
  readonly y: number
  readonly type: TileType
  readonly bytes: Uint8Array
}

export interface PackedTiles {
  readonly count: number
  readonly zooms: Uint8Array
  readonly xs: Int32Array
  readonly ys: Int32Array
  readonly types: Uint8Array
  /** count + 1 positions in `bytes`. */
  readonly offsets: Uint32Array
  readonly bytes: Uint8Array
}

export function packTiles(tiles: readonly EncodedAt[]): PackedTiles {
  const keyed = tiles.map((tile) => ({ tile, key: tileId(tile.z, tile.x, tile.y) }))
  keyed.sort((a, b) => a.key - b.key)
  const count = tiles.length
  const packed: PackedTiles = {
    count,
    zooms: new Uint8Array(count),
    xs: new Int32Array(count),
    ys: new Int32Array(count),
    types: new Uint8Array(count),
    offsets: new Uint32Array(count + 1),
    bytes: new Uint8Array(tiles.reduce((sum, tile) => sum + tile.bytes.length, 0)),
  }
  let at = 0
  for (const [i, { tile }] of keyed.entries()) {
    packed.zooms[i] = tile.z
    packed.xs[i] = tile.x
    packed.ys[i] = tile.y
    packed.types[i] = tile.type
    packed.bytes.set(tile.bytes, at)
    at += tile.bytes.length
    packed.offsets[i + 1] = at
  }
  return packed
}

export function unpackTile(packed: PackedTiles, i: number): EncodedAt {
  return {
    z: packed.zooms[i]!,
    x: packed.xs[i]!,
    y: packed.ys[i]!,
    type: packed.types[i]! as TileType,
    bytes: packed.bytes.subarray(packed.offsets[i]!, packed.offsets[i + 1]!),
  }
}

export function buffersOf(packed: PackedTiles): ArrayBuffer[] {
  const { zooms, xs, ys, types, offsets, bytes } = packed
  return [zooms, xs, ys, types, offsets, bytes].map((column) => column.buffer as ArrayBuffer)
}
