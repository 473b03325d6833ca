// The digest of an archive's tiles: from the index of our own files, otherwise from the bytes.
import { crc32 } from '../../format/crc.js'
import { TilesDigest } from '../../format/digest.js'
import { tileId, tileIdToZxy } from '../../format/tile-id.js'
import { typeOfContent } from '../../format/tile-type.js'
import { PmtilesReader } from '../../store/read/pmtiles-reader.js'
import { FlatReader } from '../../store/read/reader.js'
import type { StoredTile, TileSet } from '../../store/read/tile-set.js'
import { scanTiles } from './scan.js'
import { SortedKeys } from './sorted-keys.js'
import type { Turns } from './turns.js'

/** What a digest was computed from. */
class DigestTally {
  digest = new TilesDigest()
  /** Bytes of tiles; identical tiles count each time. */
  bytes = 0

  /** `count`: for equal tiles with consecutive TileIDs from `key` on. */
  add(key: number, type: number, length: number, crc: number, count = 1): void {
    this.digest.add(key, type, length, crc, count)
    this.bytes += length * count
  }
}

/** Records of a run; longer runs are added in parts, so that others get a turn. */
const RUN_TILES = 2048
/** Contents whose checks are remembered: the same sea is often stored once for many places. */
const REMEMBERED = 16_384

/**
 * `onTurn` is called several times a second.
 * @throws INTERRUPTED when the signal of `turns` was aborted
 * @throws DAMAGED, LOCKED, SYSTEM when a tile cannot be read
 */
export async function digestOf(
  tiles: TileSet,
  turns: Turns,
  onTurn: (tally: DigestTally) => void = () => {},
): Promise<DigestTally> {
  const tally = new DigestTally()
  let before = 0
  for (const _ of stepsOf(tiles, tally)) {
    const bytes = tally.bytes - before
    before = tally.bytes
    if (!turns.isDue(bytes)) continue
    onTurn(tally)
    await turns.give()
  }
  turns.check()
  return tally
}

/** Yields after every record. */
function stepsOf(tiles: TileSet, tally: DigestTally): Iterable<void> {
  if (tiles instanceof FlatReader) return fromIndex(tiles, tally)
  if (tiles instanceof PmtilesReader) return fromEntries(tiles, tally)
  return fromBytes(tiles, tally)
}

function* fromIndex(tiles: FlatReader, tally: DigestTally): Generator<void> {
  for (const { zoom } of tiles.levels())
    for (const { key, type, length, crc } of tiles.records(zoom)) {
      tally.add(key, type, length, crc)
      yield
    }
}

function* fromEntries(tiles: PmtilesReader, tally: DigestTally): Generator<void> {
  const known = new Map<number, { stored: number; type: number; length: number; crc: number }>()
  for (const { zoom } of tiles.levels())
    for (const { key, run = 1, offset, length: stored } of tiles.records(zoom)) {
      let tile = known.get(offset)
      if (tile?.stored !== stored) {
        const found = tiles.get(...tileIdToZxy(key))
        if (found === undefined) continue
        const { bytes } = found
        tile = { stored, type: typeOfContent(bytes, found.type), length: bytes.length, crc: crc32(bytes) }
        if (known.size === REMEMBERED) known.clear()
        known.set(offset, tile)
      }
      const { type, length, crc } = tile
      for (let done = 0; done < run; done += RUN_TILES) {
        tally.add(key + done, type, length, crc, Math.min(RUN_TILES, run - done))
        yield
      }
    }
}

/** In the order in which tiles are stored. If some places come twice, again in key order. */
function* fromBytes(tiles: TileSet, tally: DigestTally): Generator<void> {
  if (tiles.scan !== undefined) {
    const keys = new SortedKeys()
    try {
      for (const tile of scanTiles(tiles, false)) {
        keys.add(tileId(tile.z, tile.x, tile.y))
        addTile(tally, tile)
        yield
      }
      let distinct = 0
      for (const _ of keys) distinct++
      if (distinct === tally.digest.tiles) return
    } finally {
      keys.close()
    }
    tally.digest = new TilesDigest()
    tally.bytes = 0
  }
  for (const tile of scanTiles(tiles, true)) {
    addTile(tally, tile)
    yield
  }
}

function addTile(tally: DigestTally, { z, x, y, bytes, type }: StoredTile): void {
  tally.add(tileId(z, x, y), typeOfContent(bytes, type), bytes.length, crc32(bytes))
}
