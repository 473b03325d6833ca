// `flagstone convert IN OUT`: an archive in another container.
import { Command, Option } from 'commander'
import { OUTPUT_FORMATS, type OutputFormat } from '../../interop/create.js'
import { MBTILES_TYPES, type MbtilesType } from '../../interop/mbtiles/schemas.js'
import { convert } from '../../transfer/convert.js'
import type { CommonOptions, Context } from '../io.js'
import { TILE_FILE } from '../tile-files.js'
import { runTransfer } from '../transfer-output.js'
import { addZoomOptions, type ZoomOptions, zoomsOf } from '../zoom-options.js'

interface ConvertCliOptions extends CommonOptions, ZoomOptions {
  readonly to?: OutputFormat
  readonly mbtilesType?: MbtilesType
  readonly overwrite?: boolean
  readonly force?: boolean
}

export function convertCommand({ io }: Context): Command {
  const command = new Command('convert')
    .description('convert a tile archive to another container; tiles are copied byte for byte')
    .argument('<in>', TILE_FILE)
    .argument('<out>', 'the archive to write; its extension says which kind')
    .addOption(
      new Option('--to <kind>', 'kind of the output (default: by its extension)').choices(OUTPUT_FORMATS),
    )
    .addOption(
      new Option(
        '--mbtiles-type <type>',
        'tables of an MBTiles output: normalized stores equal tiles once (default: flat)',
      ).choices(MBTILES_TYPES),
    )
  return addZoomOptions(command)
    .option('--overwrite, --force', 'replace an existing tile archive')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  flagstone convert old.mbtiles new.pmtiles\n' +
        '  flagstone convert ortho.pmtiles ortho.mbtiles --mbtiles-type normalized',
    )
    .action(async (source: string, out: string, cli: ConvertCliOptions) => {
      const overwrite = cli.overwrite === true || cli.force === true
      await runTransfer(io, cli, (context) =>
        convert(
          { source, out, to: cli.to, mbtilesType: cli.mbtilesType, overwrite, ...zoomsOf(cli) },
          context,
        ),
      )
    })
}
