// Reads single points of a source. A reader is made once per version and uses decoded tiles shared by all sources.
import { LRUCache } from 'lru-cache'
import { TileType } from '../../format/tile-type.js'
import { isDrawn } from '../../raster/tiles/image-format.js'
import type { Colour, DecodedTile } from '../../sampling/decoded-tile.js'
import { PointReader, type TileStore } from '../../sampling/point-values.js'
import type { TileSet } from '../../store/read/tile-set.js'
import type { ServerContext } from '../context.js'
import { HttpError } from '../http/message.js'
import type { Source } from '../sources/source.js'

/** Of decoded tiles, for all sources: 256 or so of 256 × 256 pixels in colour. */
const MAX_BYTES = 64 * 1024 * 1024

export type SourcePoints =
  | { readonly kind: 'heights'; readonly points: PointReader<number> }
  | { readonly kind: 'colours'; readonly points: PointReader<Colour> }

type Decoded = LRUCache<string, DecodedTile<unknown>>

const decoded = new WeakMap<ServerContext, Decoded>()
interface Known {
  readonly version: string
  /** A source that was closed for a while has other ones. */
  readonly tiles: TileSet
  readonly points: SourcePoints
}
const known = new WeakMap<Source, Known>()

/** @throws HttpError 400 when the tiles of a source are not images */
export function pointsOf(context: ServerContext, source: Source): SourcePoints {
  const { version, tiles } = source
  const kept = known.get(source)
  if (kept?.version === version && kept.tiles === tiles) return kept.points
  const points = newPoints(context, source)
  known.set(source, { version, tiles, points })
  return points
}

function newPoints(context: ServerContext, source: Source): SourcePoints {
  const { tiles } = source
  const heights = PointReader.ofHeights(tiles, storeFor<number>(context, source))
  if (heights !== undefined) return { kind: 'heights', points: heights }
  if (!hasPictures(source))
    throw new HttpError(400, `The tiles of ${source.id} are not images, so they have no colours.`)
  return { kind: 'colours', points: PointReader.ofColours(tiles, storeFor<Colour>(context, source)) }
}

/** The first tile speaks for all; a source without tiles has no colours anywhere. */
function hasPictures({ tiles }: Source): boolean {
  const [lowest] = tiles.levels()
  const first = lowest && tiles.tiles({ zoom: lowest.zoom }).next()
  if (first === undefined || first.done === true) return true
  const { z, x, y } = first.value
  const type = tiles.get(z, x, y)?.type ?? TileType.unknown
  return type === TileType.unknown || isDrawn(type)
}

/** The part of all decoded tiles that belongs to one version of a source. */
function storeFor<V>(context: ServerContext, { id, version }: Source): TileStore<V> {
  let all = decoded.get(context)
  if (all === undefined) {
    all = new LRUCache({ maxSize: MAX_BYTES, sizeCalculation: ({ bytes }) => bytes + 512 })
    decoded.set(context, all)
  }
  const tiles = all
  const name = `${id}\n${version}\n`
  return {
    get: (key) => tiles.get(name + key) as DecodedTile<V> | undefined,
    set: (key, tile) => tiles.set(name + key, tile),
  }
}
