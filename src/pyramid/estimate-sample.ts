// Tiles really made, of subtrees spread evenly along the Hilbert curve (so over the image), to say from them
// what a whole build makes: how many tiles, bytes and seconds.
//
// Subtrees are built by as many workers as the build will have, at once, so that they get in each other's way
// as they will then. What a worker's first one takes longer is its start, and is counted once.
import { crc32 } from '../format/crc.js'
import { parentRange } from '../grid/cover.js'
import { type BuildPlan, subtreeRoots } from './plan.js'
import type { SubtreePool } from './pool.js'
import { countAll, unionRanges } from './ranges.js'
import { tilesOfSubtree } from './subtree.js'

export interface LevelSample {
  /** Tiles that were planned in the subtrees looked at, and those that came out. */
  planned: number
  tiles: number
  bytes: number
}

export interface Sample {
  readonly subtrees: number
  /** Of so many. */
  readonly of: number
  /** By zoom. */
  readonly levels: ReadonlyMap<number, LevelSample>
  /** Bytes of tiles that were not there before, of all bytes: 0 … 1. */
  readonly distinct: number
  /** Of one worker: seconds before it works at full speed, and seconds a planned tile then. */
  readonly startSeconds: number
  readonly secondsPerTile: number
}

/** A large subtree says as much about time as its quarter, and takes four times as long. */
const LARGE_PIXELS = 4096
/** Subtrees a worker: never fewer, however long it takes; and fewer only after twice the time. */
const LEAST_EACH = 2
const GOOD_EACH = 6

/** The plan with smaller units of work when they are large, and nothing above them. */
export function samplePlanOf(plan: BuildPlan): BuildPlan {
  const depth = plan.maxZoom - plan.rootZoom
  const isLarge = plan.tileSize * 2 ** depth >= LARGE_PIXELS && depth > 0
  const rootZoom = isLarge ? plan.rootZoom + 1 : plan.rootZoom
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

/** 1/2, 1/4, 3/4, 1/8, 5/8 …: each next one lies in the largest gap. J. G. van der Corput, 1935. */
export function vanDerCorput(i: number): number {
  let value = 0
  for (let digit = 0.5; i > 0; i = Math.floor(i / 2), digit /= 2) value += (i % 2) * digit
  return value
}

interface Made {
  readonly planned: number
  readonly seconds: number
  /** The first of a worker. */
  readonly cold: boolean
}

/**
 * Builds subtrees until `seconds` have passed or all are built.
 * @param plan of samplePlanOf, the one the pool has
 * Rejects with what the pool rejects with.
 */
export async function sampleSubtrees(
  plan: BuildPlan,
  pool: SubtreePool,
  threads: number,
  seconds: number,
): Promise<Sample> {
  const roots = [...subtreeRoots(plan)]
  const order = spreadOrder(roots.length)
  const levels = new Map<number, LevelSample>()
  const checks = new Set<string>()
  const made: Made[] = []
  let distinctBytes = 0
  let allBytes = 0
  let next = 0
  const began = performance.now()
  const workers = Math.max(1, threads)
  const work = async (): Promise<void> => {
    for (let cold = true; next < order.length; cold = false) {
      if (isEnough(next / workers, (performance.now() - began) / 1000 / seconds)) return
      const [x, y] = roots[order[next++]!]!
      const start = performance.now()
      const { tiles } = await pool.build(x, y)
      made.push({ planned: tilesOfSubtree(plan, x, y), seconds: (performance.now() - start) / 1000, cold })
      countPlanned(plan, x, y, levels)
      for (let i = 0; i < tiles.count; i++) {
        const bytes = tiles.bytes.subarray(tiles.offsets[i]!, tiles.offsets[i + 1]!)
        const level = levels.get(tiles.zooms[i]!)!
        level.tiles++
        level.bytes += bytes.length
        allBytes += bytes.length
        const check = `${bytes.length} ${crc32(bytes)}`
        if (!checks.has(check)) distinctBytes += bytes.length
        checks.add(check)
      }
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  const distinct = allBytes === 0 ? 1 : distinctBytes / allBytes
  return { subtrees: made.length, of: roots.length, levels, distinct, ...speedOf(made) }
}

const isEnough = (each: number, time: number): boolean =>
  each >= LEAST_EACH && time > 1 && (each >= GOOD_EACH || time > 2)

/** All numbers below `count`, those that are far apart first. */
function spreadOrder(count: number): number[] {
  const order = new Set<number>()
  // twice as many points as places leave hardly one out
  for (let i = 1; order.size < count && i <= 2 * count; i++) order.add(Math.floor(vanDerCorput(i) * count))
  for (let i = 0; i < count; i++) order.add(i)
  return [...order]
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
