// The ellipsoid, datum and prime meridian of GeoTIFF keys, as the end of a PROJ string.

import { geographicOfName, sameDatum } from '../datum-names.js'
import { datumShift } from '../datum-shifts.js'
import { crsFromEpsg } from '../epsg.js'
import { ELLIPSOIDS_BY_CODE, MERIDIANS } from '../geodesy.js'
import { standsOn } from '../stands-on.js'
import { GeoKey, type GeoKeys, numberKey, parameterKey, textKey, USER_DEFINED } from './geokeys.js'
import { angularUnit } from './units.js'

/** A point on the map, degrees, for which the datum shift is chosen. */
export interface MapPoint {
  readonly lon: number
  /** NaN: unknown. */
  readonly lat: number
}

/** Prime meridians by EPSG code. */
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

/**
 * '+ellps…' or '+a… +rf…', the shift to WGS 84 where known, and the prime meridian; undefined when the ellipsoid is
 * unknown.
 */
export function datumOf(keys: GeoKeys, place: MapPoint | undefined): string | undefined {
  const geographic = numberKey(keys, GeoKey.GeographicType)
  if (geographic !== undefined && geographic !== USER_DEFINED) {
    const known = datumOfCode(geographic, place)
    if (known !== undefined) return known
  }
  // the datum codes of classic systems are those of their geographic CRSs plus 2000
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

function datumOfCode(code: number, place: MapPoint | undefined): string | undefined {
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
  const known = ELLIPSOIDS_BY_CODE[numberKey(keys, GeoKey.Ellipsoid) ?? 0]
  if (known === undefined) return undefined
  return known[1] === 0 ? `+a=${known[0]} +b=${known[0]}` : `+a=${known[0]} +rf=${known[1]}`
}

/** The shift of a datum that is given by name only, if its ellipsoid matches the given one. */
function shiftOf(keys: GeoKeys, ellipsoid: string, place: MapPoint | undefined): string {
  const name = textKey(keys, GeoKey.GeogCitation)
    ?.split('|')[0]
    ?.replace(/^.*=\s*/, '')
  const code = name === undefined ? undefined : geographicOfName(name)
  const [, a, rf] = /^\+a=(\S+) \+rf=(\S+)/.exec(ellipsoid) ?? []
  if (code === undefined || code === 4326 || a === undefined) return ''
  const shift = datumShift(sameDatum(code), place?.lon ?? 0, place?.lat ?? Number.NaN)
  return shift !== undefined && standsOn(code, Number(a), Number(rf)) ? ` +towgs84=${shift}` : ''
}
