// What is to be expected of a whole build, given a sample of its parts.
import type { ResolvedBuildOptions } from '../options.js'
import { tilesOfUnit, unitsOf } from '../plan/forest.js'
import type { BuildPlan } from '../plan/plan.js'
import type { Sample } from './parts.js'

/** What a build would make of one zoom. */
export interface EstimatedLevel {
  /** The zoom. */
  readonly zoom: number
  /** Number of planned tiles, which is the upper limit. */
  readonly planned: number
  /** Expected number of tiles. */
  readonly tiles: number
  /** Expected bytes of encoded tiles. */
  readonly bytes: number
  /** Expected share of the wall time, seconds. */
  readonly seconds: number
}

type ExpectedLevel = Omit<EstimatedLevel, 'seconds'>

/** Records, directories and headers, measured on files of ten thousand tiles and more. */
const INDEX_BYTES_A_TILE = 40
const FILE_BYTES = 65_536
/** The writer's own work. */
const WRITE_BYTES_A_SECOND = 1e9
const SEAL_SECONDS = 0.15

export const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0)

/** The writer's own time. */
export const writeSeconds = (fileBytes: number): number => fileBytes / WRITE_BYTES_A_SECOND + SEAL_SECONDS

export function fileBytesOf(
  levels: readonly ExpectedLevel[],
  { distinct }: Sample,
  { dedupe }: ResolvedBuildOptions,
): number {
  const tiles = sum(levels.map((level) => level.tiles))
  const tileBytes = sum(levels.map((level) => level.bytes))
  return Math.round(tileBytes * (dedupe ? distinct : 1) + tiles * INDEX_BYTES_A_TILE + FILE_BYTES)
}

/** Typical for photographs, and for one thread that reads, warps and encodes. */
const LOSSY_BYTES_A_PIXEL = 0.25
const LOSSLESS_BYTES_A_PIXEL = 1.5
const SECONDS_A_PIXEL = 4e-8

/** When no part was complete. */
export function guessOf(plan: BuildPlan): Sample {
  const { tileSize, tiles, encoding, sources } = plan
  const bytesAPixel =
    encoding.lossless || encoding.format === 'png' ? LOSSLESS_BYTES_A_PIXEL : LOSSY_BYTES_A_PIXEL
  const pixels = sum(sources.map(({ width, height }) => width * height)) + tiles * tileSize ** 2
  const level = { planned: 1000, tiles: 1000, bytes: 1000 * tileSize ** 2 * bytesAPixel }
  return {
    share: 0,
    parts: 0,
    tiles: 0,
    secondsAt: new Map(),
    levels: new Map([[plan.maxZoom, level]]),
    distinct: 1,
    startSeconds: 0,
    secondsPerTile: (pixels * SECONDS_A_PIXEL) / tiles,
  }
}

/**
 * The share of planned tiles that the sample made, and their bytes, applied to all planned tiles. Zooms above the
 * sample are taken to be like its lowest zoom.
 */
export function expectedLevels(plan: BuildPlan, { levels }: Sample): ExpectedLevel[] {
  const known = [...levels].filter(([, level]) => level.planned > 0).sort(([a], [b]) => a - b)
  const lowest = known[0]![1]
  let filled = lowest.tiles / lowest.planned
  const expected: ExpectedLevel[] = []
  for (const { zoom, tiles: planned } of [...plan.levels].reverse()) {
    const found = levels.get(zoom)
    const level = found !== undefined && found.planned > 0 ? found : lowest
    // an empty tile above needs four empty ones below: for connected images about the square root
    if (level === found) filled = level.tiles / level.planned
    else filled = Math.sqrt(filled)
    const tiles = Math.round(planned * filled)
    expected.push({
      zoom,
      planned,
      tiles,
      bytes: level.tiles === 0 ? 0 : Math.round((tiles * level.bytes) / level.tiles),
    })
  }
  return expected.reverse()
}

/** Divides the time of the tiles among the zooms. */
export function withSeconds(
  levels: readonly ExpectedLevel[],
  { secondsAt, secondsPerTile }: Sample,
  seconds: number,
): EstimatedLevel[] {
  const work = levels.map(({ zoom, planned }) => planned * (secondsAt.get(zoom) ?? secondsPerTile))
  const all = sum(work)
  return levels.map((level, i) => ({ ...level, seconds: all === 0 ? 0 : (seconds * work[i]!) / all }))
}

/** Assigns units to workers one after another. The last worker to finish determines the time. */
export function buildSeconds(plan: BuildPlan, sample: Sample, threads: number): number {
  const workers = new Float64Array(Math.max(1, threads)).fill(sample.startSeconds)
  const work = plan.tiles * sample.secondsPerTile
  if (plan.units > 20 * workers.length) return sample.startSeconds + work / workers.length
  for (const unit of unitsOf(plan)) {
    const first = workers.indexOf(Math.min(...workers))
    workers[first] = workers[first]! + tilesOfUnit(plan, unit) * sample.secondsPerTile
  }
  return Math.max(...workers)
}
