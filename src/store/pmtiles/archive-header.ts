// What a flat-1 file states about itself as a PMTiles archive, sealed or growing: header and metadata.
import type { BuiltDirectories } from '../../format/directory-builder.js'
import { isGzip } from '../../format/gzip.js'
import { PMTILES_HEADER_BYTES } from '../../format/layout.js'
import { Compression, type PmtilesHeader } from '../../format/pmtiles.js'
import type { PmtilesPlace } from '../../format/pmtiles-findings.js'
import type { SealedSections } from '../../format/pmtiles-sections.js'
import type { Superblock } from '../../format/superblock/fields.js'
import { nameOfTileType, pmtilesTypeOf, TileType } from '../../format/tile-type.js'
import type { ResolvedSealOptions } from '../options.js'
import type { Census, Extent } from './census.js'

export interface ArchiveFacts {
  readonly census: Census
  readonly built: BuiltDirectories
  readonly sections: SealedSections
  /** Number of distinct values; 0 when unknown. */
  readonly tileContents: number
  /**
   * The first two bytes (fewer if it is shorter) of the first tile of the most common type; undefined without tiles.
   */
  readonly firstBytes: Uint8Array | undefined
  readonly info: Pick<ResolvedSealOptions, 'bounds' | 'center'>
}

/** The header except `rootLength`, which is known only when the root is built. */
export function archiveHeader(facts: ArchiveFacts): PmtilesHeader {
  const { census, built, sections, info } = facts
  const type = mostCommonType(census)
  return {
    rootOffset: PMTILES_HEADER_BYTES,
    rootLength: 0,
    metadataOffset: sections.metadataOffset,
    metadataLength: sections.metadataLength,
    leafOffset: sections.leafOffset,
    leafLength: sections.leafLength,
    dataOffset: sections.dataOffset,
    dataLength: sections.dataLength,
    addressedTiles: built.addressedTiles,
    tileEntries: built.tileEntries,
    tileContents: facts.tileContents,
    clustered: built.clustered,
    internalCompression: Compression.gzip,
    tileCompression: type === TileType.mvt ? compressionOf(facts.firstBytes) : Compression.none,
    tileType: pmtilesTypeOf(type),
    ...archivePlace(census, info),
  }
}

/** Zooms, bounds and center: as given, otherwise computed from the tiles. */
export function archivePlace(
  census: Extent,
  info: Pick<ResolvedSealOptions, 'bounds' | 'center'>,
): PmtilesPlace {
  const { minZoom, maxZoom } = census
  const [minLon, minLat, maxLon, maxLat] = info.bounds ?? boundsOf(census)
  const [centerLon, centerLat, centerZoom] = info.center ?? [
    (minLon + maxLon) / 2,
    (minLat + maxLat) / 2,
    minZoom,
  ]
  return { minZoom, maxZoom, minLon, minLat, maxLon, maxLat, centerZoom, centerLon, centerLat }
}

/** The caller's metadata, plus what a PMTiles header cannot express about our file. */
export function archiveMetadata(
  metadata: Record<string, unknown>,
  census: Census,
  sb: Superblock,
): Record<string, unknown> {
  const tileTypes = Object.fromEntries([...census.types].map(([type, n]) => [nameOfTileType(type), n]))
  // their number only: a client of PMTiles loads the metadata whole
  const sources = sb.sources === undefined ? {} : { sources: sb.sources.count }
  return { ...metadata, flagstone: { version: 1, tileTypes, ...sources } }
}

/** On a tie, the lowest code. */
export function mostCommonType(census: Census): number {
  let [best, most] = [0, 0]
  for (const [type, n] of census.types) if (n > most || (n === most && type < best)) [best, most] = [type, n]
  return best
}

/** Vector tiles are stored as given, usually gzipped. The first one is taken as typical of all. */
function compressionOf(bytes: Uint8Array | undefined): Compression {
  return isGzip(bytes) ? Compression.gzip : Compression.none
}

/** Bounds of the tiles in degrees; https://wiki.openstreetmap.org/wiki/Slippy_map_tilenames. */
function boundsOf(census: Extent): [number, number, number, number] {
  if (census.tiles === 0) return [-180, -85.0511287, 180, 85.0511287]
  const tiles = 2 ** census.maxZoom
  const lon = (x: number): number => (x / tiles) * 360 - 180
  const lat = (y: number): number => (Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / tiles))) * 180) / Math.PI
  return [lon(census.minX), lat(census.maxY + 1), lon(census.maxX + 1), lat(census.minY)]
}
