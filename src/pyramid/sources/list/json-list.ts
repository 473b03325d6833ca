// A list of sources as GeoJSON: features that name files, such as GDAL's tile index, or STAC items.
import { jsonDepth, MAX_JSON_DEPTH } from '../../../format/json.js'
import {
  badEntry,
  badList,
  type Entry,
  isObject,
  type Json,
  MAX_ENTRIES,
  type Prefers,
  tooMany,
} from './entry.js'
import { fieldOf } from './fields.js'
import { lineAt, lineOfItem } from './json-lines.js'
import { hrefOf } from './stac.js'

const EXPECTED =
  'expected a GeoJSON FeatureCollection whose features name files by a property location, or STAC items'

/** @throws BAD_OPTION when it is not JSON or not such a list */
export function jsonEntries(text: string, list: string, prefers: Prefers): Entry[] {
  const json = parsed(text, list)
  const features = featuresOf(json, list)
  if (features.length === 0) throw badList(list, 'has no features, so it names no files')
  if (features.length > MAX_ENTRIES) throw tooMany(list)
  if (!features.some(namesFile)) {
    throw badList(
      list,
      'names no files: in a list of sources each feature has a property location; if it has the polygons to build inside of, pass it with --cutline',
    )
  }
  return features.map((feature, i) => {
    const isOnly = feature === json
    const place = (): string =>
      isOnly ? 'its item' : `feature ${i + 1} (line ${lineOfItem(text, 'features', i)})`
    return entryOf(feature, isObject(json) ? json.crs : undefined, place, list, prefers)
  })
}

/** Enough for MAX_ENTRIES features as tile indexes have them. More values would take gigabytes of memory. */
const MAX_VALUES = 8_000_000

/** At most so many values are in a text. */
function countValues(text: string): number {
  let count = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    // , [ {
    if (c === 0x2c || c === 0x5b || c === 0x7b) count++
  }
  return count
}

function parsed(text: string, list: string): unknown {
  if (countValues(text) > MAX_VALUES) throw badList(list, `has more than ${MAX_VALUES} values; divide it`)
  if (jsonDepth(text) > MAX_JSON_DEPTH)
    throw badList(list, `is not a list of sources: it is nested more than ${MAX_JSON_DEPTH} deep`)
  try {
    return JSON.parse(text)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const at = positionIn(why, text)
    const where = at === undefined ? '' : ` on line ${lineAt(text, at)}`
    throw badList(list, `is not JSON${where} (${why.replace(/\s+/g, ' ').slice(0, 100)})`)
  }
}

/** Where JSON.parse stopped: it gives the position, or some characters from both sides of it. */
function positionIn(why: string, text: string): number | undefined {
  const position = /at position (\d+)/.exec(why)?.[1]
  if (position !== undefined) return Number(position)
  const around = /, (?:\.\.\.)?"([\s\S]*)"(?:\.\.\.)? is not valid JSON/.exec(why)?.[1]
  const at = around === undefined ? -1 : text.indexOf(around)
  return at < 0 || text.indexOf(around!, at + 1) >= 0 ? undefined : at + Math.floor(around!.length / 2)
}

function featuresOf(json: unknown, list: string): readonly unknown[] {
  if (!isObject(json)) throw badList(list, `is not a list of sources: ${EXPECTED}`)
  switch (json.type) {
    case 'FeatureCollection':
      if (!Array.isArray(json.features)) throw badList(list, 'is not GeoJSON: its features are not a list')
      return json.features
    case 'Feature':
      return [json]
    case 'Catalog':
    case 'Collection':
      throw badList(
        list,
        `is a STAC ${json.type}; pass its items, such as the answer of a search (an ItemCollection)`,
      )
    default:
      throw badList(list, `is not a list of sources: ${EXPECTED}`)
  }
}

const isNamed = (value: unknown): boolean => typeof value === 'string' && value.trim() !== ''

function namesFile(feature: unknown): boolean {
  if (!isObject(feature)) return false
  const { properties, assets } = feature
  if (isObject(assets)) return true
  return (
    isObject(properties) &&
    Object.entries(properties).some(([name, value]) => fieldOf(name) === 'location' && isNamed(value))
  )
}

function entryOf(feature: unknown, crs: unknown, place: () => string, list: string, prefers: Prefers): Entry {
  if (!isObject(feature) || feature.type !== 'Feature') throw badEntry(list, place(), 'it is not a Feature')
  const { id, geometry, assets } = feature
  const properties = isObject(feature.properties) ? feature.properties : {}
  const outline = (): object | undefined =>
    isObject(geometry) ? { type: 'Feature', geometry, ...(crs === undefined ? {} : { crs }) } : undefined
  return {
    place,
    values: isObject(assets) ? ofItem(feature, properties, list, place, prefers) : properties,
    // numbers are those of rows, which other lists use too
    ...(typeof id === 'string' ? { id } : {}),
    outline,
  }
}

/** The properties of a STAC item, with its image as the location. */
function ofItem(item: Json, properties: Json, list: string, place: () => string, prefers: Prefers): Json {
  const { asset = item.asset, ...others } = properties
  const found = hrefOf(item.assets as Json, asset, prefers)
  if ('problem' in found) throw badEntry(list, place(), found.problem)
  return { ...others, location: found.href }
}
