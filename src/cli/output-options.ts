// Where and how convert, extract and merge write.
import { type Command, Option } from 'commander'
import { OUTPUT_FORMATS, type OutputFormat } from '../interop/create.js'
import { MBTILES_TYPES, type MbtilesType } from '../interop/mbtiles/schemas.js'

export interface OutputOptions {
  readonly to?: OutputFormat
  readonly mbtilesType?: MbtilesType
  readonly overwrite?: boolean
  readonly force?: boolean
}

export function addOutputOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--to <kind>', 'kind of the output (default: by its extension)').choices(OUTPUT_FORMATS),
    )
    .addOption(
      new Option(
        '--mbtiles-type <type>',
        'tables of an MBTiles output: normalized stores equal tiles once (default: flat)',
      ).choices(MBTILES_TYPES),
    )
    .option('--overwrite, --force', 'replace an existing tile archive')
}

export const outputOf = (
  cli: OutputOptions,
): { to: OutputFormat | undefined; mbtilesType: MbtilesType | undefined; overwrite: boolean } => ({
  to: cli.to,
  mbtilesType: cli.mbtilesType,
  overwrite: cli.overwrite === true || cli.force === true,
})
