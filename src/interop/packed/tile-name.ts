// Names of loose tiles: z/x/y.png, as in folders and in archives of them. Vector tiles may have .gz or .br after their
// extension, as VersaTiles writes them.
import { brotliDecompressSync } from 'node:zlib'
import { FlagstoneError } from '../../errors.js'
import { unpackedPicture } from '../../format/gzip-tile.js'
import {
  isImageType,
  sniffTileType,
  TILE_EXTENSIONS,
  TileType,
  typeFromExtension,
} from '../../format/tile-type.js'
import { unpackProblem } from '../../format/unpack-problem.js'
import { MAX_ZOOM } from '../../zooms.js'

/** Larger than any real tile: one that unpacks to more is an attack. */
export const MAX_TILE_BYTES = 2 ** 26
/** Whole numbers as programs write them, up to 8 digits. */
const NUMBER = '(0|[1-9]\\d{0,7})'
const EXTENSION = `((?:${TILE_EXTENSIONS.join('|')})(?:\\.gz|\\.br)?)`

export const IS_NUMBER = new RegExp(`^${NUMBER}$`)
/** The name of a tile in the folder of its column: row and extension. */
export const ROW_NAME = new RegExp(`^${NUMBER}\\.${EXTENSION}$`, 'i')
const TILE_NAME = new RegExp(`^(.*/)?${NUMBER}/${NUMBER}/${NUMBER}\\.${EXTENSION}$`, 'is')
/** Names of tiles inside other text, such as the directory of an archive. */
export const TILE_NAME_INSIDE = new RegExp(
  `(?<!\\d)\\d{1,2}/\\d{1,8}/\\d{1,8}\\.(?:${TILE_EXTENSIONS.join('|')})`,
  'i',
)

export interface TileName {
  readonly z: number
  readonly x: number
  /** As named: it counts from the south in TMS. */
  readonly row: number
  /** As named, in lower case. */
  readonly extension: string
  /** Folders before z, with a slash at the end; '' when there are none. */
  readonly folder: string
}

/** Undefined when it is not the name of a tile inside the grid, or leads out of the archive. */
export function parseTileName(name: string): TileName | undefined {
  const found = TILE_NAME.exec(name)
  if (found === null) return undefined
  const [, folder = '', zText, xText, rowText, extension] = found
  const [z, x, row] = [Number(zText), Number(xText), Number(rowText)]
  if (z > MAX_ZOOM || x >= 2 ** z || row >= 2 ** z) return undefined
  const plain = plainFolder(folder)
  return plain === undefined ? undefined : { z, x, row, extension: extension!.toLowerCase(), folder: plain }
}

/** A folder without './'; undefined when it leads out of the archive. */
export function plainFolder(folder: string): string | undefined {
  if (folder === '' || folder === './') return ''
  if (folder.startsWith('/') || folder.includes('\\')) return undefined
  const parts = folder.split('/').filter((part) => part !== '.' && part !== '')
  return parts.includes('..') ? undefined : parts.map((part) => `${part}/`).join('')
}

/**
 * A tile from the contents of a file. Pictures are told by their bytes, others by the extension. Those in Brotli are unpacked, because
 * no other container says that they are.
 * @throws DAMAGED when it cannot be unpacked
 */
export function tileOf(bytes: Uint8Array, extension: string): { bytes: Uint8Array; type: TileType } {
  const plain = unpackedPicture(extension.endsWith('.br') ? unbrotli(bytes) : bytes)
  const sniffed = sniffTileType(plain)
  if (isImageType(sniffed) || sniffed === TileType.elevation) return { bytes: plain, type: sniffed }
  const named = typeFromExtension(extension.replace(/\.(gz|br)$/, '')) ?? TileType.unknown
  const isPicture = isImageType(named) || named === TileType.elevation
  return { bytes: plain, type: isPicture || named === TileType.unknown ? sniffed : named }
}

function unbrotli(bytes: Uint8Array): Uint8Array {
  try {
    return brotliDecompressSync(bytes, { maxOutputLength: MAX_TILE_BYTES })
  } catch (cause) {
    throw new FlagstoneError(
      'DAMAGED',
      `A tile in Brotli cannot be unpacked: ${unpackProblem(cause, MAX_TILE_BYTES)}.`,
      { cause },
    )
  }
}
