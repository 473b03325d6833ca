// The tiles of each zoom that may hold something: those of the sources of this depth, and those above deeper ones.
import { parentRange, type TileRange } from '../../grid/tiles/cover.js'
import { countAll, unionRanges } from '../../grid/tiles/ranges.js'

/** The tiles of some sources of one depth. */
export interface OwnTiles {
  readonly zoom: number
  /** Lowest zoom that shows these sources. */
  readonly minZoom: number
  readonly ranges: readonly TileRange[]
}

type ByZoom = readonly (readonly TileRange[])[]

export class LevelCover {
  /** By the lowest zoom that shows the sources. */
  readonly #chains = new Map<number, ByZoom>()

  constructor(own: readonly OwnTiles[]) {
    for (const minZoom of new Set(own.map((one) => one.minZoom))) {
      this.#chains.set(minZoom, chainOf(own.filter((one) => one.minZoom === minZoom)))
    }
  }

  at(zoom: number): readonly TileRange[] {
    return this.#union(zoom, zoom)
  }

  tilesAt(zoom: number): number {
    return countAll(this.at(zoom))
  }

  /** The same, as if all sources were shown from zoom 0. */
  allAt(zoom: number): readonly TileRange[] {
    return this.#union(zoom, Number.POSITIVE_INFINITY)
  }

  #union(zoom: number, lowest: number): readonly TileRange[] {
    const found = [...this.#chains].flatMap(([minZoom, chain]) =>
      minZoom <= lowest ? [chain[zoom] ?? []] : [],
    )
    return found.length === 1 ? found[0]! : unionRanges(found.flat())
  }
}

function chainOf(own: readonly OwnTiles[]): ByZoom {
  const chain: (readonly TileRange[])[] = []
  for (let zoom = Math.max(...own.map((one) => one.zoom)); zoom >= 0; zoom--) {
    const here = own.filter((one) => one.zoom === zoom).flatMap((one) => one.ranges)
    const above = (chain[zoom + 1] ?? []).map((range) => parentRange(range))
    chain[zoom] = above.length === 0 ? here : unionRanges([...here, ...above])
  }
  return chain
}
