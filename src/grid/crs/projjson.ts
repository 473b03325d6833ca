// Converts PROJJSON to the tree of the equivalent WKT2, so that one reader serves both. Source: the PROJJSON schema 0.7
// of PROJ.
import type { WktNode } from './wkt.js'

type Json = Readonly<Record<string, unknown>>

/** The tree of the text; undefined when it is not JSON or describes no coordinate system. */
export function wktOfProjJson(text: string): WktNode | undefined {
  if (text.length > 1 << 18) return undefined
  try {
    return crs(object(JSON.parse(text)))
  } catch {
    return undefined
  }
}

function object(value: unknown): Json {
  if (typeof value !== 'object' || value === null) throw new TypeError('not an object')
  return value as Json
}

const node = (
  keyword: string,
  values: readonly unknown[],
  ...children: (WktNode | undefined)[]
): WktNode => ({
  keyword,
  values: values.map((v) => (typeof v === 'number' ? v : String(v ?? ''))),
  children: children.filter((child) => child !== undefined),
})

const list = (value: unknown): Json[] => (Array.isArray(value) ? value.map(object) : [])

function crs(json: Json, keyword?: string): WktNode {
  switch (json.type) {
    case 'CompoundCRS':
      return node(
        'COMPOUNDCRS',
        [json.name],
        ...list(json.components)
          .slice(0, 2)
          .map((c) => crs(c)),
      )
    case 'BoundCRS': {
      const change = object(json.transformation)
      const parts = [method(object(change.method)), ...list(change.parameters).map(parameter)]
      return node(
        'BOUNDCRS',
        [],
        node('SOURCECRS', [], crs(object(json.source_crs))),
        node('ABRIDGEDTRANSFORMATION', [change.name], ...parts),
      )
    }
    case 'ProjectedCRS': {
      const conversion = object(json.conversion)
      return node(
        'PROJCRS',
        [json.name],
        crs(object(json.base_crs), 'BASEGEOGCRS'),
        node(
          'CONVERSION',
          [conversion.name],
          method(object(conversion.method)),
          ...list(conversion.parameters).map(parameter),
        ),
        ...axes(json),
        id(json),
      )
    }
    case 'VerticalCRS':
      return node('VERTCRS', [json.name], ...axes(json))
    case 'GeographicCRS':
    case 'GeodeticCRS':
      return node(keyword ?? 'GEOGCRS', [json.name], datum(json), meridian(json), ...axes(json), id(json))
    default:
      // base CRSs may omit their type
      if (keyword === undefined) throw new TypeError('no coordinate system')
      return crs({ ...json, type: 'GeographicCRS' }, keyword)
  }
}

function datum(json: Json): WktNode {
  const found = object(json.datum ?? json.datum_ensemble)
  const e = object(found.ellipsoid)
  const length = (value: unknown): number =>
    typeof value === 'number' ? value : Number(object(value).value) * factor(object(value).unit, 1)
  const a = length(e.semi_major_axis ?? e.radius)
  let inverse = e.radius === undefined ? Number(e.inverse_flattening) : 0
  if (e.semi_minor_axis !== undefined) {
    const b = length(e.semi_minor_axis)
    inverse = a === b ? 0 : a / (a - b)
  }
  return node('DATUM', [found.name], node('ELLIPSOID', [e.name, a, inverse]))
}

function meridian(json: Json): WktNode | undefined {
  const found = object(json.datum ?? json.datum_ensemble).prime_meridian
  if (found === undefined) return undefined
  const longitude = object(found).longitude
  if (typeof longitude === 'number') return node('PRIMEM', [object(found).name, longitude])
  const { value, unit } = object(longitude)
  return node('PRIMEM', [object(found).name, value], unitNode('ANGLEUNIT', unit, Math.PI / 180))
}

const method = (json: Json): WktNode => node('METHOD', [json.name], id(json))

function parameter(json: Json): WktNode {
  return node('PARAMETER', [json.name, json.value], unitNode(undefined, json.unit, 1), id(json))
}

function axes(json: Json): WktNode[] {
  const system = json.coordinate_system === undefined ? undefined : object(json.coordinate_system)
  const cartesian = system?.subtype === 'Cartesian' && json.type !== 'ProjectedCRS'
  const found = list(system?.axis).map((axis) =>
    node('AXIS', [axis.name, axis.direction], unitNode(undefined, axis.unit, 1)),
  )
  return [...(cartesian ? [node('CS', ['Cartesian'])] : []), ...found]
}

function id(json: Json): WktNode | undefined {
  if (json.id === undefined) return undefined
  const { authority, code } = object(json.id)
  return node('ID', [authority, code])
}

const NAMED: Readonly<Record<string, readonly [keyword: string, factor: number]>> = {
  metre: ['LENGTHUNIT', 1],
  degree: ['ANGLEUNIT', Math.PI / 180],
  unity: ['SCALEUNIT', 1],
}

const KEYWORDS: Readonly<Record<string, string>> = {
  LinearUnit: 'LENGTHUNIT',
  AngularUnit: 'ANGLEUNIT',
  ScaleUnit: 'SCALEUNIT',
}

function factor(unit: unknown, otherwise: number): number {
  if (typeof unit === 'string') return NAMED[unit]?.[1] ?? otherwise
  return typeof unit === 'object' && unit !== null ? Number(object(unit).conversion_factor) : otherwise
}

function unitNode(keyword: string | undefined, unit: unknown, otherwise: number): WktNode | undefined {
  if (unit === undefined) return undefined
  const named = typeof unit === 'string' ? NAMED[unit]?.[0] : KEYWORDS[String(object(unit).type)]
  return node(keyword ?? named ?? 'UNIT', ['', factor(unit, otherwise)])
}
