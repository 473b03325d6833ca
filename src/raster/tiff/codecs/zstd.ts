// Decodes ZSTD blocks (RFC 8878) safely from hostile data: each frame is walked first to find its end and the most
// bytes that it can decode to. Node decodes it where it can (since 22.15 and 23.8), else the package zstddec.
import * as zlib from 'node:zlib'
import { Problem } from '../file/problem.js'

const MAGIC = 0xfd2fb528
/** Skippable frames: 0x184d2a50 … 5f. */
const SKIPPABLE = 0x184d2a5
const MAX_PIECE = 131072
/** Block types; 0 is raw bytes. */
const PIECE_RUN = 1
const PIECE_COMPRESSED = 2

interface Frame {
  /** From the magic number to the end of the checksum. */
  readonly bytes: Uint8Array
  /** The furthest distance of a back-reference. */
  readonly windowBytes: number
  /** The frame cannot decode to more bytes than this. */
  readonly mostBytes: number
}

const cutOff = (): Problem => new Problem('its ZSTD data is cut off')
const broken = (why: string): Problem => new Problem(`its ZSTD data is broken: ${why}`)

/** Finds the extent of the frame at `at`. @throws Problem */
function walkFrame(input: Uint8Array, view: DataView, at: number): Frame {
  if (at + 6 > view.byteLength) throw cutOff()
  const descriptor = view.getUint8(at + 4)
  const single = (descriptor >> 5) & 1
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
  if (dictionaryBytes > 0) throw new Problem('its ZSTD data needs a dictionary')
  const sizeCode = descriptor >> 6
  const start = at + 5 + (1 - single) + (sizeCode === 0 ? single : 1 << sizeCode)
  let position = start
  let mostBytes = 0
  let last = false
  while (!last) {
    if (position + 3 > view.byteLength) throw cutOff()
    const head = view.getUint16(position, true) | (view.getUint8(position + 2) << 16)
    const type = (head >> 1) & 3
    const size = head >> 3
    if (type > PIECE_COMPRESSED || size > MAX_PIECE) throw new Problem('its ZSTD data is broken')
    last = (head & 1) === 1
    position += 3 + (type === PIECE_RUN ? 1 : size)
    mostBytes += type === PIECE_COMPRESSED ? MAX_PIECE : size
    if (position > view.byteLength) throw cutOff()
  }
  const windowBytes = single === 1 ? mostBytes : windowOf(view.getUint8(at + 5))
  return { bytes: input.subarray(at, position + (descriptor & 4)), windowBytes, mostBytes }
}

/** Window size, RFC 8878, 3.1.1.1.2. */
const windowOf = (descriptor: number): number => 2 ** (10 + (descriptor >> 3)) * (1 + (descriptor & 7) / 8)

/** Decodes a frame to `expected` bytes, or more, up to `most`. @throws Error when the data is broken */
export type ZstdDecoder = (frame: Uint8Array, expected: number, most: number) => Uint8Array

/** A function of Node 22.15, which the types of Node 20 lack. */
type NodeZstd = (input: Uint8Array, options: { maxOutputLength: number; chunkSize: number }) => Uint8Array
const { zstdDecompressSync } = zlib as unknown as { zstdDecompressSync?: NodeZstd }
/** Node refuses frames with a larger window. Nobody needs one, but some writers declare it. */
const NODE_WINDOW_BYTES = 2 ** 27

/** Node's decoder; undefined before Node 22.15. */
export const nodeZstd: ZstdDecoder | undefined =
  zstdDecompressSync &&
  ((frame, expected, most) =>
    zstdDecompressSync(frame, { maxOutputLength: most, chunkSize: Math.max(64, expected + 1) }))

/** A frame that decodes to one byte. */
const TINY = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 9, 0, 0, 0)
/** Memory that the package needs besides input and output. */
const WORK_BYTES = 2 ** 20

let loaded: Promise<ZstdDecoder> | undefined

/** The decoder of the package, compiled at its first use. */
export function packageZstd(): Promise<ZstdDecoder> {
  loaded ??= load()
  return loaded
}

async function load(): Promise<ZstdDecoder> {
  const { ZSTDDecoder } = await import('zstddec')
  const decoder = new ZSTDDecoder()
  await decoder.init()
  // The package checks neither its memory allocations nor for errors: without memory it would return the bytes at
  // address 0. So the memory is first tested with a frame whose result is known. It only grows.
  let room = 0
  return (frame, _, most) => {
    const needed = frame.length + most + WORK_BYTES
    if (needed > room) {
      if (needed >= 2 ** 31 || decoder.decode(TINY, needed).length !== 1)
        throw new Error(`decoding it needs ${needed} bytes of memory, which are not available`)
      room = needed
    }
    const bytes = decoder.decode(frame, most)
    if (bytes.length === 0) throw new Error('a block is invalid')
    return bytes
  }
}

/** Decodes into `out`, and returns the number of bytes decoded. @throws Problem */
export const decodeZstd = (input: Uint8Array, out: Uint8Array): Promise<number> =>
  decodeZstdBy(
    ({ windowBytes }) => (windowBytes <= NODE_WINDOW_BYTES && nodeZstd) || packageZstd(),
    input,
    out,
  )

/** As `decodeZstd`, with a decoder chosen for each frame. */
export async function decodeZstdBy(
  choose: (frame: Frame) => ZstdDecoder | Promise<ZstdDecoder>,
  input: Uint8Array,
  out: Uint8Array,
): Promise<number> {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  let at = 0
  let position = 0
  while (position < out.length && at + 8 <= input.length) {
    const magic = view.getUint32(at, true)
    if (magic >>> 4 === SKIPPABLE) {
      at += 8 + view.getUint32(at + 4, true)
      continue
    }
    if (magic !== MAGIC) throw new Problem('it has no ZSTD data')
    const frame = walkFrame(input, view, at)
    // writers flush small blocks now and then, so the bound is generous
    if (frame.mostBytes > 16 * out.length + 2 ** 20) {
      throw new Problem(`its ZSTD data could hold ${frame.mostBytes} bytes instead of ${out.length}`)
    }
    if (frame.mostBytes > 0) position += decodeFrame(await choose(frame), frame, out, position)
    at += frame.bytes.length
  }
  return position
}

/** Decodes a frame to its position in `out`, and returns the number of bytes. @throws Problem */
function decodeFrame(decode: ZstdDecoder, frame: Frame, out: Uint8Array, position: number): number {
  const expected = out.length - position
  // some writers pad the last strip to full height
  const most = Math.min(frame.mostBytes, 2 * expected + 65536)
  let bytes: Uint8Array
  try {
    bytes = decode(frame.bytes, expected, most)
  } catch (error) {
    throw broken((error as Error).message)
  }
  const length = Math.min(bytes.length, expected)
  out.set(length < bytes.length ? bytes.subarray(0, length) : bytes, position)
  return length
}
