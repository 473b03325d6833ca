// `flagstone build SRC… OUT`: rasters → one tile file with overviews.
import { Command, Option } from 'commander'
import { FlagstoneError } from '../../errors.js'
import { type BuildOptions, build } from '../../pyramid/build.js'
import { RESAMPLINGS } from '../../raster/pixels.js'
import { formatBytes, formatCount, formatDuration } from '../format.js'
import { type CommonOptions, type Context, printJson, say } from '../io.js'
import {
  collectPairs,
  parseBbox,
  parseBytes,
  parseInteger,
  parseNodata,
  parseThreads,
  parseZooms,
} from '../parse.js'
import { progressView } from '../progress.js'

/** Options under their library names, and those that only the command line knows. */
type BuildCliOptions = CommonOptions &
  Omit<BuildOptions, 'sources' | 'out' | 'crs'> & {
    readonly minzoom?: number
    readonly maxzoom?: number
    readonly force?: boolean
    readonly sSrs?: string
  }

const EXAMPLES = `
Examples:
  flagstone build ortho.tif ortho.pmtiles
  flagstone build ortho.tif ortho.pmtiles --zoom 10-18 --quality 85
  flagstone build dem_shade.tif shade.pmtiles --format webp --lossless --resampling cubic
  flagstone build scan.tif scan.pmtiles --s-srs EPSG:27700 --nodata 255
  flagstone build big.tif big.pmtiles --resume     continue after Ctrl-C, a crash or a full disk`

function define(): Command {
  return new Command('build')
    .alias('create')
    .description('turn a georeferenced raster into one tile file with overviews')
    .argument('<paths...>', 'the source image, then the file to make')
    .option('-z, --zoom <range>', 'zooms to make, e.g. 10-18', parseZooms)
    .addOption(
      new Option('--min-zoom <z>', 'lowest zoom (default: where one tile holds all)').argParser(
        parseInteger(0, 26),
      ),
    )
    .addOption(
      new Option('--max-zoom <z>', "highest zoom (default: the source's resolution)").argParser(
        parseInteger(0, 26),
      ),
    )
    .addOption(new Option('--minzoom <z>').argParser(parseInteger(0, 26)).hideHelp())
    .addOption(new Option('--maxzoom <z>').argParser(parseInteger(0, 26)).hideHelp())
    .addOption(
      new Option('--zoom-level-strategy <how>', 'which zoom stands for a resolution between two').choices([
        'auto',
        'lower',
        'upper',
      ]),
    )
    .addOption(
      new Option('-r, --resampling <kernel>', 'kernel of the warp (default: bilinear)').choices(RESAMPLINGS),
    )
    .addOption(
      new Option('--overview-resampling <kernel>', 'kernel of the overviews (default: average)').choices(
        RESAMPLINGS,
      ),
    )
    .addOption(
      new Option('-f, --format <format>', 'auto: JPEG where opaque, WebP where not').choices([
        'auto',
        'jpeg',
        'jpg',
        'png',
        'webp',
      ]),
    )
    .option('--quality <q>', 'JPEG and WebP quality (default: 75)', parseInteger(1, 100))
    .option('--lossless', 'lossless WebP or PNG')
    .addOption(
      new Option('--tile-size <px>', 'tile width and height').choices(['256', '512']).argParser(Number),
    )
    .option('--bbox <w,s,e,n>', 'only this part, degrees', parseBbox)
    .option('-a, --nodata <v>', "value that means empty: '0' or '0,0,0'", parseNodata)
    .option('-s, --s-srs <crs>', 'CRS of the source, whatever it says itself: EPSG:n, WKT or PROJ')
    .option('-j, --threads <n>', 'worker threads (default: ALL_CPUS)', parseThreads)
    .option(
      '--mem-limit <size>',
      'memory the build may use, e.g. 800M (default: 150M, and 238M a thread)',
      parseBytes,
    )
    .option('--overwrite', 'replace an existing file')
    .addOption(new Option('--force').hideHelp())
    .option('--resume', 'continue an interrupted build')
    .option('--name <text>', 'name in the metadata (default: the file name)')
    .option('--description <text>', 'description in the metadata')
    .option('--attribution <text>', 'attribution in the metadata')
    .addOption(new Option('--type <type>', 'layer type in the metadata').choices(['overlay', 'baselayer']))
    .option('--metadata <key=value>', 'more metadata (repeatable)', collectPairs)
    .option('--no-dedupe', 'store identical tiles again each time')
    .addHelpText('after', EXAMPLES)
}

export function buildCommand({ io }: Context): Command {
  return define().action(async (paths: string[], cli: BuildCliOptions) => {
    const { minzoom, maxzoom, force, quiet, verbose, json, sSrs, ...options } = cli
    const sources = paths.slice(0, -1)
    const out = paths.at(-1)!
    if (sources.length === 0) {
      throw new FlagstoneError(
        'BAD_OPTION',
        `build wants a source and a file to make: flagstone build ${out} OUT.pmtiles`,
      )
    }
    const view = progressView(io, cli)
    const report = await build(
      {
        ...options,
        sources,
        out,
        minZoom: options.minZoom ?? minzoom,
        maxZoom: options.maxZoom ?? maxzoom,
        overwrite: options.overwrite === true || force === true,
        crs: sSrs,
      },
      { signal: io.signal, onProgress: (state) => view.update(state) },
    ).finally(() => view.stop())
    if (json === true) {
      printJson(io, report)
      return
    }
    say(
      io,
      cli,
      `${out}: ${formatCount(report.tiles)} tiles, zooms ${report.minZoom}–${report.maxZoom}, ${formatBytes(report.fileBytes)}, ` +
        `in ${formatDuration(report.seconds)}`,
    )
  })
}
