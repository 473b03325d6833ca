// Buffers values: they are gathered in one buffer, written in large pieces, and handed to the disk at once (flushHint),
// so that little is dirty when an INSERT_RANGE or a sync has to wait for it.
//
// Offsets are relative to V (`base.valuesStart`), which moves when an index grows, so nothing here depends on growth.
// Values are only ever appended. When very much is appended, another thread writes full buffers past the page cache
// (platform/write-behind.ts): then nothing is dirty, and copying overlaps with writing.
import { FlagstoneError } from '../../errors.js'
import { MAX_VALUE_OFFSET, BLOCK_BYTES as PAGE, roundUp } from '../../format/layout.js'
import type { BehindWriter, ByteFile } from '../../platform/byte-file.js'
import { copyRange } from './copy-range.js'

export interface ValuesBase {
  /** V: file position of the first value. */
  valuesStart: number
}

export class ValueStage {
  readonly #file: ByteFile
  readonly #base: ValuesBase
  /** buffer[i] is value byte #start + i. #start and V are multiples of PAGE. */
  #buffer: Uint8Array
  #start: number
  /** Bytes of the buffer before this index are already in the file. */
  #from: number
  #used: number
  /** Values of this size and more bypass the buffer. */
  readonly #directBytes: number
  /** After this many appended bytes, another thread writes full buffers past the page cache. */
  readonly #behindAfter: number
  #behind: BehindWriter | undefined
  #behindTried = false
  /** Bytes of values appended since this stage was made; used for automatic commits and for stats. */
  appendedBytes = 0

  constructor(file: ByteFile, base: ValuesBase, end: number, bufferBytes: number, behindAfter: number) {
    this.#file = file
    this.#base = base
    this.#start = end - (end % PAGE)
    this.#from = this.#used = end % PAGE
    // One more page, for a page that was begun before.
    this.#buffer = new Uint8Array(roundUp(bufferBytes, PAGE) + PAGE)
    this.#directBytes = Math.max(1, bufferBytes >> 2)
    this.#behindAfter = behindAfter
  }

  /** Offset of the next value, which is the length of all values so far. */
  get end(): number {
    return this.#start + this.#used
  }

  /** Copies `bytes` and returns their offset. If it throws (disk full), nothing was appended. */
  append(bytes: Uint8Array): number {
    const length = bytes.length
    const offset = this.#start + this.#used
    this.#assertRoom(offset + length)
    if (length >= this.#directBytes) {
      this.flush()
      this.#file.write(bytes, this.#base.valuesStart + offset)
      this.#file.flushHint(this.#base.valuesStart + offset, length)
      this.#continueAt(offset + length)
    } else {
      if (this.#used + length > this.#buffer.length) this.#spill()
      this.#buffer.set(bytes, this.#used)
      this.#used += length
    }
    this.appendedBytes += length
    return offset
  }

  /**
   * Appends a range of another file; returns its offset. `clone`: by sharing its blocks, which leaves a gap before it;
   * undefined where that does not work, and nothing was appended then.
   * @throws DAMAGED when the other file ends too early
   */
  appendRange(source: ByteFile, position: number, length: number): number
  appendRange(source: ByteFile, position: number, length: number, how: 'clone'): number | undefined
  appendRange(source: ByteFile, position: number, length: number, how?: 'clone'): number | undefined {
    this.flush()
    const gap = how === 'clone' ? (((position - this.end) % PAGE) + PAGE) % PAGE : 0
    const offset = this.end + gap
    this.#assertRoom(offset + length)
    const isDone = copyRange(this.#file, source, position, length, this.#base.valuesStart + offset, how)
    if (!isDone) return undefined
    this.#continueAt(offset + length)
    this.appendedBytes += length
    return offset
  }

  /** Writes everything so far to the file. If it throws, nothing is lost and the next flush tries again. */
  flush(): void {
    this.#behind?.drain()
    this.#writeUpTo(this.#used)
    this.#continueAt(this.#start + this.#used)
  }

  /** Leaves a hole for an index region among the values. The caller has flushed. */
  skipTo(offset: number): void {
    if (this.#from !== this.#used || offset < this.end)
      throw new RangeError(`values cannot continue at ${offset}`)
    this.#continueAt(offset)
  }

  /** Ends the other thread, if there is one. */
  close(): void {
    this.#behind?.close()
    this.#behind = undefined
  }

  /** Reads a value from the buffer or the file. */
  read(offset: number, into: Uint8Array): void {
    if (this.#isHere(offset)) {
      into.set(this.#buffer.subarray(offset - this.#start, offset - this.#start + into.length))
      return
    }
    this.#settle(offset + into.length)
    const got = this.#file.read(into, this.#base.valuesStart + offset)
    if (got !== into.length) throw shortRead(this.#file, this.#base.valuesStart + offset, into.length, got)
  }

  /** Whether the stored bytes at `offset` equal `bytes`. */
  equals(offset: number, bytes: Uint8Array): boolean {
    if (this.#isHere(offset)) {
      const at = offset - this.#start
      return Buffer.compare(this.#buffer.subarray(at, at + bytes.length), bytes) === 0
    }
    const step = Math.min(bytes.length, 1 << 20)
    const stored = Buffer.allocUnsafe(step)
    for (let done = 0; done < bytes.length; done += step) {
      const part = stored.subarray(0, Math.min(step, bytes.length - done))
      this.read(offset + done, part)
      if (Buffer.compare(part, bytes.subarray(done, done + part.length)) !== 0) return false
    }
    return true
  }

  #assertRoom(end: number): void {
    if (end > MAX_VALUE_OFFSET)
      throw new FlagstoneError(
        'TOO_LARGE',
        `${this.#file.path}: values may not pass 2^48 bytes; start another file.`,
      )
  }

  #isHere(offset: number): boolean {
    return offset >= this.#start + this.#from
  }

  /** Ensures that everything before offset `end` can be read from the file. */
  #settle(end: number): void {
    // The last value of a spilled buffer may end in the present one.
    if (end > this.#start + this.#from) this.flush()
    else this.#behind?.drain()
  }

  /** Makes room in a full buffer. */
  #spill(): void {
    if (!this.#behindTried && this.appendedBytes >= this.#behindAfter) this.#goBehind()
    const behind = this.#behind
    if (behind === undefined) {
      this.flush()
      return
    }
    // The rest of a page begun before the last flush goes through the cache, whole pages past it, and the remainder
    // moves to the new buffer.
    this.#writeUpTo(Math.min(this.#used, roundUp(this.#from, PAGE)))
    const end = this.#used - (this.#used % PAGE)
    const full = this.#buffer
    if (end > this.#from)
      behind.submit(this.#from, end - this.#from, this.#base.valuesStart + this.#start + this.#from)
    this.#buffer = behind.buffer
    this.#buffer.set(full.subarray(end, this.#used), 0)
    this.#start += end
    this.#from = Math.max(0, this.#from - end)
    this.#used -= end
  }

  /** From now on another thread writes full buffers. */
  #goBehind(): void {
    this.#behindTried = true
    this.#behind = this.#file.writeBehind?.(this.#buffer.length)
    if (this.#behind === undefined) return
    const { buffer } = this.#behind
    buffer.set(this.#buffer.subarray(this.#from, this.#used), this.#from)
    this.#buffer = buffer
  }

  /** Writes the buffered bytes before index `end` through the cache. */
  #writeUpTo(end: number): void {
    if (end <= this.#from) return
    const position = this.#base.valuesStart + this.#start + this.#from
    this.#file.write(this.#buffer.subarray(this.#from, end), position)
    this.#file.flushHint(position, end - this.#from)
    this.#from = end
  }

  /** Continues with an empty buffer at `offset`. Everything before is in the file. */
  #continueAt(offset: number): void {
    this.#start = offset - (offset % PAGE)
    this.#from = this.#used = offset % PAGE
  }
}

export function shortRead(file: ByteFile, position: number, wanted: number, got: number): FlagstoneError {
  return new FlagstoneError(
    'DAMAGED',
    `${file.path}: the file ends too early: ${wanted} bytes were to be read at ${position}, ${got} were there.`,
  )
}
