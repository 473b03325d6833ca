// DEFLATE blocks of known size by our own decoder (wasm/inflate.ts): as fast as zlib, but into memory that is used again, where
// the next kernel finds them. Only what is complete and right comes out of it; all else is left to zlib, which
// knows the words for what is wrong.
import type { PixelMemory } from './pixels.js'
import { type Simd, simd } from './simd.js'

/** The decoder writes whole vectors: so much may be touched behind the output. */
const SLACK = 320

let staging: Uint8Array | undefined

/** The address of compressed bytes in the module's memory, where they are put when they lie elsewhere; -1: no room. */
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
 * The bytes of a zlib stream that gives exactly `length` of them, in memory taken from `memory`; undefined when
 * it does not, or cannot be decoded here.
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
