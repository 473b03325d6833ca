// Memory taken while a unit is read and decoded, and the blocks that were lost.

import type { Loss } from '../../losses.js'
import type { PixelMemory } from '../../pixels.js'
import type { ViewedBlock } from '../../view/view-kernels.js'

/** Memory taken while a unit is read and decoded. */
export class Scratch {
  readonly memory: PixelMemory | undefined
  readonly #taken = new Set<Uint8Array>()
  /** Blocks that could not be read. */
  lost: Loss[] | undefined

  constructor(memory: PixelMemory | undefined) {
    this.memory = memory
  }

  add(bytes: Uint8Array): Uint8Array {
    if (this.memory !== undefined) this.#taken.add(bytes)
    return bytes
  }

  /** Keeps the memory that holds the unit's arrays. */
  keep({ data, mask }: ViewedBlock): void {
    for (const bytes of this.#taken) {
      const isUsed = [data, mask].some((a) => a?.buffer === bytes.buffer && a.byteOffset === bytes.byteOffset)
      if (isUsed) this.#taken.delete(bytes)
    }
  }

  giveBack(): void {
    for (const bytes of this.#taken) this.memory?.give(bytes)
  }
}
