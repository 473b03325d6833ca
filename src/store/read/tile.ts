import { FlagstoneError } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import type { OwnBytes } from '../../format/own-memory.js'
import { tileIdToZxy } from '../../format/tile-id.js'
import { mimeOf, type TileType } from '../../format/tile-type.js'

/** Not computed yet. */
const CRC_UNKNOWN = -1

/** A tile without its bytes. */
export interface TileStat {
  /** The type of its bytes. */
  readonly type: TileType
  /** Bytes. */
  readonly length: number
  /** The tile's ETag: strong, quoted. */
  readonly etag: string
}

/** A stored tile. */
export class Tile {
  /**
   * The stored bytes. They have memory of their own, which you may keep, change, clone or transfer. With the reader's
   * options `zeroCopy` and `pooled` they share memory with other tiles.
   */
  readonly bytes: OwnBytes
  /** The type of its bytes. */
  readonly type: TileType
  /** TileID of PMTiles v3. */
  readonly key: number
  #crc: number

  constructor(bytes: Uint8Array, type: TileType, key: number, crc: number) {
    // no reader keeps values in a SharedArrayBuffer
    this.bytes = bytes as OwnBytes
    this.type = type
    this.key = key
    this.#crc = crc
  }

  /** CRC-32 of the stored bytes. */
  get crc(): number {
    if (this.#crc === CRC_UNKNOWN) this.#crc = crc32(this.bytes)
    return this.#crc
  }

  /** A strong ETag, quoted as in HTTP: key, CRC and length. */
  get etag(): string {
    return etagOf(this.key, this.crc, this.bytes.length)
  }

  /** Media type of its bytes, for `Content-Type`. */
  get mime(): string {
    return mimeOf(this.type)
  }
}

/** A tile of an archive without checksums. Its ETag is derived from its position, and from the state of the file. */
export class PlacedTile extends Tile {
  readonly #etag: string

  constructor(bytes: Uint8Array, type: TileType, key: number, etag: string) {
    super(bytes, type, key, CRC_UNKNOWN)
    this.#etag = etag
  }

  override get etag(): string {
    return this.#etag
  }
}

/** @param key TileID */
export function tooLarge(path: string, key: number, length: number, maxTileBytes: number): FlagstoneError {
  const [z, x, y] = tileIdToZxy(key)
  return new FlagstoneError(
    'TOO_LARGE',
    `${path}: tile ${z}/${x}/${y} has ${length} bytes, more than the limit of ${maxTileBytes}, so it is not read.`,
    { path },
  )
}

export function etagOf(key: number, crc: number, length: number): string {
  return `"${key.toString(36)}-${crc.toString(16).padStart(8, '0')}-${length.toString(36)}"`
}
