// Bytes that are written now and read once later: in memory while they are few, then in a nameless temporary file.
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromNodeError } from '../../platform/system-error.js'
import { readAt, writeAt } from '../../platform/transfer.js'

const BUFFER_BYTES = 4 * 1024 * 1024

export class SpoolFile {
  readonly #buffer = Buffer.alloc(BUFFER_BYTES)
  #buffered = 0
  #written = 0
  #fd: number | undefined

  /** @throws DISK_FULL, SYSTEM */
  append(bytes: Uint8Array): void {
    if (this.#buffered + bytes.length > BUFFER_BYTES) this.#park()
    this.#buffer.set(bytes, this.#buffered)
    this.#buffered += bytes.length
  }

  /** Everything that was appended. A part is valid until the next one. @throws SYSTEM */
  *parts(): Generator<Uint8Array> {
    if (this.#fd === undefined) {
      yield this.#buffer.subarray(0, this.#buffered)
      return
    }
    this.#park()
    for (let at = 0; at < this.#written; at += BUFFER_BYTES) {
      const part = this.#buffer.subarray(0, Math.min(BUFFER_BYTES, this.#written - at))
      readAt(this.#fd, part, at)
      yield part
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #park(): void {
    const path = join(tmpdir(), `flagstone-directory-${process.pid}-${randomBytes(6).toString('hex')}`)
    try {
      if (this.#fd === undefined) {
        this.#fd = openSync(path, 'wx+', 0o600)
        unlinkSync(path)
      }
      writeAt(this.#fd, this.#buffer.subarray(0, this.#buffered), this.#written)
    } catch (error) {
      throw fromNodeError(error, 'write', path)
    }
    this.#written += this.#buffered
    this.#buffered = 0
  }
}
