// A file that is read a little here and there: small reads near each other cost one call of the system.
import { closeSync, fstatSync } from 'node:fs'
import { FlagstoneError } from '../../errors.js'
import { openRegularSync } from '../../platform/regular-file.js'
import { fromNodeError } from '../../platform/system-error.js'
import { readAt } from '../../platform/transfer.js'

const WINDOW_BYTES = 64 * 1024

export class WindowFile {
  readonly path: string
  /** When it was opened. */
  readonly sizeBytes: number
  readonly #fd: number
  #isOpen = true
  readonly #window = Buffer.alloc(WINDOW_BYTES)
  #start = 0
  #length = 0

  /** @throws NOT_FOUND, SOURCE_UNREADABLE, SYSTEM */
  constructor(path: string) {
    this.path = path
    this.#fd = openRegularSync(path)
    this.sizeBytes = fstatSync(this.#fd).size
  }

  /**
   * Bytes that stay valid until the next call, for up to 64 KiB.
   * @throws DAMAGED when the file ends before
   */
  peek(position: number, length: number): Buffer {
    if (position < this.#start || position + length > this.#start + this.#length) {
      this.#start = position
      this.#length = this.#fill(this.#window, position)
      if (this.#length < length) throw this.endsEarly()
    }
    return this.#window.subarray(position - this.#start, position - this.#start + length)
  }

  /** A copy of bytes. @throws DAMAGED when the file ends before */
  read(position: number, length: number): Buffer {
    if (position + length > this.sizeBytes) throw this.endsEarly()
    const bytes = Buffer.allocUnsafeSlow(length)
    if (this.#fill(bytes, position) < length) throw this.endsEarly()
    return bytes
  }

  endsEarly(): FlagstoneError {
    return new FlagstoneError('DAMAGED', `${this.path} was cut off; get a complete copy.`, {
      path: this.path,
    })
  }

  close(): void {
    if (this.#isOpen) closeSync(this.#fd)
    this.#isOpen = false
  }

  #fill(into: Buffer, position: number): number {
    try {
      return readAt(this.#fd, into, position)
    } catch (error) {
      throw fromNodeError(error, 'read', this.path)
    }
  }
}
