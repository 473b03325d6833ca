// Counts what differs, by zoom.
import { zoomOfTileId } from '../../format/tile-id.js'

/** What happened to a tile. */
export type TileChange = 'added' | 'changed' | 'removed'

/** The differences of one zoom. */
export interface ChangedLevel {
  /** 0 to 26. */
  readonly zoom: number
  /** Tiles that only the archive after has. */
  readonly added: number
  /** Tiles with other bytes. */
  readonly changed: number
  /** Tiles that only the archive before has. */
  readonly removed: number
}

export class ChangeTally {
  readonly #levels = new Map<number, Record<TileChange, number>>()

  add(key: number, change: TileChange): void {
    const zoom = zoomOfTileId(key)
    const level = this.#levels.get(zoom) ?? { added: 0, changed: 0, removed: 0 }
    level[change]++
    this.#levels.set(zoom, level)
  }

  /** Zooms with differences, ascending. */
  get levels(): ChangedLevel[] {
    return [...this.#levels].map(([zoom, counts]) => ({ zoom, ...counts })).sort((a, b) => a.zoom - b.zoom)
  }

  /** Over all zooms. */
  get totals(): Record<TileChange, number> {
    const totals = { added: 0, changed: 0, removed: 0 }
    for (const level of this.#levels.values())
      for (const change of ['added', 'changed', 'removed'] as const) totals[change] += level[change]
    return totals
  }
}
