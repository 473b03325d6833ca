// Places out of addresses and bodies: whatever a client writes becomes finite numbers within bounds, or a 400 that
// says which one is wrong.
import type { LonLat } from '../../grid/tiles/great-circle.js'
import { INTERPOLATIONS, type Interpolation } from '../../sampling/point-values.js'
import { MAX_ZOOM } from '../../zooms.js'
import { HttpError, type Query } from '../http/message.js'

const NUMBER = /^[+-]?(?:\d{1,20}(?:\.\d{0,40})?|\.\d{1,40})(?:e[+-]?\d{1,3})?$/i
/** Longitudes may go round the world, not for ever: further east a degree has too few digits left. */
const MAX_LON = 36_000

/** 'lon,lat'; `what` names it in the message. */
export function placeOfText(text: string, what: string): LonLat {
  const numbers = numbersOfText(text, 2)
  if (numbers === undefined) throw new HttpError(400, `${what} is not 'longitude,latitude' in degrees.`)
  return checked(numbers[0]!, numbers[1]!, what)
}

/** Exactly so many numbers between commas; undefined when the text is anything else. */
export function numbersOfText(text: string, count: number): number[] | undefined {
  const parts = text.split(',', count + 1)
  const isAll = parts.length === count && parts.every((part) => NUMBER.test(part.trim()))
  return isAll ? parts.map(Number) : undefined
}

/** [lon, lat], or [lon, lat, height] as GeoJSON has it. */
function placeOfJson(value: unknown, what: string): LonLat {
  if (!Array.isArray(value) || (value.length !== 2 && value.length !== 3)) {
    throw new HttpError(400, `${what} is not [longitude, latitude].`)
  }
  const [lon, lat] = value as unknown[]
  if (typeof lon !== 'number' || typeof lat !== 'number') {
    throw new HttpError(400, `${what} must contain only numbers.`)
  }
  return checked(lon, lat, what)
}

function checked(lon: number, lat: number, what: string): LonLat {
  if (!(Math.abs(lat) <= 90))
    throw new HttpError(400, `${what}: the latitude must be from −90 to 90 degrees.`)
  if (!(Math.abs(lon) <= MAX_LON))
    throw new HttpError(400, `${what}: the longitude must be from −180 to 180 degrees.`)
  return [lon, lat]
}

/** A list of places; `name` of its members in messages. */
export function placesOfJson(value: unknown, limit: number, name: string): LonLat[] {
  if (!Array.isArray(value)) throw new HttpError(400, `${name} is not a list of [longitude, latitude].`)
  if (value.length > limit)
    throw new HttpError(400, `${name} has ${value.length} points; at most ${limit} are allowed per request.`)
  return value.map((member, i) => placeOfJson(member, `${name}[${i}]`))
}

/** Options of point queries and profiles, from the address or the body. */
export interface Choice {
  readonly zoom: number | undefined
  readonly interpolation: Interpolation
}

export function choiceOf(zoom: unknown, interpolation: unknown): Choice {
  const known = interpolation ?? 'bilinear'
  if (!INTERPOLATIONS.includes(known as Interpolation)) {
    throw new HttpError(400, "interpolation must be 'bilinear' or 'nearest'.")
  }
  return {
    zoom: zoom === undefined || zoom === null ? undefined : integerOf(zoom, 'zoom', 0, MAX_ZOOM),
    interpolation: known as Interpolation,
  }
}

/** A whole number, as text or as JSON has it. */
export function integerOf(value: unknown, name: string, least: number, most: number): number {
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number) || number < least || number > most) {
    throw new HttpError(400, `${name} must be a whole number from ${least} to ${most}.`)
  }
  return number
}

/** A body that is a JSON object. */
export async function objectOfBody(query: Query, limitBytes: number): Promise<Record<string, unknown>> {
  const bytes = await query.body(limitBytes)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new HttpError(400, 'The body is not JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HttpError(400, 'The body is not a JSON object.')
  }
  return value as Record<string, unknown>
}
