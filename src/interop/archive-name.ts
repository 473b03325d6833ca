// Which paths are tile archives: by their names, or, for a folder, by what is in it. Asked of every source, so
// nothing is loaded here that reads one.
import { extname } from 'node:path'
import { isTileFolder } from './folder.js'

const FILES = ['.pmtiles', '.mbtiles']

export const isTileArchive = (path: string): boolean =>
  FILES.includes(extname(path).toLowerCase()) || isTileFolder(path)
