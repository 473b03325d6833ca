// Tile files to be written, by path: what the library exports as `create` and `reopen`. (`open` is read/open.ts: a
// program that only reads loads nothing of write/.)
import { randomBytes } from 'node:crypto'
import { FlagstoneError } from '../errors.js'
import type { FileIdentity } from '../platform/place.js'
import { openRealFile } from '../platform/real-file.js'
import { removeFile, renameOver } from '../platform/rename.js'
import { type CreateOptions, checkPath, createOptions, parseOptions, type WriterOptions } from './options.js'
import { outputPlace } from './output-path.js'
import { lockForWriting } from './write/lock.js'
import { TileWriter } from './write/writer.js'

/**
 * Creates a tile file and opens it for writing. When it throws there is no new file.
 * @throws EXISTS when a file is there, and `overwrite` was not given
 * @throws NOT_FOUND when the directory is not there
 * @throws BAD_OPTION when the name is none for a tile file
 * @throws LOCKED when another writer has what would be replaced
 * @throws DISK_FULL, SYSTEM when it cannot be written
 */
export function createTiles(path: string, options: CreateOptions = {}): TileWriter {
  checkPath(path)
  const { overwrite, ...own } = parseOptions(createOptions, options, 'writer option')
  const { path: real, replaces } = outputPlace(path, { kind: 'archive', who: 'create', overwrite })
  if (replaces !== undefined) makeEmpty(real, replaces)
  const file = openRealFile(real, replaces === undefined ? 'create' : 'readwrite')
  try {
    return TileWriter.create(file, own)
  } catch (error) {
    file.close()
    // another writer that was faster has it, and may have written to it
    const isOthers = error instanceof FlagstoneError && (error.code === 'LOCKED' || error.code === 'EXISTS')
    if (!isOthers) removeFile(real)
    throw error
  }
}

/** An empty file in place of one that no writer has. */
function makeEmpty(path: string, replaces: FileIdentity): void {
  const beside = `${path}.${randomBytes(6).toString('hex')}.tmp`
  openRealFile(beside, 'create').close()
  try {
    whileLocked(path, () => {
      if (!renameOver(beside, path, replaces))
        throw new FlagstoneError('EXISTS', `${path} changed just now, so it was not replaced.`, { path })
    })
  } finally {
    removeFile(beside)
  }
}

/** Does something while no other writer can have the file. @throws LOCKED, NOT_FOUND, SYSTEM */
export function whileLocked<T>(path: string, work: () => T): T {
  const file = openRealFile(path, 'readwrite')
  try {
    lockForWriting(file)
    return work()
  } finally {
    file.close()
  }
}

/**
 * Opens an existing Flagstone file, sealed or not, to continue writing.
 * @throws NOT_FOUND when nothing is there
 * @throws NOT_A_TILE_FILE when it is something else, a foreign PMTiles archive too
 * @throws VERSION_UNSUPPORTED when a later Flagstone wrote it
 * @throws LOCKED when another writer has it
 * @throws DAMAGED when what writing depends on is damaged
 * @throws DISK_FULL, SYSTEM when it cannot be written
 */
export function reopenTiles(path: string, options: WriterOptions = {}): TileWriter {
  checkPath(path)
  const file = openRealFile(path, 'readwrite')
  try {
    return TileWriter.reopen(file, options)
  } catch (error) {
    file.close()
    throw error
  }
}
