// What opens which kind of archive for a server.
import { type ArchiveKind, archiveKind } from '../../interop/archive-name.js'
import { inMercator, loadOpeners } from '../../interop/open.js'
import { openTiles } from '../../store/read/open.js'
import { archiveBackend } from './archive-backend.js'
import type { Backend } from './backend.js'
import { FolderBackend } from './folder-backend.js'
import { MbtilesBackend } from './mbtiles-backend.js'
import { SetBackend } from './set-backend.js'

/** As of MBTiles: more than any map draws, and a few of these at once are all a server's memory. */
const MAX_TILE_BYTES = 64 * 1024 * 1024

/** To be waited for before archives that lie at these paths are opened: what reads them is loaded when there are some. */
export async function readyToOpen(paths: readonly string[]): Promise<void> {
  await loadOpeners(paths.map(archiveKind))
}

/** The kinds with a backend of their own: these archives may change while they are served. */
const BACKENDS: Readonly<
  Partial<Record<ArchiveKind, (path: string) => Backend>> & { file: (path: string) => Backend }
> = {
  mbtiles: (path) => new MbtilesBackend(path),
  folder: (path) => new FolderBackend(path),
  // others are waiting for their answers: see core.ts
  file: (path) =>
    archiveBackend(
      inMercator(
        openTiles(path, {
          mode: 'buffered',
          pooled: true,
          levels: 'about',
          busyTimeoutMs: 0,
          maxTileBytes: MAX_TILE_BYTES,
        }),
      ),
    ),
}

/**
 * Opens an archive for serving. Readers copy out of the file instead of mapping it: whoever shortens a mapped file
 * (`cp` over it) kills the process that touches it, and a server cannot keep people from doing so. Tiles share memory,
 * which is safe with sockets and saves asking for it tile by tile.
 * @throws NOT_FOUND, NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED, LOCKED, SYSTEM
 */
export function openBackend(path: string): Backend {
  const kind = archiveKind(path)
  return BACKENDS[kind]?.(path) ?? new SetBackend(path, kind as Exclude<ArchiveKind, 'file'>)
}
