// Which tiles of an archive are selected: by zoom, and by an area in degrees or the polygons of a GeoJSON file.
import {
  metresToLat,
  metresToLon,
  metresToPixelY,
  tileBoundsLonLat,
  WORLD_METRES,
} from '../grid/tiles/mercator.js'
import type { TileSelection } from '../interop/transfer/scan.js'
import { readCutline } from '../pyramid/cutline/cutline.js'
import { type CutlinePlan, planCutline } from '../pyramid/cutline/plan.js'
import { cutlineTiles } from '../pyramid/cutline/tiles.js'
import { type TileRange, tileRangesOf } from '../store/read/list.js'
import type { TileSet } from '../store/read/tile-set.js'
import type { Box } from '../store/report/claims.js'
import { MAX_ZOOM } from '../zooms.js'
import { around } from './movable.js'

export interface AreaOptions {
  readonly bbox?: readonly [number, number, number, number] | undefined
  readonly region?: string | object | undefined
  readonly minZoom?: number | undefined
  readonly maxZoom?: number | undefined
}

export interface Area {
  /** Undefined: all tiles. */
  readonly selection: TileSelection | undefined
  /** West, south, east, north, degrees; undefined when there is none, or it crosses the antimeridian. */
  readonly box: Box | undefined
  /** Rectangles in degrees that together are about the area; undefined when it is everything. */
  readonly boxes?: (() => Box[]) | undefined
  /** Number of selected tiles, if it is known. */
  readonly count?: number | undefined
}

const TILE_PIXELS = 256
/** So many ranges are read one by one; with more, the tiles around them are read and left out. */
const MANY_RANGES = 4096

/** @throws BAD_OPTION, NOT_FOUND, CRS_UNSUPPORTED when the region cannot be used */
export function areaOf(tiles: TileSet, { bbox, region, minZoom = 0, maxZoom = MAX_ZOOM }: AreaOptions): Area {
  const deepest = Math.min(maxZoom, tiles.levels().at(-1)?.zoom ?? 0)
  const zooms = { minZoom, maxZoom }
  if (region !== undefined) {
    const cutline = readCutline(region, 'The region')
    const plan = planCutline(cutline, deepest, TILE_PIXELS, 0)
    const rangesOf = rangesOfRegion(plan, deepest)
    return {
      selection: { ...zooms, ...inRanges(rangesOf) },
      box: boxAround(plan),
      boxes: () => boxesOfRegion(plan, deepest, rangesOf),
    }
  }
  if (bbox !== undefined) {
    const [west, south, east, north] = bbox
    const isPlain = west <= east && west >= -180 && east <= 180
    return {
      selection: { ...zooms, rangesOf: (zoom) => tileRangesOf(bbox, zoom) },
      box: isPlain ? [west, south, east, north] : undefined,
      boxes: () => [[west, south, east, north]],
    }
  }
  const isAll = minZoom === 0 && maxZoom === MAX_ZOOM
  return { selection: isAll ? undefined : zooms, box: undefined }
}

function boxAround({ sides: [west, south, east, north] }: CutlinePlan): Box | undefined {
  const box: Box = [metresToLon(west), metresToLat(south), metresToLon(east), metresToLat(north)]
  return box[0] >= -180 && box[2] <= 180 ? box : undefined
}

/** So many rows of tiles outline a region well enough. */
const OUTLINE_ROWS = 256

/** The tiles that a region touches, of the highest zoom at which it has few rows of them. */
function boxesOfRegion(
  { sides: [, south, , north] }: CutlinePlan,
  deepest: number,
  rangesOf: (zoom: number) => TileRange[],
): Box[] {
  const rows = (zoom: number): number => Math.ceil(((north - south) / WORLD_METRES) * 2 ** zoom)
  let zoom = deepest
  while (zoom > 0 && rows(zoom) > OUTLINE_ROWS) zoom--
  return rangesOf(zoom).map(({ minX, minY, maxX, maxY }) => {
    const first = tileBoundsLonLat(zoom, minX, minY)
    const last = tileBoundsLonLat(zoom, maxX, maxY)
    return [first.west, last.south, last.east, first.north]
  })
}

/** The tiles of each zoom that a region touches. At zooms of more than 65,536 rows, somewhat more. */
function rangesOfRegion(plan: CutlinePlan, deepest: number): (zoom: number) => TileRange[] {
  const [, south, , north] = plan.sides
  return (zoom) => {
    const last = 2 ** zoom - 1
    const rowOf = (y: number): number =>
      Math.min(last, Math.max(0, Math.floor(metresToPixelY(y, zoom, TILE_PIXELS) / TILE_PIXELS)))
    const rows = { minX: 0, minY: rowOf(north), maxX: last, maxY: rowOf(south) }
    return cutlineTiles(plan, [rows], TILE_PIXELS * 2 ** (deepest - zoom))
  }
}

/** A selection by ranges, of which there may be very many. */
function inRanges(rangesOf: (zoom: number) => TileRange[]): Pick<TileSelection, 'rangesOf' | 'includes'> {
  const found = new Map<number, { ranges: readonly TileRange[]; rows: Map<number, TileRange[]> }>()
  const at = (zoom: number): { ranges: readonly TileRange[]; rows: Map<number, TileRange[]> } => {
    const known = found.get(zoom)
    if (known !== undefined) return known
    const ranges = rangesOf(zoom)
    const made = { ranges: ranges.length > MANY_RANGES ? [around(ranges)] : ranges, rows: byRow(ranges) }
    found.set(zoom, made)
    return made
  }
  return {
    rangesOf: (zoom) => at(zoom).ranges,
    includes: (zoom, x, y) =>
      at(zoom)
        .rows.get(y)
        ?.some(({ minX, maxX }) => x >= minX && x <= maxX) === true,
  }
}

function byRow(ranges: readonly TileRange[]): Map<number, TileRange[]> {
  const rows = new Map<number, TileRange[]>()
  for (const range of ranges)
    for (let y = range.minY; y <= range.maxY; y++) {
      const list = rows.get(y)
      if (list === undefined) rows.set(y, [range])
      else list.push(range)
    }
  return rows
}
