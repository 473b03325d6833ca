// Paints sources onto pixels: a list of areas of a zoom, each by every source that intersects it.
//
// Areas are painted piece by piece, a piece by one source after another from the top down. The first source is painted
// directly onto the canvas, the others under it (stacked), unless all are averaged (feathered). A source that would be
// completely hidden is not read. While one window is warped, the next one that is certain to be needed is read, so that
// decoding (in the thread pool) and warping (here) overlap. An area that no source intersects is never prepared.

import { outsideRects } from '../../grid/tiles/ranges.js'
import type { PixelRect } from '../../grid/tiles/rect.js'
import type { Canvas } from '../../raster/canvas.js'
import type { Loss } from '../../raster/losses.js'
import type { Samples } from '../../raster/pixels.js'
import type { WarpTarget } from '../../raster/warp/warp-plan.js'
import type { BuildPlan } from '../plan/plan.js'
import type { SourceSet } from '../sources/source-set.js'
import { FeatherSum, isCovered, type Layer, layerOf, multiplyMask, paintUnder } from './blend.js'
import { warpOptionsOf } from './content.js'
import { FeatherDistances } from './feather.js'
import { cutSource } from './own-cutline.js'
import { type PaintArea, type Piece, piecesToPaint } from './pieces.js'
import type { Presence } from './presence.js'
import { Reading } from './reading.js'
import { type Onto, Scratch, warpAll } from './warping.js'

export interface Painter<T extends Samples = Samples> {
  /** Returns a canvas for an area: its parts are empty. */
  prepare(area: PixelRect): Canvas<T>
  /** Takes a complete area. The canvas may be reused once the promise resolves. */
  finish?(area: PixelRect, canvas: Canvas<T>): Promise<void>
  /** Told of parts of sources that could not be read and were left empty. */
  lose?(losses: readonly Loss[]): void
  /** Shown the pixels of each source that was read for a piece: those in piece.rect, before the cutline. */
  look?(piece: Piece, source: number, layer: Layer): void
  /** Finds out which tiles exist; undefined where all that hold a pixel do. */
  readonly presence?: Presence | undefined
}

/**
 * Paints all areas of a zoom. When it throws, no more reads are in progress.
 * @throws as RasterSource.read
 * @throws CRS_UNSUPPORTED
 */
export async function paintAreas<T extends Samples>(
  plan: BuildPlan,
  sources: SourceSet,
  zoom: number,
  areas: readonly PaintArea[],
  painter: Painter<T>,
): Promise<void> {
  const run = new PaintRun(plan, sources, zoom, painter)
  try {
    const pieces = piecesToPaint(plan, sources, zoom, areas)
    let piece = pieces.next().value
    while (piece !== undefined) {
      const next: Piece | undefined = pieces.next().value
      await run.paint(piece, next)
      if (next?.area !== piece.area) await run.finish(piece.area.rect)
      piece = next
    }
  } finally {
    await run.settle()
  }
}

interface Memory {
  readonly scratch: Scratch
  readonly feather: FeatherDistances
}

const memories = new WeakMap<SourceSet, Memory>()

function memoryOf(sources: SourceSet, plan: BuildPlan): Memory {
  const found = memories.get(sources) ?? {
    scratch: new Scratch(),
    feather: new FeatherDistances(plan, sources),
  }
  memories.set(sources, found)
  return found
}

class PaintRun {
  readonly #plan: BuildPlan
  readonly #sources: SourceSet
  readonly #zoom: number
  readonly #painter: Painter
  readonly #memory: Memory
  #canvas: Canvas<Samples> | undefined
  /** The read ahead for what comes next. */
  #ahead: { piece: Piece; at: number; reading: Reading } | undefined

  constructor(plan: BuildPlan, sources: SourceSet, zoom: number, painter: Painter) {
    this.#plan = plan
    this.#sources = sources
    this.#zoom = zoom
    this.#painter = painter
    this.#memory = memoryOf(sources, plan)
  }

  async paint(piece: Piece, next: Piece | undefined): Promise<void> {
    if (this.#plan.blend === 'feather' && piece.candidates.length > 1) await this.#feathered(piece, next)
    else await this.#stacked(piece, next)
    if (this.#canvas === undefined) return
    const { mask, maskRect, rect } = piece
    const layer = layerOf(this.#canvas, piece.area.rect)
    if (mask !== undefined) multiplyMask(layer, mask, maskRect, rect)
    if (!piece.isMixed && piece.candidates[0]!.isDeep) this.#painter.presence?.look(layer, rect, undefined)
  }

  async finish(area: PixelRect): Promise<void> {
    const canvas = this.#canvas
    this.#canvas = undefined
    if (canvas !== undefined) await this.#painter.finish?.(area, canvas)
  }

  /** Waits until no reads are in progress. */
  async settle(): Promise<void> {
    await this.#ahead?.reading.cancel()
    this.#ahead = undefined
  }

  async #stacked(piece: Piece, next: Piece | undefined): Promise<void> {
    const { candidates, rect } = piece
    const area = piece.area.rect
    let painted = false
    let isFull = false
    const hidden: number[] = []
    for (const [at, { rect: part }] of candidates.entries()) {
      const layer = this.#canvas && layerOf(this.#canvas, area)
      if (isFull || (painted && layer !== undefined && isCovered(layer, part))) {
        isFull ||= isCovered(layer!, rect)
        if (piece.isMixed) hidden.push(at)
        continue
      }
      const onto = painted ? undefined : rect
      const lower = await this.#warp(piece, at, onto, () => this.#readAhead(piece, at, next))
      if (lower === undefined) continue
      this.#look(piece, at, layerOf(lower, painted ? rect : area))
      if (painted) paintUnder(layerOf(this.#canvas!, area), layerOf(lower, rect), part)
      painted = true
    }
    for (const at of hidden) await this.#lookUnder(piece, at)
    if (next !== undefined && this.#ahead === undefined) this.#begin(next, 0)
  }

  async #feathered(piece: Piece, next: Piece | undefined): Promise<void> {
    const { candidates, rect, target } = piece
    const area = piece.area.rect
    this.#canvas ??= this.#painter.prepare(area)
    const sum = new FeatherSum(rect, this.#canvas.bands)
    for (let at = 0; at < candidates.length; at++) {
      const following = (): void => {
        if (at + 1 < candidates.length) this.#begin(piece, at + 1)
        else if (next !== undefined) this.#begin(next, 0)
      }
      const canvas = await this.#warp(piece, at, undefined, following)
      if (canvas === undefined) continue
      const layer = layerOf(canvas, target)
      this.#look(piece, at, layer)
      const { source } = candidates[at]!
      sum.add(layer, await this.#memory.feather.of(canvas, target, rect, source, this.#zoom))
    }
    sum.finish(layerOf(this.#canvas, area))
  }

  /** Shows what a source has in a piece. */
  #look(piece: Piece, at: number, layer: Layer): void {
    const { candidates, mask, maskRect, rect, isMixed } = piece
    const { source, isDeep } = candidates[at]!
    this.#painter.look?.(piece, source, layer)
    if (!isMixed || !isDeep) return
    this.#painter.presence?.look(layer, rect, mask === undefined ? undefined : { mask, rect: maskRect })
  }

  /** Reads a source that is hidden where a tile exists only if the source has a pixel in it. */
  async #lookUnder(piece: Piece, at: number): Promise<void> {
    const { isDeep, rect: part } = piece.candidates[at]!
    const rect = piece.isMixed && isDeep ? this.#painter.presence?.unknownIn(part) : undefined
    if (rect === undefined) return
    const under: Piece = { ...piece, rect, target: rect }
    const layer = await this.#warp(under, at, undefined, () => {})
    if (layer !== undefined) this.#look(under, at, layerOf(layer, rect))
  }

  /**
   * Paints a source: onto the canvas, or onto an empty one of the size of the target. Undefined when it has nothing
   * there. `whenLast` is called when all of it is read.
   */
  async #warp(
    piece: Piece,
    at: number,
    onto: PixelRect | undefined,
    whenLast: () => void,
  ): Promise<Canvas<Samples> | undefined> {
    const { target } = piece
    const area = piece.area.rect
    const reading = this.#take(piece, at)
    let canvas: Canvas<Samples> | undefined
    const place = (): Onto => {
      this.#canvas ??= this.#painter.prepare(area)
      if (onto !== undefined)
        return { canvas: this.#canvas, x: target.minX - area.minX, y: target.minY - area.minY }
      const [width, height] = [target.endX - target.minX, target.endY - target.minY]
      return { canvas: this.#memory.scratch.canvas(width, height, this.#canvas), x: 0, y: 0 }
    }
    try {
      canvas = await warpAll(reading, place, whenLast)
    } finally {
      await reading.cancel()
      if (reading.lost.length > 0) this.#painter.lose?.(reading.lost)
    }
    if (canvas === undefined) return undefined
    const layer = layerOf(canvas, onto === undefined ? target : area)
    cutSource(layer, target, piece.candidates[at]!.source, this.#plan, this.#zoom)
    return canvas
  }

  /** Reads ahead: the next source of the piece that will be visible, or the first of the next piece. */
  #readAhead(piece: Piece, at: number, next: Piece | undefined): void {
    const { candidates, area } = piece
    const now = candidates[at]!.rect
    const layer = this.#canvas && layerOf(this.#canvas, area.rect)
    for (let i = at + 1; i < candidates.length; i++) {
      const beside = outsideRects(candidates[i]!.rect, now)
      const isSeen = beside.some((part) => layer === undefined || !isCovered(layer, part))
      if (isSeen) {
        this.#begin(piece, i)
        return
      }
      // one that may be hidden is read only when it is known to be visible
      if (!(layer !== undefined && isCovered(layer, candidates[i]!.rect))) break
    }
    if (next !== undefined) this.#begin(next, 0)
  }

  #begin(piece: Piece, at: number): void {
    if (this.#ahead !== undefined) return
    this.#ahead = { piece, at, reading: this.#read(piece, at) }
  }

  #take(piece: Piece, at: number): Reading {
    const ahead = this.#ahead
    if (ahead?.piece !== piece || ahead.at !== at) return this.#read(piece, at)
    this.#ahead = undefined
    return ahead.reading
  }

  #read({ candidates, target }: Piece, at: number): Reading {
    const { tileSize } = this.#plan
    const { minX: x, minY: y, endX, endY } = target
    const rect: WarpTarget = { zoom: this.#zoom, tileSize, x, y, width: endX - x, height: endY - y }
    return new Reading(this.#sources, candidates[at]!.source, rect, warpOptionsOf(this.#plan))
  }
}
