// Pixels ↔ encoded tiles, with our own JPEG encoder and with sharp.
//
// Invariants: equal pixels give equal bytes (samples under mask 0 are written as 0); grey stays grey where the format
// supports it; a tile takes one thread, and nothing is cached: the caller keeps several tiles in flight.
import type { Metadata, Sharp } from 'sharp'
import { FlagstoneError } from '../../errors.js'
import { sniffTileType, TileType } from '../../format/tile-type.js'
import { coverageOf } from '../canvas.js'
import type { Pixels } from '../pixels.js'
import { sharp } from '../sharp.js'
import { joinFours } from '../words.js'
import { type ImageFormat, imageFormatOf } from './image-format.js'
import { encodeJpeg } from './jpeg.js'

/** How tiles are encoded; 'auto': JPEG where a tile is opaque, WebP or PNG where it is not. */
export type TileFormat = 'auto' | ImageFormat

export interface EncodeOptions {
  /** 'auto': JPEG for opaque tiles, `transparentFormat` for others; with `lossless`, `transparentFormat` for all. */
  readonly format: TileFormat
  /** Format of tiles that are not opaque, with 'auto'. Default: 'webp'. */
  readonly transparentFormat?: 'webp' | 'png'
  /** 1…100 for JPEG, lossy WebP and AVIF. Default: 75 (AVIF: 60, which looks like JPEG's 75). */
  readonly quality?: number
  /** Lossless WebP or AVIF. PNG is always lossless, JPEG never. */
  readonly lossless?: boolean
  /** Shows through transparent pixels in formats without alpha. Default: white. */
  readonly background?: readonly [red: number, green: number, blue: number]
  /** false: composites every tile over the background, so that none is transparent. Default: true. */
  readonly alpha?: boolean
  /** Omits tiles that would show nothing but the background. */
  readonly skipBlank?: boolean
  /** zlib level of PNG, 0…9. Default: 6. */
  readonly compressionLevel?: number
  /** Chroma of JPEG. Default: '4:2:0'. */
  readonly chroma?: '4:2:0' | '4:4:4'
}

export interface EncodedTile {
  readonly type: TileType
  readonly bytes: Uint8Array
}

const WHITE = [255, 255, 255] as const
/** Real tiles are never larger than this; decompression bombs are. */
const MAX_TILE_PIXELS = 4096 * 4096

/** Encodes a tile. Undefined when every pixel is transparent or, with `skipBlank`, of the background's colour. */
export async function encodeTile(pixels: Pixels, options: EncodeOptions): Promise<EncodedTile | undefined> {
  if (coverageOf(pixels.mask) === 'none') return undefined
  if (options.skipBlank === true && isBlank(pixels, options.background ?? WHITE)) return undefined
  return encodeImage(pixels, options)
}

/** Encodes any picture, even one that is fully transparent. */
export async function encodeImage(pixels: Pixels, options: EncodeOptions): Promise<EncodedTile> {
  const covered = coverageOf(pixels.mask) === 'full'
  const format = formatFor(options, covered || options.alpha === false)
  const flat = covered || options.alpha === false || format === 'jpeg'
  if (!flat) {
    const image = rawImage(withAlpha(pixels), pixels, pixels.bands + 1)
    return { type: TileType[format], bytes: await bytesOf(image, format, options) }
  }
  const data = covered ? pixels.data : flatten(pixels, options.background ?? WHITE)
  const { width, height, bands } = pixels
  const own =
    format === 'jpeg' && options.chroma !== '4:4:4'
      ? encodeJpeg(
          { data, width, height, bands, mask: undefined },
          0,
          0,
          width,
          height,
          options.quality ?? 75,
        )
      : undefined
  const bytes = own ?? (await bytesOf(rawImage(data, pixels, bands), format, options))
  return { type: TileType[format], bytes }
}

function bytesOf(image: Sharp, format: ImageFormat, options: EncodeOptions): Promise<Buffer> {
  const { quality = defaultQuality(format), lossless = false, compressionLevel = 6 } = options
  switch (format) {
    case 'jpeg':
      // optimised Huffman tables would save 4 % of the bytes and double the time
      return image
        .jpeg({ quality, optimiseCoding: false, chromaSubsampling: options.chroma ?? '4:2:0' })
        .toBuffer()
    case 'png':
      // filters chosen per row: 30 % smaller on photographs
      return image.png({ compressionLevel, palette: false, adaptiveFiltering: true }).toBuffer()
    case 'webp':
      // Measured on aerial tiles. Lossy: effort 1 has the PSNR of effort 0 in 5 % fewer bytes (30 % with alpha) and 1.1
      // to 1.3 times the time; effort 3 saves another 15 % for twice the time. Lossless: effort 1 saves 13 % for 2.8
      // times the time.
      return image.webp({ quality, lossless, effort: lossless ? 0 : 1 }).toBuffer()
    case 'avif':
      // measured on aerial tiles: 6.5 ms; the next efforts save 0, 2, 7, 11 % for 2, 4, 5, 25 times the time
      return image
        .avif({ quality, lossless, effort: 0, chromaSubsampling: lossless ? '4:4:4' : '4:2:0' })
        .toBuffer()
  }
}

/**
 * Defaults of equal visual quality: on aerial tiles AVIF at 60 and JPEG at 75 both have 36.2 dB, AVIF in 70 % of the
 * bytes.
 */
export function defaultQuality(format: TileFormat): number {
  return format === 'avif' ? 60 : 75
}

function formatFor(options: EncodeOptions, opaque: boolean): ImageFormat {
  const { format, lossless } = options
  if (format === 'jpeg' && lossless)
    throw new TypeError('JPEG cannot be lossless: choose png, webp, avif or auto')
  if (format !== 'auto') return format
  return opaque && !lossless ? 'jpeg' : (options.transparentFormat ?? 'webp')
}

/** Whether only the background shows: every pixel is transparent or has its colour. */
function isBlank({ bands, data, mask }: Pixels, background: readonly [number, number, number]): boolean {
  const colour = bands === 3 ? background : [luma(background)]
  for (let p = 0, at = 0; at < data.length; p++, at += bands) {
    if (mask !== undefined && mask[p] === 0) continue
    for (let c = 0; c < bands; c++) if (data[at + c] !== colour[c]) return false
  }
  return true
}

/** Luma, ITU-R BT.601. */
const luma = ([r, g, b]: readonly [number, number, number]): number =>
  Math.round(0.299 * r + 0.587 * g + 0.114 * b)

function rawImage(data: Uint8Array, pixels: Pixels, channels: number): Sharp {
  const { width, height } = pixels
  const image = sharp(data, { raw: { width, height, channels: channels as 1 | 2 | 3 | 4 } })
  return pixels.bands === 1 ? image.toColourspace('b-w') : image
}

/** Interleaves samples and mask. Samples of transparent pixels become 0. */
function withAlpha(pixels: Pixels): Uint8Array {
  const { bands, data } = pixels
  const mask = pixels.mask!
  if (bands === 3) return joinFours(data, mask)
  const out = new Uint8Array(mask.length * 2)
  for (let p = 0; p < mask.length; p++) {
    if (mask[p] === 0) continue
    out[2 * p] = data[p]!
    out[2 * p + 1] = mask[p]!
  }
  return out
}

/** Composites a tile over the background. A grey tile uses the background's luma. */
function flatten(pixels: Pixels, background: readonly [number, number, number]): Uint8Array {
  const { bands, data } = pixels
  const mask = pixels.mask!
  const behind = bands === 3 ? background : [luma(background)]
  const out = new Uint8Array(data.length)
  for (let p = 0, at = 0; p < mask.length; p++) {
    const alpha = mask[p]!
    for (let c = 0; c < bands; c++, at++) {
      out[at] = alpha === 0 ? behind[c]! : ((data[at]! * alpha + behind[c]! * (255 - alpha) + 127) / 255) | 0
    }
  }
  return out
}

/**
 * Decodes JPEG, PNG, WebP or AVIF to pixels. Grey stays one band; alpha becomes the mask, left out when opaque.
 * @throws DAMAGED when the bytes are not such an image, or are damaged
 * @throws TOO_LARGE when it has more than 4096² pixels
 */
export async function decodeTile(bytes: Uint8Array): Promise<Pixels> {
  if (imageFormatOf(sniffTileType(bytes)) === undefined) {
    throw new FlagstoneError(
      'DAMAGED',
      `A tile of ${bytes.length} bytes is not JPEG, PNG, WebP or AVIF, so it cannot be shown as an image.`,
    )
  }
  try {
    return await decode(bytes)
  } catch (cause) {
    throw cause instanceof FlagstoneError ? cause : undecodable(bytes, cause)
  }
}

function undecodable({ length }: Uint8Array, cause: unknown): FlagstoneError {
  const said = cause instanceof Error ? cause.message : String(cause)
  return new FlagstoneError('DAMAGED', `A tile of ${length} bytes does not decode: ${said}.`, { cause })
}

/**
 * Re-encodes a picture losslessly in another format, including the samples of transparent pixels.
 * @throws DAMAGED
 * @throws TOO_LARGE when it has more than 4096² pixels
 */
export async function recodeExactly(bytes: Uint8Array, format: 'png' | 'webp'): Promise<Uint8Array> {
  try {
    const { image } = await opened(bytes)
    return format === 'png'
      ? await image.png({ compressionLevel: 6, palette: false, adaptiveFiltering: true }).toBuffer()
      : await image.webp({ lossless: true, exact: true, quality: 20, effort: 1 }).toBuffer()
  } catch (cause) {
    throw cause instanceof FlagstoneError ? cause : undecodable(bytes, cause)
  }
}

/** Opens an image without decoding it. @throws TOO_LARGE when it has more than 4096² pixels */
async function opened(bytes: Uint8Array): Promise<{ image: Sharp; metadata: Metadata }> {
  // libvips would report its own limit as damage
  const image = sharp(bytes, { limitInputPixels: false, failOn: 'warning', sequentialRead: true })
  const metadata = await image.metadata()
  const { width, height } = metadata
  if (width * height > MAX_TILE_PIXELS) {
    throw new FlagstoneError(
      'TOO_LARGE',
      `A tile of ${width}×${height} pixels is over the limit of 4096×4096.`,
    )
  }
  return { image, metadata }
}

async function decode(bytes: Uint8Array): Promise<Pixels> {
  const { image, metadata } = await opened(bytes)
  const grey = metadata.space === 'b-w'
  // sharp returns grey as three equal channels here; when asked for grey, it would drop the alpha
  const { data, info } = await image.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true })
  return unpack(data, info.width, info.height, info.channels, grey)
}

function unpack(data: Uint8Array, width: number, height: number, channels: number, grey: boolean): Pixels {
  const bands = grey || channels < 3 ? 1 : 3
  const alphaAt = channels === 2 || channels === 4 ? channels - 1 : -1
  if (alphaAt < 0 && channels === bands) return { width, height, bands, data, mask: undefined }
  const pixels = width * height
  const samples = new Uint8Array(pixels * bands)
  const mask = alphaAt < 0 ? undefined : new Uint8Array(pixels)
  for (let p = 0; p < pixels; p++) {
    const s = p * channels
    for (let c = 0; c < bands; c++) samples[p * bands + c] = data[s + c]!
    if (mask) mask[p] = data[s + alphaAt]!
  }
  return { width, height, bands, data: samples, mask: coverageOf(mask) === 'full' ? undefined : mask }
}

/** Whether this is a lossless WebP; see https://developers.google.com/speed/webp/docs/riff_container. */
export function isLosslessWebp(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096)).toString('latin1')
  return head.startsWith('WEBP', 8) && head.includes('VP8L', 12)
}
