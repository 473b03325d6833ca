// What an archive says of itself, in one form for all containers.
import { PMTILES_HEADER_BYTES } from '../../format/layout.js'
import { decodeHeader, type PmtilesHeader } from '../../format/pmtiles.js'
import { PmtilesReader } from '../../store/read/pmtiles-reader.js'
import { FlatReader } from '../../store/read/reader.js'
import type { TileSet } from '../../store/read/tile-set.js'
import { believedBounds, believedCenter } from '../../store/report/claims.js'
import type { Extent } from '../../store/report/extent.js'
import { withoutJsonRow } from './metadata-rows.js'
import type { ArchiveAbout } from './sink.js'

/** These have fields of their own in every container, or follow from the tiles. */
const NOT_METADATA = new Set(
  'bounds center minzoom maxzoom format scheme agg_tiles_hash hash_algorithm'.split(' '),
)

/**
 * @param extent of the deepest zoom that was copied; bounds and center that do not fit it are not passed on
 */
export function aboutOf(tiles: TileSet, extent: Extent | undefined, minZoom: number): ArchiveAbout {
  const stated = statedBy(tiles)
  const bounds = believedBounds(stated['bounds'], extent)
  const center =
    bounds === undefined || stated['center'] === undefined
      ? undefined
      : believedCenter(stated['center'], bounds, minZoom, extent?.zoom ?? minZoom)
  return {
    metadata: Object.fromEntries(Object.entries(stated).filter(([name]) => !NOT_METADATA.has(name))),
    bounds,
    center,
  }
}

/** The metadata, with bounds and center of a PMTiles header where they do not have them. */
function statedBy(tiles: TileSet): Record<string, unknown> {
  const metadata = tiles.metadata()
  const header = headerOf(tiles)
  if (header === undefined) return tiles instanceof FlatReader ? metadata : withoutJsonRow(metadata)
  const { minLon, minLat, maxLon, maxLat, centerLon, centerLat, centerZoom } = header
  return { bounds: [minLon, minLat, maxLon, maxLat], center: [centerLon, centerLat, centerZoom], ...metadata }
}

/** The PMTiles header of an archive that has one now. */
export function headerOf(tiles: TileSet): PmtilesHeader | undefined {
  if (tiles instanceof PmtilesReader) return tiles.header
  if (!(tiles instanceof FlatReader)) return undefined
  const bytes = new Uint8Array(PMTILES_HEADER_BYTES)
  const isSealed = tiles.readBytesSync(bytes, ({ sealed }) => (sealed ? 0 : undefined)) !== undefined
  return isSealed ? decodeHeader(bytes, tiles.fileBytes) : undefined
}
