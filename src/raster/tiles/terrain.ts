// Heights ↔ tiles: as colours for map clients (Mapbox and Terrarium terrain-RGB), or as numbers (format/elevation).
//
// Sources of the formulas:
//   mapbox     height = −10000 + (R · 65536 + G · 256 + B) · 0.1
//              docs.mapbox.com, "Mapbox Terrain-RGB v1"
//   terrarium  height = (R · 256 + G + B / 256) − 32768
//              github.com/tilezen/joerd, docs/formats.md
//
// Invariants: tiles are lossless, even under transparent pixels; a height outside the range of an encoding is clamped
// and counted, never wrapped; heights are averaged, never their colours.
import { isUint8Array } from 'node:util/types'
import { badType, FlagstoneError, wrongType } from '../../errors.js'
import { decodeElevation, encodeElevation, isElevation } from '../../format/elevation.js'
import type { OwnFloats } from '../../format/own-memory.js'
import { sniffTileType, TileType } from '../../format/tile-type.js'
import { coverageOf } from '../canvas.js'
import type { OwnPixels, Pixels } from '../pixels.js'
import { sharp } from '../sharp.js'
import { decodeTile, type EncodedTile } from './codec.js'
import { fillHoles } from './fill-holes.js'

/** Encodings of heights as colours. */
export type TerrainRgb = 'mapbox' | 'terrarium'
export type TerrainEncoding = TerrainRgb | 'int16' | 'float32'
export const TERRAIN_ENCODINGS: readonly TerrainEncoding[] = ['mapbox', 'terrarium', 'int16', 'float32']

export const isTerrainRgb = (encoding: unknown): encoding is TerrainRgb =>
  encoding === 'mapbox' || encoding === 'terrarium'

/**
 * What pixels without a height become: transparent, a given height, or one interpolated from the averages around them.
 */
export type TerrainNodata = 'transparent' | 'parent' | number

/** Plain data. */
export interface TerrainOptions {
  readonly encoding: TerrainEncoding
  /** Image format of terrain-RGB tiles. */
  readonly format: 'webp' | 'png'
  /** int16: height = stored · step + offset, metres. */
  readonly step: number
  readonly offset: number
  readonly nodata: TerrainNodata
}

export interface EncodedHeights extends EncodedTile {
  /** Number of pixels whose height was clamped. */
  readonly clamped: number
}

/** stored = (height − base) · perMetre, 24 bits. */
const RGB: Record<TerrainRgb, { readonly base: number; readonly perMetre: number }> = {
  mapbox: { base: -10000, perMetre: 10 },
  terrarium: { base: -32768, perMetre: 256 },
}
const MAX_CODE = 2 ** 24 - 1
const MAX_INT16 = 32767

/** The lowest and highest height that an encoding can represent, metres. */
export function terrainRange({ encoding, step, offset }: TerrainOptions): readonly [number, number] {
  if (encoding === 'float32') return [-3.4e38, 3.4e38]
  if (encoding === 'int16') return [offset - (MAX_INT16 + 1) * step, offset + MAX_INT16 * step]
  const { base, perMetre } = RGB[encoding]
  return [base, base + MAX_CODE / perMetre]
}

/** Encodes heights as a tile; undefined when no pixel has a height. */
export async function encodeHeights(
  pixels: Pixels<Float32Array>,
  options: TerrainOptions,
): Promise<EncodedHeights | undefined> {
  const coverage = coverageOf(pixels.mask)
  if (coverage === 'none') return undefined
  const solid = coverage === 'full' ? { ...pixels, mask: undefined } : withoutHoles(pixels, options.nodata)
  const { encoding } = options
  return isTerrainRgb(encoding) ? encodeRgb(solid, encoding, options.format) : encodeNumbers(solid, options)
}

function withoutHoles(pixels: Pixels<Float32Array>, nodata: TerrainNodata): Pixels<Float32Array> {
  if (nodata === 'transparent') return pixels
  if (nodata === 'parent') return fillHoles(pixels) ?? pixels
  const mask = pixels.mask!
  return { ...pixels, data: pixels.data.map((v, p) => (mask[p] === 0 ? nodata : v)), mask: undefined }
}

async function encodeRgb(
  pixels: Pixels<Float32Array>,
  encoding: TerrainRgb,
  format: 'webp' | 'png',
): Promise<EncodedHeights> {
  const { width, height, mask } = pixels
  const channels = mask === undefined ? 3 : 4
  const colours = new Uint8Array(width * height * channels)
  const clamped = heightsToRgb(pixels, encoding, colours, channels)
  const image = sharp(colours, { raw: { width, height, channels } })
  if (format === 'png') {
    const bytes = await image.png({ compressionLevel: 6, palette: false, adaptiveFiltering: true }).toBuffer()
    return { type: TileType.png, bytes, clamped }
  }
  // exact keeps colours under transparent pixels. Measured on SRTM tiles: 31 KB in 9 ms; effort 0 gives 41 KB in 5 ms,
  // higher efforts save 2 % for at least 1.3 times the time; PNG gives 41 KB in 7 ms
  const bytes = await image.webp({ lossless: true, exact: true, quality: 20, effort: 1 }).toBuffer()
  return { type: TileType.webp, bytes, clamped }
}

/**
 * Writes heights in metres as colours, with 3 channels per pixel, or 4 with alpha from the mask. Pixels without a
 * height become 0 m, for clients that ignore alpha. Returns the number of clamped heights.
 */
export function heightsToRgb(
  { data, mask }: Pixels<Float32Array>,
  encoding: TerrainRgb,
  out: Uint8Array,
  channels: 3 | 4,
): number {
  const { base, perMetre } = RGB[encoding]
  let clamped = 0
  for (let p = 0, d = 0; p < data.length; p++, d += channels) {
    const isValid = mask === undefined || mask[p] !== 0
    let code = Math.floor(((isValid ? data[p]! : 0) - base) * perMetre + 0.5)
    if (!(code >= 0)) {
      code = 0
      clamped++
    } else if (code > MAX_CODE) {
      code = MAX_CODE
      clamped++
    }
    out[d] = code >>> 16
    out[d + 1] = code >>> 8
    out[d + 2] = code
    if (channels === 4) out[d + 3] = isValid ? 255 : 0
  }
  return clamped
}

/** The height of a colour, metres. */
export function heightOfRgb(encoding: TerrainRgb, red: number, green: number, blue: number): number {
  const { base, perMetre } = RGB[encoding]
  return base + (red * 65536 + green * 256 + blue) / perMetre
}

/** Converts terrain-RGB colours to heights in metres. Only fully transparent pixels have none. */
export function rgbToHeights(pixels: Pixels, encoding: TerrainRgb): Pixels<Float32Array> {
  const { width, height, bands, data, mask } = pixels
  const { base, perMetre } = RGB[encoding]
  const heights = new Float32Array(width * height)
  const green = bands === 3 ? 1 : 0
  const blue = bands === 3 ? 2 : 0
  for (let p = 0, s = 0; p < heights.length; p++, s += bands) {
    heights[p] = base + (data[s]! * 65536 + data[s + green]! * 256 + data[s + blue]!) / perMetre
  }
  const valid = mask?.map((m) => (m === 0 ? 0 : 255))
  return { width, height, bands: 1, data: heights, mask: coverageOf(valid) === 'full' ? undefined : valid }
}

function encodeNumbers(pixels: Pixels<Float32Array>, options: TerrainOptions): EncodedHeights {
  const { width, height, data, mask } = pixels
  const { encoding, step, offset } = options
  if (encoding === 'float32') {
    const bytes = encodeElevation({ width, height, samples: data, mask, step: 1, offset: 0 })
    return { type: TileType.elevation, bytes, clamped: 0 }
  }
  const samples = new Int16Array(data.length)
  let clamped = 0
  for (let p = 0; p < data.length; p++) {
    if (mask !== undefined && mask[p] === 0) continue
    let code = Math.floor((data[p]! - offset) / step + 0.5)
    if (!(code >= -MAX_INT16 - 1)) {
      code = -MAX_INT16 - 1
      clamped++
    } else if (code > MAX_INT16) {
      code = MAX_INT16
      clamped++
    }
    samples[p] = code
  }
  const bytes = encodeElevation({ width, height, samples, mask, step, offset })
  return { type: TileType.elevation, bytes, clamped }
}

/**
 * Decodes the heights of a tile, in metres: a raw elevation tile, or a terrain-RGB PNG or WebP. The latter needs
 * `encoding`, which is in the archive's metadata.
 * @throws DAMAGED when the bytes are neither, cannot be decoded, or are a JPEG, whose losses change heights by hundreds
 * of metres
 * @throws TOO_LARGE when it has more than 4096² pixels
 * @throws TypeError when it is a picture and `encoding` is missing
 */
export async function decodeHeights(bytes: Uint8Array, encoding?: TerrainRgb): Promise<OwnPixels<OwnFloats>> {
  if (!isUint8Array(bytes)) throw wrongType('bytes must be the Uint8Array of a tile', bytes)
  if (encoding !== undefined && !isTerrainRgb(encoding))
    throw wrongType("encoding must be 'mapbox' or 'terrarium'", encoding)
  if (!isElevation(bytes)) {
    if (!isTerrainRgb(encoding)) {
      throw badType("heights are stored in an image as 'mapbox' or 'terrarium': pass one as the encoding")
    }
    if (sniffTileType(bytes) === TileType.jpeg) throw lossyHeights()
    return rgbToHeights(await decodeTile(bytes), encoding) as OwnPixels<OwnFloats>
  }
  const { width, height, samples, mask, step, offset } = decodeElevation(bytes)
  const data = samples instanceof Float32Array ? samples : new Float32Array(samples.length)
  if (samples instanceof Int16Array) {
    for (let p = 0; p < data.length; p++) data[p] = samples[p]! * step + offset
  }
  // a value that is not finite is a hole, whatever the mask says
  let valid = mask
  for (let p = 0; p < data.length; p++) {
    if (Number.isFinite(data[p]!)) continue
    valid ??= new Uint8Array(data.length).fill(255)
    valid[p] = 0
    data[p] = 0
  }
  const pixels = { width, height, bands: 1, data, mask: coverageOf(valid) === 'full' ? undefined : valid }
  return pixels as OwnPixels<OwnFloats>
}

const lossyHeights = (): FlagstoneError =>
  new FlagstoneError(
    'DAMAGED',
    'A JPEG holds no heights: its losses change them by hundreds of metres; store terrain-RGB as PNG or lossless WebP.',
  )

/** Checks the options. @throws BAD_OPTION when the encoding cannot represent the heights */
export function checkTerrain(options: TerrainOptions): void {
  const [low, high] = terrainRange(options)
  const { nodata, encoding } = options
  if (typeof nodata === 'number' && !(nodata >= low && nodata <= high)) {
    throw new FlagstoneError(
      'BAD_OPTION',
      `The height for pixels without one, ${nodata} m, is outside the range of ${encoding} (${low} to ${high} m).`,
    )
  }
}
