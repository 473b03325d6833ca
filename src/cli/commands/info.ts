// `flagstone info FILE`: header, levels with counts and bytes, slack, metadata.
import { basename } from 'node:path'
import { Command, Option } from 'commander'
import { FlagstoneError } from '../../errors.js'
import { digestOf } from '../../interop/transfer/digest-of.js'
import { Turns } from '../../interop/transfer/turns.js'
import { FlatReader } from '../../store/read/reader.js'
import type { TileSet } from '../../store/read/tile-set.js'
import type { TilesDescription } from '../../store/report/describe.js'
import { tileJson } from '../../store/report/tilejson.js'
import { headerOfPatch, PATCH_KEY } from '../../transfer/patch/header.js'
import { formatBytes, formatCount, formatDegrees, plural, table } from '../format.js'
import { type CommonOptions, type Context, print, printJson } from '../io.js'
import { parseBbox, parsePoint } from '../parse.js'
import { oneLine } from '../printable.js'
import { checkSourceOptions, listSources, type SourceListOptions } from '../source-list.js'
import { describeAny, openAny, TILE_FILE } from '../tile-files.js'

interface InfoOptions extends CommonOptions, SourceListOptions {
  readonly levels?: boolean
  readonly tilejson?: boolean
  readonly digest?: boolean
}

const HIDDEN_METADATA = new Set(
  'flagstone name bounds center minzoom maxzoom vector_layers tilestats flagstone_patch'.split(' '),
)

function levelTable(d: TilesDescription): string {
  return table([
    ['  zoom', 'tiles', 'bytes', 'mean'],
    ...d.levels.map((level) => [
      `  ${level.zoom}`,
      formatCount(level.count),
      formatBytes(level.bytes),
      formatBytes(Math.round(level.bytes / Math.max(1, level.count))),
    ]),
  ])
}

function summary(d: TilesDescription, digest: string | undefined, sources: number | undefined): string[][] {
  const rows = [
    ['  name', String(d.metadata['name'] ?? '–')],
    [
      '  tiles',
      `${formatCount(d.tiles)}  (${d.isSampled ? 'about ' : ''}${d.types.map((t) => `${t.name} ${formatCount(t.count)}`).join(', ') || 'none'})`,
    ],
    ['  zooms', d.levels.length > 0 ? `${d.minZoom} to ${d.maxZoom}` : 'none'],
  ]
  if (d.bounds !== undefined) rows.push(['  bounds', d.bounds.map(formatDegrees).join(', ')])
  if (d.disbelieved !== undefined) rows.push(['  ignored', `the metadata give ${d.disbelieved}`])
  if (d.layout !== undefined) {
    rows.push(['  index', `${formatBytes(d.layout.indexBytes)}, slack ${formatBytes(d.layout.slackBytes)}`])
    rows.push(['  values', `${formatBytes(d.layout.valueBytes)}`])
    rows.push(['  uuid', d.layout.uuid])
  }
  if (sources !== undefined && sources > 0)
    rows.push(['  sources', `${formatCount(sources)}  (--sources lists them)`])
  if (digest !== undefined) rows.push(['  digest', digest])
  if (PATCH_KEY in d.metadata) rows.push(['  patch', patchText(d.metadata)])
  for (const [key, value] of Object.entries(d.metadata)) {
    if (!HIDDEN_METADATA.has(key))
      rows.push([`  ${key}`, typeof value === 'string' ? value : JSON.stringify(value)])
  }
  return rows
}

/** What a patch is for, and what it does besides putting its tiles. */
function patchText(metadata: Record<string, unknown>): string {
  try {
    const { before, after, removed } = headerOfPatch('', metadata)
    const more = `${removed.tiles > 0 ? `, removes ${plural(removed.tiles, 'tile')}` : ''}${after.metadata === undefined ? '' : ', replaces the metadata'}${after.sources === undefined ? '' : ', replaces the sources'}`
    return `from ${plural(before.tiles, 'tile')}, digest ${before.digest}, to ${formatCount(after.tiles)}, digest ${after.digest}${more}`
  } catch {
    return 'damaged, or of a later version'
  }
}

/** Number of tiles of a Flagstone file whose digest costs little, because it is computed from the index. */
const INDEXED_TILES = 4_000_000
/** Of archives whose tiles must be read for it. */
const READ_TILES = 10_000
const READ_BYTES = 64 * 2 ** 20

/** Undefined where it would cost more than the rest of `info`, unless it is wanted. */
async function digestForInfo(
  tiles: TileSet,
  { tiles: count, levels }: TilesDescription,
  isWanted: boolean,
  signal: AbortSignal,
): Promise<string | undefined> {
  const bytes = levels.reduce((sum, level) => sum + level.bytes, 0)
  const isCheap =
    tiles instanceof FlatReader ? count <= INDEXED_TILES : count <= READ_TILES && bytes <= READ_BYTES
  if (!isWanted && !isCheap) return undefined
  try {
    return (await digestOf(tiles, new Turns(signal, 'Interrupted.'))).digest.hex
  } catch (error) {
    // what is damaged can be described all the same; verify names it
    if (!isWanted && error instanceof FlagstoneError && error.code !== 'INTERRUPTED') return undefined
    throw error
  }
}

function asTileJson(path: string, description: TilesDescription): Record<string, unknown> {
  const file = basename(path)
  const name = file.replace(/\.(pmtiles|mbtiles|ft|tar|zip|versatiles)$/i, '')
  return tileJson(description, { name, tiles: [`pmtiles://${file}/{z}/{x}/{y}`] })
}

const EXAMPLES = `
Examples:
  flagstone info ortho.pmtiles
  flagstone info ortho.pmtiles --json | jq .levels
  flagstone info ortho.pmtiles --sources
  flagstone info ortho.pmtiles --sources --point 14.63,47.51
  flagstone info ortho.pmtiles --sources --geojson > footprints.geojson`

export function infoCommand({ io }: Context): Command {
  return new Command('info')
    .aliases(['show', 'summary'])
    .description("show a tile file's contents")
    .argument('<file>', TILE_FILE)
    .option('--levels', 'print only the table of zoom levels')
    .option('--tilejson', 'print a TileJSON 3.0.0 document')
    .option('--digest', 'print the digest of the tiles even where every tile must be read for it')
    .addOption(
      new Option('--sources', 'list the images that the file was made from, the topmost first').conflicts([
        'levels',
        'tilejson',
        'digest',
      ]),
    )
    .addOption(
      new Option('--bbox <w,s,e,n>', 'only the sources that touch this rectangle; degrees')
        .argParser(parseBbox)
        .conflicts('point'),
    )
    .option('--point <lon,lat>', 'only the sources that have pixels there; degrees', parsePoint)
    .option('--geojson', 'print the sources as a GeoJSON FeatureCollection')
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, options: InfoOptions) => {
      checkSourceOptions(options)
      const reader = await openAny(path)
      try {
        if (options.sources === true) {
          listSources(io, path, reader, options)
          return
        }
        const description = describeAny(reader)
        if (options.tilejson === true) {
          printJson(io, asTileJson(path, description))
          return
        }
        if (options.levels === true && options.json !== true) {
          print(io, levelTable(description))
          return
        }
        const sources = description.layout?.sourceCount
        const digest = await digestForInfo(reader, description, options.digest === true, io.signal)
        if (options.json === true) printJson(io, { file: path, ...description, sources, digest })
        else {
          print(
            io,
            `${path}: ${description.kind}${description.fileBytes > 0 ? `, ${formatBytes(description.fileBytes)}` : ''}`,
          )
          // line breaks in metadata are escaped
          const rows = summary(description, digest, sources).map((row) => row.map(oneLine))
          const width = Math.max(...rows.map(([key]) => key!.length))
          for (const [key, value] of rows) print(io, `${key!.padEnd(width)}  ${value}`)
          print(io, levelTable(description))
        }
      } finally {
        reader.close()
      }
    })
}
