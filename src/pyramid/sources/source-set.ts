// The sources of a build as a worker uses them: found by their location, opened when they are needed, and closed when
// others are needed more.
//
// Invariants: at most `maxOpen` files are open, and their block caches share `cacheBytes`, apart from those in use at
// the moment. A source is never closed while it is being read.
import Flatbush from 'flatbush'
import { FlagstoneError } from '../../errors.js'
import type { PixelRect } from '../../grid/tiles/rect.js'
import { isShortOfDescriptors } from '../../platform/regular-file.js'
import { CHANGED_ERRNO, isDamage, type Loss, reasonOf } from '../../raster/losses.js'
import { withoutSecrets } from '../../raster/remote-path.js'
import type { RasterSource, SourceInfo } from '../../raster/source.js'
import { MAX_ZOOM } from '../../zooms.js'
import { areaOf, rectsOf } from '../plan/cover.js'
import { type BuildPlan, hasStarts } from '../plan/plan.js'
import { type OpenOptions, openOptionsFor, type SourceOpener } from './open.js'

/** Plain data in shared memory, the same for all workers. */
export interface SourceTable {
  readonly paths: readonly string[]
  /** For remote files, the version that the plan was made from. */
  readonly versions: readonly (string | undefined)[]
  readonly maxZoom: number
  /** A Flatbush over rectangles of pixels of maxZoom. */
  readonly index: SharedArrayBuffer
  /** Number of pixels that a kernel may paint beyond a source; the rectangles contain them. */
  readonly margin: number
  /** The source of each rectangle. */
  readonly owners: Int32Array
  /** By source: the lowest zoom that shows it, and the highest that is built for it. */
  readonly depths: Uint8Array
  /** Whether a source is not shown at the lowest zoom. */
  readonly hasStarts: boolean
  /** Approximate number of sources at one place. */
  readonly overlap: number
}

/** A source that may paint a part of a rectangle, and which part, in pixels of the rectangle's zoom. */
export interface Candidate {
  readonly source: number
  readonly rect: PixelRect
  /** Whether its pixels make a tile exist at this zoom: it is not coarser. */
  readonly isDeep: boolean
}

export interface SetLimits {
  readonly maxOpen: number
  /** For all block caches together. */
  readonly cacheBytes: number
}

/** Kernels that average paint half a pixel beyond an image. */
const AVERAGE_MARGIN_PX = 1
const MIN_CACHE_BYTES = 4 * 2 ** 20
/** Size of the places where overlap is measured, pixels; and how many of them. */
const PLACE_PX = 1024
const MAX_PLACES = 2000

type Placed = Pick<BuildPlan, 'sources' | 'depths' | 'minZoom' | 'maxZoom' | 'tileSize' | 'resampling'>

export function sourceTable(plan: Placed): SourceTable {
  const rects: PixelRect[] = []
  const owners: number[] = []
  for (const [i, info] of plan.sources.entries()) {
    const area = areaOf(info)
    for (const rect of area === undefined ? [] : rectsOf(area, plan.maxZoom, plan.tileSize)) {
      rects.push(rect)
      owners.push(i)
    }
  }
  const index = new Flatbush(Math.max(1, rects.length), 16, Float64Array, SharedArrayBuffer)
  const margin = plan.resampling === 'average' ? AVERAGE_MARGIN_PX : 0
  for (const { minX, minY, endX, endY } of rects) {
    index.add(minX - margin, minY - margin, endX + margin, endY + margin)
  }
  // an index cannot be empty
  if (rects.length === 0) index.add(-1, -1, -1, -1)
  index.finish()
  const shared = new Int32Array(new SharedArrayBuffer(Math.max(1, owners.length) * 4))
  shared.set(owners)
  const depths = new Uint8Array(new SharedArrayBuffer(2 * plan.depths.length))
  depths.set(plan.depths.flatMap(({ minZoom, zoom }) => [minZoom, zoom]))
  return {
    paths: plan.sources.map((info) => info.path),
    versions: plan.sources.map((info) => info.version),
    maxZoom: plan.maxZoom,
    index: index.data as SharedArrayBuffer,
    margin,
    owners: shared,
    depths,
    hasStarts: hasStarts(plan),
    overlap: overlapOf(index, rects),
  }
}

/** The largest number of sources that intersect one of many places. */
function overlapOf(index: Flatbush, rects: readonly PixelRect[]): number {
  let most = 1
  const step = Math.max(1, Math.floor(rects.length / MAX_PLACES))
  for (let i = 0; i < rects.length; i += step) {
    const { minX, minY, endX, endY } = rects[i]!
    const x = (minX + endX - PLACE_PX) / 2
    const y = (minY + endY - PLACE_PX) / 2
    most = Math.max(most, index.search(x, y, x + PLACE_PX, y + PLACE_PX).length)
  }
  return most
}

interface Entry {
  readonly source: Promise<RasterSource>
  users: number
  /** Known once the source is open. */
  bytes: number
}

export class SourceSet {
  readonly #table: SourceTable
  readonly #index: Flatbush
  readonly #open: OpenOptions
  readonly #opener: SourceOpener
  readonly #limits: SetLimits
  /** In order of use. */
  readonly #entries = new Map<number, Entry>()

  constructor(table: SourceTable, open: OpenOptions, opener: SourceOpener, limits: SetLimits) {
    const most = Math.min(table.paths.length, limits.maxOpen, table.overlap)
    const cacheBytes = Math.max(MIN_CACHE_BYTES, Math.floor(limits.cacheBytes / Math.max(1, most)))
    this.#table = table
    this.#index = Flatbush.from(table.index)
    this.#open = { ...open, cacheBytes }
    this.#opener = opener
    this.#limits = limits
  }

  /** A set of sources that are already open, in the order of the plan's. */
  static of(plan: Placed, sources: readonly RasterSource[]): SourceSet {
    const table = { ...sourceTable(plan), paths: sources.map((_, i) => `${i}`) }
    const limits = { maxOpen: sources.length, cacheBytes: Number.POSITIVE_INFINITY }
    return new SourceSet(table, {}, async (path) => sources[Number(path)]!, limits)
  }

  /**
   * Sources that may paint a part of a rectangle of pixels of a zoom, in their order: those shown at this zoom, and
   * built for none above `deepest`.
   */
  search({ minX, minY, endX, endY }: PixelRect, zoom: number, deepest = MAX_ZOOM): Candidate[] {
    const { depths, owners } = this.#table
    const scale = 2 ** (this.#table.maxZoom - zoom)
    // the margin within the index is that of maxZoom
    const margin = scale === 1 ? 0 : this.#table.margin
    const low = (edge: number): number => Math.floor(edge / scale) - margin
    const high = (edge: number): number => Math.ceil(edge / scale) + margin
    const [west, north, east, south] = [minX - margin, minY - margin, endX + margin, endY + margin]
    const found = new Map<number, PixelRect>()
    this.#index.search(west * scale, north * scale, east * scale, south * scale, (i, x0, y0, x1, y1) => {
      const [left, top, right, bottom] = [low(x0), low(y0), high(x1), high(y1)]
      // those that only touch it
      if (left >= endX || top >= endY || right <= minX || bottom <= minY) return false
      const source = owners[i]!
      if (depths[2 * source]! > zoom || depths[2 * source + 1]! > deepest) return false
      const before = found.get(source)
      const rect = {
        minX: Math.max(minX, Math.min(left, before?.minX ?? left)),
        minY: Math.max(minY, Math.min(top, before?.minY ?? top)),
        endX: Math.min(endX, Math.max(right, before?.endX ?? right)),
        endY: Math.min(endY, Math.max(bottom, before?.endY ?? bottom)),
      }
      found.set(source, rect)
      return false
    })
    return [...found]
      .map(([source, rect]) => ({ source, rect, isDeep: depths[2 * source + 1]! >= zoom }))
      .sort((a, b) => a.source - b.source)
  }

  /** Whether a source whose lowest zoom is this one may paint a part of a rectangle. */
  startsIn(rect: PixelRect, zoom: number): boolean {
    const { depths, hasStarts } = this.#table
    return hasStarts && this.search(rect, zoom).some(({ source }) => depths[2 * source] === zoom)
  }

  get openCount(): number {
    return this.#entries.size
  }

  /**
   * The loss for a source that cannot be opened any more, if damaged parts may be left empty.
   * @throws as `error`, when it is not damage or damage is not skipped
   */
  lossOf(source: number, error: unknown): Loss {
    if (this.#open.skipDamaged !== true || !isDamage(error)) throw error
    const path = withoutSecrets(this.#table.paths[source]!)
    return { path, part: 'all of it', block: 0, x: 0, y: 0, width: 0, height: 0, reason: reasonOf(error) }
  }

  /** Opens a source. It stays open until it is released as often as it was acquired. @throws as openSource */
  async acquire(source: number): Promise<RasterSource> {
    let entry = this.#entries.get(source)
    if (entry === undefined) {
      this.#makeRoom()
      entry = { source: this.#openAtLast(source), users: 0, bytes: 0 }
    }
    entry.users++
    this.#entries.delete(source)
    this.#entries.set(source, entry)
    try {
      const opened = await entry.source
      entry.bytes = Math.min(this.#open.cacheBytes!, decodedBytes(opened.info))
      return opened
    } catch (error) {
      entry.users--
      // the next attempt opens it again
      if (this.#entries.get(source) === entry) this.#entries.delete(source)
      throw error
    }
  }

  /** If too many files are open, closes all others and tries again. */
  async #openAtLast(source: number): Promise<RasterSource> {
    try {
      return await this.#openSame(source)
    } catch (error) {
      if (!isShortOfDescriptors(error)) throw error
      await this.#closeIdle()
      return this.#openSame(source)
    }
  }

  async #closeIdle(): Promise<void> {
    const idle = [...this.#entries].filter(([, { users }]) => users === 0)
    for (const [source] of idle) this.#entries.delete(source)
    await Promise.all(idle.map(([, entry]) => entry.source.then((opened) => opened.close()).catch(() => {})))
  }

  /** @throws SOURCE_UNREADABLE when the file is no longer the one that the plan was made from */
  async #openSame(source: number): Promise<RasterSource> {
    const path = this.#table.paths[source]!
    const opened = await this.#opener(path, openOptionsFor(this.#open, this.#open.own?.[source]))
    if (opened.info.version === this.#table.versions[source]) return opened
    await opened.close()
    throw new FlagstoneError(
      'SOURCE_UNREADABLE',
      `${withoutSecrets(path)}: the file changed on its server during the build; start again`,
      { path, errno: CHANGED_ERRNO },
    )
  }

  release(source: number): void {
    const entry = this.#entries.get(source)
    if (entry !== undefined) entry.users--
    this.#makeRoom(0)
  }

  /** Closes the least recently used sources until `more` may be opened. */
  #makeRoom(more = 1): void {
    let count = this.#entries.size + more
    let bytes = 0
    for (const entry of this.#entries.values()) bytes += entry.bytes
    for (const [source, entry] of this.#entries) {
      if (count <= this.#limits.maxOpen && bytes <= this.#limits.cacheBytes) return
      if (entry.users > 0) continue
      this.#entries.delete(source)
      entry.source.then((opened) => opened.close()).catch(() => {})
      count--
      bytes -= entry.bytes
    }
  }

  /** Closes all sources; none may be in use. */
  async close(): Promise<void> {
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    await Promise.all(
      entries.map(async (entry) => {
        const opened = await entry.source.catch(() => undefined)
        await opened?.close()
      }),
    )
  }
}

/** Approximate upper limit of what a block cache of the source can hold. */
function decodedBytes(info: SourceInfo): number {
  const sample = info.samples === 'float32' ? 4 : 1
  return info.width * info.height * (info.bands * sample + 1) * 1.4
}
