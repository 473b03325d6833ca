// Where and how convert, extract and merge write.
import { type Command, Option } from 'commander'
import { OUTPUT_FORMATS, type OutputFormat } from '../interop/create.js'
import { ROW_SCHEMES, type RowScheme } from '../interop/folder/schemes.js'
import { MBTILES_TYPES, type MbtilesType } from '../interop/mbtiles/schemas.js'
import { oneOf } from './parse.js'

export interface OutputOptions {
  readonly to?: OutputFormat
  readonly mbtilesType?: MbtilesType
  readonly scheme?: RowScheme
  readonly frastColours?: boolean
  readonly overwrite?: boolean
  readonly force?: boolean
}

/** What other programs call a folder of tiles. */
const FOLDER_NAMES = { dir: 'folder', directory: 'folder', files: 'folder', xyz: 'folder', 'z/x/y': 'folder' }

export function addOutputOptions(command: Command): Command {
  return command
    .addOption(
      oneOf('--to <kind>', 'kind of the output (default: by its name)', OUTPUT_FORMATS, FOLDER_NAMES),
    )
    .addOption(
      new Option(
        '--mbtiles-type <type>',
        'tables of an MBTiles output: normalized stores equal tiles once (default: flat)',
      ).choices(MBTILES_TYPES),
    )
    .addOption(
      oneOf(
        '--scheme <scheme>',
        'rows of an output folder: xyz counts them from the north, tms from the south (default: xyz)',
        ROW_SCHEMES,
      ),
    )
    .option('--frast-colours', "swap red and blue in a frast output, as frast's own viewer expects it")
    .option('--overwrite, --force', 'replace an existing tile archive')
}

interface Output {
  readonly to: OutputFormat | undefined
  readonly mbtilesType: MbtilesType | undefined
  readonly scheme: RowScheme | undefined
  readonly frastColours: boolean | undefined
  readonly overwrite: boolean
}

export const outputOf = (cli: OutputOptions): Output => ({
  to: cli.to,
  mbtilesType: cli.mbtilesType,
  scheme: cli.scheme,
  frastColours: cli.frastColours,
  overwrite: cli.overwrite === true || cli.force === true,
})
