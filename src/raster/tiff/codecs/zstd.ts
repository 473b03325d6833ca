// ZSTD blocks (RFC 8878), made safe for hostile data: each frame is walked first, so that it is known where it
// ends and what can come out of it. Node decodes them where it can (from 22.15 and 23.8 on), else the package zstddec.
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
  /** From the magic number to behind the checksum. */
  readonly bytes: Uint8Array
  /** How far back its data may refer. */
  readonly windowBytes: number
  /** No more than this can come out. */
  readonly mostBytes: number
}

const cutOff = (): Problem => new Problem('its ZSTD data is cut off')
const broken = (why: string): Problem => new Problem(`its ZSTD data is broken: ${why}`)

/** The frame at `at`. @throws Problem */
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

/** RFC 8878, 3.1.1.1.2. */
const windowOf = (descriptor: number): number => 2 ** (10 + (descriptor >> 3)) * (1 + (descriptor & 7) / 8)

/** What comes out of a frame: `expected` bytes, or more, up to `most`. @throws Error when the data are broken */
export type ZstdDecoder = (frame: Uint8Array, expected: number, most: number) => Uint8Array

/** Of Node 22.15; the types are those of Node 20. */
type NodeZstd = (input: Uint8Array, options: { maxOutputLength: number; chunkSize: number }) => Uint8Array
const { zstdDecompressSync } = zlib as unknown as { zstdDecompressSync?: NodeZstd }
/** Node refuses frames with a larger window, which nobody needs but some declare. */
const NODE_WINDOW_BYTES = 2 ** 27

/** Undefined in Node before 22.15. */
export const nodeZstd: ZstdDecoder | undefined =
  zstdDecompressSync &&
  ((frame, expected, most) =>
    zstdDecompressSync(frame, { maxOutputLength: most, chunkSize: Math.max(64, expected + 1) }))

/** One byte, in a frame. */
const TINY = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 9, 0, 0, 0)
/** What the package takes beside input and output. */
const WORK_BYTES = 2 ** 20

let loaded: Promise<ZstdDecoder> | undefined

/** The decoder of the package, compiled when it is first asked for. */
export function packageZstd(): Promise<ZstdDecoder> {
  loaded ??= load()
  return loaded
}

async function load(): Promise<ZstdDecoder> {
  const { ZSTDDecoder } = await import('zstddec')
  const decoder = new ZSTDDecoder()
  await decoder.init()
  // The package does not look whether it got the memory it asks for, and says nothing of errors: it would return
  // what lies at address 0. So memory is tried first, with a frame of which the answer is known. It only grows.
  let room = 0
  return (frame, _, most) => {
    const needed = frame.length + most + WORK_BYTES
    if (needed > room) {
      if (needed >= 2 ** 31 || decoder.decode(TINY, needed).length !== 1)
        throw new Error(`decoding it takes ${needed} bytes of memory, which are not to be had`)
      room = needed
    }
    const bytes = decoder.decode(frame, most)
    if (bytes.length === 0) throw new Error('a block is invalid')
    return bytes
  }
}

/** Decodes into `out` and returns how many bytes came out. @throws Problem */
export const decodeZstd = (input: Uint8Array, out: Uint8Array): Promise<number> =>
  decodeZstdBy(
    ({ windowBytes }) => (windowBytes <= NODE_WINDOW_BYTES && nodeZstd) || packageZstd(),
    input,
    out,
  )

/** The same by the decoder that is chosen for each frame. */
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
    // Writers flush small pieces now and then, so the bound is generous.
    if (frame.mostBytes > 16 * out.length + 2 ** 20) {
      throw new Problem(`its ZSTD data could hold ${frame.mostBytes} bytes instead of ${out.length}`)
    }
    if (frame.mostBytes > 0) position += decodeFrame(await choose(frame), frame, out, position)
    at += frame.bytes.length
  }
  return position
}

/** Puts what comes out of a frame where it belongs; returns how many bytes those are. @throws Problem */
function decodeFrame(decode: ZstdDecoder, frame: Frame, out: Uint8Array, position: number): number {
  const expected = out.length - position
  // Some writers pad the last strip to full height.
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
