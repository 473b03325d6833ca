// Checks PROJ strings, and rewrites them so that proj4 computes what PROJ computes.
//
// proj4 silently ignores what it does not know: an unknown ellipsoid becomes WGS 84, an unknown axis east-north, and an
// unknown datum or parameter is dropped. The image would then lie in the wrong place. So every definition for proj4
// comes from here: names are resolved to numbers, defaults are written out, and unknown words are refused. proj4 does
// not support axes and angular units; they are returned for transform.ts.

import { MERIDIANS, UNITS } from './geodesy.js'
import { figureOf } from './proj-figure.js'
import { angleOf, numberOf, tokens } from './proj-tokens.js'

/** Plain data. */
export interface ProjText {
  /** The string for proj4. */
  readonly definition: string
  readonly projection: string
  /**
   * Directions of the first and second coordinate: nearly always 'en', but 'ws' or 'sw' for systems that count west and
   * south.
   */
  readonly axis: string
  /** False origin in the unit of the map. It is not passed to proj4, which ignores it in half a dozen projections. */
  readonly x0: number
  readonly y0: number
  /** Degrees per angular unit of geographic systems: 1, or 0.9 for grads. */
  readonly toDegree: number
}

/** proj4's projections that agree with PROJ's (test/grid/proj-agreement.test.ts). */
const PROJECTIONS = new Set(
  (
    'longlat tmerc etmerc utm merc lcc aea laea stere sterea somerc omerc krovak cass gnom cea eqc poly nzmg ' +
    'mill sinu eck6 moll eqdc vandg aeqd ortho robin tpers geos eqearth bonne'
  ).split(' '),
)

const ALIASES: Readonly<Record<string, string>> = {
  latlong: 'longlat',
  latlon: 'longlat',
  lonlat: 'longlat',
  webmerc: 'merc',
}

/** Where these are left out, proj4 computes with undefined and gives NaN everywhere. PROJ's default is 0. */
const ANGLES = new Set('lat_0 lon_0 lat_1 lat_2 lat_ts lonc alpha gamma tilt azi'.split(' '))

const NUMBERS = new Set('x_0 y_0 k k_0 h'.split(' '))

const FLAGS = new Set('no_uoff no_off no_rot south'.split(' '))

/** Parameters that do not affect where a point lies. */
const IGNORED = new Set(
  (
    'no_defs type wktext vunits vto_meter geoidgrids geoid_crs over lon_wrap title approx algo no_cut ' +
    'datum_name name'
  ).split(' '),
)

/** Parameters of the figure of the earth. */
const SIZES = new Set('a b rf f es R ellps datum R_A towgs84 nadgrids'.split(' '))

/** @throws Error when it is not supported; the message is a clause, such as 'its ellipsoid +ellps=x is not known' */
export function readProj(text: string): ProjText {
  const given = tokens(text)
  const name = given.get('proj')
  if (name === undefined) throw new Error('it has no +proj')
  const projection = ALIASES[name] ?? name
  if (!PROJECTIONS.has(projection)) throw new Error(`its projection +proj=${name} is not supported`)
  const parts = [`+proj=${projection}`]
  const known = (key: string): boolean =>
    ANGLES.has(key) || NUMBERS.has(key) || FLAGS.has(key) || IGNORED.has(key) || SIZES.has(key)
  for (const key of given.keys()) {
    if (['proj', 'zone', 'pm', 'axis', 'units', 'to_meter', 'to_degree', 'sweep'].includes(key) || known(key))
      continue
    throw new Error(`its parameter +${key} is not supported`)
  }
  if (projection !== 'longlat') parts.push(...parametersOf(projection, given))
  const isSphere = isSpherical(given, name)
  // proj4 treats any figure as a sphere here, which is kilometres off towards the edge
  const isRound = isSphere || Number(given.get('f') ?? 1) === 0
  if (projection === 'ortho' && !isRound)
    throw new Error('its projection +proj=ortho is supported on spheres only')
  if (isSphere) {
    if (projection === 'somerc') throw new Error('its projection +proj=somerc is not supported on spheres')
    // proj4's series work for ellipsoids only
    if (/^(e?tmerc|utm)$/.test(projection)) parts.push('+approx')
  }
  if (name === 'webmerc') parts.push('+a=6378137', '+b=6378137')
  else parts.push(...figureOf(given))
  const pm = meridianOf(given.get('pm'))
  if (pm !== 0) parts.push(`+pm=${pm}`)
  const metres = unitOf(given)
  if (projection !== 'longlat' && metres !== 1) parts.push(`+to_meter=${metres}`)
  const degrees = given.get('to_degree')
  return {
    definition: parts.join(' '),
    projection,
    axis: axisOf(given.get('axis')),
    x0: offsetOf('x_0', given, projection, metres),
    y0: offsetOf('y_0', given, projection, metres),
    toDegree: degrees === undefined ? 1 : numberOf('to_degree', degrees),
  }
}

function isSpherical(given: ReadonlyMap<string, string>, name: string): boolean {
  const figure = figureOf(given)
  return name === 'webmerc' || figure[0]?.slice(3) === figure[1]?.slice(3)
}

/** The false easting or northing of a map; UTM has its own. */
function offsetOf(
  key: string,
  given: ReadonlyMap<string, string>,
  projection: string,
  metres: number,
): number {
  const text = projection === 'longlat' || projection === 'utm' ? undefined : given.get(key)
  return text === undefined ? 0 : numberOf(key, text) / metres
}

/** proj4 treats an angle of 0 as missing. This is used instead, degrees: 0.1 mm on the ground. */
const HAIR = 1e-9

function parametersOf(projection: string, given: ReadonlyMap<string, string>): string[] {
  const values = new Map<string, number>()
  for (const [key, value] of given) {
    if (ANGLES.has(key)) values.set(key, angleOf(key, value))
    else if (NUMBERS.has(key)) values.set(key === 'k' ? 'k_0' : key, numberOf(key, value))
  }
  if (projection === 'utm') return utm(given)
  adapt(projection, values)
  const scale = values.get('k_0')
  if (scale !== undefined && !(scale > 0)) throw new Error(`its scale factor is ${scale}`)
  const parts = [...values].map(([key, value]) => `+${key}=${value}`)
  for (const flag of ['no_uoff', 'no_off', 'no_rot']) if (given.has(flag)) parts.push(`+${flag}`)
  const sweep = given.get('sweep') ?? 'y'
  if (projection === 'geos') parts.push(`+sweep=${sweep === 'x' ? 'x' : 'y'}`)
  return parts
}

function utm(given: ReadonlyMap<string, string>): string[] {
  let zone = given.has('zone') ? numberOf('zone', given.get('zone')!) : Number.NaN
  // without a zone, PROJ uses the zone of lon_0
  const lon = given.get('lon_0')
  if (Number.isNaN(zone) && lon !== undefined) zone = Math.floor((angleOf('lon_0', lon) + 180) / 6) + 1
  if (!(Number.isInteger(zone) && zone >= 1 && zone <= 60))
    throw new Error('it is UTM without a zone from 1 to 60')
  return [`+zone=${zone}`, ...(given.has('south') ? ['+south'] : [])]
}

/** Writes out PROJ's defaults, and replaces values that proj4 treats as missing. */
function adapt(projection: string, values: Map<string, number>): void {
  const fill = (key: string, value: number): void => {
    if (!values.has(key)) values.set(key, value)
  }
  values.set('x_0', 0)
  values.set('y_0', 0)
  if (projection === 'krovak') krovak(values)
  if (projection === 'krovak' || projection === 'nzmg') return
  if (projection === 'omerc') {
    if (!values.has('alpha') && !values.has('gamma')) {
      throw new Error('it is an oblique mercator by two points, which is not supported')
    }
    if (!values.has('lonc')) values.set('lonc', values.get('lon_0') ?? 0)
    values.delete('lon_0')
    fill('lat_0', 0)
    return
  }
  fill('lat_0', projection === 'stere' && values.has('lat_ts') ? 90 * Math.sign(values.get('lat_ts')!) : 0)
  fill('lon_0', 0)
  if (/^(lcc|aea|eqdc)$/.test(projection)) {
    fill('lat_1', projection === 'lcc' && !values.has('lat_1') ? values.get('lat_0')! : 0)
    if (projection === 'lcc') fill('lat_2', values.get('lat_1')!)
    else fill('lat_2', 0)
    for (const key of ['lat_1', 'lat_2']) if (values.get(key) === 0) values.set(key, HAIR)
  }
  if (projection === 'cea' || projection === 'eqc') fill('lat_ts', 0)
}

/** Allows only the standard cone, whose constants are built into proj4. */
function krovak(values: Map<string, number>): void {
  const alpha = values.get('alpha')
  const latitude = values.get('lat_0')
  if (alpha !== undefined && Math.abs(alpha - 30.28813975) > 1e-5)
    throw new Error('its cone is not that of Krovak')
  if (latitude !== undefined && Math.abs(latitude - 49.5) > 1e-9)
    throw new Error('its cone is not that of Krovak')
  if (!values.has('lat_0')) values.set('lat_0', 49.5)
  if (!values.has('lon_0')) values.set('lon_0', 24.8333333333333)
  if (!values.has('k_0')) values.set('k_0', 0.9999)
  values.delete('alpha')
}

function meridianOf(text: string | undefined): number {
  if (text === undefined) return 0
  if (Object.hasOwn(MERIDIANS, text)) return MERIDIANS[text]!
  if (/^[A-Za-z]/.test(text)) throw new Error(`its prime meridian +pm=${text} is not known`)
  return angleOf('pm', text)
}

/** The unit of the map in metres. */
function unitOf(given: ReadonlyMap<string, string>): number {
  const size = given.get('to_meter')
  if (size !== undefined) {
    const [top, bottom = '1'] = size.split('/')
    const metres = numberOf('to_meter', top!) / numberOf('to_meter', bottom)
    if (!(metres > 0 && Number.isFinite(metres))) throw new Error(`+to_meter=${size} is not a unit`)
    return metres
  }
  const name = given.get('units') ?? 'm'
  if (Object.hasOwn(UNITS, name)) return UNITS[name]!
  throw new Error(`its unit +units=${name} is not known`)
}

/** The order north, east counts as east, north: images always have east first. */
function axisOf(text: string | undefined): string {
  const axis = text?.slice(0, 2) ?? 'en'
  if (axis === 'ne') return 'en'
  if (/^[ew][ns]$|^[ns][ew]$/.test(axis)) return axis
  throw new Error(`its axes +axis=${text} are not those of a map`)
}
