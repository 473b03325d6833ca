// '/{id}/sources?point=lon,lat', '/{id}/sources?bbox=west,south,east,north', '/{id}/sources': the images that a file was
// made from, all or those there, as GeoJSON, the topmost first.
//
//   { type: 'FeatureCollection', numberMatched: 3, numberReturned: 3, features: [{ id, geometry, properties }, …] }
//
// Those without a footprint have the geometry null, and are only in the list of all.
import { sourceCollection } from '../../format/sources/codec.js'
import type { SourceRecord } from '../../format/sources/record.js'
import type { SourcesQuery } from '../../store/read/sources-at.js'
import type { RoutedSource, ServerContext } from '../context.js'
import { HttpError, type Reply } from '../http/message.js'
import { integerOf, numbersOfText, placeOfText } from '../points/places.js'
import { textOf } from '../points/point.js'

const USUAL_FEATURES = 1000
const MAX_FEATURES = 10_000
/** Characters of the features: a source may have any properties. */
const MAX_TEXT = 8_000_000

/** @throws HttpError 400 */
export async function answerFileSources(
  context: ServerContext,
  { query, source, search }: RoutedSource,
): Promise<Reply> {
  const place = placeOf(search)
  const limit = integerOf(search.get('limit') ?? USUAL_FEATURES, 'limit', 1, MAX_FEATURES)
  const asked = `sources ${JSON.stringify([place, limit])}`
  return textOf(context, source, query, asked, 'application/geo+json', async () => {
    const { tiles } = source
    const found =
      place === undefined ? (tiles.sources?.() ?? []).toReversed() : (tiles.sourcesAt?.(place) ?? [])
    return geoJsonOf(found, limit)
  })
}

function geoJsonOf(found: readonly SourceRecord[], limit: number): string {
  const features: string[] = []
  let length = 0
  for (const record of found.slice(0, limit)) {
    const text = JSON.stringify(sourceCollection([record]).features[0])
    length += text.length
    if (length > MAX_TEXT) break
    features.push(text)
  }
  const counts = `"numberMatched":${found.length},"numberReturned":${features.length}`
  return `{"type":"FeatureCollection",${counts},"features":[${features.join(',\n')}]}\n`
}

function placeOf(search: URLSearchParams): SourcesQuery | undefined {
  const [point, bbox] = [search.get('point'), search.get('bbox')]
  if (point !== null && bbox !== null) throw new HttpError(400, 'Give a point or a bbox, not both.')
  if (point !== null) {
    const [lon, lat] = placeOfText(point, 'point')
    // within the turns of the world that the file knows
    return { point: [lon - 360 * Math.round(lon / 360), lat] }
  }
  return bbox === null ? undefined : { bbox: boxOf(bbox) }
}

function boxOf(text: string): readonly [number, number, number, number] {
  const numbers = numbersOfText(text, 4)
  const [west, south, east, north] = numbers ?? [Number.NaN, 0, 0, 0]
  const isBox = [west, east].every((lon) => Math.abs(lon!) <= 180) && south! < north! && west !== east
  if (!isBox || Math.abs(south!) > 90 || Math.abs(north!) > 90) {
    throw new HttpError(400, 'bbox is not west,south,east,north in degrees within ±180 and ±90.')
  }
  return [west!, south!, east!, north!]
}
