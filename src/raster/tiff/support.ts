// What we can decode, and one clear sentence for what we cannot (yet). Asked before any block is read.
import { FlagstoneError } from '../../errors.js'
import { canDecompress, isPictureCodec } from './decompress.js'
import type { ImageLayout } from './layout.js'
import { Compression, compressionName, Photometric, photometricName } from './tags.js'

const KINDS: Readonly<Record<ImageLayout['sampleFormat'], string>> = {
  uint: '',
  int: ' signed integer',
  float: ' floating-point',
  complex: ' complex',
}

/** Why this image cannot be decoded, with the way out; undefined when it can. */
export function unsupported(layout: ImageLayout): string | undefined {
  const { bitsPerSample: bits, sampleFormat, compression, photometric, samplesPerPixel } = layout
  if (!canDecompress(compression)) {
    return `${compressionName(compression)} compression is not supported; rewrite it with gdal_translate -co COMPRESS=DEFLATE -co TILED=YES`
  }
  if (sampleFormat !== 'uint' || bits > 8) {
    return `${bits}-bit${KINDS[sampleFormat]} samples are not supported yet; make 8-bit ones with gdal_translate -scale -ot Byte`
  }
  const isPicture = isPictureCodec(compression)
  if (photometric === Photometric.Palette) {
    if (layout.colorMap === undefined || layout.colorMap.length < 3 * 2 ** bits) {
      return 'it says that it has a palette but holds none; make it RGB with gdal_translate -expand rgb'
    }
  } else if (photometric === Photometric.YCbCr ? !isPicture : photometric > Photometric.TransparencyMask) {
    return `${compressionName(compression)} ${photometricName(photometric)} images are not supported; rewrite it with gdal_translate, which makes it RGB`
  }
  if (photometric === Photometric.Rgb && samplesPerPixel < 3) {
    return `it says RGB but has ${samplesPerPixel} bands; rewrite it with gdal_translate`
  }
  if (isPicture && bits !== 8) return `${bits}-bit ${compressionName(compression)} is not supported`
  if (compression === Compression.Webp && (layout.planar || samplesPerPixel < 3 || samplesPerPixel > 4)) {
    return `WebP with ${samplesPerPixel} bands is not supported; rewrite it with gdal_translate -co COMPRESS=DEFLATE`
  }
  const inBlock = layout.planar ? 1 : samplesPerPixel
  if (compression === Compression.Jpeg && inBlock !== 1 && inBlock !== 3 && inBlock !== 4) {
    return `JPEG with ${inBlock} interleaved bands is not supported; rewrite it with gdal_translate -co COMPRESS=DEFLATE`
  }
  if (!isPicture && (layout.predictor > 2 || (layout.predictor === 2 && bits !== 8))) {
    return `predictor ${layout.predictor} with ${bits}-bit samples is not supported; rewrite it with gdal_translate -co PREDICTOR=1`
  }
  return undefined
}

/** Throws SOURCE_UNSUPPORTED. */
export function requireSupported(path: string, layout: ImageLayout): void {
  const why = unsupported(layout)
  if (why !== undefined) throw new FlagstoneError('SOURCE_UNSUPPORTED', `${path}: ${why}`, { path })
}
