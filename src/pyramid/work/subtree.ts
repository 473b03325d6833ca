// One unit of work: builds a root tile and all tiles below it from the pixels of the sources.
//
// The base is painted area by area. Each tile is cut out, encoded (several at once, in the thread pool) and halved into
// its parent's level. Overviews are made from raw pixels all the way up to the root, whose raw pixels are passed on for
// the tiles above it.
//
// Kernels wider than 2×2 (bilinear, cubic, lanczos) look beyond a tile. For them the base is one mosaic with an apron
// of reach · 2^depth pixels around the root, and whole levels are halved, so that there are no seams within or between
// subtrees. With 2×2 kernels tiles are halved one by one while they are in the processor's cache.
//
// Invariant: the result depends only on the plan and the root, not on what was built before or at the same time.
import { FlagstoneError } from '../../errors.js'
import { parentRange, type TileRange } from '../../grid/tiles/cover.js'
import { rangeInside } from '../../grid/tiles/ranges.js'
import type { PixelRect } from '../../grid/tiles/rect.js'
import { type Canvas, coverageOf, cutInto } from '../../raster/canvas.js'
import type { Loss } from '../../raster/losses.js'
import { type Pixels, type Samples, samplesLike } from '../../raster/pixels.js'
import { halveInto } from '../../raster/tiles/downsample.js'
import { CanvasPool, TilePool } from '../paint/buffers.js'
import { encodePixels, sampleMakerOf } from '../paint/content.js'
import { HoleFiller } from '../paint/hole-filler.js'
import { paintAreas } from '../paint/paint.js'
import { piecesOf, wholeArea } from '../paint/pieces.js'
import { apronOf, type BuildPlan } from '../plan/plan.js'
import type { SourceSet } from '../sources/source-set.js'
import { withoutRepeats } from './damage.js'
import { type EncodedAt, type PackedTiles, packTiles } from './packed.js'

export interface RawTile {
  readonly x: number
  readonly y: number
  readonly pixels: Pixels<Samples>
}

export interface SubtreeResult {
  readonly tiles: PackedTiles
  /** Heights of the base that are outside the range of the encoding. */
  readonly clamped: number
  /** Parts of sources that could not be read, without repetitions; undefined when there are none. */
  readonly lost?: readonly Loss[] | undefined
  /** The root's pixels; undefined when it is empty, or no zoom above it is built. */
  readonly root: RawTile | undefined
}

/** Tiles being encoded at once: enough to keep the encoding threads busy. */
const MAX_ENCODING = 24

interface Level {
  readonly zoom: number
  /** Tiles of the subtree that may hold something. */
  readonly tiles: TileRange
  /** Pixels that are kept: those of the tiles and the apron around them. */
  readonly rect: PixelRect
}

/** Builds subtrees one after another, reusing memory. */
export class SubtreeBuilder {
  readonly #plan: BuildPlan
  readonly #sources: SourceSet
  readonly #canvases: CanvasPool<Samples>
  readonly #pool: TilePool<Samples>
  readonly #isAborted: () => boolean

  constructor(plan: BuildPlan, sources: SourceSet, isAborted: () => boolean = () => false) {
    this.#plan = plan
    this.#sources = sources
    this.#canvases = new CanvasPool(sampleMakerOf(plan))
    this.#pool = new TilePool(sampleMakerOf(plan), plan.tileSize, plan.bands)
    this.#isAborted = isAborted
  }

  /**
   * Builds a subtree. When it throws, nothing is in progress any more.
   * @throws as RasterSource.read
   * @throws INTERRUPTED
   */
  async build(x: number, y: number): Promise<SubtreeResult> {
    const run = new SubtreeRun(this.#plan, this.#canvases, this.#pool, x, y)
    try {
      await run.paint(this.#sources, this.#isAborted)
      await run.overviews()
    } finally {
      await run.settle()
    }
    return run.result()
  }

  /** Nothing may be in progress. */
  close(): void {
    this.#canvases.close()
    this.#pool.close()
  }
}

/** The levels of a subtree, by zoom; the base first. */
function levelsOf(plan: BuildPlan, x: number, y: number): Map<number, Level> {
  const depth = plan.maxZoom - plan.rootZoom
  const base = plan.levels.at(-1)!.ranges.map((range) => rangeInside(range, x, y, depth))
  let tiles = union(base.filter((range): range is TileRange => range !== undefined))
  let apron = apronOf(plan)
  const levels = new Map<number, Level>()
  for (let zoom = plan.maxZoom; zoom >= Math.max(plan.rootZoom, plan.minZoom); zoom--) {
    levels.set(zoom, { zoom, tiles, rect: rectOf(tiles, plan.tileSize, apron, zoom) })
    tiles = parentRange(tiles)
    apron /= 2
  }
  return levels
}

function union(ranges: readonly TileRange[]): TileRange {
  return {
    minX: Math.min(...ranges.map((r) => r.minX)),
    minY: Math.min(...ranges.map((r) => r.minY)),
    maxX: Math.max(...ranges.map((r) => r.maxX)),
    maxY: Math.max(...ranges.map((r) => r.maxY)),
  }
}

function rectOf(tiles: TileRange, size: number, apron: number, zoom: number): PixelRect {
  const world = size * 2 ** zoom
  return {
    minX: Math.max(0, tiles.minX * size - apron),
    minY: Math.max(0, tiles.minY * size - apron),
    endX: Math.min(world, (tiles.maxX + 1) * size + apron),
    endY: Math.min(world, (tiles.maxY + 1) * size + apron),
  }
}

class SubtreeRun {
  readonly #plan: BuildPlan
  readonly #levels: Map<number, Level>
  /** Raw pixels of the levels above the base, and of the base if there is an apron. */
  readonly #mosaics = new Map<number, Canvas<Samples>>()
  readonly #canvases: CanvasPool<Samples>
  readonly #pool: TilePool<Samples>
  readonly #hasApron: boolean
  readonly #lowest: number
  readonly #encoding = new Set<Promise<void>>()
  readonly #encoded: EncodedAt[] = []
  readonly #holes: HoleFiller | undefined
  #clamped = 0
  #lost: Loss[] = []
  #failure: { error: unknown } | undefined
  #root: RawTile | undefined

  constructor(plan: BuildPlan, canvases: CanvasPool<Samples>, pool: TilePool<Samples>, x: number, y: number) {
    this.#plan = plan
    this.#canvases = canvases
    this.#pool = pool
    this.#hasApron = apronOf(plan) > 0
    this.#levels = levelsOf(plan, x, y)
    this.#lowest = Math.max(plan.rootZoom, plan.minZoom)
    this.#holes = plan.terrain?.nodata === 'parent' ? new HoleFiller(plan.tileSize) : undefined
    for (let zoom = this.#lowest; zoom < plan.maxZoom; zoom++) this.#mosaics.set(zoom, this.#canvas(zoom))
  }

  #canvas(zoom: number): Canvas<Samples> {
    const { minX, minY, endX, endY } = this.#levels.get(zoom)!.rect
    return this.#canvases.take(this.#plan.maxZoom - zoom, endX - minX, endY - minY, this.#plan.bands)
  }

  async paint(sources: SourceSet, isAborted: () => boolean): Promise<void> {
    const { maxZoom, bands } = this.#plan
    const level = this.#levels.get(maxZoom)!
    const areas = this.#hasApron ? [level.rect] : piecesOf(level.rect)
    await paintAreas(this.#plan, sources, maxZoom, areas.map(wholeArea), {
      prepare: (a) => this.#canvases.take(0, a.endX - a.minX, a.endY - a.minY, bands),
      lose: (losses) => {
        this.#lost = withoutRepeats([...this.#lost, ...losses])
      },
      finish: async (area, canvas) => {
        if (isAborted()) throw new FlagstoneError('INTERRUPTED', 'The build was interrupted.')
        await this.#cutAll(maxZoom, canvas, area)
        if (this.#hasApron) this.#halveLevel(maxZoom, canvas)
      },
    })
  }

  async overviews(): Promise<void> {
    for (let zoom = this.#plan.maxZoom - 1; zoom >= this.#lowest; zoom--) {
      const canvas = this.#mosaics.get(zoom)!
      await this.#cutAll(zoom, canvas, this.#levels.get(zoom)!.rect)
      if (this.#hasApron) this.#halveLevel(zoom, canvas)
    }
    await this.#fillHoles()
  }

  /** Cuts and halves the tiles of a canvas whose pixels are `rect`, and starts to encode them. */
  async #cutAll(zoom: number, canvas: Canvas<Samples>, rect: PixelRect): Promise<void> {
    const { tileSize } = this.#plan
    const all = this.#levels.get(zoom)!.tiles
    const minX = Math.max(all.minX, Math.ceil(rect.minX / tileSize))
    const minY = Math.max(all.minY, Math.ceil(rect.minY / tileSize))
    const maxX = Math.min(all.maxX, Math.floor(rect.endX / tileSize) - 1)
    const maxY = Math.min(all.maxY, Math.floor(rect.endY / tileSize) - 1)
    for (let y = minY; y <= maxY; y++) {
      for (let x = minX; x <= maxX; x++) {
        const tile = this.#pool.take()
        const coverage = cutInto(canvas, x * tileSize - rect.minX, y * tileSize - rect.minY, tile)
        if (coverage === 'none') {
          this.#pool.give(tile)
          continue
        }
        const pixels: Pixels<Samples> = coverage === 'full' ? { ...tile, mask: undefined } : tile
        if (!this.#hasApron) this.#halveTile(zoom, x, y, pixels)
        if (zoom === this.#plan.rootZoom && this.#plan.minZoom < zoom)
          this.#root = { x, y, pixels: copyOf(pixels) }
        if (coverage !== 'full' && this.#holes !== undefined) this.#holes.hold({ zoom, x, y, canvas: tile })
        else await this.#encode(zoom, x, y, pixels, tile)
      }
    }
  }

  /** Fills the holes of waiting tiles with heights, and encodes them. */
  async #fillHoles(): Promise<void> {
    const levels = [...this.#mosaics]
      .sort(([a], [b]) => a - b)
      .map(([zoom, canvas]) => ({ zoom, canvas, rect: this.#levels.get(zoom)!.rect }))
    for (const { zoom, x, y, canvas } of this.#holes?.release(levels) ?? []) {
      const pixels = coverageOf(canvas.mask) === 'full' ? { ...canvas, mask: undefined } : canvas
      await this.#encode(zoom, x, y, pixels, canvas)
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

  #halveLevel(zoom: number, canvas: Canvas<Samples>): void {
    const to = this.#mosaics.get(zoom - 1)
    if (to === undefined) return
    const { overviewResampling, maskKind } = this.#plan
    const { rect } = this.#levels.get(zoom)!
    const above = this.#levels.get(zoom - 1)!.rect
    const pixels = coverageOf(canvas.mask) === 'full' ? { ...canvas, mask: undefined } : canvas
    const x = rect.minX / 2 - above.minX
    const y = rect.minY / 2 - above.minY
    halveInto(pixels, overviewResampling, maskKind, to, x, y)
  }

  /** Resolves when there is room for another tile. Releases the tile's memory once it is encoded. */
  async #encode(
    z: number,
    x: number,
    y: number,
    pixels: Pixels<Samples>,
    tile: Canvas<Samples>,
  ): Promise<void> {
    while (this.#encoding.size >= MAX_ENCODING) await Promise.race(this.#encoding)
    if (this.#failure !== undefined) throw this.#failure.error
    const job = encodePixels(this.#plan, z, pixels)
      .then(
        (encoded) => {
          if (encoded === undefined) return
          this.#encoded.push({ z, x, y, type: encoded.type, bytes: encoded.bytes })
          if (z === this.#plan.maxZoom) this.#clamped += encoded.clamped ?? 0
        },
        (error: unknown) => {
          this.#failure ??= { error }
        },
      )
      .finally(() => {
        this.#pool.give(tile)
        this.#encoding.delete(job)
      })
    this.#encoding.add(job)
  }

  /** Waits for the tiles being encoded. */
  async settle(): Promise<void> {
    await Promise.all(this.#encoding)
  }

  result(): SubtreeResult {
    if (this.#failure !== undefined) throw this.#failure.error
    const lost = this.#lost.length === 0 ? undefined : this.#lost
    return { tiles: packTiles(this.#encoded), clamped: this.#clamped, lost, root: this.#root }
  }
}

function copyOf(pixels: Pixels<Samples>): Pixels<Samples> {
  const data = samplesLike(pixels.data, pixels.data.length)
  data.set(pixels.data)
  return { ...pixels, data, mask: pixels.mask?.slice() }
}
