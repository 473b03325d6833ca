// Memory for tiles that are read and soon written to a socket: cut from large pieces, because asking for it tile by
// tile costs as much as reading the tile, and again when it is collected. What is kept of a piece keeps all of it.
const SLAB_BYTES = 1 << 20
const LARGEST = 1 << 16

let slab = new ArrayBuffer(0)
let used = 0

/** Not cleared: the caller fills all of it. */
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
 * Takes back what `allocate` gave last, so that the next tile lies in the same memory, which is still warm; nothing
 * happens with other bytes. Nobody may look at them any more.
 */
export function reclaim(bytes: Uint8Array): void {
  const end = (bytes.byteOffset + bytes.length + 7) & ~7
  if (bytes.buffer === slab && end === used) used = bytes.byteOffset
}
