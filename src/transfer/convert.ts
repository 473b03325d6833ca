// Converts a tile archive to another container. Tiles are copied byte for byte.
import { FlagstoneError } from '../errors.js'
import { createSink, outputFormatOf, type SinkRequest } from '../interop/create.js'
import { openTileSet } from '../interop/open.js'
import { aboutOf } from '../interop/transfer/about.js'
import { scanTiles, type TileSelection } from '../interop/transfer/scan.js'
import { unawaited } from '../store/callbacks.js'
import { parseOptions } from '../store/options.js'
import type { TileSet } from '../store/read/tile-set.js'
import { copyTiles } from './copy.js'
import { type ConvertOptions, convertOptions, transferContext } from './options.js'
import { TransferMeter, type TransferProgress } from './progress.js'
import { reportOf, type TransferReport } from './report.js'

/** What a transfer uses besides its options. */
export interface TransferContext {
  /** An abort ends it with INTERRUPTED. Nothing is left of the output then. */
  readonly signal?: AbortSignal | undefined
  /** Called with the progress several times a second. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined
}

/**
 * Converts a tile archive: PMTiles, MBTiles, folders and others, see `openTileSet` and `to`. The new archive appears under
 * its name only when it is complete.
 * @throws TypeError, RangeError when an option is wrong
 * @throws BAD_OPTION, EXISTS, NOT_FOUND when source or output cannot be used
 * @throws NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED, LOCKED when the source cannot be read
 * @throws DISK_FULL, SYSTEM when the output cannot be written
 * @throws INTERRUPTED when `signal` was aborted
 */
export async function convert(
  options: ConvertOptions,
  context: TransferContext = {},
): Promise<TransferReport> {
  const { source, out, to, overwrite, mbtilesType } = parseOptions(convertOptions, options, 'convert option')
  parseOptions(transferContext, context, 'context')
  const format = to ?? outputFormatOf(out)
  if (mbtilesType !== undefined && format !== 'mbtiles')
    throw new FlagstoneError(
      'BAD_OPTION',
      `--mbtiles-type (mbtilesType) is for MBTiles; ${out} is written as another kind.`,
      {
        path: out,
      },
    )
  const request = { path: out, format, who: 'convert', overwrite, inputs: [source], mbtilesType }
  const tiles = await openTileSet(source)
  try {
    return await transfer(tiles, request, context)
  } finally {
    tiles.close()
  }
}

/**
 * Copies the selected tiles of an archive to a new one.
 * @throws as `convert`
 */
export async function transfer(
  tiles: TileSet,
  request: SinkRequest,
  { signal, onProgress }: TransferContext,
  selection?: TileSelection,
): Promise<TransferReport> {
  const began = performance.now()
  const total = tiles.levels().reduce((sum, { count }) => sum + count, 0)
  const meter = new TransferMeter(total, unawaited('onProgress', onProgress))
  const sink = await createSink(request)
  try {
    const tally = await copyTiles(scanTiles(tiles, sink.wantsSorted, selection), sink, meter, signal)
    if (tally.tiles === 0)
      throw new FlagstoneError('NOTHING_TO_BUILD', `${tiles.path} has no tiles to copy.`, {
        path: tiles.path,
      })
    meter.update('finish', tally.tiles, tally.bytes)
    await sink.finish(aboutOf(tiles, tally.extent, tally.levels[0]!.zoom))
    meter.update('done', tally.tiles, tally.bytes)
    const seconds = (performance.now() - began) / 1000
    return reportOf(request.path, request.format, tally, sink.notes ?? [], seconds)
  } catch (error) {
    await sink.abandon()
    throw error
  }
}
