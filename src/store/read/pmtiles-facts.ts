// What is found out of a PMTiles archive before its tiles can be handed out: which state of the file it is, what its tiles
// are, and how many there are of each zoom.
import { crc32 } from '../../format/crc.js'
import { isGzip } from '../../format/gzip.js'
import { typeOfTile } from '../../format/gzip-tile.js'
import { PMTILES_HEADER_BYTES } from '../../format/layout.js'
import { zoomBase, zoomOfTileId } from '../../format/tile-id.js'
import { TileType } from '../../format/tile-type.js'
import type { ByteFile, FileFacts } from '../../platform/byte-file.js'
import type { Archive } from '../pmtiles/archive.js'
import type { LevelInfo } from './level-info.js'

/** Of the first tile, to tell what it is. */
const KIND_BYTES = 512
/** Entries that are counted in some tenths of a second. */
const ESTIMATED_ENTRIES = 200_000

/** Tells states of a file apart: by its size, when it was changed, and what header and root directory say. */
export function identityOf(file: ByteFile, facts: FileFacts | undefined, { header }: Archive): string {
  const head = new Uint8Array(PMTILES_HEADER_BYTES)
  const root = new Uint8Array(header.rootLength)
  file.read(head, 0)
  file.read(root, header.rootOffset)
  const outside = new TextEncoder().encode(`${file.size()} ${facts?.mtimeMs ?? ''}`)
  return crc32(outside, crc32(root, crc32(head)))
    .toString(16)
    .padStart(8, '0')
}

export interface KindOfTiles {
  readonly type: TileType
  /** Every tile is of it. */
  readonly isSure: boolean
}

/**
 * What tiles are by the header, where the first tile is that. Else (it says nothing, or something else, or they are
 * pictures in gzip) what the first one is, and not sure: each is looked at.
 */
export function kindOfTiles(file: ByteFile, archive: Archive): KindOfTiles {
  const { tileType, dataOffset } = archive.header
  const said = tileType as TileType
  const first = archive.entries().next().value
  const head = new Uint8Array(Math.min(KIND_BYTES, first?.length ?? 0))
  const got = file.read(head, dataOffset + (first?.offset ?? 0))
  const found = typeOfTile(head.subarray(0, got))
  const isPacked = isGzip(head) && found !== TileType.mvt
  const areVectors = [found, said].every((type) => type === TileType.mvt || type === TileType.mlt)
  const isOther = found !== TileType.unknown && found !== said && !areVectors
  return isPacked || isOther || said === TileType.unknown
    ? { type: found, isSure: false }
    : { type: said, isSure: true }
}

/** Counted by a walk through all directories; of a large archive, where that `mayEstimate`, about. */
export function levelsOf(archive: Archive, mayEstimate: boolean): LevelInfo[] {
  return mayEstimate && archive.header.tileEntries > ESTIMATED_ENTRIES
    ? estimateLevels(archive)
    : countLevels(archive)
}

function estimateLevels(archive: Archive): LevelInfo[] {
  return [...archive.estimateLevels()]
    .sort(([a], [b]) => a - b)
    .map(([zoom, count]) => ({ zoom, count, records: count, tail: 0, indexBytes: 0 }))
}

function countLevels(archive: Archive): LevelInfo[] {
  const levels: LevelInfo[] = []
  for (const entry of archive.entries()) {
    // A run may reach over into the next zoom.
    for (let key = entry.tileId, left = entry.runLength; left > 0; ) {
      const zoom = zoomOfTileId(key)
      const inZoom = Math.min(left, zoomBase(zoom + 1) - key)
      levels[zoom] ??= { zoom, count: 0, records: 0, tail: 0, indexBytes: 0 }
      levels[zoom].count += inZoom
      levels[zoom].records++
      key += inZoom
      left -= inZoom
    }
  }
  return levels.filter((level) => level !== undefined)
}
