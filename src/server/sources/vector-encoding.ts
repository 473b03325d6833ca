// Vector tiles of one archive are all sent in one encoding. A tile that is stored unlike the others is recoded.
import { gunzipSync, gzipSync } from 'node:zlib'
import { isGzip } from '../../format/gzip.js'
import { TileType } from '../../format/tile-type.js'

/** The bytes of a vector tile in the encoding. */
export function inEncoding(bytes: Uint8Array, encoding: 'gzip' | undefined): Uint8Array {
  if (isGzip(bytes) === (encoding === 'gzip')) return bytes
  return encoding === 'gzip' ? gzipSync(bytes) : gunzipSync(bytes)
}

/** The encoding of an archive with such a tile. */
export const encodingOf = (
  tile: { readonly bytes: Uint8Array; readonly type: TileType } | undefined,
): 'gzip' | undefined => (tile?.type === TileType.mvt && isGzip(tile.bytes) ? 'gzip' : undefined)
