// Finds values that were stored before: a direct-mapped table of bounded size, from content CRC and length to offset.
// It only proposes candidates; the caller compares the bytes, since 32 bits prove nothing.

const SLOTS = 1 << 16

export class DedupeTable {
  readonly #crc = new Uint32Array(SLOTS)
  /** 0: the slot is empty (values have at least one byte). */
  readonly #length = new Uint32Array(SLOTS)
  readonly #offset = new Float64Array(SLOTS)

  /** Offset of a value that may be equal, or -1. */
  propose(crc: number, length: number): number {
    const slot = slotOf(crc, length)
    return this.#crc[slot] === crc && this.#length[slot] === length ? this.#offset[slot]! : -1
  }

  /** Remembers a value in place of the one that had its slot. */
  remember(crc: number, length: number, offset: number): void {
    const slot = slotOf(crc, length)
    this.#crc[slot] = crc
    this.#length[slot] = length
    this.#offset[slot] = offset
  }
}

function slotOf(crc: number, length: number): number {
  const h = Math.imul(crc ^ length, 0x9e3779b1)
  return (h ^ (h >>> 16)) & (SLOTS - 1)
}
