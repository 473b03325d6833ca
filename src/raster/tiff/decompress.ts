// Compressed bytes of a block → its bytes as TIFF describes them. Byte codecs (LZW, DEFLATE, …) give packed
// rows; picture codecs (JPEG, WebP) give 8-bit samples. Invariants: output never exceeds what the block's
// shape asks for, fewer bytes than that are a Problem, and so is anything a decoder complains about.
import { constants, inflateSync } from 'node:zlib'
import sharp, { type OutputInfo } from 'sharp'
import { completeJpeg } from './jpeg.js'
import { decodeLzw } from './lzw.js'
import { decodePackBits } from './packbits.js'
import { Problem } from './problem.js'
import { Compression } from './tags.js'
import { decodeZstd } from './zstd.js'

// Blocks are decoded once and several at a time: libvips' own cache and threads would only be in the way.
sharp.cache(false)
sharp.concurrency(1)

/** What a block must come out as. */
export interface BlockShape {
  readonly width: number
  readonly rows: number
  /** Rows of a whole block: pictures of the last strip may be padded to this. */
  readonly fullRows: number
  /** Samples interleaved in the block: 1 when planar. */
  readonly samples: number
  /** Bytes of `rows` packed rows. */
  readonly bytes: number
}

export interface Codec {
  readonly compression: number
  readonly jpegTables: Uint8Array | undefined
  readonly ycbcr: boolean
}

const PICTURES: readonly number[] = [Compression.Jpeg, Compression.Webp]
const BYTES: readonly number[] = [
  Compression.None,
  Compression.Lzw,
  Compression.PackBits,
  Compression.Deflate,
  Compression.OldDeflate,
  Compression.Zstd,
]

/** Picture codecs give samples (already without predictor and packing); byte codecs give packed rows. */
export const isPictureCodec = (compression: number): boolean => PICTURES.includes(compression)
export const canDecompress = (compression: number): boolean =>
  PICTURES.includes(compression) || BYTES.includes(compression)

/** Synchronous: handing 300 KB to another thread and back costs more than it saves beside other workers. Throws Problem. */
export function decompressBytes(codec: Codec, input: Uint8Array, shape: BlockShape): Uint8Array {
  switch (codec.compression) {
    case Compression.None:
      return enough(input, input.length, shape)
    case Compression.Lzw:
      return into(decodeLzw, input, shape)
    case Compression.PackBits:
      return into(decodePackBits, input, shape)
    case Compression.Zstd:
      return into(decodeZstd, input, shape)
    default:
      return inflate(input, shape)
  }
}

function enough(bytes: Uint8Array, length: number, shape: BlockShape): Uint8Array {
  if (length < shape.bytes) {
    throw new Problem(`its data ends after ${length} of ${shape.bytes} bytes`)
  }
  return bytes.subarray(0, shape.bytes)
}

function into(
  decode: (bytes: Uint8Array, out: Uint8Array) => number,
  input: Uint8Array,
  shape: BlockShape,
): Uint8Array {
  const out = new Uint8Array(shape.bytes)
  return enough(out, decode(input, out), shape)
}

function inflate(input: Uint8Array, shape: BlockShape): Uint8Array {
  try {
    const out = inflateSync(input, {
      // One output buffer instead of 16 KiB pieces; a byte more than needed, so that it is never found full.
      chunkSize: Math.max(64, shape.bytes + 1),
      // Some writers pad the last strip to full height.
      maxOutputLength: 2 * shape.bytes + 65536,
      // Streams without their end are accepted when all pixels are there.
      finishFlush: constants.Z_SYNC_FLUSH,
    })
    return enough(out, out.length, shape)
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem(`its DEFLATE data is broken: ${(error as Error).message}`)
  }
}

/** Samples of a JPEG or WebP block, cut to its shape. Throws Problem. */
export async function decompressPicture(
  codec: Codec,
  input: Uint8Array,
  shape: BlockShape,
): Promise<Uint8Array> {
  const isJpeg = codec.compression === Compression.Jpeg
  let stream = input
  if (isJpeg) {
    const { stream: complete, header } = completeJpeg(input, codec.jpegTables, codec.ycbcr)
    if (header.components !== shape.samples || header.bits !== 8) {
      throw new Problem(
        `its JPEG stream has ${header.components} components of ${header.bits} bits, the file says ${shape.samples} of 8`,
      )
    }
    checkSize(header.width, header.height, shape)
    stream = complete
  }
  const picture = sharp(stream, {
    limitInputPixels: mostPixels(shape),
    failOn: 'warning',
    sequentialRead: true,
  })
  if (isJpeg && shape.samples === 1) picture.toColourspace('b-w')
  if (isJpeg && shape.samples === 4) picture.pipelineColourspace('cmyk').toColourspace('cmyk')
  if (!isJpeg && shape.samples === 4) picture.ensureAlpha()
  if (!isJpeg && shape.samples === 3) picture.removeAlpha()
  let decoded: { data: Buffer; info: OutputInfo }
  try {
    decoded = await picture.raw().toBuffer({ resolveWithObject: true })
  } catch (error) {
    throw new Problem(`its ${isJpeg ? 'JPEG' : 'WebP'} data is broken: ${firstLine(error)}`)
  }
  const { data, info } = decoded
  checkSize(info.width, info.height, shape)
  if (info.channels !== shape.samples) throw new Problem(`it holds ${info.channels} bands`)
  // Four components pass as Adobe CMYK, which the decoder turns upside down.
  if (isJpeg && shape.samples === 4) for (let i = 0; i < data.length; i++) data[i] = 255 - data[i]!
  return cut(data, info.width, shape)
}

const firstLine = (error: unknown): string =>
  String((error as Error).message)
    .split('\n')[0]!
    .trim()

/** A block's picture is its own size, or padded: to the full strip, or to whole JPEG blocks. */
const mostPixels = (shape: BlockShape): number => (shape.width + 32) * (shape.fullRows + 32)

function checkSize(width: number, height: number, shape: BlockShape): void {
  if (width < shape.width || height < shape.rows || width * height > mostPixels(shape)) {
    throw new Problem(
      `it holds a picture of ${width}×${height} pixels instead of ${shape.width}×${shape.rows}`,
    )
  }
}

function cut(data: Uint8Array, width: number, shape: BlockShape): Uint8Array {
  const rowBytes = shape.width * shape.samples
  if (width === shape.width) return data.subarray(0, rowBytes * shape.rows)
  const out = new Uint8Array(rowBytes * shape.rows)
  for (let y = 0; y < shape.rows; y++) {
    const from = y * width * shape.samples
    out.set(data.subarray(from, from + rowBytes), y * rowBytes)
  }
  return out
}
