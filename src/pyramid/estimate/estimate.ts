// Estimates what a build would make, how long it would take and whether it would fit, from the plan and a sample of its
// tiles. Nothing is written.
import { FlagstoneError } from '../../errors.js'
import { expectGrowth } from '../../platform/probe.js'
import { parseOptions } from '../../store/options.js'
import { refuseInput } from '../../store/output-path.js'
import { estimateContext } from '../context-options.js'
import { type BuildOptions, parseBuildOptions, type ResolvedBuildOptions } from '../options.js'
import { checkOutput } from '../output/output.js'
import { type SourcesOfDepth, sourcesByDepth } from '../plan/depth-note.js'
import type { EncodingPlan } from '../plan/encoding.js'
import type { BuildPlan } from '../plan/plan.js'
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
import {
  buildSeconds,
  type EstimatedLevel,
  expectedLevels,
  fileBytesOf,
  guessOf,
  sum,
  withSeconds,
  writeSeconds,
} from './expected.js'
import type { Sample } from './parts.js'
import { type Few, Sampler, samplePlanOf, smallPlanOf } from './sample.js'

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
  /** What is expected of each zoom. */
  readonly levels: readonly EstimatedLevel[]
  /** The highest zoom of the sources, lowest first. One entry unless depth varies. */
  readonly depths: readonly SourcesOfDepth[]
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
  /** What each source is, such as 'GeoTIFF 512×512, RGB, EPSG:3857'. Their paths are in `depths`. */
  readonly sources: readonly string[]
  /** Sources skipped by skipUnreadable. */
  readonly skipped: readonly SkippedSource[]
  /** Sentences about choices that the build would make itself. */
  readonly notes: readonly string[]
}

/** After this share of the image, small parts add little. */
const MUCH = 0.6
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
  refuseInput(
    named.out,
    named.sources.map(({ location }) => location),
  )
  const prepared = await prepare(named, context)
  const { options: resolved } = prepared
  const prepareSeconds = (performance.now() - began) / 1000
  const { plan, skipped } = prepared
  const threads = threadsOf(plan, resolved, context)
  const sampleBegan = performance.now()
  const sample = await sampleOf(prepared, threads, context, context.sampleSeconds)
  const sampleSeconds = (performance.now() - sampleBegan) / 1000
  const expected = expectedLevels(plan, sample)
  const tiles = sum(expected.map((level) => level.tiles))
  const tileBytes = sum(expected.map((level) => level.bytes))
  const fileBytes = fileBytesOf(expected, sample, resolved)
  const tileSeconds = buildSeconds(plan, sample, threads)
  const disk = diskOf(resolved.out)
  const { insertRange, fileSystem } = expectGrowth(disk.directory)
  return {
    out: resolved.out,
    minZoom: plan.minZoom,
    maxZoom: plan.maxZoom,
    tileSize: plan.tileSize,
    bounds: plan.bounds,
    encoding: plan.encoding,
    levels: withSeconds(expected, sample, tileSeconds),
    depths: sourcesByDepth(plan),
    tiles,
    tileBytes,
    fileBytes,
    threads,
    seconds: prepareSeconds + tileSeconds + writeSeconds(fileBytes),
    sample: {
      parts: sample.parts,
      share: Math.min(1, sample.share),
      tiles: sample.tiles,
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
