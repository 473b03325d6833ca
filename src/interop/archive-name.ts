// Which paths are tile archives, and of which kind: the one place that decides. Asked of every source, so nothing is
// loaded here that reads one.
import { closeSync, readSync } from 'node:fs'
import { extname } from 'node:path'
import { openRegularSync, statOf } from '../platform/regular-file.js'
import { isTileFolder } from './folder.js'

/** 'file': ours or PMTiles, which say themselves what they are, if they are any. */
export type ArchiveKind = 'mbtiles' | 'folder' | 'file'

const FILES = ['.pmtiles', '.mbtiles']
const OURS = ['.pmtiles', '.ft']
const SQLITE_MAGIC = 'SQLite format 3\0'

export const isTileArchive = (path: string): boolean =>
  FILES.includes(extname(path).toLowerCase()) || isTileFolder(path)

/** An MBTiles archive may be called anything. */
export function isMbtiles(path: string): boolean {
  const extension = extname(path).toLowerCase()
  return extension === '.mbtiles' || (!OURS.includes(extension) && isSqlite(path))
}

export function archiveKind(path: string): ArchiveKind {
  if (isMbtiles(path)) return 'mbtiles'
  return isTileFolder(path) ? 'folder' : 'file'
}

function isSqlite(path: string): boolean {
  let fd: number | undefined
  try {
    if (statOf(path)?.isFile() !== true) return false
    fd = openRegularSync(path)
    const head = Buffer.alloc(SQLITE_MAGIC.length)
    return readSync(fd, head, 0, head.length, 0) === head.length && head.toString('latin1') === SQLITE_MAGIC
  } catch {
    // who opens it says what is wrong with it
    return false
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
