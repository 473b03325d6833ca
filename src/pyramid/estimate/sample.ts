// Builds parts that are spread evenly along the Hilbert curve, and so over the image, to estimate the tiles, bytes and
// seconds of a whole build.
//
// There are two rounds. Parts as large as a build's units of work (or a quarter of one) show how long it takes, since
// smaller ones decode more of each block than they use. Then many small ones show how full and how heavy the image is
// everywhere. Parts are built by as many workers as the build will have, at the same time, so that they slow each other
// down as they will in the build. The extra time of a worker's first part is its start, and is counted once.

import { crc32 } from '../../format/crc.js'
import { tileId } from '../../format/tile-id.js'
import { type SubtreeUnit, tilesOfUnit } from '../plan/forest.js'
import type { BuildPlan } from '../plan/plan.js'
import { plannedTilesOf } from '../plan/planned-tiles.js'
import { cellOf } from '../plan/range-index.js'
import { type Roots, rootsOf, subtreeAt } from '../plan/roots.js'
import type { PackedTiles } from '../work/packed.js'
import type { SubtreePool } from '../work/pool.js'
import { type Part, type Sample, sampleOfParts } from './parts.js'

/** A large subtree says as much about time as a quarter of it, and takes four times as long. */
const LARGE_PIXELS = 4096
/** Number of parts in a round: at least `least`, however long it takes, and at least `good` within twice the time. */
export interface Few {
  readonly least: number
  readonly good: number
}

const SMALL_DEPTH = 2

/** The plan with smaller units of work if they are large. */
export function samplePlanOf(plan: BuildPlan): BuildPlan {
  const isLarge = plan.tileSize * 2 ** plan.treeDepth >= LARGE_PIXELS && plan.treeDepth > 0
  return isLarge ? { ...plan, treeDepth: plan.treeDepth - 1 } : plan
}

/** The plan with units of sixteen tiles. */
export const smallPlanOf = (plan: BuildPlan): BuildPlan => ({
  ...plan,
  treeDepth: Math.min(plan.treeDepth, SMALL_DEPTH),
})

/** 1/2, 1/4, 3/4, 1/8, 5/8 …: each value lies in the largest gap so far. J. G. van der Corput, 1935. */
export function vanDerCorput(i: number): number {
  let value = 0
  for (let digit = 0.5; i > 0; i = Math.floor(i / 2), digit /= 2) value += (i % 2) * digit
  return value
}

/** Collects the results of rounds of sampling. */
export class Sampler {
  readonly #checks = new Set<string>()
  readonly #ids = new Set<number>()
  readonly #rounds: Part[][] = []
  #share = 0
  #distinctBytes = 0
  #allBytes = 0

  /**
   * Builds parts until `seconds` have passed or all are built, of each depth as many. The first round measures the
   * speed.
   * @throws as the pool, which has the same plan
   */
  async run(plan: BuildPlan, pool: SubtreePool, threads: number, seconds: number, few: Few): Promise<void> {
    const roots = rootsOf(plan)
    const depths = [...new Set(roots.map(({ base }) => base))].map((base) =>
      roots.filter((one) => one.base === base),
    )
    const order = inTurns(depths)
    const parts: Part[] = []
    let begun = 0
    const began = performance.now()
    const workers = Math.max(1, threads)
    const enough = { least: Math.max(few.least, 2 * depths.length), good: few.good * depths.length }
    const work = async (): Promise<void> => {
      for (let cold = true; ; cold = false) {
        if (isEnough(begun, (performance.now() - began) / 1000 / seconds, enough)) return
        const next = order.next()
        if (next.done === true) return
        begun++
        const { unit, weight } = next.value
        const start = performance.now()
        const { tiles } = await pool.build(unit)
        const took = (performance.now() - start) / 1000
        const levels = plannedOf(plan, unit)
        this.#count(tiles, levels)
        parts.push({
          base: unit.base,
          of: weight,
          levels,
          planned: tilesOfUnit(plan, unit),
          seconds: took,
          cold,
        })
      }
    }
    try {
      await Promise.all(Array.from({ length: workers }, work))
    } finally {
      this.#rounds.push(parts)
      this.#share += parts.length / roots.reduce((sum, { count }) => sum + count, 0)
    }
  }

  #count(tiles: PackedTiles, levels: Part['levels']): void {
    for (let i = 0; i < tiles.count; i++) {
      const bytes = tiles.bytes.subarray(tiles.offsets[i]!, tiles.offsets[i + 1]!)
      const level = levels.get(tiles.zooms[i]!)!
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
    return { share: this.#share, distinct, ...sampleOfParts(this.#rounds) }
  }
}

interface Turn {
  readonly unit: SubtreeUnit
  /** Number of subtrees of this depth. */
  readonly weight: number
}

/** A subtree of each depth in turn, distant ones first. */
function* inTurns(depths: readonly (readonly Roots[])[]): Generator<Turn, undefined> {
  const orders = depths.map((roots) => {
    const weight = roots.reduce((sum, { count }) => sum + count, 0)
    return { roots, weight, places: spreadOrder(weight) }
  })
  for (let isDone = false; !isDone; ) {
    isDone = true
    for (const { roots, weight, places } of orders) {
      const next = places.next()
      if (next.done === true) continue
      isDone = false
      yield { unit: subtreeAt(roots, next.value), weight }
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

/** The planned tiles of a subtree by zoom; none is made yet. */
function plannedOf(plan: BuildPlan, { zoom, x, y, base }: SubtreeUnit): Part['levels'] {
  const levels: Part['levels'] = new Map()
  for (let z = Math.max(zoom, plan.minZoom); z <= base; z++) {
    levels.set(z, { planned: plannedTilesOf(plan).countIn(z, cellOf(x, y, z - zoom)), tiles: 0, bytes: 0 })
  }
  return levels
}
