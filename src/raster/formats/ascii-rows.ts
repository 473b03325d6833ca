// Reads the numbers of an ASCII grid by row, from files of any size. Blocks of rows are parsed on request. Line breaks
// have no meaning; numbers are counted. The start of a block is known after everything before it has been scanned,
// which happens once and only as far as needed.
import { FlagstoneError } from '../../errors.js'
import type { ByteSource } from '../tiff/file/byte-source.js'
import { isSpace, parseNumber } from './ascii-number.js'

const BLOCK_VALUES = 2 ** 18
const CHUNK_BYTES = 2 ** 20
/** The longest number in a valid file. */
const MAX_NUMBER_BYTES = 512

export class AsciiRows {
  readonly columns: number
  readonly rows: number
  readonly rowsPerBlock: number
  readonly #source: ByteSource
  /** Byte offsets of the blocks, as far as known. The first is always known. */
  readonly #starts: number[]
  #passing: Promise<void> = Promise.resolve()

  /** `start` is the offset of the first byte after the header. */
  constructor(source: ByteSource, columns: number, rows: number, start: number) {
    this.#source = source
    this.columns = columns
    this.rows = rows
    this.rowsPerBlock = Math.min(rows, Math.max(1, Math.floor(BLOCK_VALUES / columns)))
    this.#starts = [start]
  }

  /** The values of a block of rows. @throws SOURCE_CORRUPT when one is not a number, or the file is too short */
  async block(index: number): Promise<Float64Array> {
    if (this.#starts[index] === undefined) await this.#passUpTo(index)
    const first = index * this.rowsPerBlock
    const rows = Math.min(this.rowsPerBlock, this.rows - first)
    const values = new Float64Array(rows * this.columns)
    const end = await this.#scan(this.#starts[index]!, values.length, values, first)
    this.#starts[index + 1] ??= end
    return values
  }

  /** Scans run one after the other: each starts where the last one ended. */
  async #passUpTo(index: number): Promise<void> {
    const pass = async (): Promise<void> => {
      const perBlock = this.rowsPerBlock * this.columns
      for (let known = this.#starts.length - 1; known < index; known++) {
        const start = this.#starts[known]!
        this.#starts[known + 1] ??= await this.#scan(start, perBlock, undefined, known * this.rowsPerBlock)
      }
    }
    const before = this.#passing
    const mine = before.catch(() => undefined).then(pass)
    this.#passing = mine
    await mine
  }

  /** Scans `count` numbers from `start` on, into `values` if given. Returns the offset of the byte after them. */
  async #scan(start: number, count: number, values: Float64Array | undefined, row: number): Promise<number> {
    const { sizeBytes } = this.#source
    let position = start
    let found = 0
    // the rest of the previous chunk: the beginning of a number
    let left: Uint8Array = new Uint8Array(0)
    while (true) {
      const length = Math.min(CHUNK_BYTES, sizeBytes - position - left.length)
      const read = length > 0 ? await this.#source.read(position + left.length, length) : new Uint8Array(0)
      const bytes = left.length === 0 ? read : Buffer.concat([left, read])
      const isLast = position + bytes.length >= sizeBytes
      const state = takeNumbers(bytes, isLast, values, found, count)
      found = state.found
      if (state.bad !== undefined) throw this.#noNumber(row + Math.floor(found / this.columns), state.bad)
      if (found === count) return position + state.at
      if (isLast) throw this.#short(row, found)
      left = bytes.subarray(state.at)
      if (left.length > MAX_NUMBER_BYTES) {
        throw this.#noNumber(row + Math.floor(found / this.columns), left.subarray(0, 20))
      }
      position += state.at
    }
  }

  #noNumber(row: number, bytes: Uint8Array): FlagstoneError {
    const text = Buffer.from(bytes.subarray(0, 20))
      .toString('latin1')
      .replace(/[^\x21-\x7e]/g, '?')
    return this.#corrupt(`its row ${row + 1} has “${text}”, which is not a number`)
  }

  #short(row: number, found: number): FlagstoneError {
    const whole = row * this.columns + found
    return this.#corrupt(`it ends after ${whole} of ${this.columns * this.rows} numbers`)
  }

  #corrupt(why: string): FlagstoneError {
    const { name } = this.#source
    return new FlagstoneError('SOURCE_CORRUPT', `${name}: ${why}; it is damaged, get a complete copy`, {
      path: name,
    })
  }
}

interface Taken {
  readonly found: number
  /** The position after the last number taken, or the start of a number that the bytes may not hold completely. */
  readonly at: number
  /** The word that is not a number. */
  readonly bad: Uint8Array | undefined
}

function takeNumbers(
  bytes: Uint8Array,
  isLast: boolean,
  values: Float64Array | undefined,
  before: number,
  count: number,
): Taken {
  let found = before
  let at = 0
  const end = bytes.length
  while (found < count) {
    while (at < end && isSpace(bytes[at]!)) at++
    const from = at
    while (at < end && !isSpace(bytes[at]!)) at++
    if (from === at || (at === end && !isLast)) return { found, at: from, bad: undefined }
    if (at - from > MAX_NUMBER_BYTES) return { found, at: from, bad: bytes.subarray(from, at) }
    if (values !== undefined) {
      const value = parseNumber(bytes, from, at)
      if (value === undefined) return { found, at: from, bad: bytes.subarray(from, at) }
      values[found] = value
    }
    found++
  }
  return { found, at, bad: undefined }
}
