// `flagstone convert IN OUT`: an archive in another container.
import { Command } from 'commander'
import { convert } from '../../transfer/convert.js'
import type { CommonOptions, Context } from '../io.js'
import { addOutputOptions, type OutputOptions, outputOf } from '../output-options.js'
import { TILE_FILE } from '../tile-files.js'
import { runTransfer } from '../transfer-output.js'
import { addZoomOptions, type ZoomOptions, zoomsOf } from '../zoom-options.js'

interface ConvertCliOptions extends CommonOptions, ZoomOptions, OutputOptions {}

export function convertCommand({ io }: Context): Command {
  const command = new Command('convert')
    .description('convert a tile archive to another container; tiles are copied byte for byte')
    .argument('<in>', TILE_FILE)
    .argument(
      '<out>',
      'the archive to write; its extension says which kind, and a name without one is a folder',
    )
  return addZoomOptions(addOutputOptions(command))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  flagstone convert old.mbtiles new.pmtiles\n' +
        '  flagstone convert ortho.pmtiles ortho.mbtiles --mbtiles-type normalized\n' +
        '  flagstone convert ortho.pmtiles tiles/                z/x/y.png, and metadata.json\n' +
        '  flagstone convert ortho.pmtiles tiles/ --scheme tms\n' +
        '  flagstone convert tiles.zip ortho.pmtiles',
    )
    .action(async (source: string, out: string, cli: ConvertCliOptions) => {
      await runTransfer(io, cli, (context) =>
        convert({ source, out, ...outputOf(cli), ...zoomsOf(cli) }, context),
      )
    })
}
