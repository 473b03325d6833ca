// ZSTD blocks (RFC 8878), made safe for hostile data: each frame is walked first, so that it is known where it
// ends and what can come out of it. Decoded by Node itself where it can (from 22.15 on), else in WebAssembly, else
// by fzstd (a quarter of the speed), which believes headers: it gets one of our own, without a stated size and
// with a window no larger than the block.
import * as zlib from 'node:zlib'
import type * as Fzstd from 'fzstd'
import { requirePackage } from '../../../beside.js'
import { staged } from '../../inflate.js'
import type { PixelMemory } from '../../pixels.js'
import { type Simd, simd } from '../../simd.js'
import { Problem } from '../file/problem.js'

const MAGIC = 0xfd2fb528
/** Skippable frames: 0x184d2a50 … 5f. */
const SKIPPABLE = 0x184d2a5
const MAX_PIECE = 131072
/** Block types; 0 is raw bytes. */
const PIECE_RUN = 1
const PIECE_COMPRESSED = 2

interface Frame {
  /** Of its header. */
  readonly begin: number
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
  return { begin: at, start, end: position, next: position + (descriptor & 4), mostBytes }
}

/** How a frame is decoded: how many bytes of `out` it fills. @throws Problem */
type Way = (input: Uint8Array, frame: Frame, out: Uint8Array) => number

const broken = (why: string): Problem => new Problem(`its ZSTD data is broken: ${why}`)

/** Of Node 22.15; the types are those of Node 20. */
type Native = (input: Uint8Array, options: { maxOutputLength: number; chunkSize: number }) => Uint8Array
const native = (zlib as unknown as { zstdDecompressSync?: Native }).zstdDecompressSync

function decodeNatively(decode: Native, input: Uint8Array, frame: Frame, out: Uint8Array): number {
  try {
    // Some writers pad the last strip to full height.
    const maxOutputLength = 2 * out.length + 65536
    const frameBytes = input.subarray(frame.begin, frame.next)
    return put(decode(frameBytes, { maxOutputLength, chunkSize: Math.max(64, out.length + 1) }), out)
  } catch (error) {
    throw broken((error as Error).message)
  }
}

function put(bytes: Uint8Array, out: Uint8Array): number {
  const length = Math.min(bytes.length, out.length)
  out.set(bytes.subarray(0, length))
  return length
}

/** Tables and literals; see wasm/zstd.ts. */
const WORK_BYTES = 10752 + MAX_PIECE
const SLACK = 64

let work: Uint8Array | undefined

/** From the engine's memory into the engine's memory; -1: broken, undefined: no room. */
function decodeAt(
  engine: Simd,
  input: Uint8Array,
  frame: Frame,
  to: number,
  length: number,
): number | undefined {
  const from = staged(engine, input)
  // Taken once; again when there was no room.
  if (work === undefined || engine.addressOf(work) < 0) work = engine.take(WORK_BYTES + SLACK)
  const at = engine.addressOf(work)
  if (from < 0 || at < 0 || to < 0) return undefined
  return engine.kernels.zstd(from + frame.start, frame.end - frame.start, to, length, at)
}

/** By way of the engine's memory; undefined when there is no room. */
function decodeNear(engine: Simd, input: Uint8Array, frame: Frame, out: Uint8Array): number | undefined {
  const memory = engine.take(out.length + SLACK)
  const length = decodeAt(engine, input, frame, engine.addressOf(memory), out.length)
  if (length !== undefined && length > 0) out.set(memory.subarray(0, length))
  engine.give(memory)
  if (length === -1) throw broken('a block makes no sense')
  return length
}

/**
 * The bytes of a frame that gives `length` of them, in memory taken from `memory`; undefined when it does not,
 * or not here.
 */
export function zstdExactly(input: Uint8Array, length: number, memory: PixelMemory): Uint8Array | undefined {
  const engine = simd()
  if (engine === undefined || memory !== engine || native !== undefined || input.length < 8) return undefined
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  if (view.getUint32(0, true) !== MAGIC) return undefined
  const frame = walkFrame(view, 0)
  const taken = engine.take(length + SLACK)
  if (decodeAt(engine, input, frame, engine.addressOf(taken), length) === length) {
    return taken.subarray(0, length)
  }
  engine.give(taken)
  return undefined
}

/** The smallest window descriptor for at least `bytes`: 2^(10 + exponent). */
function windowDescriptor(bytes: number): number {
  let exponent = 7
  while (2 ** (10 + exponent) < bytes) exponent++
  return exponent << 3
}

/** In JavaScript: as reference, and where there is nothing better. */
const decodeHere: Way = (input, frame, out) => {
  const bytes = new Uint8Array(6 + frame.end - frame.start)
  new DataView(bytes.buffer).setUint32(0, MAGIC, true)
  bytes[5] = windowDescriptor(out.length)
  bytes.set(input.subarray(frame.start, frame.end), 6)
  try {
    const { decompress } = requirePackage('fzstd') as typeof Fzstd
    return put(decompress(bytes), out)
  } catch (error) {
    throw broken((error as Error).message)
  }
}

const decodeBest: Way = (input, frame, out) => {
  if (native !== undefined) return decodeNatively(native, input, frame, out)
  const engine = simd()
  return (engine && decodeNear(engine, input, frame, out)) ?? decodeHere(input, frame, out)
}

/** Decodes into `out` and returns how many bytes came out. @throws Problem */
export const decodeZstd = (input: Uint8Array, out: Uint8Array): number => decodeFrames(input, out, decodeBest)

/** The same by fzstd alone. */
export const decodeZstdHere = (input: Uint8Array, out: Uint8Array): number =>
  decodeFrames(input, out, decodeHere)

/** The same in WebAssembly alone; undefined where there is none. */
export function decodeZstdNear(input: Uint8Array, out: Uint8Array): number | undefined {
  const engine = simd()
  if (engine === undefined) return undefined
  return decodeFrames(input, out, (bytes, frame, to) => decodeNear(engine, bytes, frame, to) ?? 0)
}

function decodeFrames(input: Uint8Array, out: Uint8Array, decode: Way): number {
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
    position += decode(input, frame, position === 0 ? out : out.subarray(position))
    at = frame.next
  }
  return position
}
