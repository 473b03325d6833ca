// Blocks of a TIFF as its codec gives them, without image, colour and view: what tests of codecs compare.

import { type BlockShape, codecKind, unsupportedCoding } from '../../src/raster/tiff/codecs/coding.js'
import { decompressBytes, decompressSamples } from '../../src/raster/tiff/codecs/decompress.js'
import { decompressPicture } from '../../src/raster/tiff/codecs/picture.js'
import { openFileSource } from '../../src/raster/tiff/file/byte-source.js'
import { readStructure } from '../../src/raster/tiff/file/structure.js'
import { type ImageLayout, readLayout } from '../../src/raster/tiff/image/layout.js'
import { reverseBits } from '../../src/raster/tiff/samples/bits.js'

export interface CodedFile {
  readonly layout: ImageLayout
  /** Why the codec says it cannot. */
  readonly unsupported: string | undefined
  /** Bytes of all blocks, decoded, in native order for sample codecs; per block. */
  readonly blocks: readonly Uint8Array[]
  /** Of sample codecs, per block. */
  readonly valid: readonly (Uint8Array | undefined)[]
}

export function blockShape(layout: ImageLayout, block: number): BlockShape {
  const y = Math.floor(block / layout.blocksAcross) % layout.blocksDown
  const rows = layout.tiled
    ? layout.blockHeight
    : Math.min(layout.blockHeight, layout.height - y * layout.blockHeight)
  const samples = layout.planar ? 1 : layout.samplesPerPixel
  const rowBytes = Math.ceil((layout.blockWidth * samples * layout.bitsPerSample) / 8)
  return { width: layout.blockWidth, rows, fullRows: layout.blockHeight, samples, bytes: rowBytes * rows }
}

export async function decodeBlock(
  layout: ImageLayout,
  input: Uint8Array,
  shape: BlockShape,
): Promise<{ bytes: Uint8Array; valid: Uint8Array | undefined }> {
  switch (codecKind(layout.compression)) {
    case 'picture':
      return { bytes: await decompressPicture(layout, input, shape), valid: undefined }
    case 'samples': {
      const { data, valid } = await decompressSamples(layout, input, shape)
      return { bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), valid }
    }
    default: {
      const ordered = layout.reversedBits ? reverseBits(input) : input
      return { bytes: await decompressBytes(layout, ordered, shape), valid: undefined }
    }
  }
}

/** The first image of a file. Throws what opening and decoding throw (Problem for broken blocks). */
export async function decodeFile(path: string): Promise<CodedFile> {
  const source = await openFileSource(path)
  try {
    const structure = await readStructure(source)
    const layout = await readLayout(source, structure.ifds[0]!, structure.littleEndian)
    const unsupported = unsupportedCoding(layout)
    const blocks: Uint8Array[] = []
    const valid: (Uint8Array | undefined)[] = []
    for (let i = 0; unsupported === undefined && i < layout.offsets.length; i++) {
      const input = await source.read(layout.offsets[i]!, layout.counts[i]!)
      const decoded = await decodeBlock(layout, input, blockShape(layout, i))
      blocks.push(decoded.bytes)
      valid.push(decoded.valid)
    }
    return { layout, unsupported, blocks, valid }
  } finally {
    await source.close()
  }
}
