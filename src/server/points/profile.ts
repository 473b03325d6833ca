// '/{id}/profile?path=lon,lat;lon,lat…' and POST '/{id}/profile': elevations along a line.
//
// Samples lie at equal distances along great circles between the line's points (grid/tiles/great-circle.ts), both ends
// among them. Ascent and descent add up the differences between neighbours that both have an elevation: they grow
// with the number of samples, as any such sum does.
import { createHash } from 'node:crypto'
import { areOpposite, type LonLat, type Station, stationsAlong } from '../../grid/tiles/great-circle.js'
import type { RoutedSource, ServerContext } from '../context.js'
import { HttpError, type Query, type Reply } from '../http/message.js'
import type { Source } from '../sources/source.js'
import { type Choice, choiceOf, integerOf, objectOfBody, placeOfText, placesOfJson } from './places.js'
import { shortest, textOf } from './point.js'
import { pointsOf } from './point-readers.js'

const USUAL_SAMPLES = 200
const FORMATS = ['json', 'csv'] as const
type Format = (typeof FORMATS)[number]

interface ProfileQuery {
  readonly line: readonly LonLat[]
  readonly samples: number
  readonly choice: Choice
  readonly format: Format
}

interface ProfilePoint {
  /** From the start, metres. */
  readonly distance: number
  readonly lon: number
  readonly lat: number
  readonly elevation: number | null
}

export interface Profile {
  /** Of the whole line, metres. */
  readonly distance: number
  readonly ascent: number
  readonly descent: number
  /** Null where no sample has an elevation. */
  readonly min: number | null
  readonly max: number | null
  readonly points: readonly ProfilePoint[]
}

export function answerProfile(context: ServerContext, request: RoutedSource): Promise<Reply> {
  return request.query.method === 'POST' ? answerBody(context, request) : answerAddress(context, request)
}

async function answerAddress(
  context: ServerContext,
  { query, source, search }: RoutedSource,
): Promise<Reply> {
  const { limits } = context.options
  const path = search.get('path')
  if (path === null) throw new HttpError(400, "The URL has no path: add '?path=lon,lat;lon,lat'.")
  const parts = path.split(';', limits.points + 1)
  if (parts.length > limits.points) throw new HttpError(400, `path has more than ${limits.points} points.`)
  return answerOf(context, source, query, {
    line: lineOf(parts.map((part, i) => placeOfText(part, `path[${i}]`))),
    samples: samplesOf(search.get('samples') ?? undefined, limits.points),
    choice: choiceOf(search.get('zoom') ?? undefined, search.get('interpolation') ?? undefined),
    format: formatOf(search.get('format') ?? undefined),
  })
}

/** `{ path, samples?, zoom?, interpolation?, format? }`; the path as [[lon, lat], …] or as a GeoJSON LineString. */
async function answerBody(context: ServerContext, { query, source }: RoutedSource): Promise<Reply> {
  const { limits } = context.options
  const body = await objectOfBody(query, limits.bodyBytes)
  const path = coordinatesOf(body['path'] ?? body)
  return answerOf(context, source, query, {
    line: lineOf(placesOfJson(path, limits.points, 'path')),
    samples: samplesOf(body['samples'], limits.points),
    choice: choiceOf(body['zoom'], body['interpolation']),
    format: formatOf(body['format']),
  })
}

/** Of a list, of a LineString, or of a Feature that is one. */
function coordinatesOf(path: unknown): unknown {
  if (typeof path !== 'object' || path === null || Array.isArray(path)) return path
  const { type, geometry } = path as Record<string, unknown>
  const line = type === 'Feature' ? geometry : path
  if (typeof line === 'object' && line !== null && 'type' in line && line.type === 'LineString') {
    return (line as { coordinates?: unknown }).coordinates
  }
  throw new HttpError(400, 'The path must be [[lon, lat], …] or a GeoJSON LineString.')
}

function lineOf(places: readonly LonLat[]): readonly LonLat[] {
  if (places.length < 2) throw new HttpError(400, 'A path needs at least two points.')
  for (let i = 1; i < places.length; i++) {
    if (areOpposite(places[i - 1]!, places[i]!)) {
      throw new HttpError(
        400,
        `path[${i}] is exactly opposite the point before it, so there is no shortest path between them.`,
      )
    }
  }
  return places
}

const samplesOf = (value: unknown, most: number): number =>
  value === undefined ? Math.min(USUAL_SAMPLES, most) : integerOf(value, 'samples', 2, most)

function formatOf(value: unknown): Format {
  const format = value ?? 'json'
  if (!FORMATS.includes(format as Format)) throw new HttpError(400, "format must be 'json' or 'csv'.")
  return format as Format
}

function answerOf(
  context: ServerContext,
  source: Source,
  query: Query,
  { line, samples, choice, format }: ProfileQuery,
): Promise<Reply> {
  const digest = createHash('sha1').update(JSON.stringify(line)).digest('base64url')
  const asked = `profile ${digest} ${samples} ${JSON.stringify(choice)} ${format}`
  const contentType = format === 'csv' ? 'text/csv; charset=utf-8' : 'application/json'
  return textOf(context, source, query, asked, contentType, async (signal) => {
    const stations = stationsAlong(line, samples)
    const { kind, points } = pointsOf(context, source)
    if (kind !== 'heights') throw new HttpError(400, `${source.id} has images: profiles need elevations.`)
    const values = await points.at(
      stations.map(({ lonLat }) => lonLat),
      { ...choice, signal },
    )
    const elevations = values.map((value) => (value?.value === undefined ? null : shortest(value.value)))
    const profile = profileOf(stations, elevations)
    return format === 'csv' ? csvOf(profile) : `${JSON.stringify(profile)}\n`
  })
}

function profileOf(stations: readonly Station[], elevations: readonly (number | null)[]): Profile {
  let [ascent, descent] = [0, 0]
  let [min, max]: [number | null, number | null] = [null, null]
  for (const [i, elevation] of elevations.entries()) {
    if (elevation === null) continue
    const before = elevations[i - 1] ?? null
    const climb = before === null ? 0 : elevation - before
    if (climb > 0) ascent += climb
    else descent -= climb
    min = Math.min(min ?? elevation, elevation)
    max = Math.max(max ?? elevation, elevation)
  }
  const points = stations.map(({ lonLat: [lon, lat], distance }, i) => ({
    distance: rounded(distance, 3),
    lon: rounded(lon, 9),
    lat: rounded(lat, 9),
    elevation: elevations[i] ?? null,
  }))
  const distance = points.at(-1)!.distance
  return { distance, ascent: shortest(ascent), descent: shortest(descent), min, max, points }
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits))

const csvOf = ({ points }: Profile): string =>
  [
    'distance,lon,lat,elevation',
    ...points.map(({ distance, lon, lat, elevation }) => `${distance},${lon},${lat},${elevation ?? ''}`),
    '',
  ].join('\n')
