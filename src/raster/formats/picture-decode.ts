// Decodes PNG, JPEG, WebP and AVIF files to samples in memory, with sharp. As in GDAL, colour profiles and EXIF
// orientation are ignored. 16-bit samples stay 16-bit, and CMYK stays CMYK.
//
// Invariants: sizes are checked before anything is decoded; the result has width × height × samples values.
import type { Metadata, Sharp } from 'sharp'
import { FlagstoneError } from '../../errors.js'
import { sharp } from '../sharp.js'
import { readPngIndices } from './png-indices.js'

/** Limit of one decoded picture. These formats can only be decoded from the top, so all of it is in memory. */
const MAX_BYTES = 300_000_000

export interface PictureHeader {
  readonly format: 'PNG' | 'JPEG' | 'WebP' | 'AVIF'
  readonly width: number
  readonly height: number
  /** 'index': palette indices, not colours. */
  readonly kind: 'grey' | 'rgb' | 'cmyk' | 'index'
  readonly hasAlpha: boolean
  readonly bits: 8 | 16
  /** Samples per pixel, alpha included. */
  readonly samples: number
  /** A PNG with a palette. */
  readonly isPalette: boolean
}

const FORMATS: Readonly<Record<string, PictureHeader['format']>> = {
  png: 'PNG',
  jpeg: 'JPEG',
  webp: 'WebP',
  heif: 'AVIF',
  avif: 'AVIF',
}

// failOn 'error' rejects truncated and broken files, and accepts those that are only unusual.
const input = (path: string, pixels: number): Sharp =>
  sharp(path, { ignoreIcc: true, sequentialRead: true, failOn: 'error', limitInputPixels: pixels })

/**
 * Reads the header of a picture. With `values`, a palette gives its indices instead of its colours.
 * @throws SOURCE_CORRUPT, SOURCE_UNSUPPORTED, TOO_LARGE
 */
export async function readPictureHeader(path: string, values = false): Promise<PictureHeader> {
  let found: Metadata
  try {
    found = await input(path, 2 ** 50).metadata()
  } catch (error) {
    throw broken(path, error)
  }
  const { space, depth, width, height } = found
  const format = FORMATS[found.format ?? '']
  if (format === undefined || (found.pages ?? 1) > 1) {
    throw new FlagstoneError(
      'SOURCE_UNSUPPORTED',
      `${path} is ${format === undefined ? `a ${found.format} file` : 'an animation'}, which is not supported; convert it with gdal_translate`,
      { path },
    )
  }
  const isPalette = format === 'PNG' && found.isPalette
  const kind = values && isPalette ? 'index' : kindOf(space)
  const hasAlpha = found.hasAlpha && kind !== 'index'
  // AVIF of 10 and 12 bits is decoded to 8 bits
  const bits = depth === 'ushort' && format === 'PNG' ? 16 : 8
  const samples = SAMPLES[kind] + (hasAlpha ? 1 : 0)
  const bytes = width * height * samples * (bits / 8)
  if (bytes > MAX_BYTES) {
    throw new FlagstoneError(
      'TOO_LARGE',
      `${path} (${width}×${height}) takes ${Math.round(bytes / 1e6)} MB when decoded, and ${format} can only be decoded as a whole (up to ${MAX_BYTES / 1e6} MB); convert it with gdal_translate -of COG`,
      { path },
    )
  }
  return { format, width, height, kind, hasAlpha, bits, samples, isPalette }
}

const SAMPLES = { cmyk: 4, rgb: 3, grey: 1, index: 1 } as const

const kindOf = (space: string): 'grey' | 'rgb' | 'cmyk' =>
  space === 'cmyk' ? 'cmyk' : space === 'b-w' || space === 'grey16' ? 'grey' : 'rgb'

/** Decodes all samples, interleaved. @throws SOURCE_CORRUPT */
export async function decodePicture(path: string, header: PictureHeader): Promise<Uint8Array | Uint16Array> {
  const { width, height, kind, bits, samples } = header
  const pixels = width * height
  let picture = input(path, pixels)
  let decoded: { data: Buffer; info: { width: number; height: number; channels: number } }
  try {
    if (kind === 'index') return await readPngIndices(path, width, height)
    if (bits === 16) picture.toColourspace(kind === 'grey' ? 'grey16' : 'rgb16').raw({ depth: 'ushort' })
    else {
      if (kind === 'cmyk') picture = picture.pipelineColourspace('cmyk')
      // when asked for grey, sharp drops the alpha
      picture.toColourspace(kind === 'cmyk' ? 'cmyk' : samples === 1 ? 'b-w' : 'srgb').raw({ depth: 'uchar' })
    }
    decoded = await picture.toBuffer({ resolveWithObject: true })
  } catch (error) {
    throw broken(path, error)
  }
  const { data, info } = decoded
  const isAsSaid = info.width === width && info.height === height
  if (isAsSaid && kind === 'grey' && samples === 2 && info.channels === 4) return greyWithAlpha(data, pixels)
  if (!isAsSaid || info.channels !== samples) {
    throw broken(
      path,
      new Error(`it decodes to ${info.width}×${info.height} pixels of ${info.channels} samples`),
    )
  }
  return bits === 8 ? data : new Uint16Array(data.buffer, data.byteOffset, pixels * samples)
}

/** With alpha, sharp returns grey as three equal samples. */
function greyWithAlpha(data: Uint8Array, pixels: number): Uint8Array {
  const out = new Uint8Array(2 * pixels)
  for (let i = 0, s = 0, o = 0; i < pixels; i++, s += 4, o += 2) {
    out[o] = data[s]!
    out[o + 1] = data[s + 3]!
  }
  return out
}

function broken(path: string, error: unknown): FlagstoneError {
  const why = String((error as Error).message)
    .split('\n')[0]!
    .trim()
  return new FlagstoneError(
    'SOURCE_CORRUPT',
    `${path} cannot be decoded (${why}); it is truncated or damaged, get a complete copy`,
    { path, cause: error },
  )
}
