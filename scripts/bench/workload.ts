// The same keys, values and orders for everybody who is measured, and the same in every run.
import { decodeTileId, zoomBase } from '../../src/format/tile-id.js'

/** Bytes of randomness values are cut from; windows at distinct places are distinct. */
const POOL_BYTES = 256 * 1024 * 1024

/** xorshift32: the bits are the same in every run, and zlib finds nothing in them. */
export function randomBytes(length: number, seed: number): Buffer {
  const words = new Int32Array(Math.ceil(length / 4))
  let state = (seed * 2654435761) | 1
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  return Buffer.from(words.buffer, 0, length)
}

/** `count` values of `bytes` bytes: incompressible, and no two the same. */
export function distinctValues(count: number, bytes: number): Uint8Array[] {
  const room = Math.min(count * bytes, POOL_BYTES)
  const pool = randomBytes(room, bytes)
  const places = room - bytes + 1
  // Steps of 8009 bytes, a prime, come to every place before they repeat one; small sets lie end to end.
  const step = room === count * bytes ? bytes : 8009
  if (places < count && step !== bytes) throw new RangeError(`${count} values of ${bytes} bytes are too many`)
  return Array.from({ length: count }, (_, i) => {
    const at = step === bytes ? i * bytes : (i * step) % places
    return pool.subarray(at, at + bytes)
  })
}

export interface Tiles {
  readonly count: number
  readonly ids: Float64Array
  readonly z: Int32Array
  readonly x: Int32Array
  readonly y: Int32Array
}

/** Tiles of consecutive TileIDs from `first` on: Hilbert order, zoom by zoom. */
export function consecutiveTiles(first: number, count: number): Tiles {
  const ids = Float64Array.from({ length: count }, (_, i) => first + i)
  return tilesOf(ids)
}

/** The first `count` tiles of a zoom along the Hilbert curve. */
export function tilesOfZoom(zoom: number, count: number): Tiles {
  if (count > 4 ** zoom) throw new RangeError(`zoom ${zoom} has only ${4 ** zoom} tiles`)
  return consecutiveTiles(zoomBase(zoom), count)
}

/** Shuffles in place (Fisher–Yates), the same way for the same seed. */
export function shuffle(order: Int32Array, seed: number): void {
  const random = new Uint32Array(randomBytes(order.length * 4, seed).buffer)
  for (let i = order.length - 1; i > 0; i--) {
    const j = random[i]! % (i + 1)
    const swap = order[i]!
    order[i] = order[j]!
    order[j] = swap
  }
}

/** The tiles with these numbers, in this order. */
export function pick(tiles: Tiles, order: Int32Array): Tiles {
  return tilesOf(Float64Array.from(order, (i) => tiles.ids[i]!))
}

/** The same tiles in random order. */
export function shuffled(tiles: Tiles, seed: number): Tiles {
  const order = Int32Array.from({ length: tiles.count }, (_, i) => i)
  shuffle(order, seed)
  return pick(tiles, order)
}

function tilesOf(ids: Float64Array): Tiles {
  const count = ids.length
  const [z, x, y] = [new Int32Array(count), new Int32Array(count), new Int32Array(count)]
  const zxy = new Int32Array(3)
  for (let i = 0; i < count; i++) {
    decodeTileId(ids[i]!, zxy)
    z[i] = zxy[0]!
    x[i] = zxy[1]!
    y[i] = zxy[2]!
  }
  return { count, ids, z, x, y }
}
