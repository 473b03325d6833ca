// Describes a TIFF's samples from its tags, for view.ts: which are colours, which one is alpha, palettes, inverted
// grey, CMYK, scale and offset.
import type { StoredSamples } from '../../source.js'
import type { Palette, StoredLook } from '../../view/view-choice.js'
import { isPictureCodec, isSampleCodec } from '../codecs/coding.js'
import { Photometric } from '../file/tags.js'
import type { BandRoles } from './band-roles.js'
import type { ImageLayout } from './layout.js'
import { sampleTypeOf } from './sample-type.js'

/**
 * The palette of a ColorMap tag: all reds, then greens, then blues, 16 bits each. Some writers left the values at 8
 * bits, others multiplied by 256 instead of 257.
 */
function paletteOf(map: Float64Array, bits: number): Palette {
  const size = 2 ** bits
  const divisor = map.every((v) => v < 256) ? 1 : map.every((v) => v % 256 === 0) ? 256 : 257
  const rgb = new Uint8Array(size * 3)
  for (let i = 0; i < size; i++) {
    for (let b = 0; b < 3; b++) rgb[i * 3 + b] = Math.round((map[b * size + i] ?? 0) / divisor)
  }
  const isGrey = rgb.every((v, i) => v === rgb[i - (i % 3)])
  return isGrey ? { bands: 1, table: rgb.filter((_, i) => i % 3 === 0) } : { bands: 3, table: rgb }
}

/** ExtraSamples of sample `s`: 1 associated alpha, 2 unassociated alpha, 0 anything else. */
function alphaKind(layout: ImageLayout, s: number): number {
  const firstExtra = layout.samplesPerPixel - layout.extraSamples.length
  return layout.extraSamples[s - firstExtra] ?? 0
}

/** Whether the samples are CMYK. With fewer or other inks, the samples are used as they are. */
export const isCmyk = (layout: ImageLayout): boolean =>
  layout.photometric === Photometric.Cmyk && layout.samplesPerPixel >= 4 && alphaKind(layout, 3) === 0

/** Sample numbers of the file's own picture, as in GDAL's colour interpretation. */
function coloursOf(layout: ImageLayout, roles: BandRoles): readonly number[] {
  const { photometric, samplesPerPixel } = layout
  if (photometric === Photometric.Palette) return [0]
  if (isCmyk(layout)) return [0, 1, 2, 3]
  const named = ['Red', 'Green', 'Blue'].map((name) => roles.names.indexOf(name))
  if (named.every((s) => s >= 0 && s < samplesPerPixel)) return named
  const isGrey =
    photometric === Photometric.MinIsWhite ||
    samplesPerPixel < 3 ||
    alphaKind(layout, 1) > 0 ||
    alphaKind(layout, 2) > 0
  return isGrey ? [0] : [0, 1, 2]
}

function isCalledColours({ photometric }: ImageLayout, { names }: BandRoles): boolean {
  const isNamed = ['Red', 'Green', 'Blue'].every((name) => names.includes(name))
  return isNamed || [Photometric.Rgb, Photometric.YCbCr, Photometric.Cmyk].includes(photometric as 2)
}

/** Describes the samples of a supported image. `nodata` is the file's own value. */
export function lookOf(layout: ImageLayout, roles: BandRoles, nodata: number | undefined): StoredLook {
  const { samplesPerPixel, bitsPerSample, photometric } = layout
  const colours = coloursOf(layout, roles)
  let alpha: number | undefined
  for (let s = 1; s < samplesPerPixel && alpha === undefined; s++) {
    if (!colours.includes(s) && alphaKind(layout, s) > 0) alpha = s
  }
  const isPalette = photometric === Photometric.Palette
  const stored: StoredSamples = {
    type: isPictureCodec(layout.compression) ? 'uint8' : sampleTypeOf(layout)!,
    bits: isPictureCodec(layout.compression) ? 8 : bitsPerSample,
    bands: samplesPerPixel - (alpha === undefined ? 0 : 1),
    hasAlpha: alpha !== undefined,
    ...(alpha === undefined || alpha === samplesPerPixel - 1 ? {} : { alphaBand: alpha + 1 }),
    palette: isPalette,
    ...(isPalette || isCalledColours(layout, roles) ? { isColour: true } : {}),
    ...(nodata === undefined ? {} : { nodata }),
    ...(roles.units.length === 0 ? {} : { units: roles.units }),
    ...(roles.scales.length === 0 ? {} : { scales: scalesOf(roles, samplesPerPixel) }),
  }
  return {
    stored,
    colours,
    ...(alpha === undefined ? {} : { alpha, premultiplied: alphaKind(layout, alpha) === 1 }),
    inverted: photometric === Photometric.MinIsWhite,
    ...(isPalette ? { palette: paletteOf(layout.colorMap!, bitsPerSample) } : {}),
    cmyk: isCmyk(layout),
    validity: isSampleCodec(layout.compression),
  }
}

const scalesOf = (roles: BandRoles, samples: number): { scale: number; offset: number }[] =>
  Array.from({ length: samples }, (_, s) => roles.scales[s] ?? { scale: 1, offset: 0 })
