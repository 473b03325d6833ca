// Builds parts that are spread evenly along the Hilbert curve, and so over the image, to estimate the tiles, bytes and
// seconds of a whole build.
//
// There are two rounds. Parts as large as a build's units of work (or a quarter of one) show how long it takes, since
// smaller ones decode more of each block than they use. Then many small ones show how full and how heavy the image is
// everywhere. Parts are built by as many workers as the build will have, at the same time, so that they slow each other
// down as they will in the build. The extra time of a worker's first part is its start, and is counted once.

import { crc32 } from '../../format/crc.js'
import { tileId } from '../../format/tile-id.js'
import { coverTileAt, parentRange } from '../../grid/tiles/cover.js'
import { countAll, unionRanges } from '../../grid/tiles/ranges.js'
import type { BuildPlan } from '../plan/plan.js'
import { tilesOfSubtree } from '../plan/plan.js'
import type { PackedTiles } from '../work/packed.js'
import type { SubtreePool } from '../work/pool.js'

export interface LevelSample {
  /** Planned tiles of the sampled subtrees, and those that were made. */
  planned: number
  tiles: number
  bytes: number
}

export interface Sample {
  /** Share of the planned tiles of the highest zoom that was built: 0 … 1 (more if the rounds overlap). */
  readonly share: number
  readonly parts: number
  /** By zoom. */
  readonly levels: ReadonlyMap<number, LevelSample>
  /** Bytes of tiles that were not duplicates, as a share of all bytes: 0 … 1. */
  readonly distinct: number
  /** For one worker: seconds until it works at full speed, and then seconds per planned tile. */
  readonly startSeconds: number
  readonly secondsPerTile: number
}

/** A large subtree says as much about time as a quarter of it, and takes four times as long. */
const LARGE_PIXELS = 4096
/** Number of parts in a round: at least `least`, however long it takes, and at least `good` within twice the time. */
export interface Few {
  readonly least: number
  readonly good: number
}

const SMALL_DEPTH = 2

/** The plan with smaller units of work if they are large, and no levels above them. */
export function samplePlanOf(plan: BuildPlan): BuildPlan {
  const depth = plan.maxZoom - plan.rootZoom
  const isLarge = plan.tileSize * 2 ** depth >= LARGE_PIXELS && depth > 0
  return withRoots(plan, isLarge ? plan.rootZoom + 1 : plan.rootZoom)
}

/** The plan with units of sixteen tiles. */
export function smallPlanOf(plan: BuildPlan): BuildPlan {
  return withRoots(plan, Math.max(plan.rootZoom, plan.maxZoom - SMALL_DEPTH))
}

function withRoots(plan: BuildPlan, rootZoom: number): BuildPlan {
  const base = plan.levels.at(-1)!.ranges
  const rootRanges = unionRanges(base.map((range) => parentRange(range, plan.maxZoom - rootZoom)))
  return {
    ...plan,
    rootZoom,
    rootRanges,
    subtrees: countAll(rootRanges),
    minZoom: Math.max(plan.minZoom, rootZoom),
    levels: plan.levels.filter(({ zoom }) => zoom >= rootZoom),
  }
}

/** 1/2, 1/4, 3/4, 1/8, 5/8 …: each value lies in the largest gap so far. J. G. van der Corput, 1935. */
export function vanDerCorput(i: number): number {
  let value = 0
  for (let digit = 0.5; i > 0; i = Math.floor(i / 2), digit /= 2) value += (i % 2) * digit
  return value
}

interface Made {
  readonly planned: number
  readonly seconds: number
  /** Whether it was the first of a worker. */
  readonly cold: boolean
}

/** Collects the results of rounds of sampling. */
export class Sampler {
  readonly #levels = new Map<number, LevelSample>()
  readonly #checks = new Set<string>()
  readonly #ids = new Set<number>()
  #made: readonly Made[] = []
  #parts = 0
  #share = 0
  #distinctBytes = 0
  #allBytes = 0

  /**
   * Builds parts until `seconds` have passed or all are built. The first round measures the speed.
   * @throws as the pool, which has the same plan
   */
  async run(plan: BuildPlan, pool: SubtreePool, threads: number, seconds: number, few: Few): Promise<void> {
    const order = spreadOrder(plan.subtrees)
    const made: Made[] = []
    let begun = 0
    const began = performance.now()
    const workers = Math.max(1, threads)
    const work = async (): Promise<void> => {
      for (let cold = true; ; cold = false) {
        if (isEnough(begun, (performance.now() - began) / 1000 / seconds, few)) return
        const next = order.next()
        if (next.done === true) return
        begun++
        const [x, y] = coverTileAt(plan.rootZoom, plan.rootRanges, next.value)
        const start = performance.now()
        const unit = { kind: 'subtree', zoom: plan.rootZoom, x, y, base: plan.maxZoom } as const
        const { tiles } = await pool.build(unit)
        const took = (performance.now() - start) / 1000
        made.push({ planned: tilesOfSubtree(plan, x, y), seconds: took, cold })
        countPlanned(plan, x, y, this.#levels)
        this.#count(tiles)
      }
    }
    try {
      await Promise.all(Array.from({ length: workers }, work))
    } finally {
      if (this.#made.length === 0) this.#made = made
      this.#parts += made.length
      this.#share += made.length / plan.subtrees
    }
  }

  #count(tiles: PackedTiles): void {
    for (let i = 0; i < tiles.count; i++) {
      const bytes = tiles.bytes.subarray(tiles.offsets[i]!, tiles.offsets[i + 1]!)
      const level = this.#levels.get(tiles.zooms[i]!)!
      level.tiles++
      level.bytes += bytes.length
      // some of the small parts of the second round lie in the large ones
      const id = tileId(tiles.zooms[i]!, tiles.xs[i]!, tiles.ys[i]!)
      if (this.#ids.has(id)) continue
      this.#ids.add(id)
      this.#allBytes += bytes.length
      const check = `${bytes.length} ${crc32(bytes)}`
      if (!this.#checks.has(check)) this.#distinctBytes += bytes.length
      this.#checks.add(check)
    }
  }

  get share(): number {
    return this.#share
  }

  result(): Sample {
    const distinct = this.#allBytes === 0 ? 1 : this.#distinctBytes / this.#allBytes
    const { startSeconds, secondsPerTile } = speedOf(this.#made)
    return {
      share: this.#share,
      parts: this.#parts,
      levels: this.#levels,
      distinct,
      startSeconds,
      secondsPerTile,
    }
  }
}

const isEnough = (parts: number, time: number, { least, good }: Few): boolean =>
  parts >= least && time > 1 && (parts >= good || time > 2)

/**
 * All numbers below `count`, distant ones first. Only those that were requested are stored, because there may be very
 * many.
 */
function* spreadOrder(count: number): Generator<number, void> {
  const seen = new Set<number>()
  // twice as many points as places miss hardly any
  for (let i = 1; seen.size < count && i <= 2 * count; i++) {
    const at = Math.floor(vanDerCorput(i) * count)
    if (seen.has(at)) continue
    seen.add(at)
    yield at
  }
  for (let i = 0; seen.size < count; i++) {
    if (seen.has(i)) continue
    seen.add(i)
    yield i
  }
}

function countPlanned(plan: BuildPlan, x: number, y: number, levels: Map<number, LevelSample>): void {
  for (const level of plan.levels) {
    const found = levels.get(level.zoom) ?? { planned: 0, tiles: 0, bytes: 0 }
    found.planned += tilesOfSubtree({ ...plan, levels: [level] }, x, y)
    levels.set(level.zoom, found)
  }
}

function speedOf(made: readonly Made[]): Pick<Sample, 'startSeconds' | 'secondsPerTile'> {
  const warm = made.filter(({ cold }) => !cold)
  const cold = made.filter((one) => one.cold)
  const of = (list: readonly Made[], what: 'planned' | 'seconds'): number =>
    list.reduce((sum, one) => sum + one[what], 0)
  if (of(warm, 'planned') === 0) {
    return { startSeconds: 0, secondsPerTile: of(cold, 'seconds') / Math.max(1, of(cold, 'planned')) }
  }
  const secondsPerTile = of(warm, 'seconds') / of(warm, 'planned')
  const late = cold.map(({ planned, seconds }) => Math.max(0, seconds - planned * secondsPerTile))
  return { startSeconds: late.reduce((sum, s) => sum + s, 0) / Math.max(1, late.length), secondsPerTile }
}
