// Reads coordinate reference systems in the forms that people and files use: codes, URNs, PROJ strings, WKT, PROJJSON.
import { FlagstoneError } from '../../errors.js'
import type { Crs } from './crs.js'
import { crsFromEpsg, verticalMetres, WGS84 } from './epsg.js'
import { readProj } from './proj-text.js'
import { wktOfProjJson } from './projjson.js'
import { lonLatConverterOf } from './transform.js'
import { parseWkt, type WktNode } from './wkt.js'
import { crsOfWkt, type WktCrs } from './wkt-crs.js'

/**
 * Reads 'EPSG:25832', '25832', 'ESRI:54009', 'OGC:CRS84', 'urn:ogc:def:crs:EPSG::3857',
 * 'http://www.opengis.net/def/crs/EPSG/0/3857', 'EPSG:25832+5783', a PROJ string, WKT1 (GDAL's or Esri's), WKT2, or
 * PROJJSON. Coordinates have easting or longitude first, as in images, whatever order the text declares.
 * @throws CRS_UNSUPPORTED when the text is none of these, or the CRS is not supported
 */
export function crsFromText(text: string): Crs {
  const trimmed = text.replace(/^\uFEFF/, '').trim()
  if (LONLAT.test(trimmed)) return WGS84
  const code = codeOf(trimmed)
  if (code !== undefined) {
    const crs = crsFromEpsg(code)
    if (crs !== undefined) return withHeights(crs, /\+(\d+)/.exec(trimmed.slice(4))?.[1])
    throw unsupported(trimmed, 'is not supported; pass its PROJ string or WKT instead')
  }
  if (/^\+?(proj|init)=|^\+\w/.test(trimmed))
    return checked({ epsg: undefined, name: trimmed, definition: trimmed })
  const node = trimmed.startsWith('{') ? wktOfProjJson(trimmed) : parseWkt(trimmed)
  if (node === undefined) {
    throw unsupported(trimmed, 'cannot be read; pass an EPSG code such as EPSG:25832, a PROJ string, or WKT')
  }
  return crsOfNode(node, trimmed)
}

/** Adds the vertical system of 'EPSG:25832+6360'. */
function withHeights(crs: Crs, vertical: string | undefined): Crs {
  const metres = vertical === undefined ? undefined : verticalMetres(Number(vertical))
  return metres === undefined ? crs : { ...crs, heightMetres: metres }
}

const LONLAT =
  /^(WGS84|CRS:?84|OGC:(CRS)?84|OGC:CRS84|urn:ogc:def:crs:OGC:[\d.]*:CRS84|https?:\/\/www\.opengis\.net\/def\/crs\/OGC\/[\d.]+\/CRS84)$/i

/** The code in any of its spellings. */
function codeOf(text: string): number | undefined {
  const found =
    /^(?:(?:EPSG|ESRI)::?|\+?init=epsg:|urn:(?:ogc|x-ogc):def:crs:(?:EPSG|ESRI):[\d.]*:|https?:\/\/(?:www\.)?opengis\.net\/def\/crs\/(?:EPSG|ESRI)\/[\d.]+\/|https?:\/\/(?:www\.)?opengis\.net\/gml\/srs\/epsg\.xml#)?(\d{4,6})(?:\+\d{4,5})?(?: \+no_defs)?$/i.exec(
      text,
    )
  return found === null ? undefined : Number(found[1])
}

const isShort = (text: string): string => (text.length > 160 ? `${text.slice(0, 160)}…` : text)

function unsupported(text: string, what: string, cause?: unknown): FlagstoneError {
  return new FlagstoneError('CRS_UNSUPPORTED', `The coordinate system ${isShort(text)} ${what}.`, { cause })
}

/** @throws CRS_UNSUPPORTED when the CRS is not supported */
function checked(crs: Crs): Crs {
  lonLatConverterOf(crs)
  return crs
}

function crsOfNode(node: WktNode, text: string): Crs {
  let said: WktCrs
  try {
    said = crsOfWkt(node)
    readProj(said.definition)
  } catch (cause) {
    // the definition under its own code may be one that we support
    const known = codeOfNode(node)
    if (known !== undefined) return known
    const why = cause instanceof Error ? cause.message : String(cause)
    throw unsupported(
      text,
      `is not supported: ${why}; pass an EPSG code or PROJ string, or reproject the image first`,
      cause,
    )
  }
  const located = said.datum !== undefined && said.definition.includes('+towgs84=')
  const own = checked({
    epsg: undefined,
    name: said.name,
    definition: said.definition,
    ...(located ? { datum: said.datum! } : {}),
    ...(said.heightMetres === undefined ? {} : { heightMetres: said.heightMetres }),
  })
  const coded = said.code === undefined ? undefined : crsFromEpsg(said.code)
  // the code has an area of use, which gives a better datum shift; it counts only if it means the same map
  if (coded === undefined || !agree(own, coded)) return own
  return said.heightMetres === undefined ? coded : { ...coded, heightMetres: said.heightMetres }
}

function codeOfNode(node: WktNode): Crs | undefined {
  const id = node.children.find((child) => child.keyword === 'ID' || child.keyword === 'AUTHORITY')
  const code = id === undefined ? Number.NaN : Number(id.values[1])
  return Number.isInteger(code) ? crsFromEpsg(code) : undefined
}

/** Whether two systems give the same coordinates to about a metre, apart from datum shifts. */
function agree(a: Crs, b: Crs): boolean {
  const bare = (crs: Crs): Crs => ({
    epsg: undefined,
    name: crs.name,
    definition: crs.definition.replace(/ ?\+towgs84=\S+/, '').replace('+datum=WGS84', '+ellps=WGS84'),
  })
  const one = lonLatConverterOf(bare(a))
  const two = lonLatConverterOf(bare(b))
  if (one.kind !== two.kind && [one.kind, two.kind].includes('mercator')) return false
  const p = new Float64Array(2)
  const q = new Float64Array(2)
  let compared = 0
  for (const [lon, lat] of PLACES) {
    one.fromLonLat(lon, lat, p)
    two.fromLonLat(lon, lat, q)
    if (Number.isNaN(p[0]!) && Number.isNaN(q[0]!)) continue
    compared++
    const size = Math.max(1, Math.abs(p[0]!), Math.abs(p[1]!))
    if (!(Math.abs(p[0]! - q[0]!) + Math.abs(p[1]! - q[1]!) <= 2e-6 * size)) return false
  }
  return compared > 0
}

/** Test points around the world: projections that agree at these are the same. */
const PLACES: readonly (readonly [number, number])[] = [
  [10, 50],
  [-95, 35],
  [140, -25],
  [-60, -15],
  [100, 15],
  [30, 5],
  [0.5, -70],
  [-40, 75],
]
