// What must be known about a PMTiles archive before its tiles are returned: which state of the file it is, what type
// its tiles are, and how many each zoom has.
import { crc32 } from '../../format/crc.js'
import { isGzip } from '../../format/gzip.js'
import { typeOfTile } from '../../format/gzip-tile.js'
import { PMTILES_HEADER_BYTES } from '../../format/layout.js'
import { zoomBase, zoomOfTileId } from '../../format/tile-id.js'
import { TileType } from '../../format/tile-type.js'
import type { ByteFile, FileFacts } from '../../platform/byte-file.js'
import type { Archive } from '../pmtiles/archive.js'
import type { LevelInfo } from './level-info.js'

/** Bytes of the first tile that are read to determine its type. */
const KIND_BYTES = 512
/** More entries than this are estimated; this many are counted in some tenths of a second. */
const ESTIMATED_ENTRIES = 200_000

/** Identifies a state of the file: by its size, its mtime, and the contents of header and root directory. */
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
  /** Whether every tile is of this type. */
  readonly isSure: boolean
}

/**
 * The header's type if the first tile agrees with it. Otherwise (the header gives no type, or a different one, or the
 * tiles are gzipped pictures) the type of the first tile, marked unsure, so that each tile is examined.
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

/** Counts by walking all directories. Estimates for large archives if `mayEstimate`. */
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
    // A run may extend into the next zoom.
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
