// Copies tiles from an archive to a sink: convert, extract and merge are made of it.
import { crc32 } from '../format/crc.js'
import { TilesDigest } from '../format/digest.js'
import { tileId } from '../format/tile-id.js'
import { nameOfTileType, typeOfContent } from '../format/tile-type.js'
import type { TileSink } from '../interop/transfer/sink.js'
import { Turns } from '../interop/transfer/turns.js'
import type { RecordRow } from '../store/read/list.js'
import { reclaim } from '../store/read/slab.js'
import type { StoredTile, TilePlace } from '../store/read/tile-set.js'
import { type Extent, withTile } from '../store/report/extent.js'
import type { TransferMeter } from './progress.js'

/** One zoom of what was copied. */
export interface CopiedLevel {
  /** 0 to 26. */
  readonly zoom: number
  /** Number of tiles. */
  readonly tiles: number
  /** Bytes of tiles; identical tiles count each time. */
  readonly bytes: number
}

/** What was copied. */
export class CopyTally {
  readonly digest = new TilesDigest()
  bytes = 0
  readonly #levels = new Map<number, { tiles: number; bytes: number; extent: Extent }>()
  readonly #types = new Map<number, number>()

  add({ z, x, y, bytes, type, crc = crc32(bytes) }: StoredTile): void {
    this.addRecord({ z, x, y }, { key: tileId(z, x, y), type, length: bytes.length, crc })
  }

  /** A tile whose bytes are not read. */
  addRecord(
    { z, x, y }: TilePlace,
    { key, type, length, crc }: Pick<RecordRow, 'key' | 'type' | 'length' | 'crc'>,
  ): void {
    this.digest.add(key, type, length, crc)
    this.bytes += length
    this.#types.set(type, (this.#types.get(type) ?? 0) + 1)
    const level = this.#levels.get(z)
    if (level === undefined) {
      this.#levels.set(z, { tiles: 1, bytes: length, extent: withTile(undefined, z, x, y) })
      return
    }
    level.tiles++
    level.bytes += length
    withTile(level.extent, z, x, y)
  }

  get tiles(): number {
    return this.digest.tiles
  }

  /** Ascending. */
  get levels(): CopiedLevel[] {
    return [...this.#levels]
      .map(([zoom, { tiles, bytes }]) => ({ zoom, tiles, bytes }))
      .sort((a, b) => a.zoom - b.zoom)
  }

  /** Number of tiles of each type, most common first. */
  get types(): { name: string; count: number }[] {
    return [...this.#types]
      .map(([type, count]) => ({ name: nameOfTileType(type), count }))
      .sort((a, b) => b.count - a.count)
  }

  /** Of the deepest zoom. */
  get extent(): Extent | undefined {
    const zoom = this.levels.at(-1)?.zoom
    return zoom === undefined ? undefined : this.#levels.get(zoom)?.extent
  }
}

/** The message when a transfer is interrupted. */
export const INTERRUPTED = 'Interrupted; nothing is left of the output.'

/**
 * Copies tiles until there are no more.
 * @throws INTERRUPTED when `signal` was aborted
 * @throws as the archive and the sink
 */
export async function copyTiles(
  tiles: Iterable<StoredTile | Promise<StoredTile>> | AsyncIterable<StoredTile>,
  sink: TileSink,
  meter: TransferMeter,
  signal: AbortSignal | undefined,
): Promise<CopyTally> {
  const tally = new CopyTally()
  const turns = new Turns(signal, INTERRUPTED)
  const turn = async (waiting: Promise<void> | undefined): Promise<void> => {
    await waiting
    meter.update('tiles', tally.tiles, tally.bytes)
    await turns.give()
  }
  /** A promise is returned when the next tile must wait. */
  const copy = (found: StoredTile): Promise<void> | undefined => {
    const tile = withItsType(found)
    const { length } = found.bytes
    const waiting = sink.put(tile)
    tally.add(tile)
    // the next tile uses the same memory, which is in the cache
    if (waiting === undefined) reclaim(found.bytes)
    return turns.isDue(length) ? turn(waiting) : waiting
  }
  if (Symbol.asyncIterator in tiles)
    for await (const tile of tiles) {
      await copy(tile)
      turns.check()
    }
  else
    for (const found of tiles) {
      const waiting = copy(found instanceof Promise ? await found : found)
      if (waiting !== undefined) await waiting
    }
  turns.check()
  return tally
}

/** Archives of several types have but one in their header. */
export function withItsType(tile: StoredTile): StoredTile {
  const type = typeOfContent(tile.bytes, tile.type)
  return type === tile.type ? tile : { ...tile, type }
}
