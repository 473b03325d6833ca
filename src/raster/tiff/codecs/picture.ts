// Decodes JPEG and WebP blocks with sharp's native decoders to 8-bit samples, cut to the block's shape.
//
// Invariants: a stream's size and bands are checked before it is decoded; the result exactly matches the block's shape.
import type { OutputInfo } from 'sharp'
import { sharp } from '../../sharp.js'
import { Problem } from '../file/problem.js'
import { Compression, Photometric } from '../file/tags.js'
import type { BlockShape, Codec } from './coding.js'
import { completeJpeg, type JpegStream } from './jpeg.js'
import { completeOldJpeg } from './old-jpeg.js'

/** The block as a complete JPEG stream; undefined for WebP. */
function jpegStream(codec: Codec, input: Uint8Array, shape: BlockShape): JpegStream | undefined {
  const { oldJpeg, jpegTables } = codec.codecTags
  const ycbcr = codec.photometric === Photometric.YCbCr
  if (codec.compression === Compression.Jpeg) return completeJpeg(input, jpegTables, ycbcr)
  if (codec.compression !== Compression.OldJpeg || oldJpeg === undefined) return undefined
  return completeJpeg(completeOldJpeg(input, oldJpeg, shape), undefined, ycbcr)
}

/** Decodes the samples of a JPEG or WebP block. @throws Problem */
export async function decompressPicture(
  codec: Codec,
  input: Uint8Array,
  shape: BlockShape,
): Promise<Uint8Array> {
  const jpeg = jpegStream(codec, input, shape)
  if (jpeg !== undefined) {
    const { components, bits, width, height } = jpeg.header
    if (components !== shape.samples || bits !== 8) {
      throw new Problem(
        `its JPEG stream has ${components} components of ${bits} bits, the file says ${shape.samples} of 8`,
      )
    }
    checkSize(width, height, shape)
  }
  const picture = sharp(jpeg?.stream ?? input, {
    limitInputPixels: mostPixels(shape),
    // old-style streams are assembled from pieces, with possibly a few surplus bytes between them
    failOn: codec.compression === Compression.OldJpeg ? 'truncated' : 'warning',
    sequentialRead: true,
  })
  if (jpeg !== undefined && shape.samples === 1) picture.toColourspace('b-w')
  if (jpeg !== undefined && shape.samples === 4) picture.pipelineColourspace('cmyk').toColourspace('cmyk')
  if (jpeg === undefined && shape.samples === 4) picture.ensureAlpha()
  if (jpeg === undefined && shape.samples === 3) picture.removeAlpha()
  let decoded: { data: Buffer; info: OutputInfo }
  try {
    decoded = await picture.raw().toBuffer({ resolveWithObject: true })
  } catch (error) {
    throw new Problem(`its ${jpeg === undefined ? 'WebP' : 'JPEG'} data is broken: ${firstLine(error)}`)
  }
  const { data, info } = decoded
  checkSize(info.width, info.height, shape)
  if (info.channels !== shape.samples) throw new Problem(`it has ${info.channels} bands`)
  // four components are read as Adobe CMYK, which the decoder inverts
  if (jpeg !== undefined && shape.samples === 4)
    for (let i = 0; i < data.length; i++) data[i] = 255 - data[i]!
  return cut(data, info.width, shape)
}

const firstLine = (error: unknown): string =>
  String((error as Error).message)
    .split('\n')[0]!
    .trim()

/** The most pixels of a block's picture, which may be padded to a full strip or to whole JPEG blocks. */
const mostPixels = (shape: BlockShape): number => (shape.width + 32) * (shape.fullRows + 32)

function checkSize(width: number, height: number, shape: BlockShape): void {
  if (width < shape.width || height < shape.rows || width * height > mostPixels(shape)) {
    throw new Problem(`it has an image of ${width}×${height} pixels instead of ${shape.width}×${shape.rows}`)
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
