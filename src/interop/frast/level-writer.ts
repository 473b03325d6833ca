// Writes one zoom of a frast file: room for the keys and offsets, whose number is known, then the values as they come.
import { FlagstoneError } from '../../errors.js'
import { putU64 } from '../../format/u64.js'
import type { PartFile } from '../transfer/part-file.js'
import { type FrastLevel, type FrastOrder, KEY_BYTES, putFrastKey } from './layout.js'

const PAGE_BYTES = 4096
const ZEROS = new Uint8Array(64 * 1024)
/** Keys that are written at once: 64 KiB. */
const BATCH = 8192

export const inPages = (bytes: number): number => Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES

export function appendZeros(part: PartFile, bytes: number): void {
  for (let left = bytes; left > 0; left -= ZEROS.length)
    part.append(left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS)
}

export class LevelWriter {
  readonly zoom: number
  readonly #part: PartFile
  readonly #most: number
  readonly #capacity: number
  readonly #keysAt: number
  readonly #valuesAt: number
  readonly #keys = new DataView(new ArrayBuffer(BATCH * KEY_BYTES))
  readonly #offsets = new DataView(new ArrayBuffer(BATCH * KEY_BYTES))
  #batched = 0
  #count = 0
  #last = -1

  /** `most`: number of tiles that may come. */
  constructor(part: PartFile, zoom: number, most: number) {
    this.zoom = zoom
    this.#part = part
    this.#most = most
    // frast's search reads one key past the last
    this.#capacity = inPages((most + 1) * KEY_BYTES)
    this.#keysAt = part.length
    appendZeros(part, 2 * this.#capacity)
    this.#valuesAt = part.length
  }

  /** @throws DAMAGED when tiles do not come as they were announced */
  add(order: FrastOrder, value: Uint8Array): void {
    if (this.#count === this.#most || order <= this.#last)
      throw new FlagstoneError('DAMAGED', 'The source changed while it was read; try again.')
    if (this.#batched === BATCH) this.#flush()
    const at = this.#batched * KEY_BYTES
    putFrastKey(this.#keys, at, this.zoom, order)
    putU64(this.#offsets, at, this.#part.length - this.#valuesAt)
    this.#part.append(value)
    this.#last = order
    this.#batched++
    this.#count++
  }

  /** Where everything is; what comes next begins at a page. */
  end(): FrastLevel {
    this.#flush()
    const valuesLength = this.#part.length - this.#valuesAt
    appendZeros(this.#part, inPages(valuesLength) - valuesLength)
    return {
      zoom: this.zoom,
      keys: this.#keysAt,
      keysLength: this.#count * KEY_BYTES,
      keysCapacity: this.#capacity,
      offsets: this.#keysAt + this.#capacity,
      values: this.#valuesAt,
      valuesLength,
      valuesCapacity: inPages(valuesLength),
    }
  }

  #flush(): void {
    const bytes = this.#batched * KEY_BYTES
    const at = this.#keysAt + (this.#count - this.#batched) * KEY_BYTES
    this.#part.rewrite(new Uint8Array(this.#keys.buffer, 0, bytes), at)
    this.#part.rewrite(new Uint8Array(this.#offsets.buffer, 0, bytes), at + this.#capacity)
    this.#batched = 0
  }
}
