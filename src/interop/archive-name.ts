// Which paths are tile archives, and of which kind. This is the only place that decides. It is called for every source,
// so it loads no reader.
import { closeSync, readSync } from 'node:fs'
import { extname } from 'node:path'
import { openRegularSync, statOf } from '../platform/regular-file.js'
import { isTileFolder } from './folder/reader.js'

/** 'file' means a Flagstone file or PMTiles, which are told apart by their contents. */
export type ArchiveKind = 'mbtiles' | 'folder' | 'file'

/** Kinds by extension. A file that the user names may have any name. */
const EXTENSIONS: Readonly<Record<string, ArchiveKind>> = {
  '.pmtiles': 'file',
  '.ft': 'file',
  '.mbtiles': 'mbtiles',
}
const SQLITE_MAGIC = 'SQLite format 3\0'

const kindByName = (path: string): ArchiveKind | undefined => EXTENSIONS[extname(path).toLowerCase()]

/** Whether a file has the name of an archive, as searched for in folders. */
export const isNamedAsArchive = (path: string): boolean => kindByName(path) !== undefined

export const isTileArchive = (path: string): boolean => isNamedAsArchive(path) || isTileFolder(path)

/** An MBTiles archive may have any name. */
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
    // the code that opens the file reports what is wrong with it
    return false
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
