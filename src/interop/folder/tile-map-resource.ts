// tilemapresource.xml: what describes a folder of TMS tiles, as gdal2tiles writes it.
import { basename } from 'node:path'
import { mimeOf, TileType, typeFromExtension } from '../../format/tile-type.js'
import { WORLD_METRES } from '../../grid/tiles/mercator.js'
import type { LooseTally } from '../packed/about-files.js'
import type { ArchiveAbout } from '../transfer/sink.js'

const WORLD = [-180, -85.051_128_779_806_59, 180, 85.051_128_779_806_59] as const
const TILE_PIXELS = 256

const inXml = (value: unknown): string =>
  String(value ?? '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: XML cannot have them
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '')
    .replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)

export function tileMapResource(
  path: string,
  { metadata, bounds }: ArchiveAbout,
  { minZoom, maxZoom, format }: LooseTally,
): string {
  const [west, south, east, north] = bounds ?? WORLD
  const stated = Number(metadata['tileSize'])
  const pixels = Number.isInteger(Math.log2(stated)) ? stated : TILE_PIXELS
  const sets = Array.from({ length: maxZoom - minZoom + 1 }, (_, i) => minZoom + i).map(
    (z) => `    <TileSet href="${z}" units-per-pixel="${WORLD_METRES / pixels / 2 ** z}" order="${z}"/>`,
  )
  const half = WORLD_METRES / 2
  return `<?xml version="1.0" encoding="utf-8"?>
<TileMap version="1.0.0" tilemapservice="http://tms.osgeo.org/1.0.0">
  <Title>${inXml(metadata['name'] || basename(path))}</Title>
  <Abstract>${inXml(metadata['description'])}</Abstract>
  <SRS>EPSG:3857</SRS>
  <BoundingBox minx="${west}" miny="${south}" maxx="${east}" maxy="${north}"/>
  <Origin x="${-half}" y="${-half}"/>
  <TileFormat width="${pixels}" height="${pixels}" mime-type="${mimeOf(typeFromExtension(format) ?? TileType.unknown)}" extension="${format}"/>
  <TileSets profile="mercator">
${sets.join('\n')}
  </TileSets>
</TileMap>
`
}
