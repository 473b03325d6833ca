// One image of a TIFF as checked, plain numbers: size, sample format, and the division into blocks with their offsets.
//
// Invariants: every size is a positive integer; a block decodes to at most MAX_BLOCK_BYTES; there are at most
// MAX_BLOCKS blocks; `offsets` and `counts` have one value for each. support.ts decides whether the image can be
// decoded.

import { FlagstoneError } from '../../../errors.js'
import { bytesPerSample } from '../../view/sample-array.js'
import { type CodecTags, readCodecTags } from '../codecs/codec-tags.js'
import { codecKind } from '../codecs/coding.js'
import type { ByteSource } from '../file/byte-source.js'
import type { Ifd } from '../file/structure.js'
import { Compression, Photometric, Tag } from '../file/tags.js'
import { DEFAULT_LUMA, DEFAULT_REFERENCE, type YCbCr } from '../samples/ycbcr.js'
import { corrupt, cutStrips, positive, readBlocks, readShape, tooLarge } from './blocks.js'
import { sampleTypeOf } from './sample-type.js'

/** Decoding a larger block would exceed the memory bound. */
const MAX_BLOCK_BYTES = 192 * 2 ** 20

export interface ImageLayout {
  readonly width: number
  readonly height: number
  readonly samplesPerPixel: number
  readonly bitsPerSample: number
  readonly sampleFormat: 'uint' | 'int' | 'float' | 'complex'
  readonly photometric: number
  readonly compression: number
  readonly predictor: number
  /** Each block holds one plane, instead of all samples interleaved. */
  readonly planar: boolean
  readonly littleEndian: boolean
  /** FillOrder 2: the bits of each byte are reversed. */
  readonly reversedBits: boolean
  readonly tiled: boolean
  readonly blockWidth: number
  /** Rows per block. The last strip may have fewer; the last row of tiles does not. */
  readonly blockHeight: number
  readonly blocksAcross: number
  readonly blocksDown: number
  /** File offset of each block, row by row (and plane by plane when planar). Offset 0 with count 0: not stored. */
  readonly offsets: Float64Array
  readonly counts: Float64Array
  readonly extraSamples: readonly number[]
  readonly colorMap: Float64Array | undefined
  readonly codecTags: CodecTags
  /** For YCbCr data units that we unpack ourselves, not for JPEG. */
  readonly ycbcr: YCbCr | undefined
  /** Bit 0: reduced image (overview), bit 2: transparency mask. */
  readonly subfileType: number
}

const FORMATS = ['uint', 'uint', 'int', 'float', 'uint', 'complex', 'complex'] as const

async function readDepth(source: ByteSource, ifd: Ifd, samples: number): Promise<number> {
  const bits = (await ifd.numbers(Tag.BitsPerSample, samples)) ?? Float64Array.of(1)
  const depth = positive(source, bits[0], 'number of bits per sample')
  if (bits.every((b) => b === depth)) return depth
  throw new FlagstoneError(
    'SOURCE_UNSUPPORTED',
    `${source.name} has bands of different depths (${[...bits.subarray(0, 8)].join(', ')} bits), which is not supported; convert it with gdal_translate -ot Byte`,
  )
}

async function readFormat(
  source: ByteSource,
  ifd: Ifd,
  samples: number,
): Promise<ImageLayout['sampleFormat']> {
  const codes = (await ifd.numbers(Tag.SampleFormat, samples)) ?? Float64Array.of(1)
  const formats = new Set([...codes].map((code) => FORMATS[code] ?? 'uint'))
  if (formats.size > 1) {
    throw new FlagstoneError(
      'SOURCE_UNSUPPORTED',
      `${source.name} has bands of different kinds (${[...formats].join(', ')}), which is not supported; convert it with gdal_translate -ot Float32`,
    )
  }
  return [...formats][0]!
}

/** Number of colour samples by photometric. Other photometrics may have any number. */
const COLOURS: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3 }

/** One value per sample that is not a colour. As in libtiff, missing values are 0 (unspecified). */
function extraSamplesOf(photometric: number, samples: number, said: readonly number[]): readonly number[] {
  const missing = samples - (COLOURS[photometric] ?? samples) - said.length
  return missing > 0 ? [...said, ...new Array<number>(missing).fill(0)] : said
}

async function readYCbCr(ifd: Ifd): Promise<YCbCr> {
  const [across, down] = (await ifd.numbers(Tag.YCbCrSubsampling, 2)) ?? [2, 2]
  const luma = (await ifd.numbers(Tag.YCbCrCoefficients, 3)) ?? DEFAULT_LUMA
  const reference = (await ifd.numbers(Tag.ReferenceBlackWhite, 6)) ?? DEFAULT_REFERENCE
  return {
    across: across ?? 2,
    down: down ?? 2,
    luma: [luma[0] ?? 0, luma[1] ?? 0, luma[2] ?? 0],
    reference: [...reference],
  }
}

/** Reads and checks one directory. @throws SOURCE_CORRUPT, TOO_LARGE */
export async function readLayout(source: ByteSource, ifd: Ifd, littleEndian: boolean): Promise<ImageLayout> {
  const samplesPerPixel = positive(source, (await ifd.number(Tag.SamplesPerPixel)) ?? 1, 'number of samples')
  if (samplesPerPixel > 65535) throw corrupt(source, `it claims ${samplesPerPixel} samples per pixel`)
  const bitsPerSample = await readDepth(source, ifd, samplesPerPixel)
  const planar = (await ifd.number(Tag.PlanarConfiguration)) === 2 && samplesPerPixel > 1
  const planes = planar ? samplesPerPixel : 1
  const compression = (await ifd.number(Tag.Compression)) ?? Compression.None
  const sampleFormat = await readFormat(source, ifd, samplesPerPixel)
  const photometric = (await ifd.number(Tag.Photometric)) ?? (samplesPerPixel >= 3 ? 2 : 1)
  const ycbcr =
    photometric === Photometric.YCbCr && codecKind(compression) === 'bytes' ? await readYCbCr(ifd) : undefined
  const shape = await readShape(source, ifd, bitsPerSample * (planar ? 1 : samplesPerPixel))
  const blocksAcross = Math.ceil(shape.width / shape.blockWidth)
  const stripsDown = Math.ceil(shape.height / shape.blockHeight)
  const needed = blocksAcross * stripsDown * planes
  let blocks = await readBlocks(source, ifd, shape, { needed, compression, ycbcr })
  const isCuttable = !shape.tiled && compression === Compression.None && ycbcr === undefined
  if (isCuttable) blocks = cutStrips(shape, planes, blocks)
  const type = sampleTypeOf({ sampleFormat, bitsPerSample })
  const decoded =
    shape.blockWidth * (planar ? 1 : samplesPerPixel) * (type === undefined ? 1 : bytesPerSample(type))
  if (Math.max(shape.rowBytes, decoded) * blocks.blockHeight > MAX_BLOCK_BYTES) {
    throw tooLarge(
      source,
      `has blocks of ${shape.blockWidth}×${blocks.blockHeight} pixels, more than can be decoded in bounded memory`,
    )
  }
  const oldType = await ifd.number(Tag.OldSubfileType)
  return {
    width: shape.width,
    height: shape.height,
    samplesPerPixel,
    bitsPerSample,
    sampleFormat,
    photometric,
    compression,
    predictor: (await ifd.number(Tag.Predictor)) ?? 1,
    planar,
    littleEndian,
    reversedBits: (await ifd.number(Tag.FillOrder)) === 2,
    tiled: shape.tiled,
    blockWidth: shape.blockWidth,
    blockHeight: blocks.blockHeight,
    blocksAcross,
    blocksDown: Math.ceil(shape.height / blocks.blockHeight),
    offsets: blocks.offsets,
    counts: blocks.counts,
    extraSamples: extraSamplesOf(photometric, samplesPerPixel, [
      ...((await ifd.numbers(Tag.ExtraSamples, samplesPerPixel)) ?? []),
    ]),
    colorMap: await ifd.numbers(Tag.ColorMap, 3 * 65536),
    codecTags: await readCodecTags(source, ifd, compression),
    ycbcr,
    subfileType: (await ifd.number(Tag.NewSubfileType)) ?? (oldType === 2 ? 1 : 0),
  }
}
