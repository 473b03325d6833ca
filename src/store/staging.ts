// Values on their way to the file: gathered in one buffer, written in large pieces, handed to the disk at once
// (flushHint) so that little is dirty when an INSERT_RANGE or a sync has to wait for it.
//
// Offsets are relative to V (`base.valuesStart`), which moves when an index grows; so nothing here has to
// know about growth. Values are only ever appended.
import { FlagstoneError } from '../errors.js'
import { MAX_VALUE_OFFSET } from '../format/layout.js'
import type { ByteFile } from '../platform/byte-file.js'

export interface ValuesBase {
  /** V: file position of the first value. */
  valuesStart: number
}

export class ValueStage {
  readonly #file: ByteFile
  readonly #base: ValuesBase
  readonly #buffer: Uint8Array
  /** Values of this size and more are written without a detour. */
  readonly #directBytes: number
  /** Offset of the buffer's first byte. */
  #start: number
  #used = 0
  /** Bytes of values written since this stage was made, for grouping commits and for stats. */
  appendedBytes = 0

  constructor(file: ByteFile, base: ValuesBase, end: number, bufferBytes: number) {
    this.#file = file
    this.#base = base
    this.#start = end
    this.#buffer = new Uint8Array(bufferBytes)
    this.#directBytes = Math.max(1, bufferBytes >> 2)
  }

  /** Where the next value goes; the length of the values so far. */
  get end(): number {
    return this.#start + this.#used
  }

  /** Takes a copy of `bytes`; returns its offset. When it throws (disk full), nothing was appended. */
  append(bytes: Uint8Array): number {
    const length = bytes.length
    const offset = this.#start + this.#used
    if (offset + length > MAX_VALUE_OFFSET)
      throw new FlagstoneError(
        'TOO_LARGE',
        `${this.#file.path}: values may not pass 2^48 bytes; start another file.`,
      )
    if (length >= this.#directBytes) {
      this.flush()
      this.#file.write(bytes, this.#base.valuesStart + offset)
      this.#file.flushHint(this.#base.valuesStart + offset, length)
      this.#start = offset + length
    } else {
      if (this.#used + length > this.#buffer.length) this.flush()
      this.#buffer.set(bytes, this.#used)
      this.#used += length
    }
    this.appendedBytes += length
    return offset
  }

  /** Writes what is gathered. When it throws, everything is still here and the next flush tries again. */
  flush(): void {
    if (this.#used === 0) return
    const position = this.#base.valuesStart + this.#start
    this.#file.write(this.#buffer.subarray(0, this.#used), position)
    this.#file.flushHint(position, this.#used)
    this.#start += this.#used
    this.#used = 0
  }

  /** Leaves a hole, for an index region placed among the values. Flushed before. */
  skipTo(offset: number): void {
    if (this.#used !== 0 || offset < this.#start) throw new RangeError(`values cannot continue at ${offset}`)
    this.#start = offset
  }

  /** Reads a value back, from the buffer or from the file. */
  read(offset: number, into: Uint8Array): void {
    if (offset >= this.#start) {
      into.set(this.#buffer.subarray(offset - this.#start, offset - this.#start + into.length))
      return
    }
    const got = this.#file.read(into, this.#base.valuesStart + offset)
    if (got !== into.length) throw shortRead(this.#file, this.#base.valuesStart + offset, into.length, got)
  }

  /** Whether the stored bytes at `offset` equal `bytes`. */
  equals(offset: number, bytes: Uint8Array): boolean {
    if (offset >= this.#start) {
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
}

export function shortRead(file: ByteFile, position: number, wanted: number, got: number): FlagstoneError {
  return new FlagstoneError(
    'DAMAGED',
    `${file.path}: the file ends too early: ${wanted} bytes were to be read at ${position}, ${got} were there.`,
  )
}
