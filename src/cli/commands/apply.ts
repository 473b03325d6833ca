// `flagstone apply FILE PATCH`: a patch, in place and at once.
import { Command } from 'commander'
import { type ApplyReport, apply } from '../../transfer/apply.js'
import { changesText } from '../change-table.js'
import { formatDuration, plural } from '../format.js'
import { type CommonOptions, type Context, printJson, say } from '../io.js'
import { progressView } from '../progress.js'

interface ApplyCliOptions extends CommonOptions {
  readonly undo?: string
  readonly overwrite?: boolean
  readonly force?: boolean
  readonly dryRun?: boolean
}

const HELP = `
The file changes at once: readers see all of the patch or nothing of it, and so it is after a crash. If apply is
interrupted, run it again. A patch fits only the tiles that it was made from; their digest is compared first.

Examples:
  flagstone apply ortho.pmtiles changes.patch
  flagstone apply ortho.pmtiles changes.patch --undo back.patch
  flagstone apply ortho.pmtiles back.patch                          take it back
  flagstone apply ortho.pmtiles changes.patch --dry-run             only say whether it fits`

export function applyCommand({ io }: Context): Command {
  return new Command('apply')
    .aliases(['apply-patch', 'apply-diff'])
    .description('apply a patch that diff wrote to a Flagstone file, in place')
    .argument('<file>', 'the Flagstone file to change')
    .argument('<patch>', 'the patch')
    .option('--undo <patch>', 'first write a patch that takes it back')
    .option('--overwrite', 'replace an existing patch by that of --undo')
    .option('--force', 'apply it to a file that it was not made from: what it has replaces what is there')
    .option('-n, --dry-run', 'only say whether the patch fits, and what it would change')
    .addHelpText('after', HELP)
    .action(async (file: string, patch: string, cli: ApplyCliOptions) => {
      const view = progressView(io, cli)
      const report = await apply(
        {
          file,
          patch,
          undo: cli.undo,
          overwrite: cli.overwrite === true,
          force: cli.force === true,
          dryRun: cli.dryRun === true,
        },
        { signal: io.signal, onProgress: (state) => view.update(state) },
      ).finally(() => view.stop())
      if (cli.json === true) printJson(io, report)
      else for (const line of linesOf(report)) say(io, cli, line)
    })
}

function linesOf(report: ApplyReport): string[] {
  const { file, outcome, tiles, metadata, sources, undo } = report
  if (outcome === 'present') return [`${file} has this patch already; nothing was done.`]
  if (outcome === 'sealed') return [`${file} had this patch already, and is sealed now.`]
  const changes = `${changesText(report)}${metadata ? ', metadata replaced' : ''}${sources ? ', sources replaced' : ''}`
  if (outcome === 'applicable')
    return [
      `The patch can be applied to ${file}: ${changes}; it would have ${plural(tiles, 'tile')}. Nothing was changed.`,
    ]
  return [
    `${file}: ${changes}; it has ${plural(tiles, 'tile')} now, in ${formatDuration(report.seconds)}`,
    `digest ${report.digest}`,
    ...(undo === undefined ? [] : [`To take it back: flagstone apply ${file} ${undo}`]),
  ]
}
