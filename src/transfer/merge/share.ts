// Which of the archives that are merged give their tiles without being read: Flagstone files share all their values with
// the output where the file system can do that, or have them copied in key order if they are in that order.

import type { ValueMover } from '../../interop/pmtiles/value-mover.js'
import { placesOf } from '../../interop/transfer/scan.js'
import { Turns } from '../../interop/transfer/turns.js'
import type { TilePlace, TileSet } from '../../store/read/tile-set.js'
import { INTERRUPTED } from '../copy.js'
import { Movable, type MovableTile } from '../movable.js'
import { inKeyOrder } from './streams.js'

/** Movables by the number of their archive. The caller closes them. */
export type Movables = ReadonlyMap<number, Movable>

export const NO_MOVABLES: Movables = new Map()

/** @throws INTERRUPTED when `signal` was aborted */
export async function shareValues(
  archives: readonly TileSet[],
  values: ValueMover,
  signal: AbortSignal | undefined,
): Promise<Movables> {
  const found = new Map<number, Movable>()
  try {
    for (const [i, tiles] of archives.entries()) {
      const movable = Movable.of(tiles)
      if (movable !== undefined) found.set(i, movable)
    }
    values.reserve(archives.flatMap((tiles) => tiles.levels()))
    const worth = values.canShare && found.size > 0 ? await worthSharing(archives, found, signal) : new Set()
    for (const [i, movable] of found) {
      if ((worth.has(i) && values.adopt(movable.origin)) || movable.isClustered) continue
      movable.close()
      found.delete(i)
    }
    return found
  } catch (error) {
    for (const movable of found.values()) movable.close()
    throw error
  }
}

/** Files that are shared stay whole. So at least half of their values must be of use in the new one. */
async function worthSharing(
  archives: readonly TileSet[],
  movables: Movables,
  signal: AbortSignal | undefined,
): Promise<Set<number>> {
  const used = archives.map(() => 0)
  const turns = new Turns(signal, INTERRUPTED)
  const streams = archives.map(
    (tiles, i): Iterable<TilePlace | MovableTile> => movables.get(i)?.selected() ?? placesOf(tiles, true),
  )
  for (const here of inKeyOrder(streams)) {
    const [{ from, item }] = here as [(typeof here)[0]]
    // whoever wins where several have a tile, the others are of no use
    if (here.length === 1 && 'row' in item) used[from]! += item.row.length
    if (turns.isDue()) await turns.give()
  }
  turns.check()
  return new Set([...movables.keys()].filter((i) => used[i]! * 2 >= movables.get(i)!.origin.length))
}
