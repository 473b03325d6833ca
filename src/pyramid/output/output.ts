// Where a build writes, and what it leaves behind.
//
// A new file grows in place, under its own name, so that others can read it meanwhile. A file that is to be replaced
// stays as it is until the new one, written beside it, is complete. In both cases a checkpoint (OUT.build) exists from
// before the file is created until after it is complete. So a file without a checkpoint is either complete or not ours,
// and is never touched without --overwrite.

import { closeSync, existsSync } from 'node:fs'
import { FlagstoneError } from '../../errors.js'
import { lockHolder } from '../../platform/locks.js'
import { type FileIdentity, identityAt, isSameFile, placeAt } from '../../platform/place.js'
import { openRegularSync } from '../../platform/regular-file.js'
import { removeSame, renameOver } from '../../platform/rename.js'
import type { ColourView } from '../../raster/source.js'
import type { WriterOptions } from '../../store/options.js'
import { type OutputPlace, outputPlace } from '../../store/output-path.js'
import { createTiles, reopenTiles, whileLocked } from '../../store/paths.js'
import type { TileWriter } from '../../store/write/writer.js'
import type { ResolvedBuildOptions } from '../options.js'
import type { BuildPlan } from '../plan/plan.js'
import { sourceStates } from '../sources/facts.js'
import { accepted } from './accepted.js'
import { isBlank } from './blank.js'
import { coverOf } from './changed-sources.js'
import {
  type Checkpoint,
  checkpointPath,
  claimCheckpoint,
  readCheckpoint,
  refuseForeignCheckpoint,
  removeCheckpoint,
  writeCheckpoint,
} from './checkpoint.js'
import { digestOf, type Fingerprint } from './fingerprint.js'
import { metadataOf } from './metadata.js'
import { emptyTally } from './tally.js'

export interface Output {
  readonly writer: TileWriter
  readonly path: string
  /** Identity of that file. */
  readonly made: FileIdentity
  /** The file that it will replace, as it was when the build began; undefined when there is none. */
  readonly replaces: FileIdentity | undefined
  /** The checkpoint that the build starts from. */
  readonly start: Checkpoint
  /** Whether an interrupted build is continued. The store may then hold more than `start` says. */
  readonly resumed: boolean
}

/** Larger indexes grow when needed: an estimate may be far too high. */
const MAX_EXPECTED_TILES = 2 ** 22

const besidePath = (out: string): string => `${out}.new`

/**
 * Refuses an output that cannot be used, before any work is done. Returns where it is and what it replaces.
 * @throws EXISTS, BAD_OPTION, NOT_FOUND
 * @throws LOCKED when another build of it is running
 */
export function checkOutput(
  options: Pick<ResolvedBuildOptions, 'out' | 'resume' | 'overwrite'>,
): OutputPlace {
  const { out, resume, overwrite } = options
  const isOwn = (path: string): boolean => existsSync(checkpointPath(path)) && isBlank(path)
  const request = { kind: 'archive', who: 'build', isOwn } as const
  const place = outputPlace(out, { ...request, overwrite: resume || overwrite || isUnfinished(out) })
  refuseForeignCheckpoint(place.path)
  const beside = besidePath(place.path)
  if (placeAt(beside).kind !== 'nothing' && !existsSync(checkpointPath(place.path))) {
    throw new FlagstoneError(
      'EXISTS',
      `${beside} is in the way: build writes there before it replaces ${out}, and this file is not left from a build. Move it, or choose another name.`,
      { path: beside },
    )
  }
  if (isUnfinished(place.path) && !resume && !overwrite) {
    refuseRunning(existsSync(beside) ? beside : place.path)
    throw new FlagstoneError(
      'EXISTS',
      `There is an unfinished build of ${out}: continue it with --resume, or start again with --overwrite.`,
      { path: out },
    )
  }
  return place
}

/** @throws LOCKED when the build that writes the file is still running */
function refuseRunning(path: string): void {
  const fd = openRegularSync(path)
  try {
    const pid = lockHolder(fd, 'writer')
    if (pid === undefined) return
    const who = pid === process.pid ? 'this process' : `process ${pid}`
    throw new FlagstoneError(
      'LOCKED',
      `${path}: ${who} is building this file; wait until it is done, or end that build.`,
      { path },
    )
  } finally {
    closeSync(fd)
  }
}

const isUnfinished = (out: string): boolean =>
  existsSync(checkpointPath(out)) && (existsSync(out) || existsSync(besidePath(out)))

/** A sentence about what a build of OUT that ended without warning has left behind. */
export function whatIsLeft(out: string): string {
  const real = placeAt(out).path
  if (!existsSync(checkpointPath(real))) return 'Stopped. Nothing is left of this build.'
  const file = existsSync(besidePath(real)) ? besidePath(real) : real
  return `Stopped. The tiles committed before are safe in ${file}. Run the same command with --resume to continue.`
}

/**
 * Opens the output: creates it, or continues an interrupted build.
 * @throws NOT_RESUMABLE, LOCKED, EXISTS
 * @throws as create
 */
export function openOutput(
  plan: BuildPlan,
  options: ResolvedBuildOptions,
  fingerprint: Fingerprint,
  view: ColourView,
  replaces: FileIdentity | undefined,
): Output {
  const { out } = options
  if (options.resume) {
    const found = readCheckpoint(out)
    if (found !== undefined) {
      const fresh = checkpointOf(plan, fingerprint, view, found.place)
      return resumeOutput(plan, options, found, fresh, view, replaces)
    }
    if (replaces !== undefined && !options.overwrite) {
      throw new FlagstoneError(
        'NOT_RESUMABLE',
        `${out}: nothing to resume (there is no ${checkpointPath(options.out)}): the file is complete, or was not created by build. Use --overwrite to start again.`,
        { path: options.out },
      )
    }
  }
  const place = replaces === undefined ? 'out' : 'beside'
  const start = checkpointOf(plan, fingerprint, view, place)
  const create = (): Output => createOutput(plan, options, start, view, replaces)
  // another build may be writing the file that this one would replace
  return replaces === undefined ? create() : whileLocked(out, create)
}

/** The checkpoint of a build that has not started. */
function checkpointOf(
  plan: BuildPlan,
  fingerprint: Fingerprint,
  view: ColourView,
  place: Checkpoint['place'],
): Checkpoint {
  const facts = { fingerprint, sources: sourceStates(plan.sources), cover: coverOf(plan), view }
  return { ...facts, place, subtreesDone: 0, tally: emptyTally(), pending: [] }
}

function createOutput(
  plan: BuildPlan,
  options: ResolvedBuildOptions,
  start: Checkpoint,
  view: ColourView,
  replaces: FileIdentity | undefined,
): Output {
  const path = start.place === 'out' ? options.out : besidePath(options.out)
  const begin = (): Output => {
    const isFirst = claimCheckpoint(options.out, start)
    return beginOutput(plan, options, path, start, view, replaces, isFirst)
  }
  // a file with a checkpoint was left by a build; at OUT only the blank file of a resumed build
  const isOwn = (start.place === 'beside' || options.resume) && existsSync(checkpointPath(options.out))
  const leftOver = isOwn ? identityAt(path) : undefined
  if (leftOver === undefined) return begin()
  return whileLocked(path, () => {
    removeSame(path, leftOver)
    return begin()
  })
}

function beginOutput(
  plan: BuildPlan,
  options: ResolvedBuildOptions,
  path: string,
  start: Checkpoint,
  view: ColourView,
  replaces: FileIdentity | undefined,
  isFirst: boolean,
): Output {
  let made: FileIdentity | undefined
  try {
    const writer = createTiles(path, writerOptions(plan, options))
    made = identityAt(path)!
    writer.setMetadata(metadataOf(plan, options, start.fingerprint, view))
    writer.commit()
    return { writer, path, made, replaces, start, resumed: false }
  } catch (error) {
    if (made !== undefined) removeSame(path, made)
    // a file that has just appeared may be another build's, and so may a checkpoint that already existed
    const hasAppeared = error instanceof FlagstoneError && error.code === 'EXISTS'
    if (isFirst || !hasAppeared) removeCheckpoint(options.out)
    throw error
  }
}

function resumeOutput(
  plan: BuildPlan,
  options: ResolvedBuildOptions,
  found: Checkpoint,
  fresh: Checkpoint,
  view: ColourView,
  replaces: FileIdentity | undefined,
): Output {
  const { out } = options
  const start = accepted(found, fresh, options)
  const { fingerprint } = start
  const wanted = start.place === 'out' ? out : besidePath(out)
  // the last step of a replacing build may already be done
  const path = existsSync(wanted) || start.subtreesDone === 0 ? wanted : out
  if (start.subtreesDone === 0 && (!existsSync(path) || isBlank(path))) {
    return createOutput(plan, options, start, view, start.place === 'out' ? undefined : replaces)
  }
  const writer = reopenTiles(path, writerOptions(plan, options))
  const owner = (writer.metadata.flagstone as { build?: string } | undefined)?.build
  const begun = Object.keys(writer.metadata).length > 0 || start.subtreesDone > 0
  if (begun && owner !== digestOf(fingerprint) && owner !== start.owner) {
    writer.abandon()
    throw new FlagstoneError(
      'NOT_RESUMABLE',
      `${path} is not the file that the interrupted build was writing; use --overwrite to start again.`,
      { path },
    )
  }
  if (!begun) writer.setMetadata(metadataOf(plan, options, fingerprint, view))
  if (start.owner !== found.owner) writeCheckpoint(out, start)
  return { writer, path, made: identityAt(path)!, replaces, start, resumed: true }
}

function writerOptions(plan: BuildPlan, options: ResolvedBuildOptions): WriterOptions {
  return {
    dedupe: options.dedupe,
    levels: plan.levels.map(({ zoom, tiles }) => ({
      zoom,
      expectedTiles: Math.min(tiles, MAX_EXPECTED_TILES),
    })),
    // only between subtrees: a checkpoint must describe what a commit holds
    commitBytes: 0,
  }
}

/**
 * Gives the complete file its name, and removes everything else.
 * @throws EXISTS when the file to be replaced has changed meanwhile; it stays then, and so does the complete file
 */
export function finishOutput({ out }: ResolvedBuildOptions, { path, replaces }: Output): void {
  const isDone = path === out || replaceOutput(path, out, replaces)
  removeCheckpoint(out)
  if (isDone) return
  throw new FlagstoneError(
    'EXISTS',
    `${out} changed while the build was running, so it was left alone. The new file is complete: ${path}.`,
    { path: out },
  )
}

function replaceOutput(path: string, out: string, replaces: FileIdentity | undefined): boolean {
  const replace = (): boolean => renameOver(path, out, replaces)
  if (identityAt(out) === undefined) return replace()
  try {
    return whileLocked(out, replace)
  } catch (error) {
    // what lies there now is being written, or is not a regular file
    if (error instanceof FlagstoneError && ['LOCKED', 'NOT_A_TILE_FILE'].includes(error.code)) return false
    throw error
  }
}

/**
 * The error when another program has removed, renamed or replaced the output, so that nobody would find it; undefined
 * when it has not.
 */
export function lossOf({ path, made }: Output): FlagstoneError | undefined {
  const now = identityAt(path)
  if (now !== undefined && isSameFile(now, made)) return undefined
  return new FlagstoneError(
    'NOT_FOUND',
    `${path} was ${now === undefined ? 'removed or renamed' : 'replaced'} while it was being built, so the build was stopped; build it again.`,
    { path },
  )
}

/** Removes everything that was written. A file that was to be replaced stays. */
export function discardOutput(options: ResolvedBuildOptions, output: Output): void {
  output.writer.abandon()
  removeSame(output.path, output.made)
  removeCheckpoint(options.out)
}
