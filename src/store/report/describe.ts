// The contents of a tile file, ours or a foreign archive, as plain data for `info`.
import { wrongType } from '../../errors.js'
import { indexStart } from '../../format/layout.js'
import type { PmtilesHeader } from '../../format/pmtiles.js'
import { extensionOf, nameOfTileType } from '../../format/tile-type.js'
import { MAX_ZOOM } from '../../zooms.js'
import { isReader } from '../options.js'
import { tilesIn } from '../read/areas.js'
import type { TileReader } from '../read/open.js'
import { believedBounds, believedCenter, boxOf } from './claims.js'
import { type Extent, extentOfAll, withArea } from './extent.js'

/** One zoom of a file. */
export interface LevelDescription {
  /** 0 to 26. */
  readonly zoom: number
  /** Tiles. */
  readonly count: number
  /** Sum of the tiles' lengths; a value that several tiles share counts for each. */
  readonly bytes: number
}

/** How space is used in a flat-1 file. */
export interface LayoutDescription {
  /** UUID of the file, chosen when it was created. */
  readonly uuid: string
  /** Index regions begin and end at multiples of this. */
  readonly growthUnitBytes: number
  /** Bytes of records in use, over all zooms. */
  readonly indexBytes: number
  /** Bytes reserved for more records, or left by removed data. */
  readonly slackBytes: number
  /** Bytes of all values, including those that no tile refers to any more. */
  readonly valueBytes: number
  /** Number of images that the file remembers it was made from (`sources` of a reader). */
  readonly sourceCount: number
}

/** The contents of a tile file. */
export interface TilesDescription {
  /** 'flat-1, sealed', 'flat-1, open for writing', 'PMTiles v3'. */
  readonly kind: string
  /** Whether the file is a PMTiles archive now. */
  readonly sealed: boolean
  /** Size of the file. */
  readonly fileBytes: number
  /** Number of tiles, over all zooms. */
  readonly tiles: number
  /** Number of tiles of each type, most common first. */
  readonly types: readonly { name: string; extension: string; count: number }[]
  /** Lowest zoom that has tiles; undefined when there are none. */
  readonly minZoom: number | undefined
  /** Highest zoom that has tiles; undefined when there are none. */
  readonly maxZoom: number | undefined
  /** West, south, east, north, degrees: from the metadata if tiles lie there, otherwise of the tiles. */
  readonly bounds: [number, number, number, number] | undefined
  /** Longitude, latitude, zoom. */
  readonly center: [number, number, number] | undefined
  /** Zooms that have tiles, ascending. */
  readonly levels: readonly LevelDescription[]
  /** How space is used in a Flagstone file; undefined for foreign PMTiles archives. */
  readonly layout: LayoutDescription | undefined
  /** The stored metadata. */
  readonly metadata: Record<string, unknown>
  /** Whether types and bytes are estimated from a sample. Otherwise every tile was counted. */
  readonly isSampled: boolean
  /** A claim of the metadata that cannot be true: 'bounds 0,0,0,0, where there are no tiles'. */
  readonly disbelieved?: string
}

/** What must be determined from the tiles; the rest of a description follows from it. */
export interface TilesFound
  extends Pick<
    TilesDescription,
    'kind' | 'sealed' | 'fileBytes' | 'levels' | 'layout' | 'metadata' | 'isSampled'
  > {
  /** Number of tiles of each type code. */
  readonly types: ReadonlyMap<number, number>
  /** Extent of the tiles, for files that state no bounds. */
  readonly extent: Extent | undefined
  /** What a PMTiles header states; metadata that state the same come first. */
  readonly header?: { readonly bounds: readonly number[]; readonly center: readonly number[] } | undefined
}

/**
 * Describes a tile file. Reads every record once, and no tile.
 * @throws TypeError when `reader` is not an open reader
 * @throws DAMAGED when the index cannot be read
 */
export function describeTiles(reader: TileReader): TilesDescription {
  if (!isReader(reader)) throw wrongType('reader must be an open reader', reader)
  const levels: { zoom: number; count: number; bytes: number }[] = []
  const types = new Map<number, number>()
  const extents: Extent[] = []
  for (let zoom = 0; zoom <= MAX_ZOOM; zoom++) {
    const level = { zoom, count: 0, bytes: 0 }
    let ofLevel: Extent | undefined
    for (const area of reader.areas(zoom)) {
      const tiles = tilesIn(area)
      level.count += tiles
      level.bytes += area.length * tiles
      types.set(area.type, (types.get(area.type) ?? 0) + tiles)
      ofLevel = withArea(ofLevel, zoom, area)
    }
    if (ofLevel === undefined) continue
    levels.push(level)
    extents.push(ofLevel)
  }
  const extent = extentOfAll(extents)
  return describeFound({ ...aboutReader(reader), levels, types, extent, isSampled: false })
}

/** The part of a description that does not require reading tiles or records. */
export const aboutReader = (
  reader: TileReader,
): Pick<TilesFound, 'kind' | 'sealed' | 'fileBytes' | 'layout' | 'metadata' | 'header'> => ({
  header: reader.kind === 'pmtiles' ? placesIn(reader.header) : undefined,
  kind: kindOf(reader),
  sealed: reader.sealed,
  fileBytes: reader.fileBytes,
  layout: layoutOf(reader),
  metadata: reader.metadata(),
})

const placesIn = ({ minLon, minLat, maxLon, maxLat, centerLon, centerLat, centerZoom }: PmtilesHeader) => ({
  bounds: [minLon, minLat, maxLon, maxLat],
  center: [centerLon, centerLat, centerZoom],
})

export function describeFound({ types, extent, header, ...found }: TilesFound): TilesDescription {
  const { levels, metadata } = found
  const believed = believedBounds(metadata['bounds'] ?? header?.bounds, extent)
  const bounds = believed ?? (extent && boxOf(extent))
  const [minZoom, maxZoom] = [levels[0]?.zoom, levels.at(-1)?.zoom]
  const isWrong = believed === undefined && bounds !== undefined && (metadata['bounds'] ?? '') !== ''
  return {
    ...found,
    tiles: levels.reduce((sum, level) => sum + level.count, 0),
    types: [...types]
      .sort((a, b) => b[1] - a[1])
      .map(([type, count]) => ({ name: nameOfTileType(type), extension: extensionOf(type), count })),
    minZoom,
    maxZoom,
    bounds,
    center:
      bounds && believedCenter(metadata['center'] ?? header?.center, bounds, minZoom ?? 0, maxZoom ?? 0),
    ...(isWrong ? { disbelieved: `bounds ${metadata['bounds']}, where there are no tiles` } : {}),
  }
}

function kindOf(reader: TileReader): string {
  if (reader.kind !== 'flat') return 'PMTiles v3'
  return reader.sealed ? 'flat-1, sealed (also a PMTiles v3 archive)' : 'flat-1, open for writing'
}

function layoutOf(reader: TileReader): LayoutDescription | undefined {
  if (reader.kind !== 'flat') return undefined
  const sb = reader.superblock
  const used = sb.levels.reduce((sum, level) => sum + level.count * 24, 0)
  const inTail = sb.levels.filter((level) => level.offset >= sb.valuesStart)
  const front = sb.valuesStart - indexStart(sb.growthUnitBytes)
  const room = front + inTail.reduce((sum, level) => sum + level.capacityBytes, 0)
  return {
    uuid: Buffer.from(sb.uuid).toString('hex'),
    growthUnitBytes: sb.growthUnitBytes,
    indexBytes: used,
    slackBytes: Math.max(0, room - used),
    valueBytes: sb.valuesLength,
    sourceCount: sb.sources?.count ?? 0,
  }
}
