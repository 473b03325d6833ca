// Our own files and foreign PMTiles archives as they are served. Both readers tell whole states of a file apart
// themselves (store/reader.ts, store/foreign.ts), also when somebody writes over it in place.
import { Compression } from '../format/pmtiles.js'
import { TileType } from '../format/tile-type.js'
import type { AnyReader } from '../store/open.js'
import type { Backend } from './backend.js'
import { describeServed } from './describe-served.js'

const ENCODINGS: Readonly<Record<number, string | undefined>> = {
  [Compression.gzip]: 'gzip',
  [Compression.brotli]: 'br',
  [Compression.zstd]: 'zstd',
}

/** `close` closes the reader. */
export function archiveBackend(reader: AnyReader): Backend {
  let encoding: string | undefined
  let encodingOf: string | undefined
  return {
    kind: reader.kind,
    tiles: reader,
    reader,
    get contentEncoding() {
      if (encodingOf !== reader.revision) {
        encoding = encodingOfTiles(reader)
        encodingOf = reader.revision
      }
      return encoding
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

/** Of an archive as its header says; ours have none that holds while they grow, so their first tile tells. */
function encodingOfTiles(reader: AnyReader): string | undefined {
  if (reader.kind === 'pmtiles') return ENCODINGS[reader.header.tileCompression]
  const [lowest] = reader.levels()
  const first = lowest && reader.tiles({ zoom: lowest.zoom }).next()
  if (first === undefined || first.done === true || first.value.type !== TileType.mvt) return undefined
  const bytes = reader.get(first.value.z, first.value.x, first.value.y)?.bytes
  return bytes?.[0] === 0x1f && bytes[1] === 0x8b ? 'gzip' : undefined
}
