// Coordinate reference systems by EPSG (and ESRI) code, as PROJ strings for proj4.
// Source of the definitions: the epsg-index package, whose strings PROJ exported. Two things in them are not
// taken over: grids, which proj4 does not have, and datum shifts, some of which have rotations in the wrong
// unit or sense (28992 is 170 m off). Both are replaced by datum-shifts.ts: what PROJ uses without grids.
import { createRequire } from 'node:module'
import type { Crs } from './crs.js'
import { geographicOfName, sameDatum } from './datum-names.js'
import { datumShift, shiftsDiffer } from './datum-shifts.js'
import { readProj } from './proj-text.js'

const require = createRequire(import.meta.url)

interface IndexEntry {
  readonly kind: string
  readonly name: string
  readonly unit: string | null
  readonly wkt: string | null
  readonly proj4: string | null
  /** North, west, south, east. */
  readonly bbox: readonly [number, number, number, number] | null
}

/** Codes of web mercator before 3857, and ESRI's own. */
const WEB_MERCATOR_CODES: readonly number[] = [3857, 3785, 900913, 102100, 102113]

export const WGS84: Crs = { epsg: 4326, name: 'EPSG:4326', definition: 'EPSG:4326' }
export const WEB_MERCATOR: Crs = { epsg: 3857, name: 'EPSG:3857', definition: 'EPSG:3857' }

const cache = new Map<number, Crs | undefined>()

/**
 * The CRS of a code, with coordinates in the order images have them (easting or longitude first, in its own
 * unit), or undefined when the code is unknown or proj4 cannot do it (vertical, geocentric, grads, rare
 * projections). Accuracy: exact where the datum is WGS 84 or equal to it within a metre; else that of the
 * published parameters, 1–5 m in most national systems, 5–20 m for NAD27, ED50, Pulkovo and the like.
 */
export function crsFromEpsg(code: number): Crs | undefined {
  if (code === 4326) return WGS84
  if (WEB_MERCATOR_CODES.includes(code)) return WEB_MERCATOR
  if (!cache.has(code)) cache.set(code, lookUp(code))
  return cache.get(code)
}

function lookUp(code: number): Crs | undefined {
  if (!Number.isInteger(code) || code < 1) return undefined
  let entry: IndexEntry
  try {
    entry = require(`epsg-index/s/${code}.json`) as IndexEntry
  } catch {
    return undefined
  }
  const definition = definitionOf(entry, code)
  if (definition === undefined || !isKnown(definition)) return undefined
  // ESRI's codes lie in ranges EPSG does not use.
  const isEsri = code >= 100000 || (code >= 53000 && code < 55000) || (code >= 37000 && code < 38000)
  const name = `${isEsri ? 'ESRI' : 'EPSG'}:${code}`
  const datum = geographicCode(entry, code)
  const differs = definition.includes('+towgs84=') && shiftsDiffer(datum)
  return { epsg: isEsri ? undefined : code, name, definition, ...(differs ? { datum } : {}) }
}

const isKnown = (definition: string): boolean => {
  try {
    readProj(definition)
    return true
  } catch {
    return false
  }
}

/** What PROJ's strings of these leave out: axes that count south and west, angles in grads. */
const LEFT_OUT: Readonly<Record<number, string>> = {
  7400: ' +to_degree=0.9',
  8044: ' +axis=swu',
  8045: ' +axis=swu',
  37225: ' +to_degree=0.9',
  104139: ' +to_degree=0.9',
  104140: ' +to_degree=0.9',
}

function definitionOf(entry: IndexEntry, code: number): string | undefined {
  if (entry.proj4 === null || entry.proj4 === undefined) return undefined
  const text = entry.proj4 + (LEFT_OUT[code] ?? '')
  if (/\+proj=(geocent|col_urban)/.test(text)) return undefined
  const degrees = angularUnit(entry)
  if (degrees === undefined) return undefined
  return withShift(degrees === 1 ? text : `${text} +to_degree=${degrees}`, entry, code)
}

/** Degrees a unit of a geographic system; undefined when it is none we know. */
function angularUnit(entry: IndexEntry): number | undefined {
  if (!/longlat/.test(entry.proj4 ?? '') || entry.unit === null || /^degree/.test(entry.unit)) return 1
  return entry.unit === 'grad' ? 0.9 : undefined
}

const ELLIPSOIDS: Readonly<Record<string, string>> = { NAD27: 'clrk66', NAD83: 'GRS80' }

function withShift(text: string, entry: IndexEntry, code: number): string {
  let definition = text.replace(/ ?\+type=crs| ?\+no_defs/g, '')
  if (/\+datum=WGS84/.test(definition) || /\+nadgrids=@null/.test(definition)) return definition
  const [north, west, south, east] = entry.bbox ?? [0, 0, 0, 0]
  const lon = east < west ? (west + east + 360) / 2 : (west + east) / 2
  const shift = datumShift(geographicCode(entry, code), lon > 180 ? lon - 360 : lon, (north + south) / 2)
  definition = definition.replace(/\+datum=(\S+)/, (all, name) => {
    const ellipsoid = ELLIPSOIDS[name as string]
    return ellipsoid === undefined ? all : `+ellps=${ellipsoid}`
  })
  definition = definition.replace(/ ?\+nadgrids=("[^"]*"|\S+)/, '')
  if (shift === undefined) return definition
  return `${definition.replace(/ ?\+towgs84=\S+/, '')} +towgs84=${shift}`
}

/** The geographic CRS whose shift to WGS 84 a CRS shares: the one it stands on, or is. */
function geographicCode(entry: IndexEntry, code: number): number {
  const base = /AUTHORITY\["EPSG","(\d+)"\]\],PROJECTION/.exec(entry.wkt ?? '')
  if (base !== null) return sameDatum(Number(base[1]))
  const own = sameDatum(code)
  if (own !== code || (/longlat/.test(entry.proj4 ?? '') && !entry.name.includes(' + '))) return own
  // 'NTF (Paris) / Lambert zone I', 'Tokyo + JSLD69 height'
  return geographicOfName(entry.name.split(/ [/+] /)[0]!) ?? code
}
