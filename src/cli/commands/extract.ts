// `flagstone extract IN OUT`: a part of an archive.
import { Command } from 'commander'
import { FlagstoneError } from '../../errors.js'
import { type ExtractPlan, extract, planExtract } from '../../transfer/extract.js'
import { formatBytes, formatCount, plural, table } from '../format.js'
import { type CommonOptions, type Context, type Io, print, printJson } from '../io.js'
import { addOutputOptions, type OutputOptions, outputOf } from '../output-options.js'
import { parseBbox } from '../parse.js'
import { namingWhatItIs, TILE_FILE } from '../tile-files.js'
import { runTransfer } from '../transfer-output.js'
import { addZoomOptions, type ZoomOptions, zoomsOf } from '../zoom-options.js'

interface ExtractCliOptions extends CommonOptions, ZoomOptions, OutputOptions {
  readonly bbox?: [number, number, number, number]
  readonly region?: string
  readonly dryRun?: boolean
}

export function extractCommand({ io }: Context): Command {
  const command = new Command('extract')
    .description('cut an area or some zooms out of a tile archive; tiles are copied byte for byte')
    .argument('<in>', TILE_FILE)
    .argument(
      '[out]',
      'the archive to write; its extension says which kind, and a name without one is a folder',
    )
    .option('--bbox <w,s,e,n>', 'the tiles that touch this area, in degrees', parseBbox)
    .option('--region <file>', 'the tiles that touch the polygons of a GeoJSON file')
  return addOutputOptions(addZoomOptions(command))
    .option('-n, --dry-run', 'only count tiles and bytes; nothing is written')
    .addHelpText(
      'after',
      `
Examples:
  flagstone extract world.pmtiles alps.pmtiles --bbox=5.9,45.8,10.5,47.9
  flagstone extract world.pmtiles town.mbtiles --region town.geojson -z 0-14
  flagstone extract world.pmtiles --bbox=5.9,45.8,10.5,47.9 --dry-run`,
    )
    .action(async (source: string, out: string | undefined, cli: ExtractCliOptions) => {
      const { bbox, region } = cli
      const wanted = { source, bbox, region, ...zoomsOf(cli) }
      if (cli.dryRun === true) {
        const plan = await namingWhatItIs(planExtract(wanted, { signal: io.signal }))
        printPlan(io, cli, source, plan)
        return
      }
      if (out === undefined)
        throw new FlagstoneError(
          'BAD_OPTION',
          'extract needs the name of the archive to write, or --dry-run.',
        )
      await runTransfer(io, cli, (context) => extract({ ...wanted, out, ...outputOf(cli) }, context))
    })
}

function printPlan(io: Io, options: CommonOptions, source: string, plan: ExtractPlan): void {
  if (options.json === true) {
    printJson(io, { file: source, ...plan })
    return
  }
  print(io, `${source}: ${plural(plan.tiles, 'tile')} to copy, ${formatBytes(plan.tileBytes)}`)
  if (plan.tiles === 0) return
  print(
    io,
    table([
      ['  zoom', 'tiles', 'bytes'],
      ...plan.levels.map(({ zoom, tiles, bytes }) => [`  ${zoom}`, formatCount(tiles), formatBytes(bytes)]),
    ]),
  )
}
