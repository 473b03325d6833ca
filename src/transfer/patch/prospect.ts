// What a patch does to a file, tile by tile: the file's records and the patch's steps side by side.
import { TilesDigest } from '../../format/digest.js'
import { zoomOfTileId } from '../../format/tile-id.js'
import type { Turns } from '../../interop/transfer/turns.js'
import type { RecordRow } from '../../store/read/list.js'
import type { FlatReader } from '../../store/read/reader.js'
import type { TilesState } from './header.js'
import type { Patch } from './read.js'
import { ChangeTally } from './tally.js'

/** One tile of the file, of the patch, or of both. `now === was`: it stays. */
interface TileAction {
  readonly key: number
  /** The tile of the file; undefined when it has none. */
  readonly was: RecordRow | undefined
  /** The tile after the patch; undefined when it is removed. */
  readonly now: RecordRow | undefined
}

/**
 * In key order. What a patch removes and the file does not have is passed over.
 * @throws DAMAGED, LOCKED, SYSTEM when file or patch cannot be read
 */
function* actionsOf(file: FlatReader, patch: Patch): Generator<TileAction, void> {
  const records = recordsOf(file)
  let next = records.next()
  for (const { key, end, put } of patch.steps()) {
    for (; next.done !== true && next.value.key < key; next = records.next()) yield kept(next.value)
    if (put !== undefined) {
      const was = next.done !== true && next.value.key === key ? next.value : undefined
      yield { key, was, now: put }
      if (was !== undefined) next = records.next()
    } else
      for (; next.done !== true && next.value.key < end; next = records.next())
        yield { key: next.value.key, was: next.value, now: undefined }
  }
  for (; next.done !== true; next = records.next()) yield kept(next.value)
}

const kept = (record: RecordRow): TileAction => ({ key: record.key, was: record, now: record })

function* recordsOf(file: FlatReader): Generator<RecordRow, void> {
  for (const { zoom } of file.levels()) yield* file.records(zoom)
}

/** What a patch would do to a file. */
export interface Prospect {
  readonly before: TilesState
  readonly after: TilesState
  readonly changes: ChangeTally
  /** Of the tiles after; 0 when there are none. */
  readonly minZoom: number
  readonly maxZoom: number
}

/** How a walk over many tiles lets others run. */
export interface Walk {
  readonly turns: Turns
  /** Called several times a second with the number of tiles that are done. */
  readonly onTurn: (tiles: number) => void
}

/** @throws INTERRUPTED, DAMAGED, LOCKED, SYSTEM */
export async function prospectOf(file: FlatReader, patch: Patch, { turns, onTurn }: Walk): Promise<Prospect> {
  const [before, after] = [new TilesDigest(), new TilesDigest()]
  const changes = new ChangeTally()
  let [first, last] = [0, 0]
  for (const { key, was, now } of actionsOf(file, patch)) {
    if (was !== undefined) before.add(key, was.type, was.length, was.crc)
    if (now !== undefined) {
      if (after.tiles === 0) first = key
      last = key
      after.add(key, now.type, now.length, now.crc)
    }
    if (now !== was) changes.add(key, now === undefined ? 'removed' : was === undefined ? 'added' : 'changed')
    if (!turns.isDue()) continue
    onTurn(before.tiles)
    await turns.give()
  }
  turns.check()
  const zooms = { minZoom: zoomOfTileId(first), maxZoom: zoomOfTileId(last) }
  return { before: stateOf(before), after: stateOf(after), changes, ...zooms }
}

const stateOf = ({ tiles, hex }: TilesDigest): TilesState => ({ tiles, digest: hex })
