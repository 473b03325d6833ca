// Types of tiles. Codes 0…15 are PMTiles' (spec v3, "Tile Type"), 16 and up are Flagstone's. A sealed file that holds
// the latter is still a PMTiles archive; its header then says "unknown" (0).
import { isGzip } from './gzip.js'

/** Codes for the type of a tile's bytes. Up to 15 they are those of PMTiles; 16 and up are Flagstone's. */
export const TileType = {
  /** Any other type, or not known. */
  unknown: 0,
  /** Mapbox Vector Tile. */
  mvt: 1,
  /** PNG. */
  png: 2,
  /** JPEG. */
  jpeg: 3,
  /** WebP, lossy or lossless. */
  webp: 4,
  /** AVIF. */
  avif: 5,
  /** MapLibre Vector Tile. */
  mlt: 6,
  /** Rows of little-endian signed 16-bit samples, north to south, no header. */
  rawInt16: 16,
  /** Heights as numbers, compressed: formats/elevation-1.md. */
  elevation: 17,
} as const
export type TileType = (typeof TileType)[keyof typeof TileType]

interface Kind {
  type: TileType
  name: string
  mime: string
  /** The first is the preferred one. */
  extensions: readonly string[]
  isImage?: true
}

const KINDS: readonly Kind[] = [
  { type: 0, name: 'unknown', mime: 'application/octet-stream', extensions: ['bin'] },
  { type: 1, name: 'mvt', mime: 'application/vnd.mapbox-vector-tile', extensions: ['mvt', 'pbf'] },
  { type: 2, name: 'png', mime: 'image/png', extensions: ['png'], isImage: true },
  { type: 3, name: 'jpeg', mime: 'image/jpeg', extensions: ['jpg', 'jpeg'], isImage: true },
  { type: 4, name: 'webp', mime: 'image/webp', extensions: ['webp'], isImage: true },
  { type: 5, name: 'avif', mime: 'image/avif', extensions: ['avif'], isImage: true },
  { type: 6, name: 'mlt', mime: 'application/vnd.maplibre-tile', extensions: ['mlt'] },
  { type: 16, name: 'raw-int16', mime: 'application/octet-stream', extensions: ['i16'] },
  { type: 17, name: 'elevation', mime: 'application/vnd.flagstone.elevation', extensions: ['elev'] },
]

const byType = new Map<number, Kind>(KINDS.map((kind) => [kind.type, kind]))
const byExtension = new Map(KINDS.flatMap((kind) => kind.extensions.map((e) => [e, kind.type] as const)))

/** Whether tiles of this type are images, in any format. raster/tiles/codec.ts knows which formats can be decoded. */
export const isImageType = (type: number): boolean => byType.get(type)?.isImage === true

/** Extensions of images, without the dot. */
const IMAGE_EXTENSIONS: readonly string[] = KINDS.flatMap((kind) =>
  kind.isImage === true ? kind.extensions : [],
)

/** Extensions of tiles of all types, without the dot; those of images first. */
export const TILE_EXTENSIONS: readonly string[] = [
  ...IMAGE_EXTENSIONS,
  ...KINDS.flatMap((kind) => (kind.isImage === true ? [] : kind.extensions)),
]

/** Whether a value is one of these codes. */
export const isTileType = (value: unknown): value is TileType => byType.has(value as number)

/** `Content-Type` of a tile; 'application/octet-stream' for unknown codes. */
export function mimeOf(type: number): string {
  return byType.get(type)?.mime ?? 'application/octet-stream'
}

/** File extension without the dot. */
export function extensionOf(type: number): string {
  return byType.get(type)?.extensions[0] ?? 'bin'
}

/** A name for tables and JSON, such as `jpeg`. */
export function nameOfTileType(type: number): string {
  return byType.get(type)?.name ?? `type-${type}`
}

/** The type of an extension, with or without the dot and in any case; undefined for others. */
export function typeFromExtension(extension: string): TileType | undefined {
  return byExtension.get(extension.replace(/^\./, '').toLowerCase())
}

/** The code for a PMTiles header: the same, or unknown where PMTiles has no code. */
export function pmtilesTypeOf(type: number): number {
  return type <= TileType.mlt ? type : TileType.unknown
}

/**
 * The type of a tile from its first bytes: images and elevation tiles by their signatures; `mvt` for a gzip stream, or
 * for protobuf that begins with a layer (field 3), as vector tiles do; otherwise unknown.
 */
export function sniffTileType(bytes: Uint8Array): TileType {
  if (bytes.length < 3) return TileType.unknown
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return TileType.jpeg
  if (startsWith(bytes, 0, '\x89PNG\r\n\x1a\n')) return TileType.png
  if (startsWith(bytes, 0, 'RIFF') && startsWith(bytes, 8, 'WEBP')) return TileType.webp
  if (startsWith(bytes, 4, 'ftypavi')) return TileType.avif
  if (startsWith(bytes, 0, 'FSEL')) return TileType.elevation
  if (isGzip(bytes)) return TileType.mvt
  if (bytes[0] === 0x1a && bytes[1]! !== 0) return TileType.mvt
  return TileType.unknown
}

/** The type of a tile that an archive says is of type `said`: what its bytes prove counts for more. */
export function typeOfContent(bytes: Uint8Array, said: TileType): TileType {
  const found = sniffTileType(bytes)
  return isImageType(found) || found === TileType.elevation ? found : said
}

function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  if (bytes.length < at + text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}
