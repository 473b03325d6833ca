// Reads the stored bytes of an image's blocks.

import { FlagstoneError } from '../../../errors.js'
import { isDamage } from '../../losses.js'
import type { ByteSource } from '../file/byte-source.js'
import { inside } from '../file/byte-source.js'
import { Compression } from '../file/tags.js'
import type { ImageLayout } from './layout.js'
import type { Scratch } from './scratch.js'

/** The stored bytes of a block, undefined when nothing is stored, or the error why they cannot be read. */
export type Stored = Uint8Array | FlagstoneError | undefined

export class StoredBlocks {
  readonly #source: ByteSource
  readonly #layout: ImageLayout
  /** For messages: 'level 2', 'the mask of level 0'. */
  readonly #name: string
  readonly #skipsDamage: boolean

  constructor(source: ByteSource, layout: ImageLayout, name: string, skipsDamage: boolean) {
    this.#source = source
    this.#layout = layout
    this.#name = name
    this.#skipsDamage = skipsDamage
  }

  /**
   * Stored bytes of `count` strips, or of one tile. Undefined where nothing is stored; an error where they cannot be
   * read and damage is skipped. Adjacent strips take one read.
   */
  async fetch(
    first: number,
    count: number,
    unitX: number,
    unitY: number,
    scratch: Scratch,
  ): Promise<Stored[]> {
    const { offsets, counts } = this.#layout
    let start = Number.POSITIVE_INFINITY
    let end = 0
    let sum = 0
    const outside = new Map<number, FlagstoneError>()
    for (let i = first; i < first + count; i++) {
      if (!this.isStored(i)) continue
      if (!inside(this.#source, offsets[i]!, counts[i]!)) {
        const where = `bytes ${offsets[i]}…${offsets[i]! + counts[i]!} of a file of ${this.#source.sizeBytes}`
        const error = this.corrupt(unitX, unitY + i - first, `it should be at ${where}`)
        if (!this.#skipsDamage) throw error
        outside.set(i, error)
        continue
      }
      start = Math.min(start, offsets[i]!)
      end = Math.max(end, offsets[i]! + counts[i]!)
      sum += counts[i]!
    }
    if (sum === 0 && outside.size === 0) return new Array<undefined>(count).fill(undefined)
    // uncompressed samples are used where they were read to, as long as the unit lives
    const memory = this.#layout.compression === Compression.None ? undefined : scratch.memory
    const read = async (at: number, length: number): Promise<Uint8Array> =>
      scratch.add(await this.#source.read(at, length, memory))
    const together =
      sum > 0 && end - start <= 2 * sum
        ? await this.#unlessDamaged(() => read(start, end - start))
        : undefined
    const inputs: Stored[] = []
    for (let i = first; i < first + count; i++) {
      const error = outside.get(i)
      if (error !== undefined) inputs.push(error)
      else if (!this.isStored(i)) inputs.push(undefined)
      // what cannot be read in one go may be readable in part
      else if (!(together instanceof Uint8Array))
        inputs.push(await this.#unlessDamaged(() => read(offsets[i]!, counts[i]!)))
      else inputs.push(together.subarray(offsets[i]! - start, offsets[i]! - start + counts[i]!))
    }
    return inputs
  }

  async #unlessDamaged(read: () => Promise<Uint8Array>): Promise<Uint8Array | FlagstoneError> {
    try {
      return await read()
    } catch (error) {
      if (this.#skipsDamage && isDamage(error)) return error
      throw error
    }
  }

  isStored(block: number): boolean {
    return this.#layout.counts[block] !== 0 && this.#layout.offsets[block] !== 0
  }

  /** @returns the error that says which block is damaged, and why */
  corrupt(x: number, y: number, why: string): FlagstoneError {
    const kind = this.#layout.tiled ? `tile ${x},${y}` : `strip ${y}`
    return new FlagstoneError(
      'SOURCE_CORRUPT',
      `${this.#source.name}: ${kind} of ${this.#name} cannot be decoded: ${why}; the file is damaged, get a complete copy`,
      { path: this.#source.name },
    )
  }
}
