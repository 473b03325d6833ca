// Tells a sink that wants to know what will come, before the first tile does.
import type { StoredTile, TilePlace, TileSet } from '../../store/read/tile-set.js'
import { MAX_ZOOM } from '../../zooms.js'
import { outlineOf } from './outline.js'
import { placesOf, type TileSelection } from './scan.js'
import type { TileSink } from './sink.js'

/** Returns the selection of what the sink keeps. @throws as `begin` and the archive */
export async function announce(
  tiles: TileSet,
  sink: TileSink,
  selection: TileSelection | undefined,
): Promise<TileSelection | undefined> {
  if (sink.begin === undefined) return selection
  const read = ({ z, x, y }: TilePlace): StoredTile | undefined => {
    const tile = tiles.get(z, x, y)
    return tile && { z, x, y, bytes: tile.bytes, type: tile.type }
  }
  const outline = await outlineOf(placesOf(tiles, false, selection), read, tiles.metadata())
  if (outline.levels.length === 0) return selection
  const { minZoom, maxZoom } = selection ?? { minZoom: 0, maxZoom: MAX_ZOOM }
  return { ...selection, minZoom: Math.max(minZoom, sink.begin(outline)), maxZoom }
}
