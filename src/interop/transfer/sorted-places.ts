// Sorts the places of a zoom, in bounded memory.
import { tileId, tileIdToZxy } from '../../format/tile-id.js'
import type { TilePlace } from '../../store/read/tile-set.js'
import type { TileOrder } from './sink.js'
import { SortedKeys } from './sorted-keys.js'

/** Numbers that ascend in an order, and what they stand for. `side`: number of columns of the zoom. */
interface Numbering {
  keyOf(place: TilePlace, side: number): number
  placeOf(key: number, zoom: number, side: number): TilePlace
}

const NUMBERINGS: Readonly<Record<'keys' | 'columns' | 'rows' | 'southRows', Numbering>> = {
  keys: {
    keyOf: ({ z, x, y }) => tileId(z, x, y),
    placeOf(key) {
      const [z, x, y] = tileIdToZxy(key)
      return { z, x, y }
    },
  },
  columns: {
    keyOf: ({ x, y }, side) => x * side + side - 1 - y,
    placeOf(key, zoom, side) {
      const x = Math.floor(key / side)
      return { z: zoom, x, y: side - 1 - (key - x * side) }
    },
  },
  rows: {
    keyOf: ({ x, y }, side) => y * side + x,
    placeOf(key, zoom, side) {
      const y = Math.floor(key / side)
      return { z: zoom, x: key - y * side, y }
    },
  },
  southRows: {
    keyOf: ({ x, y }, side) => (side - 1 - y) * side + x,
    placeOf(key, zoom, side) {
      const south = Math.floor(key / side)
      return { z: zoom, x: key - south * side, y: side - 1 - south }
    },
  },
}

export class SortedPlaces {
  readonly #zoom: number
  readonly #side: number
  readonly #numbering: Numbering
  readonly #keys = new SortedKeys()

  constructor(zoom: number, order: Exclude<TileOrder, false>) {
    this.#zoom = zoom
    this.#side = 2 ** zoom
    this.#numbering = NUMBERINGS[order === true ? 'keys' : order]
  }

  /** @throws DISK_FULL, SYSTEM when they cannot be parked */
  add(place: TilePlace): void {
    this.#keys.add(this.#numbering.keyOf(place, this.#side))
  }

  /** Each place once. Ends with the memory released. */
  *[Symbol.iterator](): Generator<TilePlace, void> {
    for (const key of this.#keys) yield this.#numbering.placeOf(key, this.#zoom, this.#side)
  }

  close(): void {
    this.#keys.close()
  }
}
