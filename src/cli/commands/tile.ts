// `flagstone tile FILE Z X Y`: one tile's bytes.
import { Command } from 'commander'
import { FlagstoneError } from '../../errors.js'
import { mimeOf } from '../../format/tile-type.js'
import { MAX_ZOOM } from '../../zooms.js'
import { type BinaryTarget, checkTarget, writeBinary } from '../binary-output.js'
import { type CommonOptions, type Context, printJson } from '../io.js'
import { parseInteger } from '../parse.js'
import { openAny, TILE_FILE } from '../tile-files.js'

interface TileOptions extends CommonOptions {
  readonly output?: string
  readonly overwrite?: boolean
}

export function tileCommand({ io }: Context): Command {
  return new Command('tile')
    .description("write one tile's bytes to stdout")
    .argument('<file>', TILE_FILE)
    .argument('<z>', 'zoom', parseInteger(0, MAX_ZOOM))
    .argument('<x>', 'column, counted from the west', parseInteger(0, 2 ** MAX_ZOOM - 1))
    .argument('<y>', 'row, counted from the north', parseInteger(0, 2 ** MAX_ZOOM - 1))
    .option('-o, --output <file>', 'output file (default: stdout)')
    .option('--overwrite', 'replace an existing image or tile')
    .addHelpText(
      'after',
      '\nExamples:\n  flagstone tile ortho.pmtiles 14 8800 5373 > tile.jpg\n  flagstone tile ortho.pmtiles 14 8800 5373 --json   (type, length, ETag; no bytes)',
    )
    .action(async (path: string, z: number, x: number, y: number, options: TileOptions) => {
      if (x >= 2 ** z || y >= 2 ** z) {
        throw new FlagstoneError(
          'BAD_OPTION',
          `There is no tile ${z}/${x}/${y}: at zoom ${z}, x and y range from 0 to ${2 ** z - 1}.`,
        )
      }
      const target: BinaryTarget = { who: 'tile', input: path, ...options }
      if (options.json !== true) checkTarget(io, target)
      // mapping the file does not pay for one tile
      const reader = await openAny(path, { mode: 'buffered' })
      try {
        const tile = reader.get(z, x, y)
        if (tile === undefined) {
          const zooms = reader.levels().map((level) => level.zoom)
          const has = zooms.length > 0 ? `it has zoom levels ${zooms[0]} to ${zooms.at(-1)}` : 'it is empty'
          throw new FlagstoneError('NOT_FOUND', `${path} has no tile ${z}/${x}/${y} (${has}).`, { path })
        }
        if (options.json === true)
          printJson(io, {
            z,
            x,
            y,
            type: mimeOf(tile.type),
            length: tile.bytes.length,
            etag: 'etag' in tile ? tile.etag : undefined,
          })
        else writeBinary(io, target, tile.bytes)
      } finally {
        reader.close()
      }
    })
}
