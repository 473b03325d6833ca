// The index of one zoom of a frast file: keys that ascend, and where their values are. Nothing in it is believed before
// it was checked, and what is checked at opening does not grow with the number of tiles.
import { FlagstoneError } from '../../errors.js'
import type { ByteFile } from '../../platform/byte-file.js'
import type { TileRange } from '../../store/read/list.js'
import { U64Column } from './column.js'
import {
  decodeFrastKey,
  type FrastLevel,
  type FrastOrder,
  frastOrder,
  KEY_BYTES,
  placeOfOrder,
} from './layout.js'

/** Where a value is. */
export interface Span {
  readonly position: number
  readonly length: number
}

export class LevelIndex {
  readonly zoom: number
  /** Number of keys, without zeros at the end, which stand for keys that were never written. */
  readonly count: number
  readonly #path: string
  readonly #level: FrastLevel
  readonly #keys: U64Column
  readonly #offsets: U64Column

  /** @throws DAMAGED when a part lies past the end of the file */
  constructor(file: ByteFile, level: FrastLevel, fileBytes: number) {
    this.zoom = level.zoom
    this.#path = file.path
    this.#level = level
    const { keysLength } = level
    if (keysLength % KEY_BYTES !== 0)
      throw this.#damaged(`its keys have ${keysLength} bytes, not a multiple of 8`)
    this.#keys = new U64Column(file, level.keys, keysLength / KEY_BYTES)
    for (const [what, at, length] of [
      ['keys', level.keys, keysLength],
      ['offsets', level.offsets, 0],
      ['values', level.values, level.valuesLength],
    ] as const) {
      if (!(at + length <= fileBytes)) throw this.#pastEnd(what, at + length, fileBytes)
    }
    this.count = this.#countWritten()
    if (this.count > 4 ** level.zoom)
      throw this.#damaged(`it has ${this.count} keys, more than there are tiles`)
    const end = level.offsets + this.count * KEY_BYTES
    if (end > fileBytes) throw this.#pastEnd('offsets', end, fileBytes)
    this.#offsets = new U64Column(file, level.offsets, this.count)
  }

  /** Index of the tile; -1 when there is none. */
  find(x: number, y: number): number {
    const order = frastOrder(this.zoom, x, y)
    const i = this.#lowerBound(order, 0)
    return i < this.count && this.orderAt(i) === order ? i : -1
  }

  /** @throws DAMAGED when the key is not one of this zoom */
  orderAt(i: number): FrastOrder {
    const [low, high] = [this.#keys.low(i), this.#keys.high(i)]
    const order = decodeFrastKey(this.zoom, low, high)
    if (order !== undefined) return order
    const key = (BigInt(high) << 32n) | BigInt(low)
    throw this.#damaged(`key ${i}, ${key}, is not a tile of this zoom`)
  }

  /** @throws DAMAGED when the value is not inside the values of this zoom */
  spanAt(i: number): Span {
    const begin = this.#offsets.number(i)
    const { values, valuesLength } = this.#level
    const end = i + 1 < this.count ? this.#offsets.number(i + 1) : valuesLength
    if (!(begin <= end && end <= valuesLength)) {
      throw this.#damaged(`value ${i} goes from byte ${begin} to ${end} of ${valuesLength}`)
    }
    return { position: values + begin, length: end - begin }
  }

  /** Indexes of the tiles in a rectangle, in the order of the file. @throws DAMAGED when the keys do not ascend */
  *indexes(range?: TileRange): Generator<number, void> {
    const side = 2 ** this.zoom
    const minX = Math.max(0, range?.minX ?? 0)
    const maxX = Math.min(side - 1, range?.maxX ?? side - 1)
    const minY = Math.max(0, range?.minY ?? 0)
    const maxY = Math.min(side - 1, range?.maxY ?? side - 1)
    if (minX > maxX || minY > maxY) return
    const last = frastOrder(this.zoom, maxX, minY)
    let before = -1
    for (let i = this.#lowerBound(frastOrder(this.zoom, minX, maxY), 0); i < this.count; ) {
      const order = this.orderAt(i)
      if (order <= before) throw this.#damaged(`key ${i} is not above the one before it`)
      before = order
      if (order > last) return
      const { x, y } = placeOfOrder(this.zoom, order)
      if (x >= minX && x <= maxX) yield i++
      // to the next tile inside: in this row, or in the next one to the north
      else if (x < minX) i = this.#lowerBound(frastOrder(this.zoom, minX, y), i + 1)
      else if (y > minY) i = this.#lowerBound(frastOrder(this.zoom, minX, y - 1), i + 1)
      else return
    }
  }

  /** The first index from `low` on whose key is at or above `order`; `count` when there is none. */
  #lowerBound(order: FrastOrder, low: number): number {
    let high = this.count
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.orderAt(middle) < order) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Only zoom 0 has a key that is 0. */
  #countWritten(): number {
    const isZero = (i: number): boolean => this.#keys.number(i) === 0
    let [low, high] = [0, this.#keys.count]
    if (this.zoom === 0) return Math.min(1, high)
    if (high === 0 || !isZero(high - 1)) return high
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (isZero(middle)) high = middle
      else low = middle + 1
    }
    return low
  }

  #pastEnd(what: string, end: number, fileBytes: number): FlagstoneError {
    return this.#damaged(`its ${what} end at byte ${end}, and the file has ${fileBytes}; get a complete copy`)
  }

  #damaged(what: string): FlagstoneError {
    return new FlagstoneError('DAMAGED', `${this.#path}, zoom ${this.zoom}: ${what}.`, { path: this.#path })
  }
}
