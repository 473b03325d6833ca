// Reads all tiles of an archive, or a selection of them, one after the other.
import type { TileRange } from '../../store/read/list.js'
import { Tile } from '../../store/read/tile.js'
import type { StoredTile, TilePlace, TileSet } from '../../store/read/tile-set.js'
import type { TileOrder } from './sink.js'
import { SortedPlaces } from './sorted-places.js'
import type { Turns } from './turns.js'

/** Which tiles are read. */
export interface TileSelection {
  readonly minZoom: number
  readonly maxZoom: number
  /** Rectangles that do not overlap and hold every selected tile of a zoom. Absent: the whole zoom. */
  rangesOf?(zoom: number): readonly TileRange[]
  /** Whether a tile of these rectangles is selected. Absent: all are. */
  includes?(z: number, x: number, y: number): boolean
}

/**
 * The selected tiles with their bytes. In an order: each once.
 * @throws DAMAGED, LOCKED, SYSTEM when a tile cannot be read
 */
export function scanTiles(tiles: TileSet, order: TileOrder, selection?: TileSelection): Iterable<StoredTile> {
  const isAsScanned = order === false || order === tiles.scanOrder
  if (isAsScanned && selection === undefined && tiles.scan !== undefined) return tiles.scan()
  return readPlaces(tiles, placesOf(tiles, order, selection))
}

/**
 * As `scanTiles`, but others run while places are sorted, which takes long if there are many. `onTurn` is called then.
 * @throws INTERRUPTED when the signal of `turns` was aborted
 */
export async function scanInTurns(
  tiles: TileSet,
  order: TileOrder,
  selection: TileSelection | undefined,
  turns: Turns,
  onTurn: () => void,
): Promise<Iterable<StoredTile>> {
  if (order === false || (order === tiles.scanOrder && selection === undefined))
    return scanTiles(tiles, order, selection)
  // an archive whose tiles cannot be read says so before its places are sorted, not an hour later
  tiles.readEach?.([])
  const zooms: Iterable<TilePlace>[] = []
  const sorting: SortedPlaces[] = []
  try {
    for (const { zoom, places, isSorted } of zoomsOf(tiles, order, selection)) {
      if (isSorted) {
        zooms.push(places)
        continue
      }
      const sorted = new SortedPlaces(zoom, order)
      sorting.push(sorted)
      zooms.push(sorted)
      for (const place of places) {
        sorted.add(place)
        if (!turns.isDue()) continue
        onTurn()
        await turns.give()
      }
    }
    return readPlaces(tiles, oneAfterTheOther(zooms))
  } catch (error) {
    for (const sorted of sorting) sorted.close()
    throw error
  }
}

/** The places of the selected tiles. In an order: each once. */
export function* placesOf(tiles: TileSet, order: TileOrder, selection?: TileSelection): Iterable<TilePlace> {
  for (const { zoom, places, isSorted } of zoomsOf(tiles, order, selection))
    yield* isSorted ? places : inOrder(zoom, places, order)
}

/** Places of one zoom. In an order: each once. */
export function inOrder(zoom: number, places: Iterable<TilePlace>, order: TileOrder): Iterable<TilePlace> {
  return order === false ? places : sorted(zoom, places, order)
}

function* sorted(
  zoom: number,
  places: Iterable<TilePlace>,
  order: Exclude<TileOrder, false>,
): Iterable<TilePlace> {
  const found = new SortedPlaces(zoom, order)
  for (const place of places) found.add(place)
  yield* found
}

interface PlacesOfZoom {
  readonly zoom: number
  readonly places: Iterable<TilePlace>
  readonly isSorted: boolean
}

function* zoomsOf(
  tiles: TileSet,
  order: TileOrder,
  selection: TileSelection | undefined,
): Iterable<PlacesOfZoom> {
  for (const { zoom } of tiles.levels()) {
    if (selection !== undefined && (zoom < selection.minZoom || zoom > selection.maxZoom)) continue
    const ranges = selection?.rangesOf?.(zoom) ?? [undefined]
    const isSorted = order === true && tiles.isSorted === true && ranges.length <= 1
    yield { zoom, places: placesIn(tiles, zoom, ranges, selection), isSorted }
  }
}

function* placesIn(
  tiles: TileSet,
  zoom: number,
  ranges: readonly (TileRange | undefined)[],
  selection: TileSelection | undefined,
): Iterable<TilePlace> {
  for (const range of ranges)
    for (const place of tiles.tiles({ zoom, range }))
      if (selection?.includes === undefined || selection.includes(place.z, place.x, place.y)) yield place
}

function* oneAfterTheOther<T>(lists: readonly Iterable<T>[]): Iterable<T> {
  for (const list of lists) yield* list
}

const readPlaces = (tiles: TileSet, places: Iterable<TilePlace>): Iterable<StoredTile> =>
  tiles.readEach?.(places) ?? readOneByOne(tiles, places)

function* readOneByOne(tiles: TileSet, places: Iterable<TilePlace>): Iterable<StoredTile> {
  for (const { z, x, y } of places) {
    const tile = tiles.get(z, x, y)
    // listed, but empty or removed meanwhile
    if (tile === undefined) continue
    const { bytes, type } = tile
    yield tile instanceof Tile ? { z, x, y, bytes, type, crc: tile.crc } : { z, x, y, bytes, type }
  }
}
