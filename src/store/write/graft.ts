// Takes tiles over from another Flagstone file without reading them: ranges of its values are copied or shared inside
// the kernel, and records are added that point into them. Their checks come from the other file's records, so a value
// that is damaged there is found damaged here.
//
// Invariant: a record is added only after the range that it points into was appended. So a commit at any time makes the
// ranges durable before the superblock that counts the records, as with every value.
import { FlagstoneError } from '../../errors.js'
import type { ByteFile } from '../../platform/byte-file.js'
import type { RecordRow } from '../read/list.js'
import type { LevelWriter } from './level.js'
import type { StoreState } from './state.js'

/** Shorter ranges are read and buffered with other values: that takes fewer system calls. */
const LEAST_COPIED = 1 << 17

/** The values of a file, while they cannot move. */
export interface ValueOrigin {
  readonly file: ByteFile
  /** V: position of the first value. */
  readonly start: number
  readonly length: number
}

/** What a graft uses of its writer. */
export interface GraftHost {
  readonly state: StoreState
  /** The level of a zoom, with room for one more record. */
  room(zoom: number): LevelWriter
  /** Makes a region for this many records, unless the zoom has one. */
  reserve(zoom: number, records: number): void
  counted(): void
}

export class Graft {
  readonly #host: GraftHost
  #buffer = new Uint8Array(0)

  constructor(host: GraftHost) {
    this.#host = host
  }

  /** Whether the file system shares blocks between files. */
  get canShare(): boolean {
    return this.#host.state.file.capabilities.reflink
  }

  /** Makes room for records, which is cheap before the first value. A zoom may come several times. */
  reserve(levels: readonly { readonly zoom: number; readonly count: number }[]): void {
    const records = new Map<number, number>()
    for (const { zoom, count } of levels) records.set(zoom, (records.get(zoom) ?? 0) + count)
    for (const [zoom, count] of records) this.#host.reserve(zoom, count)
  }

  /** Shares all values of another file; returns where they begin, or undefined where that does not work. */
  adopt({ file, start, length }: ValueOrigin): number | undefined {
    return this.#host.state.values.appendRange(file, start, length, 'clone')
  }

  /**
   * Appends a part of the values of another file; returns its offset.
   * @throws DAMAGED when it lies outside
   * @throws DISK_FULL, SYSTEM
   */
  copy(origin: ValueOrigin, offset: number, length: number): number {
    assertInside(origin, offset, length)
    const { values } = this.#host.state
    const position = origin.start + offset
    if (length >= LEAST_COPIED) return values.appendRange(origin.file, position, length)
    if (this.#buffer.length === 0) this.#buffer = new Uint8Array(LEAST_COPIED)
    const bytes = this.#buffer.subarray(0, length)
    if (origin.file.read(bytes, position) !== length) throw outside(origin, offset, length)
    return values.append(bytes)
  }

  /** Adds the record of a tile whose value is stored at `offset`. */
  add(zoom: number, { key, type, length, crc }: RecordRow, offset: number): void {
    this.#host.room(zoom).push(key, offset, type, 0, length, crc)
    this.#host.counted()
  }
}

/** @throws DAMAGED when a record points outside the values */
export function assertInside(origin: ValueOrigin, offset: number, length: number): void {
  if (offset + length > origin.length) throw outside(origin, offset, length)
}

const outside = ({ file }: ValueOrigin, offset: number, length: number): FlagstoneError =>
  new FlagstoneError(
    'DAMAGED',
    `${file.path}: a record points to ${length} bytes at V+${offset}, where there are no values; verify names it.`,
    { path: file.path },
  )
