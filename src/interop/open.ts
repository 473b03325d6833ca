// Tile archives by path.
import { requireRegularSync } from '../platform/regular-file.js'
import { PATIENT } from '../store/options.js'
import { openTiles } from '../store/read/open.js'
import type { TileSet } from '../store/read/tile-set.js'
import { archiveKind } from './archive-name.js'
import { FolderReader } from './folder.js'
import { MbtilesReader } from './mbtiles.js'

/**
 * Opens our file, PMTiles, MBTiles or a z/x/y folder.
 * @throws NOT_FOUND, NOT_A_TILE_FILE, DAMAGED, VERSION_UNSUPPORTED, LOCKED
 */
export async function openTileSet(path: string): Promise<TileSet> {
  const kind = archiveKind(path)
  if (kind === 'mbtiles') {
    await MbtilesReader.load()
    requireRegularSync(path)
    return MbtilesReader.open(path)
  }
  return kind === 'folder' ? FolderReader.open(path) : openTiles(path, PATIENT)
}
