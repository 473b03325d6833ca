// /{id}.json and its aliases: TileJSON 3.0.0 with URLs as the client sees us.
import { tileJson } from '../../store/report/tilejson.js'
import type { RoutedSource, ServerContext } from '../context.js'
import { jsonAnswer } from '../http/json-answer.js'
import type { Reply } from '../http/message.js'
import { publicBase } from '../http/public-url.js'
import { doesEnlarge } from '../options.js'
import type { Source } from '../sources/source.js'
import { titleOf } from '../sources/source-ids.js'
import { attributionOf } from './attribution.js'
import {
  shownEncoding,
  shownFormat,
  shownSize,
  type TileWishes,
  tileTemplate,
  wishesOf,
} from './tile-address.js'
import { tileLook } from './tile-look.js'

export async function answerTileJson(context: ServerContext, request: RoutedSource): Promise<Reply> {
  const { query, source, search } = request
  const release = source.hold()
  try {
    const wishes = wishesOf(search, await tileLook(source))
    const base = publicBase(query, context.options)
    return jsonAnswer(query, await sourceTileJson(context, base, source, wishes))
  } finally {
    release()
  }
}

/** @throws DAMAGED when the source cannot be described */
export async function sourceTileJson(
  { options }: ServerContext,
  base: string,
  source: Source,
  wishes: TileWishes,
): Promise<Record<string, unknown>> {
  const look = await tileLook(source)
  const missing = wishes.missing ?? source.missing ?? options.missing
  const document = tileJson(source.describe(), {
    name: titleOf(source),
    attribution: attributionOf(source),
    tiles: [tileTemplate(base, source, look, options, wishes)],
    format: shownFormat(look, wishes),
    encoding: shownEncoding(look, wishes),
    tileSize: shownSize(look, wishes),
    scheme: wishes.isTms ? 'tms' : 'xyz',
    isOverzoomed: doesEnlarge(missing) && look.kind !== 'vector',
  })
  return { id: source.id, ...document }
}
