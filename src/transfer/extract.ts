// Cuts a part out of a tile archive: an area, some zooms. Tiles are copied byte for byte.
import { openTileSet } from '../interop/open.js'
import { placesOf } from '../interop/transfer/scan.js'
import { Turns } from '../interop/transfer/turns.js'
import { parseOptions } from '../store/options.js'
import type { TileSet } from '../store/read/tile-set.js'
import { areaOf } from './area.js'
import type { CopiedLevel } from './copy.js'
import {
  type ExtractOptions,
  extractOptions,
  type PlanExtractOptions,
  planExtractOptions,
  transferContext,
} from './options.js'
import type { TransferReport } from './report.js'
import { sinkRequest, type TransferContext, transfer } from './transfer.js'

/**
 * Cuts a part out of a tile archive of any kind: the tiles that touch a bbox or a region, at some or all zooms. Bounds
 * of the new archive are those of the area. It appears under its name only when it is complete.
 * @throws TypeError, RangeError when an option is wrong
 * @throws BAD_OPTION, EXISTS, NOT_FOUND, CRS_UNSUPPORTED when source, region or output cannot be used
 * @throws NOTHING_TO_BUILD when no tile is selected
 * @throws NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED, LOCKED when the source cannot be read
 * @throws DISK_FULL, SYSTEM when the output cannot be written
 * @throws INTERRUPTED when `signal` was aborted
 */
export async function extract(
  options: ExtractOptions,
  context: TransferContext = {},
): Promise<TransferReport> {
  const given = parseOptions(extractOptions, options, 'extract option')
  parseOptions(transferContext, context, 'context')
  const { source, region } = given
  const request = sinkRequest(given, 'extract', typeof region === 'string' ? [source, region] : [source])
  const tiles = await openTileSet(source)
  try {
    return await transfer(tiles, request, context, areaOf(tiles, given))
  } finally {
    tiles.close()
  }
}

/** What `extract` would copy. */
export interface ExtractPlan {
  /** Number of tiles. */
  readonly tiles: number
  /** Bytes of tiles; identical tiles count each time. */
  readonly tileBytes: number
  /** Number of tiles of each zoom, and their bytes. */
  readonly levels: readonly CopiedLevel[]
}

/**
 * What `extract` would copy with these options. Nothing is written, and no tile is read where the archive has an index
 * of lengths.
 * @throws as `extract`, except what concerns the output
 */
export async function planExtract(
  options: PlanExtractOptions,
  context: Pick<TransferContext, 'signal'> = {},
): Promise<ExtractPlan> {
  const { source, ...wanted } = parseOptions(planExtractOptions, options, 'extract option')
  parseOptions(transferContext, context, 'context')
  const tiles = await openTileSet(source)
  try {
    const levels = new Map<number, { zoom: number; tiles: number; bytes: number }>()
    const turns = new Turns(context.signal, 'Interrupted.')
    for (const place of placesOf(tiles, false, areaOf(tiles, wanted).selection)) {
      const level = levels.get(place.z) ?? { zoom: place.z, tiles: 0, bytes: 0 }
      levels.set(place.z, level)
      level.tiles++
      level.bytes += lengthOf(tiles, place)
      if (turns.isDue()) await turns.give()
    }
    turns.check()
    const list = [...levels.values()].sort((a, b) => a.zoom - b.zoom)
    const sum = (of: 'tiles' | 'bytes'): number => list.reduce((all, level) => all + level[of], 0)
    return { tiles: sum('tiles'), tileBytes: sum('bytes'), levels: list }
  } finally {
    tiles.close()
  }
}

/** Listings of our own files and of PMTiles give the length. */
function lengthOf(tiles: TileSet, place: { z: number; x: number; y: number; length?: unknown }): number {
  const { z, x, y, length } = place
  if (typeof length === 'number') return length
  return tiles.head?.(z, x, y)?.length ?? tiles.get(z, x, y)?.bytes.length ?? 0
}
