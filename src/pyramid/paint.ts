// Sources to pixels: a list of areas of the base zoom, each painted by every source that meets it.
//
// While one window is warped the next is being read, so that decoding (in the thread pool) and warping (here)
// go on at once. Areas are painted one after another; an area nothing meets is never prepared.
import type { Canvas } from '../raster/canvas.js'
import type { Pixels, Samples } from '../raster/pixels.js'
import type { RasterSource } from '../raster/source.js'
import { runWarp } from '../raster/warp.js'
import { planWarp, type WarpPart, type WarpPlan } from '../raster/warp-plan.js'
import type { BuildPlan } from './plan.js'
import { intersectRects, type PixelRect } from './ranges.js'

/** Side of what is warped at once, pixels: whole tiles of every size. */
const PIECE_PIXELS = 1024

interface Step {
  readonly area: PixelRect
  readonly source: RasterSource
  readonly plan: WarpPlan
  readonly part: WarpPart
}

export interface Painter {
  /** An empty canvas for an area. */
  prepare(area: PixelRect): Canvas
  /** The area is complete. The canvas may be used again once the promise resolves. */
  finish(area: PixelRect, canvas: Canvas): Promise<void>
}

/** Rejects with what sources throw, or CRS_UNSUPPORTED; nothing is being read any more then. */
export async function paintAreas(
  plan: BuildPlan,
  sources: readonly RasterSource[],
  areas: readonly PixelRect[],
  painter: Painter,
): Promise<void> {
  const steps = stepsOf(plan, sources, areas)
  let step = steps.next().value
  let reading = step && readAhead(step)
  let canvas: Canvas | undefined
  while (step !== undefined && reading !== undefined) {
    const { area, plan: warpPlan, part } = step
    const pixels = await settled(reading)
    const next = steps.next().value
    const readingNext = next && readAhead(next)
    try {
      canvas ??= painter.prepare(area)
      const { x, y } = warpPlan.target
      runWarp(warpPlan, part, pixels, canvas, x - area.minX, y - area.minY)
      if (next?.area !== area) {
        await painter.finish(area, canvas)
        canvas = undefined
      }
    } catch (error) {
      await readingNext
      throw error
    }
    step = next
    reading = readingNext
  }
}

type Reading = Promise<{ pixels: Pixels<Samples> } | { error: unknown }>

/** A read whose failure waits to be asked for. */
function readAhead({ source, part }: Step): Reading {
  return source.read(part.level, part.window).then(
    (pixels) => ({ pixels }),
    (error: unknown) => ({ error }),
  )
}

async function settled(reading: Reading): Promise<Pixels<Samples>> {
  const result = await reading
  if ('error' in result) throw result.error
  return result.pixels
}

function* stepsOf(
  plan: BuildPlan,
  sources: readonly RasterSource[],
  areas: readonly PixelRect[],
): Generator<Step, undefined> {
  const { maxZoom: zoom, tileSize, resampling } = plan
  for (const area of areas) {
    for (const { minX: x, minY: y, endX, endY } of piecesOf(area).flatMap((piece) => clipped(piece, plan))) {
      const target = { zoom, tileSize, x, y, width: endX - x, height: endY - y }
      for (const source of sources) {
        const warpPlan = planWarp(source.info, target, { resampling })
        for (const part of warpPlan?.parts ?? []) yield { area, source, plan: warpPlan!, part }
      }
    }
  }
}

/** An area cut along a grid that is the same for all areas, row by row. */
export function piecesOf(area: PixelRect): PixelRect[] {
  const step = PIECE_PIXELS
  const pieces: PixelRect[] = []
  for (let minY = area.minY - (area.minY % step); minY < area.endY; minY += step) {
    for (let minX = area.minX - (area.minX % step); minX < area.endX; minX += step) {
      pieces.push(intersectRects({ minX, minY, endX: minX + step, endY: minY + step }, area)!)
    }
  }
  return pieces
}

function clipped(piece: PixelRect, { clip }: BuildPlan): PixelRect[] {
  if (clip === undefined) return [piece]
  return clip
    .map((rect) => intersectRects(piece, rect))
    .filter((rect): rect is PixelRect => rect !== undefined)
}
