// The zooms that convert, extract and merge copy.
import { type Command, Option } from 'commander'
import { FlagstoneError } from '../errors.js'
import { MAX_ZOOM } from '../zooms.js'
import { parseInteger, parseZooms } from './parse.js'

export interface ZoomOptions {
  readonly zoom?: [number, number]
  readonly minZoom?: number
  readonly maxZoom?: number
  readonly minzoom?: number
  readonly maxzoom?: number
}

export function addZoomOptions(command: Command): Command {
  const zoom = parseInteger(0, MAX_ZOOM)
  return command
    .option('-z, --zoom <range>', 'zooms to copy, e.g. 10-18 (default: all)', parseZooms)
    .option('--min-zoom <z>', 'leave out lower zooms', zoom)
    .option('--max-zoom <z>', 'leave out higher zooms', zoom)
    .addOption(new Option('--minzoom <z>').argParser(zoom).hideHelp())
    .addOption(new Option('--maxzoom <z>').argParser(zoom).hideHelp())
}

/** @throws BAD_OPTION when both ways are used */
export function zoomsOf(cli: ZoomOptions): { minZoom: number | undefined; maxZoom: number | undefined } {
  const minZoom = cli.minZoom ?? cli.minzoom
  const maxZoom = cli.maxZoom ?? cli.maxzoom
  if (cli.zoom === undefined) return { minZoom, maxZoom }
  if (minZoom !== undefined || maxZoom !== undefined)
    throw new FlagstoneError('BAD_OPTION', 'Pass --zoom, or --min-zoom and --max-zoom, not both.')
  return { minZoom: cli.zoom[0], maxZoom: cli.zoom[1] }
}
