// MurmurHash3_x86_128 with seed 0 (Austin Appleby, public domain,
// https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp), for inputs of five little-endian words.

const C1 = 0x239b961b
const C2 = 0xab0e9789
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93
const LENGTH_BYTES = 20

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by))

/** Mixes the bits of a word, so that each input bit changes about half of the output bits. */
function finish(word: number): number {
  let h = word
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Writes the four words of the hash of w0…w4 to `out`. */
export function murmur3(w0: number, w1: number, w2: number, w3: number, w4: number, out: Uint32Array): void {
  // the only whole block; the seed is 0
  let h1 = rotate(Math.imul(rotate(Math.imul(w0, C1), 15), C2), 19)
  h1 = (Math.imul(h1, 5) + 0x561ccd1b) | 0
  let h2 = rotate(Math.imul(rotate(Math.imul(w1, C2), 16), C3), 17)
  h2 = (Math.imul(h2, 5) + 0x0bcaa747) | 0
  let h3 = rotate(Math.imul(rotate(Math.imul(w2, C3), 17), C4), 15)
  h3 = (Math.imul(h3, 5) + 0x96cd1c35) | 0
  let h4 = rotate(Math.imul(rotate(Math.imul(w3, C4), 18), C1), 13)
  h4 = (Math.imul(h4 + h1, 5) + 0x32ac3b17) | 0
  // the rest of four bytes
  h1 ^= Math.imul(rotate(Math.imul(w4, C1), 15), C2)
  h1 ^= LENGTH_BYTES
  h2 ^= LENGTH_BYTES
  h3 ^= LENGTH_BYTES
  h4 ^= LENGTH_BYTES
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = (h2 + h1) | 0
  h3 = (h3 + h1) | 0
  h4 = (h4 + h1) | 0
  h1 = finish(h1)
  h2 = finish(h2)
  h3 = finish(h3)
  h4 = finish(h4)
  h1 = (h1 + h2 + h3 + h4) | 0
  out[0] = h1
  out[1] = h2 + h1
  out[2] = h3 + h1
  out[3] = h4 + h1
}
