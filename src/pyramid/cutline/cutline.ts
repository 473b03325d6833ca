// A cutline: the polygons of a GeoJSON file in its coordinate system, checked and flattened.
//
// Invariants: every coordinate is finite. A ring has at least three points and is not closed by a repeated point. What
// is not an area (points, lines) is left out. Files are not trusted: their sizes are limited, and every fault is a
// BAD_OPTION error in one sentence.
import { FlagstoneError } from '../../errors.js'
import type { Crs } from '../../grid/crs/crs.js'
import { crsFromText } from '../../grid/crs/crs-text.js'
import { readRegularSync, specialKind, statOf } from '../../platform/regular-file.js'

/** Plain data. */
export interface Cutline {
  /** Used in messages. */
  readonly name: string
  /** Undefined: longitude, latitude in degrees. */
  readonly crs: Crs | undefined
  /** Polygons, each a list of rings (the outline first, then its holes) of x, y pairs. The cutline is their union. */
  readonly polygons: readonly (readonly Float64Array[])[]
}

const MAX_FILE_BYTES = 256 * 2 ** 20
const MAX_POINTS = 5_000_000
const MAX_DEPTH = 32

/**
 * Reads a cutline from a path or a GeoJSON object. `what` it is called in messages.
 * @throws BAD_OPTION, NOT_FOUND, CRS_UNSUPPORTED
 */
export function readCutline(from: string | object, what = 'The cutline'): Cutline {
  if (typeof from !== 'string') return cutlineOf(from, what)
  const name = `${what} ${from}`
  return cutlineOf(parseJson(readText(from, name), name), name)
}

function readText(path: string, name: string): string {
  const stat = statOf(path)
  if (stat === undefined) {
    throw new FlagstoneError('NOT_FOUND', `${name} does not exist; pass a GeoJSON file.`, {
      path,
    })
  }
  const kind = specialKind(stat)
  if (kind !== undefined) throw bad(name, `is not a regular file: it is ${kind}; pass a GeoJSON file`)
  if (stat.size > MAX_FILE_BYTES) {
    throw bad(name, `is larger than ${MAX_FILE_BYTES / 2 ** 20} MB; simplify it`)
  }
  try {
    return readRegularSync(path)
      .toString()
      .replace(/^\uFEFF/, '')
  } catch (cause) {
    throw bad(name, `cannot be read (${cause instanceof Error ? cause.message : cause})`)
  }
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw bad(name, `is not JSON (${why.slice(0, 100)}); it must be GeoJSON`)
  }
}

const bad = (name: string, what: string): FlagstoneError =>
  new FlagstoneError('BAD_OPTION', `${name} ${what}.`)

type Json = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** @throws BAD_OPTION, CRS_UNSUPPORTED */
export function cutlineOf(json: unknown, name: string): Cutline {
  if (!isObject(json)) throw bad(name, 'is not a GeoJSON object')
  const collector = new Collector(name)
  collector.object(json, 0)
  if (collector.polygons.length === 0) throw bad(name, 'has no polygon; it must be an area')
  return { name, crs: crsOf(json, name), polygons: collector.polygons }
}

/** The crs member of GeoJSON 2008. RFC 7946 has none: coordinates are longitude and latitude. */
function crsOf(json: Json, name: string): Crs | undefined {
  const { crs } = json
  if (crs === undefined || crs === null) return undefined
  const properties = isObject(crs) && isObject(crs.properties) ? crs.properties : undefined
  const said = properties?.name
  if (!isObject(crs) || crs.type !== 'name' || typeof said !== 'string') {
    throw bad(
      name,
      'has a crs member without a valid coordinate system; write it as {"type":"name","properties":{"name":"EPSG:n"}}',
    )
  }
  return crsFromText(said)
}

/** Whether it may be too deep to be written down. */
const isNested = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).some((inner) => typeof inner === 'object' && inner !== null)

class Collector {
  readonly polygons: Float64Array[][] = []
  readonly #name: string
  #points = 0
  constructor(name: string) {
    this.#name = name
  }

  object(json: unknown, depth: number): void {
    if (depth > MAX_DEPTH) throw bad(this.#name, `nests collections deeper than ${MAX_DEPTH}`)
    if (!isObject(json)) throw bad(this.#name, 'is not GeoJSON: an object is expected where there is none')
    switch (json.type) {
      case 'FeatureCollection':
        for (const feature of this.#list(json.features, 'features')) this.object(feature, depth + 1)
        return
      case 'Feature':
        if (json.geometry !== null) this.object(json.geometry, depth + 1)
        return
      case 'GeometryCollection':
        for (const geometry of this.#list(json.geometries, 'geometries')) this.object(geometry, depth + 1)
        return
      case 'MultiPolygon':
        for (const polygon of this.#list(json.coordinates, 'coordinates')) this.#polygon(polygon)
        return
      case 'Polygon':
        this.#polygon(json.coordinates)
        return
      case 'Point':
      case 'MultiPoint':
      case 'LineString':
      case 'MultiLineString':
        return
      default:
        throw bad(
          this.#name,
          `is not GeoJSON: its type is ${typeof json.type === 'object' && json.type !== null ? 'no text' : JSON.stringify(json.type ?? null).slice(0, 40)}`,
        )
    }
  }

  #list(value: unknown, what: string): readonly unknown[] {
    if (!Array.isArray(value)) throw bad(this.#name, `is not GeoJSON: its ${what} are not a list`)
    return value
  }

  #polygon(value: unknown): void {
    const rings = this.#list(value, 'coordinates').map((ring) => this.#ring(ring))
    if (rings.length > 0) this.polygons.push(rings)
  }

  #ring(value: unknown): Float64Array {
    const positions = this.#list(value, 'rings')
    this.#points += positions.length
    if (this.#points > MAX_POINTS) throw bad(this.#name, `has more than ${MAX_POINTS} points; simplify it`)
    const points = new Float64Array(positions.length * 2)
    for (let i = 0; i < positions.length; i++) {
      const position: unknown = positions[i]
      const x: unknown = Array.isArray(position) ? position[0] : undefined
      const y: unknown = Array.isArray(position) ? position[1] : undefined
      if (typeof x !== 'number' || typeof y !== 'number' || !Number.isFinite(x) || !Number.isFinite(y)) {
        throw bad(
          this.#name,
          `has a position that is not two numbers${isNested(position) ? ', but lists in lists' : `: ${JSON.stringify(position)?.slice(0, 40)}`}`,
        )
      }
      points[2 * i] = x
      points[2 * i + 1] = y
    }
    const n = positions.length
    const closed = n > 1 && points[0] === points[2 * n - 2] && points[1] === points[2 * n - 1]
    const ring = closed ? points.subarray(0, 2 * n - 2) : points
    if (ring.length < 6) throw bad(this.#name, 'has a ring of fewer than three points')
    return ring
  }
}
