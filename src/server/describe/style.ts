// /{id}/style.json: a MapLibre style that shows one source, to use as it is or as a start.
import { vectorLayers } from '../../store/report/tilejson.js'
import type { RoutedSource, ServerContext } from '../context.js'
import { jsonAnswer } from '../http/json-answer.js'
import type { Reply } from '../http/message.js'
import { publicBase } from '../http/public-url.js'
import type { Source } from '../sources/source.js'
import { drawableWishes, shownSize, type TileWishes } from './tile-address.js'
import { type TileLook, tileLook } from './tile-look.js'
import { sourceTileJson } from './tilejson.js'

type Json = Record<string, unknown>

export async function answerStyle(context: ServerContext, request: RoutedSource): Promise<Reply> {
  const { query, source, search } = request
  const release = source.hold()
  try {
    const look = await tileLook(source)
    const wishes = drawableWishes(search, look)
    const base = publicBase(query, context.options)
    const tileJson = await sourceTileJson(context, base, source, wishes)
    return jsonAnswer(query, styleOf(source, look, wishes, tileJson, urlOf(base, source, search)))
  } finally {
    release()
  }
}

function styleOf(source: Source, look: TileLook, wishes: TileWishes, tileJson: Json, url: string): Json {
  const shown = shownSize(look, wishes) ?? VECTOR_SIZE
  const [longitude, latitude, zoom] = (tileJson['center'] as number[] | undefined) ?? [0, 0, 0]
  return {
    version: 8,
    name: tileJson['name'],
    center: [longitude, latitude],
    // zooms of styles are those of tiles of 512 pixels
    zoom: Math.max(0, zoom! + Math.log2(shown / 512)),
    sources: { [source.id]: sourceOf(look, shown, tileJson, url) },
    layers: [
      { id: 'background', type: 'background', paint: { 'background-color': '#f2f2ef' } },
      ...layersOf(source, look),
    ],
  }
}

/** Tiles and zooms come from the TileJSON; what it has no words for stands here. */
function sourceOf({ kind, extension }: TileLook, tileSize: number, { encoding }: Json, url: string): Json {
  if (kind === 'vector') return { type: 'vector', url, ...(extension === 'mlt' ? { encoding: 'mlt' } : {}) }
  if (kind === 'picture') return { type: 'raster', url, tileSize }
  return { type: 'raster-dem', url, tileSize, encoding }
}

function layersOf(source: Source, { kind }: TileLook): Json[] {
  const of = { source: source.id }
  if (kind === 'picture') return [{ id: 'tiles', type: 'raster', ...of }]
  if (kind !== 'vector') return [{ id: 'hillshade', type: 'hillshade', ...of }]
  const layers = vectorLayers(source.describe()).map(({ id }) => String(id))
  // all areas first: they would hide lines and points
  return GEOMETRIES.flatMap(({ type, shapes, paint }) =>
    layers.map((id, i) => ({
      id: `${id}-${type}`,
      type,
      ...of,
      'source-layer': id,
      filter: ['in', '$type', ...shapes],
      paint: paint(COLOURS[i % COLOURS.length]!),
    })),
  )
}

/** MapLibre's size of vector tiles, pixels. */
const VECTOR_SIZE = 512

/** Distinct on light ground, also to most who see colours differently (Okabe & Ito, "Color Universal Design", 2008). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#555555']

const GEOMETRIES: readonly { type: string; shapes: readonly string[]; paint: (colour: string) => Json }[] = [
  {
    type: 'fill',
    shapes: ['Polygon'],
    paint: (colour) => ({ 'fill-color': colour, 'fill-opacity': 0.15 }),
  },
  {
    type: 'line',
    shapes: ['LineString', 'Polygon'],
    paint: (colour) => ({ 'line-color': colour, 'line-width': 1 }),
  },
  {
    type: 'circle',
    shapes: ['Point'],
    paint: (colour) => ({ 'circle-color': colour, 'circle-radius': 3 }),
  },
]

/** Of the TileJSON, with what was wished for. */
function urlOf(base: string, source: Source, search: URLSearchParams): string {
  const carried = [...search].filter(([name]) => CARRIED.includes(name))
  const query = carried.length === 0 ? '' : `?${new URLSearchParams(carried)}`
  return `${base}/${encodeURIComponent(source.id)}.json${query}`
}

const CARRIED: readonly string[] = ['missing', 'format', 'quality', 'tileSize', 'tilesize', 'encoding']
