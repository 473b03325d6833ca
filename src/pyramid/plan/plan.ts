// The plan of a build, as plain data that can be printed, compared, and sent to every worker.
//
// Invariants: no tile outside `levels` is made. The parent of every tile of a level is in the level above. Neither the
// number of threads nor the memory limit changes a plan, so they cannot change a tile.
import type { TileRange } from '../../grid/tiles/cover.js'
import type { PixelRect } from '../../grid/tiles/rect.js'
import type { Resampling } from '../../raster/pixels.js'
import type { MaskKind, SourceInfo } from '../../raster/source.js'
import type { TerrainOptions } from '../../raster/tiles/terrain.js'
import type { CutlinePlan } from '../cutline/plan.js'
import { clipOf } from './cover.js'
import type { EncodingPlan } from './encoding.js'

/** Which of several sources is on top: the first, the last, or a mean weighted by the distance from their edges. */
export type Blend = 'first' | 'last' | 'feather'

export interface PlanLevel {
  readonly zoom: number
  /** Tiles that may hold something, as ranges that do not overlap. */
  readonly ranges: readonly TileRange[]
  /** Number of tiles in them: at most this many are made. */
  readonly tiles: number
}

/** The zooms at which a source is shown as itself. Deeper tiles, made for finer sources, show it enlarged. */
export interface SourceDepth {
  /** Lowest zoom that shows it. */
  readonly minZoom: number
  /** Highest zoom that is built for it. */
  readonly zoom: number
  /** It lies outside the area to build. */
  readonly isOutside?: true
}

/** Colours are 8-bit; elevations are Float32, one band. */
export type Content = 'colour' | 'elevation'

/** A raster of cells over a source, see frames.ts, or of one of its parts where it crosses the antimeridian. */
export interface Frame {
  /** Index of the source. */
  readonly source: number
  /** The zoom whose pixels make up a cell. */
  readonly zoom: number
  /** Side of a cell, pixels. */
  readonly cell: number
  /** The first cell, in cells from the corner of the world. */
  readonly x: number
  readonly y: number
  /** Cells in each direction. */
  readonly width: number
  readonly height: number
}

export interface BuildPlan {
  readonly content: Content
  /** How heights are encoded; undefined for colours. */
  readonly terrain: TerrainOptions | undefined
  readonly sources: readonly SourceInfo[]
  readonly tileSize: number
  readonly bands: 1 | 3
  /** Mask of everything the sources paint together. Pixels that no source paints are empty in any case. */
  readonly maskKind: MaskKind
  readonly resampling: Resampling
  readonly overviewResampling: Resampling
  readonly encoding: EncodingPlan
  readonly minZoom: number
  /** The deepest zoom of all. */
  readonly maxZoom: number
  /** By source. */
  readonly depths: readonly SourceDepth[]
  /** Whether all sources reach from minZoom to maxZoom. */
  readonly isUniform: boolean
  /** A subtree has at most this many zooms below its root. */
  readonly treeDepth: number
  /** Number of subtrees, the work of the threads. */
  readonly subtrees: number
  /** Number of subtrees and, if the plan is not uniform, of the tiles above them. */
  readonly units: number
  /** Nothing is painted outside it (see clipAt), degrees; undefined when there is no limit. */
  readonly bbox: readonly [number, number, number, number] | undefined
  readonly blend: Blend
  /** Number of pixels from its edge over which a feathered source fades in. */
  readonly featherPx: number
  /** Nothing is painted outside it. */
  readonly cutline: CutlinePlan | undefined
  /** By source: what is shown of it. Undefined when no source has a cutline of its own. */
  readonly cutlines: readonly (CutlinePlan | undefined)[] | undefined
  /** From minZoom to maxZoom. */
  readonly levels: readonly PlanLevel[]
  readonly tiles: number
  /** Where the valid pixels of sources with nodata, a mask or alpha are sampled for their footprints. */
  readonly frames: readonly Frame[]
  /** West, south, east, north, degrees. */
  readonly bounds: readonly [number, number, number, number]
}

/** Nothing is painted outside these pixels of a zoom; undefined when there is no limit. */
export const clipAt = (
  { bbox, tileSize }: Pick<BuildPlan, 'bbox' | 'tileSize'>,
  zoom: number,
): readonly PixelRect[] | undefined => bbox && clipOf(bbox, zoom, tileSize)

/** Whether some source is not shown at the lowest zoom, but from a higher one on. */
export const hasStarts = ({ depths, minZoom }: Pick<BuildPlan, 'depths' | 'minZoom'>): boolean =>
  depths.some((depth) => depth.minZoom > minZoom)
