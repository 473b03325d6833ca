// Gzipped tiles. Vector tiles usually are; some programs also gzip pictures, which no client expects.
import { constants, gunzipSync } from 'node:zlib'
import { FlagstoneError } from '../errors.js'
import { isGzip } from './gzip.js'
import { isImageType, sniffTileType, TileType } from './tile-type.js'
import { unpackProblem } from './unpack-problem.js'

/** Larger than any real tile: one that unpacks to more is an attack. */
const MAX_BYTES = 64 * 1024 * 1024
/** Number of packed bytes to look at: enough for the first block, which says how the others are packed. */
const PEEK_BYTES = 512

/**
 * The type of a tile, gzipped or not, from its first 512 bytes. Gzipped data that are not a picture are taken for
 * vectors.
 */
export function typeOfTile(bytes: Uint8Array): TileType {
  if (!isGzip(bytes)) return sniffTileType(bytes)
  const first = peek(bytes)
  // some tiles are gzipped twice, by the program that made them and the one that stored them
  const inside = sniffTileType(isGzip(first) ? peek(first) : first)
  return isImageType(inside) || inside === TileType.elevation ? inside : TileType.mvt
}

/** The unpacked bytes of a gzipped picture; otherwise the bytes unchanged. @throws DAMAGED */
export function unpackedPicture(bytes: Uint8Array): Uint8Array {
  if (!isGzip(bytes) || typeOfTile(bytes) === TileType.mvt) return bytes
  try {
    const picture = gunzipSync(bytes, { maxOutputLength: MAX_BYTES })
    return isGzip(picture) ? gunzipSync(picture, { maxOutputLength: MAX_BYTES }) : picture
  } catch (cause) {
    throw new FlagstoneError(
      'DAMAGED',
      `A tile in gzip cannot be unpacked: ${unpackProblem(cause, MAX_BYTES)}.`,
      {
        cause,
      },
    )
  }
}

function peek(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes.subarray(0, PEEK_BYTES), { finishFlush: constants.Z_SYNC_FLUSH })
  } catch {
    return new Uint8Array()
  }
}
