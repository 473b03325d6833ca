// A decoded tile for queries of single pixels. Stored numbers stay as they are, so that many tiles fit into little
// memory and results are exact, not rounded to 32-bit floats.
import { decodeElevation, isElevation } from '../format/elevation.js'
import { decodeTile } from '../raster/tiles/codec.js'
import { heightOfRgb, type TerrainRgb } from '../raster/tiles/terrain.js'

/** Red, green, blue, alpha, 0…255. */
export type Colour = readonly [number, number, number, number]

export interface DecodedTile<V> {
  readonly width: number
  readonly height: number
  /** Bytes of memory. */
  readonly bytes: number
  /** Value of pixel y · width + x; undefined where there is none. */
  at(pixel: number): V | undefined
}

/** Heights, metres, from a raw elevation tile or from an encoded picture. @throws DAMAGED, TOO_LARGE */
export async function decodeHeightTile(
  bytes: Uint8Array,
  encoding: TerrainRgb | undefined,
): Promise<DecodedTile<number>> {
  if (encoding !== undefined && !isElevation(bytes)) return heightsOfPicture(bytes, encoding)
  const { width, height, samples, mask, step, offset } = decodeElevation(bytes)
  const at = (pixel: number): number | undefined => {
    if (mask !== undefined && mask[pixel] === 0) return undefined
    const value = samples[pixel]! * step + offset
    return Number.isFinite(value) ? value : undefined
  }
  return { width, height, bytes: samples.byteLength + (mask?.length ?? 0), at }
}

async function heightsOfPicture(bytes: Uint8Array, encoding: TerrainRgb): Promise<DecodedTile<number>> {
  const colours = await decodeColourTile(bytes)
  const at = (pixel: number): number | undefined => {
    const colour = colours.at(pixel)
    return colour && heightOfRgb(encoding, colour[0], colour[1], colour[2])
  }
  return { ...colours, at }
}

/** Colours; undefined where a pixel is fully transparent. @throws DAMAGED, TOO_LARGE */
export async function decodeColourTile(bytes: Uint8Array): Promise<DecodedTile<Colour>> {
  const { width, height, bands, data, mask } = await decodeTile(bytes)
  const at = (pixel: number): Colour | undefined => {
    const alpha = mask === undefined ? 255 : mask[pixel]!
    if (alpha === 0) return undefined
    const s = pixel * bands
    return bands === 3 ? [data[s]!, data[s + 1]!, data[s + 2]!, alpha] : [data[s]!, data[s]!, data[s]!, alpha]
  }
  return { width, height, bytes: data.length + (mask?.length ?? 0), at }
}
