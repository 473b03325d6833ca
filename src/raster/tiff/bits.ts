// Samples of fewer than eight bits, packed from the high bit, each row starting on a byte; and bytes whose
// bits lie in reverse (FillOrder 2).

/** One byte a sample, values as stored (0 … 2^bits − 1). `perRow` samples a row. */
export function unpackBits(bytes: Uint8Array, bits: number, perRow: number, rows: number): Uint8Array {
  const out = new Uint8Array(perRow * rows)
  const rowBytes = Math.ceil((perRow * bits) / 8)
  const mask = (1 << bits) - 1
  for (let y = 0; y < rows; y++) {
    let at = y * rowBytes
    let buffer = 0
    let available = 0
    const to = (y + 1) * perRow
    for (let i = y * perRow; i < to; i++) {
      if (available < bits) {
        buffer = ((buffer << 8) | bytes[at++]!) & 0xffff
        available += 8
      }
      available -= bits
      out[i] = (buffer >>> available) & mask
    }
  }
  return out
}

const REVERSED = Uint8Array.from({ length: 256 }, (_, byte) => {
  let out = 0
  for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) out |= 128 >> bit
  return out
})

/** A copy: blocks may share their bytes. */
export function reverseBits(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => REVERSED[byte]!)
}
