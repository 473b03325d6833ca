// Encodes large pictures to files off the main thread: all loops over pixels are left to sharp.
//
// Invariant: samples are encoded unchanged; only redundant channels are left out.
import { TileType } from '../../format/tile-type.js'
import { sharp } from '../sharp.js'
import { defaultQuality, type EncodedTile } from './codec.js'
import type { ImageFormat } from './image-format.js'

/** Interleaved channels, row by row. Of two or four channels, the last is alpha. */
export interface RawPicture {
  readonly width: number
  readonly height: number
  readonly channels: 1 | 2 | 3 | 4
  readonly data: Uint8Array
  /** Whether alpha is 255 everywhere, or there is no alpha. */
  readonly isOpaque: boolean
  /** Whether red, green and blue are equal everywhere. */
  readonly isGrey: boolean
}

export interface PictureEncoding {
  readonly format: ImageFormat
  /** 1…100. */
  readonly quality?: number | undefined
  readonly lossless?: boolean | undefined
}

/** Pictures of more pixels are compressed with less effort: twice as fast, for 5 to 10 % more bytes. */
const LARGE = 2 ** 21

/** Encodes a picture. @throws TypeError when a picture with alpha is to become JPEG */
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
