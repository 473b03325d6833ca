// The changes that a patch makes to a file, one by one. What stays is not looked at, so a small patch of a large file is
// quick.
import { tileIdToZxy, zoomBase } from '../../format/tile-id.js'
import type { FlatReader } from '../../store/read/reader.js'
import type { Walk } from './prospect.js'
import type { Patch } from './read.js'
import type { KeyRun } from './removed.js'

export interface Change {
  readonly key: number
  /** Whether the patch has a tile to put there; otherwise the file has one, which is removed. */
  readonly isPut: boolean
}

/**
 * In key order.
 * @throws INTERRUPTED, DAMAGED, LOCKED, SYSTEM
 * @throws as `visit`
 */
export async function eachChange(
  file: FlatReader,
  patch: Patch,
  { turns, onTurn }: Walk,
  visit: (change: Change) => void,
): Promise<void> {
  let tiles = 0
  for (const change of changesOf(file, patch)) {
    visit(change)
    tiles++
    if (!turns.isDue()) continue
    onTurn(tiles)
    await turns.give()
  }
  turns.check()
}

function* changesOf(file: FlatReader, patch: Patch): Generator<Change, void> {
  for (const step of patch.steps()) {
    if (step.put !== undefined) yield { key: step.key, isPut: true }
    else for (const key of keysIn(file, step)) yield { key, isPut: false }
  }
}

/** Runs up to this length are looked up key by key. */
const SHORT_RUN = 16

/** The keys of a run that the file has. A run may span the world. */
function* keysIn(file: FlatReader, { key, end }: KeyRun): Generator<number, void> {
  if (end - key <= SHORT_RUN) {
    for (let id = key; id < end; id++) if (file.stat(...tileIdToZxy(id)) !== undefined) yield id
    return
  }
  for (const { zoom } of file.levels()) {
    if (zoomBase(zoom) >= end || zoomBase(zoom + 1) <= key) continue
    for (const record of file.records(zoom, Math.max(key, zoomBase(zoom)))) {
      if (record.key >= end) break
      yield record.key
    }
  }
}
