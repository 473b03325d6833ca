// `flagstone merge A B ... OUT`: several archives in one.
import { Command } from 'commander'
import { FlagstoneError } from '../../errors.js'
import { type MergePlan, merge, planMerge } from '../../transfer/merge.js'
import { DUPLICATE_CHOICES, type DuplicateChoice } from '../../transfer/options.js'
import { formatCount, plural, table } from '../format.js'
import { type CommonOptions, type Context, type Io, print, printJson } from '../io.js'
import { addOutputOptions, type OutputOptions, outputOf } from '../output-options.js'
import { oneOf } from '../parse.js'
import { namingWhatItIs, TILE_FILE } from '../tile-files.js'
import { runTransfer } from '../transfer-output.js'

interface MergeCliOptions extends CommonOptions, OutputOptions {
  readonly onDuplicate?: DuplicateChoice
  readonly dryRun?: boolean
}

const HELP = `
Where several archives have different tiles at the same place, --on-duplicate says what becomes of them:
  first   the tile of the archive that is named first (also: ignore)
  last    the tile of the archive that is named last (also: override)
  blend   they are drawn over one another, the last on top, and encoded as that one is; heights are blended as heights
  abort   nothing is written
Without it, tiles are blended where that shows something of the one on top and of those below, and anything else aborts:
so no tile is dropped unless you say so. JPEG is never transparent: with blend, a JPEG tile hides what is below it, also
where it is black for want of an image.

Examples:
  flagstone merge north.pmtiles south.pmtiles country.pmtiles
  flagstone merge base.mbtiles update.pmtiles new.pmtiles --on-duplicate last`

export function mergeCommand({ io }: Context): Command {
  const command = new Command('merge')
    .alias('join')
    .description('join tile archives in one; only tiles that several have are decoded, if they are blended')
    .argument('<files...>', `two or more archives (${TILE_FILE}), then the archive to write`)
    .addOption(
      oneOf('--on-duplicate <choice>', 'what to do with different tiles at one place', DUPLICATE_CHOICES, {
        override: 'last',
        ignore: 'first',
      }),
    )
  return addOutputOptions(command)
    .option(
      '-n, --dry-run',
      'only count tiles, and places where several archives have one; nothing is written',
    )
    .addHelpText('after', HELP)
    .action(async (files: readonly string[], cli: MergeCliOptions) => {
      const [sources, out] = [files.slice(0, -1), files.at(-1)!]
      if (sources.length < 2)
        throw new FlagstoneError(
          'BAD_OPTION',
          'merge needs two or more archives, and then the name of the one to write, with --dry-run too.',
        )
      if (cli.dryRun === true) {
        printPlan(io, cli, out, await namingWhatItIs(planMerge({ sources }, { signal: io.signal })))
        return
      }
      await runTransfer(io, cli, (context) =>
        merge({ sources, out, onDuplicate: cli.onDuplicate, ...outputOf(cli) }, context),
      )
    })
}

function printPlan(io: Io, options: CommonOptions, out: string, plan: MergePlan): void {
  if (options.json === true) {
    printJson(io, { out, ...plan })
    return
  }
  print(io, `${out}: ${plural(plan.tiles, 'tile')}, ${formatCount(plan.shared)} of them in several archives`)
  print(
    io,
    table([
      ['  zoom', 'tiles', 'in several'],
      ...plan.levels.map(({ zoom, tiles, shared }) => [`  ${zoom}`, formatCount(tiles), formatCount(shared)]),
    ]),
  )
}
