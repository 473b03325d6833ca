// Converts a tile archive to another container. Tiles are copied byte for byte.
import { openForCopy } from '../interop/open.js'
import { parseOptions } from '../store/options.js'
import { areaOf } from './area.js'
import { type ConvertOptions, convertOptions, transferContext } from './options.js'
import type { TransferReport } from './report.js'
import { sinkRequest, type TransferContext, transfer } from './transfer.js'

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
  const { source, minZoom, maxZoom, ...output } = parseOptions(convertOptions, options, 'convert option')
  parseOptions(transferContext, context, 'context')
  const request = sinkRequest(output, 'convert', [source])
  const tiles = await openForCopy(source)
  try {
    return await transfer(tiles, request, context, areaOf(tiles, { minZoom, maxZoom }))
  } finally {
    tiles.close()
  }
}
