// The figure of the earth in a PROJ string: axes, flattening and the shift to WGS 84.

import { DATUMS, ELLIPSOIDS, type Ellipsoid } from './geodesy.js'
import { numberOf } from './proj-tokens.js'

/** '+datum=WGS84', or axes with the shift to WGS 84. A sphere has no shift: its latitudes are used unchanged. */
export function figureOf(given: ReadonlyMap<string, string>): string[] {
  const grids = given.get('nadgrids')
  const shift = given.get('towgs84')
  if (grids !== undefined && shift === undefined && grids.split(',').some((g) => !g.startsWith('@'))) {
    throw new Error('its datum needs a grid (+nadgrids), which is not supported')
  }
  const name = given.get('datum')
  const datum = name === undefined ? undefined : Object.hasOwn(DATUMS, name) ? DATUMS[name]! : null
  if (datum === null) throw new Error(`its datum +datum=${name} is not known`)
  const own = shiftOf(shift ?? (grids === undefined ? datum?.[1] : undefined))
  if (name === 'WGS84' && shift === undefined && !given.has('R_A')) return ['+datum=WGS84']
  const ellipsoid = ellipsoidOf(given, datum?.[0])
  if (given.has('R_A')) return sphere(authalicRadius(ellipsoid))
  const flat = 'b' in ellipsoid ? ellipsoid.a === ellipsoid.b : ellipsoid.rf === 0
  if (flat) return sphere(ellipsoid.a)
  // not +b: proj4's Swiss projection needs the flattening
  const inverse = 'b' in ellipsoid ? ellipsoid.a / (ellipsoid.a - ellipsoid.b) : ellipsoid.rf
  return [`+a=${ellipsoid.a}`, `+rf=${inverse}`, ...(own === undefined ? [] : [`+towgs84=${own}`])]
}

const sphere = (radius: number): string[] => [`+a=${radius}`, `+b=${radius}`]

function shiftOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const values = text.split(',').map((v) => numberOf('towgs84', v))
  if (values.length !== 3 && values.length !== 7) throw new Error('its +towgs84 has neither 3 nor 7 numbers')
  return values.join(',')
}

function ellipsoidOf(given: ReadonlyMap<string, string>, ofDatum: string | undefined): Ellipsoid {
  const size = (key: string): number | undefined => {
    if (!given.has(key)) return undefined
    const value = numberOf(key, given.get(key)!)
    if (!(value >= 0)) throw new Error(`+${key}=${value} is not the size of an ellipsoid`)
    return value
  }
  const radius = size('R')
  if (radius !== undefined) return checked({ a: radius, rf: 0 })
  const name = given.get('ellps') ?? ofDatum
  const named = name === undefined ? undefined : Object.hasOwn(ELLIPSOIDS, name) ? ELLIPSOIDS[name]! : null
  if (named === null) throw new Error(`its ellipsoid +ellps=${name} is not known`)
  const a = size('a')
  if (a === undefined && named !== undefined) return named
  const base = a ?? 6378137
  const b = size('b')
  const f = size('f')
  const es = size('es')
  if (b !== undefined) return checked({ a: base, b })
  const inverse = size('rf') ?? (f === undefined ? undefined : f === 0 ? 0 : 1 / f)
  if (inverse !== undefined) return checked({ a: base, rf: inverse })
  if (es !== undefined) return checked({ a: base, b: base * Math.sqrt(1 - es) })
  // PROJ's default is GRS 80; +a alone means a sphere
  return a === undefined ? ELLIPSOIDS.GRS80! : checked({ a, rf: 0 })
}

function checked(e: Ellipsoid): Ellipsoid {
  const minor = 'b' in e ? e.b : e.rf === 0 ? e.a : e.a * (1 - 1 / e.rf)
  if (e.a > 0 && minor > e.a / 2 && minor <= e.a * 1.01) return e
  throw new Error(`an ellipsoid of ${e.a} by ${minor} m is not possible`)
}

/** Radius of the sphere with the ellipsoid's surface area. Snyder 1987, (3-12) as a series, as PROJ's R_A. */
function authalicRadius(e: Ellipsoid): number {
  const b = 'b' in e ? e.b : e.rf === 0 ? e.a : e.a * (1 - 1 / e.rf)
  const es = 1 - (b * b) / (e.a * e.a)
  return e.a * (1 - es * (1 / 6 + es * (17 / 360 + (es * 67) / 3024)))
}
