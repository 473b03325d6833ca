// Copies the tiles of several archives to one output, in key order.
import { announce } from '../../interop/transfer/announce.js'
import { placesOf, scanInTurns, type TileSelection } from '../../interop/transfer/scan.js'
import type { TileSink } from '../../interop/transfer/sink.js'
import { Turns } from '../../interop/transfer/turns.js'
import type { StoredTile, TilePlace, TileSet } from '../../store/read/tile-set.js'
import { MAX_ZOOM } from '../../zooms.js'
import { CopyTally, INTERRUPTED, withItsType } from '../copy.js'
import type { MovableTile } from '../movable.js'
import type { TransferMeter } from '../progress.js'
import type { DuplicateResolver } from './duplicates.js'
import { NO_MOVABLES, shareValues } from './share.js'
import { type Head, inKeyOrder, type SourceTile } from './streams.js'

type Ready = SourceTile | (MovableTile & { readonly from: number })
type Coming = Ready | Promise<Ready>

/**
 * @throws INTERRUPTED when `signal` was aborted
 * @throws as the archives, the sink and `DuplicateResolver`
 */
export async function copyMerged(
  archives: readonly TileSet[],
  resolver: DuplicateResolver,
  sink: TileSink,
  meter: TransferMeter,
  signal: AbortSignal | undefined,
): Promise<CopyTally> {
  const selection = await announceAll(archives, sink)
  const movables = sink.values === undefined ? NO_MOVABLES : await shareValues(archives, sink.values, signal)
  try {
    const tally = new CopyTally()
    const turns = new Turns(signal, INTERRUPTED)
    const streams: Iterable<StoredTile | MovableTile>[] = []
    for (const [i, tiles] of archives.entries())
      streams.push(
        movables.get(i)?.selected(selection) ??
          (await scanInTurns(tiles, true, selection, turns, () => meter.update('tiles', 0, 0))),
      )
    meter.restart()
    for (const coming of ahead(resolved(archives, streams, resolver))) {
      const tile = coming instanceof Promise ? await coming : coming
      const movable = movables.get(tile.from)
      if (tile.row !== undefined && movable !== undefined) {
        sink.values!.put(movable.origin, tile.z, tile.row)
        tally.addRecord(tile, tile.row)
      } else if ('bytes' in tile) {
        const typed = withItsType(tile)
        const waiting = sink.put(typed)
        if (waiting !== undefined) await waiting
        tally.add(typed)
      }
      if (!turns.isDue()) continue
      meter.update('tiles', tally.tiles, tally.bytes)
      await turns.give()
    }
    turns.check()
    sink.values?.flush()
    for (const movable of movables.values()) movable.assertUnchanged()
    return tally
  } finally {
    for (const movable of movables.values()) movable.close()
  }
}

/** As `announce`, for several archives. */
async function announceAll(archives: readonly TileSet[], sink: TileSink): Promise<TileSelection | undefined> {
  const read = ({ z, x, y }: TilePlace): StoredTile | undefined => {
    for (const tiles of archives) {
      const tile = tiles.get(z, x, y)
      if (tile !== undefined) return { z, x, y, bytes: tile.bytes, type: tile.type }
    }
    return undefined
  }
  const metadata = archives[0]!.metadata()
  const least = await announce(sink, { places: () => allPlaces(archives), read, metadata })
  return least === 0 ? undefined : { minZoom: least, maxZoom: MAX_ZOOM }
}

/** Every place once. */
function* allPlaces(archives: readonly TileSet[]): Generator<TilePlace, void> {
  for (const [{ item }] of inKeyOrder(archives.map((tiles) => placesOf(tiles, true))) as Iterable<
    [Head<TilePlace>]
  >)
    yield item
}

function* resolved(
  archives: readonly TileSet[],
  streams: readonly Iterable<StoredTile | MovableTile>[],
  resolver: DuplicateResolver,
): Generator<Coming, void> {
  for (const here of inKeyOrder(streams)) {
    if (here.length === 1) yield { ...here[0]!.item, from: here[0]!.from }
    else {
      const tiles = here.flatMap((head) => withBytes(head, archives))
      if (tiles.length > 0) yield resolver.resolve(tiles)
    }
  }
}

/** None when it was removed meanwhile. */
function withBytes(
  { from, item }: Head<StoredTile | MovableTile>,
  archives: readonly TileSet[],
): SourceTile[] {
  if ('bytes' in item) return [{ ...item, from }]
  const { z, x, y, row } = item
  const tile = archives[from]!.get(z, x, y)
  return tile === undefined ? [] : [{ z, x, y, bytes: tile.bytes, type: tile.type, from, row }]
}

/** Number of tiles that are made at the same time. */
const AHEAD = 8

/** The same, but work on the next ones begins while one is being made. */
function* ahead(tiles: Iterable<Coming>): Generator<Coming, void> {
  const waiting: Coming[] = []
  for (const tile of tiles) {
    if (tile instanceof Promise) tile.catch(() => {})
    else if (waiting.length === 0) {
      yield tile
      continue
    }
    waiting.push(tile)
    if (waiting.length > AHEAD) yield waiting.shift()!
  }
  yield* waiting
}
