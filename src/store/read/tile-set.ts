// Anything that holds encoded tiles by z, x, y: Flagstone files, PMTiles, and what interop/ reads.
import type { SourceRecord } from '../../format/sources/record.js'
import type { TileType } from '../../format/tile-type.js'
import type { TileArea } from './areas.js'
import type { TileRange } from './list.js'
import type { SourcesQuery } from './sources-at.js'

/** The tiles of a zoom, or those in a rectangle. */
export interface TilesOfZoom {
  /** 0 to 26. */
  readonly zoom: number
  /** Default: all. */
  readonly range?: TileRange | undefined
}

/** A tile with its place and its bytes. */
export interface StoredTile {
  readonly z: number
  readonly x: number
  readonly y: number
  readonly bytes: Uint8Array
  readonly type: TileType
  /** CRC-32 of these bytes, where it is known. */
  readonly crc?: number | undefined
}

/** Where a tile is. */
export interface TilePlace {
  readonly z: number
  readonly x: number
  readonly y: number
}

/**
 * Encoded tiles by zoom, column and row: the common interface of Flagstone files, PMTiles, MBTiles and folders of
 * tiles.
 */
export interface TileSet {
  /** Path of the file or folder. */
  readonly path: string
  /** Undefined when there is no such tile. */
  get(z: number, x: number, y: number): { readonly bytes: Uint8Array; readonly type: TileType } | undefined
  /** As `get`, without the bytes, where that is cheaper. */
  head?(z: number, x: number, y: number): { readonly length: number; readonly type: TileType } | undefined
  /** Whether there is such a tile. */
  has(z: number, x: number, y: number): boolean
  /** Zooms that have tiles, ascending. */
  levels(): readonly { readonly zoom: number; readonly count: number }[]
  /** The tiles of a zoom, or those in a rectangle, in any order. */
  tiles(query: TilesOfZoom): IterableIterator<{ z: number; x: number; y: number }>
  /**
   * The tiles of a zoom as rectangles of equal tiles, in any order; only where one rectangle may hold very many.
   * @internal
   */
  areas?(zoom: number, range?: TileRange): IterableIterator<TileArea>
  /**
   * Whether `tiles` lists in key order: ascending TileIDs of PMTiles. Default: false.
   * @internal
   */
  readonly isSorted?: boolean
  /**
   * All tiles with their bytes, in the order in which they are stored: the fastest way to read all. A place may come
   * twice if the archive has it twice. Only where reading one by one is slower.
   * @internal
   */
  scan?(): IterableIterator<StoredTile>
  /**
   * 'columns': `scan` goes by zoom, column, and row counted from the south, and has each place once.
   * @internal
   */
  readonly scanOrder?: 'columns'
  /**
   * The tiles at these places, in the same order. Only where reading one by one is slower.
   * @internal
   */
  readEach?(places: Iterable<TilePlace>): IterableIterator<StoredTile>
  /**
   * Sentences about how tiles differ from what is stored, once they were read.
   * @internal
   */
  readonly notes?: readonly string[]
  /** The metadata of the archive; {} when there are none. */
  metadata(): Record<string, unknown>
  /**
   * The images that the archive was made from, from the bottom to the top. Only Flagstone files remember them.
   * @throws DAMAGED when they are not what the format says
   */
  sources?(): readonly SourceRecord[]
  /** Those of `sources` that lie at a point or touch a rectangle, the topmost first. @throws as `sources` */
  sourcesAt?(query: SourcesQuery): SourceRecord[]
  /** Releases the file; tiles that were returned stay valid. */
  close(): void
  /** As `close`: `using tiles = await openTileSet(path)`. */
  [Symbol.dispose](): void
}

/** The tiles of a zoom as rectangles, for any set. */
export function* areasOf(tiles: TileSet, zoom: number): Generator<TileRange, void> {
  if (tiles.areas !== undefined) yield* tiles.areas(zoom)
  else for (const { x, y } of tiles.tiles({ zoom })) yield { minX: x, minY: y, maxX: x, maxY: y }
}

/** Whether anything is stored `depth` zooms below a tile. One lookup in the index, however deep. */
export function holdsUnder(tiles: TileSet, z: number, x: number, y: number, depth: number): boolean {
  const n = 2 ** depth
  const range = { minX: x * n, minY: y * n, maxX: x * n + n - 1, maxY: y * n + n - 1 }
  for (const _ of tiles.tiles({ zoom: z + depth, range })) return true
  return false
}
