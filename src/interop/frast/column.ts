// A list of u64 in a file, which is read in blocks as it is needed.
import { FlagstoneError } from '../../errors.js'
import type { ByteFile } from '../../platform/byte-file.js'
import { KEY_BYTES } from './layout.js'

const BLOCK_BYTES = 4096
const BLOCK_ITEMS = BLOCK_BYTES / KEY_BYTES
/** 1 MiB. */
const MAX_BLOCKS = 256

export class U64Column {
  readonly count: number
  readonly #file: ByteFile
  readonly #position: number
  readonly #blocks = new Map<number, DataView>()

  constructor(file: ByteFile, position: number, count: number) {
    this.#file = file
    this.#position = position
    this.count = count
  }

  low(i: number): number {
    return this.#block(i).getUint32((i % BLOCK_ITEMS) * KEY_BYTES, true)
  }

  high(i: number): number {
    return this.#block(i).getUint32((i % BLOCK_ITEMS) * KEY_BYTES + 4, true)
  }

  /** Not exact above 2^53, but never below it then. */
  number(i: number): number {
    return this.high(i) * 2 ** 32 + this.low(i)
  }

  #block(i: number): DataView {
    const n = Math.floor(i / BLOCK_ITEMS)
    const known = this.#blocks.get(n)
    if (known !== undefined) return known
    const bytes = new Uint8Array(Math.min(BLOCK_ITEMS, this.count - n * BLOCK_ITEMS) * KEY_BYTES)
    const at = this.#position + n * BLOCK_BYTES
    if (this.#file.read(bytes, at) < bytes.length) {
      throw new FlagstoneError('DAMAGED', `${this.#file.path} has become shorter while it was read.`, {
        path: this.#file.path,
      })
    }
    const block = new DataView(bytes.buffer)
    if (this.#blocks.size >= MAX_BLOCKS) this.#blocks.clear()
    this.#blocks.set(n, block)
    return block
  }
}
