// Makes the plan of a build from its sources and options.
import { FlagstoneError } from '../../errors.js'
import type { TileRange } from '../../grid/tiles/cover.js'
import { countAll, unionRanges } from '../../grid/tiles/ranges.js'
import type { SourceInfo } from '../../raster/source.js'
import { MAX_ZOOM } from '../../zooms.js'
import type { Cutline } from '../cutline/cutline.js'
import { type CutlinePlan, planCutline } from '../cutline/plan.js'
import { cutlineTiles } from '../cutline/tiles.js'
import type { ResolvedBuildOptions } from '../options.js'
import { terrainOf } from '../terrain-options.js'
import { type Area, areaOf, boundsOf, cutArea, rectsOf, sidesOf, tilesOf } from './cover.js'
import { askedZooms, naturalZooms, wantsUniform, type ZoomLimits } from './depth.js'
import { encodingPlanOf } from './encoding.js'
import { countUnits } from './forest.js'
import { framesOf } from './frames.js'
import { LevelCover, type OwnTiles } from './level-cover.js'
import type { BuildPlan, PlanLevel, SourceDepth } from './plan.js'

/** Wide enough to hide a difference in brightness, narrow enough to stay sharp. */
const FEATHER_PX = 64
/** Side of a subtree, pixels. Larger ones decode fewer source blocks twice, but distribute the work less evenly. */
const SUBTREE_PIXELS = 4096
/** Subtrees are made smaller until there are this many, as long as each keeps MIN_SUBTREE_TILES. */
const MIN_SUBTREES = 16
const MIN_SUBTREE_TILES = 24

/**
 * Plans a build. `said`: what was given for single sources, in their order.
 * @throws NOTHING_TO_BUILD when no source lies in the mercator world, in the bbox or in the cutline
 * @throws BAD_OPTION when zooms contradict each other or a cutline cannot be used
 * @throws CRS_UNSUPPORTED
 */
export function planBuild(
  sources: readonly SourceInfo[],
  options: ResolvedBuildOptions,
  cutline?: Cutline,
  said: readonly (Said | undefined)[] = [],
): BuildPlan {
  const { tileSize } = options
  const { line, cutlines, maxZoom, cover, depths: wanted, areas } = coverOf(sources, options, cutline, said)
  const minZoom = minZoomOf(options, wanted, cover, maxZoom)
  const levels: PlanLevel[] = []
  for (let zoom = minZoom; zoom <= maxZoom; zoom++) {
    levels.push({ zoom, ranges: cover.at(zoom), tiles: cover.tilesAt(zoom) })
  }
  const depths = wanted.map((depth) =>
    depth === undefined
      ? { minZoom, zoom: maxZoom, isOutside: true as const }
      : { minZoom: Math.max(minZoom, depth.minZoom), zoom: depth.zoom },
  )
  const isUniform = depths.every((depth) => depth.zoom === maxZoom && depth.minZoom === minZoom)
  const shape = { levels, isUniform, minZoom, maxZoom }
  const treeDepth = treeDepthOf(shape, tileSize)
  const soft = sources.some((s) => s.maskKind === 'alpha') || (line?.blendPx ?? 0) > 0
  const terrain = terrainOf(options)
  return {
    content: terrain === undefined ? 'colour' : 'elevation',
    terrain,
    sources,
    tileSize,
    bands: terrain === undefined && sources.some((s) => s.bands === 3) ? 3 : 1,
    maskKind: soft && terrain === undefined ? 'alpha' : 'binary',
    resampling: options.resampling,
    overviewResampling: options.overviewResampling,
    encoding: encodingPlanOf(options),
    ...shape,
    depths,
    treeDepth,
    ...countUnits({ ...shape, treeDepth }),
    bbox: options.bbox,
    blend: options.blend,
    featherPx: options.feather ?? FEATHER_PX,
    cutline: line,
    cutlines,
    tiles: levels.reduce((sum, level) => sum + level.tiles, 0),
    frames: framesOf({ sources, depths, tileSize, bbox: options.bbox, cutline: line, cutlines }),
    bounds: boundsOf(areas),
  }
}

/** What was given for one source. */
export interface Said extends ZoomLimits {
  /** Nothing of it is painted outside. */
  readonly cutline?: Cutline | undefined
}

interface Covered {
  readonly line: CutlinePlan | undefined
  readonly cutlines: BuildPlan['cutlines']
  readonly maxZoom: number
  readonly cover: LevelCover
  /** By source; undefined for those that do not touch the area to build. */
  readonly depths: readonly (SourceDepth | undefined)[]
  /** What is built. */
  readonly areas: readonly Area[]
}

/** Sources in the cutline may be coarser than all in the bbox, so the deepest zoom may have to be looked for. */
function coverOf(
  sources: readonly SourceInfo[],
  options: ResolvedBuildOptions,
  cutline: Cutline | undefined,
  said: readonly (Said | undefined)[],
): Covered {
  const lowest = askedZooms(options).minZoom ?? 0
  let placed = placedOf(sources, options, said)
  while (placed.length > 0) {
    const maxZoom = Math.max(...placed.map(({ depth }) => depth.zoom))
    if (lowest > maxZoom) throw noZooms(lowest, maxZoom)
    const line = cutline && planCutline(cutline, maxZoom, options.tileSize, options.cutlineBlend)
    const cutlines = ownCutlines(sources, said, maxZoom, options.tileSize)
    const inside = placed.map((one) => within(within(one, line), cutlines?.[one.at]))
    const built = inside.filter(({ depth, areas }) => depth.zoom >= lowest && areas.length > 0)
    const own = ownTilesOf(built, options.tileSize, maxZoom, line, cutlines)
    if (own.some(({ zoom, ranges }) => zoom === maxZoom && ranges.length > 0)) {
      const depths: (SourceDepth | undefined)[] = sources.map(() => undefined)
      for (const { at, depth, areas } of inside) if (areas.length > 0) depths[at] = depth
      const shown = built.flatMap(({ areas }) => areas)
      return { line, cutlines, maxZoom, cover: new LevelCover(own), depths, areas: shown }
    }
    placed = placed.filter(({ depth }) => depth.zoom < maxZoom)
  }
  throw nothing(sources, options)
}

interface Placed {
  /** Number of the source. */
  readonly at: number
  readonly depth: SourceDepth
  /** The parts of it that are needed. */
  readonly areas: readonly Area[]
}

/** The sources in the bbox, with the zooms wanted. */
function placedOf(
  sources: readonly SourceInfo[],
  options: ResolvedBuildOptions,
  said: readonly (Said | undefined)[],
): Placed[] {
  const highest = askedZooms(options).maxZoom
  const isUniform = wantsUniform(options)
  const natural = isUniform && highest !== undefined ? [] : naturalZooms(sources, options)
  const finest = natural.reduce<number>((most, zoom) => Math.max(most, zoom ?? -1), highest ?? -1)
  if (finest < 0) throw nothing(sources, { ...options, bbox: undefined })
  return sources.flatMap((info, at) => {
    const whole = areaOf(info)
    if (whole === undefined) return []
    const areas = options.bbox === undefined ? [whole] : cutArea(whole, sidesOf(options.bbox))
    const { minZoom = 0, maxZoom } = said[at] ?? {}
    const own = Math.max(minZoom, maxZoom ?? natural[at] ?? finest)
    const zoom = isUniform ? (highest ?? finest) : Math.min(own, highest ?? MAX_ZOOM)
    return areas.length === 0 ? [] : [{ at, depth: { minZoom, zoom }, areas }]
  })
}

function within(placed: Placed, cutline: CutlinePlan | undefined): Placed {
  if (cutline === undefined) return placed
  return { ...placed, areas: placed.areas.flatMap((area) => cutArea(area, cutline.sides)) }
}

/** The sources' own cutlines in pixels of a zoom; undefined when there are none. @throws as planCutline */
function ownCutlines(
  sources: readonly SourceInfo[],
  said: readonly (Said | undefined)[],
  zoom: number,
  tileSize: number,
): BuildPlan['cutlines'] {
  if (said.every((one) => one?.cutline === undefined)) return undefined
  // many sources may share one
  const plans = new Map<Cutline, CutlinePlan>()
  return sources.map((_, at) => {
    const cutline = said[at]?.cutline
    if (cutline === undefined) return undefined
    const found = plans.get(cutline) ?? planCutline(cutline, zoom, tileSize, 0)
    plans.set(cutline, found)
    return found
  })
}

/** The tiles of the sources of each depth. */
function ownTilesOf(
  placed: readonly Placed[],
  tileSize: number,
  maxZoom: number,
  line: CutlinePlan | undefined,
  cutlines: BuildPlan['cutlines'],
): OwnTiles[] {
  const byDepth = new Map<string, { depth: SourceDepth; tiles: TileRange[] }>()
  for (const { at, depth, areas } of placed) {
    const key = `${depth.minZoom} ${depth.zoom}`
    const group = byDepth.get(key) ?? { depth, tiles: [] }
    byDepth.set(key, group)
    const rects = areas.flatMap((area) => rectsOf(area, depth.zoom, tileSize))
    const tiles = rects.map((rect) => tilesOf(rect, tileSize))
    const own = cutlines?.[at]
    // a cutline is drawn in pixels of maxZoom
    const side = tileSize * 2 ** (maxZoom - depth.zoom)
    for (const range of own === undefined ? tiles : cutlineTiles(own, unionRanges(tiles), side))
      group.tiles.push(range)
  }
  return [...byDepth.values()].map(({ depth: { minZoom, zoom }, tiles }) => {
    const ranges = unionRanges(tiles)
    const side = tileSize * 2 ** (maxZoom - zoom)
    return { zoom, minZoom, ranges: line === undefined ? ranges : cutlineTiles(line, ranges, side) }
  })
}

/** Default: the highest zoom at which one tile covers everything. */
function minZoomOf(
  options: ResolvedBuildOptions,
  depths: readonly (SourceDepth | undefined)[],
  cover: LevelCover,
  maxZoom: number,
): number {
  const asked = askedZooms(options).minZoom
  if (asked !== undefined) return asked
  let zoom = depths.reduce((least, depth) => Math.min(least, depth?.zoom ?? maxZoom), maxZoom)
  while (zoom > 0 && countAll(cover.allAt(zoom)) > 1) zoom--
  // sources may be shown from a higher zoom only
  while (zoom < maxZoom && cover.tilesAt(zoom) === 0) zoom++
  return zoom
}

function noZooms(lowest: number, highest: number): FlagstoneError {
  return new FlagstoneError(
    'BAD_OPTION',
    `The lowest zoom, ${lowest}, is above the highest, ${highest}: lower --min-zoom, or raise --max-zoom (its default comes from the resolution of the image).`,
  )
}

/** As large as the size of a subtree allows, or smaller if that leaves too few subtrees to keep several threads busy. */
function treeDepthOf(
  { levels, ...shape }: Pick<BuildPlan, 'levels' | 'isUniform' | 'minZoom' | 'maxZoom'>,
  tileSize: number,
): number {
  let depth = Math.min(shape.maxZoom, Math.log2(SUBTREE_PIXELS / tileSize))
  const subtrees = (treeDepth: number): number => countUnits({ levels, ...shape, treeDepth }).subtrees
  // three quarters of the tiles are painted, the others made from them
  const all = levels.reduce((sum, level) => sum + level.tiles, 0)
  const tiles = shape.isUniform ? levels.at(-1)!.tiles : all * 0.75
  while (depth > 0 && subtrees(depth) < MIN_SUBTREES && tiles / subtrees(depth - 1) >= MIN_SUBTREE_TILES) {
    depth--
  }
  return depth
}

function nothing(sources: readonly SourceInfo[], options: ResolvedBuildOptions): FlagstoneError {
  const { bbox, cutline } = options
  const hasOwn = options.sources.some((source) => source.cutline !== undefined)
  const isOne = sources.length === 1
  const what = isOne ? sources[0]!.path : `The ${sources.length} sources`
  const areas = sources.flatMap((info) => areaOf(info) ?? [])
  if (areas.length === 0 || (bbox === undefined && cutline === undefined && !hasOwn)) {
    return new FlagstoneError(
      'NOTHING_TO_BUILD',
      `${what} ${isOne ? 'is' : 'are'} outside the web mercator world (±85.0511° of latitude); check the coordinate system.`,
    )
  }
  const missesBbox = bbox !== undefined && areas.every((area) => cutArea(area, sidesOf(bbox)).length === 0)
  const limits = [
    ...(bbox === undefined ? [] : [`--bbox ${bbox.join(',')}`]),
    ...(cutline === undefined || missesBbox ? [] : ['--cutline']),
    ...(hasOwn ? ['the polygons that the list cuts by'] : []),
  ]
  const covered = boundsOf(areas).map((degrees) => Math.round(degrees * 1e5) / 1e5)
  const advice =
    hasOwn || limits.includes('--cutline')
      ? '; a cutline is in degrees, longitude first, unless its crs member says otherwise'
      : ''
  return new FlagstoneError(
    'NOTHING_TO_BUILD',
    `${what} ${isOne ? 'does' : 'do'} not overlap ${limits.join(' within ')}; ${isOne ? 'it covers' : 'they cover'} ${covered.join(',')} (west,south,east,north)${advice}.`,
  )
}
