// Converts the coordinate system of a WKT (GDAL's and Esri's WKT1, or WKT2) to a PROJ string.
//
// Invariants: an unknown method or parameter is an error, never ignored. The vertical part of a compound system gives
// its unit. The declared order of the axes is ignored (images have easting first); their directions (south, west) are
// not.

import { geographicOfName, sameDatum } from './datum-names.js'
import { datumShift, shiftIsLocal } from './datum-shifts.js'
import { methodOfName, parameterOfName } from './projection-names.js'
import { type Method, type ProjectionParameters, projectionText } from './projections.js'
import { standsOn } from './stands-on.js'
import { childOf, nameOf, numberAt, type WktNode } from './wkt.js'

/** A CRS read from WKT. `code` is the EPSG or ESRI code that it claims as a whole. */
export interface WktCrs {
  readonly name: string
  readonly definition: string
  readonly code: number | undefined
  /** See Crs.datum. */
  readonly datum?: number
  /** See Crs.heightMetres. */
  readonly heightMetres?: number
}

const PROJECTED = ['PROJCS', 'PROJCRS', 'PROJECTEDCRS']
const GEOGRAPHIC = ['GEOGCS', 'GEOGCRS', 'GEOGRAPHICCRS', 'GEODCRS', 'GEODETICCRS']
const VERTICAL = ['VERT_CS', 'VERTCRS', 'VERTICALCRS']
const COMPOUND = ['COMPD_CS', 'COMPOUNDCRS']
const DEGREE = Math.PI / 180

/** @throws Error when it is not supported; the message is a clause, such as 'its projection … is not supported' */
export function crsOfWkt(node: WktNode): WktCrs {
  if (COMPOUND.includes(node.keyword)) {
    const metres = heightUnit(node)
    return { ...crsOfWkt(horizontal(node)), ...(metres === undefined ? {} : { heightMetres: metres }) }
  }
  if (node.keyword === 'BOUNDCRS') return bound(node)
  const code = codeOf(node)
  const proj4 = childrenOf(node, 'EXTENSION').find((e) => e.values[0] === 'PROJ4')?.values[1]
  if (typeof proj4 === 'string') return { name: nameOf(node), definition: proj4, code }
  if (PROJECTED.includes(node.keyword)) {
    return { name: nameOf(node), definition: projected(node), code, ...datumOf(baseOf(node)) }
  }
  if (!GEOGRAPHIC.includes(node.keyword)) {
    throw new Error(`${node.keyword} is not a projected or geographic coordinate system`)
  }
  if (/^cartesian/i.test(String(childOf(node, 'CS')?.values[0]))) throw new Error('it is geocentric')
  const definition = `+proj=longlat ${figure(node, undefined)}${angular(node)}`
  const third = childrenOf(node, 'AXIS')[2]
  const height = third === undefined ? {} : { heightMetres: factorOf(third, 'LENGTHUNIT', 'UNIT') ?? 1 }
  return { name: nameOf(node), definition, code, ...datumOf(node), ...height }
}

/** Metres per unit of height of a compound CRS, also where the heights are bound to a geoid. */
function heightUnit(node: WktNode): number | undefined {
  for (const child of node.children) {
    const part = child.keyword === 'BOUNDCRS' ? childOf(child, 'SOURCECRS')?.children[0] : child
    if (part === undefined || !VERTICAL.includes(part.keyword)) continue
    const axis = childOf(part, 'AXIS')
    return factorOf(part, 'UNIT', 'LENGTHUNIT') ?? (axis && factorOf(axis, 'LENGTHUNIT', 'UNIT')) ?? 1
  }
  return undefined
}

const baseOf = (node: WktNode): WktNode | undefined =>
  childOf(node, 'GEOGCS', 'BASEGEOGCRS', 'BASEGEODCRS', 'GEOGCRS')

/** The datum, if its shift depends on the place and the text itself gives no shift. */
function datumOf(base: WktNode | undefined): { datum?: number } {
  const datum = base && childOf(base, 'DATUM', 'GEODETICDATUM', 'ENSEMBLE', 'TRF')
  if (base === undefined || datum === undefined || childOf(datum, 'TOWGS84') !== undefined) return {}
  const code = datumCode(base, datum)
  return code !== undefined && shiftIsLocal(sameDatum(code)) ? { datum: sameDatum(code) } : {}
}

function horizontal(node: WktNode): WktNode {
  const found = childOf(node, ...PROJECTED, ...GEOGRAPHIC, ...COMPOUND, 'BOUNDCRS')
  if (found === undefined) throw new Error('it has no horizontal part')
  return found
}

/** A BOUNDCRS: a system with its own shift to WGS 84. */
function bound(node: WktNode): WktCrs {
  const source = childOf(node, 'SOURCECRS')?.children[0]
  if (source === undefined) throw new Error('it has no source system')
  const inner = crsOfWkt(source)
  const shift = towgs84(childOf(node, 'ABRIDGEDTRANSFORMATION'))
  if (shift === undefined) return inner
  const definition = `${inner.definition.replace('+datum=WGS84', '+ellps=WGS84').replace(/ ?\+towgs84=\S+/, '')} +towgs84=${shift}`
  const heights = inner.heightMetres === undefined ? {} : { heightMetres: inner.heightMetres }
  return { name: inner.name, definition, code: undefined, ...heights }
}

/** EPSG codes of the Helmert parameters: three translations, three rotations, a scale. */
const HELMERT = [8605, 8606, 8607, 8608, 8609, 8610, 8611]

function towgs84(node: WktNode | undefined): string | undefined {
  if (node === undefined) return undefined
  const method = childOf(node, 'METHOD')
  const number = idOf(method)?.[1]
  // position vector or coordinate frame (opposite rotations), including their 3D and geocentric variants
  const turned = [9607, 1032, 1038].includes(number ?? 0)
  if (![9603, 9606, 9607, 1031, 1032, 1033, 1035, 1037, 1038].includes(number ?? 0)) return undefined
  const values = HELMERT.map((code) => {
    const p = childrenOf(node, 'PARAMETER').find((each) => idOf(each)?.[1] === code)
    const value = p === undefined ? 0 : (numberAt(p, 1) ?? Number.NaN)
    // converted to arc seconds and parts per million
    if (p !== undefined && code >= 8608 && code < 8611) {
      const radians = factorOf(p, 'ANGLEUNIT') ?? DEGREE / 3600
      return ((turned ? -value : value) * radians * 3600) / DEGREE
    }
    if (p !== undefined && code === 8611) {
      const unit = factorOf(p, 'SCALEUNIT')
      return unit === undefined ? value : unit === 1 ? (value - 1) * 1e6 : value * unit * 1e6
    }
    return value
  })
  return values.every(Number.isFinite) ? values.join(',') : undefined
}

const childrenOf = (node: WktNode, keyword: string): WktNode[] =>
  node.children.filter((child) => child.keyword === keyword)

/** Reads ID["EPSG",32617] or AUTHORITY["EPSG","32617"]. */
function idOf(node: WktNode | undefined): [authority: string, code: number] | undefined {
  const id = node && childOf(node, 'ID', 'AUTHORITY')
  if (id === undefined) return undefined
  const code = Number(id.values[1])
  return Number.isInteger(code) ? [String(id.values[0]).toUpperCase(), code] : undefined
}

function codeOf(node: WktNode | undefined): number | undefined {
  const id = idOf(node)
  return id !== undefined && (id[0] === 'EPSG' || id[0] === 'ESRI') ? id[1] : undefined
}

/** The conversion factor of a node's unit, to metres, radians or unity. */
function factorOf(node: WktNode, ...keywords: string[]): number | undefined {
  const unit = childOf(node, ...keywords)
  const factor = unit && numberAt(unit, 1)
  return factor !== undefined && factor > 0 ? factor : undefined
}

const angleUnit = (node: WktNode): number => {
  const own = factorOf(node, 'UNIT', 'ANGLEUNIT')
  if (own !== undefined) return own
  const axis = childOf(node, 'AXIS')
  return (axis && factorOf(axis, 'ANGLEUNIT', 'UNIT')) ?? DEGREE
}

/** ' +to_degree=…' unless the angles are degrees. */
function angular(node: WktNode): string {
  const unit = angleUnit(node) / DEGREE
  return Math.abs(unit - 1) < 1e-9 ? '' : ` +to_degree=${unit}`
}

function projected(node: WktNode): string {
  const base = baseOf(node)
  if (base === undefined) throw new Error('it has no geographic system')
  const conversion = childOf(node, 'CONVERSION') ?? node
  const methodNode = childOf(conversion, 'PROJECTION', 'METHOD')
  if (methodNode === undefined) throw new Error('it has no projection')
  const metres = linearUnit(node)
  const p = parametersOf(conversion, angleUnit(base), conversion === node ? metres : 1)
  const method = methodOf(node, methodNode, conversion === node, p)
  const body = method && projectionText(method, p)
  if (body === undefined) throw new Error(`its projection ${nameOf(methodNode)} is not supported`)
  const unit = metres === 1 ? '' : ` +to_meter=${metres}`
  return `${body} ${figure(base, p)}${unit}`
}

function linearUnit(node: WktNode): number {
  const own = factorOf(node, 'UNIT', 'LENGTHUNIT')
  if (own !== undefined) return own
  const axis = childOf(node, 'AXIS')
  return (axis && factorOf(axis, 'LENGTHUNIT', 'UNIT')) ?? 1
}

function methodOf(
  node: WktNode,
  methodNode: WktNode,
  isWkt1: boolean,
  p: ProjectionParameters,
): Method | undefined {
  const method = methodOfName(nameOf(methodNode))
  const axes = childrenOf(node, 'AXIS').map((axis) => String(axis.values[1]).toUpperCase())
  if (method === 'krovak-south' && isWkt1) {
    // WKT1 has one name for both; Esri rotates and mirrors the axes by parameters
    const esri = childrenOf(node, 'PARAMETER').find((each) => /^x_scale$/i.test(nameOf(each)))
    if (esri !== undefined) return numberAt(esri, 1) === -1 ? 'krovak' : 'krovak-south'
    return axes[0] === 'SOUTH' ? 'krovak-south' : 'krovak'
  }
  // WKT1 of some writers, and of GDAL before 1.10, has no separate method for web mercator
  if (method === 'merc-a' && /(pseudo|web|google|popular).*merc/i.test(nameOf(node))) return 'web-mercator'
  if (method === 'lcc-2' && p.lat1 === undefined) return 'lcc-1'
  if (method === 'polar-a' && p.lat1 !== undefined) return 'polar-b'
  const countsElsewhere = axes.includes('WEST') || (axes[0] === 'SOUTH' && axes[1] !== 'SOUTH')
  if (countsElsewhere && !/^(tmerc-south|krovak-south)$/.test(method ?? '')) {
    throw new Error('its axes count to the west or south')
  }
  return method
}

function parametersOf(node: WktNode, radians: number, metres: number): ProjectionParameters {
  const found: { -readonly [K in keyof ProjectionParameters]: number } = {}
  for (const each of childrenOf(node, 'PARAMETER')) {
    const value = numberAt(each, 1)
    const name = parameterOfName(nameOf(each))
    // an option of Esri's geostationary view: 0 is the sweep axis that GDAL writes
    if (name === 'ignored' || (/^option$/i.test(nameOf(each)) && value === 0)) continue
    if (name === undefined || value === undefined) {
      throw new Error(`its parameter ${nameOf(each)} is not supported`)
    }
    if (name === 'scale') found[name] = value * (factorOf(each, 'SCALEUNIT') ?? 1)
    else if (name === 'x0' || name === 'y0' || name === 'height') {
      found[name] = value * (factorOf(each, 'LENGTHUNIT', 'UNIT') ?? metres)
    } else {
      found[name] = (value * (factorOf(each, 'ANGLEUNIT', 'UNIT') ?? radians)) / DEGREE
    }
  }
  return found
}

/** The ellipsoid, datum shift and prime meridian as a PROJ string. */
function figure(base: WktNode, p: ProjectionParameters | undefined): string {
  const datum = childOf(base, 'DATUM', 'GEODETICDATUM', 'ENSEMBLE', 'TRF')
  const spheroid = datum && childOf(datum, 'SPHEROID', 'ELLIPSOID')
  const a = spheroid && numberAt(spheroid, 1)
  const inverse = spheroid && numberAt(spheroid, 2)
  if (datum === undefined || spheroid === undefined || a === undefined || inverse === undefined) {
    throw new Error('it has no ellipsoid')
  }
  const axis = a * (factorOf(spheroid, 'LENGTHUNIT', 'UNIT') ?? 1)
  const own = childOf(datum, 'TOWGS84')?.values.join(',')
  const meridian = meridianOf(base)
  return `${shiftedEllipsoid(axis, inverse, own, datumCode(base, datum), p)}${meridian === 0 ? '' : ` +pm=${meridian}`}`
}

/** A WKT1 prime meridian is in degrees, whatever the other units are, as GDAL and Esri write it. */
function meridianOf(base: WktNode): number {
  const node = childOf(base, 'PRIMEM')
  if (node === undefined) return 0
  const value = numberAt(node, 1) ?? 0
  return (value * (factorOf(node, 'ANGLEUNIT', 'UNIT') ?? DEGREE)) / DEGREE
}

/** Code of the geographic CRS with this datum, by code or by name. */
function datumCode(base: WktNode, datum: WktNode): number | undefined {
  const id = codeOf(base)
  return id ?? geographicOfName(nameOf(datum)) ?? geographicOfName(nameOf(base))
}

function shiftedEllipsoid(
  a: number,
  inverse: number,
  own: string | undefined,
  code: number | undefined,
  p: ProjectionParameters | undefined,
): string {
  const shape = inverse === 0 ? `+a=${a} +b=${a}` : `+a=${a} +rf=${inverse}`
  if (own !== undefined) return `${shape} +towgs84=${own}`
  if (code === undefined || inverse === 0 || !standsOn(code, a, inverse)) return shape
  if (code === 4326) return '+datum=WGS84'
  const shift = datumShift(sameDatum(code), p?.lon0 ?? 0, latitudeOf(p))
  return shift === undefined ? shape : `${shape} +towgs84=${shift}`
}

/** A latitude on the map, for which the datum shift is chosen; NaN: unknown. */
function latitudeOf(p: ProjectionParameters | undefined): number {
  if (p?.lat1 !== undefined) return (p.lat1 + (p.lat2 ?? p.lat1)) / 2
  // an origin on the equator, as cylindrical projections have it, does not say where the map lies
  return p?.lat0 === undefined || p.lat0 === 0 ? Number.NaN : p.lat0
}
