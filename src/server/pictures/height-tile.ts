// What the tiles that are computed of heights have in common: /{id}/hillshade/… and /{id}/terrain/….
import { mimeOf } from '../../format/tile-type.js'
import { MAX_ZOOM } from '../../zooms.js'
import { computed, notMadeAgain } from '../computed.js'
import type { RoutedSource, ServerContext } from '../context.js'
import { StandardHeaders } from '../http/headers.js'
import { bytesAnswer } from '../http/json-answer.js'
import { HttpError, type Reply } from '../http/message.js'
import { TilePath } from '../http/tile-path.js'
import type { Source } from '../sources/source.js'
import { depthFor, storedAbove } from '../sources/stored-zooms.js'
import type { Encoded } from './draw-tile.js'
import { factsOf, tileSizeAt } from './picture-facts.js'
import { parseTileQuery, type TileQuery } from './tile-query.js'
import { checkWant, formatOfExtension, nameOfWant, sideOf, type TileWant } from './tile-want.js'
import { transparentTile } from './transparent.js'

/** A tile of heights that is asked for, on the grid. */
export interface HeightTile {
  readonly source: Source
  readonly z: number
  readonly x: number
  readonly y: number
  readonly want: TileWant
  /** Pixels a side. */
  readonly side: number
  /** The zoom that has them. */
  readonly from: number
}

/**
 * The answer to {z}/{x}/{y}[@2x][.ext]: `make` makes it from the tile or its nearest stored ancestor. `kind` names everything
 * else that is requested.
 * @throws HttpError 400, HttpError 404
 */
export async function answerHeightTile(
  context: ServerContext,
  { query, source, rest }: RoutedSource,
  kind: string,
  make: (tile: HeightTile, signal: AbortSignal) => Promise<Encoded | undefined>,
): Promise<Reply> {
  const mark = query.target.indexOf('?')
  const asked = parseTileQuery(mark < 0 ? '' : query.target.slice(mark + 1))
  const { z, x, y, want } = parsePlace(rest, asked)
  const release = source.hold()
  try {
    if (factsOf(source).heights === undefined) {
      throw new HttpError(404, `The tiles of '${source.id}' are images, not heights.`)
    }
    const own = storedAbove(source, z, x, y)
    const size = own === undefined ? undefined : await tileSizeAt(source, own)
    if (own === undefined || size === undefined) return nothing(context, source, asked, want)
    const side = sideOf(want, size, context.options)
    const name = `${kind} ${z}/${x}/${y} ${nameOfWant(want)}`
    const same = notMadeAgain(query, source, name)
    if (same !== undefined) return same
    const from = own === z ? z + depthFor(source, z, x, y, side / size) : own
    const tile = { source, z, x, y, want, side, from }
    const made = await computed(context, source, query, name, (signal) => make(tile, signal), {
      pixels: side * side,
    })
    return made === undefined ? nothing(context, source, asked, want) : bytesAnswer(query, made)
  } finally {
    release()
  }

  function nothing(context: ServerContext, source: Source, asked: TileQuery, want: TileWant): Reply {
    const policy = asked.missing ?? source.missing ?? context.options.missing
    if (policy === '404') {
      // as of other tiles: it is as lasting as one
      const lasting = new StandardHeaders(context.options).cacheControl(asked.version === source.version)
      throw new HttpError(404, `There are no heights in tile ${z}/${x}/${y} of '${source.id}'.`, [
        'Cache-Control',
        lasting,
      ])
    }
    if (policy !== 'transparent' && policy !== 'auto-transparent')
      return { status: 204, headers: [], body: undefined }
    return bytesAnswer(query, transparentTile(sideOf(want, 256, context.options), want.format))
  }
}

/**
 * @throws HttpError 400 when the URL is not that of a tile
 * @throws HttpError 404 when it is outside the grid
 */
function parsePlace(
  rest: readonly string[],
  asked: TileQuery,
): { z: number; x: number; y: number; want: TileWant } {
  const text = `/-/${rest.join('/')}`
  const path = new TilePath()
  if (path.parse(text, 0, text.length) !== 'tile') {
    throw new HttpError(
      400,
      'The URL of a tile ends in {z}/{x}/{y}, with whole numbers, optionally followed by @2x and an extension.',
    )
  }
  const { z, x, isTms, scale, extension } = path
  const rows = 2 ** z
  if (z > MAX_ZOOM || x >= rows || path.y >= rows)
    throw new HttpError(404, `There is no tile ${rest.join('/')}.`)
  const format = asked.format ?? (extension === '' ? undefined : formatOfExtension(extension))
  if (format === undefined && extension !== '') throw new HttpError(404, 'That extension is not supported.')
  const want = { format, quality: asked.quality, size: asked.size, scale }
  checkWant(want)
  return { z, x, y: isTms || asked.isTms ? rows - 1 - path.y : path.y, want }
}

export const encodedOf = ({ bytes, type }: { bytes: Uint8Array; type: number }): Encoded => ({
  bytes,
  contentType: mimeOf(type),
})
