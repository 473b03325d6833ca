// Reads frast v2 (`.ft`). Tiles come as any client expects them: frast swaps red and blue in its JPEGs, which are swapped
// back, and its terrain becomes elevation tiles. `raw` gives the values as they are.
import { FlagstoneError } from '../../errors.js'
import { type JsonObject, parseJsonObject } from '../../format/json.js'
import { sniffTileType, TileType } from '../../format/tile-type.js'
import type { ByteFile } from '../../platform/byte-file.js'
import { openRealFile } from '../../platform/real-file.js'
import { loadJpegCodec, swapRedAndBlue } from '../../raster/tiles/red-blue.js'
import type { StoredTile, TileSet, TilesOfZoom } from '../../store/read/tile-set.js'
import { decodeFrastHeader, type FrastHeader, HEADER_BYTES, placeOfOrder } from './layout.js'
import { LevelIndex, type Span } from './level.js'
import { CHANNEL_ORDER, RAW_TERRAIN } from './metadata.js'
import { terrainToElevation } from './terrain.js'

const MAX_TILE_BYTES = 2 ** 26
const MAX_METADATA_BYTES = 2 ** 24

export interface FrastOptions {
  /** Hands out the values as they are stored. Default: false. */
  readonly raw?: boolean | undefined
}

const SWAPPED =
  'frast stores JPEGs with red and blue swapped. They were swapped back, which encodes the tiles again with quality 95; --raw (raw) copies them as they are.'

type Decode = (value: Uint8Array) => { readonly bytes: Uint8Array; readonly type: TileType }

export class FrastReader implements TileSet {
  readonly path: string
  readonly #file: ByteFile
  readonly #levels: readonly LevelIndex[]
  readonly #metadata: JsonObject
  readonly #decode: Decode
  #swapped = false

  private constructor(file: ByteFile, header: FrastHeader, raw: boolean) {
    this.path = file.path
    this.#file = file
    const size = file.size()
    this.#levels = header.levels
      .map((level) => new LevelIndex(file, level, size))
      .filter(({ count }) => count > 0)
    const stored = storedMetadata(file, header)
    const isTerrain = header.raster === 'terrain'
    const isSwapped = !isTerrain && stored[CHANNEL_ORDER] !== 'rgb'
    const { [CHANNEL_ORDER]: _, ...metadata } = stored
    this.#metadata = raw ? { ...metadata, ...rawClaim(isTerrain, isSwapped) } : metadata
    this.#decode = raw
      ? isTerrain
        ? asUnknown
        : asStored
      : isTerrain
        ? asElevation
        : isSwapped
          ? (value) => this.#unswapped(value)
          : asStored
  }

  /** Loads what `open` needs. */
  static load(): Promise<void> {
    return loadJpegCodec()
  }

  /**
   * @throws NOT_FOUND, NOT_A_TILE_FILE, DAMAGED, SYSTEM
   * @throws TypeError when load() has not completed
   */
  static open(path: string, { raw = false }: FrastOptions = {}): FrastReader {
    const file = openRealFile(path, 'read')
    try {
      const head = new Uint8Array(HEADER_BYTES)
      const header = decodeFrastHeader(head.subarray(0, file.read(head, 0)))
      if (typeof header !== 'string') return new FrastReader(file, header, raw)
      throw new FlagstoneError(
        'NOT_A_TILE_FILE',
        `${path} is not a frast file that can be read: ${header}.`,
        { path },
      )
    } catch (error) {
      file.close()
      throw error
    }
  }

  get(z: number, x: number, y: number): { bytes: Uint8Array; type: TileType } | undefined {
    const span = this.#find(z, x, y)
    return span === undefined ? undefined : this.#tile(span, z, x, y)
  }

  has(z: number, x: number, y: number): boolean {
    return this.#find(z, x, y) !== undefined
  }

  levels(): readonly { zoom: number; count: number }[] {
    return this.#levels.map(({ zoom, count }) => ({ zoom, count }))
  }

  *tiles({ zoom, range }: TilesOfZoom): IterableIterator<{ z: number; x: number; y: number }> {
    const level = this.#level(zoom)
    if (level === undefined) return
    for (const i of level.indexes(range)) yield placeOfOrder(zoom, level.orderAt(i))
  }

  *scan(): IterableIterator<StoredTile> {
    for (const level of this.#levels) {
      for (const i of level.indexes()) {
        const { z, x, y } = placeOfOrder(level.zoom, level.orderAt(i))
        const span = level.spanAt(i)
        if (span.length > 0) yield { z, x, y, ...this.#tile(span, z, x, y) }
      }
    }
  }

  get notes(): readonly string[] {
    return this.#swapped ? [SWAPPED] : []
  }

  metadata(): Record<string, unknown> {
    return { ...this.#metadata }
  }

  close(): void {
    this.#file.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #level(zoom: number): LevelIndex | undefined {
    return this.#levels.find((level) => level.zoom === zoom)
  }

  /** Undefined when there is no such tile, or it is empty. */
  #find(z: number, x: number, y: number): Span | undefined {
    const level = this.#level(z)
    const side = 2 ** z
    if (level === undefined || !(x >= 0 && y >= 0 && x < side && y < side)) return undefined
    const i = level.find(x, y)
    if (i < 0) return undefined
    const span = level.spanAt(i)
    return span.length === 0 ? undefined : span
  }

  #unswapped(value: Uint8Array): ReturnType<Decode> {
    const type = sniffTileType(value)
    const bytes = type === TileType.jpeg ? swapRedAndBlue(value) : value
    if (bytes !== value) this.#swapped = true
    return { bytes, type }
  }

  #tile({ position, length }: Span, z: number, x: number, y: number): ReturnType<Decode> {
    const name = `${this.path}, tile ${z}/${x}/${y}`
    const { path } = this
    if (length > MAX_TILE_BYTES)
      throw new FlagstoneError(
        'TOO_LARGE',
        `${name} has ${length} bytes, over the limit of ${MAX_TILE_BYTES}.`,
        { path },
      )
    const value = new Uint8Array(length)
    if (this.#file.read(value, position) < length)
      throw new FlagstoneError('DAMAGED', `${name} lies past the end of the file.`, { path })
    try {
      return this.#decode(value)
    } catch (cause) {
      if (!(cause instanceof FlagstoneError)) throw cause
      throw new FlagstoneError(cause.code, `${name}: ${cause.message}`, { path, cause })
    }
  }
}

const asStored: Decode = (bytes) => ({ bytes, type: sniffTileType(bytes) })
const asUnknown: Decode = (bytes) => ({ bytes, type: TileType.unknown })
const asElevation: Decode = (value) => ({ bytes: terrainToElevation(value), type: TileType.elevation })

/** What tells the writer of a frast file that the values are as frast has them. */
function rawClaim(isTerrain: boolean, isSwapped: boolean): JsonObject {
  if (isTerrain) return { encoding: RAW_TERRAIN }
  return isSwapped ? { [CHANNEL_ORDER]: 'bgr' } : {}
}

/** {} when there are none, or they cannot be read: tiles can be read without them. */
function storedMetadata(file: ByteFile, { metadata, metadataLength }: FrastHeader): JsonObject {
  if (metadataLength === 0 || metadataLength > MAX_METADATA_BYTES || metadata < HEADER_BYTES) return {}
  const bytes = new Uint8Array(metadataLength)
  if (!Number.isSafeInteger(metadata) || file.read(bytes, metadata) < bytes.length) return {}
  const object = parseJsonObject(bytes)
  return typeof object === 'string' ? {} : object
}
