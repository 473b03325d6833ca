// What the server says of an archive, in bounded time: small ones are looked through, of large ones the tiles are
// counted by the index, and the rest is made of a sample.

import type { TileReader } from '../../store/read/open.js'
import type { TileStat } from '../../store/read/tile.js'
import type { TileSet } from '../../store/read/tile-set.js'
import { believedBounds } from '../../store/report/claims.js'
import {
  aboutReader,
  describeFound,
  describeTiles,
  type TilesDescription,
  type TilesFound,
} from '../../store/report/describe.js'
import { type Extent, extentOfAll, withTile } from '../../store/report/extent.js'

/** Records that are read in some hundredths of a second. */
const EXACT_TILES = 100_000
const FEW_TILES = 4096
/** Tiles of each zoom whose length and type are looked at. */
const SAMPLE = 64

export function describeServed(reader: TileReader): TilesDescription {
  const count = reader.levels().reduce((sum, level) => sum + level.count, 0)
  if (count <= EXACT_TILES) return describeTiles(reader)
  return describeSampled(reader, (z, x, y) => reader.stat(z, x, y), aboutReader(reader))
}

/** Of any set of tiles. Counts are its own; types and bytes are of the first tiles of each zoom. */
export function describeSampled(
  tiles: TileSet,
  stat: (z: number, x: number, y: number) => Pick<TileStat, 'type' | 'length'> | undefined,
  about: Pick<TilesFound, 'kind' | 'sealed' | 'fileBytes' | 'layout' | 'metadata' | 'header'>,
): TilesDescription {
  const types = new Map<number, number>()
  const counts = tiles.levels()
  let isSampled = false
  const levels = counts.map(({ zoom, count }) => {
    let [seen, bytes] = [0, 0]
    const ofLevel = new Map<number, number>()
    for (const { z, x, y } of tiles.tiles({ zoom })) {
      const found = stat(z, x, y)
      if (found === undefined) continue
      seen++
      bytes += found.length
      ofLevel.set(found.type, (ofLevel.get(found.type) ?? 0) + 1)
      if (seen === SAMPLE) break
    }
    if (seen < count) isSampled = true
    const each = seen === 0 ? 0 : count / seen
    for (const [type, n] of ofLevel) types.set(type, (types.get(type) ?? 0) + Math.round(n * each))
    return { zoom, count, bytes: Math.round(bytes * each) }
  })
  // what is claimed is compared with few tiles
  const few = extentOf(tiles, counts, FEW_TILES)
  const isBelieved = believedBounds(about.metadata['bounds'] ?? about.header?.bounds, few) !== undefined
  const extent = isBelieved ? few : extentOf(tiles, counts, EXACT_TILES)
  return describeFound({ ...about, levels, types, extent, isSampled })
}

/** Of the zooms that are not too large to be looked through. */
function extentOf(tiles: TileSet, levels: ReturnType<TileSet['levels']>, most: number): Extent | undefined {
  const extents = levels.flatMap(({ zoom, count }) => {
    let extent: Extent | undefined
    if (count <= most) for (const { z, x, y } of tiles.tiles({ zoom })) extent = withTile(extent, z, x, y)
    return extent ?? []
  })
  return extentOfAll(extents)
}
