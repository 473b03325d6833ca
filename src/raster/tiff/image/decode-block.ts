// Decodes one stored block to samples.

import type { SampleArray } from '../../view/tone.js'
import { type BlockShape, codecKind } from '../codecs/coding.js'
import { decompressBytes, decompressSamples } from '../codecs/decompress.js'
import { decompressPicture } from '../codecs/picture.js'
import { Compression } from '../file/tags.js'
import { reverseBits } from '../samples/bits.js'
import { unitBytes, ycbcrToRgb } from '../samples/ycbcr.js'
import type { ImageLayout } from './layout.js'
import { decodeSamples } from './samples.js'
import type { Scratch } from './scratch.js'

/** Samples of a block, or of several joined blocks. */
export interface Decoded {
  readonly samples: SampleArray
  /** One byte per pixel, 0 where there is no value. Undefined: values everywhere. */
  readonly valid: Uint8Array | undefined
}

/** Whether decoding gives 8-bit samples, whatever the tags say. */
export const isDecodedTo8Bits = (layout: ImageLayout): boolean =>
  codecKind(layout.compression) === 'picture' || layout.ycbcr !== undefined

/** The shape of the blocks in row `y`. */
export function shapeOf(layout: ImageLayout, y: number, samples: number): BlockShape {
  const { blockWidth: width, blockHeight, ycbcr } = layout
  const rows = layout.tiled ? blockHeight : Math.min(blockHeight, layout.height - y * blockHeight)
  const rowBytes = Math.ceil((width * samples * layout.bitsPerSample) / 8)
  const bytes = ycbcr === undefined ? rowBytes * rows : unitBytes(ycbcr, width, rows)
  return { width, rows, fullRows: blockHeight, samples, bytes }
}

/** Decodes a block. @throws Problem when the bytes are damaged */
export async function decodeBlock(
  layout: ImageLayout,
  input: Uint8Array,
  shape: BlockShape,
  scratch: Scratch,
): Promise<Decoded> {
  const kind = codecKind(layout.compression)
  if (kind === 'picture') return { samples: await decompressPicture(layout, input, shape), valid: undefined }
  if (kind === 'samples') {
    const { data, valid } = await decompressSamples(layout, input, shape)
    return { samples: data, valid }
  }
  const stored = layout.reversedBits ? reverseBits(input) : input
  const bytes = scratch.add(await decompressBytes(layout, stored, shape, scratch.memory))
  if (layout.ycbcr !== undefined) {
    return { samples: ycbcrToRgb(layout.ycbcr, bytes, shape.width, shape.rows), valid: undefined }
  }
  // strips may share their bytes in the file
  const isOwned = layout.compression !== Compression.None
  return { samples: decodeSamples(layout, bytes, shape, isOwned), valid: undefined }
}
