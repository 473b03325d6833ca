// Reads all tiles of an archive, or a selection of them, one after the other.
import { tileId, tileIdToZxy } from '../../format/tile-id.js'
import type { TileRange } from '../../store/read/list.js'
import type { StoredTile, TilePlace, TileSet } from '../../store/read/tile-set.js'
import type { TileOrder } from './sink.js'
import { SortedKeys } from './sorted-keys.js'

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
  const places = placesOf(tiles, order, selection)
  return tiles.readEach?.(places) ?? readOneByOne(tiles, places)
}

/** The places of the selected tiles. In an order: each once. */
export function* placesOf(tiles: TileSet, order: TileOrder, selection?: TileSelection): Iterable<TilePlace> {
  for (const { zoom } of tiles.levels()) {
    if (selection !== undefined && (zoom < selection.minZoom || zoom > selection.maxZoom)) continue
    const ranges = selection?.rangesOf?.(zoom) ?? [undefined]
    const places = placesIn(tiles, zoom, ranges, selection)
    const isDone = order === true && tiles.isSorted === true && ranges.length <= 1
    yield* isDone ? places : inOrder(zoom, places, order)
  }
}

/** Places of one zoom. In an order: each once. */
export function inOrder(zoom: number, places: Iterable<TilePlace>, order: TileOrder): Iterable<TilePlace> {
  if (order === 'columns') return byColumns(zoom, places)
  if (order === 'rows') return byRows(zoom, places)
  return order ? byKeys(places) : places
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

function* byKeys(places: Iterable<TilePlace>): Iterable<TilePlace> {
  const keys = new SortedKeys()
  for (const { z, x, y } of places) keys.add(tileId(z, x, y))
  for (const key of keys) {
    const [z, x, y] = tileIdToZxy(key)
    yield { z, x, y }
  }
}

function* byColumns(zoom: number, places: Iterable<TilePlace>): Iterable<TilePlace> {
  const side = 2 ** zoom
  const keys = new SortedKeys()
  for (const { x, y } of places) keys.add(x * side + side - 1 - y)
  for (const key of keys) {
    const x = Math.floor(key / side)
    yield { z: zoom, x, y: side - 1 - (key - x * side) }
  }
}

function* byRows(zoom: number, places: Iterable<TilePlace>): Iterable<TilePlace> {
  const side = 2 ** zoom
  const keys = new SortedKeys()
  for (const { x, y } of places) keys.add(y * side + x)
  for (const key of keys) {
    const y = Math.floor(key / side)
    yield { z: zoom, x: key - y * side, y }
  }
}

function* readOneByOne(tiles: TileSet, places: Iterable<TilePlace>): Iterable<StoredTile> {
  for (const { z, x, y } of places) {
    const tile = tiles.get(z, x, y)
    // listed, but empty or removed meanwhile
    if (tile !== undefined) yield { z, x, y, bytes: tile.bytes, type: tile.type }
  }
}
