// `flagstone convert IN OUT`: an archive in another container.
import { Command } from 'commander'
import { convert } from '../../transfer/convert.js'
import { addFormOptions, type FormOptions, formOf } from '../form-options.js'
import type { CommonOptions, Context } from '../io.js'
import { addOutputOptions, type OutputOptions, outputOf } from '../output-options.js'
import { TILE_FILE } from '../tile-files.js'
import { runTransfer } from '../transfer-output.js'
import { addZoomOptions, type ZoomOptions, zoomsOf } from '../zoom-options.js'

interface ConvertCliOptions extends CommonOptions, ZoomOptions, OutputOptions, FormOptions {}

export function convertCommand({ io }: Context): Command {
  const command = new Command('convert')
    .description('convert a tile archive to another container or other tiles')
    .argument('<in>', TILE_FILE)
    .argument(
      '<out>',
      'the archive to write; its extension says which kind, and a name without one is a folder',
    )
  return addFormOptions(addZoomOptions(addOutputOptions(command)))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  flagstone convert old.mbtiles new.pmtiles\n' +
        '  flagstone convert ortho.pmtiles ortho.mbtiles --mbtiles-type normalized\n' +
        '  flagstone convert ortho.pmtiles tiles/                z/x/y.png, and metadata.json\n' +
        '  flagstone convert ortho.pmtiles tiles/ --scheme tms\n' +
        '  flagstone convert tiles.zip ortho.pmtiles\n' +
        '  flagstone convert ortho.pmtiles ortho.versatiles\n' +
        '  flagstone convert ortho.pmtiles ortho.tif\n' +
        '  flagstone convert ortho.pmtiles ortho.ft --format jpeg --tile-size 256\n' +
        '  flagstone convert png.mbtiles small.pmtiles --format webp --quality 80\n' +
        '  flagstone convert ortho.pmtiles large.pmtiles --tile-size 512\n' +
        '\nTiles are copied byte for byte unless an option asks for another form. A GeoTIFF (.tif) is cloud-optimized: JPEG\n' +
        'and WebP tiles are copied, PNG becomes DEFLATE without loss, heights become numbers.',
    )
    .action(async (source: string, out: string, cli: ConvertCliOptions) => {
      await runTransfer(io, cli, (context) =>
        convert({ source, out, ...outputOf(cli), ...zoomsOf(cli), ...formOf(cli) }, context),
      )
    })
}
