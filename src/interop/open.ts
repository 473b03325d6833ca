// Tile archives by path: the one place that decides which kind one is.
import { extname } from 'node:path'
import { requireRegularSync } from '../platform/regular-file.js'
import { PATIENT } from '../store/options.js'
import { openTiles } from '../store/paths.js'
import type { TileSet } from '../store/tile-set.js'
import { FolderReader, isTileFolder } from './folder.js'
import { MbtilesReader } from './mbtiles.js'

/** Ours, PMTiles, MBTiles or a z/x/y folder. Throws NOT_FOUND, NOT_A_TILE_FILE, DAMAGED, VERSION_UNSUPPORTED, LOCKED. */
export function openTileSet(path: string): TileSet {
  if (extname(path).toLowerCase() === '.mbtiles') {
    requireRegularSync(path)
    return MbtilesReader.open(path)
  }
  return isTileFolder(path) ? FolderReader.open(path) : openTiles(path, PATIENT)
}
