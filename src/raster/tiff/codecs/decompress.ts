// Decompresses the bytes of a block (see coding.ts).
//
// Invariants: the output never exceeds the block's shape; fewer bytes are a Problem, and so is any error of a decoder.
import { constants, inflateSync } from 'node:zlib'
import { unpackProblem } from '../../../format/unpack-problem.js'
import { inflateExactly } from '../../inflate.js'
import type { PixelMemory } from '../../pixels.js'
import { Problem } from '../file/problem.js'
import { Compression } from '../file/tags.js'
import { decodeCcitt } from './ccitt.js'
import type { BlockShape, Codec, DecodedSamples } from './coding.js'
import { decodeLzma } from './lzma.js'
import { decodeLzw, lzwExactly } from './lzw.js'
import { decodePackBits } from './packbits.js'
import { decodeZstd } from './zstd.js'

/**
 * Decompresses a block in this thread: with other workers busy, handing 300 KB to another thread and back costs more
 * than it saves. Returns a promise only for ZSTD, whose decoder may have to be loaded.
 * @throws Problem
 */
export function decompressBytes(
  codec: Codec,
  input: Uint8Array,
  shape: BlockShape,
  memory?: PixelMemory,
): Uint8Array | Promise<Uint8Array> {
  switch (codec.compression) {
    case Compression.None:
      return enough(input, input.length, shape)
    case Compression.Lzw:
      return (memory && lzwExactly(input, shape.bytes, memory)) ?? into(decodeLzw, input, shape)
    case Compression.PackBits:
      return into(decodePackBits, input, shape)
    case Compression.Zstd:
      return unzstd(input, shape, memory)
    case Compression.Lzma:
      return into(decodeLzma, input, shape)
    case Compression.CcittRle:
    case Compression.CcittRleWords:
    case Compression.CcittGroup3:
    case Compression.CcittGroup4:
      return decodeCcitt(input, shape, codec.compression, codec.codecTags.t4Options)
    default:
      return (memory && inflateExactly(input, shape.bytes, memory)) ?? inflate(input, shape)
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

/** Decompresses ZSTD into memory where the next kernel finds the result. */
async function unzstd(input: Uint8Array, shape: BlockShape, memory?: PixelMemory): Promise<Uint8Array> {
  const out = memory?.take(shape.bytes) ?? new Uint8Array(shape.bytes)
  try {
    return enough(out, await decodeZstd(input, out), shape)
  } catch (error) {
    memory?.give(out)
    throw error
  }
}

function inflate(input: Uint8Array, shape: BlockShape): Uint8Array {
  // one byte more than needed, so that the buffer is never full; some writers pad the last strip to full height
  const out = inflateAll(input, 2 * shape.bytes + 65536, Math.max(64, shape.bytes + 1))
  return enough(out, out.length, shape)
}

/** Inflates to at most `most` bytes. `expected` is the initial size of the buffer. */
function inflateAll(input: Uint8Array, most: number, expected: number): Uint8Array {
  try {
    return inflateSync(input, {
      // one output buffer instead of 16 KiB pieces
      chunkSize: expected,
      maxOutputLength: most,
      // a truncated stream is accepted if it has all pixels
      finishFlush: constants.Z_SYNC_FLUSH,
    })
  } catch (error) {
    throw new Problem(`its DEFLATE data is broken: ${unpackProblem(error, most)}`)
  }
}

const LERC_DEFLATE = 1
const LERC_ZSTD = 2

/** Decodes the samples of a LERC block. @throws Problem */
export async function decompressSamples(
  codec: Codec,
  input: Uint8Array,
  shape: BlockShape,
): Promise<DecodedSamples> {
  const packing = codec.codecTags.lercPacking
  // LERC may take a little more than the samples, plus masks and headers
  const most = 2 * shape.bytes + shape.samples * 4096 + 65536
  let blob = input
  if (packing === LERC_DEFLATE) blob = inflateAll(input, most, Math.min(most, shape.bytes + 65536))
  else if (packing === LERC_ZSTD) {
    const out = new Uint8Array(most)
    blob = out.subarray(0, await decodeZstd(input, out))
  } else if (packing !== 0) {
    throw new Problem(`its LERC data has an unknown compression (${packing})`)
  }
  const { decodeLerc } = await import('./lerc.js')
  return decodeLerc(blob, shape, codec)
}
