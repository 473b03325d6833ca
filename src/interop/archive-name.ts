// Which paths are tile archives, and of which kind: the one place that decides. Asked of every source, so nothing is
// loaded here that reads one.
import { closeSync, readSync } from 'node:fs'
import { extname } from 'node:path'
import { openRegularSync, statOf } from '../platform/regular-file.js'
import { isTileFolder } from './folder.js'

/** 'file': ours or PMTiles, which say themselves what they are, if they are any. */
export type ArchiveKind = 'mbtiles' | 'folder' | 'file'

/** What files of these names are; one that is named may be called anything. */
const EXTENSIONS: Readonly<Record<string, ArchiveKind>> = {
  '.pmtiles': 'file',
  '.ft': 'file',
  '.mbtiles': 'mbtiles',
}
const SQLITE_MAGIC = 'SQLite format 3\0'

const kindByName = (path: string): ArchiveKind | undefined => EXTENSIONS[extname(path).toLowerCase()]

/** Whether a file is called as archives are: what is looked for in folders. */
export const isNamedAsArchive = (path: string): boolean => kindByName(path) !== undefined

export const isTileArchive = (path: string): boolean => isNamedAsArchive(path) || isTileFolder(path)

/** An MBTiles archive may be called anything. */
export function isMbtiles(path: string): boolean {
  const kind = kindByName(path)
  return kind === undefined ? isSqlite(path) : kind === 'mbtiles'
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
