// WMTS: /{id}/WMTSCapabilities.xml for one source, /WMTSCapabilities.xml for all that are pictures; /{id}/wmts and /wmts
// by key and value too (?SERVICE=WMTS&REQUEST=GetTile&LAYER=…).
import { mimeOf, typeFromExtension } from '../format/tile-type.js'
import { describable } from './catalog-answer.js'
import type { Routed, RoutedSource, ServerContext } from './context.js'
import { textAnswer } from './json-answer.js'
import { HttpError, type Reply } from './message.js'
import { publicBase } from './public-url.js'
import type { Source } from './source.js'
import {
  NO_WISHES,
  shownFormat,
  shownSize,
  type TemplateForm,
  type TileWishes,
  tileTemplate,
  wishesOf,
} from './tile-address.js'
import { tileLook } from './tile-look.js'
import { capabilities, type WmtsLayer } from './wmts-document.js'

export const XML = 'application/xml'
const AS_WMTS: TemplateForm = { place: '{TileMatrix}/{TileCol}/{TileRow}', heights: 'hillshade' }

/** ?missing=, ?format= and ?tileSize= go into the addresses, as for TileJSON. */
export async function answerCapabilities(context: ServerContext, request: RoutedSource): Promise<Reply> {
  const { query, source, search } = request
  const release = source.hold()
  try {
    const look = await tileLook(source)
    if (look.kind === 'vector') {
      throw new HttpError(404, `${source.id} holds vector tiles; WMTS is of pictures.`)
    }
    const base = publicBase(query, context.options)
    const layer = await layerOf(context, base, source, wishesOf(search, source, look, context.options))
    const endpoint = `${base}/${encodeURIComponent(source.id)}/wmts`
    return textAnswer(query, capabilities(layer.title, endpoint, [layer]), { contentType: XML })
  } finally {
    release()
  }
}

export async function answerAllCapabilities(context: ServerContext, { query }: Routed): Promise<Reply> {
  const base = publicBase(query, context.options)
  const layers = await describable(context.catalog.list(), async (source) => {
    const { kind, extension } = await tileLook(source)
    return kind === 'vector' || extension === undefined
      ? []
      : [await layerOf(context, base, source, NO_WISHES)]
  })
  return textAnswer(query, capabilities('Flagstone', `${base}/wmts`, layers.flat()), { contentType: XML })
}

/** A source as a layer. The source is held. */
async function layerOf(
  { options }: ServerContext,
  base: string,
  source: Source,
  wishes: TileWishes,
): Promise<WmtsLayer> {
  const look = await tileLook(source)
  const { metadata, bounds, levels } = source.describe()
  const text = (key: string): string | undefined => {
    const value = metadata[key]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const [west, south, east, north] = bounds ?? []
  const isInOrder = west! <= east! && south! <= north!
  return {
    id: source.id,
    title: text('name') ?? source.id,
    description: text('description'),
    bounds: isInOrder ? { west: west!, south: south!, east: east!, north: north! } : undefined,
    zooms: levels.map(({ zoom }) => zoom),
    tileSize: shownSize(look, wishes)! * wishes.scale,
    mime: mimeOf(typeFromExtension(shownFormat(look, wishes)) ?? 0),
    template: tileTemplate(base, source, look, options, wishes, AS_WMTS),
  }
}
