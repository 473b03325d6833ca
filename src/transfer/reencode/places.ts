// Which tiles come out when tiles change their size, and what each is made of. A tile of 512 pixels shows the same ground
// as four tiles of 256 pixels one zoom higher, so zooms move by one and nothing is resampled. Only where large tiles become
// small, the lowest zoom would be lost: it is halved.
import { inOrder } from '../../interop/transfer/scan.js'
import type { TileOrder } from '../../interop/transfer/sink.js'
import type { TilePlace } from '../../store/read/tile-set.js'
import { MAX_ZOOM } from '../../zooms.js'

/** A part of a tile: the quarter at column and row 0 or 1 of a larger one. */
export interface Quarter {
  readonly place: TilePlace
  readonly column: number
  readonly row: number
}

/** How a tile is made: of up to four smaller ones, of a quarter of a larger one, or as the half of one. */
export type Recipe =
  | { readonly kind: 'join'; readonly parts: readonly Quarter[] }
  | { readonly kind: 'cut'; readonly from: Quarter }
  | { readonly kind: 'halve'; readonly from: TilePlace }

/** The recipe of a tile. `lowest`: the lowest zoom that is read. */
export function recipeOf({ z, x, y }: TilePlace, step: -1 | 1, lowest: number): Recipe {
  if (step === 1) {
    const parts = [0, 1, 2, 3].map((i) => {
      const [column, row] = [i & 1, i >> 1]
      return { place: { z: z + 1, x: 2 * x + column, y: 2 * y + row }, column, row }
    })
    return { kind: 'join', parts }
  }
  if (z === lowest) return { kind: 'halve', from: { z, x, y } }
  return { kind: 'cut', from: { place: { z: z - 1, x: x >> 1, y: y >> 1 }, column: x & 1, row: y & 1 } }
}

export interface ZoomRange {
  readonly minZoom: number
  readonly maxZoom: number
}

interface Resize {
  /** Zooms that have tiles, ascending. */
  readonly zooms: readonly number[]
  readonly step: -1 | 1
  /** Of the new tiles. */
  readonly range: ZoomRange
}

/** The places of the new tiles, by zoom. `placesAt`: those of a zoom that are read. */
export function* resizedPlaces(
  { zooms, step, range }: Resize,
  placesAt: (zoom: number) => Iterable<TilePlace>,
  order: TileOrder,
): Iterable<TilePlace> {
  const isWanted = (zoom: number): boolean => zoom >= range.minZoom && zoom <= range.maxZoom
  const lowest = zooms[0]
  if (step === -1 && lowest !== undefined && isWanted(lowest))
    yield* inOrder(lowest, placesAt(lowest), order === false ? true : order)
  for (const zoom of zooms) {
    const to = zoom - step
    if (to < 0 || to > MAX_ZOOM || !isWanted(to)) continue
    const moved = step === 1 ? parents(placesAt(zoom)) : children(placesAt(zoom))
    // in any order that has each once: up to four tiles have the same parent
    yield* inOrder(to, moved, order === false ? true : order)
  }
}

function* parents(places: Iterable<TilePlace>): Iterable<TilePlace> {
  for (const { z, x, y } of places) yield { z: z - 1, x: x >> 1, y: y >> 1 }
}

function* children(places: Iterable<TilePlace>): Iterable<TilePlace> {
  for (const { z, x, y } of places)
    for (let i = 0; i < 4; i++) yield { z: z + 1, x: 2 * x + (i & 1), y: 2 * y + (i >> 1) }
}
