// Unpacks samples that are not whole bytes (packed from the high bit, each row starting on a byte), and reverses the
// bits of bytes (FillOrder 2).

type Unpacked = Uint8Array | Uint16Array | Uint32Array

/**
 * Unpacks values (0 … 2^bits − 1) of 1 … 32 bits, with `perRow` samples per row, to the narrowest array that holds
 * them.
 */
export function unpackBits(bytes: Uint8Array, bits: number, perRow: number, rows: number): Unpacked {
  const count = perRow * rows
  const out = bits <= 8 ? new Uint8Array(count) : bits <= 16 ? new Uint16Array(count) : new Uint32Array(count)
  const rowBytes = Math.ceil((perRow * bits) / 8)
  for (let y = 0; y < rows; y++) {
    if (bits === 1) unpackRow1(bytes, y * rowBytes, out as Uint8Array, y * perRow, perRow)
    else if (bits === 12) unpackRow12(bytes, y * rowBytes, out as Uint16Array, y * perRow, perRow)
    else if (bits <= 24) unpackRow(bytes, y * rowBytes, bits, out, y * perRow, perRow)
    else unpackWideRow(bytes, y * rowBytes, bits, out as Uint32Array, y * perRow, perRow)
  }
  return out
}

function unpackRow1(bytes: Uint8Array, from: number, out: Uint8Array, to: number, count: number): void {
  for (let i = 0; i < count; i++) out[to + i] = (bytes[from + (i >>> 3)]! >>> (7 - (i & 7))) & 1
}

function unpackRow12(bytes: Uint8Array, from: number, out: Uint16Array, to: number, count: number): void {
  let at = from
  const pairs = to + (count & ~1)
  for (let i = to; i < pairs; i += 2, at += 3) {
    const middle = bytes[at + 1]!
    out[i] = (bytes[at]! << 4) | (middle >>> 4)
    out[i + 1] = ((middle & 15) << 8) | bytes[at + 2]!
  }
  if (count & 1) out[pairs] = (bytes[at]! << 4) | (bytes[at + 1]! >>> 4)
}

/** Up to 24 bits: the remaining bits and one more byte always fit into 31 bits. */
function unpackRow(
  bytes: Uint8Array,
  from: number,
  bits: number,
  out: Unpacked,
  to: number,
  count: number,
): void {
  const mask = 2 ** bits - 1
  let at = from
  let buffer = 0
  let available = 0
  for (let i = to; i < to + count; i++) {
    while (available < bits) {
      buffer = ((buffer << 8) | bytes[at++]!) & 0x7fffffff
      available += 8
    }
    available -= bits
    out[i] = (buffer >>> available) & mask
  }
}

/** 25 … 32 bits, with whole doubles in place of wider integers. */
function unpackWideRow(
  bytes: Uint8Array,
  from: number,
  bits: number,
  out: Uint32Array,
  to: number,
  count: number,
): void {
  let at = from
  let buffer = 0
  let available = 0
  for (let i = to; i < to + count; i++) {
    while (available < bits) {
      buffer = buffer * 256 + bytes[at++]!
      available += 8
    }
    available -= bits
    const rest = 2 ** available
    const value = Math.floor(buffer / rest)
    out[i] = value
    buffer -= value * rest
  }
}

const REVERSED = Uint8Array.from({ length: 256 }, (_, byte) => {
  let out = 0
  for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) out |= 128 >> bit
  return out
})

/** Returns a copy, because blocks may share their bytes. */
export function reverseBits(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => REVERSED[byte]!)
}
