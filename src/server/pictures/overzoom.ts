// Tiles that are not stored and have a stored tile above: its part, enlarged.

import { isDrawn } from '../../raster/tiles/image-format.js'
import { MAX_ZOOM } from '../../zooms.js'
import { computed } from '../computed.js'
import type { ServerContext } from '../context.js'
import type { Made } from '../http/made.js'
import type { Query } from '../http/message.js'
import type { Source } from '../sources/source.js'
import { storedAbove } from '../sources/stored-zooms.js'
import { drawTile, type Encoded } from './draw-tile.js'
import { factsOf, tileSizeAt } from './picture-facts.js'
import { checkHeights, checkWant, nameOfTile, sideOf, type TileWant } from './tile-want.js'

/**
 * The place of a tile cut out of the nearest stored ancestor and enlarged, bilinear, using the pixels of the ancestor's
 * neighbours, so that there are no seams; heights as heights. The caller holds the source. Undefined: no
 * ancestor, nothing in its place, deeper than zoom 26, or no picture (vector tiles).
 * @throws HttpError 400 when the request cannot be fulfilled
 * @throws HttpError 503 when too much is going on
 */
export async function overzoomTile(
  context: ServerContext,
  source: Source,
  z: number,
  x: number,
  y: number,
  query: Query,
  want: TileWant,
): Promise<Made | undefined> {
  if (!isOnGrid(z, x, y)) return undefined
  const from = storedAbove(source, z - 1, x >> 1, y >> 1)
  if (from === undefined) return undefined
  const up = z - from
  const above = source.stat(from, x >> up, y >> up)
  if (above === undefined || !isDrawn(above.type)) return undefined
  const facts = factsOf(source)
  checkWant(want)
  checkHeights(facts, want)
  const size = (await tileSizeAt(source, from))!
  const side = sideOf(want, size, context.options, facts.heights)
  const make = async (signal: AbortSignal): Promise<Encoded | undefined> => {
    const like = source.get(from, x >> up, y >> up)
    return like && ((await drawTile(source, { z, x, y, side, from }, want, like, signal)) ?? EMPTY)
  }
  const asked = nameOfTile('overzoom', z, x, y, want)
  const made = await computed(context, source, query, asked, make, { pixels: side * side })
  return made?.bytes.length === 0 ? undefined : made
}

/** Kept like a tile: maps ask for all places around a file again and again, and to see that one is empty takes decoding. */
const EMPTY: Encoded = { bytes: new Uint8Array(0), contentType: '' }

function isOnGrid(z: number, x: number, y: number): boolean {
  const side = 2 ** z
  return [z, x, y].every((n) => Number.isInteger(n) && n >= 0) && z <= MAX_ZOOM && x < side && y < side
}
