// Anything that has encoded tiles by z, x, y: Flagstone files, PMTiles, and what interop/ reads.
import type { TileType } from '../../format/tile-type.js'
import type { TileArea } from './areas.js'
import type { TileRange } from './list.js'

/** The tiles of a zoom, or a rectangle of them. */
export interface TilesOfZoom {
  /** 0 to 26. */
  readonly zoom: number
  /** Default: all. */
  readonly range?: TileRange | undefined
}

/**
 * Encoded tiles by zoom, column and row: what a Flagstone file, PMTiles, MBTiles and a folder of tiles have in common.
 */
export interface TileSet {
  /** Path of the file or folder. */
  readonly path: string
  /** Undefined when there is no such tile. */
  get(z: number, x: number, y: number): { readonly bytes: Uint8Array; readonly type: TileType } | undefined
  /** The same without the bytes, where that costs less. */
  head?(z: number, x: number, y: number): { readonly length: number; readonly type: TileType } | undefined
  /** Whether there is such a tile. */
  has(z: number, x: number, y: number): boolean
  /** Zooms that have tiles, ascending. */
  levels(): readonly { readonly zoom: number; readonly count: number }[]
  /** The tiles of a zoom, or of a part of it, in any order. */
  tiles(query: TilesOfZoom): IterableIterator<{ z: number; x: number; y: number }>
  /** The same as rectangles of equal tiles, where there may be very many in one; in any order. @internal */
  areas?(zoom: number, range?: TileRange): IterableIterator<TileArea>
  /** The metadata of the archive; {} when there are none. */
  metadata(): Record<string, unknown>
  /** Releases the file; tiles that were returned stay valid. */
  close(): void
  /** As `close`: `using tiles = await openTileSet(path)`. */
  [Symbol.dispose](): void
}

/** The tiles of a zoom as rectangles, of any set. */
export function* areasOf(tiles: TileSet, zoom: number): Generator<TileRange, void> {
  if (tiles.areas !== undefined) yield* tiles.areas(zoom)
  else for (const { x, y } of tiles.tiles({ zoom })) yield { minX: x, minY: y, maxX: x, maxY: y }
}

/** Is anything stored `depth` zooms under a place? One look into the index, however deep. */
export function holdsUnder(tiles: TileSet, z: number, x: number, y: number, depth: number): boolean {
  const n = 2 ** depth
  const range = { minX: x * n, minY: y * n, maxX: x * n + n - 1, maxY: y * n + n - 1 }
  for (const _ of tiles.tiles({ zoom: z + depth, range })) return true
  return false
}
