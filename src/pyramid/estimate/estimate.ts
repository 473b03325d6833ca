// Estimates what a build would make, how long it would take and whether it would fit, from the plan and a sample of its
// tiles. Nothing is written.
import { FlagstoneError } from '../../errors.js'
import { expectGrowth } from '../../platform/probe.js'
import { parseOptions } from '../../store/options.js'
import { refuseInput } from '../../store/output-path.js'
import {
  type BuildOptions,
  estimateContext,
  parseBuildOptions,
  type ResolvedBuildOptions,
} from '../options.js'
import { checkOutput } from '../output/output.js'
import type { EncodingPlan } from '../plan/encoding.js'
import { type BuildPlan, subtreeRoots, tilesOfSubtree } from '../plan/plan.js'
import {
  notesOf,
  type PrepareContext,
  type Prepared,
  poolOf,
  prepare,
  threadsOf,
  withInputs,
} from '../prepare.js'
import type { SkippedSource } from '../sources/infos.js'
import { type Coverage, coverageOf } from './coverage.js'
import { diskOf } from './disk.js'
import { type Few, type Sample, Sampler, samplePlanOf, smallPlanOf } from './sample.js'

/** What an estimate uses besides the options of the build. */
export interface EstimateContext extends PrepareContext {
  /** How long tiles are built for the sample, seconds. Default: 4. */
  readonly sampleSeconds?: number | undefined
}

/** What a build with these options would make and take. Expected numbers are scaled up from a sample. */
export interface Estimate {
  /** Path of the tile file. */
  readonly out: string
  /** Lowest zoom. */
  readonly minZoom: number
  /** Highest zoom. */
  readonly maxZoom: number
  /** Width and height of a tile, pixels. */
  readonly tileSize: number
  /** West, south, east, north, degrees. */
  readonly bounds: readonly [number, number, number, number]
  /** How tiles would be encoded. */
  readonly encoding: EncodingPlan
  /** For each zoom: planned tiles, which is the upper limit; expected tiles and encoded bytes. */
  readonly levels: readonly { zoom: number; planned: number; tiles: number; bytes: number }[]
  /** Expected number of tiles, over all zooms. */
  readonly tiles: number
  /** Expected bytes of encoded tiles; identical tiles count each time. */
  readonly tileBytes: number
  /** Expected size of the file. */
  readonly fileBytes: number
  /** Number of threads that would be used. */
  readonly threads: number
  /** Expected wall time of the whole build, including the reading for the plan. */
  readonly seconds: number
  /** The part that was built for the estimate. */
  readonly sample: {
    readonly parts: number
    /** Share of the image: 0 … 1. */
    readonly share: number
    readonly tiles: number
    readonly seconds: number
  }
  /** The directory of the file, its free space, and whether the file fits. */
  readonly disk: { readonly directory: string; readonly freeBytes: number; readonly fits: boolean }
  /** How index regions will grow. */
  readonly growth: { readonly method: 'insert' | 'relocate'; readonly fileSystem: string }
  /** How much of the bounds the sources cover. */
  readonly coverage: Coverage
  /** Paths of the sources. */
  readonly sources: readonly string[]
  /** Sources skipped by skipUnreadable. */
  readonly skipped: readonly SkippedSource[]
  /** Sentences about choices that the build would make itself. */
  readonly notes: readonly string[]
}

/** Records, directories and headers, measured on files of ten thousand tiles and more. */
const INDEX_BYTES_A_TILE = 40
const FILE_BYTES = 65_536
/** After this share of the image, small parts add little. */
const MUCH = 0.6
/** The writer's own work. */
const WRITE_BYTES_A_SECOND = 1e9
const SEAL_SECONDS = 0.15

/**
 * Estimates what a build would make and take, without writing anything, by building a sample of the tiles in memory. An
 * output that exists is a note, not an error.
 * @throws as build
 */
export async function estimate(options: BuildOptions, context: EstimateContext = {}): Promise<Estimate> {
  parseOptions(estimateContext, context, 'estimate context')
  const began = performance.now()
  const parsed = parseBuildOptions(options)
  const notes = outputNotes(parsed)
  const named = await withInputs(parsed, context)
  refuseInput(named.out, named.sources)
  const prepared = await prepare(named, context)
  const { options: resolved } = prepared
  const prepareSeconds = (performance.now() - began) / 1000
  const { plan, skipped } = prepared
  const threads = threadsOf(plan, resolved, context)
  const sampleBegan = performance.now()
  const sample = await sampleOf(prepared, threads, context, context.sampleSeconds)
  const sampleSeconds = (performance.now() - sampleBegan) / 1000
  const levels = expectedLevels(plan, sample)
  const tiles = sum(levels.map((level) => level.tiles))
  const tileBytes = sum(levels.map((level) => level.bytes))
  const fileBytes = fileBytesOf(levels, sample, resolved)
  const disk = diskOf(resolved.out)
  const { insertRange, fileSystem } = expectGrowth(disk.directory)
  return {
    out: resolved.out,
    minZoom: plan.minZoom,
    maxZoom: plan.maxZoom,
    tileSize: plan.tileSize,
    bounds: plan.bounds,
    encoding: plan.encoding,
    levels,
    tiles,
    tileBytes,
    fileBytes,
    threads,
    seconds:
      prepareSeconds + buildSeconds(plan, sample, threads) + fileBytes / WRITE_BYTES_A_SECOND + SEAL_SECONDS,
    sample: {
      parts: sample.parts,
      share: Math.min(1, sample.share),
      tiles: sample.parts === 0 ? 0 : sum([...sample.levels.values()].map((level) => level.tiles)),
      seconds: sampleSeconds,
    },
    disk: { ...disk, fits: fileBytes <= disk.freeBytes },
    growth: { method: insertRange ? 'insert' : 'relocate', fileSystem },
    coverage: coverageOf(plan.sources, plan.bounds),
    sources: plan.sources.map((info) => info.description),
    skipped,
    notes: [...notesOf(prepared), ...notes, ...(sample.parts === 0 ? [NO_SAMPLE] : [])],
  }
}

/** The expected size of the file. @throws as build */
export async function expectedBytes(
  prepared: Prepared,
  context: PrepareContext,
  seconds: number,
): Promise<number> {
  const threads = threadsOf(prepared.plan, prepared.options, context)
  const sample = await sampleOf(prepared, threads, context, seconds)
  return fileBytesOf(expectedLevels(prepared.plan, sample), sample, prepared.options)
}

function fileBytesOf(
  levels: Estimate['levels'],
  { distinct }: Sample,
  { dedupe }: ResolvedBuildOptions,
): number {
  const tiles = sum(levels.map((level) => level.tiles))
  const tileBytes = sum(levels.map((level) => level.bytes))
  return Math.round(tileBytes * (dedupe ? distinct : 1) + tiles * INDEX_BYTES_A_TILE + FILE_BYTES)
}

const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0)

/** However long one part takes, the estimate ends after about this many seconds. */
const LONGEST_SECONDS = 10

/** A round of large parts, then, unless they were all, a round of small ones. */
async function sampleOf(
  prepared: Prepared,
  threads: number,
  context: PrepareContext,
  seconds = 4,
): Promise<Sample> {
  const { signal } = context
  const sampler = new Sampler()
  const deadline = performance.now() + 1000 * Math.max(LONGEST_SECONDS, 4 * seconds)
  const round = async (plan: BuildPlan, time: number, few: Few): Promise<void> => {
    if (signal?.aborted === true) throw new FlagstoneError('INTERRUPTED', 'Interrupted.')
    const pool = poolOf({ ...prepared, plan, options: { ...prepared.options, threads } }, context, 'no spool')
    const stop = (): void => pool.stop()
    signal?.addEventListener('abort', stop, { once: true })
    const timer = setTimeout(stop, deadline - performance.now())
    try {
      await sampler.run(plan, pool, threads, time, few)
    } catch (error) {
      const isLate = !signal?.aborted && performance.now() >= deadline
      if (!isLate || !(error instanceof FlagstoneError) || error.code !== 'INTERRUPTED') throw error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
      await pool.close()
    }
  }
  // the first part of a worker says nothing about its speed
  const each = 2 * Math.max(1, threads)
  await round(samplePlanOf(prepared.plan), seconds * 0.6, { least: each, good: 3 * each })
  if (sampler.share < MUCH && performance.now() < deadline)
    await round(smallPlanOf(prepared.plan), seconds * 0.4, { least: 12, good: 40 })
  const sample = sampler.result()
  return sample.parts > 0 ? sample : guessOf(prepared.plan)
}

const NO_SAMPLE = 'The sample ended before any part of the build was complete, so sizes and times are rough.'
/** Typical for photographs, and for one thread that reads, warps and encodes. */
const LOSSY_BYTES_A_PIXEL = 0.25
const LOSSLESS_BYTES_A_PIXEL = 1.5
const SECONDS_A_PIXEL = 4e-8

function guessOf(plan: BuildPlan): Sample {
  const { tileSize, tiles, encoding, sources } = plan
  const bytesAPixel =
    encoding.lossless || encoding.format === 'png' ? LOSSLESS_BYTES_A_PIXEL : LOSSY_BYTES_A_PIXEL
  const pixels = sum(sources.map(({ width, height }) => width * height)) + tiles * tileSize ** 2
  const level = { planned: 1000, tiles: 1000, bytes: 1000 * tileSize ** 2 * bytesAPixel }
  return {
    share: 0,
    parts: 0,
    levels: new Map([[plan.maxZoom, level]]),
    distinct: 1,
    startSeconds: 0,
    secondsPerTile: (pixels * SECONDS_A_PIXEL) / tiles,
  }
}

/** An existing output does not prevent an estimate. */
function outputNotes(options: ResolvedBuildOptions): string[] {
  try {
    checkOutput(options)
    return []
  } catch (error) {
    if (error instanceof FlagstoneError && error.code === 'EXISTS') return [error.message]
    throw error
  }
}

/**
 * The share of planned tiles that the sample made, and their bytes, applied to all planned tiles. Zooms above the
 * sample are taken to be like its lowest zoom.
 */
function expectedLevels(plan: BuildPlan, { levels }: Sample): Estimate['levels'] {
  const known = [...levels].filter(([, level]) => level.planned > 0).sort(([a], [b]) => a - b)
  const lowest = known[0]![1]
  let filled = lowest.tiles / lowest.planned
  const expected: { zoom: number; planned: number; tiles: number; bytes: number }[] = []
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
      bytes: Math.round((tiles * level.bytes) / Math.max(1, level.tiles)),
    })
  }
  return expected.reverse()
}

/** Assigns roots to workers one after another. The last worker to finish determines the time. */
function buildSeconds(plan: BuildPlan, sample: Sample, threads: number): number {
  const workers = new Float64Array(Math.max(1, threads)).fill(sample.startSeconds)
  const work = plan.tiles * sample.secondsPerTile
  if (plan.subtrees > 20 * workers.length) return sample.startSeconds + work / workers.length
  for (const [x, y] of subtreeRoots(plan)) {
    const first = workers.indexOf(Math.min(...workers))
    workers[first] = workers[first]! + tilesOfSubtree(plan, x, y) * sample.secondsPerTile
  }
  return Math.max(...workers)
}
