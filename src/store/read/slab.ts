// Memory for tiles that are read and soon written to a socket. It is cut from large pieces, because allocating it tile
// by tile costs as much as reading the tile, and garbage collection costs as much again. Keeping one tile keeps its
// whole piece alive.
const SLAB_BYTES = 1 << 20
const LARGEST = 1 << 16

let slab = new ArrayBuffer(0)
let used = 0

/** Not zeroed: the caller fills all of it. */
export function allocate(length: number): Uint8Array {
  if (length > LARGEST) return new Uint8Array(length)
  if (used + length > slab.byteLength) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES).buffer
    used = 0
  }
  const bytes = new Uint8Array(slab, used, length)
  used = (used + length + 7) & ~7
  return bytes
}

/**
 * Takes back the bytes that `allocate` returned last, so that the next tile uses the same memory, which is still in the
 * cache. Does nothing for other bytes. The caller must not use them any more.
 */
export function reclaim(bytes: Uint8Array): void {
  const end = (bytes.byteOffset + bytes.length + 7) & ~7
  if (bytes.buffer === slab && end === used) used = bytes.byteOffset
}
