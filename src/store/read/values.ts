// The values of a file's tiles: where a value is, and its bytes, copied or only viewed.

import { crc32 } from '../../format/crc.js'
import { RECORD_BYTES } from '../../format/layout.js'
import { lengthAt, offsetAt } from '../../format/record.js'
import { crcOfRange } from '../file/scan.js'
import type { LevelView } from '../index/level-view.js'
import { WINDOW_STEP, Windows } from '../index/window.js'
import type { ResolvedReaderOptions } from '../options.js'
import type { ReadSession } from './session.js'
import { allocate } from './slab.js'
import { tooLarge } from './tile.js'

const LARGE_BYTES = 2 ** 24

export class StoredValues {
  readonly #session: ReadSession
  readonly #isPooled: boolean
  readonly #maxTileBytes: number

  constructor(session: ReadSession, options: ResolvedReaderOptions) {
    this.#session = session
    this.#isPooled = options.pooled
    this.#maxTileBytes = options.maxTileBytes
  }

  /**
   * Position in the file of the value of the record at view.index; -1 when it lies outside the values, which becomes
   * the session's problem. This is the only place that checks.
   */
  positionOf(view: LevelView, record: number): number {
    const { words, word } = view.index
    const offset = offsetAt(words, word)
    const { valuesStart, valuesLength } = this.#session.superblock
    if (offset + lengthAt(words, word) <= valuesLength) return valuesStart + offset
    this.#session.problem = `record ${record} of zoom ${view.zoom} (at ${view.offset + record * RECORD_BYTES}) names ${lengthAt(words, word)} bytes at V+${offset}, beyond the ${valuesLength} bytes of values`
    return -1
  }

  /** Whether a tile is larger than `maxTileBytes` allows, which becomes the session's problem. */
  isTooLarge(key: number, length: number): boolean {
    if (length <= this.#maxTileBytes) return false
    this.#session.problem ??= tooLarge(this.#session.file.path, key, length, this.#maxTileBytes)
    return true
  }

  /** Bytes of the file to return to the caller: a view with `zeroCopy`, otherwise a copy. */
  bytesAt(position: number, length: number): Uint8Array {
    const session = this.#session
    if (session.isPinned) {
      const lent = session.lent!.view(position, length)
      if (lent !== undefined) return lent
    }
    const window = length <= WINDOW_STEP ? session.windows?.at(position, position + length) : undefined
    if (window === undefined) {
      // A garbage record may have any length. Its bytes are discarded anyway, so they are not read.
      if (length > LARGE_BYTES && position + length > session.file.size()) return new Uint8Array(0)
      const bytes = this.#isPooled ? allocate(length) : new Uint8Array(length)
      this.#read(bytes, position)
      return bytes
    }
    const at = position - Windows.startOf(position)
    if (!this.#isPooled) return window.slice(at, at + length)
    const bytes = allocate(length)
    bytes.set(window.subarray(at, at + length))
    return bytes
  }

  /** Copies the bytes at a position to the start of `into`, and returns that part of it. */
  copyTo(into: Uint8Array, position: number, length: number): Uint8Array {
    const window = length <= WINDOW_STEP ? this.#session.windows?.at(position, position + length) : undefined
    const target = length === into.length ? into : into.subarray(0, length)
    if (window === undefined) {
      this.#read(target, position)
    } else {
      const at = position - Windows.startOf(position)
      target.set(window.subarray(at, at + length))
    }
    return target
  }

  /** CRC-32 of a value. */
  crcAt(position: number, length: number): number {
    if (length > LARGE_BYTES) return crcOfRange(this.#session.file, position, length)
    const window = this.#session.windows?.at(position, position + length)
    const bytes =
      window === undefined
        ? this.bytesAt(position, length)
        : new Uint8Array(window.buffer, position - Windows.startOf(position), length)
    return crc32(bytes)
  }

  #read(into: Uint8Array, position: number): void {
    const got = this.#session.file.read(into, position)
    if (got !== into.length)
      this.#session.problem = `the file ends within the ${into.length} bytes at ${position}`
  }
}
