// WMTS capabilities: /{id}/WMTSCapabilities.xml of one source, /WMTSCapabilities.xml of all that are pictures.
import { mimeOf, typeFromExtension } from '../../format/tile-type.js'
import { LIMIT_LATITUDE } from '../../grid/tiles/mercator.js'
import { boundsInWorld, givenName, textOf } from '../../store/report/tilejson.js'
import type { Routed, RoutedSource, ServerContext } from '../context.js'
import { textAnswer } from '../http/json-answer.js'
import { HttpError, type Reply } from '../http/message.js'
import { publicBase } from '../http/public-url.js'
import type { ResolvedServerOptions } from '../options.js'
import type { Source } from '../sources/source.js'
import { titleOf } from '../sources/source-ids.js'
import { manyAnswer } from './many.js'
import {
  drawableWishes,
  NO_WISHES,
  shownFormat,
  shownSize,
  type TemplateForm,
  type TileWishes,
  tileTemplate,
} from './tile-address.js'
import { type TileLook, tileLook } from './tile-look.js'
import { capabilities, layerPart, type WmtsLayer } from './wmts-document.js'

export const XML = 'application/xml'
const WORLD = [-180, -LIMIT_LATITUDE, 180, LIMIT_LATITUDE] as const
const AS_WMTS: TemplateForm = { place: '{TileMatrix}/{TileCol}/{TileRow}', heights: 'hillshade' }

/** ?missing=, ?format= and ?tileSize= go into the addresses, as for TileJSON. */
export async function answerCapabilities(context: ServerContext, request: RoutedSource): Promise<Reply> {
  const { query, source, search } = request
  const release = source.hold()
  try {
    const look = await tileLook(source)
    if (!(await isLayer(source))) {
      throw new HttpError(404, `WMTS is for images, and ${source.id} has none.`)
    }
    const base = publicBase(query, context.options)
    const layer = await wmtsLayer(context, base, source, drawableWishes(search, look))
    const endpoint = `${base}/${encodeURIComponent(source.id)}/wmts`
    return textAnswer(query, capabilities(layer.title, endpoint, [layerPart(layer)]), { contentType: XML })
  } finally {
    release()
  }
}

export function answerAllCapabilities(context: ServerContext, { query }: Routed): Promise<Reply> {
  const base = publicBase(query, context.options)
  return manyAnswer(context, query, {
    key: `wmts ${base}`,
    contentType: XML,
    part: async (source) =>
      (await isLayer(source)) ? layerPart(await wmtsLayer(context, base, source, NO_WISHES)) : undefined,
    whole: (parts) => capabilities('Flagstone', `${base}/wmts`, parts),
  })
}

/** Whether there is anything that can be drawn. */
export async function isLayer(source: Source): Promise<boolean> {
  const { kind, extension } = await tileLook(source)
  return kind !== 'vector' && extension !== undefined
}

/** A source, held by the caller, as a layer. */
export async function wmtsLayer(
  { options }: ServerContext,
  base: string,
  source: Source,
  wishes: TileWishes,
): Promise<WmtsLayer> {
  const look = await tileLook(source)
  const { metadata, bounds, levels } = source.describe()
  // GDAL and QGIS report an answer without a picture as an error, whatever its status
  const policy = wishes.missing ?? source.missing ?? options.missing
  const missing = policy === '204' ? 'transparent' : policy === 'auto' ? 'auto-transparent' : wishes.missing
  const carried: TileWishes = { ...wishes, missing, isTms: false, encoding: undefined }
  const [west, south, east, north] = (bounds && boundsInWorld(bounds)) ?? WORLD
  return {
    id: source.id,
    title: givenName(metadata) ?? titleOf(source),
    description: textOf(metadata, 'description'),
    // there are no tiles beyond this, and clients fail at the poles
    bounds: { west, south: Math.max(south, -LIMIT_LATITUDE), east, north: Math.min(north, LIMIT_LATITUDE) },
    zooms: levels.map(({ zoom }) => zoom),
    tileSize: shownSize(look, carried)! * carried.scale,
    formats: formatsOf(look, carried, options).map((wish) => ({
      mime: mimeOf(typeFromExtension(shownFormat(look, wish)) ?? 0),
      template: tileTemplate(base, source, look, options, wish, AS_WMTS),
    })),
  }
}

/** What is asked for or stored; where the server converts, pictures as PNG and JPEG too, which every client reads. */
function formatsOf(
  look: TileLook,
  wishes: TileWishes,
  { transcode }: Pick<ResolvedServerOptions, 'transcode'>,
): TileWishes[] {
  if (!transcode || wishes.extension !== undefined) return [wishes]
  // heights are available in lossless formats only
  const more = (look.kind === 'picture' ? ['png', 'jpg'] : ['png']).filter(
    (extension) => extension !== shownFormat(look, wishes),
  )
  return [wishes, ...more.map((extension) => ({ ...wishes, extension }))]
}
