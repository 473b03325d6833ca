// What is answered where a source has no tile: as the URL says (?missing=), else the source, else the server.

import { imageFormatOf } from '../../raster/tiles/image-format.js'
import { isTerrainRgb } from '../../raster/tiles/terrain.js'
import { notMadeAgain } from '../computed.js'
import type { ServerContext } from '../context.js'
import type { StandardHeaders } from '../http/headers.js'
import { bytesAnswer } from '../http/json-answer.js'
import { type Answer, HttpError, type Query, type Reply } from '../http/message.js'
import { type AskedPolicy, doesEnlarge } from '../options.js'
import { factsOf, tileSizeAt } from '../pictures/picture-facts.js'
import { overzoomTile, type TileWant, transparentTile } from '../pictures/render-tile.js'
import { nameOfTile, sideOf } from '../pictures/tile-want.js'
import type { Source } from '../sources/source.js'
import { storedAbove } from '../sources/stored-zooms.js'
import { type AskedTile, isLasting } from './asked-tile.js'

/** @throws HttpError 404 when the policy says so */
export function missingTile(
  context: ServerContext,
  standard: StandardHeaders,
  query: Query,
  tile: AskedTile,
  want: TileWant,
): Answer {
  const { source, z, x, y, asked } = tile
  const policy = asked.missing ?? source.missing ?? context.options.missing
  if (policy === '404') {
    // not 'no-store': it is as lasting as a tile
    const kept = ['Cache-Control', standard.cacheControl(isLasting(tile))]
    throw new HttpError(404, `There is no tile ${z}/${x}/${y} in '${source.id}'.`, kept)
  }
  const finish = (reply: Reply = NOTHING): Reply => standard.finish(query, reply, isLasting(tile))
  const isEmpty = policy === '204' || (policy === 'auto' && storedAbove(source, z, x, y) === undefined)
  return isEmpty ? finish() : drawn(context, query, tile, policy, want).then(finish)
}

const NOTHING: Reply = { status: 204, headers: [], body: undefined }

/** Undefined: there is nothing to enlarge, or what there is are no pictures. */
async function drawn(
  context: ServerContext,
  query: Query,
  tile: AskedTile,
  policy: AskedPolicy,
  want: TileWant,
): Promise<Reply | undefined> {
  const { source } = tile
  const release = source.hold()
  try {
    const enlarged = doesEnlarge(policy) ? await enlargedTile(context, query, tile, want) : undefined
    const isTransparent = policy === 'transparent' || policy === 'auto-transparent'
    if (enlarged !== undefined || !isTransparent) return enlarged
    return await clearTile(context, query, tile, want)
  } finally {
    release()
  }
}

async function enlargedTile(
  context: ServerContext,
  query: Query,
  { source, z, x, y }: AskedTile,
  want: TileWant,
): Promise<Reply | undefined> {
  const known = notMadeAgain(query, source, nameOfTile('overzoom', z, x, y, want))
  if (known !== undefined) return known
  const made = await overzoomTile(context, source, z, x, y, query, want)
  return made && bytesAnswer(query, made)
}

async function clearTile(
  context: ServerContext,
  query: Query,
  { source, z, type }: AskedTile,
  want: TileWant,
): Promise<Reply | undefined> {
  if (!isOfPictures(source)) return undefined
  const { heights } = factsOf(source)
  // no picture is a tile of numbers
  if (heights === 'numbers') return undefined
  const side = sideOf(want, (await tileSizeAt(source, z)) ?? 256, context.options)
  const format = want.format ?? (type === undefined ? undefined : imageFormatOf(type))
  return bytesAnswer(query, transparentTile(side, format, isTerrainRgb(heights) ? heights : undefined))
}

const VECTORS: readonly string[] = ['mvt', 'mlt']

/** For vector tiles an empty image would be an error to clients. */
const isOfPictures = (source: Source): boolean =>
  !source.describe().types.some(({ name }) => VECTORS.includes(name))
