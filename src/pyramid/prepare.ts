// Turns options into everything that a build or an estimate works with: the plan, how sources are opened, and the
// workers. Nothing is written here.
import { availableParallelism } from 'node:os'
import { freeDescriptors } from '../platform/descriptors.js'
import { isDamage } from '../raster/losses.js'
import { withoutSecrets } from '../raster/remote-path.js'
import type { ValueView } from '../raster/source.js'
import { type Cutline, readCutline } from './cutline/cutline.js'
import type { ResolvedBuildOptions } from './options.js'
import { depthNote } from './plan/depth-note.js'
import { emptyTilesNote, oversamplingNote } from './plan/oversampling.js'
import type { BuildPlan } from './plan/plan.js'
import { planBuild, type Said } from './plan/plan-build.js'
import { readInfos, type SkippedSource } from './sources/infos.js'
import { expandSources } from './sources/inputs.js'
import { likeArchives } from './sources/like-archive.js'
import {
  type OpenOptions,
  openOptionsFor,
  openOptionsOf,
  openSource,
  ownOpenOptions,
  type SourceOpener,
} from './sources/open.js'
import { inOrder } from './sources/order.js'
import { refuseOwnBands } from './sources/own-bands.js'
import { type ColourChoice, chooseColours, provisionalView } from './sources/tone.js'
import { heightNotes, refuseColours, unitOf } from './terrain-options.js'
import { withSkipAdvice } from './work/damage.js'
import { limitsOf, type Share, shareMemory, threadsWithin } from './work/memory-share.js'
import { InlinePool, isWorkerThere, type SubtreePool, ThreadPool } from './work/pool.js'

/** What builds and estimates use besides their options. */
export interface PrepareContext {
  /** An abort ends it with INTERRUPTED. */
  readonly signal?: AbortSignal | undefined
  /**
   * Opens the sources instead of the default, which opens files. All work is then done in the calling thread.
   * @internal
   */
  readonly openSource?: SourceOpener | undefined
  /** The calling thread has nothing else to do: it counts as one of the threads, and one worker fewer is started. */
  readonly useCaller?: boolean | undefined
}

export interface Prepared {
  /** Sources are single files, those of the plan in its order. */
  readonly options: ResolvedBuildOptions
  readonly plan: BuildPlan
  /** How workers open sources. */
  readonly open: OpenOptions
  readonly colours: ColourChoice
  readonly skipped: readonly SkippedSource[]
  /** Sentences about the sources, for the user. */
  readonly notes: readonly string[]
}

/** Expands the names of sources to single files. With a custom opener they are left as they are. */
export async function withInputs(
  options: ResolvedBuildOptions,
  { openSource: opener }: PrepareContext,
): Promise<ResolvedBuildOptions> {
  if (opener !== undefined) return options
  const keep = options.blend === 'first' ? 'first' : 'last'
  const prefers = options.terrain === undefined ? 'visual' : 'data'
  return { ...options, sources: await expandSources(options.sources, { out: options.out, keep, prefers }) }
}

/**
 * Opens every source once, and some twice to sample their values.
 * @throws as planBuild, openSource and chooseColours
 */
export async function prepare(given: ResolvedBuildOptions, context: PrepareContext): Promise<Prepared> {
  refuseOwnBands(given)
  const opener = context.openSource ?? openSource
  const cutline = given.cutline === undefined ? undefined : readCutline(given.cutline)
  const open = openOptionsOf(given)
  const { skipped, ...found } = await readInfos(
    given.sources,
    { ...open, view: elevationView(given) ?? provisionalView(given) },
    opener,
    given.skipUnreadable,
    context.signal,
  )
  const described = inOrder(
    found.infos.map((info, i) => ({ info, source: found.read[i]! })),
    given,
  )
  const infos = described.map(({ info }) => info)
  const sources = described.map(({ source }) => source)
  const { options, notes } = likeArchives(infos, { ...given, sources })
  refuseColours(infos, options)
  const plan = planBuild(infos, options, cutline, saidOf(sources))
  const own = ownOf(sources)
  const openOwn = withOwn(opener, infos, own)
  const heights = elevationView(options)
  const colours: ColourChoice =
    heights === undefined
      ? await chooseColours(infos, options, openOwn, open).catch((error: unknown) => {
          throw !options.skipUnreadable && isDamage(error) ? withSkipAdvice(error) : error
        })
      : { view: { kind: 'colour' }, notes: heightNotes(infos, options) }
  const openAll = { ...open, view: heights ?? colours.view, ...(own === undefined ? {} : { own }) }
  return { options, plan, open: openAll, colours, skipped, notes }
}

/** What the plan needs of the sources' own properties. @throws BAD_OPTION, NOT_FOUND when a cutline cannot be read */
function saidOf(sources: ResolvedBuildOptions['sources']): Said[] {
  // one file may cut many
  const read = new Map<string, Cutline>()
  return sources.map(({ location, minZoom, maxZoom, cutline }) => {
    if (typeof cutline !== 'string') {
      const what = `The cutline of ${withoutSecrets(location)}`
      return { minZoom, maxZoom, cutline: cutline && readCutline(cutline, what) }
    }
    const found = read.get(cutline) ?? readCutline(cutline)
    read.set(cutline, found)
    return { minZoom, maxZoom, cutline: found }
  })
}

/** How single sources are opened; undefined when none has properties for that. */
function ownOf(sources: ResolvedBuildOptions['sources']): OpenOptions['own'] {
  const own = sources.map(ownOpenOptions)
  return own.every((one) => one === undefined) ? undefined : own
}

/** An opener that knows the sources' own properties by their paths. */
function withOwn(opener: SourceOpener, infos: BuildPlan['sources'], own: OpenOptions['own']): SourceOpener {
  if (own === undefined) return opener
  const byPath = new Map(infos.map(({ path }, i) => [path, own[i]]))
  return (path, options) => opener(path, openOptionsFor(options, byPath.get(path)))
}

/** Sentences about choices that the build made itself, and about requests that cost more than they gain. */
export function notesOf({ plan, options, colours, notes }: Prepared): string[] {
  const beyond = oversamplingNote(plan, options) ?? emptyTilesNote(plan)
  const plans = [depthNote(plan, options), beyond].filter((note) => note !== undefined)
  return [...notes, ...plans, ...colours.notes]
}

/** How heights are read; undefined for builds of colours. */
function elevationView({ terrain, bands, terrainUnit }: ResolvedBuildOptions): ValueView | undefined {
  if (terrain === undefined) return undefined
  return { kind: 'values', bands: [bands?.[0] ?? 1], heights: unitOf(terrainUnit) }
}

/** Number of threads that a build uses; 0 means only the calling one. */
export function threadsOf(plan: BuildPlan, options: ResolvedBuildOptions, context: PrepareContext): number {
  return shareOf(plan, options, context).threads
}

/**
 * Tiles that justify one more thread. With less work, it would start when half of the work is done, and be slower at
 * first: a third more CPU time without an earlier end.
 */
const TILES_A_THREAD = 400

/** Number of threads that are worth using. */
function threadsWorth({ tiles, sources, tileSize }: BuildPlan): number {
  const made = tiles * tileSize ** 2
  // in a build of low zooms, reading takes most of the time
  const read = sources.reduce((sum, { width, height }) => sum + width * height, 0)
  return Math.max(1, Math.floor(Math.max(made, read) / 256 ** 2 / TILES_A_THREAD))
}

function shareOf(
  plan: BuildPlan,
  options: ResolvedBuildOptions,
  { openSource: opener, useCaller = false }: PrepareContext,
): Share {
  const asked = opener === undefined ? (options.threads ?? availableParallelism()) : 0
  const wanted = useCaller ? Math.min(asked, threadsWorth(plan)) : asked
  const threads = Math.min(wanted, plan.subtrees)
  const workers = useCaller ? threads - 1 : threads
  if (workers <= 0) return shareMemory(threads, options.memLimit)
  const startable = isWorkerThere() ? Math.min(workers, threadsWithin(freeDescriptors())) : 0
  // if none can be started, the caller works alone
  return shareMemory(startable === 0 ? 0 : threads - workers + startable, options.memLimit)
}

/** A sentence when a build that should use threads cannot. */
export function threadNotes({ plan, options }: Prepared, context: PrepareContext): string[] {
  const { openSource: opener, useCaller = false } = context
  const isAlone = opener !== undefined || options.threads === 0 || plan.subtrees < 2
  if (isAlone || isWorkerThere() || (useCaller && threadsWorth(plan) < 2)) return []
  return [
    'The build uses one thread, because the script of its worker threads is missing: flagstone was probably put into a bundle. Leave it out of the bundle (esbuild: --external:flagstone) to use all cores.',
  ]
}

/** `spool`: whether a nameless file may be made beside the output. */
export function poolOf(
  { plan, options, open }: Prepared,
  context: PrepareContext,
  spool: 'spool' | 'no spool',
): SubtreePool {
  const { openSource: opener, useCaller = false } = context
  const share = shareOf(plan, options, context)
  return share.threads === 0
    ? new InlinePool(plan, open, opener ?? openSource, limitsOf(1, share.cacheBytes))
    : new ThreadPool(plan, open, share, spool === 'spool' ? options.out : undefined, useCaller)
}
