// The properties that an entry of a list may give to its source, by the names that tile indexes, STAC and people use.
// Whatever else is there is kept as it is.

import { dirname, isAbsolute, join } from 'node:path'
import { cutlineOf } from '../../cutline/cutline.js'
import { type ResolvedSource, type SourceGiven, sourceGiven } from '../../source-options.js'
import { badEntry, type Entry, isObject } from './entry.js'
import { bandsFromText, nodataFromText } from './texts.js'
import { wktPolygons } from './wkt.js'

type Field = Exclude<keyof SourceGiven, 'properties'>

/** Without case and underscores. Of several the first counts. */
const NAMES: Readonly<Record<Field, string>> = {
  location: 'location filename file path url href',
  priority: 'priority',
  minZoom: 'minzoom',
  maxZoom: 'maxzoom',
  nodata: 'nodata',
  crs: 'ssrs srcsrs srccrs',
  bands: 'bands',
  date: 'date datetime enddatetime',
  attribution: 'attribution',
  licence: 'licence license',
  id: 'id',
  cutline: 'cutline cut',
}

const FIELDS = new Map<string, Field>(
  Object.entries(NAMES).flatMap(([field, names]) => names.split(' ').map((name) => [name, field as Field])),
)
const RANKS = new Map([...FIELDS.keys()].map((name, i) => [name, i]))

const plainName = (name: string): string => name.toLowerCase().replace(/_/g, '')

/** The field that a property of this name sets. */
export const fieldOf = (name: string): Field | undefined => FIELDS.get(plainName(name))

interface Named {
  readonly name: string
  readonly value: unknown
}

/** The source that an entry describes. @throws BAD_OPTION when a value is wrong; the message says where */
export function sourceOf(entry: Entry, list: string): ResolvedSource {
  const { given, names, properties } = sorted(entry)
  const fail = (what: string): never => {
    throw badEntry(list, entry.place(), what)
  }
  if (given.location === undefined) fail('it names no file; give it a property location')
  if (given.cutline !== undefined) given.cutline = cutlineFor(given.cutline, entry, list)
  const result = sourceGiven.safeParse({ ...given, ...(isEmpty(properties) ? {} : { properties }) })
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  const field = path[0] as Field
  const value = JSON.stringify(entry.values[names.get(field)!] ?? entry.id)?.slice(0, 60)
  return fail(`${names.get(field) ?? field} is ${value}: ${message}`)
}

const isEmpty = (object: object): boolean => Object.keys(object).length === 0

/** Divides what an entry says into fields, which get the types of the options, and other properties. */
function sorted({ values, id }: Entry): {
  given: Partial<Record<Field, unknown>>
  names: Map<Field, string>
  properties: Record<string, unknown>
} {
  const chosen = new Map<Field, Named>()
  const others: [string, unknown][] = []
  const keep = ({ name, value }: Named): number => others.push([name, value])
  for (const [name, value] of Object.entries(values)) {
    const field = fieldOf(name)
    const isOurs = field !== undefined && !(field === 'bands' && isStacBands(value))
    const before = isOurs ? chosen.get(field) : undefined
    if (!isOurs) keep({ name, value })
    else if (isNothing(value)) continue
    else if (before === undefined) chosen.set(field, { name, value })
    else if (rankOf(name) < rankOf(before.name)) {
      keep(before)
      chosen.set(field, { name, value })
    } else keep({ name, value })
  }
  const given: Partial<Record<Field, unknown>> = id === undefined ? {} : { id }
  for (const [field, { value }] of chosen) given[field] = typed(field, value)
  const names = new Map([...chosen].map(([field, { name }]) => [field, name]))
  return { given, names, properties: Object.fromEntries(others) }
}

const rankOf = (name: string): number => RANKS.get(plainName(name))!
const isNothing = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === 'string' && value.trim() === '')
/** STAC describes the bands of an asset under this name. */
const isStacBands = (value: unknown): boolean => Array.isArray(value) && value.some(isObject)

/** The value in the type that the options have; as it is where it cannot be converted. */
function typed(field: Field, value: unknown): unknown {
  const text = typeof value === 'string' ? value.trim() : undefined
  switch (field) {
    case 'priority':
    case 'minZoom':
    case 'maxZoom':
      return text !== undefined && Number.isFinite(Number(text)) ? Number(text) : value
    case 'nodata':
      return text === undefined ? value : (nodataFromText(text) ?? value)
    case 'bands':
      if (typeof value === 'number') return [value]
      return text === undefined ? value : (bandsFromText(text) ?? value)
    case 'crs':
      if (typeof value === 'number') return `EPSG:${value}`
      return isObject(value) ? JSON.stringify(value) : (text ?? value)
    case 'id':
    case 'date':
      return typeof value === 'number' ? String(value) : (text ?? value)
    default:
      return text ?? value
  }
}

const YES = /^(true|yes|1)$/i
const NO = /^(false|no|0)$/i

/**
 * What an entry is cut by: its own outline (`true`), polygons that are written there, or those of a file, whose path is
 * relative to the list.
 */
function cutlineFor(value: unknown, entry: Entry, list: string): string | object | undefined {
  const word = typeof value === 'object' ? '' : String(value)
  if (NO.test(word)) return undefined
  const polygons = YES.test(word) ? entry.outline() : typeof value === 'string' ? wktPolygons(value) : value
  if (YES.test(word) && polygons === undefined)
    throw badEntry(list, entry.place(), 'it has no geometry to cut by')
  if (polygons === undefined) return isAbsolute(word) ? word : join(dirname(list), word)
  cutlineOf(polygons, `${list}, ${entry.place()}: its geometry`)
  return polygons as object
}
