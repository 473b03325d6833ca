// Walks several archives at once in key order. Only one tile of each is in memory, however many tiles they have.
import { tileId } from '../../format/tile-id.js'
import type { RecordRow } from '../../store/read/list.js'
import type { StoredTile, TilePlace } from '../../store/read/tile-set.js'

/** A tile of one of the archives. */
export interface SourceTile extends StoredTile {
  /** Number of the archive, from 0. */
  readonly from: number
  /** Its record, if it can be moved without its bytes. */
  readonly row?: RecordRow | undefined
}

/** An item of one of the streams. */
export interface Head<T> {
  /** Number of the stream, from 0. */
  readonly from: number
  readonly item: T
}

/** The items of all streams in key order. Those at the same place come together, in the order of the streams. */
export function* inKeyOrder<T extends TilePlace>(
  streams: readonly Iterable<T>[],
): Generator<readonly Head<T>[], void> {
  const all = streams.map((items, from) => new Stream(items, from))
  try {
    let open = all.filter((stream) => stream.advance())
    while (open.length > 0) {
      let least = Number.POSITIVE_INFINITY
      for (const { key } of open) if (key < least) least = key
      const here = open.filter(({ key }) => key === least)
      yield here.map((stream) => stream.head!)
      let ended = false
      for (const stream of here) if (!stream.advance()) ended = true
      if (ended) open = open.filter(({ head }) => head !== undefined)
    }
  } finally {
    for (const stream of all) stream.close()
  }
}

class Stream<T extends TilePlace> {
  readonly #from: number
  readonly #items: Iterator<T>
  head: Head<T> | undefined
  key = -1

  constructor(items: Iterable<T>, from: number) {
    this.#from = from
    this.#items = items[Symbol.iterator]()
  }

  /** False at the end. */
  advance(): boolean {
    const { value, done } = this.#items.next()
    this.head = done === true ? undefined : { from: this.#from, item: value }
    if (this.head === undefined) return false
    const { z, x, y } = this.head.item
    this.key = tileId(z, x, y)
    return true
  }
  /** What was to come is not needed. */
  close(): void {
    if (this.head !== undefined) this.#items.return?.()
  }
}
