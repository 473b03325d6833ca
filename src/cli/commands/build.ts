// `flagstone build SRC… OUT`: rasters → one tile file with overviews.

import type { Command } from 'commander'
import { FlagstoneError } from '../../errors.js'
import { type BuildOptions, build } from '../../pyramid/build.js'
import { whatIsLeft } from '../../pyramid/output/output.js'
import type { BuildReport } from '../../pyramid/report.js'
import { formatBytes, formatDuration, plural } from '../format.js'
import { type CommonOptions, type Context, EXIT, print, printJson, say } from '../io.js'
import { progressView } from '../progress.js'
import { describeDamage, hasLosses } from './build-damage.js'
import { defineBuild } from './build-options.js'

/** Options under their library names, and those that only the command line knows. */
type BuildCliOptions = CommonOptions &
  Omit<BuildOptions, 'sources' | 'out' | 'crs'> & {
    readonly minzoom?: number
    readonly maxzoom?: number
    readonly force?: boolean
    readonly sSrs?: string
    readonly addAlpha?: boolean
    readonly dryRun?: boolean
  }

export function buildCommand(context: Context): Command {
  return defineBuild().action(async (paths: string[], cli: BuildCliOptions) => {
    const options = optionsOf(paths, cli)
    if (cli.dryRun === true) await dryRun(context, options, cli)
    else await reallyBuild(context, options, cli)
  })
}

function optionsOf(paths: readonly string[], cli: BuildCliOptions): BuildOptions {
  const { minzoom, maxzoom, force, quiet, verbose, json, sSrs, addAlpha, alpha, dryRun, ...options } = cli
  const sources = paths.slice(0, -1)
  const out = paths.at(-1)!
  if (sources.length === 0) {
    throw new FlagstoneError(
      'BAD_OPTION',
      `build needs a source and an output file: flagstone build ${out} OUT.pmtiles`,
    )
  }
  return {
    ...options,
    sources,
    out,
    minZoom: options.minZoom ?? minzoom,
    maxZoom: options.maxZoom ?? maxzoom,
    overwrite: options.overwrite === true || force === true,
    crs: sSrs,
    // commander's default for --no-alpha is true, although nobody asked for alpha
    alpha: alpha === false ? false : addAlpha,
  }
}

async function dryRun(context: Context, options: BuildOptions, cli: BuildCliOptions): Promise<void> {
  const { io } = context
  const { estimate } = await import('../../pyramid/estimate/estimate.js')
  const { describeEstimate } = await import('./build-estimate.js')
  const found = await estimate(options, { signal: io.signal, useCaller: true })
  if (cli.json === true) printJson(io, found)
  else print(io, describeEstimate(found))
  if (found.disk.fits) return
  const { lackOfSpace } = await import('../../pyramid/estimate/disk.js')
  say(io, cli, `flagstone: ${lackOfSpace(found.out, found.fileBytes, found.disk).message}`)
  context.exitCode = EXIT.FAILED
}

async function reallyBuild(context: Context, options: BuildOptions, cli: BuildCliOptions): Promise<void> {
  const { io } = context
  const view = progressView(io, cli)
  const tell = (sentence: string): void => {
    view.stop()
    say(io, cli, sentence)
  }
  const onAbort = (): void => {
    if (io.isTerminal) tell('Saving the finished tiles; press Ctrl-C again to stop now.')
  }
  io.signal.addEventListener('abort', onAbort, { once: true })
  io.onForcedStop?.(() => tell(whatIsLeft(options.out)))
  const report = await build(options, {
    signal: io.signal,
    useCaller: true,
    onProgress: (state) => view.update(state),
    onNote: tell,
  }).finally(() => {
    io.signal.removeEventListener('abort', onAbort)
    view.stop()
  })
  if (hasLosses(report)) context.exitCode = EXIT.LOSSES
  if (cli.json === true) {
    printJson(io, report)
    return
  }
  for (const { reason } of report.skipped.slice(0, 20)) say(io, cli, `Skipped: ${reason}`)
  if (report.skipped.length > 20) say(io, cli, `Skipped: ${report.skipped.length - 20} more.`)
  for (const line of describeDamage(report.damaged)) say(io, cli, line)
  say(
    io,
    cli,
    `${report.out}: ${plural(report.tiles, 'tile')}, ${zoomsText(report)}, ${formatBytes(report.fileBytes)}, ` +
      `in ${formatDuration(report.seconds)}`,
  )
}

const zoomsText = ({ minZoom, maxZoom }: BuildReport): string =>
  minZoom === maxZoom ? `zoom ${minZoom}` : `zooms ${minZoom}–${maxZoom}`
