// Makes the plan of a build from its sources and options.
import { FlagstoneError } from '../../errors.js'
import { suggestedResolution, zoomForResolution } from '../../grid/place/bounds.js'
import { crsOfImage } from '../../grid/place/located.js'
import { placementOf } from '../../grid/place/placement.js'
import { parentRange, type TileRange } from '../../grid/tiles/cover.js'
import { countAll, unionRanges } from '../../grid/tiles/ranges.js'
import type { SourceInfo } from '../../raster/source.js'
import { MAX_ZOOM } from '../../zooms.js'
import type { Cutline } from '../cutline/cutline.js'
import { type CutlinePlan, planCutline } from '../cutline/plan.js'
import { cutlineTiles } from '../cutline/tiles.js'
import type { ResolvedBuildOptions } from '../options.js'
import { terrainOf } from '../terrain-options.js'
import {
  type Area,
  areaOf,
  boundsOf,
  clipOf,
  cutArea,
  footprintOfSource,
  rectsOf,
  sidesOf,
  tilesOf,
} from './cover.js'
import { encodingPlanOf } from './encoding.js'
import { countUnits } from './forest.js'
import type { BuildPlan, PlanLevel } from './plan.js'

/** Side of a subtree, pixels. Larger ones decode fewer source blocks twice, but distribute the work less evenly. */
const SUBTREE_PIXELS = 4096
/** Subtrees are made smaller until there are this many, as long as each keeps MIN_SUBTREE_TILES. */
const MIN_SUBTREES = 16
const MIN_SUBTREE_TILES = 24

/**
 * Plans a build.
 * @throws NOTHING_TO_BUILD when no source lies in the mercator world, in the bbox or in the cutline
 * @throws BAD_OPTION when zooms contradict each other or a cutline cannot be used
 * @throws CRS_UNSUPPORTED
 */
export function planBuild(
  sources: readonly SourceInfo[],
  options: ResolvedBuildOptions,
  cutline?: Cutline,
): BuildPlan {
  const { tileSize } = options
  const asked = askedZooms(options)
  const maxZoom = asked.max ?? ownZoomOf(sources, options)
  const line = cutline && planCutline(cutline, maxZoom, tileSize, options.cutlineBlend)
  const areas = areasOf(sources, options, line)
  const base = unionRanges(
    areas.flatMap((a) => rectsOf(a, maxZoom, tileSize)).map((r) => tilesOf(r, tileSize)),
  )
  const cover = new Cover(line === undefined ? base : cutlineTiles(line, base, tileSize), maxZoom)
  if (cover.tilesAt(maxZoom) === 0) throw nothing(sources, options)
  const minZoom = minZoomOf(asked.min, maxZoom, (zoom) => cover.tilesAt(zoom))
  const rootZoom = rootZoomOf(maxZoom, tileSize, (zoom) => cover.tilesAt(zoom))
  const levels: PlanLevel[] = []
  for (let zoom = minZoom; zoom <= maxZoom; zoom++) {
    levels.push({ zoom, ranges: cover.at(zoom), tiles: cover.tilesAt(zoom) })
  }
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
    minZoom,
    maxZoom,
    depths: sources.map(() => ({ minZoom, zoom: maxZoom })),
    isUniform: true,
    treeDepth: maxZoom - rootZoom,
    rootZoom,
    rootRanges: cover.at(rootZoom),
    ...countUnits({ levels, treeDepth: maxZoom - rootZoom, isUniform: true, minZoom, maxZoom }),
    clip: options.bbox && clipOf(options.bbox, maxZoom, tileSize),
    bbox: options.bbox,
    blend: options.blend,
    cutline: line,
    levels,
    tiles: levels.reduce((sum, level) => sum + level.tiles, 0),
    bounds: boundsOf(areas),
  }
}

/** The tiles of a zoom that may hold something, and the tiles above them. */
class Cover {
  readonly #maxZoom: number
  readonly #byZoom = new Map<number, readonly TileRange[]>()
  constructor(base: readonly TileRange[], maxZoom: number) {
    this.#maxZoom = maxZoom
    this.#byZoom.set(maxZoom, base)
  }

  at(zoom: number): readonly TileRange[] {
    let found = this.#byZoom.get(zoom)
    if (found === undefined) {
      const below = zoom + 1 <= this.#maxZoom ? this.at(zoom + 1) : []
      found = unionRanges(below.map((range) => parentRange(range)))
      this.#byZoom.set(zoom, found)
    }
    return found
  }

  tilesAt(zoom: number): number {
    return countAll(this.at(zoom))
  }
}

/** The parts of the sources that are needed. */
function areasOf(
  sources: readonly SourceInfo[],
  { bbox }: ResolvedBuildOptions,
  cutline: CutlinePlan | undefined,
): Area[] {
  const areas: Area[] = []
  for (const info of sources) {
    const whole = areaOf(info)
    if (whole === undefined) continue
    const boxed = bbox === undefined ? [whole] : cutArea(whole, sidesOf(bbox))
    areas.push(...(cutline === undefined ? boxed : boxed.flatMap((area) => cutArea(area, cutline.sides))))
  }
  return areas
}

/** The zooms that the options set, in either way. */
function askedZooms(options: ResolvedBuildOptions): { min: number | undefined; max: number | undefined } {
  const { zoom, minZoom, maxZoom } = options
  const [low, high] = zoom === undefined || typeof zoom === 'number' ? [zoom, zoom] : zoom
  return { min: minZoom ?? low, max: maxZoom ?? high }
}

/** Default: the highest zoom at which one tile covers everything. */
function minZoomOf(asked: number | undefined, maxZoom: number, tilesAt: (zoom: number) => number): number {
  if (asked !== undefined && asked > maxZoom) {
    throw new FlagstoneError(
      'BAD_OPTION',
      `The lowest zoom, ${asked}, is above the highest, ${maxZoom}: lower --min-zoom, or raise --max-zoom (its default comes from the resolution of the image).`,
    )
  }
  if (asked !== undefined) return asked
  let zoom = maxZoom
  while (zoom > 0 && tilesAt(zoom) > 1) zoom--
  return zoom
}

/** The zoom that matches the resolution of the finest source. @throws NOTHING_TO_BUILD, CRS_UNSUPPORTED */
export function ownZoomOf(sources: readonly SourceInfo[], options: ResolvedBuildOptions): number {
  let finest = Number.POSITIVE_INFINITY
  for (const info of sources) {
    const box = footprintOfSource(info)
    if (box === undefined) continue
    const metres = suggestedResolution(crsOfImage(info), placementOf(info), info.width, info.height, box)
    if (metres > 0 && metres < finest) finest = metres
  }
  if (finest === Number.POSITIVE_INFINITY) throw nothing(sources, { ...options, bbox: undefined })
  return Math.min(MAX_ZOOM, zoomForResolution(finest, options.tileSize, options.zoomLevelStrategy))
}

/** As low as the size of a subtree allows, or deeper if that leaves too few subtrees to keep several threads busy. */
function rootZoomOf(maxZoom: number, tileSize: number, tilesAt: (zoom: number) => number): number {
  let root = Math.max(0, maxZoom - Math.log2(SUBTREE_PIXELS / tileSize))
  const tiles = tilesAt(maxZoom)
  while (root < maxZoom && tilesAt(root) < MIN_SUBTREES && tiles / tilesAt(root + 1) >= MIN_SUBTREE_TILES) {
    root++
  }
  return root
}

function nothing(sources: readonly SourceInfo[], options: ResolvedBuildOptions): FlagstoneError {
  const { bbox, cutline } = options
  const isOne = sources.length === 1
  const what = isOne ? sources[0]!.path : `The ${sources.length} sources`
  const areas = sources.flatMap((info) => areaOf(info) ?? [])
  if (areas.length === 0 || (bbox === undefined && cutline === undefined)) {
    return new FlagstoneError(
      'NOTHING_TO_BUILD',
      `${what} ${isOne ? 'is' : 'are'} outside the web mercator world (±85.0511° of latitude); check the coordinate system.`,
    )
  }
  const missesBbox = bbox !== undefined && areas.every((area) => cutArea(area, sidesOf(bbox)).length === 0)
  const limits = [
    ...(bbox === undefined ? [] : [`--bbox ${bbox.join(',')}`]),
    ...(cutline === undefined || missesBbox ? [] : ['--cutline']),
  ]
  const covered = boundsOf(areas).map((degrees) => Math.round(degrees * 1e5) / 1e5)
  const advice = limits.includes('--cutline')
    ? '; a cutline is in degrees, longitude first, unless its crs member says otherwise'
    : ''
  return new FlagstoneError(
    'NOTHING_TO_BUILD',
    `${what} ${isOne ? 'does' : 'do'} not overlap ${limits.join(' within ')}; ${isOne ? 'it covers' : 'they cover'} ${covered.join(',')} (west,south,east,north)${advice}.`,
  )
}
