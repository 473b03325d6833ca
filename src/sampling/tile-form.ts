// How the tiles of a file are combined: as colours, or as heights. Colours that encode heights (terrain-RGB) must never
// be resampled as colours: the mean of two codes is not the code of the mean.
import { TileType } from '../format/tile-type.js'
import { type Canvas, createCanvas, createValueCanvas } from '../raster/canvas.js'
import type { Pixels, Samples } from '../raster/pixels.js'
import { decodeTile } from '../raster/tiles/codec.js'
import { decodeHeights, isTerrainRgb, type TerrainRgb } from '../raster/tiles/terrain.js'
import type { TileSet } from '../store/read/tile-set.js'

export interface TileForm<T extends Samples> {
  /** @throws DAMAGED, TOO_LARGE */
  decode(bytes: Uint8Array): Promise<Pixels<T>>
  canvas(width: number, height: number): Canvas<T>
}

export interface ColourForm extends TileForm<Uint8Array> {
  /** Whether no tile decoded so far had colour. */
  readonly isGrey: boolean
}

/** Pictures as RGB. */
export function colourForm(): ColourForm {
  let sawColour = false
  return {
    async decode(bytes) {
      const pixels = await decodeTile(bytes)
      if (pixels.bands === 1) return asRgb(pixels)
      sawColour = true
      return pixels
    },
    canvas: (width, height) => createCanvas(width, height, 3),
    get isGrey() {
      return !sawColour
    },
  }
}

/** Heights from raw elevation tiles and from encoded pictures. */
function heightForm(encoding?: TerrainRgb): TileForm<Float32Array> {
  return { decode: (bytes) => decodeHeights(bytes, encoding), canvas: createValueCanvas }
}

/** How a file stores heights: as terrain-RGB (according to its metadata), or as numbers (according to its tiles). */
export type ElevationKind = TerrainRgb | 'numbers'

/** Undefined for a file of pictures. */
export function elevationOf(tiles: TileSet): ElevationKind | undefined {
  const { encoding } = tiles.metadata()
  const [lowest] = tiles.levels()
  if (lowest !== undefined && firstType(tiles, lowest.zoom) === TileType.elevation) return 'numbers'
  return isTerrainRgb(encoding) ? encoding : undefined
}

/** Number of tiles of a zoom that are tried for a readable one. */
const LOOKED_AT = 8

/** Type of the first readable tile of a zoom. Unreadable ones are reported when they are read. */
function firstType(tiles: TileSet, zoom: number): TileType | undefined {
  let looked = 0
  for (const { z, x, y } of tiles.tiles({ zoom })) {
    try {
      return tiles.get(z, x, y)?.type
    } catch (error) {
      const { code } = error as { code?: unknown }
      if (code !== 'DAMAGED' && code !== 'TOO_LARGE') throw error
      if (++looked === LOOKED_AT) break
    }
  }
  return undefined
}

export const formOf = (kind: ElevationKind): TileForm<Float32Array> =>
  heightForm(kind === 'numbers' ? undefined : kind)

function asRgb(pixels: Pixels): Pixels {
  const { width, height, mask } = pixels
  const data = new Uint8Array(width * height * 3)
  for (let p = 0; p < width * height; p++) data.fill(pixels.data[p]!, 3 * p, 3 * p + 3)
  return { width, height, bands: 3, data, mask }
}
