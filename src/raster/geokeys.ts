// GeoTIFF keys → CRS. Source: OGC 19-008 (GeoTIFF 1.1), with the projection parameters as libgeotiff reads them
// (writers disagree about which of several keys holds the origin, so all spellings are accepted).

import type { Crs } from '../grid/crs.js'
import { crsFromEpsg } from '../grid/epsg.js'

/** Values by key: numbers as they are, double and text parameters resolved. */
export type GeoKeys = ReadonlyMap<number, number | string>

export const GeoKey = {
  ModelType: 1024,
  RasterType: 1025,
  Citation: 1026,
  GeographicType: 2048,
  GeogCitation: 2049,
  GeodeticDatum: 2050,
  PrimeMeridian: 2051,
  AngularUnits: 2054,
  AngularUnitSize: 2055,
  Ellipsoid: 2056,
  SemiMajorAxis: 2057,
  SemiMinorAxis: 2058,
  InverseFlattening: 2059,
  PrimeMeridianLongitude: 2061,
  ProjectedType: 3072,
  ProjectedCitation: 3073,
  Projection: 3074,
  Method: 3075,
  LinearUnits: 3076,
  LinearUnitSize: 3077,
} as const

const USER_DEFINED = 32767
export const PIXEL_IS_POINT = 2

/** Unpacks the directory. Keys whose parameters are missing are left out. */
export function readGeoKeys(
  directory: Float64Array,
  doubles: Float64Array | undefined,
  ascii: string | undefined,
): GeoKeys {
  const keys = new Map<number, number | string>()
  const count = Math.min(directory[3] ?? 0, Math.floor((directory.length - 4) / 4))
  for (let i = 0; i < count; i++) {
    const at = 4 + 4 * i
    const key = directory[at]!
    const location = directory[at + 1]!
    const length = directory[at + 2]!
    const offset = directory[at + 3]!
    if (location === 0) keys.set(key, offset)
    else if (location === 34736 && doubles?.[offset] !== undefined) keys.set(key, doubles[offset])
    // Texts end with a '|' of their own.
    else if (location === 34737 && ascii !== undefined) {
      keys.set(
        key,
        ascii
          .slice(offset, offset + length)
          .replace(/[|\0]+$/, '')
          .trim(),
      )
    }
  }
  return keys
}

/** What came of the keys: a CRS, nothing said, or a reason why not (for a message). */
export type GeoKeyCrs = { readonly crs: Crs } | { readonly problem: string } | undefined

/** The CRS that the keys describe. */
export function crsFromGeoKeys(keys: GeoKeys): GeoKeyCrs {
  const model = number(keys, GeoKey.ModelType)
  const projected = number(keys, GeoKey.ProjectedType)
  const isProjected = model === 1 || (model === undefined && projected !== undefined)
  if (isProjected) return projectedCrs(keys, projected)
  if (model === 3) return { problem: 'its CRS is geocentric' }
  const geographic = number(keys, GeoKey.GeographicType)
  if (model === 2 || geographic !== undefined) return geographicCrs(keys, geographic)
  return undefined
}

const number = (keys: GeoKeys, key: number): number | undefined => {
  const value = keys.get(key)
  return typeof value === 'number' && Number.isFinite(value) && value !== 0 ? value : undefined
}

/** Zero is a value here: the first of several keys that is present. */
function parameter(keys: GeoKeys, ...candidates: number[]): number | undefined {
  for (const key of candidates) {
    const value = keys.get(key)
    if (typeof value === 'number' && Number.isFinite(value)) return value
  }
  return undefined
}

function citation(keys: GeoKeys, ...candidates: number[]): string | undefined {
  for (const key of candidates) {
    const value = keys.get(key)
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}

function geographicCrs(keys: GeoKeys, code: number | undefined): GeoKeyCrs {
  if (code !== undefined && code !== USER_DEFINED) {
    const crs = crsFromEpsg(code)
    return crs === undefined ? { problem: `its CRS, EPSG:${code}, is not one we can transform` } : { crs }
  }
  if (angularUnit(keys) !== 1) return { problem: 'its CRS counts angles in other units than degrees' }
  const datum = datumOf(keys)
  if (datum === undefined) return { problem: 'its CRS has no datum we know' }
  const name = citation(keys, GeoKey.GeogCitation, GeoKey.Citation) ?? 'user-defined geographic CRS'
  return { crs: { epsg: undefined, name, definition: `+proj=longlat ${datum} +no_defs` } }
}

function projectedCrs(keys: GeoKeys, code: number | undefined): GeoKeyCrs {
  const known = code !== undefined && code !== USER_DEFINED ? crsFromEpsg(code) : undefined
  if (known !== undefined) return { crs: withUnits(known, keys) }
  const projection = projectionOf(keys)
  const datum = datumOf(keys)
  if (projection !== undefined && datum !== undefined) {
    const name = citation(keys, GeoKey.ProjectedCitation, GeoKey.Citation) ?? 'user-defined projected CRS'
    return { crs: { epsg: undefined, name, definition: `${projection} ${datum} ${units(keys)} +no_defs` } }
  }
  if (code !== undefined && code !== USER_DEFINED) {
    return { problem: `its CRS, EPSG:${code}, is not one we can transform` }
  }
  const method = number(keys, GeoKey.Method) ?? number(keys, GeoKey.Projection)
  return {
    problem: `its CRS is user-defined by parameters we do not understand (method ${method ?? 'missing'})`,
  }
}

/** Metres a unit. EPSG codes of linear units. */
const LINEAR_UNITS: Readonly<Record<number, number>> = {
  9001: 1,
  9002: 0.3048,
  9003: 1200 / 3937,
  9005: 0.3047972654,
  9014: 1.8288,
  9030: 1852,
  9031: 1.0000135965,
  9036: 1000,
  9037: 0.9143917962,
  9040: 0.914398414616029,
  9042: 20.1167651215526,
  9060: 0.91439853,
  9062: 20.1167824943759,
  9070: 0.3048007491,
  9084: 0.91439523,
  9093: 1609.344,
  9094: 0.304799710181509,
  9095: 0.3048007491,
  9096: 0.9144,
  9097: 20.1168,
  9098: 0.201168,
}

function linearUnit(keys: GeoKeys): number {
  const code = number(keys, GeoKey.LinearUnits)
  if (code === USER_DEFINED) return number(keys, GeoKey.LinearUnitSize) ?? 1
  return LINEAR_UNITS[code ?? 9001] ?? 1
}

function units(keys: GeoKeys): string {
  const metres = linearUnit(keys)
  return metres === 1 ? '+units=m' : `+to_meter=${metres}`
}

/** Some files say "this code, but in feet": the unit key wins, as in GDAL. False origins stay in metres. */
function withUnits(crs: Crs, keys: GeoKeys): Crs {
  if (number(keys, GeoKey.LinearUnits) === undefined || !crs.definition.startsWith('+')) return crs
  const metres = linearUnit(keys)
  const own = unitOf(crs.definition)
  if (own === undefined || Math.abs(metres / own - 1) < 1e-7) return crs
  const definition = crs.definition.replace(/\+(units|to_meter)=\S+/, `+to_meter=${metres}`)
  return { epsg: undefined, name: `${crs.name} in units of ${metres} m`, definition }
}

const NAMED_UNITS: Readonly<Record<string, number>> = {
  m: 1,
  km: 1000,
  ft: 0.3048,
  'us-ft': 1200 / 3937,
  ch: 20.1168,
  link: 0.201168,
  'ind-yd': 0.91439523,
}

function unitOf(definition: string): number | undefined {
  const size = /\+to_meter=(\S+)/.exec(definition)
  if (size !== null) return Number(size[1])
  return NAMED_UNITS[/\+units=(\S+)/.exec(definition)?.[1] ?? '']
}

/** Degrees a unit. */
function angularUnit(keys: GeoKeys): number {
  switch (number(keys, GeoKey.AngularUnits)) {
    case 9101:
      return 180 / Math.PI
    case 9103:
      return 1 / 60
    case 9104:
      return 1 / 3600
    case 9105:
    case 9106:
      return 0.9
    case USER_DEFINED:
      return ((number(keys, GeoKey.AngularUnitSize) ?? Math.PI / 180) * 180) / Math.PI
    default:
      return 1
  }
}

/** Ellipsoid parameters by EPSG code where keys give no axes: semi-major axis and inverse flattening. */
const ELLIPSOIDS: Readonly<Record<number, readonly [number, number]>> = {
  7001: [6377563.396, 299.3249646],
  7002: [6377340.189, 299.3249646],
  7003: [6378160, 298.25],
  7004: [6377397.155, 299.1528128],
  7008: [6378206.4, 294.978698213898],
  7011: [6378249.2, 293.466021293627],
  7012: [6378249.145, 293.465],
  7015: [6377276.345, 300.8017],
  7018: [6377304.063, 300.8017],
  7019: [6378137, 298.257222101],
  7022: [6378388, 297],
  7024: [6378245, 298.3],
  7030: [6378137, 298.257223563],
  7034: [6378249.145, 293.465],
  7035: [6371000, 0],
  7036: [6378160, 298.247167427],
  7043: [6378135, 298.26],
  7048: [6371007, 0],
  7049: [6378140, 298.257],
  7050: [6378160, 298.25],
}

/** '+ellps…' or '+a… +rf…', the shift to WGS 84 where known, and the prime meridian. */
function datumOf(keys: GeoKeys): string | undefined {
  const geographic = number(keys, GeoKey.GeographicType)
  const known = geographic !== undefined && geographic !== USER_DEFINED ? datumOfCode(geographic) : undefined
  if (known !== undefined) return known
  // Datum codes of the classic systems are those of their geographic CRSs plus 2000.
  const datum = number(keys, GeoKey.GeodeticDatum)
  const fromDatum =
    datum !== undefined && datum > 6000 && datum < 7000 ? datumOfCode(datum - 2000) : undefined
  if (fromDatum !== undefined) return fromDatum
  const ellipsoid = ellipsoidOf(keys)
  if (ellipsoid === undefined) return undefined
  const meridian = parameter(keys, GeoKey.PrimeMeridianLongitude)
  return meridian === undefined || meridian === 0
    ? ellipsoid
    : `${ellipsoid} +pm=${meridian * angularUnit(keys)}`
}

function datumOfCode(code: number): string | undefined {
  if (code === 4326) return '+datum=WGS84'
  const definition = crsFromEpsg(code)?.definition
  if (definition === undefined || !definition.includes('+proj=longlat')) return undefined
  return definition.replace(/\+proj=longlat|\+no_defs/g, '').trim()
}

function ellipsoidOf(keys: GeoKeys): string | undefined {
  const a = number(keys, GeoKey.SemiMajorAxis)
  const b = number(keys, GeoKey.SemiMinorAxis)
  const inverse = number(keys, GeoKey.InverseFlattening)
  if (a !== undefined && inverse !== undefined) return `+a=${a} +rf=${inverse}`
  if (a !== undefined) return `+a=${a} +b=${b ?? a}`
  const known = ELLIPSOIDS[number(keys, GeoKey.Ellipsoid) ?? 0]
  if (known === undefined) return undefined
  return known[1] === 0 ? `+a=${known[0]} +b=${known[0]}` : `+a=${known[0]} +rf=${known[1]}`
}

interface Parameters {
  /** Degrees. */
  readonly lat0: number
  readonly lon0: number
  readonly lat1: number | undefined
  readonly lat2: number | undefined
  readonly scale: number
  readonly azimuth: number
  readonly gamma: number | undefined
  /** Metres. */
  readonly x0: number
  readonly y0: number
}

function parametersOf(keys: GeoKeys): Parameters {
  const degrees = angularUnit(keys)
  const metres = linearUnit(keys)
  const angle = (...candidates: number[]): number | undefined => {
    const value = parameter(keys, ...candidates)
    return value === undefined ? undefined : value * degrees
  }
  return {
    // Natural origin, false origin, centre.
    lat0: angle(3081, 3085, 3089) ?? 0,
    lon0: angle(3080, 3084, 3088, 3095) ?? 0,
    lat1: angle(3078),
    lat2: angle(3079),
    scale: parameter(keys, 3092, 3093) ?? 1,
    azimuth: angle(3094) ?? 0,
    gamma: angle(3096),
    x0: (parameter(keys, 3082, 3086, 3090) ?? 0) * metres,
    y0: (parameter(keys, 3083, 3087, 3091) ?? 0) * metres,
  }
}

/** '+proj=… …' without datum and units; undefined for what we do not know. */
function projectionOf(keys: GeoKeys): string | undefined {
  const code = number(keys, GeoKey.Projection)
  // Projection codes 16001…16060 and 16101…16160 are the UTM zones.
  if (code !== undefined && code > 16000 && code <= 16160 && code % 100 >= 1 && code % 100 <= 60) {
    return `+proj=utm +zone=${code % 100}${code > 16100 ? ' +south' : ''}`
  }
  const p = parametersOf(keys)
  const origin = `+x_0=${p.x0} +y_0=${p.y0}`
  const centre = `+lat_0=${p.lat0} +lon_0=${p.lon0}`
  const pole = p.lat0 < 0 ? -90 : 90
  switch (number(keys, GeoKey.Method)) {
    case 1: // Transverse Mercator
      return `+proj=tmerc ${centre} +k=${p.scale} ${origin}`
    case 27: // the same, counting west and south: the formula negated
      return `+proj=tmerc ${centre} +k=${-p.scale} +x_0=${-p.x0} +y_0=${-p.y0}`
    case 3: // Hotine, variant A: false origin at the natural origin of the oblique axis
    case 9815: // variant B: at the centre
      return oblique(keys, p, origin)
    case 7: // Mercator
      return p.lat1 !== undefined && parameter(keys, 3092) === undefined
        ? `+proj=merc +lon_0=${p.lon0} +lat_ts=${p.lat1} ${origin}`
        : `+proj=merc +lon_0=${p.lon0} +k=${p.scale} ${origin}`
    case 8: // Lambert conformal conic, two standard parallels
      if (p.lat1 === undefined) return undefined
      return `+proj=lcc ${centre} +lat_1=${p.lat1} +lat_2=${p.lat2 ?? p.lat1} ${origin}`
    case 9: // one
      return `+proj=lcc ${centre} +lat_1=${p.lat0} +k_0=${p.scale} ${origin}`
    case 10:
      return `+proj=laea ${centre} ${origin}`
    case 11:
      if (p.lat1 === undefined) return undefined
      return `+proj=aea ${centre} +lat_1=${p.lat1} +lat_2=${p.lat2 ?? p.lat1} ${origin}`
    case 12:
      return `+proj=aeqd ${centre} ${origin}`
    case 13:
      if (p.lat1 === undefined) return undefined
      return `+proj=eqdc ${centre} +lat_1=${p.lat1} +lat_2=${p.lat2 ?? p.lat1} ${origin}`
    case 14:
      return `+proj=stere ${centre} +k=${p.scale} ${origin}`
    case 15: {
      // polar stereographic: origin at the pole with a scale, or at the parallel of true scale
      const lon = (parameter(keys, 3095, 3080, 3084, 3088) ?? 0) * angularUnit(keys)
      const isPole = Math.abs(Math.abs(p.lat0) - 90) < 1e-9
      const scale = isPole ? `+k=${p.scale}` : `+lat_ts=${p.lat0}`
      return `+proj=stere +lat_0=${pole} ${scale} +lon_0=${lon} ${origin}`
    }
    case 16:
      return `+proj=sterea ${centre} +k=${p.scale} ${origin}`
    case 17:
      return `+proj=eqc +lat_ts=${p.lat1 ?? p.lat0} +lat_0=${p.lat1 === undefined ? 0 : p.lat0} +lon_0=${p.lon0} ${origin}`
    case 18:
      return `+proj=cass ${centre} ${origin}`
    case 19:
      return `+proj=gnom ${centre} ${origin}`
    case 20:
      return `+proj=mill +lon_0=${p.lon0} ${origin}`
    case 21:
      return `+proj=ortho ${centre} ${origin}`
    case 22:
      return `+proj=poly ${centre} ${origin}`
    case 23:
      return `+proj=robin +lon_0=${p.lon0} ${origin}`
    case 24:
      return `+proj=sinu +lon_0=${p.lon0} ${origin}`
    case 25:
      return `+proj=vandg +lon_0=${p.lon0} ${origin}`
    case 26:
      return `+proj=nzmg ${centre} ${origin}`
    case 28:
      return `+proj=cea +lat_ts=${p.lat1 ?? 0} +lon_0=${p.lon0} ${origin}`
    default:
      return undefined
  }
}

function oblique(keys: GeoKeys, p: Parameters, origin: string): string {
  const isCentre = number(keys, GeoKey.Method) === 9815
  const gamma = p.gamma ?? p.azimuth
  // Azimuth 90 at the centre is the Swiss grid's double projection.
  if (isCentre && Math.abs(p.azimuth - 90) < 1e-9 && Math.abs(gamma - 90) < 1e-9) {
    return `+proj=somerc +lat_0=${p.lat0} +lon_0=${p.lon0} +k_0=${p.scale} ${origin}`
  }
  const place = `+lat_0=${p.lat0} +lonc=${p.lon0} +alpha=${p.azimuth} +gamma=${gamma} +k=${p.scale}`
  return `+proj=omerc ${place}${isCentre ? '' : ' +no_uoff'} ${origin}`
}
