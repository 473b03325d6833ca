// Large pictures to files, off the main thread: whatever goes over all pixels is left to sharp.
//
// Invariant: the caller's samples are those that are encoded; only channels that say nothing are left out.
import { TileType } from '../../format/tile-type.js'
import { sharp } from '../sharp.js'
import { defaultQuality, type EncodedTile } from './codec.js'
import type { ImageFormat } from './image-format.js'

/** Channels interleaved, row by row; the last of two and of four is alpha. */
export interface RawPicture {
  readonly width: number
  readonly height: number
  readonly channels: 1 | 2 | 3 | 4
  readonly data: Uint8Array
  /** Alpha is 255 everywhere, or there is none. */
  readonly isOpaque: boolean
  /** Red, green and blue are the same everywhere. */
  readonly isGrey: boolean
}

export interface PictureEncoding {
  readonly format: ImageFormat
  /** 1…100. */
  readonly quality?: number | undefined
  readonly lossless?: boolean | undefined
}

/** More than this many pixels are packed with less effort: twice the speed for 5 to 10 % more bytes. */
const LARGE = 2 ** 21

/** @throws TypeError when a picture with alpha is to be JPEG */
export async function encodePicture(picture: RawPicture, encoding: PictureEncoding): Promise<EncodedTile> {
  const { width, height, channels, data, isOpaque, isGrey } = picture
  const { format, quality = defaultQuality(format), lossless = false } = encoding
  if (format === 'jpeg' && !isOpaque)
    throw new TypeError('JPEG has no transparency: give a background colour')
  const raw = sharp(data, { raw: { width, height, channels } })
  const hasAlpha = channels % 2 === 0
  const solid = hasAlpha && isOpaque ? raw.removeAlpha() : raw
  const isOne = channels < 3 || (isGrey && isOpaque)
  const image = (channels > 2 && isOne ? solid.extractChannel(0) : solid).toColourspace(
    isOne ? 'b-w' : 'srgb',
  )
  return { type: TileType[format], bytes: await written().toBuffer() }

  function written(): typeof image {
    const isLarge = width * height > LARGE
    switch (format) {
      case 'jpeg':
        return image.jpeg({ quality, optimiseCoding: false, chromaSubsampling: '4:2:0' })
      case 'png':
        return image.png({ compressionLevel: isLarge ? 2 : 6, palette: false, adaptiveFiltering: !isLarge })
      case 'webp':
        return image.webp({ quality, lossless, exact: lossless, effort: 0 })
      case 'avif':
        return image.avif({ quality, lossless, effort: 0, chromaSubsampling: '4:2:0' })
    }
  }
}
