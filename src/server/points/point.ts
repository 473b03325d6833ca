// '/{id}/point/{lon},{lat}' and POST '/{id}/point': what is stored at places, elevations in metres or colours.
//
//   { lon, lat, elevation, zoom, tile: [z, x, y], resolution }      of files of heights
//   { lon, lat, color: [r, g, b, a], zoom, tile, resolution }       of pictures
//
// `resolution`: metres on the ground of a pixel of that tile. Everything is null where no tile is; the elevation or
// colour alone where the tile has a hole. Elevations are interpolated, colours are those of the nearest pixel.
import { createHash } from 'node:crypto'
import type { LonLat } from '../../grid/tiles/great-circle.js'
import type { Colour } from '../../sampling/decoded-tile.js'
import type { PointValue } from '../../sampling/point-values.js'
import { computed, computedTag } from '../computed.js'
import type { RoutedSource, ServerContext } from '../context.js'
import { notModified } from '../http/conditional.js'
import { textAnswer } from '../http/json-answer.js'
import { HttpError, type Query, type Reply } from '../http/message.js'
import type { Source } from '../sources/source.js'
import { type Choice, choiceOf, objectOfBody, placeOfText, placesOfJson } from './places.js'
import { pointsOf } from './point-readers.js'

export interface PointAnswer {
  readonly lon: number
  readonly lat: number
  /** Metres; of files of heights. */
  readonly elevation?: number | null
  /** Of pictures. */
  readonly color?: Colour | null
  readonly zoom: number | null
  readonly tile: readonly [z: number, x: number, y: number] | null
  readonly resolution: number | null
}

export async function answerPoint(
  context: ServerContext,
  { query, source, search, rest }: RoutedSource,
): Promise<Reply> {
  const place = placeOfText(rest[0]!, 'The place')
  const choice = choiceOf(search.get('zoom') ?? undefined, search.get('interpolation') ?? undefined)
  return jsonOf(context, source, query, `point ${place} ${JSON.stringify(choice)}`, async (signal) => {
    const [answer] = await answersAt(context, source, [place], choice, signal)
    return answer
  })
}

/** `{ points: [[lon, lat], …], zoom?, interpolation? }` → `{ points: […] }`, in the same order. */
export async function answerPoints(context: ServerContext, { query, source }: RoutedSource): Promise<Reply> {
  const { limits } = context.options
  const body = await objectOfBody(query, limits.bodyBytes)
  if (body['points'] === undefined)
    throw new HttpError(400, 'The body has no points: send {"points": [[lon, lat], …]}.')
  const places = placesOfJson(body['points'], limits.points, 'points')
  const choice = choiceOf(body['zoom'], body['interpolation'])
  const asked = `points ${digestOf(places)} ${JSON.stringify(choice)}`
  return jsonOf(context, source, query, asked, async (signal) => ({
    points: await answersAt(context, source, places, choice, signal),
  }))
}

const digestOf = (places: readonly LonLat[]): string =>
  createHash('sha1').update(JSON.stringify(places)).digest('base64url')

/** A computed JSON answer, kept under what was asked for. */
async function jsonOf(
  context: ServerContext,
  source: Source,
  query: Query,
  asked: string,
  make: (signal: AbortSignal) => Promise<unknown>,
): Promise<Reply> {
  return textOf(context, source, query, asked, 'application/json', async (signal) => {
    return `${JSON.stringify(await make(signal))}\n`
  })
}

export async function textOf(
  context: ServerContext,
  source: Source,
  query: Query,
  asked: string,
  contentType: string,
  make: (signal: AbortSignal) => Promise<string>,
): Promise<Reply> {
  const etag = computedTag(source, asked)
  const same = notModified(query, etag)
  if (same !== undefined) return same
  const made = await computed(context, source, query, asked, async (signal) => ({
    bytes: Buffer.from(await make(signal)),
    contentType,
  }))
  // a response to POST must not be cached
  const headers = query.method === 'POST' ? ['Cache-Control', 'no-store'] : []
  return textAnswer(query, made!.bytes, { contentType, etag, headers })
}

async function answersAt(
  context: ServerContext,
  source: Source,
  places: readonly LonLat[],
  choice: Choice,
  signal: AbortSignal,
): Promise<PointAnswer[]> {
  const { kind, points } = pointsOf(context, source)
  if (kind === 'heights') {
    const values = await points.at(places, { ...choice, signal })
    return values.map((value, i) => ({
      ...where(places[i]!),
      elevation: value?.value === undefined ? null : shortest(value.value),
      ...what(value),
    }))
  }
  const values = await points.at(places, { ...choice, signal })
  return values.map((value, i) => ({ ...where(places[i]!), color: value?.value ?? null, ...what(value) }))
}

const where = ([lon, lat]: LonLat): Pick<PointAnswer, 'lon' | 'lat'> => ({ lon, lat })

const what = (value: PointValue<unknown> | undefined): Pick<PointAnswer, 'zoom' | 'tile' | 'resolution'> => ({
  zoom: value?.z ?? null,
  tile: value === undefined ? null : [value.z, value.x, value.y],
  resolution: value === undefined ? null : Number(value.resolution.toPrecision(6)),
})

/** Nine digits represent every 32-bit float and every code of terrain-RGB; more would be rounding noise. */
export const shortest = (value: number): number => Number(value.toPrecision(9))
