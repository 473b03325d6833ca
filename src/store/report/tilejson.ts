// The TileJSON 3.0.0 document of a tile file (https://github.com/mapbox/tilejson-spec/tree/master/3.0.0).
//
// Invariant: whatever the metadata contain, the document conforms to the specification. Invalid values are corrected
// where the intention is plain (bounds beyond the world, version '2'), and left out otherwise.
import { parseJsonObject } from '../../format/json.js'
import { isOfVaryingDepth, VARYING_DEPTH } from './depth.js'
import type { TilesDescription } from './describe.js'

export interface TileJsonOptions {
  /** Templates of tile URLs, at least one. */
  readonly tiles: readonly string[]
  /** Used when the metadata have no name. */
  readonly name: string
  /** Whom to name; default: from the metadata. */
  readonly attribution?: string | undefined
  /** Extension of the tiles at `tiles`; default: that of the most common type. */
  readonly format?: string | undefined
  /** Encoding of terrain, 'mapbox' or 'terrarium'; default: from the metadata. */
  readonly encoding?: string | undefined
  /** Size at which tiles are displayed, pixels a side. */
  readonly tileSize?: number | undefined
  /** Whether tiles that are missing at a zoom are made from stored ones above. */
  readonly isOverzoomed?: boolean
  readonly scheme?: 'xyz' | 'tms'
}

type Bounds = [number, number, number, number]

/** Absent values are undefined, so JSON leaves them out. */
export function tileJson(d: TilesDescription, options: TileJsonOptions): Record<string, unknown> {
  const text = (key: string): string | undefined => textOf(d.metadata, key)
  const bounds = d.bounds && boundsInWorld(d.bounds)
  return {
    tilejson: '3.0.0',
    tiles: options.tiles,
    vector_layers: layersOf(d),
    name: givenName(d.metadata) ?? options.name,
    description: text('description'),
    attribution: options.attribution ?? text('attribution'),
    legend: text('legend'),
    version: semanticVersion(d.metadata['version']),
    scheme: options.scheme ?? 'xyz',
    type: text('type'),
    format: options.format ?? d.types[0]?.extension,
    encoding: options.encoding ?? text('encoding'),
    tileSize: options.tileSize,
    minzoom: d.minZoom,
    maxzoom: d.maxZoom,
    fillzoom: options.isOverzoomed === true ? d.maxZoom : undefined,
    ...(isOfVaryingDepth(d) ? VARYING_DEPTH : {}),
    bounds,
    center: bounds && centerIn(bounds, d),
  }
}

/** A non-empty text of the metadata; undefined for anything else. */
export function textOf(metadata: Record<string, unknown>, key: string): string | undefined {
  const value = metadata[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The name that the user gave; undefined for one that the build derived from the file's name, which it records. */
export function givenName(metadata: Record<string, unknown>): string | undefined {
  const name = textOf(metadata, 'name')
  const own = metadata['flagstone']
  return isRecord(own) && own['fileName'] === name ? undefined : name
}

/**
 * Clamps bounds to the world. TileJSON bounds must not cross the antimeridian, so those that do become all longitudes.
 * Undefined when south > north.
 */
export function boundsInWorld([west, south, east, north]: Bounds): Bounds | undefined {
  const clamp = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, value))
  if (south > north) return undefined
  const wraps = west > east || west < -180 - 1e-6 || east > 180 + 1e-6
  const [w, e] = wraps ? [-180, 180] : [clamp(west, 180), clamp(east, 180)]
  return [w, clamp(south, 90), e, clamp(north, 90)]
}

/** A center inside the bounds, at an integer zoom that exists. */
function centerIn([west, south, east, north]: Bounds, d: TilesDescription): number[] {
  const { minZoom = 0, maxZoom = 0 } = d
  const [lon, lat, zoom] = d.center ?? [Number.NaN, Number.NaN, minZoom]
  const isInside = lon >= west && lon <= east && lat >= south && lat <= north
  const [x, y] = isInside ? [lon, lat] : [(west + east) / 2, (south + north) / 2]
  return [x, y, Math.max(minZoom, Math.min(maxZoom, Math.round(zoom)))]
}

/**
 * The layers of vector tiles, which the specification's text requires (3.3). Its JSON schema requires them of every
 * document, but for images they mean nothing.
 */
function layersOf(d: TilesDescription): Record<string, unknown>[] | undefined {
  const layers = vectorLayers(d)
  const isVector = d.types.some(({ name }) => name === 'mvt' || name === 'mlt')
  return isVector || (d.types.length === 0 && layers.length > 0) ? layers : undefined
}

/** '2' → '2.0.0'; undefined for anything that is not a version. */
function semanticVersion(value: unknown): string | undefined {
  const parts = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?([-+][\w.+-]+)?$/.exec(String(value ?? ''))
  return parts ? `${parts[1]}.${parts[2] ?? 0}.${parts[3] ?? 0}${parts[4] ?? ''}` : undefined
}

/** The vector layers that have an id, with a description for each field; empty for images. */
export function vectorLayers(d: TilesDescription): Record<string, unknown>[] {
  const listed = d.metadata['vector_layers'] ?? inJson(d.metadata['json'])
  if (!Array.isArray(listed)) return []
  return listed.flatMap((layer: unknown) => {
    if (!isRecord(layer) || typeof layer['id'] !== 'string') return []
    const fields = isRecord(layer['fields']) ? Object.entries(layer['fields']) : []
    return {
      ...layer,
      description: typeof layer['description'] === 'string' ? layer['description'] : undefined,
      minzoom: zoomWithin(layer['minzoom'], d),
      maxzoom: zoomWithin(layer['maxzoom'], d),
      fields: Object.fromEntries(
        fields.map(([name, about]) => [name, typeof about === 'string' ? about : JSON.stringify(about)]),
      ),
    }
  })
}

function zoomWithin(value: unknown, { minZoom = 0, maxZoom = 30 }: TilesDescription): number | undefined {
  return Number.isInteger(value) ? Math.max(minZoom, Math.min(maxZoom, value as number)) : undefined
}

/** MBTiles stores the layers in a row named 'json'. */
function inJson(value: unknown): unknown {
  if (typeof value !== 'string') return undefined
  const parsed = parseJsonObject(Buffer.from(value))
  return typeof parsed === 'string' ? undefined : parsed['vector_layers']
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
