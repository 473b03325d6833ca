// The interface of the codecs, the list of codecs, and one clear sentence for what they do not support. There are three
// kinds: byte codecs (LZW, DEFLATE, …) return packed rows as in an uncompressed TIFF (file byte order, predictor still
// applied); picture codecs (JPEG, WebP) return 8-bit samples; sample codecs (LERC) return numbers.

import type { SampleArray } from '../../view/tone.js'
import { Compression, compressionName } from '../file/tags.js'
import type { CodecTags } from './codec-tags.js'

/** The shape that a decoded block must have. */
export interface BlockShape {
  readonly width: number
  readonly rows: number
  /** Rows of a full block. The picture of the last strip may be padded to this height. */
  readonly fullRows: number
  /** Interleaved samples per pixel in the block: 1 when planar. */
  readonly samples: number
  /** Size of `rows` packed rows. */
  readonly bytes: number
}

/** What the codecs need to know of an image. An ImageLayout has it. */
export interface Codec {
  readonly compression: number
  readonly photometric: number
  readonly bitsPerSample: number
  readonly sampleFormat: 'uint' | 'int' | 'float' | 'complex'
  readonly littleEndian: boolean
  readonly codecTags: CodecTags
}
export type SampleCoding = Pick<Codec, 'bitsPerSample' | 'sampleFormat' | 'littleEndian'>

/** The result of a sample codec: interleaved samples of the file's own type in native byte order, fully decoded. */
export interface DecodedSamples {
  readonly data: SampleArray
  /** One byte per pixel, 255 where there are values. Undefined: everywhere. */
  readonly valid: Uint8Array | undefined
}

export type CodecKind = 'bytes' | 'picture' | 'samples'

const KINDS: Readonly<Record<number, CodecKind>> = {
  [Compression.None]: 'bytes',
  [Compression.CcittRle]: 'bytes',
  [Compression.CcittRleWords]: 'bytes',
  [Compression.CcittGroup3]: 'bytes',
  [Compression.CcittGroup4]: 'bytes',
  [Compression.Lzw]: 'bytes',
  [Compression.PackBits]: 'bytes',
  [Compression.Deflate]: 'bytes',
  [Compression.OldDeflate]: 'bytes',
  [Compression.Lzma]: 'bytes',
  [Compression.Zstd]: 'bytes',
  [Compression.Jpeg]: 'picture',
  [Compression.OldJpeg]: 'picture',
  [Compression.Webp]: 'picture',
  [Compression.Lerc]: 'samples',
}

/** The kind of codec, which selects the function of decompress.ts; undefined when the compression is not supported. */
export const codecKind = (compression: number): CodecKind | undefined => KINDS[compression]
export const isPictureCodec = (compression: number): boolean => codecKind(compression) === 'picture'
export const isSampleCodec = (compression: number): boolean => codecKind(compression) === 'samples'

const REWRITE = 'rewrite it with gdal_translate -co COMPRESS=DEFLATE -co TILED=YES'

interface CodedImage extends Codec {
  readonly samplesPerPixel: number
  readonly planar: boolean
  readonly predictor: number
}

/** Why the blocks of such an image cannot be decompressed, and what to do; undefined when they can. */
export function unsupportedCoding(image: CodedImage): string | undefined {
  const { compression, bitsPerSample: bits, sampleFormat } = image
  const name = compressionName(compression)
  const kind = codecKind(compression)
  if (kind === undefined) {
    return `${name}${name.startsWith('compression') ? '' : ' compression'} is not supported; ${REWRITE}`
  }
  const inBlock = image.planar ? 1 : image.samplesPerPixel
  if (kind === 'picture') {
    if (bits !== 8 || (sampleFormat !== 'uint' && sampleFormat !== 'int')) {
      return `${bits}-bit ${name} is not supported; ${REWRITE}`
    }
    if (compression === Compression.Webp) {
      if (inBlock !== 3 && inBlock !== 4) return `WebP with ${inBlock} bands is not supported; ${REWRITE}`
    } else if (inBlock > 4) {
      return `${name} with ${inBlock} interleaved bands is not supported; ${REWRITE}`
    }
    if (compression === Compression.OldJpeg && image.codecTags.oldJpeg?.process !== 1) {
      return `lossless old-style JPEG is not supported; ${REWRITE}`
    }
  }
  if (name.startsWith('CCITT') && (bits !== 1 || inBlock !== 1)) {
    return `${name} with ${inBlock} bands of ${bits} bits is not supported; ${REWRITE}`
  }
  if (kind === 'samples' && !isLercType(image)) {
    return `LERC with ${bits}-bit samples is not supported; ${REWRITE}`
  }
  return undefined
}

function isLercType({ bitsPerSample: bits, sampleFormat }: Codec): boolean {
  if (sampleFormat === 'float') return bits === 32 || bits === 64
  return sampleFormat !== 'complex' && (bits === 8 || bits === 16 || bits === 32)
}
