// The map projection of GeoTIFF keys, as the start of a PROJ string. Sources: libgeotiff's geo_ctrans.inc for method
// numbers, and its geo_normalize.c for the keys of the parameters.
import { epsgConversion } from '../epsg-table.js'
import { type Method, type ProjectionParameters, projectionText } from '../projections.js'
import type { MapPoint } from './datum.js'
import { GeoKey, type GeoKeys, numberKey, parameterKey, USER_DEFINED } from './geokeys.js'
import { angularUnit, linearUnit } from './units.js'

export interface KeyProjection {
  /** '+proj=… …' without datum and units. */
  readonly text: string
  readonly place: MapPoint
}

const METHODS: Readonly<Record<number, Method>> = {
  1: 'tmerc',
  3: 'omerc-a',
  5: 'somerc',
  8: 'lcc-2',
  9: 'lcc-1',
  10: 'laea',
  11: 'aea',
  12: 'aeqd',
  13: 'eqdc',
  14: 'stere',
  16: 'sterea',
  17: 'eqc',
  18: 'cass',
  19: 'gnom',
  20: 'mill',
  21: 'ortho',
  22: 'poly',
  23: 'robin',
  24: 'sinu',
  25: 'vandg',
  26: 'nzmg',
  27: 'tmerc-south',
  28: 'cea',
  9815: 'omerc-b',
}

/** Undefined for projections that are not supported. */
export function projectionOf(keys: GeoKeys): KeyProjection | undefined {
  const code = numberKey(keys, GeoKey.Projection)
  const conversion = code === undefined || code === USER_DEFINED ? undefined : epsgConversion(code)
  if (conversion !== undefined) return { text: conversion, place: placeOf(conversion) }
  const method = methodOf(keys)
  const p = parametersOf(keys, method)
  const text = method && projectionText(method, p)
  if (text === undefined) return undefined
  const middle = p.lat1 === undefined ? p.lat0 : (p.lat1 + (p.lat2 ?? p.lat1)) / 2
  return { text, place: { lon: p.lon0 ?? 0, lat: middle ? middle : Number.NaN } }
}

/** A point on the map of an EPSG conversion (State Plane zones, Gauss-Krüger, UTM …), false origin in metres. */
function placeOf(conversion: string): MapPoint {
  const number = (key: string): number =>
    Number(new RegExp(`\\+${key}=(\\S+)`).exec(conversion)?.[1] ?? Number.NaN)
  const zone = number('zone')
  if (!Number.isNaN(zone)) return { lon: zone * 6 - 183, lat: Number.NaN }
  const lat1 = number('lat_1')
  const lat2 = number('lat_2')
  const middle = Number.isNaN(lat1) ? number('lat_0') : Number.isNaN(lat2) ? lat1 : (lat1 + lat2) / 2
  return { lon: number('lon_0') || number('lonc') || 0, lat: middle === 0 ? Number.NaN : middle }
}

function methodOf(keys: GeoKeys): Method | undefined {
  const number = numberKey(keys, GeoKey.Method) ?? 0
  // the scale is given by a standard parallel or by a factor
  if (number === 7) {
    return parameterKey(keys, 3078) !== undefined && parameterKey(keys, 3092) === undefined
      ? 'merc-b'
      : 'merc-a'
  }
  if (number === 8 && parameterKey(keys, 3078) === undefined) return undefined
  if (number === 15) return 'polar-a'
  return METHODS[number]
}

function parametersOf(keys: GeoKeys, method: Method | undefined): ProjectionParameters {
  const degrees = angularUnit(keys)
  const metres = linearUnit(keys)
  const found: { -readonly [K in keyof ProjectionParameters]: number } = {}
  const set = (name: keyof ProjectionParameters, unit: number, ...candidates: number[]): void => {
    const value = parameterKey(keys, ...candidates)
    if (value !== undefined) found[name] = value * unit
  }
  // keys of the natural origin, the false origin, the centre
  set('lat0', degrees, 3081, 3085, 3089)
  if (method === 'polar-a') set('lon0', degrees, 3095, 3080, 3084, 3088)
  else set('lon0', degrees, 3080, 3084, 3088, 3095)
  set('lat1', degrees, 3078)
  set('lat2', degrees, 3079)
  set('scale', 1, 3092, 3093)
  set('azimuth', degrees, 3094)
  set('gamma', degrees, 3096)
  set('x0', metres, 3082, 3086, 3090)
  set('y0', metres, 3083, 3087, 3091)
  if (method === 'merc-a') delete found.lat0
  if (method === 'omerc-a' || method === 'omerc-b') found.azimuth ??= 0
  // a standard parallel and a scale factor are two ways to give the same thing
  if (method === 'lcc-2' || method === 'merc-b') delete found.scale
  if (method === 'lcc-1') delete found.lat1
  if (method === 'eqc' && found.lat1 === undefined) {
    found.lat1 = found.lat0 ?? 0
    delete found.lat0
  }
  return found
}
