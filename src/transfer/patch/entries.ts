// The tiles of an archive in key order, with what a digest counts of each.
import { FlagstoneError } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import { countedType } from '../../format/digest.js'
import { tileId, tileIdToZxy } from '../../format/tile-id.js'
import { type TileType, typeOfContent } from '../../format/tile-type.js'
import { scanTiles } from '../../interop/transfer/scan.js'
import { FlatReader } from '../../store/read/reader.js'
import type { TileSet } from '../../store/read/tile-set.js'

/** What is known of a tile without reading more than its archive needs for it. */
export interface TileEntry {
  /** TileID. */
  readonly key: number
  readonly type: TileType
  readonly length: number
  /** CRC-32 of its bytes. */
  readonly crc: number
  /** Absent where the index knew the rest: in our own files. */
  readonly bytes?: Uint8Array
}

/** @throws DAMAGED, LOCKED, SYSTEM when a tile cannot be read */
export function* entriesOf(tiles: TileSet): Generator<TileEntry, void> {
  if (tiles instanceof FlatReader) {
    for (const { zoom } of tiles.levels()) yield* tiles.records(zoom)
    return
  }
  for (const { z, x, y, bytes, type } of scanTiles(tiles, true)) {
    const known = { type: typeOfContent(bytes, type), length: bytes.length, crc: crc32(bytes) }
    yield { key: tileId(z, x, y), ...known, bytes }
  }
}

/** The bytes of an entry; undefined when the tile was removed meanwhile. @throws DAMAGED, LOCKED, SYSTEM */
const bytesOf = (tiles: TileSet, { key, bytes }: TileEntry): Uint8Array | undefined =>
  bytes ?? tiles.get(...tileIdToZxy(key))?.bytes

/**
 * Whether two tiles are the same. Between two files of ours the checks decide; bytes that were read anyway are compared.
 * @throws DAMAGED, LOCKED, SYSTEM when a tile cannot be read
 */
export function isSameTile(a: TileSet, ofA: TileEntry, b: TileSet, ofB: TileEntry): boolean {
  const looksSame =
    ofA.crc === ofB.crc && ofA.length === ofB.length && countedType(ofA.type) === countedType(ofB.type)
  if (!looksSame || (ofA.bytes === undefined && ofB.bytes === undefined)) return looksSame
  const [bytes, other] = [bytesOf(a, ofA), bytesOf(b, ofB)]
  return bytes !== undefined && other !== undefined && Buffer.compare(bytes, other) === 0
}

/**
 * The bytes of an entry.
 * @throws LOCKED when a writer has changed the tile since it was listed
 * @throws DAMAGED, SYSTEM when it cannot be read
 */
export function settledBytesOf(tiles: TileSet, entry: TileEntry): Uint8Array {
  const bytes = bytesOf(tiles, entry)
  if (bytes !== undefined && (bytes === entry.bytes || crc32(bytes) === entry.crc)) return bytes
  throw new FlagstoneError(
    'LOCKED',
    `${tiles.path} is being changed by another program; compare again when it is done.`,
    { path: tiles.path },
  )
}
