// PMTiles archives made field by field, for tests of what foreign ones may hold.
import { gzipSync } from 'node:zlib'
import { directoryOf, type Entry, encodeDirectory } from '../../src/format/directory.js'
import { encodeHeader, type PmtilesHeader } from '../../src/format/pmtiles.js'

export interface ForeignArchive {
  readonly entries: readonly Entry[]
  readonly data: Uint8Array
  readonly metadata?: string
  readonly header?: Partial<PmtilesHeader>
  /** Behind the packed parts, as garbage that their lengths count in. */
  readonly afterRoot?: Uint8Array
  readonly afterMetadata?: Uint8Array
  /** Behind the last entry, before it is packed. */
  readonly inRoot?: Uint8Array
}

/** Header, root directory, metadata, tile data, in this order and without gaps; true in all it says. */
export function foreignArchive(archive: ForeignArchive): Uint8Array {
  const { entries, data, metadata = '{}', header = {} } = archive
  const nothing = new Uint8Array(0)
  const packed = (...parts: Uint8Array[]): Buffer => gzipSync(Buffer.concat(parts))
  const root = Buffer.concat([
    packed(encodeDirectory(directoryOf(entries)), archive.inRoot ?? nothing),
    archive.afterRoot ?? nothing,
  ])
  const text = Buffer.concat([packed(Buffer.from(metadata)), archive.afterMetadata ?? nothing])
  const zoomOf = (id: number): number => {
    let zoom = 0
    while ((4 ** (zoom + 1) - 1) / 3 <= id) zoom++
    return zoom
  }
  const last = entries.at(-1)
  const maxZoom = last === undefined ? 0 : zoomOf(last.tileId + last.runLength - 1)
  const minZoom = entries.length === 0 ? 0 : zoomOf(entries[0]!.tileId)
  const head = encodeHeader({
    rootOffset: 127,
    rootLength: root.length,
    metadataOffset: 127 + root.length,
    metadataLength: text.length,
    leafOffset: 127 + root.length + text.length,
    leafLength: 0,
    dataOffset: 127 + root.length + text.length,
    dataLength: data.length,
    addressedTiles: entries.reduce((sum, { runLength }) => sum + runLength, 0),
    tileEntries: entries.length,
    tileContents: new Set(entries.map(({ offset }) => offset)).size,
    clustered: true,
    internalCompression: 2,
    tileCompression: 1,
    tileType: 2,
    minZoom,
    maxZoom,
    minLon: -180,
    minLat: -85,
    maxLon: 180,
    maxLat: 85,
    centerZoom: minZoom,
    centerLon: 0,
    centerLat: 0,
    ...header,
  })
  return Buffer.concat([head, root, text, data])
}
