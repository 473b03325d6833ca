// Tells a sink that wants to know what will come, before the first tile does.
import type { StoredTile, TilePlace } from '../../store/read/tile-set.js'
import { outlineOf } from './outline.js'
import type { TileSink } from './sink.js'

/** What a transfer copies. */
export interface Coming {
  places(): Iterable<TilePlace>
  read(place: TilePlace): Promise<StoredTile | undefined> | StoredTile | undefined
  readonly metadata: Record<string, unknown>
}

/** Returns the lowest zoom that the sink keeps. @throws as `begin` and the archive */
export async function announce(sink: TileSink, coming: Coming): Promise<number> {
  if (sink.begin === undefined) return 0
  const outline = await outlineOf(coming.places(), (place) => coming.read(place), coming.metadata)
  return outline.levels.length === 0 ? 0 : sink.begin(outline)
}
