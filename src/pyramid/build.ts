// Builds one tile file from sources.

import { FlagstoneError } from '../errors.js'
import { extensionOf } from '../format/tile-type.js'
import { unawaited } from '../store/callbacks.js'
import { parseOptions } from '../store/options.js'
import { refuseInput } from '../store/output-path.js'
import { buildContext } from './context-options.js'
import { requireSpace } from './estimate/space.js'
import { type BuildOptions, parseBuildOptions, type ResolvedBuildOptions } from './options.js'
import { Assembler } from './output/assemble.js'
import { differsInRange } from './output/changed-sources.js'
import { readCheckpoint } from './output/checkpoint.js'
import { fingerprintOf } from './output/fingerprint.js'
import { interrupted, leave, resumable } from './output/leave.js'
import { centerOf, metadataOf } from './output/metadata.js'
import { checkOutput, discardOutput, finishOutput, lossOf, type Output, openOutput } from './output/output.js'
import { allEmpty } from './plan/all-empty.js'
import { type Unit, unitsOf } from './plan/forest.js'
import { refuseOversampling } from './plan/oversampling.js'
import type { BuildPlan } from './plan/plan.js'
import {
  notesOf,
  type PrepareContext,
  type Prepared,
  poolOf,
  prepare,
  threadNotes,
  withInputs,
} from './prepare.js'
import { type BuildProgress, ProgressMeter } from './progress.js'
import { fingerprintsOf } from './provenance/fingerprint.js'
import { rememberSources } from './provenance/records.js'
import type { BuildReport } from './report.js'
import { reportOf } from './report.js'
import { openSource } from './sources/open.js'
import { terrainNotes } from './terrain-options.js'
import { allLost } from './work/damage.js'
import { parentSources } from './work/parent-sources.js'
import type { SubtreePool } from './work/pool.js'
import type { SubtreeResult } from './work/subtree.js'

export type { BuildOptions, BuildProgress }

/** What a build uses besides its options: callbacks, and a signal to stop it. */
export interface BuildContext extends PrepareContext {
  /** An abort ends the build with INTERRUPTED. Finished work is committed, and `resume` continues it. */
  readonly signal?: AbortSignal | undefined
  /** false: start even if the disk is too small for the whole build. Default: true. */
  readonly checkSpace?: boolean | undefined
  /** Called with the progress several times a second. */
  readonly onProgress?: ((progress: BuildProgress) => void) | undefined
  /** Called with sentences about choices that the build made itself. The report contains them too. */
  readonly onNote?: ((note: string) => void) | undefined
}

/**
 * Builds a tile file. After DISK_FULL, INTERRUPTED or a crash, `resume` continues.
 * @throws BAD_OPTION, EXISTS, NOT_FOUND when sources, output and options cannot be used
 * @throws SOURCE_UNREADABLE, SOURCE_UNSUPPORTED, SOURCE_CORRUPT, TOO_LARGE when a source cannot be read
 * @throws CRS_MISSING, CRS_UNSUPPORTED when the location of a source is not known
 * @throws NOTHING_TO_BUILD when no source lies in the area to build
 * @throws NOT_RESUMABLE when the existing part was built from other sources or options
 * @throws LOCKED when another build or writer has the output
 * @throws DISK_FULL, SYSTEM when it cannot be written
 * @throws INTERRUPTED when `signal` was aborted
 */
export async function build(options: BuildOptions, context: BuildContext = {}): Promise<BuildReport> {
  parseOptions(buildContext, context, 'build context')
  const began = performance.now()
  const parsed = parseBuildOptions(options)
  const { path: out, replaces } = checkOutput(parsed)
  const named = await withInputs({ ...parsed, out }, context)
  const locations = named.sources.map(({ location }) => location)
  refuseInput(out, locations)
  const prepared = withColoursOf(await prepare(named, context), named)
  const { plan, colours, options: resolved } = prepared
  refuseOversampling(plan, resolved)
  const notes = [...notesOf(prepared), ...threadNotes(prepared, context)]
  const onNote = unawaited('onNote', context.onNote)
  for (const note of notes) onNote?.(note)
  // a resumed build was checked when it began
  if (context.checkSpace !== false && !resolved.resume) await requireSpace(prepared, context)
  if (context.signal?.aborted === true) throw interrupted(resolved)
  const fingerprint = fingerprintOf(plan, resolved, colours.view)
  const fingerprints = await fingerprintsOf(plan.sources)
  const output = openOutput(plan, resolved, fingerprint, colours.view, replaces)
  const parents = () => parentSources(plan, prepared.open, context.openSource ?? openSource)
  const assembler = new Assembler(plan, resolved, output, parents)
  let forgotten: string[] = []
  const remember = (): void => {
    forgotten = rememberSources(output.writer, plan, resolved, fingerprints, assembler.cells)
  }
  const meter = new ProgressMeter(
    plan,
    // the meter handles its promises: one that rejects fails the build
    context.onProgress ?? (() => {}),
    assembler.tally.tilesDone,
  )
  try {
    // for those who look at the file while it grows
    remember()
    const pool = poolOf(prepared, context, 'spool')
    try {
      await run(plan, pool, assembler, output, meter, context.signal)
      await assembler.finish()
    } catch (error) {
      pool.stop()
      throw error
    } finally {
      await pool.close()
      await assembler.close()
    }
  } catch (error) {
    throw leave(error, resolved, output, assembler, context.signal)
  }
  if (assembler.tally.tiles === 0) {
    discardOutput(resolved, output)
    throw allLost(assembler.tally.damage) ?? allEmpty(plan, resolved)
  }
  seal(prepared, resolved, output, assembler, meter, remember)
  await meter.settled()
  const last = [...terrainNotes(plan.terrain, assembler.tally.clamped), ...forgotten]
  for (const note of last) onNote?.(note)
  return reportOf(prepared, resolved, output, assembler, [...notes, ...last], secondsSince(began))
}

/**
 * When changed sources are accepted, keeps the tone of the build, although other ranges would be chosen from the
 * sources now: one half of an image must not be brighter than the other.
 */
function withColoursOf(prepared: Prepared, options: ResolvedBuildOptions): Prepared {
  if (!options.acceptChanged || Array.isArray(options.rescale)) return prepared
  const view = readCheckpoint(options.out)?.view
  if (view === undefined || !differsInRange(view, prepared.colours.view)) return prepared
  const note = 'The values shown as black and white are those chosen when the build began.'
  const isHeights = prepared.open.view?.kind === 'values'
  return {
    ...prepared,
    ...(isHeights ? {} : { open: { ...prepared.open, view } }),
    colours: { view, notes: [note] },
  }
}

const secondsSince = (began: number): number => (performance.now() - began) / 1000

function refuseLoss(output: Output): void {
  const loss = lossOf(output)
  if (loss !== undefined) throw loss
}

interface Asked {
  readonly unit: Unit
  /** Of a subtree. Tiles above subtrees are made when their turn comes. */
  readonly result: Promise<SubtreeResult> | undefined
}

/** Keeps a window of units in progress and takes their results in order. */
async function run(
  plan: BuildPlan,
  pool: SubtreePool,
  assembler: Assembler,
  output: Output,
  meter: ProgressMeter,
  signal: AbortSignal | undefined,
): Promise<void> {
  const units = unitsOf(plan)
  for (let i = 0; i < assembler.subtreesDone; i++) units.next()
  const window: Asked[] = []
  const ask = (): void => {
    while (window.length < pool.window) {
      const unit = units.next().value
      if (unit === undefined) return
      const result = unit.kind === 'subtree' ? pool.build(unit) : undefined
      // a failure is reported when its turn comes
      result?.catch(() => {})
      window.push({ unit, result })
    }
  }
  const stop = (): void => pool.stop()
  signal?.addEventListener('abort', stop, { once: true })
  if (signal?.aborted === true) stop()
  try {
    ask()
    for (let head = window.shift(); head !== undefined; head = window.shift()) {
      const result = await head.result
      ask()
      if (head.unit.kind === 'parent') {
        if (signal?.aborted === true) throw new FlagstoneError('INTERRUPTED', 'The build was interrupted.')
        await assembler.addParent(head.unit)
      } else await assembler.add(head.unit, result!)
      const { tally, subtreesDone } = assembler
      meter.update('tiles', tally.tilesDone, subtreesDone, tally.bytes)
      refuseLoss(output)
    }
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

function seal(
  { plan, colours }: Prepared,
  options: ResolvedBuildOptions,
  output: Output,
  assembler: Assembler,
  meter: ProgressMeter,
  remember: () => void,
): void {
  const { tally, subtreesDone } = assembler
  const metadata = metadataOf(plan, options, output.start.fingerprint, colours.view)
  const [main] = Object.entries(tally.types).sort(([, a], [, b]) => b - a)
  metadata.format = extensionOf(Number(main![0]))
  // a zoom of the plan that came out empty is not in the file
  const zooms = Object.keys(tally.levels).map(Number)
  const [lon, lat, zoom] = centerOf(plan)
  const center: [number, number, number] = [
    lon,
    lat,
    Math.max(Math.min(...zooms), Math.min(zoom, Math.max(...zooms))),
  ]
  metadata.center = center
  try {
    meter.update('seal', plan.tiles, subtreesDone, tally.bytes)
    refuseLoss(output)
    remember()
    output.writer.seal({
      bounds: withArea(plan.bounds),
      center,
      metadata,
    })
    output.writer.close()
  } catch (error) {
    output.writer.abandon()
    throw lossOf(output) ?? resumable(error, output)
  }
  finishOutput(options, output)
  meter.update('done', plan.tiles, subtreesDone, tally.bytes)
}

/** PMTiles stores degrees to 1e-7. Enlarges bounds that are smaller than that, a centimetre. */
function withArea([west, south, east, north]: BuildPlan['bounds']): [number, number, number, number] {
  const apart = (low: number, high: number, most: number): [number, number] => {
    const [from, to] = [Math.round(low * 1e7), Math.round(high * 1e7)]
    if (from < to) return [low, high]
    return to < most * 1e7 ? [from / 1e7, (from + 1) / 1e7] : [(to - 1) / 1e7, to / 1e7]
  }
  const [w, e] = apart(west, east, 180)
  const [s, n] = apart(south, north, 90)
  return [w, s, e, n]
}
