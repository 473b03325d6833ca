// Which tiles a plan may make, found by place. Made from the plan's levels where it is needed, on every thread.
import type { TileRange } from '../../grid/tiles/cover.js'
import type { PlanLevel } from './plan.js'
import { RangeIndex } from './range-index.js'

export class PlannedTiles {
  readonly #byZoom = new Map<number, RangeIndex>()

  constructor(levels: readonly PlanLevel[]) {
    for (const { zoom, ranges } of levels) this.#byZoom.set(zoom, new RangeIndex(ranges))
  }

  has(zoom: number, x: number, y: number): boolean {
    return this.#byZoom.get(zoom)?.has(x, y) === true
  }

  at(zoom: number): readonly TileRange[] {
    return this.#byZoom.get(zoom)?.ranges ?? []
  }

  /** Whether a tile of the range is planned. */
  meets(zoom: number, range: TileRange): boolean {
    return this.#byZoom.get(zoom)?.meets(range) === true
  }

  /** The planned tiles of the range, as ranges that do not overlap. */
  within(zoom: number, range: TileRange): TileRange[] {
    return this.#byZoom.get(zoom)?.within(range) ?? []
  }

  countIn(zoom: number, range: TileRange): number {
    return this.#byZoom.get(zoom)?.countIn(range) ?? 0
  }
}

const made = new WeakMap<readonly PlanLevel[], PlannedTiles>()

/** The planned tiles of a plan; made once. */
export function plannedTilesOf({ levels }: { readonly levels: readonly PlanLevel[] }): PlannedTiles {
  let found = made.get(levels)
  if (found === undefined) {
    found = new PlannedTiles(levels)
    made.set(levels, found)
  }
  return found
}
