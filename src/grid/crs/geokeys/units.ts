// Units of GeoTIFF keys, by EPSG code.

import { verticalMetres } from '../epsg.js'
import { UNITS } from '../geodesy.js'
import { GeoKey, type GeoKeys, numberKey, textKey, USER_DEFINED } from './geokeys.js'

/** Metres per unit. */
const LINEAR_UNITS: Readonly<Record<number, number>> = {
  1025: 0.001,
  1033: 0.01,
  9001: 1,
  9002: 0.3048,
  9003: 1200 / 3937,
  9005: 0.3047972654,
  9014: 1.8288,
  9030: 1852,
  9031: 1.0000135965,
  9033: 20.11684023368047,
  9034: 0.2011684023368047,
  9035: 1609.347218694437,
  9036: 1000,
  9037: 0.9143917962,
  9038: 20.1166195164,
  9039: 0.201166195164,
  9040: 0.914398414616029,
  9041: 0.3047994715386762,
  9042: 20.1167651215526,
  9043: 0.201167651215526,
  9050: 0.9143992,
  9051: 0.3047997333,
  9060: 0.91439853,
  9061: 0.304799510248147,
  9062: 20.1167824943759,
  9070: 0.3048007491,
  9080: 0.3047995102481469,
  9081: 0.30479841,
  9082: 0.3047996,
  9083: 0.3047995,
  9084: 0.9143985307444408,
  9085: 0.91439523,
  9086: 0.9143988,
  9087: 0.9143985,
  9093: 1609.344,
  9094: 0.304799710181509,
  9095: 0.3048007491,
  9096: 0.9144,
  9097: 20.1168,
  9098: 0.201168,
  9099: 0.9143985,
  9301: 20.1167651215526,
  9302: 0.304799710181509,
}

export function linearUnit(keys: GeoKeys): number {
  const code = numberKey(keys, GeoKey.LinearUnits)
  if (code === USER_DEFINED) return numberKey(keys, GeoKey.LinearUnitSize) ?? 1
  return LINEAR_UNITS[code ?? 9001] ?? 1
}

/** Metres per unit of height; undefined when no key gives it. */
export function verticalUnit(keys: GeoKeys): number | undefined {
  const type = numberKey(keys, GeoKey.VerticalType)
  const unit = LINEAR_UNITS[numberKey(keys, GeoKey.VerticalUnits) ?? 0]
  if (type === undefined && unit === undefined && textKey(keys, GeoKey.VerticalCitation) === undefined)
    return undefined
  return verticalMetres(type ?? 0) ?? unit ?? 1
}

export function units(keys: GeoKeys): string {
  const metres = linearUnit(keys)
  return metres === 1 ? '+units=m' : `+to_meter=${metres}`
}

/** Metres per unit of a PROJ string; undefined when it names no unit. */
export function unitOf(definition: string): number | undefined {
  const size = /\+to_meter=(\S+)/.exec(definition)
  if (size !== null) return Number(size[1])
  return UNITS[/\+units=(\S+)/.exec(definition)?.[1] ?? '']
}

/** Degrees per angular unit. */
export function angularUnit(keys: GeoKeys): number {
  switch (numberKey(keys, GeoKey.AngularUnits)) {
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
      return ((numberKey(keys, GeoKey.AngularUnitSize) ?? Math.PI / 180) * 180) / Math.PI
    default:
      return 1
  }
}
