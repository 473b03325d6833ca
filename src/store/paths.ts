// Tile files for writing, by path: the library exports these as `create` and `reopen`. (`open` is in read/open.ts, so
// that a program that only reads loads nothing from write/.)
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
 * Creates a tile file and opens it for writing. If it throws, there is no new file.
 * @throws EXISTS when a file exists and `overwrite` is not set
 * @throws NOT_FOUND when the directory does not exist
 * @throws BAD_OPTION when the name is not allowed for a tile file
 * @throws LOCKED when another writer has the file that would be replaced
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
    // another writer was faster and may have written to it
    const isOthers = error instanceof FlagstoneError && (error.code === 'LOCKED' || error.code === 'EXISTS')
    if (!isOthers) removeFile(real)
    throw error
  }
}

/** Replaces a file that no writer has with an empty one. */
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

/** Calls `work` while no other writer can open the file. @throws LOCKED, NOT_FOUND, SYSTEM */
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
 * @throws NOT_A_TILE_FILE when it is something else, including a foreign PMTiles archive
 * @throws VERSION_UNSUPPORTED when a later Flagstone wrote it
 * @throws LOCKED when another writer has it
 * @throws DAMAGED when a part that writing depends on is damaged
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
