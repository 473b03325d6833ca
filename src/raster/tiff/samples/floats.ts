// Floating-point numbers of 16 and 24 bits → singles, which hold every one of them exactly.
// 16: IEEE 754 half. 24: 1 sign, 7 exponent (bias 63), 16 fraction bits (TIFF Technical Note 3, as libtiff and
// GDAL read it).

let halves: Float32Array | undefined

/** The value of every half, by its bits. */
function halfTable(): Float32Array {
  if (halves !== undefined) return halves
  halves = new Float32Array(65536)
  for (let i = 0; i < 65536; i++) halves[i] = small(i >>> 15, (i >>> 10) & 31, i & 1023, 5, 10)
  return halves
}

/** The value of a small float from its sign, exponent and fraction. */
function small(
  sign: number,
  exponent: number,
  fraction: number,
  exponentBits: number,
  fractionBits: number,
): number {
  const bias = 2 ** (exponentBits - 1) - 1
  const factor = sign === 1 ? -1 : 1
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? factor * Infinity : Number.NaN
  if (exponent === 0) return factor * fraction * 2 ** (1 - bias - fractionBits)
  return factor * (1 + fraction / 2 ** fractionBits) * 2 ** (exponent - bias)
}

export function halfToSingle(words: Uint16Array): Float32Array {
  const table = halfTable()
  const out = new Float32Array(words.length)
  for (let i = 0; i < out.length; i++) out[i] = table[words[i]!]!
  return out
}

/** Converts 24-bit floats, one per word. */
export function tripleToSingle(words: ArrayLike<number>): Float32Array {
  const out = new Float32Array(words.length)
  for (let i = 0; i < out.length; i++) {
    const word = words[i]!
    out[i] = small(word >>> 23, (word >>> 16) & 127, word & 65535, 7, 16)
  }
  return out
}
