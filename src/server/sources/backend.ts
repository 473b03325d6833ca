// An open archive in the terms of a Source, whatever kind it is. A source opens one, closes it when others need the
// descriptor, and opens it again.

import type { TileReader } from '../../store/read/open.js'
import type { TileSet } from '../../store/read/tile-set.js'
import type { TilesDescription } from '../../store/report/describe.js'
import type { ServedTile, Source, TileStat } from './source.js'

export interface Backend {
  readonly kind: Source['kind']
  readonly tiles: TileSet
  readonly reader: TileReader | undefined
  readonly contentEncoding: string | undefined
  /** Another one whenever what is answered may be another; safe in URLs and entity tags. */
  readonly revision: string
  /** Coordinates are inside the grid. */
  get(z: number, x: number, y: number): ServedTile | undefined
  stat(z: number, x: number, y: number): TileStat | undefined
  describe(): TilesDescription
  close(): void
}
