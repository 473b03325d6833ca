// The values of a file at single points: the stored number or colour, from the deepest tile that covers each point.
//
// Heights are interpolated between the centres of the four pixels around a point, across the borders of tiles, or are
// those of the pixel that contains the point. Pixels without a height do not count in a mean; if the point's own pixel
// has none, there is none. Points are grouped by tile, so that each tile is decoded once.
import {
  LIMIT_LATITUDE,
  latToMetres,
  lonToMetres,
  metresToPixelX,
  metresToPixelY,
  resolution,
} from '../grid/tiles/mercator.js'
import type { TerrainRgb } from '../raster/tiles/terrain.js'
import { newPace } from '../store/live/pace.js'
import type { TileSet } from '../store/read/tile-set.js'
import { MAX_ZOOM } from '../zooms.js'
import { type Colour, type DecodedTile, decodeColourTile, decodeHeightTile } from './decoded-tile.js'
import { elevationOf } from './tile-form.js'

export type Interpolation = 'nearest' | 'bilinear'
export const INTERPOLATIONS: readonly Interpolation[] = ['nearest', 'bilinear']

export interface PointQuery {
  /** Deeper tiles are not used. */
  readonly zoom?: number | undefined
  /** For heights; colours are always those of the nearest pixel. Default: bilinear. */
  readonly interpolation?: Interpolation | undefined
  readonly signal?: AbortSignal | undefined
}

export interface PointValue<V> {
  /** The tile that the value is from. */
  readonly z: number
  readonly x: number
  readonly y: number
  /** Size of one of its pixels on the ground at that place, metres. */
  readonly resolution: number
  /** Undefined when the tile has nothing at this place. */
  readonly value: V | undefined
}

/** Cache of decoded tiles; keys are 'z/x/y'. */
export interface TileStore<V> {
  get(key: string): DecodedTile<V> | undefined
  set(key: string, tile: DecodedTile<V>): unknown
}

/** Number of tiles decoded at once. */
const AT_ONCE = 4
/** Number of points between checks of the clock. */
const LOOK_EVERY = 64

interface Part<V> {
  readonly weight: number
  readonly value: V
}
type Mix<V> = (parts: readonly Part<V>[]) => V

/** A point on the unit square of the world, from its north-west corner. */
interface WorldPoint {
  readonly index: number
  readonly u: number
  readonly v: number
  readonly latitude: number
}

interface Group {
  readonly z: number
  readonly x: number
  readonly y: number
  readonly places: WorldPoint[]
}

export class PointReader<V> {
  readonly #tiles: TileSet
  readonly #kept: TileStore<V>
  readonly #decode: (bytes: Uint8Array) => Promise<DecodedTile<V>>
  readonly #mix: Mix<V> | undefined
  /** Deepest first. */
  readonly #zooms: readonly number[]

  private constructor(
    tiles: TileSet,
    kept: TileStore<V>,
    decode: (bytes: Uint8Array) => Promise<DecodedTile<V>>,
    mix?: Mix<V>,
  ) {
    this.#tiles = tiles
    this.#kept = kept
    this.#decode = decode
    this.#mix = mix
    this.#zooms = tiles
      .levels()
      .map(({ zoom }) => zoom)
      .sort((a, b) => b - a)
  }

  /** Reads heights in metres; undefined for a file of pictures. */
  static ofHeights(tiles: TileSet, kept: TileStore<number>): PointReader<number> | undefined {
    const kind = elevationOf(tiles)
    if (kind === undefined) return undefined
    const encoding: TerrainRgb | undefined = kind === 'numbers' ? undefined : kind
    return new PointReader(tiles, kept, (bytes) => decodeHeightTile(bytes, encoding), meanOf)
  }

  static ofColours(tiles: TileSet, kept: TileStore<Colour>): PointReader<Colour> {
    return new PointReader(tiles, kept, decodeColourTile)
  }

  /**
   * The values at the points (longitude, latitude in degrees; longitudes may go around the world), in their order;
   * undefined where there is no tile.
   * @throws DAMAGED, TOO_LARGE when a tile cannot be decoded
   */
  async at(
    points: readonly (readonly [lon: number, lat: number])[],
    { zoom = MAX_ZOOM, interpolation = 'bilinear', signal }: PointQuery = {},
  ): Promise<(PointValue<V> | undefined)[]> {
    const answers = new Array<PointValue<V> | undefined>(points.length).fill(undefined)
    const groups = await this.#groups(points, zoom, signal)
    const mix = interpolation === 'bilinear' ? this.#mix : undefined
    const pace = newPace()
    const work = async (): Promise<void> => {
      for (let next = groups.pop(); next !== undefined; next = groups.pop()) {
        await this.#answer(next, mix, answers, async () => {
          await pace()
          signal?.throwIfAborted()
        })
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    return answers
  }

  /** Groups the points by the tile that covers them. */
  async #groups(
    points: readonly (readonly [number, number])[],
    zoom: number,
    signal: AbortSignal | undefined,
  ): Promise<Group[]> {
    const pace = newPace()
    const zooms = this.#zooms.filter((z) => z <= zoom)
    const groups = new Map<string, Group>()
    const missing = new Set<string>()
    for (const [index, [lon, lat]] of points.entries()) {
      if (index % LOOK_EVERY === 0) {
        await pace()
        signal?.throwIfAborted()
      }
      if (Math.abs(lat) > LIMIT_LATITUDE) continue
      const place = { index, ...unitOf(lon, lat), latitude: lat }
      for (const z of zooms) {
        const x = Math.floor(place.u * 2 ** z)
        const y = Math.floor(place.v * 2 ** z)
        const key = keyOf(z, x, y)
        const group = groups.get(key)
        if (group === undefined) {
          if (missing.has(key)) continue
          if (!this.#tiles.has(z, x, y)) {
            missing.add(key)
            continue
          }
          groups.set(key, { z, x, y, places: [place] })
        } else group.places.push(place)
        break
      }
    }
    return [...groups.values()]
  }

  async #answer(
    { z, x, y, places }: Group,
    mix: Mix<V> | undefined,
    answers: (PointValue<V> | undefined)[],
    pause: () => Promise<void>,
  ): Promise<void> {
    await pause()
    const tile = await this.#tile(z, x, y)
    // removed since it was found
    if (tile === undefined) return
    for (const { index, u, v, latitude } of places) {
      if (index % LOOK_EVERY === 0) await pause()
      const column = (u * 2 ** z - x) * tile.width
      const row = (v * 2 ** z - y) * tile.height
      const own = tile.at(pixelOf(tile, Math.floor(column), Math.floor(row)))
      const value =
        own === undefined || mix === undefined ? own : mix(await this.#around(z, x, y, tile, column, row))
      const ground = resolution(z, tile.width) * Math.cos((latitude * Math.PI) / 180)
      answers[index] = { z, x, y, resolution: ground, value }
    }
  }

  /** The four pixels whose centres surround a place, as far as they have values. */
  async #around(
    z: number,
    x: number,
    y: number,
    tile: DecodedTile<V>,
    column: number,
    row: number,
  ): Promise<Part<V>[]> {
    const left = Math.floor(column - 0.5)
    const top = Math.floor(row - 0.5)
    const parts: Part<V>[] = []
    for (const [dx, dy] of CORNERS) {
      const c = left + dx
      const r = top + dy
      const weight = (1 - Math.abs(column - 0.5 - c)) * (1 - Math.abs(row - 0.5 - r))
      if (weight <= 0) continue
      const [ox, oy] = [outside(c, tile.width), outside(r, tile.height)]
      const from = ox === 0 && oy === 0 ? tile : await this.#neighbour(z, x + ox, y + oy, tile)
      const value = from?.at((r - oy * tile.height) * tile.width + c - ox * tile.width)
      if (value !== undefined) parts.push({ weight, value })
    }
    return parts
  }

  /** A neighbouring tile, if it has the same size; the world wraps from west to east. */
  async #neighbour(
    z: number,
    x: number,
    y: number,
    like: DecodedTile<V>,
  ): Promise<DecodedTile<V> | undefined> {
    const n = 2 ** z
    if (y < 0 || y >= n) return undefined
    const tile = await this.#tile(z, (x + n) % n, y)
    return tile?.width === like.width && tile.height === like.height ? tile : undefined
  }

  async #tile(z: number, x: number, y: number): Promise<DecodedTile<V> | undefined> {
    const key = keyOf(z, x, y)
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept
    const stored = this.#tiles.get(z, x, y)
    if (stored === undefined) return undefined
    const tile = await this.#decode(stored.bytes)
    this.#kept.set(key, tile)
    return tile
  }
}

const CORNERS = [
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
] as const

const keyOf = (z: number, x: number, y: number): string => `${z}/${x}/${y}`

/** −1, 0 or 1: before, in or after a row of pixels. */
const outside = (at: number, size: number): number => (at < 0 ? -1 : at >= size ? 1 : 0)

/** Rounding may put a place at the edge after the last pixel. */
const pixelOf = ({ width, height }: DecodedTile<unknown>, column: number, row: number): number =>
  Math.max(0, Math.min(height - 1, row)) * width + Math.max(0, Math.min(width - 1, column))

/** Both are in [0, 1). */
function unitOf(lon: number, lat: number): { u: number; v: number } {
  const wrapped = lon - 360 * Math.floor((lon + 180) / 360)
  return {
    u: inUnit(metresToPixelX(lonToMetres(wrapped), 0, 1)),
    v: inUnit(metresToPixelY(latToMetres(lat), 0, 1)),
  }
}

const BELOW_ONE = 1 - Number.EPSILON / 2
const inUnit = (value: number): number => Math.max(0, Math.min(BELOW_ONE, value))

function meanOf(parts: readonly Part<number>[]): number {
  let sum = 0
  let weights = 0
  for (const { weight, value } of parts) {
    sum += weight * value
    weights += weight
  }
  return sum / weights
}
