// Which zooms become images of the TIFF, and which tiles they have. The highest zoom is the image; lower zooms are its
// overviews.
//
// Invariants: the corner of all images is the corner of the same tile, so an overview is exactly the half of the next;
// images end in the east and south with their last tile that is used.
import { FlagstoneError } from '../../errors.js'
import type { LevelOutline } from '../transfer/outline.js'

/** One image of the TIFF, with its tiles row by row from the north-west. */
export interface CogLevel {
  readonly zoom: number
  /** Column and row of its first tile. */
  readonly x: number
  readonly y: number
  readonly across: number
  readonly down: number
  /** In tiles; the last column and row may be used in part. */
  readonly width: number
  readonly height: number
  /** Whether every one of its tiles will come. */
  readonly isFull: boolean
}

/** Width and height of tiles must be a multiple of this, pixels. */
export const TILE_UNIT = 64
/** Overviews end with a zoom of so many tiles across or down. */
const SMALLEST = 2
/** 24 bytes of memory for each, with its mask. */
const MAX_CELLS = 2 ** 25
/** GDAL counts pixels with 31 bits, and tiles have at most 4096². */
const MAX_SIDE = 2 ** 19 - 1

/**
 * The images, from the lowest zoom to the highest. Zooms below the first are left out: they would enlarge the image,
 * most of it empty, since its corner must be a corner of their tiles.
 * @throws TOO_LARGE when there are more tiles than an index in memory can hold
 */
export function planLevels(levels: readonly LevelOutline[], path: string): CogLevel[] {
  const deepest = levels.at(-1)!
  const first = Math.max(
    0,
    levels.findLastIndex((_, i) => isEnough(levels, i)),
  )
  const depth = deepest.zoom - levels[first]!.zoom
  // of all zooms: an overview may have tiles where the highest zoom has none
  const kept = levels.slice(first)
  const unit = 2 ** depth
  const cornerX = Math.min(...kept.map((level) => Math.floor((level.minX * scale(deepest, level)) / unit)))
  const cornerY = Math.min(...kept.map((level) => Math.floor((level.minY * scale(deepest, level)) / unit)))
  const [x, y] = [cornerX * unit, cornerY * unit]
  // so that the smallest overview has whole pixels too
  const step = Math.max(1, unit / TILE_UNIT)
  const upTo = (end: number): number => Math.ceil(end / step) * step
  const width = upTo(
    Math.max(...kept.map((level) => endOf(deepest.maxX, level.maxX, scale(deepest, level)))) - x,
  )
  const height = upTo(
    Math.max(...kept.map((level) => endOf(deepest.maxY, level.maxY, scale(deepest, level)))) - y,
  )
  const planned = kept.map(({ zoom, count }) => {
    const by = 2 ** (deepest.zoom - zoom)
    const [across, down] = [Math.ceil(width / by), Math.ceil(height / by)]
    const corner = { x: x / by, y: y / by, width: width / by, height: height / by }
    return { zoom, ...corner, across, down, isFull: count >= across * down }
  })
  const cells = planned.reduce((sum, { across, down }) => sum + across * down, 0)
  if (cells > MAX_CELLS || Math.max(width, height) > MAX_SIDE) throw tooLarge(path, deepest, planned.at(-1)!)
  return planned
}

const scale = (deepest: LevelOutline, { zoom }: LevelOutline): number => 2 ** (deepest.zoom - zoom)

/**
 * Where the image must end for the last tile of a zoom, in tiles of the highest zoom. What lies in it beyond the tiles of
 * the highest zoom is empty; a tile that has none of these below it counts in whole.
 */
const endOf = (deepest: number, last: number, by: number): number =>
  last === Math.floor(deepest / by) ? deepest + 1 : (last + 1) * by

/** Whether overviews may end with a zoom: it is small, and the next lower one would move the corner. */
function isEnough(levels: readonly LevelOutline[], i: number): boolean {
  const { zoom, minX, minY, maxX, maxY } = levels[i]!
  if (maxX - minX >= SMALLEST || maxY - minY >= SMALLEST) return false
  const below = levels[i - 1]
  if (below === undefined) return true
  const unit = 2 ** (zoom - below.zoom)
  return minX % unit !== 0 || minY % unit !== 0 || (minX === maxX && minY === maxY)
}

function tooLarge(path: string, { zoom }: LevelOutline, { across, down }: CogLevel): FlagstoneError {
  return new FlagstoneError(
    'TOO_LARGE',
    `${path}: the tiles of zoom ${zoom} are spread over ${across}×${down} tiles, too many for one GeoTIFF; copy a part of them, with --bbox or a lower --max-zoom of extract.`,
    { path },
  )
}
