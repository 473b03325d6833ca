// One image of a TIFF as checked, plain numbers: size, sample format, how it is cut into blocks, and where
// the blocks lie. Invariants: every size is a positive integer, a block decodes to at most MAX_BLOCK_BYTES,
// there are at most MAX_BLOCKS of them, and `offsets`/`counts` have one value for each.
// Nothing here decides whether we can decode the image; see support.ts for that.
import { FlagstoneError } from '../../../errors.js'
import { bytesPerSample } from '../../view/sample-array.js'
import { type CodecTags, readCodecTags } from '../codecs/codec-tags.js'
import { codecKind } from '../codecs/coding.js'
import type { ByteSource } from '../file/byte-source.js'
import type { Ifd } from '../file/structure.js'
import { Compression, Photometric, Tag } from '../file/tags.js'
import { DEFAULT_LUMA, DEFAULT_REFERENCE, unitBytes, type YCbCr } from '../samples/ycbcr.js'
import { sampleTypeOf } from './sample-type.js'

/** A block larger than this cannot be decoded within the memory we promise. */
const MAX_BLOCK_BYTES = 192 * 2 ** 20
const MAX_BLOCKS = 2 ** 23
const MAX_SIZE = 2 ** 31 - 1
/** Long uncompressed strips are read in pieces of about this size. */
const PIECE_BYTES = 2 ** 18

export interface ImageLayout {
  readonly width: number
  readonly height: number
  readonly samplesPerPixel: number
  readonly bitsPerSample: number
  readonly sampleFormat: 'uint' | 'int' | 'float' | 'complex'
  readonly photometric: number
  readonly compression: number
  readonly predictor: number
  /** One plane a block instead of all samples interleaved. */
  readonly planar: boolean
  readonly littleEndian: boolean
  /** FillOrder 2: the bits of each byte lie in reverse. */
  readonly reversedBits: boolean
  readonly tiled: boolean
  readonly blockWidth: number
  /** Rows of a block; the last strip may have fewer, the last row of tiles never. */
  readonly blockHeight: number
  readonly blocksAcross: number
  readonly blocksDown: number
  /** File position of each block, row by row (plane by plane when planar); 0 with count 0: not stored. */
  readonly offsets: Float64Array
  readonly counts: Float64Array
  readonly extraSamples: readonly number[]
  readonly colorMap: Float64Array | undefined
  readonly codecTags: CodecTags
  /** Of YCbCr whose data units we have to take apart ourselves: not of JPEG. */
  readonly ycbcr: YCbCr | undefined
  /** Bit 0: reduced image (overview), bit 2: transparency mask. */
  readonly subfileType: number
}

function corrupt(source: ByteSource, what: string): FlagstoneError {
  return new FlagstoneError(
    'SOURCE_CORRUPT',
    `${source.name} is damaged: ${what}; get a complete copy of the file`,
  )
}

function tooLarge(source: ByteSource, what: string): FlagstoneError {
  return new FlagstoneError(
    'TOO_LARGE',
    `${source.name} ${what}; re-tile it, for example with gdal_translate -co TILED=YES -co COMPRESS=DEFLATE`,
  )
}

const FORMATS = ['uint', 'uint', 'int', 'float', 'uint', 'complex', 'complex'] as const

interface Shape {
  readonly tiled: boolean
  readonly width: number
  readonly height: number
  readonly blockWidth: number
  readonly blockHeight: number
  /** Bytes of one row of a block, decoded. */
  readonly rowBytes: number
}

function positive(source: ByteSource, value: number | undefined, what: string): number {
  if (value === undefined || !Number.isInteger(value) || value < 1 || value > MAX_SIZE) {
    throw corrupt(source, `its ${what} is ${value ?? 'missing'}`)
  }
  return value
}

async function readShape(source: ByteSource, ifd: Ifd, bitsPerPixel: number): Promise<Shape> {
  const width = positive(source, await ifd.number(Tag.ImageWidth), 'width')
  const height = positive(source, await ifd.number(Tag.ImageLength), 'height')
  const tiled = ifd.has(Tag.TileWidth) || ifd.has(Tag.TileOffsets)
  let blockWidth = width
  let blockHeight = height
  if (tiled) {
    blockWidth = positive(source, await ifd.number(Tag.TileWidth), 'tile width')
    blockHeight = positive(source, await ifd.number(Tag.TileLength), 'tile height')
  } else {
    // Missing, or 2³²−1 for "all of them".
    const rows = await ifd.number(Tag.RowsPerStrip)
    if (rows !== undefined && rows < height) blockHeight = positive(source, rows, 'number of rows per strip')
  }
  return {
    tiled,
    width,
    height,
    blockWidth,
    blockHeight,
    rowBytes: Math.ceil((blockWidth * bitsPerPixel) / 8),
  }
}

/** The largest divisor of `n` that is ≤ `limit`. */
function divisorBelow(n: number, limit: number): number {
  for (let d = Math.min(n, Math.max(1, limit)); d > 1; d--) if (n % d === 0) return d
  return 1
}

interface Blocks {
  readonly blockHeight: number
  readonly offsets: Float64Array
  readonly counts: Float64Array
}

/** Strips without compression can be read from any row on: cut long ones, so that a window needs only its rows. */
function cutStrips(shape: Shape, planes: number, blocks: Blocks): Blocks {
  const { height, rowBytes } = shape
  const rows = blocks.blockHeight
  if (rows * rowBytes <= 4 * PIECE_BYTES) return blocks
  const wanted = Math.max(1, Math.floor(PIECE_BYTES / rowBytes))
  const piece = rows >= height ? Math.min(wanted, rows) : divisorBelow(rows, wanted)
  const down = Math.ceil(height / piece)
  const stripsDown = Math.ceil(height / rows)
  const offsets = new Float64Array(down * planes)
  const counts = new Float64Array(down * planes)
  for (let plane = 0; plane < planes; plane++) {
    for (let i = 0; i < down; i++) {
      const strip = plane * stripsDown + Math.floor((i * piece) / rows)
      if (blocks.counts[strip] === 0) continue
      const skip = ((i * piece) % rows) * rowBytes
      offsets[plane * down + i] = blocks.offsets[strip]! + skip
      counts[plane * down + i] = Math.min(piece, height - i * piece) * rowBytes
    }
  }
  return { blockHeight: piece, offsets, counts }
}

/** Writers of the nineties left StripByteCounts out; the next strip, or the end of the file, bounds a strip. */
function estimateCounts(source: ByteSource, offsets: Float64Array): Float64Array {
  const order = [...offsets.keys()].sort((a, b) => offsets[b]! - offsets[a]!)
  const counts = new Float64Array(offsets.length)
  let end = source.sizeBytes
  let previous = end
  for (const i of order) {
    if (offsets[i]! < previous) end = previous
    previous = offsets[i]!
    if (offsets[i]! > 0) counts[i] = Math.max(1, end - offsets[i]!)
  }
  return counts
}

/** Bytes of a block without compression that starts at row `y` of blocks: what its rows need, whatever its count says. */
function storedBytes(
  { tiled, height, blockHeight, rowBytes, blockWidth }: Shape,
  y: number,
  ycbcr?: YCbCr,
): number {
  const rows = tiled ? blockHeight : Math.min(blockHeight, height - y * blockHeight)
  return ycbcr === undefined ? rows * rowBytes : unitBytes(ycbcr, blockWidth, rows)
}

/**
 * As libtiff: without compression the counts are not looked at, because many old writers have them wrong. Only a
 * block without a place is not stored.
 */
function bareCounts(shape: Shape, offsets: Float64Array, ycbcr: YCbCr | undefined): Float64Array {
  const across = Math.ceil(shape.width / shape.blockWidth)
  const down = Math.ceil(shape.height / shape.blockHeight)
  return offsets.map((offset, i) =>
    offset === 0 ? 0 : storedBytes(shape, Math.floor(i / across) % down, ycbcr),
  )
}

interface Stored {
  readonly needed: number
  readonly compression: number
  readonly ycbcr: YCbCr | undefined
}

async function readBlocks(
  source: ByteSource,
  ifd: Ifd,
  shape: Shape,
  { needed, compression, ycbcr }: Stored,
): Promise<Blocks> {
  if (needed > MAX_BLOCKS) throw tooLarge(source, `is cut into ${needed} blocks, more than ${MAX_BLOCKS}`)
  const offsetTag = ifd.has(Tag.TileOffsets) ? Tag.TileOffsets : Tag.StripOffsets
  const countTag = ifd.has(Tag.TileByteCounts) ? Tag.TileByteCounts : Tag.StripByteCounts
  const offsets = await ifd.numbers(offsetTag, needed)
  if (offsets === undefined || offsets.length < needed) {
    throw corrupt(source, `it says where ${offsets?.length ?? 0} of its ${needed} blocks are`)
  }
  if (compression === Compression.None) {
    return { blockHeight: shape.blockHeight, offsets, counts: bareCounts(shape, offsets, ycbcr) }
  }
  let counts = await ifd.numbers(countTag, needed)
  const isForgotten = needed === 1 && counts?.[0] === 0 && offsets[0] !== 0
  if (isForgotten || (counts === undefined && needed <= 65536)) counts = estimateCounts(source, offsets)
  if (counts === undefined || counts.length < needed) {
    throw corrupt(source, `it gives the sizes of ${counts?.length ?? 0} of its ${needed} blocks`)
  }
  return { blockHeight: shape.blockHeight, offsets, counts }
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

/** Samples that are colours, by photometric; others may be any number of them. */
const COLOURS: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3 }

/** One for each sample that is no colour, as libtiff: those that nothing is said of are 0, anything. */
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
  const bits = (await ifd.numbers(Tag.BitsPerSample, samplesPerPixel)) ?? Float64Array.of(1)
  const bitsPerSample = positive(source, bits[0], 'number of bits per sample')
  if (bits.some((b) => b !== bitsPerSample)) {
    throw new FlagstoneError(
      'SOURCE_UNSUPPORTED',
      `${source.name} has bands of different depths (${[...bits.subarray(0, 8)].join(', ')} bits), which is not supported; convert it with gdal_translate -ot Byte`,
    )
  }
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
