// TIFF LZW. There are two bit orders: the specified one (codes packed from the high bit, widths grow one code early),
// and that of files from before 1990 (from the low bit, widths grow on time). They are told apart as in libtiff. A
// string is written once to the output and later copied from there, so the table only holds positions, without memory
// per string and without recursion. WebAssembly, where available, decodes the specified order 2 to 5 times as fast,
// with the same results.
import { staged } from '../../inflate.js'
import type { PixelMemory } from '../../pixels.js'
import { type Simd, simd } from '../../simd.js'
import { Problem } from '../file/problem.js'

const CLEAR = 256
const END = 257
const FIRST = 258
const MAX_CODES = 4096

/** Position in the output and length of each code's string. */
const starts = new Int32Array(MAX_CODES + 1)
const lengths = new Int32Array(MAX_CODES + 1)

/**
 * Whether this is the old bit order: the data begins with a clear code packed from the low bit, 0x00 and an odd byte.
 */
export const isOldLzw = (bytes: Uint8Array): boolean =>
  bytes.length >= 2 && bytes[0] === 0 && (bytes[1]! & 1) === 1

/**
 * Decodes into `out`, and returns the number of bytes decoded (at most `out.length`; the rest is ignored).
 * @throws Problem when a code is not in the table
 */
export function decodeLzw(bytes: Uint8Array, out: Uint8Array): number {
  const old = isOldLzw(bytes)
  const engine = old ? undefined : simd()
  return (engine && decodeNear(engine, bytes, out)) ?? decodeHere(bytes, out, old)
}

/** Table entries of address and length. */
const TABLE_BYTES = (MAX_CODES + 1) * 8
const SLACK = 64

let table: Uint8Array | undefined

/** Decodes into the engine's memory. -1: a code is not in the table; undefined: no room. */
function decodeAt(engine: Simd, input: Uint8Array, to: number, length: number): number | undefined {
  const from = staged(engine, input)
  // taken once, or again if there was no room before
  if (table === undefined || engine.addressOf(table) < 0) table = engine.take(TABLE_BYTES + 256 + SLACK)
  const at = engine.addressOf(table)
  if (from < 0 || at < 0 || to < 0) return undefined
  return engine.kernels.lzw(from, input.length, to, length, at, at + TABLE_BYTES)
}

/** Decodes through the engine's memory; undefined when there is no room. */
function decodeNear(engine: Simd, bytes: Uint8Array, out: Uint8Array): number | undefined {
  const memory = engine.take(out.length + SLACK)
  const length = decodeAt(engine, bytes, engine.addressOf(memory), out.length)
  if (length !== undefined && length > 0) out.set(memory.subarray(0, length))
  engine.give(memory)
  if (length === -1) throw unknownCode()
  return length
}

/**
 * Decodes a block of `length` bytes into memory taken from `memory`. Undefined when it has another length, or cannot be
 * decoded here.
 */
export function lzwExactly(bytes: Uint8Array, length: number, memory: PixelMemory): Uint8Array | undefined {
  const engine = simd()
  if (engine === undefined || memory !== engine || isOldLzw(bytes)) return undefined
  const taken = engine.take(length + SLACK)
  if (decodeAt(engine, bytes, engine.addressOf(taken), length) === length) return taken.subarray(0, length)
  engine.give(taken)
  return undefined
}

const unknownCode = (): Problem => new Problem('its LZW data refers to a code that does not exist')

/** Decodes in JavaScript: the reference, also for old files and for blocks that do not fit into the engine's memory. */
export function decodeHere(bytes: Uint8Array, out: Uint8Array, old: boolean): number {
  // in the specified order, the width grows a code early: at 511 instead of 512
  const early = old ? 0 : 1
  const size = out.length
  const end = bytes.length
  let [at, buffer, available, position] = [0, 0, 0, 0]
  let [width, next, grow] = [9, FIRST, 512 - early]
  /** Position in the output and length of the previous string; length 0 after a clear code. */
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
      // a code that is just being defined: the previous string and its own first byte
      const from = code === next ? previousStart : starts[code]!
      const length = code === next ? previousLength + 1 : lengths[code]!
      const stop = Math.min(position + length, size)
      // byte by byte, because source and target may overlap
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
