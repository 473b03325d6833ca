// /{id}/terrain/{z}/{x}/{y}[@2x][.ext]?encoding=mapbox|terrarium: heights as the colours that map clients read.
import { TileType } from '../../format/tile-type.js'
import { encodeHeights, isTerrainRgb, type TerrainRgb } from '../../raster/tiles/terrain.js'
import { formOf } from '../../sampling/tile-form.js'
import type { RoutedSource, ServerContext } from '../context.js'
import { type Answer, HttpError } from '../http/message.js'
import { type Encoded, pixelsOf } from './draw-tile.js'
import { answerHeightTile, encodedOf, type HeightTile } from './height-tile.js'
import { factsOf } from './picture-facts.js'

/** @throws HttpError 400, HttpError 404 */
export function answerTerrain(context: ServerContext, request: RoutedSource): Answer {
  const asked = request.search.get('encoding')
  if (asked !== null && !isTerrainRgb(asked))
    throw new HttpError(400, 'encoding must be mapbox or terrarium.')
  return answerHeightTile(context, request, `terrain ${asked}`, (tile, signal) => {
    const { format } = tile.want
    if (format === 'jpeg' || format === 'avif') {
      throw new HttpError(
        400,
        `Heights are stored as colours, which ${format} would change: use png or webp.`,
      )
    }
    return made(tile, asked ?? undefined, signal)
  })
}

async function made(
  tile: HeightTile,
  asked: TerrainRgb | undefined,
  signal: AbortSignal,
): Promise<Encoded | undefined> {
  const { source, z, x, y, side, from, want } = tile
  const heights = factsOf(source).heights!
  const encoding = asked ?? (isTerrainRgb(heights) ? heights : 'mapbox')
  const stored = from === z ? source.get(z, x, y) : undefined
  const isSame = encoding === heights && want.size === undefined && (want.scale ?? 1) === 1
  if (isSame && stored !== undefined && stored.type === TileType[want.format ?? 'png']) {
    // of its own: what is kept must not hang on the file
    return encodedOf({ type: stored.type, bytes: stored.bytes.slice() })
  }
  const pixels = await pixelsOf(source, { z, x, y, side, from }, formOf(heights), signal)
  if (pixels === undefined) return undefined
  const format = want.format === 'webp' ? 'webp' : 'png'
  const encoded = await encodeHeights(pixels, { encoding, format, step: 1, offset: 0, nodata: 'transparent' })
  return encoded && encodedOf(encoded)
}
