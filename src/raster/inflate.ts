// Decodes DEFLATE blocks of known size with our own decoder (wasm/inflate.ts). It is as fast as zlib, but decodes into
// reused memory, where the next kernel finds the result. It only accepts complete and valid streams; the rest is left
// to zlib, which has messages for what is wrong.
import type { PixelMemory } from './pixels.js'
import { type Simd, simd } from './simd.js'

/** The decoder writes whole vectors: it may touch this many bytes after the output. */
const SLACK = 320

let staging: Uint8Array | undefined

/** The address of compressed bytes in the module's memory; copies them there if they lie elsewhere. -1: no room. */
export function staged(here: Simd, input: Uint8Array): number {
  const at = here.addressOf(input)
  if (at >= 0) return at
  if (staging === undefined || staging.length < input.length) {
    if (staging !== undefined) here.give(staging)
    staging = here.take(input.length)
  }
  const to = here.addressOf(staging)
  if (to >= 0) staging.set(input)
  return to
}

/**
 * Decodes a zlib stream of exactly `length` bytes into memory taken from `memory`. Undefined when it has another
 * length, or cannot be decoded here.
 */
export function inflateExactly(
  input: Uint8Array,
  length: number,
  memory: PixelMemory,
): Uint8Array | undefined {
  const here = simd()
  if (here === undefined || memory !== here) return undefined
  const from = staged(here, input)
  if (from < 0) return undefined
  const taken = here.take(length + SLACK)
  const to = here.addressOf(taken)
  if (to >= 0 && here.kernels.inflate(from, input.length, to, length) === 1) return taken.subarray(0, length)
  here.give(taken)
  return undefined
}
