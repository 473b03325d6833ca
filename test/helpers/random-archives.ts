// Two random sets of tiles that have much in common.
import { tileId, tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import { type PlacedBytes, pngLike } from './archives.js'
import { integersFrom } from './random.js'

/** Bytes by TileID. */
export type Tiles = Map<number, Uint8Array>

/** At least `count` tiles of zooms 0 to 9, in clusters and alone, some of them equal. */
export function randomTiles(seed: number, count: number): Tiles {
  const below = integersFrom(seed)
  const tiles: Tiles = new Map()
  while (tiles.size < count) {
    const zoom = Math.min(9, below(10) + below(4))
    const [from, to] = [zoomBase(zoom), zoomBase(zoom + 1)]
    let key = from + below(to - from)
    for (let run = below(3) === 0 ? below(40) : 1; run > 0 && key < to; run--)
      tiles.set(key++, pngLike(below(30), 60 + below(3)))
  }
  return tiles
}

/** The same with some removed, in runs and alone, some changed and some added. */
export function changedTiles(tiles: Tiles, seed: number): Tiles {
  const below = integersFrom(seed)
  const changed: Tiles = new Map()
  let removing = 0
  const share = below(10)
  for (const [key, bytes] of [...tiles].sort(([a], [b]) => a - b)) {
    if (below(40) === 0) removing = below(50)
    if (removing-- > 0 || below(20) < share) continue
    changed.set(key, below(6) === 0 ? pngLike(below(1000), 70) : bytes)
  }
  for (const [key, bytes] of randomTiles(seed + 1, below(100))) changed.set(key, bytes)
  return changed
}

export const placed = (tiles: Tiles): PlacedBytes[] =>
  [...tiles].map(([key, bytes]) => {
    const [z, x, y] = tileIdToZxy(key)
    return { z, x, y, bytes }
  })

export const keyOf = ({ z, x, y }: { z: number; x: number; y: number }): number => tileId(z, x, y)
