// Exact coordinate transforms between a CRS and WGS84 longitude/latitude or web mercator.
//
// Invariants: results go into the caller's `out`, without an allocation per point. A point outside the domain of either
// CRS gives NaN, NaN, never numbers that look like a place. Coordinates are in the traditional GIS order of GeoTIFF
// geotransforms (x = easting or longitude first), whatever order the CRS declares. A geographic CRS does not wrap its
// longitudes: 190° stays 190°, so that images across the antimeridian are continuous.
import type Proj4 from 'proj4'
import { requirePackage } from '../../beside.js'
import { FlagstoneError } from '../../errors.js'
import { latToMetres, lonToMetres, metresToLat, metresToLon } from '../tiles/mercator.js'
import type { Crs } from './crs.js'
import { type ProjText, readProj } from './proj-text.js'

// the CommonJS build loads five times as fast as the ES module
const proj4 = requirePackage('proj4') as typeof Proj4

/** x and y of the result. */
export type PointOut = Float64Array

export interface Transformer {
  /** `from` → `to`. */
  forward(x: number, y: number, out: PointOut): void
  /** `to` → `from`. */
  inverse(x: number, y: number, out: PointOut): void
}

export interface LonLatConverter {
  readonly kind: 'mercator' | 'lonlat' | 'geographic' | 'projected'
  /** CRS coordinates → degrees on WGS84. */
  toLonLat(x: number, y: number, out: PointOut): void
  /** Degrees on WGS84 → CRS coordinates. */
  fromLonLat(lon: number, lat: number, out: PointOut): void
}

const WEB_MERCATOR_CODES = new Set([3857, 900913, 3785, 102100, 102113])

/** The parts of proj4's parsed definition that we use. */
interface ParsedProjection {
  projName: string
  a: number
  b: number
  x0?: number
  y0?: number
  long0?: number
  k0?: number
  lat_ts?: number
  from_greenwich?: number
  datumCode?: string
  to_meter?: number
  datum?: { datum_params?: number[]; datum_type?: number }
}

interface System {
  readonly text: ProjText
  readonly proj: ParsedProjection
}

const LONLAT_WGS84 = '+proj=longlat +datum=WGS84'
const MERCATOR = '+proj=merc +a=6378137 +b=6378137'

function parse(crs: Crs): System {
  const spelled = crs.definition === 'EPSG:4326' ? LONLAT_WGS84 : crs.definition
  try {
    const text = readProj(spelled === 'EPSG:3857' ? MERCATOR : spelled)
    const proj = new (proj4.Proj as unknown as new (definition: string) => ParsedProjection)(text.definition)
    return { text, proj }
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    throw new FlagstoneError(
      'CRS_UNSUPPORTED',
      `The coordinate system ${crs.name.slice(0, 200)} is not supported: ${said}; give an EPSG code, PROJ string or WKT with --s-srs, or reproject the image first.`,
      { cause },
    )
  }
}

function isWebMercator(crs: Crs, p: ParsedProjection): boolean {
  if (crs.epsg !== undefined && WEB_MERCATOR_CODES.has(crs.epsg)) return true
  const atOrigin = !p.x0 && !p.y0 && !p.long0 && !p.lat_ts && !p.from_greenwich && (p.k0 ?? 1) === 1
  const inMetres = (p.to_meter ?? 1) === 1
  return p.projName === 'merc' && p.a === 6378137 && p.b === 6378137 && atOrigin && inMetres
}

function isWgs84LonLat(crs: Crs, p: ParsedProjection): boolean {
  if (crs.epsg === 4326) return true
  return p.projName === 'longlat' && p.datumCode === 'WGS84' && !p.from_greenwich
}

const mercatorConverter: LonLatConverter = {
  kind: 'mercator',
  toLonLat(x, y, out) {
    out[0] = metresToLon(x)
    out[1] = metresToLat(y)
  },
  fromLonLat(lon, lat, out) {
    if (lat < -90 || lat > 90) out.fill(Number.NaN)
    else {
      out[0] = lonToMetres(lon)
      out[1] = latToMetres(lat)
    }
  },
}

const lonLatConverter: LonLatConverter = {
  kind: 'lonlat',
  toLonLat(x, y, out) {
    out[0] = x
    out[1] = y
  },
  fromLonLat(lon, lat, out) {
    out[0] = lon
    out[1] = lat
  },
}

const WGS84 = 'EPSG:4326'

function put(out: PointOut, point: { x: number; y: number } | undefined): void {
  const good = point !== undefined && Number.isFinite(point.x) && Number.isFinite(point.y)
  out[0] = good ? point.x : Number.NaN
  out[1] = good ? point.y : Number.NaN
}

/**
 * Projections with an outer edge. Beyond it proj4's inverse still gives numbers, so results are checked by transforming
 * them back.
 */
const RIMMED = new Set([
  'sinu',
  'moll',
  'robin',
  'eck6',
  'eqearth',
  'vandg',
  'poly',
  'bonne',
  'cass',
  'aeqd',
  'laea',
])

/**
 * Projections of one side of the globe. For the other side proj4 still gives numbers, so results are checked by
 * transforming them back.
 */
const ONE_SIDED = new Set(['gnom', 'ortho', 'geos', 'tpers'])

function proj4Converter({ text, proj: parsed }: System): LonLatConverter {
  const pair = proj4(text.definition, WGS84)
  const geographic = parsed.projName === 'longlat'
  const run = (convert: typeof pair.forward, x: number, y: number, out: PointOut): void => {
    try {
      put(out, convert({ x, y }))
    } catch {
      // proj4 throws when intermediate values are not finite, which means outside the domain
      put(out, undefined)
    }
  }
  const rimmed = RIMMED.has(text.projection)
  // 6 km: series lose accuracy far from the centre, which does not mean that a point is outside
  const slack = (1e-3 * parsed.a) / (parsed.to_meter ?? 1)
  const oneSided = ONE_SIDED.has(parsed.projName)
  const keepTurn = (like: number, out: PointOut): void => {
    if (geographic) out[0] = out[0]! + 360 * Math.round((like - out[0]!) / 360)
  }
  return {
    kind: geographic ? 'geographic' : 'projected',
    toLonLat(x, y, out) {
      run(pair.forward, x, y, out)
      keepTurn(x, out)
      // beyond the edge, some projections give huge longitudes, or latitudes past the pole
      if (Math.abs(out[1]!) > 90.000001 || (!geographic && !(Math.abs(out[0]!) <= 360))) out.fill(Number.NaN)
      if (!rimmed || Number.isNaN(out[0]!)) return
      const lon = out[0]!
      const lat = out[1]!
      run(pair.inverse, lon, lat, out)
      const same = Math.abs(out[0]! - x) + Math.abs(out[1]! - y) < slack
      out[0] = same ? lon : Number.NaN
      out[1] = same ? lat : Number.NaN
    },
    fromLonLat(lon, lat, out) {
      // proj4 removes one turn of 360°, but not several
      const near = geographic || Math.abs(lon) <= 180 ? lon : lon - 360 * Math.round(lon / 360)
      run(pair.inverse, near, lat, out)
      keepTurn(lon, out)
      if (!oneSided) return
      const x = out[0]!
      const y = out[1]!
      run(pair.forward, x, y, out)
      const turns = Math.abs(out[0]! - lon) % 360
      const same =
        Math.abs(out[1]! - lat) < 1e-4 && (turns < 1e-4 || turns > 360 - 1e-4 || Math.abs(lat) > 89.99)
      out[0] = same ? x : Number.NaN
      out[1] = same ? y : Number.NaN
    },
  }
}

/**
 * Wraps a converter of eastings and northings, or of degrees, so that it takes coordinates with the CRS's own axis
 * order and directions, angular unit and false origin.
 */
function oriented(inner: LonLatConverter, { axis, toDegree, x0, y0 }: ProjText): LonLatConverter {
  if (axis === 'en' && toDegree === 1 && x0 === 0 && y0 === 0) return inner
  const unit = inner.kind === 'projected' ? 1 : toDegree
  const eastFirst = /[ew]/.test(axis[0]!)
  const east = axis.includes('w') ? -unit : unit
  const north = axis.includes('s') ? -unit : unit
  return {
    kind: inner.kind === 'projected' || inner.kind === 'mercator' ? 'projected' : 'geographic',
    toLonLat(x, y, out) {
      inner.toLonLat((eastFirst ? x : y) * east - x0, (eastFirst ? y : x) * north - y0, out)
    },
    fromLonLat(lon, lat, out) {
      inner.fromLonLat(lon, lat, out)
      const x = (out[0]! + x0) / east
      const y = (out[1]! + y0) / north
      out[0] = eastFirst ? x : y
      out[1] = eastFirst ? y : x
    },
  }
}

const converters = new Map<string, LonLatConverter>()

/** The converter of a CRS, cached by definition. @throws CRS_UNSUPPORTED when the CRS is not supported */
export function lonLatConverterOf(crs: Crs): LonLatConverter {
  const key = `${crs.epsg ?? ''} ${crs.definition}`
  let found = converters.get(key)
  if (found === undefined) {
    const system = parse(crs)
    if (isWebMercator(crs, system.proj)) found = mercatorConverter
    else if (isWgs84LonLat(crs, system.proj)) found = lonLatConverter
    else found = proj4Converter(system)
    found = oriented(found, system.text)
    converters.set(key, found)
  }
  return found
}

/**
 * Transforms both ways through WGS84 longitude and latitude. The accuracy is that of proj4 without datum grids.
 * @throws CRS_UNSUPPORTED when one of the two is not supported
 */
export function transformer(from: Crs, to: Crs): Transformer {
  const a = lonLatConverterOf(from)
  const b = lonLatConverterOf(to)
  if (a === b) {
    const same = lonLatConverter.fromLonLat
    return { forward: same, inverse: same }
  }
  return {
    forward(x, y, out) {
      a.toLonLat(x, y, out)
      b.fromLonLat(out[0]!, out[1]!, out)
    },
    inverse(x, y, out) {
      b.toLonLat(x, y, out)
      a.fromLonLat(out[0]!, out[1]!, out)
    },
  }
}
