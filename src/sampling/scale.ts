// Scales pixels into a rectangle of a canvas on an even grid: a warp whose geometry is four numbers.

import type { PixelRect } from '../grid/tiles/rect.js'
import type { Canvas } from '../raster/canvas.js'
import type { Pixels, Resampling, Samples } from '../raster/pixels.js'
import { runWarp } from '../raster/warp/warp.js'
import type { WarpPart, WarpPlan } from '../raster/warp/warp-plan.js'

export interface Scaling {
  /** The canvas pixels to paint. */
  readonly rect: PixelRect
  /** Position of the corner of `rect` in the image, and image pixels per canvas pixel. */
  readonly x: number
  readonly y: number
  readonly stepX: number
  readonly stepY: number
  /** Position of the corner of the pixels in the image, of which they are a window. */
  readonly windowX: number
  readonly windowY: number
  /** Size of the whole image. Canvas pixels whose centre lies outside stay as they are. */
  readonly imageWidth: number
  readonly imageHeight: number
  readonly resampling: Resampling
}

/** Edges are partly transparent. @throws as runWarp */
export function paintScaled(pixels: Pixels<Samples>, canvas: Canvas<Samples>, scaling: Scaling): void {
  const { rect, stepX, stepY, resampling } = scaling
  const width = rect.endX - rect.minX
  const height = rect.endY - rect.minY
  const left = scaling.x + stepX / 2
  const top = scaling.y + stepY / 2
  const right = left + Math.max(1, width - 1) * stepX
  const bottom = top + Math.max(1, height - 1) * stepY
  const part: WarpPart = {
    x: 0,
    y: 0,
    width,
    height,
    level: 0,
    levelWidth: scaling.imageWidth,
    levelHeight: scaling.imageHeight,
    window: { x: scaling.windowX, y: scaling.windowY, width: pixels.width, height: pixels.height },
    scaleX: stepX,
    scaleY: stepY,
    grid: {
      columns: 1,
      rows: 1,
      nodes: Float64Array.of(left, top, right, top, left, bottom, right, bottom),
      exactAt: undefined,
      exact: undefined,
    },
  }
  const plan: WarpPlan = {
    target: { zoom: 0, tileSize: 256, x: 0, y: 0, width, height },
    resampling,
    bands: pixels.bands === 1 ? 1 : 3,
    maskKind: 'alpha',
    parts: [part],
  }
  runWarp(plan, part, pixels, canvas, rect.minX, rect.minY)
}

/** Scales all of `pixels` into a rectangle, averaging when it shrinks. */
export function stretch(pixels: Pixels<Samples>, canvas: Canvas<Samples>, rect: PixelRect): void {
  const stepX = pixels.width / (rect.endX - rect.minX)
  const stepY = pixels.height / (rect.endY - rect.minY)
  paintScaled(pixels, canvas, {
    rect,
    x: 0,
    y: 0,
    stepX,
    stepY,
    windowX: 0,
    windowY: 0,
    imageWidth: pixels.width,
    imageHeight: pixels.height,
    resampling: stepX > 1 ? 'average' : 'bilinear',
  })
}
