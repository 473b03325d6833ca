// What the parts that were built for a sample say about the whole build.
//
// In a build of several depths as many parts of each are built, although there may be a thousand times as many of one.
// So each part counts as often as there are parts of its depth for one that was built.

export interface LevelSample {
  /** Planned tiles of the sampled subtrees, and those that were made. */
  planned: number
  tiles: number
  bytes: number
}

/** A subtree that was built. */
export interface Part {
  readonly base: number
  /** Number of subtrees with this base. */
  readonly of: number
  /** By zoom. */
  readonly levels: Map<number, LevelSample>
  /** Number of planned tiles. */
  readonly planned: number
  readonly seconds: number
  /** Whether it was the first of a worker. */
  readonly cold: boolean
}

export interface Sample {
  /** Share of the subtrees that was built: 0 … 1 (more if the rounds overlap). */
  readonly share: number
  readonly parts: number
  /** Number of tiles that were made. */
  readonly tiles: number
  /** By zoom. */
  readonly levels: ReadonlyMap<number, LevelSample>
  /** Bytes of tiles that were not duplicates, as a share of all bytes: 0 … 1. */
  readonly distinct: number
  /** For one worker: seconds until it works at full speed, and then seconds per planned tile. */
  readonly startSeconds: number
  readonly secondsPerTile: number
  /** Seconds per planned tile by zoom, of a worker at full speed. */
  readonly secondsAt: ReadonlyMap<number, number>
}

interface Weighted extends Part {
  readonly weight: number
}

export function sampleOfParts(rounds: readonly (readonly Part[])[]): Omit<Sample, 'share' | 'distinct'> {
  const all = rounds.flatMap(weighted)
  const levels = new Map<number, LevelSample>()
  let tiles = 0
  for (const { weight, levels: own } of all) {
    for (const [zoom, level] of own) {
      const sum = levels.get(zoom) ?? { planned: 0, tiles: 0, bytes: 0 }
      sum.planned += weight * level.planned
      sum.tiles += weight * level.tiles
      sum.bytes += weight * level.bytes
      levels.set(zoom, sum)
      tiles += level.tiles
    }
  }
  return { parts: all.length, tiles, levels, ...speedOf(weighted(rounds[0] ?? [])) }
}

/** The mean weight is 1. */
function weighted(parts: readonly Part[]): Weighted[] {
  const built = new Map<number, number>()
  for (const { base } of parts) built.set(base, (built.get(base) ?? 0) + 1)
  const all = parts.reduce((sum, { base, of }) => sum + of / built.get(base)!, 0)
  return parts.map((part) => ({ ...part, weight: (part.of / built.get(part.base)! / all) * parts.length }))
}

function speedOf(parts: readonly Weighted[]): Pick<Sample, 'startSeconds' | 'secondsPerTile' | 'secondsAt'> {
  const warm = parts.filter(({ cold }) => !cold)
  const cold = parts.filter((one) => one.cold)
  const of = (list: readonly Weighted[], what: 'planned' | 'seconds'): number =>
    list.reduce((sum, one) => sum + one.weight * one[what], 0)
  const isWarm = of(warm, 'planned') > 0
  const used = isWarm ? warm : cold
  const secondsPerTile = of(used, 'seconds') / Math.max(1e-9, of(used, 'planned'))
  const late = cold.map(({ planned, seconds }) => Math.max(0, seconds - planned * secondsPerTile))
  const startSeconds = isWarm ? late.reduce((sum, s) => sum + s, 0) / Math.max(1, late.length) : 0
  return { startSeconds, secondsPerTile, secondsAt: secondsByZoom(used) }
}

/** The tiles of a part are taken to need the same time. */
function secondsByZoom(parts: readonly Weighted[]): Map<number, number> {
  const sums = new Map<number, { seconds: number; planned: number }>()
  for (const { weight, levels, planned, seconds } of parts) {
    for (const [zoom, level] of levels) {
      const sum = sums.get(zoom) ?? { seconds: 0, planned: 0 }
      sum.seconds += (weight * level.planned * seconds) / Math.max(1, planned)
      sum.planned += weight * level.planned
      sums.set(zoom, sum)
    }
  }
  return new Map([...sums].map(([zoom, { seconds, planned }]) => [zoom, seconds / Math.max(1e-9, planned)]))
}
