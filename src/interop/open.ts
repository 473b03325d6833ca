// Tile archives by path.
import { requireRegularSync } from '../platform/regular-file.js'
import { checkPath, PATIENT } from '../store/options.js'
import { openTiles } from '../store/read/open.js'
import type { TileSet } from '../store/read/tile-set.js'
import { archiveKind } from './archive-name.js'
import { FolderReader } from './folder.js'
import { MbtilesReader } from './mbtiles.js'

/**
 * Opens a tile archive of any kind for reading: a Flagstone file, PMTiles, MBTiles, or a folder of z/x/y tiles. Reads of
 * a file that a writer is changing may block for up to 30 s.
 * @throws NOT_FOUND when nothing is there
 * @throws NOT_A_TILE_FILE when it is something else, or its tiles are in another grid than web mercator
 * @throws VERSION_UNSUPPORTED when a later Flagstone or another version of PMTiles wrote it
 * @throws DAMAGED when what reading depends on is damaged
 * @throws LOCKED when a writer keeps readers out and does not end
 * @throws SYSTEM when it cannot be read
 */
export async function openTileSet(path: string): Promise<TileSet> {
  checkPath(path)
  const kind = archiveKind(path)
  if (kind === 'mbtiles') {
    await MbtilesReader.load()
    requireRegularSync(path)
    return MbtilesReader.open(path)
  }
  return kind === 'folder' ? FolderReader.open(path) : openTiles(path, PATIENT)
}
