// An open archive as it is served, whatever kind it is. A source opens one, closes it when others need the descriptor, and
// opens it again.
import type { ArchiveKind } from '../../interop/archive-name.js'
import type { TileReader } from '../../store/read/open.js'
import type { TileStat } from '../../store/read/tile.js'
import type { TileSet } from '../../store/read/tile-set.js'
import type { TilesDescription } from '../../store/report/describe.js'

export interface ServedTile extends TileStat {
  readonly bytes: Uint8Array
}

/** What an archive answers. */
export interface ServedArchive {
  readonly kind: TileReader['kind'] | Exclude<ArchiveKind, 'file'>
  /** For sampling, listing and metadata. */
  readonly tiles: TileSet
  /** The reader behind it when it is a file of ours or a PMTiles archive. */
  readonly reader: TileReader | undefined
  /** 'gzip' when vector tiles are stored so. */
  readonly contentEncoding: string | undefined
  /** Undefined: no such tile. @throws DAMAGED when it cannot be read */
  get(z: number, x: number, y: number): ServedTile | undefined
  /** The same without the bytes: enough for a 304 or a HEAD. */
  stat(z: number, x: number, y: number): TileStat | undefined
  /** Counts, bounds, zooms, metadata. */
  describe(): TilesDescription
}

/** Asked for coordinates inside the grid only. */
export interface Backend extends ServedArchive {
  /** Another one whenever what is answered may be another; safe in URLs and entity tags. */
  readonly revision: string
  close(): void
}
