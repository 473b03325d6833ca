// Tile archives by path: the one place that decides which kind one is.
import { extname } from 'node:path'
import { requireRegularSync } from '../platform/regular-file.js'
import { PATIENT } from '../store/options.js'
import { openTiles } from '../store/paths.js'
import type { TileSet } from '../store/tile-set.js'
import { FolderReader, isTileFolder } from './folder.js'
import { MbtilesReader } from './mbtiles.js'

export const isMbtiles = (path: string): boolean => extname(path).toLowerCase() === '.mbtiles'

/**
 * Ours, PMTiles, MBTiles or a z/x/y folder. Rejects with NOT_FOUND, NOT_A_TILE_FILE, DAMAGED, VERSION_UNSUPPORTED,
 * LOCKED.
 */
export async function openTileSet(path: string): Promise<TileSet> {
  if (isMbtiles(path)) {
    await MbtilesReader.load()
    requireRegularSync(path)
    return MbtilesReader.open(path)
  }
  return isTileFolder(path) ? FolderReader.open(path) : openTiles(path, PATIENT)
}
