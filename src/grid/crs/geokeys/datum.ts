// The ellipsoid, datum and prime meridian of GeoTIFF keys, as the tail of a PROJ string.
import { geographicOfName, sameDatum } from '../datum-names.js'
import { datumShift } from '../datum-shifts.js'
import { crsFromEpsg } from '../epsg.js'
import { MERIDIANS } from '../geodesy.js'
import { GeoKey, type GeoKeys, numberKey, parameterKey, textKey, USER_DEFINED } from './geokeys.js'
import { angularUnit } from './units.js'

/** Somewhere on the map: the shift is chosen for it. */
export interface Place {
  readonly lon: number
  /** NaN: not known. */
  readonly lat: number
}

/** Ellipsoid parameters by EPSG code where keys give no axes: semi-major axis and inverse flattening. */
const ELLIPSOIDS: Readonly<Record<number, readonly [number, number]>> = {
  7001: [6377563.396, 299.3249646],
  7002: [6377340.189, 299.3249646],
  7003: [6378160, 298.25],
  7004: [6377397.155, 299.1528128],
  7005: [6377492.018, 299.1528128],
  7006: [6377483.865280419, 299.1528128],
  7007: [6378293.645208759, 294.2606763692606],
  7008: [6378206.4, 294.978698213898],
  7010: [6378300.789, 293.4663155389811],
  7011: [6378249.2, 293.466021293627],
  7012: [6378249.145, 293.465],
  7013: [6378249.145, 293.4663076],
  7014: [6378249.2, 293.46598],
  7015: [6377276.345, 300.8017],
  7016: [6377298.556, 300.8017],
  7018: [6377304.063, 300.8017],
  7019: [6378137, 298.257222101],
  7020: [6378200, 298.3],
  7021: [6378160, 298.247],
  7022: [6378388, 297],
  7024: [6378245, 298.3],
  7025: [6378145, 298.25],
  7027: [6376523, 308.64],
  7028: [6378298.3, 294.73],
  7029: [6378300, 296],
  7030: [6378137, 298.257223563],
  7034: [6378249.145, 293.465],
  7035: [6371000, 0],
  7036: [6378160, 298.247167427],
  7041: [6378135, 298.257],
  7042: [6377276.345, 300.8017],
  7043: [6378135, 298.26],
  7044: [6377301.243, 300.8017255],
  7045: [6377299.151, 300.8017255],
  7046: [6377397.155, 299.1528128],
  7047: [6370997, 0],
  7048: [6371007, 0],
  7049: [6378140, 298.257],
  7050: [6378160, 298.25],
  7051: [6377019.27, 300],
  7052: [6370997, 0],
  7053: [6378270, 297],
  7054: [6378136, 298.257839303],
  7056: [6377295.664, 300.8017],
  7057: [6371228, 0],
}

/** EPSG codes of prime meridians. */
const MERIDIAN_CODES: Readonly<Record<number, string>> = {
  8901: 'greenwich',
  8902: 'lisbon',
  8903: 'paris',
  8904: 'bogota',
  8905: 'madrid',
  8906: 'rome',
  8907: 'bern',
  8908: 'jakarta',
  8909: 'ferro',
  8910: 'brussels',
  8911: 'stockholm',
  8912: 'athens',
  8913: 'oslo',
}

/** '+ellps…' or '+a… +rf…', the shift to WGS 84 where known, and the prime meridian. */
export function datumOf(keys: GeoKeys, place: Place | undefined): string | undefined {
  const geographic = numberKey(keys, GeoKey.GeographicType)
  if (geographic !== undefined && geographic !== USER_DEFINED) {
    const known = datumOfCode(geographic, place)
    if (known !== undefined) return known
  }
  // Datum codes of the classic systems are those of their geographic CRSs plus 2000.
  const datum = numberKey(keys, GeoKey.GeodeticDatum)
  const meridian = meridianOf(keys)
  const ellipsoid = ellipsoidOf(keys)
  const ownShift = textKey(keys, GeoKey.ToWgs84)
  if (ellipsoid !== undefined && ownShift !== undefined) return `${ellipsoid} +towgs84=${ownShift}${meridian}`
  if (datum !== undefined && datum > 6000 && datum < 7000) {
    const known = datumOfCode(datum - 2000, place)
    if (known !== undefined) return known.includes('+pm=') ? known : known + meridian
  }
  if (ellipsoid === undefined) return undefined
  return ellipsoid + shiftOf(keys, ellipsoid, place) + meridian
}

function meridianOf(keys: GeoKeys): string {
  const longitude = parameterKey(keys, GeoKey.PrimeMeridianLongitude)
  const named = MERIDIANS[MERIDIAN_CODES[numberKey(keys, GeoKey.PrimeMeridian) ?? 8901] ?? '']
  const degrees = longitude === undefined ? (named ?? 0) : longitude * angularUnit(keys)
  return degrees === 0 ? '' : ` +pm=${degrees}`
}

function datumOfCode(code: number, place: Place | undefined): string | undefined {
  if (code === 4326) return '+datum=WGS84'
  const definition = crsFromEpsg(code)?.definition
  if (definition === undefined || !definition.includes('+proj=longlat')) return undefined
  const text = definition.replace(/ ?\+proj=longlat| ?\+no_defs| ?\+to_degree=\S+/g, '').trim()
  const shift = place && datumShift(sameDatum(code), place.lon, place.lat)
  return shift === undefined ? text : text.replace(/\+towgs84=\S+/, `+towgs84=${shift}`)
}

function ellipsoidOf(keys: GeoKeys): string | undefined {
  const a = numberKey(keys, GeoKey.SemiMajorAxis)
  const b = numberKey(keys, GeoKey.SemiMinorAxis)
  const inverse = numberKey(keys, GeoKey.InverseFlattening)
  if (a !== undefined && inverse !== undefined) return `+a=${a} +rf=${inverse}`
  if (a !== undefined) return `+a=${a} +b=${b ?? a}`
  const known = ELLIPSOIDS[numberKey(keys, GeoKey.Ellipsoid) ?? 0]
  if (known === undefined) return undefined
  return known[1] === 0 ? `+a=${known[0]} +b=${known[0]}` : `+a=${known[0]} +rf=${known[1]}`
}

/** Of a datum that is only named, when its ellipsoid is the one that is given. */
function shiftOf(keys: GeoKeys, ellipsoid: string, place: Place | undefined): string {
  const name = textKey(keys, GeoKey.GeogCitation)
    ?.split('|')[0]
    ?.replace(/^.*=\s*/, '')
  const code = name === undefined ? undefined : geographicOfName(name)
  const [, a, rf] = /^\+a=(\S+) \+rf=(\S+)/.exec(ellipsoid) ?? []
  if (code === undefined || a === undefined) return ''
  const known = crsFromEpsg(code)?.definition ?? ''
  const shift = datumShift(sameDatum(code), place?.lon ?? 0, place?.lat ?? Number.NaN)
  if (shift === undefined) return ''
  const like = ELLIPSOID_NAMES.find(([names]) => known.includes(names))
  const same =
    like !== undefined && Math.abs(Number(a) - like[1]) < 1 && Math.abs(Number(rf) - like[2]) < 0.01
  return same ? ` +towgs84=${shift}` : ''
}

const ELLIPSOID_NAMES: readonly (readonly [string, number, number])[] = [
  ['+ellps=GRS80', 6378137, 298.257222101],
  ['+ellps=clrk66', 6378206.4, 294.978698213898],
  ['+ellps=intl', 6378388, 297],
  ['+ellps=bessel', 6377397.155, 299.1528128],
  ['+ellps=airy', 6377563.396, 299.3249646],
  ['+ellps=krass', 6378245, 298.3],
  ['+ellps=aust_SA', 6378160, 298.25],
]
