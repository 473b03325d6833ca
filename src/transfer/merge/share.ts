// Which of the archives that are merged give their tiles without being read: Flagstone files share all their values with
// the output where the file system can do that, or have them copied in key order if they are in that order.

import { Turns } from '../../interop/transfer/turns.js'
import type { ValueMover } from '../../interop/transfer/value-mover.js'
import type { TileSet } from '../../store/read/tile-set.js'
import { INTERRUPTED } from '../copy.js'
import { Movable } from '../movable.js'
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
    const worth = values.canShare && found.size > 0 ? await worthSharing(found, signal) : new Set()
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
async function worthSharing(movables: Movables, signal: AbortSignal | undefined): Promise<Set<number>> {
  const list = [...movables]
  const used = list.map(() => 0)
  const turns = new Turns(signal, INTERRUPTED)
  for (const here of inKeyOrder(list.map(([, movable]) => movable.selected()))) {
    // whoever wins where several have a tile, the others are of no use
    if (here.length === 1) used[here[0]!.from]! += here[0]!.item.row.length
    if (turns.isDue()) await turns.give()
  }
  turns.check()
  const isWorth = (i: number): boolean => used[i]! * 2 >= list[i]![1].origin.length
  return new Set(list.filter((_, i) => isWorth(i)).map(([number]) => number))
}
