// What every container that can be written has in common.
import type { SourceRecord } from '../../format/sources/record.js'
import type { StoredTile } from '../../store/read/tile-set.js'
import type { TransferOutline } from './outline.js'
import type { ValueMover } from './value-mover.js'

/** What an archive says of itself, whatever container it is in. */
export interface ArchiveAbout {
  /**
   * The metadata as JSON: lists are lists, numbers are numbers. Without bounds, center, minzoom, maxzoom and format, which have fields
   * of their own or follow from the tiles.
   */
  readonly metadata: Record<string, unknown>
  /** West, south, east, north, degrees; undefined when it is not stated, or not true. */
  readonly bounds: readonly [number, number, number, number] | undefined
  /** Longitude, latitude, zoom. */
  readonly center: readonly [number, number, number] | undefined
  /** What the archive remembers of the images it was made from. Only Flagstone files have room for it. */
  readonly sources?: readonly SourceRecord[] | undefined
}

/**
 * true: in key order (ascending TileIDs of PMTiles). 'columns': by zoom, column, and row counted from the south, as the
 * index of MBTiles is. 'rows': by zoom, row and column from the north-west. 'southRows': by zoom, row counted from the south,
 * and column. false: any order, the fastest to read.
 */
export type TileOrder = boolean | 'columns' | 'rows' | 'southRows'

/**
 * Writes one archive. It has a temporary name until `finish` puts it under its own, complete and durable. Exactly one
 * of `finish` and `abandon` must be called at the end.
 */
export interface TileSink {
  /** Any order is right if this is 'columns', but that one is faster. */
  readonly wantsSorted: TileOrder
  /**
   * Called before the first tile with what will come. Returns the lowest zoom that this container keeps.
   * @throws BAD_OPTION, TOO_LARGE when this container cannot hold such tiles
   */
  begin?(outline: TransferOutline): number
  /**
   * Adds a tile; places are distinct. The bytes are copied or written before the next call. A promise is returned when
   * the next tile must wait.
   * @throws BAD_OPTION when this container cannot hold such a tile
   * @throws DISK_FULL, SYSTEM when it cannot be written
   */
  put(tile: StoredTile): Promise<void> | undefined
  /**
   * Completes the archive and puts it under its name.
   * @throws EXISTS when something else appeared under the name meanwhile
   * @throws DISK_FULL, SYSTEM when it cannot be written
   */
  finish(about: ArchiveAbout): Promise<void>
  /** Removes what was written. Never throws. */
  abandon(): Promise<void>
  /** Takes tiles over from Flagstone files without reading them, in key order. Only where the output is one, too. */
  readonly values?: ValueMover
  /** Sentences about what this container could not keep. */
  readonly notes?: readonly string[]
}
