// Where a build writes, and what it leaves behind.
//
// A new file grows in place, under its own name, so that others can read it meanwhile. A file that is to be
// replaced stays as it is until the new one, written beside it, is complete. In both cases a checkpoint
// (OUT.build) exists from before the file does until after the file is complete: so a file without one is
// either complete or not ours, and is never touched without --overwrite.
import { closeSync, existsSync, readSync, realpathSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, extname } from 'node:path'
import { FlagstoneError } from '../errors.js'
import { SUPERBLOCK_A_OFFSET, SUPERBLOCK_B_OFFSET, SUPERBLOCK_BYTES } from '../format/layout.js'
import { chooseSuperblock } from '../format/superblock.js'
import { openRealFile } from '../platform/real-file.js'
import { openRegularSync } from '../platform/regular-file.js'
import { renameReplace } from '../platform/rename.js'
import { withoutSecrets } from '../raster/remote-path.js'
import type { ColourView } from '../raster/source.js'
import { isTerrainRgb } from '../raster/tiles/terrain.js'
import type { WriterOptions } from '../store/options.js'
import { createTiles, reopenTiles } from '../store/paths.js'
import type { TileWriter } from '../store/writer.js'
import {
  type Checkpoint,
  checkpointPath,
  readCheckpoint,
  removeCheckpoint,
  writeCheckpoint,
} from './checkpoint.js'
import { digestOf, type Fingerprint, requireSame } from './fingerprint.js'
import type { ResolvedBuildOptions } from './options.js'
import type { BuildPlan } from './plan.js'
import { emptyTally } from './tally.js'

export interface Output {
  readonly writer: TileWriter
  /** The file being written. */
  readonly path: string
  /** What it begins with. */
  readonly start: Checkpoint
  /** The store may hold more than `start` says. */
  readonly resumed: boolean
}

/** Indexes larger than this grow when it comes to it: an estimate may be far too high. */
const MAX_EXPECTED_TILES = 2 ** 22
/** Metadata name so many sources, and how many there are. */
const MAX_NAMED_SOURCES = 100

const besidePath = (out: string): string => `${out}.new`

/** Complains, before any work is done, about an output that cannot be used. Throws EXISTS, BAD_OPTION, NOT_FOUND. */
export function checkOutput(options: ResolvedBuildOptions): void {
  const { out } = options
  const directory = dirname(out)
  if (!existsSync(directory)) {
    throw new FlagstoneError(
      'NOT_FOUND',
      `${out}: the directory ${directory} does not exist; create it first.`,
      {
        path: directory,
      },
    )
  }
  if (!existsSync(out)) return
  if (statSync(out).isDirectory()) {
    throw new FlagstoneError('BAD_OPTION', `${out} is a directory; name the file to create.`, { path: out })
  }
  const real = realpathSync(out)
  if (options.sources.some((source) => existsSync(source) && realpathSync(source) === real)) {
    throw new FlagstoneError('BAD_OPTION', `${out} is also a source; choose another name for the output.`, {
      path: out,
    })
  }
  if (options.resume || options.overwrite) return
  const unfinished = existsSync(checkpointPath(out))
  throw new FlagstoneError(
    'EXISTS',
    unfinished
      ? `${out} is an unfinished build: continue it with --resume, or start again with --overwrite.`
      : `${out} exists already: replace it with --overwrite, or choose another name.`,
    { path: out },
  )
}

/** Throws what the store throws, and NOT_RESUMABLE, LOCKED. */
export function openOutput(
  plan: BuildPlan,
  options: ResolvedBuildOptions,
  fingerprint: Fingerprint,
  view: ColourView = { kind: 'colour' },
): Output {
  if (options.resume) {
    const found = readCheckpoint(options.out)
    if (found !== undefined) return resumeOutput(plan, options, found, fingerprint, view)
    if (existsSync(options.out)) {
      throw new FlagstoneError(
        'NOT_RESUMABLE',
        `${options.out}: nothing to resume (there is no ${checkpointPath(options.out)}): the file is complete, or was not created by build. Use --overwrite to start again.`,
        { path: options.out },
      )
    }
  }
  const place = existsSync(options.out) ? 'beside' : 'out'
  const start: Checkpoint = { fingerprint, place, subtreesDone: 0, tally: emptyTally(), pending: [] }
  return createOutput(plan, options, start, view)
}

function createOutput(
  plan: BuildPlan,
  options: ResolvedBuildOptions,
  start: Checkpoint,
  view: ColourView,
): Output {
  const { out } = options
  const path = start.place === 'out' ? out : besidePath(out)
  if (existsSync(path)) removeLeftOver(path)
  writeCheckpoint(out, start)
  try {
    const writer = createTiles(path, writerOptions(plan, options))
    writer.setMetadata(metadataOf(plan, options, start.fingerprint, view))
    writer.commit()
    return { writer, path, start, resumed: false }
  } catch (error) {
    rmSync(path, { force: true })
    removeCheckpoint(out)
    throw error
  }
}

/** Throws LOCKED when another build writes it. */
function removeLeftOver(path: string): void {
  const file = openRealFile(path, 'readwrite')
  try {
    if (!file.tryLock('writer', 'exclusive')) {
      throw new FlagstoneError(
        'LOCKED',
        `${path}: another build is writing this file; wait until it has finished, or stop it.`,
        { path },
      )
    }
    rmSync(path)
  } finally {
    file.close()
  }
}

function resumeOutput(
  plan: BuildPlan,
  options: ResolvedBuildOptions,
  start: Checkpoint,
  fingerprint: Fingerprint,
  view: ColourView,
): Output {
  const { out } = options
  requireSame(out, start.fingerprint, fingerprint)
  const wanted = start.place === 'out' ? out : besidePath(out)
  // the last step of a replacing build may have been done already
  const path = existsSync(wanted) || start.subtreesDone === 0 ? wanted : out
  if (start.subtreesDone === 0 && (!existsSync(path) || isBlank(path))) {
    rmSync(path, { force: true })
    return createOutput(plan, options, start, view)
  }
  const writer = reopenTiles(path, writerOptions(plan, options))
  const owner = (writer.metadata.flagstone as { build?: string } | undefined)?.build
  const begun = Object.keys(writer.metadata).length > 0 || start.subtreesDone > 0
  if (begun && owner !== digestOf(fingerprint)) {
    writer.abandon()
    throw new FlagstoneError(
      'NOT_RESUMABLE',
      `${path} is not the file that the interrupted build was writing; use --overwrite to start again.`,
      { path },
    )
  }
  if (!begun) writer.setMetadata(metadataOf(plan, options, fingerprint, view))
  return { writer, path, start, resumed: true }
}

/** A file that was created, and nothing more; after a power loss its first superblock may be there in part. */
function isBlank(path: string): boolean {
  const head = Buffer.alloc(SUPERBLOCK_B_OFFSET + SUPERBLOCK_BYTES)
  const fd = openRegularSync(path)
  try {
    readSync(fd, head, 0, head.length, 0)
  } finally {
    closeSync(fd)
  }
  const slots = [SUPERBLOCK_A_OFFSET, SUPERBLOCK_B_OFFSET].map((at) =>
    head.subarray(at, at + SUPERBLOCK_BYTES),
  )
  const begun = chooseSuperblock(slots[0]!, slots[1]!).superblock !== undefined
  return !begun && head.subarray(0, SUPERBLOCK_A_OFFSET).every((byte) => byte === 0)
}

function writerOptions(plan: BuildPlan, options: ResolvedBuildOptions): WriterOptions {
  return {
    dedupe: options.dedupe,
    levels: plan.levels.map(({ zoom, tiles }) => ({
      zoom,
      expectedTiles: Math.min(tiles, MAX_EXPECTED_TILES),
    })),
    // between subtrees only: a checkpoint must be able to say what a commit holds
    commitBytes: 0,
  }
}

/** The complete file takes its name; nothing else is left. */
export function finishOutput(options: ResolvedBuildOptions, output: Output): void {
  if (output.path !== options.out) renameReplace(output.path, options.out)
  removeCheckpoint(options.out)
}

/** Nothing is left; a file that was to be replaced stays. */
export function discardOutput(options: ResolvedBuildOptions, output: Output): void {
  output.writer.abandon()
  rmSync(output.path, { force: true })
  removeCheckpoint(options.out)
}

/** What the file says of itself from the beginning. */
export function metadataOf(
  plan: BuildPlan,
  options: ResolvedBuildOptions,
  fingerprint: Fingerprint,
  view: ColourView = { kind: 'colour' },
): Record<string, unknown> {
  const { bounds, minZoom, maxZoom } = plan
  const optional = { description: options.description, attribution: options.attribution }
  return {
    ...options.metadata,
    name: options.name ?? basename(options.out, extname(options.out)),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    type: options.type ?? 'baselayer',
    minzoom: minZoom,
    maxzoom: maxZoom,
    bounds: bounds.map((degrees) => Math.round(degrees * 1e7) / 1e7),
    center: centerOf(plan),
    ...(isTerrainRgb(plan.terrain?.encoding) ? { encoding: plan.terrain.encoding } : {}),
    flagstone: {
      build: digestOf(fingerprint),
      sources: plan.sources.slice(0, MAX_NAMED_SOURCES).map((info) => basename(withoutSecrets(info.path))),
      ...(plan.sources.length > MAX_NAMED_SOURCES ? { sourceCount: plan.sources.length } : {}),
      tileSize: plan.tileSize,
      resampling: plan.resampling,
      overviewResampling: plan.overviewResampling,
      ...(plan.terrain === undefined ? { encoding: plan.encoding } : { terrain: plan.terrain }),
      ...coloursOf(view),
    },
  }
}

/** How values became colours, where they did. */
function coloursOf({ bands, tone }: ColourView): Record<string, unknown> {
  return {
    ...(bands === undefined ? {} : { bands }),
    ...(tone === undefined ? {} : { tone }),
  }
}

/** The middle, at a zoom that shows all of it on a screen of four tiles or so. */
export function centerOf({ bounds, minZoom, maxZoom }: BuildPlan): [number, number, number] {
  const [west, south, east, north] = bounds
  const round = (degrees: number): number => Math.round(degrees * 1e7) / 1e7
  return [round((west + east) / 2), round((south + north) / 2), Math.min(maxZoom, minZoom + 1)]
}
