// A stored tile in another form than it is stored in.
import { mimeOf, TileType } from '../../format/tile-type.js'
import { decodeTile, recodeExactly } from '../../raster/tiles/codec.js'
import { imageFormatOf, isDrawn } from '../../raster/tiles/image-format.js'
import { computed } from '../computed.js'
import type { ServerContext } from '../context.js'
import type { Made } from '../http/made.js'
import { HttpError, type Query } from '../http/message.js'
import type { ServedTile } from '../sources/backend.js'
import type { Source } from '../sources/source.js'
import { depthFor } from '../sources/stored-zooms.js'
import { drawTile, type Encoded, encodeColours } from './draw-tile.js'
import { factsOf, tileSizeAt } from './picture-facts.js'
import { checkHeights, checkWant, nameOfTile, sideOf, type TileWant } from './tile-want.js'

export { overzoomTile } from './overzoom.js'
export type { TileWant } from './tile-want.js'
export { transparentTile } from './transparent.js'

/**
 * The tile in the format, quality and size that is wanted: with the pixels of deeper tiles where it becomes larger and
 * they are stored, else enlarged. At its own size it is decoded and encoded, never resampled. Undefined when it is not
 * stored. The caller holds the source.
 * @throws HttpError 400 when the request cannot be fulfilled
 * @throws HttpError 503 when too much is going on
 * @throws DAMAGED
 */
export async function renderTile(
  context: ServerContext,
  source: Source,
  z: number,
  x: number,
  y: number,
  want: TileWant,
  query: Query,
): Promise<Made | undefined> {
  checkWant(want)
  const stored = source.stat(z, x, y)
  if (stored === undefined) return undefined
  const facts = factsOf(source)
  if (!isDrawn(stored.type)) {
    throw new HttpError(400, 'These tiles are not images: request them without conversion.')
  }
  checkHeights(facts, want)
  const size = (await tileSizeAt(source, z))!
  const side = sideOf(want, size, context.options, facts.heights)
  const make = async (signal: AbortSignal): Promise<Encoded | undefined> => {
    const tile = source.get(z, x, y)
    if (tile === undefined) return undefined
    if (side === size) {
      const same = await recoded(tile, want, side, facts.heights !== undefined)
      if (same !== undefined) return same
    }
    const from = z + depthFor(source, z, x, y, side / size)
    return drawTile(source, { z, x, y, side, from }, want, tile, signal)
  }
  const asked = nameOfTile('tile', z, x, y, want)
  return computed(context, source, query, asked, make, { pixels: side * side })
}

/** Without resampling. Undefined when the tile is of another size than is usual at its zoom. */
async function recoded(
  { bytes, type }: ServedTile,
  want: TileWant,
  side: number,
  isHeights: boolean,
): Promise<Encoded | undefined> {
  const format = want.format ?? imageFormatOf(type)
  // a copy: what is kept must not hang on the file
  if (type === TileType.elevation) return { bytes: bytes.slice(), contentType: mimeOf(type) }
  if (isHeights) {
    const exact = format === 'webp' ? 'webp' : 'png'
    return { bytes: await recodeExactly(bytes, exact), contentType: mimeOf(TileType[exact]) }
  }
  const pixels = await decodeTile(bytes)
  if (pixels.width !== side || pixels.height !== side) return undefined
  return encodeColours(pixels, want, type)
}
