// Opens a tile file for reading according to its contents: our own by the superblocks' magic number, other PMTiles v3
// archives by theirs.
import { FlagstoneError } from '../../errors.js'
import { PMTILES_MAGIC } from '../../format/layout.js'
import type { ByteFile } from '../../platform/byte-file.js'
import { openRealFile } from '../../platform/real-file.js'
import { chooseFrom, readSlots } from '../file/superblocks.js'
import { checkPath, type ReaderOptions } from '../options.js'
import { PmtilesReader } from './pmtiles-reader.js'
import { FlatReader } from './reader.js'

/**
 * A tile file that is open for reading: a Flagstone file or a foreign PMTiles archive. Both have the same members;
 * `kind` tells them apart.
 */
export type TileReader = FlatReader | PmtilesReader

/**
 * Opens a Flagstone file, or any PMTiles v3 archive, for reading.
 * @throws NOT_FOUND when nothing is there
 * @throws NOT_A_TILE_FILE when it is something else
 * @throws VERSION_UNSUPPORTED when a later Flagstone or another version of PMTiles wrote it
 * @throws DAMAGED when a part that reading depends on is damaged
 * @throws LOCKED when a writer is moving parts of the file and does not finish
 * @throws SYSTEM when it cannot be read
 */
export function openTiles(path: string, options: ReaderOptions = {}): TileReader {
  checkPath(path)
  const file = openRealFile(path, 'read')
  try {
    return openReader(file, options)
  } catch (error) {
    file.close()
    throw error
  }
}

/** @throws NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED, LOCKED, BAD_OPTION */
export function openReader(file: ByteFile, options: ReaderOptions = {}): TileReader {
  if (isFlat(file)) return FlatReader.open(file, options)
  if (isPmtiles(headOf(file))) return PmtilesReader.open(file, options)
  throw notTileFile(file)
}

/** Whether it is a Flagstone file or PMTiles, by its first bytes. */
export const isTileFile = (file: ByteFile): boolean => isPmtiles(headOf(file)) || isFlat(file)

export const notTileFile = (file: ByteFile): FlagstoneError =>
  new FlagstoneError(
    'NOT_A_TILE_FILE',
    `${file.path}: neither a Flagstone file nor a PMTiles archive (${file.size() === 0 ? 'it is empty' : `${file.size()} bytes, beginning with ${hex(headOf(file))}`}).`,
    { path: file.path },
  )

function headOf(file: ByteFile): Uint8Array {
  const head = new Uint8Array(2)
  file.read(head, 0)
  return head
}

const isPmtiles = (head: Uint8Array): boolean => head[0] === PMTILES_MAGIC[0] && head[1] === PMTILES_MAGIC[1]

/** Whether there is at least a trace of a superblock: a damaged one must be reported, not overlooked. */
export function isFlat(file: ByteFile): boolean {
  return chooseFrom(readSlots(file)).problems.some((problem) => problem?.code !== 'NOT_A_TILE_FILE')
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
}
