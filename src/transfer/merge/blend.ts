// Draws the tiles of several archives at one place over one another: pictures with their transparency, terrain as
// heights, where a pixel without a height lets the one below through.
import { FlagstoneError } from '../../errors.js'
import { decodeElevation, isElevation } from '../../format/elevation.js'
import { TileType } from '../../format/tile-type.js'
import { paintUnder } from '../../pyramid/paint/blend.js'
import { finishCanvas } from '../../raster/canvas.js'
import type { Pixels, Samples } from '../../raster/pixels.js'
import { decodeTile, encodeImage, isLosslessWebp } from '../../raster/tiles/codec.js'
import { imageFormatOf } from '../../raster/tiles/image-format.js'
import {
  decodeHeights,
  encodeHeights,
  isTerrainRgb,
  type TerrainOptions,
} from '../../raster/tiles/terrain.js'
import type { ElevationKind } from '../../sampling/tile-form.js'
import type { SourceTile } from './streams.js'

/** Whether tiles of this type can be drawn over one another. */
export const canBlend = (type: TileType): boolean =>
  type === TileType.elevation || imageFormatOf(type) !== undefined

/** Whether such a tile can let another one below it through. */
export const hasTransparency = (type: TileType): boolean => canBlend(type) && type !== TileType.jpeg

/**
 * The tile that shows all of them, the first lowest, the last on top. It is the top one itself if that hides the others.
 * Otherwise it has the format of the top one.
 * @throws DAMAGED, TOO_LARGE when a tile cannot be decoded
 * @throws BAD_OPTION when their sizes differ
 */
export async function blendTiles(
  tiles: readonly SourceTile[],
  elevation: ElevationKind | undefined,
): Promise<Blended> {
  const top = tiles.at(-1)!
  if (top.type === TileType.jpeg) return { tile: top, hidesOne: true }
  return elevation === undefined ? blendPictures(tiles, top) : blendHeights(tiles, top, elevation)
}

export interface Blended {
  readonly tile: SourceTile
  /** Whether a tile hides all those below it. */
  readonly hidesOne: boolean
}

async function blendPictures(tiles: readonly SourceTile[], top: SourceTile): Promise<Blended> {
  const { pixels, hidesOne } = await over(tiles, (tile) => decodeTile(tile.bytes), asColour)
  if (pixels === undefined) return { tile: top, hidesOne }
  const lossless = top.type === TileType.webp && isLosslessWebp(top.bytes)
  const encoded = await encodeImage(pixels, { format: imageFormatOf(top.type)!, lossless })
  return { tile: newTile(top, encoded), hidesOne }
}

async function blendHeights(
  tiles: readonly SourceTile[],
  top: SourceTile,
  elevation: ElevationKind,
): Promise<Blended> {
  const colours = isTerrainRgb(elevation) ? elevation : undefined
  const { pixels, hidesOne } = await over(
    tiles,
    async ({ bytes }): Promise<Pixels<Float32Array>> => decodeHeights(bytes, colours),
    (heights) => heights,
  )
  const encoded = pixels && (await encodeHeights(pixels, terrainOf(top, elevation)))
  if (encoded === undefined) return { tile: top, hidesOne }
  return { tile: newTile(top, encoded), hidesOne }
}

/** With nothing of the top tile that describes its bytes: neither its checksum nor its record. */
const newTile = (
  { z, x, y, from }: SourceTile,
  { bytes, type }: Pick<SourceTile, 'bytes' | 'type'>,
): SourceTile => ({ z, x, y, from, bytes, type })

/** As the top tile is encoded. */
function terrainOf({ bytes, type }: SourceTile, elevation: ElevationKind): TerrainOptions {
  const format = type === TileType.png ? 'png' : 'webp'
  if (!isElevation(bytes)) {
    const encoding = isTerrainRgb(elevation) ? elevation : 'mapbox'
    return { encoding, format, step: 1, offset: 0, nodata: 'transparent' }
  }
  const { samples, step, offset } = decodeElevation(bytes)
  const encoding = samples instanceof Float32Array ? 'float32' : 'int16'
  return { encoding, format, step, offset, nodata: 'transparent' }
}

/** From the top down, as far as anything shows through. No pixels when the top one hides all others. */
async function over<T extends Samples>(
  tiles: readonly SourceTile[],
  decode: (tile: SourceTile) => Promise<Pixels<T>>,
  like: (pixels: Pixels<T>, bands: number) => Pixels<T>,
): Promise<{ pixels: Pixels<T> | undefined; hidesOne: boolean }> {
  const layers: Pixels<T>[] = []
  for (const tile of [...tiles].reverse()) {
    const pixels = await decode(tile)
    const [first] = layers
    if (first !== undefined && (first.width !== pixels.width || first.height !== pixels.height))
      throw sizesDiffer(tile, first, pixels)
    layers.push(pixels)
    if (pixels.mask === undefined) break
  }
  const hidesOne = layers.length < tiles.length
  if (layers.length === 1) return { pixels: undefined, hidesOne }
  const { width, height } = layers[0]!
  const bands = Math.max(...layers.map((layer) => layer.bands))
  const [upper, ...lower] = layers.map((layer) => canvasOf(like(layer, bands)))
  const whole = { minX: 0, minY: 0, endX: width, endY: height }
  for (const layer of lower) paintUnder(upper!, layer, whole)
  const canvas = { width, height, bands, data: upper!.data, mask: upper!.mask }
  return { pixels: finishCanvas(canvas), hidesOne }
}

function canvasOf<T extends Samples>({ width, height, bands, data, mask }: Pixels<T>) {
  const opaque = mask ?? new Uint8Array(width * height).fill(255)
  return { bands, data, mask: opaque, stride: width, x: 0, y: 0 }
}

/** Grey as colour, where others have colour. */
function asColour(pixels: Pixels, bands: number): Pixels {
  if (pixels.bands === bands) return pixels
  const data = new Uint8Array(pixels.width * pixels.height * bands)
  for (let p = 0; p < pixels.data.length; p++) data.fill(pixels.data[p]!, bands * p, bands * (p + 1))
  return { ...pixels, bands, data }
}

function sizesDiffer({ z, x, y }: SourceTile, a: Pixels<Samples>, b: Pixels<Samples>): FlagstoneError {
  return new FlagstoneError(
    'BAD_OPTION',
    `Tile ${z}/${x}/${y} has ${a.width}×${a.height} pixels in one archive and ${b.width}×${b.height} in another, so they cannot be blended; choose first or last for duplicates.`,
  )
}
