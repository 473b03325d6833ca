// The options of `flagstone build`, group by group as its help shows them. Their meaning is documented in
// pyramid/options.ts; this file has their names and help.
import { Command, Option } from 'commander'
import type { TerrainUnit } from '../../pyramid/terrain-options.js'
import { RESAMPLINGS } from '../../raster/pixels.js'
import { TERRAIN_ENCODINGS, type TerrainNodata } from '../../raster/tiles/terrain.js'
import { MAX_ZOOM } from '../../zooms.js'
import {
  collectPairs,
  KERNEL_NAMES,
  oneOf,
  parseBands,
  parseBbox,
  parseBytes,
  parseColour,
  parseInteger,
  parseNodata,
  parseNumber,
  parseQuality,
  parseRescale,
  parseThreads,
  parseZooms,
} from '../parse.js'

const zoom = (): ((text: string) => number) => parseInteger(0, MAX_ZOOM)

function inputOptions(command: Command): Command {
  return command
    .optionsGroup('Input:')
    .option('--bbox <w,s,e,n>', 'build only this area, in degrees', parseBbox)
    .option('--cutline <file>', 'build only inside the polygons of this GeoJSON file')
    .option(
      '--cutline-blend <px>',
      'fade the image in over this many pixels at the cutline (default: 0)',
      parseNumber(0, 1000),
    )
    .option(
      '-a, --nodata <v>',
      "value treated as nodata: '0', '0,0,0', 'nan', several as '0,0,0;255,255,255', or none",
      parseNodata,
    )
    .option(
      '-s, --s-srs <crs>',
      'CRS of the sources, used instead of their own: EPSG:n, ESRI:n, WKT, PROJJSON or a PROJ string',
    )
    .addOption(
      oneOf(
        '--blend <how>',
        'where sources overlap: show the first, the last, or blend them near their edges (default: last)',
        ['first', 'last', 'feather'],
      ),
    )
    .option(
      '--feather <px>',
      'with --blend feather: fade sources in over this many pixels from their edges (default: 64)',
      parseInteger(1, 1024),
    )
    .addOption(
      oneOf(
        '--order <how>',
        'which source is on top: the last or first given (see --blend), the finest, or the newest by its date; a higher priority in a list always wins (default: given)',
        ['given', 'finest', 'newest'],
      ),
    )
    .option(
      '--skip-unreadable',
      'skip sources that cannot be opened, leave damaged parts of images empty, and list both (exit code 4)',
    )
}

function colourOptions(command: Command): Command {
  return command
    .optionsGroup('Colours:')
    .option(
      '--bands <list>',
      'bands to show, one or three, counted from 1 (default: 1,2,3, or 1)',
      parseBands,
    )
    .option(
      '--rescale <range>',
      'values shown as black and white: min,max for all bands or for each, or auto',
      parseRescale,
    )
    .option('--gamma <g>', 'values above 1 brighten the midtones (default: 1)', parseNumber(0, 100))
    .option('--colormap <map>', 'colours for one band: a name such as viridis, or a file')
    .addOption(
      oneOf(
        '--colormap-mode <mode>',
        "colours between the colormap's values (default: linear; exact for JSON files)",
        ['linear', 'lower', 'exact'],
      ),
    )
    .option('--no-alpha', 'ignore alpha and masks; create no transparent tiles')
    .option('--add-alpha', 'transparent where there is no data (this is the default)')
    .option('--background <r,g,b>', 'background colour of opaque tiles (default: white)', parseColour)
}

function outputOptions(command: Command): Command {
  return command
    .optionsGroup('Output:')
    .option('-z, --zoom <range>', 'zoom levels to build, e.g. 10-18', parseZooms)
    .addOption(
      new Option(
        '--min-zoom <z>',
        'lowest zoom (default: the highest at which one tile covers the image)',
      ).argParser(zoom()),
    )
    .addOption(
      new Option('--max-zoom <z>', 'highest zoom (default: from the resolution of the source)').argParser(
        zoom(),
      ),
    )
    .addOption(
      oneOf(
        '--depth <how>',
        'native: each source to the zoom of its own resolution; uniform: all to the highest zoom (default: native, or uniform if a highest zoom is given)',
        ['native', 'uniform'],
      ),
    )
    .option('--oversample', 'allow more than a million tiles beyond the resolution of the image')
    .addOption(new Option('--minzoom <z>').argParser(zoom()).hideHelp())
    .addOption(new Option('--maxzoom <z>').argParser(zoom()).hideHelp())
    .addOption(
      oneOf(
        '--zoom-level-strategy <how>',
        'highest zoom if the resolution is between two zoom levels (default: auto)',
        ['auto', 'lower', 'upper'],
      ),
    )
    .addOption(
      oneOf(
        '-r, --resampling <kernel>',
        'kernel for the highest zoom (default: bilinear)',
        RESAMPLINGS,
        KERNEL_NAMES,
      ),
    )
    .addOption(
      oneOf(
        '--overview-resampling <kernel>',
        'kernel for the overviews (default: average)',
        RESAMPLINGS,
        KERNEL_NAMES,
      ),
    )
}

/** In the group of the zoom levels. */
function tileOptions(command: Command): Command {
  return command
    .addOption(
      oneOf(
        '-f, --format <format>',
        'tile format; auto: JPEG for opaque tiles, WebP or PNG for others (default: auto)',
        ['auto', 'jpeg', 'jpg', 'png', 'webp', 'avif'],
      ),
    )
    .addOption(
      oneOf(
        '--transparent-format <format>',
        'format of tiles that are not opaque, with --format auto (default: webp)',
        ['webp', 'png'],
      ),
    )
    .option(
      '--quality <q>',
      '1 to 100, or also by zoom: 75,14:50,16-18:80 (default: 75; AVIF: 60)',
      parseQuality,
    )
    .option('--lossless', 'use lossless WebP, PNG or AVIF')
    .addOption(
      oneOf('--tile-size <px>', 'tile width and height (default: 256)', ['256', '512']).argParser(Number),
    )
    .option('-x, --skip-blank', 'store no tiles that show only the background')
    .option('--no-dedupe', 'store identical tiles more than once')
    .option('--name <text>', 'name in the metadata (default: the file name)')
    .option('--description <text>', 'description in the metadata')
    .option('--attribution <text>', 'attribution in the metadata')
    .addOption(oneOf('--type <type>', 'layer type in the metadata', ['overlay', 'baselayer']))
    .option('--metadata <key=value>', 'other metadata (repeatable)', collectPairs)
}

function terrainOptions(command: Command): Command {
  return command
    .optionsGroup('Terrain:')
    .addOption(
      oneOf(
        '--terrain <encoding>',
        'store heights, not colours: as terrain-RGB, mapbox (0.1 m) or terrarium (1/256 m), in lossless WebP or ' +
          'with --format png; or as numbers, int16 or float32. Use --bands to choose the band',
        TERRAIN_ENCODINGS,
      ),
    )
    .option(
      '--terrain-nodata <what>',
      'pixels without a height: transparent (MapLibre and Mapbox GL ignore alpha and show a pit there), ' +
        'parent (filled from the heights around them), or a height such as 0 (default: transparent)',
      parseTerrainNodata,
    )
    .option(
      '--terrain-unit <unit>',
      'unit of the source heights, used instead of their own: m, ft, us-ft, or metres per unit, e.g. 0.1 ' +
        '(default: from their vertical coordinate system, else m)',
      parseTerrainUnit,
    )
    .option(
      '--terrain-step <m>',
      'int16: step between stored heights, in metres (default: 0.25)',
      parseNumber(0, 1e6),
    )
    .option(
      '--terrain-offset <m>',
      'int16: height stored as 0, in metres (default: 2500)',
      parseNumber(-1e6, 1e6),
    )
}

function parseTerrainUnit(text: string): TerrainUnit {
  return text === 'm' || text === 'ft' || text === 'us-ft' ? text : parseNumber(0, 1e6)(text)
}

function parseTerrainNodata(text: string): TerrainNodata {
  return text === 'transparent' || text === 'parent' ? text : parseNumber(-1e6, 1e6)(text)
}

function runOptions(command: Command): Command {
  return command
    .optionsGroup('Run:')
    .option('--dry-run', 'estimate tiles, file size and time; write nothing')
    .option(
      '-j, --threads <n>',
      'most threads to use; small images need fewer (default: all cores)',
      parseThreads,
    )
    .option(
      '--mem-limit <size>',
      'most memory to use, e.g. 800M (default: 150M + 238M per thread)',
      parseBytes,
    )
    .option('--overwrite', 'replace an existing file')
    .addOption(new Option('--force').hideHelp())
    .option('--resume', 'continue an interrupted build')
    .option('--accept-changed', 'with --resume: continue although sources have changed; finished tiles stay')
}

const EXAMPLES = `
Examples:
  flagstone build ortho.tif ortho.pmtiles
  flagstone build ortho.tif ortho.pmtiles --dry-run       estimate tiles, size and time

Input:
  flagstone build scan.tif scan.pmtiles --s-srs EPSG:27700 --nodata 255
  flagstone build world.tif alps.pmtiles --bbox=5.9,45.8,10.5,47.9
  flagstone build naip/ extra/*.tif @more.txt county.pmtiles --cutline county.geojson
  flagstone build 2012.tif 2018.tif years.pmtiles --blend feather --nodata '0,0,0;255,255,255'
  flagstone build sources.geojson country.pmtiles --order newest    a list: GeoJSON, STAC items or CSV

Colours:
  flagstone build s2.tif infrared.pmtiles --bands 8,4,3 --rescale 0,4000 --gamma 1.2
  flagstone build 16bit.tif photo.pmtiles --rescale 100,2000,90,1800,80,1500
  flagstone build dem.tif heights.pmtiles --colormap terrain --rescale 0,3000
  flagstone build dem.tif heights.pmtiles --colormap colours.txt
  flagstone build landcover.tif classes.pmtiles --colormap classes.json -r mode --overview-resampling mode

Terrain:
  flagstone build dem.tif terrain.pmtiles --terrain mapbox --terrain-nodata 0
  flagstone build srtm/*.hgt terrain.pmtiles --terrain terrarium --resampling cubic
  flagstone build dem.tif heights.pmtiles --terrain int16 --terrain-step 0.1 --terrain-offset 1000

Output:
  flagstone build ortho.tif ortho.pmtiles --zoom 10-18 --quality 70,17-18:85
  flagstone build country.tif cities/ map.pmtiles         each source to its own zoom
  flagstone build country.tif cities/ map.pmtiles --depth uniform
  flagstone build ortho.tif ortho.pmtiles --format avif
  flagstone build shade.tif shade.pmtiles --format webp --lossless --resampling cubic
  flagstone build ortho.tif ortho.pmtiles --format jpeg --background 0,0,0 --skip-blank

Run:
  flagstone build big.tif big.pmtiles --threads 8 --mem-limit 4G
  flagstone build big.tif big.pmtiles --resume            continue after Ctrl-C, a crash or a full disk`

export function defineBuild(): Command {
  const command = new Command('build')
    .alias('create')
    .description('turn georeferenced rasters into one tile file with overviews')
    .argument(
      '<paths...>',
      'sources (images, folders, globs, lists: .geojson, .csv, @list.txt; URLs), later ones on top; then the file to create',
    )
  const groups = [inputOptions, colourOptions, terrainOptions, outputOptions, tileOptions, runOptions]
  for (const group of groups) group(command)
  return command.optionsGroup('Common:').addHelpText('after', EXAMPLES)
}
