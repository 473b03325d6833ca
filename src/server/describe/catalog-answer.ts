// What is served, as JSON: /catalog as martin's clients expect it (a map of ids), /index.json as tileserver-gl's do (an
// array of TileJSON documents).
//
// A source that cannot be described is left out: it must not hide the others.
import { setImmediate as turn } from 'node:timers/promises'
import { mimeOf, typeFromExtension } from '../../format/tile-type.js'
import { textOf } from '../../store/tilejson.js'
import type { Routed, ServerContext } from '../context.js'
import { jsonAnswer } from '../http/json-answer.js'
import type { Reply } from '../http/message.js'
import { publicBase } from '../http/public-url.js'
import type { Catalog, Source } from '../sources/source.js'
import { NO_WISHES } from './tile-address.js'
import { sourceTileJson } from './tilejson.js'

export async function answerCatalog({ catalog }: ServerContext, { query }: Routed): Promise<Reply> {
  const tiles = await describable(catalog, async (source) => [source.id, catalogEntry(source)] as const)
  // the other members are what martin lists besides, and its clients look at
  return jsonAnswer(query, { tiles: Object.fromEntries(tiles), sprites: {}, fonts: {}, styles: {} })
}

export async function answerIndex(context: ServerContext, { query }: Routed): Promise<Reply> {
  const base = publicBase(query, context.options)
  const documents = await describable(context.catalog, (source) =>
    sourceTileJson(context, base, source, NO_WISHES),
  )
  return jsonAnswer(query, documents)
}

function catalogEntry(source: Source): Record<string, unknown> {
  const { types, metadata } = source.describe()
  return {
    content_type: mimeOf(typeFromExtension(types[0]?.extension ?? '') ?? 0),
    content_encoding: source.contentEncoding,
    name: textOf(metadata, 'name'),
    description: textOf(metadata, 'description'),
    attribution: textOf(metadata, 'attribution'),
  }
}

/** One after the other; describing reads every record the first time, so others get their turn in between. */
export async function describable<T>(
  catalog: Catalog,
  describe: (source: Source) => Promise<T>,
): Promise<T[]> {
  const described: T[] = []
  for (const { id } of catalog.list()) {
    await turn()
    let release = (): void => {}
    try {
      const source = catalog.get(id)
      if (source === undefined) continue
      release = source.hold()
      described.push(await describe(source))
    } catch {
      // its own address says why
    } finally {
      release()
    }
  }
  return described
}
