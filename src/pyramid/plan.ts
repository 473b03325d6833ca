// What a build will do, as plain data: printable, comparable, sent to every worker as it is.
//
// Invariants: a tile outside `levels` is never made; the parent of every tile of a level is in the level
// above; neither the number of threads nor the memory limit changes a plan, so they cannot change a tile.
import { FlagstoneError } from '../errors.js'
import { type Footprint, footprintOf, suggestedResolution, zoomForResolution } from '../grid/bounds.js'
import { coverTiles, parentRange, type TileRange, type TileXY } from '../grid/cover.js'
import {
  clampLatitude,
  LIMIT_METRES,
  latToMetres,
  lonToMetres,
  MAX_ZOOM,
  metresToLat,
  metresToLon,
  metresToPixelX,
  metresToPixelY,
  WORLD_METRES,
} from '../grid/mercator.js'
import { halveReach } from '../raster/downsample.js'
import type { Resampling } from '../raster/pixels.js'
import type { MaskKind, SourceInfo } from '../raster/source.js'
import { type EncodingPlan, encodingPlanOf } from './encoding.js'
import type { ResolvedBuildOptions } from './options.js'
import { countUnion, type PixelRect } from './ranges.js'

export interface PlanLevel {
  readonly zoom: number
  /** Tiles that may hold something. */
  readonly ranges: readonly TileRange[]
  /** Tiles in them: no more than these will be made. */
  readonly tiles: number
}

export interface BuildPlan {
  readonly sources: readonly SourceInfo[]
  readonly tileSize: number
  readonly bands: 1 | 3
  /** Of what the sources paint together; pixels that none paints are empty whatever it says. */
  readonly maskKind: MaskKind
  readonly resampling: Resampling
  readonly overviewResampling: Resampling
  readonly encoding: EncodingPlan
  readonly minZoom: number
  readonly maxZoom: number
  /** Every tile of this zoom that may hold something is the root of a subtree, the unit of work. */
  readonly rootZoom: number
  readonly rootRanges: readonly TileRange[]
  readonly subtrees: number
  /** Nothing is painted outside these pixels of maxZoom (the bbox); undefined: no limit. */
  readonly clip: readonly PixelRect[] | undefined
  /** minZoom … maxZoom. */
  readonly levels: readonly PlanLevel[]
  readonly tiles: number
  /** West, south, east, north, degrees. */
  readonly bounds: readonly [number, number, number, number]
}

/** Side of a subtree, pixels. Larger ones decode fewer source blocks twice, but balance worse. */
const SUBTREE_PIXELS = 4096
/** Smaller subtrees are taken to have so many, as long as they keep so many tiles each. */
const MIN_SUBTREES = 16
const MIN_SUBTREE_TILES = 24

/**
 * Throws NOTHING_TO_BUILD when no source lies in the mercator world or in the bbox; BAD_OPTION for zooms that
 * contradict each other; CRS_UNSUPPORTED.
 */
export function planBuild(sources: readonly SourceInfo[], options: ResolvedBuildOptions): BuildPlan {
  const { tileSize } = options
  const areas = sources.flatMap((info) => areasOf(info, options.bbox))
  if (areas.length === 0) throw nothing(sources, options)
  const asked = askedZooms(options)
  const maxZoom = asked.max ?? autoMaxZoom(sources, options)
  const cover = areas.flatMap((area) => inWorld(paintedRect(area, maxZoom, tileSize), maxZoom, tileSize))
  if (cover.length === 0) throw nothing(sources, options)
  const base = cover.map((rect) => tilesOf(rect, tileSize))
  const at = (zoom: number): TileRange[] => distinct(base.map((range) => parentRange(range, maxZoom - zoom)))
  const tilesAt = (zoom: number): number => countUnion(at(zoom))
  const minZoom = minZoomOf(asked.min, maxZoom, tilesAt)
  const rootZoom = rootZoomOf(maxZoom, tileSize, tilesAt)
  const levels: PlanLevel[] = []
  for (let zoom = minZoom; zoom <= maxZoom; zoom++) {
    const ranges = at(zoom)
    levels.push({ zoom, ranges, tiles: countUnion(ranges) })
  }
  return {
    sources,
    tileSize,
    bands: sources.some((s) => s.bands === 3) ? 3 : 1,
    maskKind: sources.some((s) => s.maskKind === 'alpha') ? 'alpha' : 'binary',
    resampling: options.resampling,
    overviewResampling: options.overviewResampling,
    encoding: encodingPlanOf(options),
    minZoom,
    maxZoom,
    rootZoom,
    rootRanges: at(rootZoom),
    subtrees: countUnion(at(rootZoom)),
    clip: options.bbox && clipOf(options.bbox, maxZoom, tileSize),
    levels,
    tiles: levels.reduce((sum, level) => sum + level.tiles, 0),
    bounds: boundsOf(areas),
  }
}

/** The roots in the order they are built: that of their TileIDs. */
export function subtreeRoots(plan: BuildPlan): Generator<TileXY> {
  return coverTiles(plan.rootZoom, plan.rootRanges)
}

/** Base pixels the overview kernel needs around a subtree, so that it has no seams up to its root. */
export function apronOf(plan: BuildPlan): number {
  return halveReach(plan.overviewResampling) * 2 ** (plan.maxZoom - plan.rootZoom)
}

/** A rectangle of the world in metres, `west` inside it, `east` perhaps a turn further. */
interface Area {
  readonly west: number
  readonly south: number
  readonly east: number
  readonly north: number
  /** Sides that are the user's (cut to the nearest pixel), not the image's (known to a pixel or so). */
  readonly cut: {
    readonly west: boolean
    readonly south: boolean
    readonly east: boolean
    readonly north: boolean
  }
  /** The image's own sides are straight in mercator, so known exactly. */
  readonly exact: boolean
}

const NO_CUT = { west: false, south: false, east: false, north: false }

function areasOf(info: SourceInfo, bbox: ResolvedBuildOptions['bbox']): Area[] {
  const box = footprintOf(info.crs, info.geotransform, info.width, info.height)
  if (box === undefined) return []
  const code = info.crs.epsg
  const upright = info.geotransform[2] === 0 && info.geotransform[4] === 0
  const exact = upright && (code === 3857 || code === 4326)
  const whole: Area = {
    west: box.west,
    south: box.south,
    east: box.east,
    north: box.north,
    cut: NO_CUT,
    exact,
  }
  return bbox === undefined ? [whole] : cutBy(whole, box, bbox)
}

function cutBy(whole: Area, box: Footprint, bbox: readonly [number, number, number, number]): Area[] {
  const [w, s, e, n] = bbox
  const west = lonToMetres(w)
  const east = lonToMetres(e > w ? e : e + 360)
  const south = latToMetres(clampLatitude(s))
  const north = latToMetres(clampLatitude(n))
  const found: Area[] = []
  for (const turn of [-2, -1, 0, 1, 2]) {
    const shift = turn * WORLD_METRES
    const cut = {
      west: west + shift > box.west,
      south: south > box.south,
      east: east + shift < box.east,
      north: north < box.north,
    }
    const area: Area = {
      west: cut.west ? west + shift : box.west,
      south: cut.south ? south : box.south,
      east: cut.east ? east + shift : box.east,
      north: cut.north ? north : box.north,
      cut,
      exact: whole.exact,
    }
    if (area.west < area.east && area.south < area.north) found.push(area)
  }
  return found.flatMap((area) =>
    area.west < LIMIT_METRES
      ? [area]
      : [{ ...area, west: area.west - WORLD_METRES, east: area.east - WORLD_METRES }],
  )
}

/** What was asked for, whichever way. */
function askedZooms(options: ResolvedBuildOptions): { min: number | undefined; max: number | undefined } {
  const { zoom, minZoom, maxZoom } = options
  const [low, high] = zoom === undefined || typeof zoom === 'number' ? [zoom, zoom] : zoom
  return { min: minZoom ?? low, max: maxZoom ?? high }
}

/** Default: the highest zoom at which one tile holds everything. */
function minZoomOf(asked: number | undefined, maxZoom: number, tilesAt: (zoom: number) => number): number {
  if (asked !== undefined && asked > maxZoom) {
    throw new FlagstoneError(
      'BAD_OPTION',
      `The lowest zoom, ${asked}, is above the highest, ${maxZoom}: lower --min-zoom, or raise --max-zoom (the image's own resolution gives its default).`,
    )
  }
  if (asked !== undefined) return asked
  let zoom = maxZoom
  while (zoom > 0 && tilesAt(zoom) > 1) zoom--
  return zoom
}

function autoMaxZoom(sources: readonly SourceInfo[], options: ResolvedBuildOptions): number {
  const resolutions = sources
    .map((s) => suggestedResolution(s.crs, s.geotransform, s.width, s.height))
    .filter((r) => r > 0)
  const finest = Math.min(...resolutions)
  return Math.min(MAX_ZOOM, zoomForResolution(finest, options.tileSize, options.zoomLevelStrategy))
}

/** Pixels that may be painted. Not yet split at the antimeridian. */
function paintedRect(area: Area, zoom: number, tileSize: number): PixelRect {
  // an outline known from samples may bulge between them
  const margin = area.exact ? -1e-6 : 1
  const low = (value: number, cut: boolean): number => (cut ? Math.round(value) : Math.floor(value - margin))
  const high = (value: number, cut: boolean): number => (cut ? Math.round(value) : Math.ceil(value + margin))
  return {
    minX: low(metresToPixelX(area.west, zoom, tileSize), area.cut.west),
    minY: low(metresToPixelY(area.north, zoom, tileSize), area.cut.north),
    endX: high(metresToPixelX(area.east, zoom, tileSize), area.cut.east),
    endY: high(metresToPixelY(area.south, zoom, tileSize), area.cut.south),
  }
}

/** The parts of a rectangle inside the world, which it may leave to the east and come back in the west. */
function inWorld(rect: PixelRect, zoom: number, tileSize: number): PixelRect[] {
  const n = tileSize * 2 ** zoom
  const minY = Math.max(0, rect.minY)
  const endY = Math.min(n, rect.endY)
  if (minY >= endY) return []
  if (rect.endX - rect.minX >= n) return [{ minX: 0, minY, endX: n, endY }]
  return [-n, 0, n]
    .map((turn) => ({
      minX: Math.max(0, rect.minX + turn),
      minY,
      endX: Math.min(n, rect.endX + turn),
      endY,
    }))
    .filter((part) => part.minX < part.endX)
}

function tilesOf(rect: PixelRect, tileSize: number): TileRange {
  return {
    minX: Math.floor(rect.minX / tileSize),
    minY: Math.floor(rect.minY / tileSize),
    maxX: Math.floor((rect.endX - 1) / tileSize),
    maxY: Math.floor((rect.endY - 1) / tileSize),
  }
}

/** Without ranges that lie wholly in another. */
function distinct(ranges: readonly TileRange[]): TileRange[] {
  const holds = (a: TileRange, b: TileRange): boolean =>
    a.minX <= b.minX && a.minY <= b.minY && a.maxX >= b.maxX && a.maxY >= b.maxY
  return ranges.filter(
    (r, i) => !ranges.some((other, j) => i !== j && holds(other, r) && (j < i || !holds(r, other))),
  )
}

/** As deep as a mosaic stays small, unless that leaves too few subtrees to keep several threads at work. */
function rootZoomOf(maxZoom: number, tileSize: number, tilesAt: (zoom: number) => number): number {
  let root = Math.max(0, maxZoom - Math.log2(SUBTREE_PIXELS / tileSize))
  const tiles = tilesAt(maxZoom)
  while (root < maxZoom && tilesAt(root) < MIN_SUBTREES && tiles / tilesAt(root + 1) >= MIN_SUBTREE_TILES) {
    root++
  }
  return root
}

/** A bbox to the nearest pixel. */
function clipOf(
  bbox: readonly [number, number, number, number],
  zoom: number,
  tileSize: number,
): PixelRect[] {
  const [w, s, e, n] = bbox
  const rect = {
    minX: Math.round(metresToPixelX(lonToMetres(w), zoom, tileSize)),
    minY: Math.round(metresToPixelY(latToMetres(clampLatitude(n)), zoom, tileSize)),
    endX: Math.round(metresToPixelX(lonToMetres(e > w ? e : e + 360), zoom, tileSize)),
    endY: Math.round(metresToPixelY(latToMetres(clampLatitude(s)), zoom, tileSize)),
  }
  return inWorld(rect, zoom, tileSize)
}

/** All areas, degrees; the whole width of the world when they cross the antimeridian. */
function boundsOf(areas: readonly Area[]): [number, number, number, number] {
  const crosses = areas.some((a) => a.east > LIMIT_METRES * (1 + 1e-12))
  return [
    crosses ? -180 : metresToLon(Math.min(...areas.map((a) => a.west))),
    metresToLat(Math.min(...areas.map((a) => a.south))),
    crosses ? 180 : metresToLon(Math.max(...areas.map((a) => a.east))),
    metresToLat(Math.max(...areas.map((a) => a.north))),
  ]
}

function nothing(sources: readonly SourceInfo[], options: ResolvedBuildOptions): FlagstoneError {
  const what = sources.length === 1 ? sources[0]!.path : `The ${sources.length} sources`
  return new FlagstoneError(
    'NOTHING_TO_BUILD',
    options.bbox === undefined
      ? `${what} lies outside the web mercator world (±85.0511° of latitude), so there is nothing to build; check its coordinate system.`
      : `${what} and the bbox ${options.bbox.join(',')} have nothing in common, so there is nothing to build; bbox is west,south,east,north in degrees.`,
  )
}
