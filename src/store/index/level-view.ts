// One zoom level as a reader sees it in one epoch: where its index is, the tail's index, and which records' values have
// been found to match their checks.
//
// Invariant: record numbers keep their meaning for the lifetime of a view. When they change (merge, move), a new view
// is made.
import { crc32 } from '../../format/crc.js'
import { RECORD_BYTES, RECORD_WORDS } from '../../format/layout.js'
import { keyAt } from '../../format/record.js'
import type { Level } from '../../format/superblock/fields.js'
import type { ByteFile } from '../../platform/byte-file.js'
import type { MappedIndex } from './mapped-index.js'
import type { PagedIndex } from './paged-index.js'
import { TailIndex } from './tail.js'

const TAIL_CHUNK = 2728

export class LevelView {
  readonly zoom: number
  readonly offset: number
  readonly capacityBytes: number
  readonly index: MappedIndex | PagedIndex
  count: number
  sortedCount: number
  /** CRC that the bytes of the tail must have. */
  #tailCrc: number
  #tail: TailIndex | undefined
  /** CRC of the records entered so far. */
  #crc = 0
  #tailKeys: Float64Array | undefined
  #verified: Uint32Array | undefined

  constructor(zoom: number, level: Level, tailCrc: number, index: MappedIndex | PagedIndex) {
    this.zoom = zoom
    this.offset = level.offset
    this.capacityBytes = level.capacityBytes
    this.count = level.count
    this.sortedCount = level.sortedCount
    this.#tailCrc = tailCrc
    this.index = index
  }

  /** Adopts the next superblock's state of the level; false when record numbers may have changed their meaning. */
  advance(level: Level, tailCrc: number): boolean {
    if (level.offset !== this.offset || level.capacityBytes !== this.capacityBytes) return false
    const appendedToTail = level.sortedCount === this.sortedCount && level.count >= this.count
    const appendedInOrder = this.count === this.sortedCount && level.sortedCount >= this.sortedCount
    if (!appendedToTail && !appendedInOrder) return false
    if (level.sortedCount !== this.sortedCount) this.dropTail()
    this.#tailKeys = undefined
    this.count = level.count
    this.sortedCount = level.sortedCount
    this.#tailCrc = tailCrc
    this.index.clear()
    return true
  }

  /** Whether the tail has records that are not in its index yet. */
  get tailBehind(): boolean {
    return this.count - this.sortedCount !== (this.#tail?.processed ?? 0)
  }

  /**
   * Enters the new records of the tail; false when they do not match the tail's CRC. If the epoch has moved meanwhile,
   * the bytes may be garbage; call dropTail then.
   */
  loadTail(file: ByteFile): boolean {
    this.#tail ??= new TailIndex()
    this.#tailKeys = undefined
    const words = new Uint32Array(TAIL_CHUNK * RECORD_WORDS)
    for (let at = this.sortedCount + this.#tail.processed; at < this.count; ) {
      const n = Math.min(TAIL_CHUNK, this.count - at)
      const bytes = new Uint8Array(words.buffer, 0, n * RECORD_BYTES)
      file.read(bytes, this.offset + at * RECORD_BYTES)
      this.#crc = crc32(bytes, this.#crc)
      for (let i = 0; i < n; i++) this.#tail.push(keyAt(words, i * RECORD_WORDS))
      at += n
    }
    if (this.#crc === this.#tailCrc) return true
    this.dropTail()
    return false
  }

  dropTail(): void {
    this.#tail = undefined
    this.#tailKeys = undefined
    this.#crc = 0
  }

  /** Number of the tail's last record of `key`, or -1. */
  findInTail(key: number): number {
    const at = this.#tail === undefined ? -1 : this.#tail.find(key)
    return at < 0 ? -1 : this.sortedCount + at
  }

  /** Distinct keys of the tail, ascending. */
  tailKeys(): Float64Array {
    this.#tailKeys ??= this.#tail?.sortedKeys() ?? new Float64Array(0)
    return this.#tailKeys
  }

  isVerified(record: number): boolean {
    const bits = this.#verified
    const at = record >>> 5
    return bits !== undefined && at < bits.length && (bits[at]! & (1 << (record & 31))) !== 0
  }

  setVerified(record: number): void {
    const at = record >>> 5
    let bits = this.#verified
    if (bits === undefined || at >= bits.length) {
      // One bit for every record the region can hold: the pages of the bitmap are allocated when touched.
      const wider = new Uint32Array((this.capacityBytes / RECORD_BYTES / 32 + 1) | 0)
      if (bits !== undefined) wider.set(bits)
      bits = this.#verified = wider
    }
    bits[at] = bits[at]! | (1 << (record & 31))
  }
}
