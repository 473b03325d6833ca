// What will be copied, known before the first tile is: for containers whose layout depends on it.
import type { StoredTile, TilePlace } from '../../store/read/tile-set.js'
import { type Extent, withTile } from '../../store/report/extent.js'

/** Where the tiles of a zoom are, and how many. */
export interface LevelOutline extends Extent {
  readonly count: number
}

export interface TransferOutline {
  /** Ascending; only zooms that have tiles. */
  readonly levels: readonly LevelOutline[]
  /** Some hundred tiles from everywhere: enough to see which forms there are. */
  readonly sample: readonly StoredTile[]
  readonly metadata: Record<string, unknown>
}

/** Between half as many and this many tiles are looked at. */
const SAMPLE_TILES = 256

/** Lists all places once; reads few tiles. */
export async function outlineOf(
  places: Iterable<TilePlace>,
  read: (place: TilePlace) => Promise<StoredTile | undefined> | StoredTile | undefined,
  metadata: Record<string, unknown>,
): Promise<TransferOutline> {
  const levels = new Map<number, Extent & { count: number }>()
  let picked: TilePlace[] = []
  let stride = 1
  let number = 0
  for (const place of places) {
    const { z, x, y } = place
    const level = levels.get(z)
    if (level === undefined) levels.set(z, { ...withTile(undefined, z, x, y), count: 1 })
    else {
      withTile(level, z, x, y)
      level.count++
    }
    if (number++ % stride !== 0) continue
    picked.push(place)
    if (picked.length < SAMPLE_TILES) continue
    picked = picked.filter((_, i) => i % 2 === 0)
    stride *= 2
  }
  const sample: StoredTile[] = []
  for (const place of picked) {
    const tile = await read(place)
    if (tile !== undefined) sample.push(tile)
  }
  return { levels: [...levels.values()].sort((a, b) => a.zoom - b.zoom), sample, metadata }
}
