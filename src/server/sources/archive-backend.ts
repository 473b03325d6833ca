// Our own files and foreign PMTiles archives as they are served. Both readers tell whole states of a file apart
// themselves (store/read/reader.ts, store/read/pmtiles-reader.ts), also when somebody writes over it in place.
import { isGzip } from '../../format/gzip.js'
import { Compression, type PmtilesHeader } from '../../format/pmtiles.js'
import { isImageType, TileType } from '../../format/tile-type.js'
import type { TileReader } from '../../store/read/open.js'
import type { Backend } from './backend.js'
import { describeServed } from './describe-served.js'

const ENCODINGS: Readonly<Record<number, string | undefined>> = {
  [Compression.gzip]: 'gzip',
  [Compression.brotli]: 'br',
  [Compression.zstd]: 'zstd',
}

/** `close` closes the reader. */
export function archiveBackend(reader: TileReader): Backend {
  // asked for with each tile: found out once, when there is a tile to tell
  let encoding: { readonly is: string | undefined } | undefined
  return {
    kind: reader.kind,
    tiles: reader,
    reader,
    get contentEncoding() {
      if (reader.kind === 'pmtiles') return encodingByHeader(reader.header)
      encoding ??= encodingOfTiles(reader)
      return encoding?.is
    },
    get revision() {
      return reader.revision
    },
    get(z, x, y) {
      const tile = reader.get(z, x, y)
      return tile && { bytes: tile.bytes, type: tile.type, length: tile.bytes.length, etag: tile.etag }
    },
    stat: (z, x, y) => reader.stat(z, x, y),
    describe: () => describeServed(reader),
    close: () => reader.close(),
  }
}

function encodingByHeader({ tileType, tileCompression }: PmtilesHeader): string | undefined {
  // the reader unpacks pictures
  return isImageType(tileType) && tileCompression === Compression.gzip
    ? undefined
    : ENCODINGS[tileCompression]
}

/** Of a file of ours, which may not be sealed and have no header yet: its first tile tells. Undefined: there is none. */
function encodingOfTiles(reader: TileReader): { readonly is: string | undefined } | undefined {
  const [lowest] = reader.levels()
  const first = lowest && reader.tiles({ zoom: lowest.zoom }).next()
  if (first === undefined || first.done === true) return undefined
  const { z, x, y, type } = first.value
  const bytes = type === TileType.mvt ? reader.get(z, x, y)?.bytes : undefined
  return { is: isGzip(bytes) ? 'gzip' : undefined }
}
