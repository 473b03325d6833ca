// Tile files by path: what the library exports as `open` and `create`.
import { openRealFile } from '../platform/real-file.js'
import { type AnyReader, openReader } from './open.js'
import type { ReaderOptions, WriterOptions } from './options.js'
import { TileWriter } from './writer.js'

/**
 * Opens a Flagstone file, or any PMTiles v3 archive, for reading.
 * @throws FlagstoneError NOT_FOUND, NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED, SYSTEM
 */
export function openTiles(path: string, options: ReaderOptions = {}): AnyReader {
  const file = openRealFile(path, 'read')
  try {
    return openReader(file, options)
  } catch (error) {
    file.close()
    throw error
  }
}

/**
 * Makes a new tile file and opens it for writing.
 * @throws FlagstoneError EXISTS, DISK_FULL, SYSTEM
 */
export function createTiles(path: string, options: WriterOptions = {}): TileWriter {
  const file = openRealFile(path, 'create')
  try {
    return TileWriter.create(file, options)
  } catch (error) {
    file.close()
    throw error
  }
}

/**
 * Opens an existing Flagstone file, sealed or not, to go on writing.
 * @throws FlagstoneError NOT_FOUND, NOT_A_TILE_FILE, LOCKED, DAMAGED, SYSTEM
 */
export function reopenTiles(path: string, options: WriterOptions = {}): TileWriter {
  const file = openRealFile(path, 'readwrite')
  try {
    return TileWriter.reopen(file, options)
  } catch (error) {
    file.close()
    throw error
  }
}
