// TIFF LZW. Two bit orders exist: the specified one (codes packed from the high bit, widths grow one code
// early) and that of files from before 1990 (from the low bit, widths grow on time), told apart as libtiff
// does. A string is written once into the output and later copied from there, so the table holds only
// positions: no per-string memory, no recursion. The specified order is decoded in WebAssembly where there is
// any (2 to 5 times as fast), with the same results.
import { staged } from '../../inflate.js'
import type { PixelMemory } from '../../pixels.js'
import { type Simd, simd } from '../../simd.js'
import { Problem } from '../file/problem.js'

const CLEAR = 256
const END = 257
const FIRST = 258
const MAX_CODES = 4096

/** Where each code's string lies in the output, and its length. */
const starts = new Int32Array(MAX_CODES + 1)
const lengths = new Int32Array(MAX_CODES + 1)

/** Old files begin with a clear code packed from the low bit: 0x00 then an odd byte. */
export const isOldLzw = (bytes: Uint8Array): boolean =>
  bytes.length >= 2 && bytes[0] === 0 && (bytes[1]! & 1) === 1

/**
 * Decodes into `out` and returns how many bytes came out (at most `out.length`; what follows is ignored).
 * @throws Problem when a code refers to nothing
 */
export function decodeLzw(bytes: Uint8Array, out: Uint8Array): number {
  const old = isOldLzw(bytes)
  const engine = old ? undefined : simd()
  return (engine && decodeNear(engine, bytes, out)) ?? decodeHere(bytes, out, old)
}

/** Entries of address and length, and the 256 strings of one byte. */
const TABLE_BYTES = (MAX_CODES + 1) * 8
const SLACK = 64

let table: Uint8Array | undefined

/** From the engine's memory into the engine's memory; -1: a code refers to nothing, undefined: no room. */
function decodeAt(engine: Simd, input: Uint8Array, to: number, length: number): number | undefined {
  const from = staged(engine, input)
  // Taken once; again when there was no room.
  if (table === undefined || engine.addressOf(table) < 0) table = engine.take(TABLE_BYTES + 256 + SLACK)
  const at = engine.addressOf(table)
  if (from < 0 || at < 0 || to < 0) return undefined
  return engine.kernels.lzw(from, input.length, to, length, at, at + TABLE_BYTES)
}

/** By way of the engine's memory; undefined when there is no room. */
function decodeNear(engine: Simd, bytes: Uint8Array, out: Uint8Array): number | undefined {
  const memory = engine.take(out.length + SLACK)
  const length = decodeAt(engine, bytes, engine.addressOf(memory), out.length)
  if (length !== undefined && length > 0) out.set(memory.subarray(0, length))
  engine.give(memory)
  if (length === -1) throw unknownCode()
  return length
}

/** A block that gives `length` bytes, in memory taken from `memory`; undefined when it does not, or not here. */
export function lzwExactly(bytes: Uint8Array, length: number, memory: PixelMemory): Uint8Array | undefined {
  const engine = simd()
  if (engine === undefined || memory !== engine || isOldLzw(bytes)) return undefined
  const taken = engine.take(length + SLACK)
  if (decodeAt(engine, bytes, engine.addressOf(taken), length) === length) return taken.subarray(0, length)
  engine.give(taken)
  return undefined
}

const unknownCode = (): Problem => new Problem('its LZW data refers to a code that does not exist')

/** In JavaScript: as reference, for old files, and for blocks that do not fit elsewhere. */
export function decodeHere(bytes: Uint8Array, out: Uint8Array, old: boolean): number {
  // The specified order grows a code early: at 511 instead of 512.
  const early = old ? 0 : 1
  const size = out.length
  const end = bytes.length
  let [at, buffer, available, position] = [0, 0, 0, 0]
  let [width, next, grow] = [9, FIRST, 512 - early]
  /** The previous string: where it begins in the output, and how long it is; 0 after a clear. */
  let [previousStart, previousLength] = [0, 0]

  while (position < size) {
    while (available < width) {
      if (at >= end) return position
      const byte = bytes[at++]!
      buffer = old ? buffer | (byte << available) : ((buffer << 8) | byte) & 0x3fffff
      available += 8
    }
    const code = (old ? buffer : buffer >>> (available - width)) & ((1 << width) - 1)
    if (old) buffer >>>= width
    available -= width

    if (code === END) return position
    if (code === CLEAR) {
      width = 9
      next = FIRST
      grow = 512 - early
      previousLength = 0
      continue
    }

    const start = position
    if (code < 256) {
      out[position++] = code
    } else {
      if (previousLength === 0 || code > next || code < FIRST || (code === next && next >= MAX_CODES)) {
        throw unknownCode()
      }
      // The code being defined right now: the previous string and its own first byte.
      const from = code === next ? previousStart : starts[code]!
      const length = code === next ? previousLength + 1 : lengths[code]!
      const stop = Math.min(position + length, size)
      // Byte by byte: source and target may overlap by design.
      for (let p = from; position < stop; p++) out[position++] = out[p]!
    }
    if (previousLength > 0 && next < MAX_CODES) {
      starts[next] = previousStart
      lengths[next] = previousLength + 1
      next++
      if (next === grow && width < 12) {
        width++
        grow = (1 << width) - early
      }
    }
    previousStart = start
    previousLength = position - start
  }
  return position
}
