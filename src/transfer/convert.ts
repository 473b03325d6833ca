// Converts a tile archive to another container. Tiles are copied byte for byte, unless another form of them is requested.
import { FlagstoneError } from '../errors.js'
import type { CogEncoding } from '../interop/cog/form.js'
import type { OutputFormat } from '../interop/create.js'
import { openForCopy } from '../interop/open.js'
import { parseOptions } from '../store/options.js'
import { MAX_ZOOM } from '../zooms.js'
import { areaOf } from './area.js'
import { type ConvertOptions, convertOptions, transferContext } from './options.js'
import { planRecode, type RecodeRequest } from './reencode/request.js'
import { transferRecoded } from './reencode/run.js'
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
  const given = parseOptions(convertOptions, options, 'convert option')
  const {
    source,
    minZoom,
    maxZoom,
    format,
    quality,
    lossless,
    background,
    tileSize,
    terrain,
    raw,
    ...output
  } = given
  parseOptions(transferContext, context, 'context')
  const plain = sinkRequest(output, 'convert', [source])
  const wanted = { format, quality, lossless, background, tileSize, terrain }
  const { encoding, recode } = formOf(plain.format, wanted)
  const request = { ...plain, encoding }
  const tiles = await openForCopy(source, { raw })
  try {
    const plan = await planRecode(tiles, recode)
    if (plan === undefined)
      return await transfer(tiles, request, context, areaOf(tiles, { minZoom, maxZoom }))
    const range = { minZoom: minZoom ?? 0, maxZoom: maxZoom ?? MAX_ZOOM }
    return await transferRecoded(tiles, plan, range, request, context)
  } finally {
    tiles.close()
  }
}

/**
 * What is done with the tiles on the way, and what by the container: a GeoTIFF has one form for all tiles, and chooses it
 * itself where none is requested.
 * @throws BAD_OPTION when a GeoTIFF has no use for an option
 */
function formOf(to: OutputFormat, wanted: RecodeRequest): { encoding?: CogEncoding; recode: RecodeRequest } {
  if (to !== 'cog') return { recode: wanted }
  const { format, quality, lossless, tileSize, terrain, background } = wanted
  if (terrain !== undefined)
    throw new FlagstoneError('BAD_OPTION', 'Heights are numbers in a GeoTIFF; leave out --terrain (terrain).')
  if (background !== undefined)
    throw new FlagstoneError(
      'BAD_OPTION',
      'A GeoTIFF keeps what is transparent, also with JPEG; leave out --background (background).',
    )
  return { encoding: { format, quality, lossless }, recode: { tileSize } }
}
