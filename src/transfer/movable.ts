// Flagstone files whose tiles are moved to another one inside the kernel, by their records.
import { FlagstoneError } from '../errors.js'
import { tileIdToZxy } from '../format/tile-id.js'
import { headerOf } from '../interop/transfer/about.js'
import type { TileSelection } from '../interop/transfer/scan.js'
import type { TileSink } from '../interop/transfer/sink.js'
import { Turns } from '../interop/transfer/turns.js'
import { PATIENT } from '../store/options.js'
import type { RecordRow, TileRange } from '../store/read/list.js'
import { openTiles } from '../store/read/open.js'
import { FlatReader } from '../store/read/reader.js'
import type { TilePlace, TileSet } from '../store/read/tile-set.js'
import type { ValueOrigin } from '../store/write/graft.js'
import { CopyTally, INTERRUPTED } from './copy.js'
import type { TransferMeter } from './progress.js'

/** A tile by its record. */
export interface MovableTile extends TilePlace {
  readonly row: RecordRow
}

/** A sealed Flagstone file. While it is open, no writer moves its values. */
export class Movable {
  readonly tiles: FlatReader
  readonly origin: ValueOrigin
  /** Whether its values are in key order. */
  readonly isClustered: boolean
  readonly #revision: string

  private constructor(tiles: FlatReader, origin: ValueOrigin) {
    this.tiles = tiles
    this.origin = origin
    this.isClustered = headerOf(tiles)?.clustered === true
    this.#revision = tiles.revision
  }

  /** Undefined for other archives, and where a file cannot be mapped. */
  static of(tiles: TileSet): Movable | undefined {
    if (!(tiles instanceof FlatReader) || !tiles.sealed) return undefined
    const reader = openTiles(tiles.path, { ...PATIENT, zeroCopy: true })
    const origin = reader.kind === 'flat' && reader.revision === tiles.revision ? reader.origin : undefined
    if (reader.kind === 'flat' && origin !== undefined) return new Movable(reader, origin)
    reader.close()
    return undefined
  }

  /** The selected tiles in key order. */
  *selected(selection?: TileSelection): Generator<MovableTile, void> {
    const { minZoom = 0, maxZoom = Number.POSITIVE_INFINITY } = selection ?? {}
    for (const { zoom } of this.tiles.levels()) {
      if (zoom < minZoom || zoom > maxZoom) continue
      const ranges = selection?.rangesOf?.(zoom)
      if (ranges?.length === 0) continue
      for (const row of this.tiles.records(zoom, ranges && around(ranges))) {
        const [z, x, y] = tileIdToZxy(row.key)
        const isSelected =
          (ranges === undefined || ranges.length === 1 || ranges.some((range) => holds(range, x, y))) &&
          (selection?.includes === undefined || selection.includes(z, x, y))
        if (isSelected) yield { z, x, y, row }
      }
    }
  }

  /** @throws LOCKED when a writer has changed the file */
  assertUnchanged(): void {
    if (this.tiles.revision !== this.#revision)
      throw new FlagstoneError(
        'LOCKED',
        `${this.tiles.path} was changed while it was being copied; run the command again.`,
        { path: this.tiles.path },
      )
  }

  close(): void {
    this.tiles.close()
  }
}

const holds = ({ minX, minY, maxX, maxY }: TileRange, x: number, y: number): boolean =>
  x >= minX && x <= maxX && y >= minY && y <= maxY

export const around = (ranges: readonly TileRange[]): TileRange =>
  ranges.reduce((all, range) => ({
    minX: Math.min(all.minX, range.minX),
    minY: Math.min(all.minY, range.minY),
    maxX: Math.max(all.maxX, range.maxX),
    maxY: Math.max(all.maxY, range.maxY),
  }))

/**
 * Moves the selected tiles of a file whose values are in key order. Undefined where tiles must be read: for other
 * outputs, and to bring values into order.
 * @throws as `copyTiles`
 */
export async function moveTiles(
  tiles: TileSet,
  selection: TileSelection | undefined,
  sink: TileSink,
  meter: TransferMeter,
  signal: AbortSignal | undefined,
): Promise<CopyTally | undefined> {
  const { values } = sink
  const source = values && Movable.of(tiles)
  if (values === undefined || source === undefined) return undefined
  try {
    if (!source.isClustered) return undefined
    const tally = new CopyTally()
    const turns = new Turns(signal, INTERRUPTED)
    if (selection === undefined) values.reserve(source.tiles.levels())
    for (const tile of source.selected(selection)) {
      values.put(source.origin, tile.z, tile.row)
      tally.addRecord(tile, tile.row)
      if (!turns.isDue()) continue
      meter.update('tiles', tally.tiles, tally.bytes)
      await turns.give()
    }
    turns.check()
    values.flush()
    source.assertUnchanged()
    return tally
  } finally {
    source.close()
  }
}
