// Bytes that are written now and read once later: in memory while they are few, then in a nameless temporary file.
import { NamelessFile } from '../../platform/nameless-file.js'

const BUFFER_BYTES = 4 * 1024 * 1024

export class SpoolFile {
  readonly #buffer = Buffer.alloc(BUFFER_BYTES)
  #buffered = 0
  #written = 0
  #file: NamelessFile | undefined

  /** @throws DISK_FULL, SYSTEM */
  append(bytes: Uint8Array): void {
    if (this.#buffered + bytes.length > BUFFER_BYTES) this.#park()
    this.#buffer.set(bytes, this.#buffered)
    this.#buffered += bytes.length
  }

  /** Everything that was appended. A part is valid until the next one. @throws SYSTEM */
  *parts(): Generator<Uint8Array> {
    if (this.#file === undefined) {
      yield this.#buffer.subarray(0, this.#buffered)
      return
    }
    this.#park()
    for (let at = 0; at < this.#written; at += BUFFER_BYTES) {
      const part = this.#buffer.subarray(0, Math.min(BUFFER_BYTES, this.#written - at))
      this.#file.read(part, at)
      yield part
    }
  }

  close(): void {
    this.#file?.close()
    this.#file = undefined
  }

  #park(): void {
    this.#file ??= new NamelessFile()
    this.#file.write(this.#buffer.subarray(0, this.#buffered), this.#written)
    this.#written += this.#buffered
    this.#buffered = 0
  }
}
