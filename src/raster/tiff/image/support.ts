// Checks whether an image can be decoded before any block is read, with one clear sentence if it cannot.
import { FlagstoneError } from '../../../errors.js'
import { isPictureCodec, unsupportedCoding } from '../codecs/coding.js'
import { compressionName, Photometric, photometricName } from '../file/tags.js'
import { isCmyk } from './colour.js'
import type { ImageLayout } from './layout.js'
import { sampleTypeOf } from './sample-type.js'
import { usesPredictor } from './samples.js'

const KINDS: Readonly<Record<ImageLayout['sampleFormat'], string>> = {
  uint: ' unsigned integer',
  int: ' signed integer',
  float: ' floating-point',
  complex: ' complex',
}

/** Why this image cannot be decoded, and what to do; undefined when it can. */
export function unsupported(layout: ImageLayout): string | undefined {
  return unsupportedSamples(layout) ?? unsupportedCoding(layout) ?? unsupportedColours(layout)
}

function unsupportedSamples(layout: ImageLayout): string | undefined {
  const { bitsPerSample: bits, sampleFormat, predictor } = layout
  if (sampleFormat === 'complex') {
    return 'complex samples are not supported; convert them to real numbers first, for example with gdal_translate -ot Float32 (the real part) or gdal_calc.py (the magnitude)'
  }
  if (sampleTypeOf(layout) === undefined) {
    return `${bits}-bit${KINDS[sampleFormat]} samples are not supported; convert them with gdal_translate -ot Float32`
  }
  if (!usesPredictor(layout) || predictor === 2 || (predictor === 3 && sampleFormat === 'float'))
    return undefined
  return `predictor ${predictor} with ${bits}-bit${KINDS[sampleFormat]} samples is not supported; rewrite it with gdal_translate -co PREDICTOR=1`
}

function unsupportedColours(layout: ImageLayout): string | undefined {
  const { bitsPerSample: bits, sampleFormat, photometric, samplesPerPixel, ycbcr } = layout
  const kind = `${compressionName(layout.compression)} ${photometricName(photometric)} images`
  const rgb = 'rewrite it with gdal_translate, which makes it RGB'
  if (photometric === Photometric.Palette) {
    if (layout.colorMap === undefined || layout.colorMap.length < 3 * 2 ** bits) {
      return 'its palette is missing; convert it to RGB with gdal_translate -expand rgb'
    }
    if (sampleFormat !== 'uint') return `palettes of${KINDS[sampleFormat]} samples are not valid; ${rgb}`
    return undefined
  }
  if (photometric === Photometric.Rgb && samplesPerPixel < 3) {
    return `it says RGB but has ${samplesPerPixel} bands; rewrite it with gdal_translate`
  }
  if (photometric === Photometric.Cmyk) {
    if (!isCmyk(layout)) return `${kind} of ${samplesPerPixel} inks are not supported; ${rgb}`
    if (sampleFormat === 'int')
      return `${kind} of ${bits}-bit${KINDS[sampleFormat]} samples are not supported; ${rgb}`
    return undefined
  }
  if (photometric === Photometric.YCbCr) {
    if (isPictureCodec(layout.compression)) return undefined
    const isKnown =
      ycbcr !== undefined &&
      [1, 2, 4].includes(ycbcr.across) &&
      [1, 2, 4].includes(ycbcr.down) &&
      ycbcr.luma[1] > 0 &&
      ycbcr.reference.length === 6
    if (isKnown && bits === 8 && sampleFormat === 'uint' && samplesPerPixel === 3 && !layout.planar)
      return undefined
    return `such ${kind} are not supported; ${rgb}`
  }
  if (photometric > Photometric.TransparencyMask) return `${kind} are not supported; ${rgb}`
  return undefined
}

/** @throws SOURCE_UNSUPPORTED when the image cannot be decoded */
export function requireSupported(path: string, layout: ImageLayout): void {
  const why = unsupported(layout)
  if (why !== undefined) throw new FlagstoneError('SOURCE_UNSUPPORTED', `${path}: ${why}`, { path })
}
