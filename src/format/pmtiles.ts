// The PMTiles v3 header as bytes. Faults of a header are checked in pmtiles-findings.ts; pmtiles-sections.ts presents
// the sections of a sealed file to PMTiles readers.
// Specification: https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md
// Directories are in directory.ts, building them in directory-builder.ts.
import { FlagstoneError } from '../errors.js'
import { PMTILES_HEADER as H, PMTILES_HEADER_BYTES, PMTILES_MAGIC, PMTILES_VERSION } from './layout.js'
import { getU64, putU64 } from './u64.js'

export const Compression = { unknown: 0, none: 1, gzip: 2, brotli: 3, zstd: 4 } as const
export type Compression = (typeof Compression)[keyof typeof Compression]

/** The header of a PMTiles v3 archive. Offsets and lengths are bytes; zooms are integers from 0. */
export interface PmtilesHeader {
  /** Position of the root directory. */
  rootOffset: number
  /** Length of the root directory, compressed. */
  rootLength: number
  /** Position of the metadata, JSON. */
  metadataOffset: number
  /** Length of the metadata, compressed. */
  metadataLength: number
  /** Position of the leaf directories. */
  leafOffset: number
  /** Length of all leaf directories. */
  leafLength: number
  /** Position of the tiles' bytes. Offsets in directories count from here. */
  dataOffset: number
  /** Length of the tiles' bytes. */
  dataLength: number
  /** Number of tiles; 0 when unknown. */
  addressedTiles: number
  /** Number of entries in the directories, where a run of equal tiles is one entry; 0 when unknown. */
  tileEntries: number
  /** Number of distinct values, by their offsets; 0 when unknown. */
  tileContents: number
  /** Whether the values are in the order of the directories. */
  clustered: boolean
  /**
   * How directories and metadata are compressed: 0 unknown, 1 none, 2 gzip, 3 brotli, 4 zstd; other codes may follow.
   */
  internalCompression: number
  /** How tiles are compressed, with the same codes. */
  tileCompression: number
  /** What tiles are, by PMTiles' codes: those of TileType up to 6. */
  tileType: number
  /** Lowest zoom that has tiles. */
  minZoom: number
  /** Highest zoom that has tiles. */
  maxZoom: number
  /** West, degrees, stored to 1e-7. */
  minLon: number
  /** South, degrees. */
  minLat: number
  /** East, degrees. */
  maxLon: number
  /** North, degrees. */
  maxLat: number
  /** Zoom of the initial view. */
  centerZoom: number
  /** Longitude of the initial view, degrees. */
  centerLon: number
  /** Latitude of the initial view, degrees. */
  centerLat: number
}

/** The four sections of an archive, as fields of the header name them. */
export const SECTIONS = ['root', 'metadata', 'leaf', 'data'] as const
export const SECTION_NAMES = {
  root: 'root directory',
  metadata: 'metadata',
  leaf: 'leaf directories',
  data: 'tile data',
}

/** The 127 bytes of a header. @throws RangeError when a number does not fit its field */
export function encodeHeader(header: PmtilesHeader): Uint8Array {
  const bytes = new Uint8Array(PMTILES_HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set(PMTILES_MAGIC, H.magic)
  bytes[H.version] = PMTILES_VERSION
  for (const name of SECTIONS) {
    putU64(view, H[`${name}Offset`], header[`${name}Offset`])
    putU64(view, H[`${name}Length`], header[`${name}Length`])
  }
  putU64(view, H.addressedTiles, header.addressedTiles)
  putU64(view, H.tileEntries, header.tileEntries)
  putU64(view, H.tileContents, header.tileContents)
  view.setUint8(H.clustered, header.clustered ? 1 : 0)
  for (const name of ['internalCompression', 'tileCompression', 'tileType'] as const)
    putU8(view, H[name], header[name])
  for (const name of ['minZoom', 'maxZoom', 'centerZoom'] as const) putU8(view, H[name], header[name])
  putPosition(view, H.minPosition, header.minLon, header.minLat)
  putPosition(view, H.maxPosition, header.maxLon, header.maxLat)
  putPosition(view, H.centerPosition, header.centerLon, header.centerLat)
  return bytes
}

/**
 * Reads a header and checks what reading the archive depends on: magic number, version, and that every section lies
 * within the file of `fileSizeBytes`. headerFindings checks the other claims.
 * @throws NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED
 */
export function decodeHeader(bytes: Uint8Array, fileSizeBytes: number): PmtilesHeader {
  for (let i = 0; i < 2; i++)
    if (bytes[i] !== PMTILES_MAGIC[i])
      throw new FlagstoneError(
        'NOT_A_TILE_FILE',
        'This is not a PMTiles archive: it does not begin with "PMTiles".',
      )
  for (let i = 2; i < PMTILES_MAGIC.length; i++) if (bytes[i] !== PMTILES_MAGIC[i]) throw oldOrForeign(bytes)
  if (bytes[H.version] !== PMTILES_VERSION) throw wrongVersion(bytes[H.version] ?? 0)
  if (bytes.length < PMTILES_HEADER_BYTES)
    throw damaged(`its header is cut off after ${bytes.length} of ${PMTILES_HEADER_BYTES} bytes`)
  const header = readHeader(bytes)
  for (const name of SECTIONS) {
    const offset = header[`${name}Offset`]
    const length = header[`${name}Length`]
    if (offset + length > fileSizeBytes)
      throw damaged(
        `its ${SECTION_NAMES[name]}, ${length} bytes from ${offset}, reach beyond the file of ${fileSizeBytes} bytes`,
      )
  }
  if (header.rootLength === 0 || header.rootOffset < PMTILES_HEADER_BYTES)
    throw damaged(`its root directory, ${header.rootLength} bytes from ${header.rootOffset}, cannot be one`)
  return header
}

function readHeader(bytes: Uint8Array): PmtilesHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, PMTILES_HEADER_BYTES)
  return {
    rootOffset: getU64(view, H.rootOffset),
    rootLength: getU64(view, H.rootLength),
    metadataOffset: getU64(view, H.metadataOffset),
    metadataLength: getU64(view, H.metadataLength),
    leafOffset: getU64(view, H.leafOffset),
    leafLength: getU64(view, H.leafLength),
    dataOffset: getU64(view, H.dataOffset),
    dataLength: getU64(view, H.dataLength),
    addressedTiles: getU64(view, H.addressedTiles),
    tileEntries: getU64(view, H.tileEntries),
    tileContents: getU64(view, H.tileContents),
    clustered: view.getUint8(H.clustered) === 1,
    internalCompression: view.getUint8(H.internalCompression),
    tileCompression: view.getUint8(H.tileCompression),
    tileType: view.getUint8(H.tileType),
    minZoom: view.getUint8(H.minZoom),
    maxZoom: view.getUint8(H.maxZoom),
    minLon: view.getInt32(H.minPosition, true) / 1e7,
    minLat: view.getInt32(H.minPosition + 4, true) / 1e7,
    maxLon: view.getInt32(H.maxPosition, true) / 1e7,
    maxLat: view.getInt32(H.maxPosition + 4, true) / 1e7,
    centerZoom: view.getUint8(H.centerZoom),
    centerLon: view.getInt32(H.centerPosition, true) / 1e7,
    centerLat: view.getInt32(H.centerPosition + 4, true) / 1e7,
  }
}

function putU8(view: DataView, at: number, value: number): void {
  if ((value & 0xff) !== value) throw new RangeError(`${value} does not fit a byte of a PMTiles header`)
  view.setUint8(at, value)
}

function putPosition(view: DataView, at: number, lon: number, lat: number): void {
  // Compared after rounding: a projection may return 180.00000000000003 for the edge of the world.
  const lonE7 = Math.round(lon * 1e7)
  const latE7 = Math.round(lat * 1e7)
  if (!(Math.abs(lonE7) <= 180e7 && Math.abs(latE7) <= 90e7))
    throw new RangeError(`longitude ${lon}, latitude ${lat} is not a position on earth`)
  view.setInt32(at, lonE7, true)
  view.setInt32(at + 4, latE7, true)
}

/** The error for "PM" followed by something else: versions 1 and 2 continued with a 16-bit version number. */
function oldOrForeign(bytes: Uint8Array): FlagstoneError {
  const version = (bytes[2] ?? 0) | ((bytes[3] ?? 0) << 8)
  if (version === 1 || version === 2) return wrongVersion(version)
  return new FlagstoneError(
    'NOT_A_TILE_FILE',
    'This is not a PMTiles archive: it does not begin with "PMTiles".',
  )
}

function wrongVersion(version: number): FlagstoneError {
  return new FlagstoneError(
    'VERSION_UNSUPPORTED',
    `This is a PMTiles archive of version ${version}, and only version ${PMTILES_VERSION} can be read; ` +
      'convert it with `pmtiles convert` first.',
  )
}

function damaged(clause: string): FlagstoneError {
  return new FlagstoneError(
    'DAMAGED',
    `This PMTiles archive is damaged or incomplete: ${clause}. Get it again from where it came from.`,
  )
}
