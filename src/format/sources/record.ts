// What a file remembers of each image that it was made from. formats/flat-1.md has the same rules (F25).
//
// Everything here takes values of any kind, from a caller or from a file, and says in words what is wrong with them.

import { MAX_ZOOM } from '../../zooms.js'
import { jsonDepth, MAX_JSON_DEPTH } from '../json.js'

/** Positions of a closed line, [longitude, latitude] in degrees: the last is the first again. */
export type SourceRing = readonly (readonly number[])[]

/** The area of a source's valid pixels, as a geometry of GeoJSON (RFC 7946): in degrees, cut at the antimeridian. */
export type SourceFootprint =
  | { readonly type: 'Polygon'; readonly coordinates: readonly SourceRing[] }
  | { readonly type: 'MultiPolygon'; readonly coordinates: readonly (readonly SourceRing[])[] }

/** An image that a file was made from. */
export interface SourceRecord {
  /** Unique in the file; 1 to 256 characters. */
  readonly id: string
  /** The name of its file, without the folder. */
  readonly name: string
  /** Its place in the pile: 0 lies at the bottom. The sources of a file have 0 to n − 1. */
  readonly order: number
  /** The zoom at which its pixels have about the size of the tiles' pixels, 0 to 26. */
  readonly zoom: number
  /** The lowest zoom at which it is shown, 0 to 26; default: the file's. Above `zoom`, it is only shown enlarged. */
  readonly minZoom?: number | undefined
  /** Metres on the ground for each pixel, in its middle. */
  readonly resolution: number
  /** Where its valid pixels lie; null when that is not known. */
  readonly footprint: SourceFootprint | null
  /** When it was taken, ISO 8601: a year, a month, a day, or a day and a time. */
  readonly date?: string | undefined
  /** Who is to be named beside it. */
  readonly attribution?: string | undefined
  /** The terms of its use, such as 'CC BY 4.0'. */
  readonly licence?: string | undefined
  /** The same for the same content, whatever its path and time. */
  readonly fingerprint: string
  /** Everything else that is known of it, by name: values of JSON. */
  readonly properties?: Readonly<Record<string, unknown>> | undefined
}

/** More than any file has: limits for what a damaged or hostile file may say. */
export const MAX_SOURCES = 200_000
const MAX_TEXT = 65_536
const MAX_ID = 256

const DATE =
  /^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])(T\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?)?)?$/

/** What is wrong with a list of records, as a clause that names the record; undefined when nothing is. */
export function sourcesProblem(records: unknown): string | undefined {
  if (!Array.isArray(records)) return 'the sources are not a list'
  if (records.length > MAX_SOURCES) return `there are ${records.length} sources, more than ${MAX_SOURCES}`
  const ids = new Set<unknown>()
  const orders = new Set<unknown>()
  for (const [i, record] of records.entries()) {
    const problem = recordProblem(record, records.length)
    if (problem !== undefined) return `source ${i + 1} of ${records.length}: ${problem}`
    const { id, order } = record as SourceRecord
    if (ids.has(id)) return `source ${i + 1} of ${records.length}: its id ${quoted(id)} is used twice`
    if (orders.has(order)) return `source ${i + 1} of ${records.length}: its order ${order} is used twice`
    ids.add(id)
    orders.add(order)
  }
  return undefined
}

function recordProblem(value: unknown, count: number): string | undefined {
  if (!isObject(value)) return 'it is not an object'
  const r = value as Partial<Record<keyof SourceRecord, unknown>>
  const isZoom = (zoom: unknown): boolean => isIndex(zoom, MAX_ZOOM + 1)
  if (!isText(r.id, MAX_ID) || r.id === '') return `its id is not a text of 1 to ${MAX_ID} characters`
  if (!isText(r.name)) return 'its name is not a text'
  if (!isIndex(r.order, count)) return `its order is not one of 0 to ${count - 1}`
  if (!isZoom(r.zoom)) return `its zoom is not one of 0 to ${MAX_ZOOM}`
  if (r.minZoom !== undefined && !isZoom(r.minZoom)) return `its lowest zoom is not one of 0 to ${MAX_ZOOM}`
  if (!(typeof r.resolution === 'number' && r.resolution > 0 && r.resolution < Number.POSITIVE_INFINITY))
    return 'its resolution is not a number above 0'
  if (r.date !== undefined && !(isText(r.date) && DATE.test(r.date)))
    return 'its date is not one of ISO 8601, such as 2024-06-30'
  for (const name of ['attribution', 'licence'] as const)
    if (r[name] !== undefined && !isText(r[name])) return `its ${name} is not a text`
  if (!isText(r.fingerprint)) return 'its fingerprint is not a text'
  if (r.properties !== undefined) {
    const problem = propertiesProblem(r.properties)
    if (problem !== undefined) return problem
  }
  return r.footprint === null ? undefined : footprintProblem(r.footprint)
}

function propertiesProblem(value: unknown): string | undefined {
  if (!isObject(value)) return 'its properties are not an object'
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    return `its properties cannot be written as JSON (${(error as Error).message})`
  }
  // four levels fewer: they lie in the properties of a feature in a list in an object
  if (jsonDepth(text ?? '') > MAX_JSON_DEPTH - 4)
    return `its properties are nested more than ${MAX_JSON_DEPTH - 4} deep`
  return undefined
}

/** What is wrong with a footprint, as a clause; undefined when nothing is. */
function footprintProblem(value: unknown): string | undefined {
  const { type, coordinates } = (isObject(value) ? value : {}) as { type?: unknown; coordinates?: unknown }
  if (type !== 'Polygon' && type !== 'MultiPolygon')
    return 'its footprint is not a Polygon or a MultiPolygon of GeoJSON, or null'
  const polygons = type === 'Polygon' ? [coordinates] : coordinates
  if (!Array.isArray(polygons) || polygons.length === 0) return 'its footprint has no polygons'
  for (const rings of polygons as unknown[]) {
    if (!Array.isArray(rings) || rings.length === 0) return 'a polygon of its footprint has no rings'
    for (const ring of rings as unknown[]) {
      const problem = ringProblem(ring)
      if (problem !== undefined) return problem
    }
  }
  return undefined
}

function ringProblem(ring: unknown): string | undefined {
  if (!Array.isArray(ring) || ring.length < 4) return 'a ring of its footprint has fewer than four positions'
  for (const position of ring as unknown[]) {
    if (!Array.isArray(position) || position.length !== 2)
      return 'a position of its footprint is not a longitude and a latitude'
    if (!(isWithin(position[0], 180) && isWithin(position[1], 90)))
      return 'its footprint goes beyond ±180, ±90 degrees'
  }
  const [first, last] = [ring[0], ring[ring.length - 1]] as [number[], number[]]
  if (first[0] !== last[0] || first[1] !== last[1]) return 'a ring of its footprint is not closed'
  return undefined
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown, most = MAX_TEXT): value is string =>
  typeof value === 'string' && value.length <= most
const isIndex = (value: unknown, count: number): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < count
const isWithin = (value: unknown, most: number): boolean =>
  typeof value === 'number' && value >= -most && value <= most
const quoted = (text: unknown): string => JSON.stringify(String(text).slice(0, 60))
