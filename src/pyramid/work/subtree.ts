// One unit of work: builds a root tile and all tiles below it from the pixels of the sources.
//
// The base is painted area by area. Each tile is cut out, encoded and halved into its parent's level. Overviews are
// made from raw pixels all the way up to the root, whose raw pixels are passed on for the tiles above it. Where the
// plan is not uniform, a level may have parts without tiles under them. These are painted from the sources as well.
//
// Kernels wider than 2×2 (bilinear, cubic, lanczos) look beyond a tile. For them the base is one mosaic with an apron
// (levels.ts), and whole levels are halved, so that there are no seams within or between subtrees. With 2×2 kernels
// tiles are halved one by one while they are in the processor's cache.
//
// Invariant: the result depends only on the plan and the root, not on what was built before or at the same time.
import { FlagstoneError } from '../../errors.js'
import type { PixelRect } from '../../grid/tiles/rect.js'
import { type Canvas, coverageOf, cutInto } from '../../raster/canvas.js'
import type { Loss } from '../../raster/losses.js'
import { type Pixels, type Samples, samplesLike } from '../../raster/pixels.js'
import { halveInto, halveReach } from '../../raster/tiles/downsample.js'
import { CanvasPool, TilePool } from '../paint/buffers.js'
import { sampleMakerOf } from '../paint/content.js'
import { HoleFiller } from '../paint/hole-filler.js'
import { type Painter, paintAreas } from '../paint/paint.js'
import { type PaintArea, piecesOf, wholeArea } from '../paint/pieces.js'
import type { SubtreeUnit } from '../plan/forest.js'
import type { BuildPlan } from '../plan/plan.js'
import { type SampledPart, Sampler } from '../provenance/sampler.js'
import type { SourceSet } from '../sources/source-set.js'
import { withoutRepeats } from './damage.js'
import { DirectParts, isPassedUp } from './direct.js'
import { Encoding } from './encoding.js'
import { type Level, levelsOf } from './levels.js'
import type { PackedTiles } from './packed.js'
import { clear, type RawTile } from './quad.js'

export interface SubtreeResult {
  readonly tiles: PackedTiles
  /** Heights of the base that are outside the range of the encoding. */
  readonly clamped: number
  /** Parts of sources that could not be read, without repetitions; undefined when there are none. */
  readonly lost?: readonly Loss[] | undefined
  /** The root's pixels; undefined when it is empty, or no zoom above it is built. */
  readonly root: RawTile | undefined
  /** Valid pixels of sources; undefined when none are sampled. */
  readonly sampled?: readonly SampledPart[] | undefined
}

/** What the subtrees of a builder share. */
interface Tools {
  readonly plan: BuildPlan
  readonly sources: SourceSet
  readonly canvases: CanvasPool<Samples>
  readonly pool: TilePool<Samples>
  readonly sampler: Sampler | undefined
  readonly isAborted: () => boolean
}

/** Builds subtrees one after another, reusing memory. */
export class SubtreeBuilder {
  readonly #tools: Tools

  constructor(plan: BuildPlan, sources: SourceSet, isAborted: () => boolean = () => false) {
    const canvases = new CanvasPool(sampleMakerOf(plan))
    const pool = new TilePool(sampleMakerOf(plan), plan.tileSize, plan.bands)
    const sampler = plan.frames.length === 0 ? undefined : new Sampler(plan.frames)
    this.#tools = { plan, sources, canvases, pool, sampler, isAborted }
  }

  /**
   * Builds a subtree. When it throws, nothing is in progress any more.
   * @throws as RasterSource.read
   * @throws INTERRUPTED
   */
  async build(unit: SubtreeUnit): Promise<SubtreeResult> {
    const run = new SubtreeRun(this.#tools, unit)
    try {
      await run.paint()
      await run.overviews()
    } finally {
      await run.settle()
    }
    return run.result()
  }

  /** Nothing may be in progress. */
  close(): void {
    this.#tools.canvases.close()
    this.#tools.pool.close()
  }
}

class SubtreeRun {
  readonly #plan: BuildPlan
  readonly #unit: SubtreeUnit
  readonly #sources: SourceSet
  readonly #sampler: Sampler | undefined
  readonly #isAborted: () => boolean
  readonly #levels: Map<number, Level>
  /** Raw pixels of the levels above the base. */
  readonly #mosaics = new Map<number, Canvas<Samples>>()
  readonly #canvases: CanvasPool<Samples>
  readonly #pool: TilePool<Samples>
  readonly #hasApron: boolean
  readonly #encoding: Encoding
  readonly #holes: HoleFiller | undefined
  /** Finds what is painted directly; undefined in a uniform plan, where all of the base is, and nothing else. */
  readonly #direct: DirectParts | undefined
  #lost: Loss[] = []
  #root: RawTile | undefined

  constructor(tools: Tools, unit: SubtreeUnit) {
    const { plan, sources, canvases, pool, sampler, isAborted } = tools
    this.#plan = plan
    this.#unit = unit
    this.#sources = sources
    this.#canvases = canvases
    this.#pool = pool
    this.#sampler = sampler
    this.#isAborted = isAborted
    this.#hasApron = halveReach(plan.overviewResampling) > 0
    this.#levels = levelsOf(plan, unit)
    this.#encoding = new Encoding(plan, pool)
    this.#holes = plan.terrain?.nodata === 'parent' ? new HoleFiller(plan.tileSize) : undefined
    this.#direct = plan.isUniform ? undefined : new DirectParts(plan, sources, unit)
    for (const { zoom, rect } of this.#levels.values()) {
      if (zoom < unit.base) this.#mosaics.set(zoom, this.#canvas(zoom, rect))
    }
  }

  #canvas(zoom: number, { minX, minY, endX, endY }: PixelRect): Canvas<Samples> {
    return this.#canvases.take(this.#unit.base - zoom, endX - minX, endY - minY, this.#plan.bands)
  }

  async paint(): Promise<void> {
    const { base } = this.#unit
    const level = this.#levels.get(base)!
    const whole = this.#hasApron ? [level.rect] : piecesOf(level.rect)
    await this.#paint(level, this.#direct?.base(level) ?? whole.map(wholeArea), {
      prepare: (area) => this.#canvas(base, area),
      finish: async (area, canvas) => {
        this.#stopIfAborted()
        await this.#cutAll(level, canvas, area)
        if (this.#hasApron) this.#halveLevel(level, canvas)
      },
    })
  }

  async #paint(level: Level, areas: readonly PaintArea[], painter: Painter): Promise<void> {
    const lose = (losses: readonly Loss[]): void => {
      this.#lost = withoutRepeats([...this.#lost, ...losses])
    }
    await paintAreas(this.#plan, this.#sources, level.zoom, areas, {
      ...painter,
      ...this.#sampler?.painter(level.zoom),
      lose,
      presence: level.presence,
    })
  }

  #stopIfAborted(): void {
    if (this.#isAborted()) throw new FlagstoneError('INTERRUPTED', 'The build was interrupted.')
  }

  async overviews(): Promise<void> {
    for (const level of this.#levels.values()) {
      const canvas = this.#mosaics.get(level.zoom)
      if (canvas === undefined) continue
      await this.#paintRest(level, canvas)
      await this.#cutAll(level, canvas, level.rect)
      if (this.#hasApron) this.#halveLevel(level, canvas)
    }
    await this.#fillHoles()
  }

  /** Paints the parts of a level that have no tiles under them. */
  async #paintRest(level: Level, canvas: Canvas<Samples>): Promise<void> {
    if (this.#direct === undefined) return
    this.#stopIfAborted()
    const parts = this.#direct.above(level, this.#levels.get(level.zoom + 1))
    // what whole levels were halved into them shows sources enlarged
    if (this.#hasApron) for (const { rect } of parts) clear(canvas, level.rect, rect)
    await this.#paint(level, [{ rect: level.rect, parts }], { prepare: () => canvas })
  }

  /** Cuts and halves the tiles of a canvas whose pixels are `rect`, and starts to encode them. */
  async #cutAll(level: Level, canvas: Canvas<Samples>, rect: PixelRect): Promise<void> {
    const { tileSize } = this.#plan
    const { tiles: all, presence } = level
    const minX = Math.max(all.minX, Math.ceil(rect.minX / tileSize))
    const minY = Math.max(all.minY, Math.ceil(rect.minY / tileSize))
    const maxX = Math.min(all.maxX, Math.floor(rect.endX / tileSize) - 1)
    const maxY = Math.min(all.maxY, Math.floor(rect.endY / tileSize) - 1)
    for (let y = minY; y <= maxY; y++) {
      for (let x = minX; x <= maxX; x++) {
        if (presence?.has(x, y) === false) continue
        const tile = this.#pool.take()
        const coverage = cutInto(canvas, x * tileSize - rect.minX, y * tileSize - rect.minY, tile)
        if (coverage === 'none') this.#pool.give(tile)
        else await this.#keep(level, x, y, tile, coverage === 'full')
      }
    }
  }

  /** Halves a tile, and starts to encode it unless it waits for its holes to be filled. */
  async #keep(level: Level, x: number, y: number, canvas: Canvas<Samples>, isFull: boolean): Promise<void> {
    const { zoom, presence } = level
    const pixels: Pixels<Samples> = isFull ? { ...canvas, mask: undefined } : canvas
    this.#passUp(zoom, x, y, pixels)
    const halved = presence?.halvedOf(x, y) ?? (zoom === this.#unit.base ? 0 : 15)
    if (!isFull && this.#holes !== undefined) this.#holes.hold({ zoom, x, y, canvas, halved })
    else await this.#encoding.add({ zoom, x, y, pixels, canvas, halved })
  }

  #passUp(zoom: number, x: number, y: number, pixels: Pixels<Samples>): void {
    if (zoom === this.#unit.zoom) {
      if (this.#plan.minZoom < zoom) this.#root = { x, y, pixels: copyOf(pixels) }
      return
    }
    if (this.#direct !== undefined) {
      if (!isPassedUp(this.#plan, this.#sources, zoom, x, y)) return
      this.#levels.get(zoom - 1)?.presence?.addChild(x, y)
    }
    if (!this.#hasApron) this.#halveTile(zoom, x, y, pixels)
  }

  /** Fills the holes of waiting tiles with heights, and encodes them. */
  async #fillHoles(): Promise<void> {
    const levels = [...this.#mosaics]
      .sort(([a], [b]) => a - b)
      .map(([zoom, canvas]) => ({ zoom, canvas, rect: this.#levels.get(zoom)!.rect }))
    for (const held of this.#holes?.release(levels) ?? []) {
      const { canvas } = held
      const pixels = coverageOf(canvas.mask) === 'full' ? { ...canvas, mask: undefined } : canvas
      await this.#encoding.add({ ...held, pixels })
    }
  }

  #halveTile(zoom: number, x: number, y: number, pixels: Pixels<Samples>): void {
    const to = this.#mosaics.get(zoom - 1)
    if (to === undefined) return
    const { overviewResampling, maskKind, tileSize } = this.#plan
    const { rect } = this.#levels.get(zoom - 1)!
    const half = tileSize / 2
    halveInto(pixels, overviewResampling, maskKind, to, x * half - rect.minX, y * half - rect.minY)
  }

  #halveLevel({ zoom, rect }: Level, canvas: Canvas<Samples>): void {
    const to = this.#mosaics.get(zoom - 1)
    if (to === undefined) return
    const { overviewResampling, maskKind } = this.#plan
    const above = this.#levels.get(zoom - 1)!.rect
    const pixels = coverageOf(canvas.mask) === 'full' ? { ...canvas, mask: undefined } : canvas
    const x = rect.minX / 2 - above.minX
    const y = rect.minY / 2 - above.minY
    halveInto(pixels, overviewResampling, maskKind, to, x, y)
  }

  /** Waits for the tiles being encoded. */
  async settle(): Promise<void> {
    await this.#encoding.settle()
  }

  result(): SubtreeResult {
    const lost = this.#lost.length === 0 ? undefined : this.#lost
    return { ...this.#encoding.result(), lost, root: this.#root, sampled: this.#sampler?.take() }
  }
}

function copyOf(pixels: Pixels<Samples>): Pixels<Samples> {
  const data = samplesLike(pixels.data, pixels.data.length)
  data.set(pixels.data)
  return { ...pixels, data, mask: pixels.mask?.slice() }
}
