// What is served, as JSON: /catalog as martin's clients expect it (a map of ids), /index.json as tileserver-gl's do (an
// array of TileJSON documents).
//
// A source that cannot be described is left out: it must not hide the others.
import { mimeOf, typeFromExtension } from '../../format/tile-type.js'
import { givenName, textOf } from '../../store/report/tilejson.js'
import type { Routed, ServerContext } from '../context.js'
import type { Reply } from '../http/message.js'
import { publicBase } from '../http/public-url.js'
import type { Source } from '../sources/source.js'
import { titleOf } from '../sources/source-ids.js'
import { attributionOf } from './attribution.js'
import { manyAnswer } from './many.js'
import { NO_WISHES } from './tile-address.js'
import { tileLook } from './tile-look.js'
import { sourceTileJson } from './tilejson.js'

const JSON_TYPE = 'application/json'
/** What martin lists besides, and its clients look at. */
const NONE_OF_THESE = '"sprites":{},"fonts":{},"styles":{}'

export function answerCatalog(context: ServerContext, { query }: Routed): Promise<Reply> {
  return manyAnswer(context, query, {
    key: 'catalog',
    contentType: JSON_TYPE,
    part: async (source) => `${JSON.stringify(source.id)}:${JSON.stringify(await catalogEntry(source))}`,
    whole: (parts) => `{"tiles":{${parts.join(',')}},${NONE_OF_THESE}}\n`,
  })
}

export function answerIndex(context: ServerContext, { query }: Routed): Promise<Reply> {
  const base = publicBase(query, context.options)
  return manyAnswer(context, query, {
    key: `index ${base}`,
    contentType: JSON_TYPE,
    part: async (source) => JSON.stringify(await sourceTileJson(context, base, source, NO_WISHES)),
    whole: (parts) => `[${parts.join(',')}]\n`,
  })
}

async function catalogEntry(source: Source): Promise<Record<string, unknown>> {
  const { extension, contentEncoding } = await tileLook(source)
  const { metadata } = source.describe()
  return {
    content_type: mimeOf(typeFromExtension(extension ?? '') ?? 0),
    content_encoding: contentEncoding,
    name: givenName(metadata) ?? titleOf(source),
    description: textOf(metadata, 'description'),
    attribution: attributionOf(source),
  }
}
