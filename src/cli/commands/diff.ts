// `flagstone diff BEFORE AFTER [PATCH]`: what differs between two archives, and a patch.
import { Command, Option } from 'commander'
import { type DiffReport, diff, type TileDifference } from '../../transfer/diff.js'
import { changesTable, changesText } from '../change-table.js'
import { formatBytes, formatDuration } from '../format.js'
import { type CommonOptions, type Context, EXIT, type Io, print, printJson, say } from '../io.js'
import { progressView } from '../progress.js'
import { namingWhatItIs, TILE_FILE } from '../tile-files.js'

interface DiffCliOptions extends CommonOptions {
  readonly list?: boolean
  readonly dryRun?: boolean
  readonly allowEmpty?: boolean
  readonly overwrite?: boolean
  readonly force?: boolean
}

const HELP = `
Without a patch, and with --dry-run, the exit code is 0 when the archives are the same, and 1 when they differ. With a patch
it is 0 when the patch was written, or when there was nothing to write. It is 2 when they could not be compared.

Two Flagstone files are compared by the checksums in their indexes, without reading tiles. The patch is itself a tile file:
info, tile and serve show the tiles that it adds and changes.

Examples:
  flagstone diff old.pmtiles new.mbtiles                   count what differs, by zoom
  flagstone diff old.pmtiles new.pmtiles --list            print each tile that differs
  flagstone diff old.pmtiles new.pmtiles changes.patch     write a patch
  flagstone apply copy-of-old.pmtiles changes.patch        apply it somewhere else`

export function diffCommand(context: Context): Command {
  const { io } = context
  return new Command('diff')
    .alias('compare')
    .description('compare two tile archives, and write a patch that turns the first into the second')
    .argument('<before>', TILE_FILE)
    .argument('<after>', 'another one')
    .argument('[patch]', 'the patch to write, such as changes.patch')
    .addOption(
      new Option('--list', 'print each tile that differs: + added, ~ changed, - removed').conflicts('json'),
    )
    .option('-n, --dry-run', 'only compare, write no patch')
    .option('--allow-empty', 'write a patch even if the archives are the same')
    .option('--overwrite, --force', 'replace an existing patch')
    .addHelpText('after', HELP)
    .action(async (before: string, after: string, path: string | undefined, cli: DiffCliOptions) => {
      context.failureCode = EXIT.USAGE
      const patch = cli.dryRun === true ? undefined : path
      const overwrite = cli.overwrite === true || cli.force === true
      const view = progressView(io, cli)
      const list = new List(io)
      const work = diff(
        { before, after, patch, overwrite, allowEmpty: cli.allowEmpty === true },
        {
          signal: io.signal,
          onProgress: (state) => view.update(state),
          onDifference: cli.list === true ? (difference) => list.add(difference) : undefined,
        },
      )
      const report = await namingWhatItIs(work).finally(() => view.stop())
      list.flush()
      if (cli.json === true) printJson(io, report)
      else show(io, cli, report, path !== undefined)
      if (patch === undefined && !report.same) context.exitCode = EXIT.FAILED
    })
}

function show(io: Io, cli: DiffCliOptions, report: DiffReport, isPatchNamed: boolean): void {
  const { before, after, same, metadata, sources, levels, patch } = report
  if (same) {
    const without = isPatchNamed && patch === undefined ? ' No patch was written.' : ''
    say(io, cli, `${before.path} and ${after.path} have the same tiles and metadata.${without}`)
  } else if (cli.list !== true) {
    if (levels.length > 0) print(io, changesTable(report))
    print(io, changesText(report))
    if (metadata.length > 0) print(io, `metadata that differ: ${metadata.join(', ')}`)
    if (sources) print(io, 'the sources that they remember differ')
  }
  if (patch !== undefined)
    say(
      io,
      cli,
      `${patch.path}: ${formatBytes(patch.fileBytes)}, in ${formatDuration(report.seconds)}. To apply it: flagstone apply FILE ${patch.path}`,
    )
}

const MARKS = { added: '+', changed: '~', removed: '-' } as const
const LINES = 1000

/** Prints tiles, many lines at once. */
class List {
  readonly #io: Io
  #lines: string[] = []

  constructor(io: Io) {
    this.#io = io
  }

  add({ z, x, y, change }: TileDifference): void {
    this.#lines.push(`${MARKS[change]} ${z}/${x}/${y}`)
    if (this.#lines.length === LINES) this.flush()
  }

  flush(): void {
    if (this.#lines.length > 0) print(this.#io, this.#lines.join('\n'))
    this.#lines = []
  }
}
