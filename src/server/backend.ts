// An open archive in the terms of a Source, whatever kind it is. A source opens one, closes it when others need the
// descriptor, and opens it again.
import { extname } from 'node:path'
import { isTileFolder } from '../interop/folder.js'
import type { TilesDescription } from '../store/describe.js'
import type { AnyReader } from '../store/open.js'
import { openTiles } from '../store/paths.js'
import type { TileSet } from '../store/tile-set.js'
import { archiveBackend } from './archive-backend.js'
import { FolderBackend } from './folder-backend.js'
import { MbtilesBackend } from './mbtiles-backend.js'
import type { ServedTile, Source, TileStat } from './source.js'

export interface Backend {
  readonly kind: Source['kind']
  readonly tiles: TileSet
  readonly reader: AnyReader | undefined
  readonly contentEncoding: string | undefined
  /** Another one whenever what is answered may be another; safe in URLs and entity tags. */
  readonly revision: string
  /** Coordinates are inside the grid. */
  get(z: number, x: number, y: number): ServedTile | undefined
  stat(z: number, x: number, y: number): TileStat | undefined
  describe(): TilesDescription
  close(): void
}

/**
 * Opens an archive for serving. Readers copy out of the file instead of mapping it: whoever shortens a mapped file
 * (`cp` over it) kills the process that touches it, and a server cannot keep people from doing so.
 * Throws FlagstoneError NOT_FOUND, NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED, LOCKED, SYSTEM.
 */
export function openBackend(path: string): Backend {
  if (extname(path).toLowerCase() === '.mbtiles') return new MbtilesBackend(path)
  if (isTileFolder(path)) return new FolderBackend(path)
  return archiveBackend(openTiles(path, { mode: 'buffered', pooled: true, levels: 'about' }))
}
