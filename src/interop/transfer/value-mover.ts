// Moves tiles from Flagstone files to one that is being written, without reading them: all values of a file at once, by
// sharing blocks, or in key order, in the longest ranges in which the other file has them.
import type { RecordRow } from '../../store/read/list.js'
import { assertInside, type Graft, type ValueOrigin } from '../../store/write/graft.js'

interface Waiting {
  readonly zoom: number
  readonly row: RecordRow
  /** Where the value is already; -1 when it is in the range that is to be copied. */
  readonly at: number
}

interface Moved {
  readonly from: number
  length: number
  readonly to: number
}

/** A range is copied when it is this long, so that progress is seen and records do not pile up. */
const MOST_BYTES = 64 * 2 ** 20
const MOST_RECORDS = 16_384
/** Then they are forgotten, and equal tiles may be stored again. */
const MOST_STRAYS = 65_536

export class ValueMover {
  readonly #graft: Graft
  /** Offsets of the values of files that were shared as a whole. */
  readonly #adopted = new Map<ValueOrigin, number>()
  /** Ranges of other files that were copied, ascending. */
  readonly #moved = new Map<ValueOrigin, Moved[]>()
  /** Values that were copied out of that order, by their offset. */
  readonly #strays = new Map<ValueOrigin, Map<number, Moved>>()
  #origin: ValueOrigin | undefined
  /** The range to copy next, and the records that wait for it. */
  #from = 0
  #length = 0
  #waiting: Waiting[] = []

  constructor(graft: Graft) {
    this.#graft = graft
  }

  /** Whether the file system shares blocks between files. */
  get canShare(): boolean {
    return this.#graft.canShare
  }

  /** Whether values of other files are shared, which stay in the order in which they are there. */
  get shares(): boolean {
    return this.#adopted.size > 0
  }

  /** Makes room for the records of what will come. Before the first tile. */
  reserve(levels: readonly { readonly zoom: number; readonly count: number }[]): void {
    this.#graft.reserve(levels)
  }

  /**
   * Shares all values of a file, so that no tile of it needs to be copied. Before the first tile. False where the file
   * system cannot.
   */
  adopt(origin: ValueOrigin): boolean {
    const at = this.#graft.adopt(origin)
    if (at !== undefined) this.#adopted.set(origin, at)
    return at !== undefined
  }

  /**
   * Adds a tile by its record.
   * @throws DAMAGED when the record points outside the values
   * @throws DISK_FULL, SYSTEM
   */
  put(origin: ValueOrigin, zoom: number, row: RecordRow): void {
    const adopted = this.#adopted.get(origin)
    if (adopted !== undefined) {
      assertInside(origin, row.offset, row.length)
      this.flush()
      this.#graft.add(zoom, row, adopted + row.offset)
      return
    }
    const { offset, length } = row
    const end = this.#from + this.#length
    if (origin === this.#origin && offset >= this.#from && offset + length <= end) {
      this.#wait({ zoom, row, at: -1 })
      return
    }
    const at = this.#movedTo(origin, offset, length)
    if (at === undefined && (origin !== this.#origin || offset !== end)) {
      this.flush()
      this.#origin = origin
      this.#from = offset
    }
    if (at === undefined) this.#length += length
    this.#wait({ zoom, row, at: at ?? -1 })
  }

  /** Copies what waits. */
  flush(): void {
    const origin = this.#origin
    if (origin === undefined || this.#waiting.length === 0) return
    const [from, length] = [this.#from, this.#length]
    const to = length === 0 ? 0 : this.#graft.copy(origin, from, length)
    if (length > 0) this.#remember(origin, from, length, to)
    for (const { zoom, row, at } of this.#waiting)
      this.#graft.add(zoom, row, at < 0 ? to + row.offset - from : at)
    this.#waiting = []
    // the range may go on
    this.#from = from + length
    this.#length = 0
  }

  #wait(tile: Waiting): void {
    this.#waiting.push(tile)
    if (this.#length >= MOST_BYTES || this.#waiting.length >= MOST_RECORDS) this.flush()
  }

  #remember(origin: ValueOrigin, from: number, length: number, to: number): void {
    const moved = this.#moved.get(origin)
    const last = moved?.at(-1)
    if (moved === undefined) this.#moved.set(origin, [{ from, length, to }])
    else if (last!.from + last!.length === from && last!.to + last!.length === to) last!.length += length
    else if (last!.from + last!.length <= from) moved.push({ from, length, to })
    else this.#rememberStrays(origin, from, to)
  }

  #rememberStrays(origin: ValueOrigin, from: number, to: number): void {
    const strays = this.#strays.get(origin) ?? new Map<number, Moved>()
    this.#strays.set(origin, strays)
    if (strays.size > MOST_STRAYS) strays.clear()
    for (const { row, at } of this.#waiting)
      if (at < 0) strays.set(row.offset, { from: row.offset, length: row.length, to: to + row.offset - from })
  }

  /** Where a value is that was copied before. */
  #movedTo(origin: ValueOrigin, offset: number, length: number): number | undefined {
    const moved = this.#moved.get(origin)
    if (moved === undefined) return undefined
    let [low, high] = [0, moved.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (moved[middle]!.from <= offset) low = middle + 1
      else high = middle
    }
    const range = moved[low - 1]
    if (range !== undefined && offset + length <= range.from + range.length)
      return range.to + offset - range.from
    const stray = this.#strays.get(origin)?.get(offset)
    return stray?.length === length ? stray.to : undefined
  }
}
