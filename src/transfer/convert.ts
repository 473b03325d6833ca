// Converts a tile archive to another container. Tiles are copied byte for byte.
import { FlagstoneError } from '../errors.js'
import { outputFormatOf } from '../interop/create.js'
import { openForCopy } from '../interop/open.js'
import { parseOptions } from '../store/options.js'
import { areaOf } from './area.js'
import { type ConvertOptions, convertOptions, transferContext } from './options.js'
import type { TransferReport } from './report.js'
import { type TransferContext, transfer } from './transfer.js'

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
  const { source, out, to, overwrite, mbtilesType, minZoom, maxZoom } = parseOptions(
    convertOptions,
    options,
    'convert option',
  )
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
  const tiles = await openForCopy(source)
  try {
    return await transfer(tiles, request, context, areaOf(tiles, { minZoom, maxZoom }))
  } finally {
    tiles.close()
  }
}
