// Whatever holds encoded tiles by z, x, y and can be asked for them: our files, PMTiles, and what interop/ reads.
import type { TileType } from '../format/tile-type.js'

export interface TileSet {
  readonly path: string
  /** Undefined when there is no such tile. */
  get(z: number, x: number, y: number): { readonly bytes: Uint8Array; readonly type: TileType } | undefined
  has(z: number, x: number, y: number): boolean
  /** Zooms that hold tiles, ascending. */
  levels(): readonly { readonly zoom: number; readonly count: number }[]
  /** The tiles of a zoom, in any order. */
  tiles(query: { readonly zoom: number }): IterableIterator<{ z: number; x: number; y: number }>
  metadata(): Record<string, unknown>
  close(): void
}
