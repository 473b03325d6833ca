// Walks several archives at once in key order. Only one tile of each is in memory, however many tiles they have.
import { tileId } from '../../format/tile-id.js'
import { scanTiles } from '../../interop/transfer/scan.js'
import type { StoredTile, TileSet } from '../../store/read/tile-set.js'

/** A tile of one of the archives. */
export interface SourceTile extends StoredTile {
  /** Number of the archive, from 0. */
  readonly from: number
}

/** The tiles of all archives in key order. Those at the same place come together, in the order of the archives. */
export function* mergedTiles(archives: readonly TileSet[]): Generator<readonly SourceTile[], void> {
  const streams = archives.map((tiles, from) => new Stream(tiles, from))
  let open = streams.filter((stream) => stream.advance())
  while (open.length > 0) {
    let least = Number.POSITIVE_INFINITY
    for (const { key } of open) if (key < least) least = key
    const here = open.filter(({ key }) => key === least)
    yield here.map((stream) => stream.tile!)
    let ended = false
    for (const stream of here) if (!stream.advance()) ended = true
    if (ended) open = open.filter(({ tile }) => tile !== undefined)
  }
}

class Stream {
  readonly #from: number
  readonly #tiles: Iterator<StoredTile>
  tile: SourceTile | undefined
  key = -1

  constructor(tiles: TileSet, from: number) {
    this.#from = from
    this.#tiles = scanTiles(tiles, true)[Symbol.iterator]()
  }

  /** False at the end. */
  advance(): boolean {
    const { value, done } = this.#tiles.next()
    this.tile = done === true ? undefined : { ...value, from: this.#from }
    if (this.tile === undefined) return false
    this.key = tileId(this.tile.z, this.tile.x, this.tile.y)
    return true
  }
}
