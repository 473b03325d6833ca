// ZSTD blocks (RFC 8878) through fzstd, made safe for hostile data. fzstd allocates what headers claim, and
// when a frame states its size it returns that many bytes even if the data gave fewer. So the frame is walked
// first (its blocks bound what can come out), and decoded under a header of our own: no stated size, and a
// window no larger than the block, which also spares it moving megabytes of window for each piece.
import { decompress } from 'fzstd'
import { Problem } from './problem.js'

const MAGIC = 0xfd2fb528
/** Skippable frames: 0x184d2a50 … 5f. */
const SKIPPABLE = 0x184d2a5
const MAX_PIECE = 131072
/** Block types; 0 is raw bytes. */
const PIECE_RUN = 1
const PIECE_COMPRESSED = 2

interface Frame {
  /** From the first block header to behind the last block. */
  readonly start: number
  readonly end: number
  /** Behind the frame, checksum included. */
  readonly next: number
  /** No more than this can come out. */
  readonly mostBytes: number
}

const cutOff = (): Problem => new Problem('its ZSTD data is cut off')

function walkFrame(view: DataView, at: number): Frame {
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
  return { start, end: position, next: position + (descriptor & 4), mostBytes }
}

/** The smallest window descriptor for at least `bytes`: 2^(10 + exponent). */
function windowDescriptor(bytes: number): number {
  let exponent = 7
  while (2 ** (10 + exponent) < bytes) exponent++
  return exponent << 3
}

function decodeFrame(input: Uint8Array, frame: Frame, windowBytes: number): Uint8Array {
  const bytes = new Uint8Array(6 + frame.end - frame.start)
  new DataView(bytes.buffer).setUint32(0, MAGIC, true)
  bytes[5] = windowDescriptor(windowBytes)
  bytes.set(input.subarray(frame.start, frame.end), 6)
  try {
    return decompress(bytes)
  } catch (error) {
    throw new Problem(`its ZSTD data is broken: ${(error as Error).message}`)
  }
}

/** Decodes into `out` and returns how many bytes came out. Throws Problem. */
export function decodeZstd(input: Uint8Array, out: Uint8Array): number {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  let at = 0
  let position = 0
  while (position < out.length && at + 8 <= input.length) {
    const magic = view.getUint32(at, true)
    if (magic >>> 4 === SKIPPABLE) {
      at += 8 + view.getUint32(at + 4, true)
      continue
    }
    if (magic !== MAGIC) throw new Problem('it holds no ZSTD data')
    const frame = walkFrame(view, at)
    // Writers flush small pieces now and then, so the bound is generous.
    if (frame.mostBytes > 16 * out.length + 2 ** 20) {
      throw new Problem(`its ZSTD data could hold ${frame.mostBytes} bytes instead of ${out.length}`)
    }
    const bytes = decodeFrame(input, frame, out.length)
    const length = Math.min(bytes.length, out.length - position)
    out.set(bytes.subarray(0, length), position)
    position += length
    at = frame.next
  }
  return position
}
