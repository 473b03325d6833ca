// The form in which convert writes tiles.
import { type Command, Option } from 'commander'
import type { ConvertOptions } from '../transfer/options.js'
import { parseColour, parseInteger } from './parse.js'

type Form = Pick<
  ConvertOptions,
  'format' | 'quality' | 'lossless' | 'tileSize' | 'terrain' | 'background' | 'raw'
>

export interface FormOptions {
  readonly format?: Form['format']
  readonly quality?: number
  readonly lossless?: boolean
  readonly tileSize?: string
  readonly terrain?: Form['terrain']
  readonly raw?: boolean
  readonly background?: [number, number, number]
}

export function addFormOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--format <format>', 'encode the tiles again that have another format').choices([
        'jpeg',
        'png',
        'webp',
        'avif',
      ]),
    )
    .option(
      '--quality <q>',
      'of tiles that are encoded; without --format, all lossy tiles are (default: 75, AVIF: 60)',
      parseInteger(1, 100),
    )
    .option('--lossless', 'lossless WebP or AVIF, with --format')
    .option('--background <r,g,b>', 'colour behind transparent pixels, with --format jpeg', parseColour)
    .addOption(
      new Option(
        '--tile-size <pixels>',
        'join four tiles of 256 pixels, or cut tiles of 512; zooms move by one',
      ).choices(['256', '512']),
    )
    .addOption(
      new Option('--terrain <encoding>', 'encode heights so, without loss').choices(['terrarium', 'mapbox']),
    )
    .option('--raw', 'copy tiles of a frast file as they are, with red and blue swapped')
}

export function formOf({ format, quality, lossless, tileSize, terrain, background, raw }: FormOptions): Form {
  const size = tileSize === undefined ? undefined : tileSize === '256' ? 256 : 512
  return { format, quality, lossless, tileSize: size, terrain, background, raw }
}
