// Keeps decoded blocks of one image in an unlinked temporary file, shared by the threads of a process. Every subtree of
// a row needs the blocks that span the image (strips), and decoding them each time costs more than reading them back
// from the page cache.
//
// Invariants: a block's state is set after all its bytes are written; a block that cannot be written is decoded again.
import { readSync, writeSync } from 'node:fs'
import type { Samples } from './pixels.js'

/** Can be sent to a worker thread. */
export interface Spool {
  /** The image whose blocks it keeps. */
  readonly path: string
  readonly fd: number
  /** One Int32 per block of level 0. */
  readonly states: SharedArrayBuffer
}

const HAS_DATA = 1
const HAS_MASK = 2
const IS_FULL = -1

interface Block {
  readonly data: Samples
  readonly mask: Uint8Array | undefined
}

export class SpooledBlocks {
  readonly #fd: number
  readonly #states: Int32Array
  readonly #slotBytes: number

  /** `slotBytes` is the size of the largest block with its mask. */
  constructor(spool: Spool, slotBytes: number) {
    this.#fd = spool.fd
    this.#states = new Int32Array(spool.states)
    this.#slotBytes = slotBytes
  }

  /** A block that was kept, or undefined. The caller allocates the arrays, because it knows their sizes. */
  read<T extends Samples>(
    block: number,
    data: () => T,
    mask: () => Uint8Array,
  ): { data: T; mask: Uint8Array | undefined } | undefined {
    const state = block < this.#states.length ? Atomics.load(this.#states, block) : 0
    if (state !== HAS_DATA && state !== HAS_MASK) return undefined
    const at = block * this.#slotBytes
    const samples = data()
    if (!this.#fill(samples, at)) return undefined
    if (state === HAS_DATA) return { data: samples, mask: undefined }
    const validity = mask()
    return this.#fill(validity, at + samples.byteLength) ? { data: samples, mask: validity } : undefined
  }

  #fill(array: Samples, at: number): boolean {
    let done = 0
    while (done < array.byteLength) {
      const n = readSync(this.#fd, array, done, array.byteLength - done, at + done)
      if (n === 0) return false
      done += n
    }
    return true
  }

  keep(block: number, { data, mask }: Block): void {
    if (block >= this.#states.length || Atomics.load(this.#states, block) !== 0) return
    try {
      const at = block * this.#slotBytes
      this.#write(data, at)
      if (mask !== undefined) this.#write(mask, at + data.byteLength)
      Atomics.store(this.#states, block, mask === undefined ? HAS_DATA : HAS_MASK)
    } catch {
      // no room: this block is not tried again
      Atomics.store(this.#states, block, IS_FULL)
    }
  }

  #write(array: Samples, at: number): void {
    let done = 0
    while (done < array.byteLength) {
      done += writeSync(this.#fd, array, done, array.byteLength - done, at + done)
    }
  }
}
