// Builds the tiles above the subtrees of a plan whose sources have different depths. Units come in Hilbert order,
// children before parents, so at most four tiles of a zoom wait for the one above them.
//
// Quarters without a child are painted here, on the calling thread. No source built for a higher zoom has a pixel in
// them, so what is read is about as coarse as the tile. The files are opened when the first such quarter comes.
//
// A kernel wider than 2×2 looks beyond the children. Where the tiles beside them are not planned (the depth changes
// there), those pixels are painted from the coarser sources. Elsewhere the kernel uses the children alone, as in a
// uniform plan.
import { unionRanges } from '../../grid/tiles/ranges.js'
import { growRect, intersectRects, type PixelRect, tileRect } from '../../grid/tiles/rect.js'
import { type Canvas, coverageOf, crop, finishCanvas } from '../../raster/canvas.js'
import type { Loss } from '../../raster/losses.js'
import type { Pixels, Samples } from '../../raster/pixels.js'
import { halveInto, halveReach } from '../../raster/tiles/downsample.js'
import { canvasOf, encodePixels, paintedClamped } from '../paint/content.js'
import { paintAreas } from '../paint/paint.js'
import type { PaintPart } from '../paint/pieces.js'
import { Presence } from '../paint/presence.js'
import type { ParentUnit } from '../plan/forest.js'
import { type BuildPlan, hasStarts } from '../plan/plan.js'
import { type PlannedTiles, plannedTilesOf } from '../plan/planned-tiles.js'
import { type SampledPart, Sampler } from '../provenance/sampler.js'
import type { SourceSet } from '../sources/source-set.js'
import { withoutRepeats } from './damage.js'
import { isPassedUp } from './direct.js'
import type { EncodedAt } from './packed.js'
import { clear, type Pending, paste, pendingOf, quadOf, type RawTile, waitingFrom } from './quad.js'

export interface MadeParent {
  /** Undefined when the tile does not exist. */
  readonly tile: EncodedAt | undefined
  readonly clamped: number
  readonly lost: readonly Loss[]
  /** Valid pixels of sources. */
  readonly sampled: readonly SampledPart[]
}

export class MixedParents {
  readonly #plan: BuildPlan
  readonly #planned: PlannedTiles
  readonly #hasStarts: boolean
  /** By zoom. */
  readonly #waiting: RawTile[][]
  readonly #open: () => SourceSet
  readonly #sampler: Sampler
  #sources: SourceSet | undefined
  #lost: Loss[] = []

  constructor(plan: BuildPlan, pending: readonly Pending[], open: () => SourceSet) {
    this.#plan = plan
    this.#planned = plannedTilesOf(plan)
    this.#hasStarts = hasStarts(plan)
    this.#open = open
    this.#sampler = new Sampler(plan.frames)
    this.#waiting = waitingFrom(pending, plan.maxZoom)
  }

  /** Keeps a tile for the parent above it, if there is one. */
  add(zoom: number, tile: RawTile): void {
    const { x, y } = tile
    if (zoom === 0 || !this.#planned.has(zoom - 1, Math.floor(x / 2), Math.floor(y / 2))) return
    this.#waiting[zoom]!.push(tile)
  }

  /**
   * Makes the tile above those that wait for it.
   * @throws as RasterSource.read
   */
  async make({ zoom, x, y }: ParentUnit): Promise<MadeParent> {
    const children = this.#waiting[zoom + 1]!
    const passed = children.filter((child) => this.#isPassedUp(zoom + 1, child))
    this.#lost = []
    const presence = new Presence(this.#plan, zoom, { minX: x, minY: y, maxX: x, maxY: y })
    for (const child of passed) presence.addChild(child.x, child.y)
    const canvas = canvasOf(this.#plan, this.#plan.tileSize, this.#plan.tileSize)
    if (passed.length > 0) await this.#halve(passed, { zoom, x, y }, canvas)
    await this.#paintQuarters(children, passed, { zoom, x, y }, canvas, presence)
    const pixels = presence.has(x, y) ? finishCanvas(canvas) : undefined
    const encoded = pixels && (await encodePixels(this.#plan, zoom, pixels))
    // what waits is part of a checkpoint, and changes only when nothing can fail any more
    this.#waiting[zoom + 1] = []
    if (pixels !== undefined) this.add(zoom, { x, y, pixels })
    return {
      tile: encoded && { z: zoom, x, y, type: encoded.type, bytes: encoded.bytes },
      clamped: encoded ? paintedClamped(this.#plan, encoded, pixels, presence.halvedOf(x, y)) : 0,
      lost: this.#lost,
      sampled: this.#sampler.take(),
    }
  }

  /** What must be stored to continue later. */
  pending(): Pending[] {
    return pendingOf(this.#waiting)
  }

  async close(): Promise<void> {
    await this.#sources?.close()
  }

  #opened(): SourceSet {
    this.#sources ??= this.#open()
    return this.#sources
  }

  #isPassedUp(zoom: number, { x, y }: RawTile): boolean {
    return !this.#hasStarts || isPassedUp(this.#plan, this.#opened(), zoom, x, y)
  }

  async #halve(passed: readonly RawTile[], at: Place, to: Canvas<Samples>): Promise<void> {
    const { overviewResampling, maskKind, tileSize } = this.#plan
    const ring = await this.#ringed(passed, at)
    if (ring === undefined) {
      halveInto(quadOf(passed, this.#plan), overviewResampling, maskKind, to, 0, 0)
      return
    }
    const halved = canvasOf(this.#plan, ring.width / 2, ring.height / 2)
    halveInto(ring, overviewResampling, maskKind, halved, 0, 0)
    const margin = (halved.width - tileSize) / 2
    paste(crop(halved, margin, margin, tileSize, tileSize), to, 0, 0)
  }

  /** The children with the pixels around them that the kernel needs; undefined when there are none to add. */
  async #ringed(passed: readonly RawTile[], { zoom, x, y }: Place): Promise<Pixels<Samples> | undefined> {
    const reach = 2 * Math.ceil(halveReach(this.#plan.overviewResampling) / 2)
    const parts = reach === 0 ? [] : this.#ringParts(passed, { zoom, x, y }, reach)
    if (parts.length === 0) return undefined
    const size = this.#plan.tileSize
    const rect = growRect(tileRect(x, y, 2 * size), reach)
    const canvas = canvasOf(this.#plan, rect.endX - rect.minX, rect.endY - rect.minY)
    await this.#paint(zoom + 1, { rect, parts }, canvas)
    for (const child of passed) {
      paste(child.pixels, canvas, child.x * size - rect.minX, child.y * size - rect.minY)
    }
    return coverageOf(canvas.mask) === 'full' ? { ...canvas, mask: undefined } : canvas
  }

  /** The pixels within `reach` of the children, in tiles beside them that are not planned or do not exist. */
  #ringParts(passed: readonly RawTile[], { zoom, x, y }: Place, reach: number): PaintPart[] {
    const size = this.#plan.tileSize
    const side = 2 ** (zoom + 1)
    const strips: PixelRect[] = []
    for (let ty = Math.max(0, 2 * y - 1); ty <= Math.min(side - 1, 2 * y + 2); ty++) {
      for (let tx = Math.max(0, 2 * x - 1); tx <= Math.min(side - 1, 2 * x + 2); tx++) {
        const isInside = Math.floor(tx / 2) === x && Math.floor(ty / 2) === y
        const isThere = isInside
          ? passed.some((child) => child.x === tx && child.y === ty)
          : this.#planned.has(zoom + 1, tx, ty)
        if (isThere) continue
        const tile = tileRect(tx, ty, size)
        for (const child of passed) {
          const near = intersectRects(tile, growRect(tileRect(child.x, child.y, size), reach))
          if (near !== undefined) strips.push(near)
        }
      }
    }
    return withoutOverlaps(strips).map((rect) => ({ rect, deepest: zoom }))
  }

  /** Paints the quarters that no child was halved into. */
  async #paintQuarters(
    children: readonly RawTile[],
    passed: readonly RawTile[],
    { zoom, x, y }: Place,
    canvas: Canvas<Samples>,
    presence: Presence,
  ): Promise<void> {
    const size = this.#plan.tileSize
    const parts: PaintPart[] = []
    for (const [qx, qy] of QUARTERS) {
      const isThis = (child: RawTile): boolean => child.x === 2 * x + qx && child.y === 2 * y + qy
      if (passed.some(isThis)) continue
      const rect = tileRect(2 * x + qx, 2 * y + qy, size / 2)
      // a child that is not passed up holds pixels of finer sources
      parts.push(children.some(isThis) ? { rect } : { rect, deepest: zoom })
    }
    const rect = tileRect(x, y, size)
    for (const part of parts) clear(canvas, rect, part.rect)
    await this.#paint(zoom, { rect, parts }, canvas, presence)
  }

  async #paint(
    zoom: number,
    area: { readonly rect: PixelRect; readonly parts: readonly PaintPart[] },
    canvas: Canvas<Samples>,
    presence?: Presence,
  ): Promise<void> {
    if (area.parts.length === 0) return
    await paintAreas(this.#plan, this.#opened(), zoom, [area], {
      ...this.#sampler.painter(zoom),
      prepare: () => canvas,
      lose: (losses) => {
        this.#lost = withoutRepeats([...this.#lost, ...losses])
      },
      presence,
    })
  }
}

const QUARTERS = [
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
] as const

type Place = Pick<ParentUnit, 'zoom' | 'x' | 'y'>

function withoutOverlaps(rects: readonly PixelRect[]): PixelRect[] {
  const ranges = rects.map(({ minX, minY, endX, endY }) => ({ minX, minY, maxX: endX - 1, maxY: endY - 1 }))
  return unionRanges(ranges).map(({ minX, minY, maxX, maxY }) => ({
    minX,
    minY,
    endX: maxX + 1,
    endY: maxY + 1,
  }))
}
