// PackBits (TIFF 6.0 §9): runs and literals of up to 128 bytes.

/** Decodes into `out`, and returns the number of bytes decoded. Surplus input is ignored. */
export function decodePackBits(bytes: Uint8Array, out: Uint8Array): number {
  const size = out.length
  const end = bytes.length
  let at = 0
  let position = 0
  while (position < size && at < end) {
    const head = bytes[at++]!
    if (head < 128) {
      const stop = Math.min(position + head + 1, size, position + end - at)
      while (position < stop) out[position++] = bytes[at++]!
    } else if (head > 128 && at < end) {
      const stop = Math.min(position + 257 - head, size)
      const value = bytes[at++]!
      while (position < stop) out[position++] = value
    }
  }
  return position
}
