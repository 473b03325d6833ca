// The geometry of a warp as plain data: which source pixels go where, and from which level.
//
// A plan is a list of parts. Each part paints a rectangle of the target from one window of one source level; its
// coordinate grid holds exact source positions at sparse nodes, interpolated bilinearly. Where no grid is good enough
// (discontinuities of a projection, edges of its domain), single cells hold exact positions per pixel. Usually there is
// one part. There are more when the target meets the image on both sides of the antimeridian, when the scale varies
// much in the target, or when one window would be too large.
//
// Invariants: the interpolated position is within the tolerance (source pixels, or target pixels when shrinking) of the
// exact one; windows lie inside their level; no part of an image-free rectangle is planned.

import { type LonLatConverter, lonLatConverterOf } from '../../grid/crs/transform.js'
import type { Footprint } from '../../grid/place/bounds.js'
import { footprintOf } from '../../grid/place/bounds.js'
import { crsOfImage } from '../../grid/place/located.js'
import { type Mapper, mapperOf, placementOf } from '../../grid/place/placement.js'
import {
  LIMIT_METRES,
  metresToLat,
  metresToLon,
  metresToPixelX,
  metresToPixelY,
  resolution,
  WORLD_METRES,
} from '../../grid/tiles/mercator.js'
import type { Resampling } from '../pixels.js'
import type { MaskKind, PixelWindow, SourceInfo } from '../source.js'
import { gridMeeting } from './grid-meeting.js'
import { isFootprint, kernelReach, WIDEN_ABOVE } from './kernels/kernel.js'
import { buildGrid, type CoordGrid, scaleGrid } from './warp-grid.js'
import type { PointSource } from './warp-smooth.js'

/** A rectangle in the global pixel grid of a zoom: tile z/x/y is x·S, y·S, S, S. */
export interface WarpTarget {
  readonly zoom: number
  readonly tileSize: number
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface WarpOptions {
  readonly resampling: Resampling
  /** The largest allowed error of an interpolated position, pixels. Default: TOLERANCE_PX. */
  readonly tolerancePx?: number
}

export interface WarpPart {
  /** The rectangle that it paints, relative to the target's corner. */
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  /** The source level to read, its size, and the window needed. */
  readonly level: number
  readonly levelWidth: number
  readonly levelHeight: number
  readonly window: PixelWindow
  /** Level pixels per target pixel, along the source's columns and rows. */
  readonly scaleX: number
  readonly scaleY: number
  readonly grid: CoordGrid
}

export interface WarpPlan {
  readonly target: WarpTarget
  readonly resampling: Resampling
  readonly bands: number
  readonly maskKind: MaskKind
  readonly parts: readonly WarpPart[]
}

/** GDAL's default is 0.125. With this value, nearest neighbour and lanczos are also within 55 dB of exact results. */
export const TOLERANCE_PX = 1 / 256
/** Larger windows are read in pieces (48 MB of RGB). */
const MAX_WINDOW_PIXELS = 16 * 2 ** 20
/** The kernel width is constant in a part, so the scale may vary inside it by at most this factor. */
const MAX_SCALE_SPREAD = 1.25
const MIN_SPLIT_PX = 32
const MIN_WINDOW_SPLIT_PX = 2
/** An overview slightly coarser than the target is still used (GDAL allows 0.1 in the ratio). */
const LEVEL_SLACK = 1.05

interface Geometry {
  readonly footprint: Footprint | undefined
  readonly converter: LonLatConverter
  readonly mapper: Mapper
}

// Cached per source, because the footprint takes thousands of transforms.
const geometries = new WeakMap<SourceInfo, Geometry>()

function geometryOf(info: SourceInfo): Geometry {
  let found = geometries.get(info)
  if (found === undefined) {
    const placement = placementOf(info)
    const crs = crsOfImage(info)
    found = {
      footprint: footprintOf(crs, placement, info.width, info.height),
      converter: lonLatConverterOf(crs),
      mapper: mapperOf(placement),
    }
    geometries.set(info, found)
  }
  return found
}

/** Exact source positions of target pixel centres, in full-resolution source pixels (corner = 0). */
class TargetToSource implements PointSource {
  readonly linear: boolean
  readonly #x: number
  readonly #y: number
  readonly #metres: number
  readonly #lonShift: number
  readonly #geometry: Geometry
  constructor(geometry: Geometry, target: WarpTarget, lonShift: number) {
    this.linear = geometry.converter.kind === 'mercator' && geometry.mapper.linear
    this.#x = target.x
    this.#y = target.y
    this.#metres = resolution(target.zoom, target.tileSize)
    this.#lonShift = lonShift
    this.#geometry = geometry
  }
  at(column: number, row: number, out: Float64Array): void {
    const { converter, mapper } = this.#geometry
    const lon = metresToLon((this.#x + column + 0.5) * this.#metres - LIMIT_METRES) + this.#lonShift
    const lat = metresToLat(LIMIT_METRES - (this.#y + row + 0.5) * this.#metres)
    converter.fromLonLat(lon, lat, out)
    mapper.toPixel(out[0]!, out[1]!, out)
  }
}

interface Rect {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** The target's pixels that the footprint may touch when shifted `turn` worlds to the east. */
function touched(target: WarpTarget, box: Footprint, turn: number): Rect | undefined {
  const { zoom, tileSize } = target
  const margin = 2
  const shift = turn * WORLD_METRES
  const left = metresToPixelX(box.west - shift, zoom, tileSize) - target.x
  const right = metresToPixelX(box.east - shift, zoom, tileSize) - target.x
  const top = metresToPixelY(box.north, zoom, tileSize) - target.y
  const bottom = metresToPixelY(box.south, zoom, tileSize) - target.y
  if (right <= 0 || bottom <= 0 || left >= target.width || top >= target.height) return undefined
  const x = Math.max(0, Math.floor(left) - margin)
  const y = Math.max(0, Math.floor(top) - margin)
  return {
    x,
    y,
    width: Math.min(target.width, Math.ceil(right) + margin) - x,
    height: Math.min(target.height, Math.ceil(bottom) + margin) - y,
  }
}

/**
 * Plans a warp; undefined when the target does not meet the source.
 * @throws CRS_UNSUPPORTED when the source's CRS is not supported
 * @throws RangeError when the target is empty
 */
export function planWarp(info: SourceInfo, target: WarpTarget, options: WarpOptions): WarpPlan | undefined {
  if (!(target.width > 0 && target.height > 0)) throw new RangeError('the target rectangle is empty')
  const geometry = geometryOf(info)
  const box = geometry.footprint
  if (box === undefined) return undefined
  const parts: WarpPart[] = []
  for (const turn of [0, 1]) {
    const rect = touched(target, box, turn)
    if (rect === undefined) continue
    const points = new TargetToSource(geometry, target, turn * 360 - box.lonOffset)
    planRect(info, rect, points, options, parts)
  }
  if (parts.length === 0) return undefined
  return { target, resampling: options.resampling, bands: info.bands, maskKind: info.maskKind, parts }
}

function planRect(
  info: SourceInfo,
  rect: Rect,
  points: PointSource,
  options: WarpOptions,
  parts: WarpPart[],
): void {
  const kernel = options.resampling
  const grid = buildGrid(rect, points, options.tolerancePx ?? TOLERANCE_PX, info.width, info.height)
  const met = gridMeeting(grid, rect, info.width, info.height, isFootprint(kernel))
  if (met === undefined) return
  const shrinking = isFootprint(kernel) || Math.max(met.scaleX, met.scaleY) > WIDEN_ABOVE
  if (shrinking && kernel !== 'nearest' && met.spread > MAX_SCALE_SPREAD && canSplit(rect, MIN_SPLIT_PX)) {
    for (const piece of quarters(rect)) planRect(info, piece, points, options, parts)
    return
  }
  const level = levelFor(info, Math.min(met.scaleX, met.scaleY))
  const { width: levelWidth, height: levelHeight } = info.levels[level]!
  const fx = levelWidth / info.width
  const fy = levelHeight / info.height
  const scaleX = Math.min(met.scaleX * fx, widest(kernel, levelWidth))
  const scaleY = Math.min(met.scaleY * fy, widest(kernel, levelHeight))
  const window = windowOf(
    met.box,
    fx,
    fy,
    levelWidth,
    levelHeight,
    kernelReach(kernel, scaleX),
    kernelReach(kernel, scaleY),
  )
  if (window.width * window.height > MAX_WINDOW_PIXELS && canSplit(rect, MIN_WINDOW_SPLIT_PX)) {
    for (const piece of quarters(rect)) planRect(info, piece, points, options, parts)
    return
  }
  parts.push({
    ...rect,
    level,
    levelWidth,
    levelHeight,
    window,
    scaleX,
    scaleY,
    grid: scaleGrid(grid, fx, fy),
  })
}

/** A larger footprint beside a smaller image is assumed to miss it. */
const MAX_FOOTPRINT_PX = 2 ** 13

/** The scale at which a kernel covers the whole image. Wider kernels would only take memory for their weights. */
const widest = (kernel: Resampling, px: number): number =>
  isFootprint(kernel) ? Math.max(2 * px, MAX_FOOTPRINT_PX) : 2 * px

const canSplit = (rect: Rect, least: number): boolean => Math.max(rect.width, rect.height) > least

function quarters({ x, y, width, height }: Rect): Rect[] {
  const left = Math.ceil(width / 2)
  const top = Math.ceil(height / 2)
  return [
    { x, y, width: left, height: top },
    { x: x + left, y, width: width - left, height: top },
    { x, y: y + top, width: left, height: height - top },
    { x: x + left, y: y + top, width: width - left, height: height - top },
  ].filter((r) => r.width > 0 && r.height > 0)
}

/** The coarsest level that still has the target's resolution. */
function levelFor(info: SourceInfo, scale: number): number {
  let best = 0
  let bestFactor = 1
  for (let i = 1; i < info.levels.length; i++) {
    const factor = Math.max(info.width / info.levels[i]!.width, info.height / info.levels[i]!.height)
    if (factor <= scale * LEVEL_SLACK && factor > bestFactor) {
      best = i
      bestFactor = factor
    }
  }
  return best
}

function windowOf(
  box: readonly [number, number, number, number],
  fx: number,
  fy: number,
  width: number,
  height: number,
  reachX: number,
  reachY: number,
): PixelWindow {
  const x = Math.max(0, Math.min(width - 1, Math.floor(box[0] * fx - reachX)))
  const y = Math.max(0, Math.min(height - 1, Math.floor(box[1] * fy - reachY)))
  const right = Math.max(x + 1, Math.min(width, Math.ceil(box[2] * fx + reachX)))
  const bottom = Math.max(y + 1, Math.min(height, Math.ceil(box[3] * fy + reachY)))
  return { x, y, width: right - x, height: bottom - y }
}
