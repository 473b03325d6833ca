// The sources of a file as bytes: a FeatureCollection of GeoJSON in UTF-8, gzipped, in the order of the pile.
//
// Invariant: the same records give the same bytes, in whatever order they are passed. For any bytes decoding ends with
// records or with a clause that says what is wrong, and unpacks no more than the limit.
import { constants, gunzipSync, gzipSync } from 'node:zlib'
import { parseJsonObject } from '../json.js'
import { unpackProblem } from '../unpack-problem.js'
import { MAX_SOURCES, type SourceFootprint, type SourceRecord, sourcesProblem } from './record.js'

/** Most bytes of the stored value, and of the text in it: many times what 5,000 sources need. */
export const MAX_SOURCES_BYTES = 1 << 25
const MAX_TEXT_BYTES = 1 << 26
/** Most values of JSON in it: 100,000 sources of 20 positions each have fewer. */
const MAX_VALUES = 1 << 23

/** A source as a feature: the footprint is its geometry. */
export interface SourceFeature {
  readonly type: 'Feature'
  readonly id: string
  readonly geometry: SourceFootprint | null
  readonly properties: Omit<SourceRecord, 'id' | 'footprint'>
}

/** Sources as GeoJSON. */
export interface SourceCollection {
  readonly type: 'FeatureCollection'
  readonly features: readonly SourceFeature[]
}

/** The records as GeoJSON, in the order given. */
export function sourceCollection(records: readonly SourceRecord[]): SourceCollection {
  return { type: 'FeatureCollection', features: records.map(featureOf) }
}

/** With its members in one order, and without those that are undefined. */
function featureOf(r: SourceRecord): SourceFeature {
  return {
    type: 'Feature',
    id: r.id,
    geometry:
      r.footprint && ({ type: r.footprint.type, coordinates: r.footprint.coordinates } as SourceFootprint),
    properties: {
      name: r.name,
      order: r.order,
      zoom: r.zoom,
      ...(r.minZoom === undefined ? {} : { minZoom: r.minZoom }),
      resolution: r.resolution,
      ...(r.date === undefined ? {} : { date: r.date }),
      ...(r.attribution === undefined ? {} : { attribution: r.attribution }),
      ...(r.licence === undefined ? {} : { licence: r.licence }),
      fingerprint: r.fingerprint,
      ...(r.properties === undefined ? {} : { properties: r.properties }),
    },
  }
}

/** The bytes to store, or what is wrong with the records, as a clause. */
export function encodeSources(records: readonly SourceRecord[]): Uint8Array | string {
  const problem = sourcesProblem(records)
  if (problem !== undefined) return problem
  let text: string
  try {
    text = JSON.stringify(sourceCollection([...records].sort((a, b) => a.order - b.order)))
  } catch (error) {
    // longer than a string may be
    return `the sources cannot be written as JSON (${(error as Error).message})`
  }
  // before it is packed, which takes seconds
  if (text.length > MAX_TEXT_BYTES)
    return `the sources are more than ${MAX_TEXT_BYTES} bytes of JSON; give fewer, with simpler footprints`
  const packed = gzipSync(text, { level: constants.Z_BEST_COMPRESSION })
  // the same on every system
  packed[9] = 255
  // What a reader would refuse as too much must not be written.
  const read = decodeSources(packed)
  return typeof read === 'string' ? `the sources are ${read}; give fewer, with simpler footprints` : packed
}

/** The records, from the bottom to the top, or what is wrong with the bytes, as a clause. */
export function decodeSources(bytes: Uint8Array): SourceRecord[] | string {
  if (bytes.length > MAX_SOURCES_BYTES) return `${bytes.length} bytes long, more than ${MAX_SOURCES_BYTES}`
  let json: Uint8Array
  try {
    json = gunzipSync(bytes, { maxOutputLength: MAX_TEXT_BYTES })
  } catch (error) {
    return `not gzip that unpacks: ${unpackProblem(error, MAX_TEXT_BYTES)}`
  }
  const value = parseJsonObject(json, { strict: true, maxValues: MAX_VALUES })
  if (typeof value === 'string') return value
  const { type, features } = value
  if (type !== 'FeatureCollection' || !Array.isArray(features)) return 'not a FeatureCollection of GeoJSON'
  if (features.length > MAX_SOURCES) return `of ${features.length} sources, more than ${MAX_SOURCES}`
  const records = features.map(recordOf)
  const problem = sourcesProblem(records)
  if (problem !== undefined) return `not what sources are: ${problem}`
  const misplaced = records.findIndex((record, i) => record.order !== i)
  return misplaced < 0
    ? records
    : `not in the order of its sources: number ${misplaced + 1} is of order ${records[misplaced]!.order}`
}

/** Not checked yet. Members that are not known are left out: they are of a later writer. */
function recordOf(feature: unknown): SourceRecord {
  const objectOf = (value: unknown): Record<string, unknown> =>
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  const { id, geometry, properties } = objectOf(feature)
  const known = objectOf(properties)
  const { name, order, zoom, minZoom, resolution, date, attribution, licence, fingerprint } = known
  const rest = known['properties']
  return {
    id,
    name,
    order,
    zoom,
    ...(minZoom === undefined ? {} : { minZoom }),
    resolution,
    footprint: geometry ?? null,
    ...(date === undefined ? {} : { date }),
    ...(attribution === undefined ? {} : { attribution }),
    ...(licence === undefined ? {} : { licence }),
    fingerprint,
    ...(rest === undefined ? {} : { properties: rest }),
  } as SourceRecord
}
