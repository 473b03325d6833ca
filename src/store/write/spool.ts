// Buffers leaf directories: in memory while they are few, otherwise after the values in the file, where the next writer
// would truncate them if this one died.
import { crc32 } from '../../format/crc.js'
import type { StoreState } from './state.js'

const MEMORY_BYTES = 64 * 1024 * 1024
const COPY_BYTES = 1 << 20

export class Spool {
  readonly #state: StoreState
  #parts: Uint8Array[] = []
  #partBytes = 0
  /** Number of bytes parked in the file, from V + values.end on. */
  #parked = 0

  constructor(state: StoreState) {
    this.#state = state
  }

  /** Adds the next piece; `offset` 0 starts again. */
  put(bytes: Uint8Array, offset: number): void {
    if (offset === 0) {
      this.#parts = []
      this.#partBytes = 0
      this.#parked = 0
    }
    this.#parts.push(bytes)
    this.#partBytes += bytes.length
    if (this.#partBytes > MEMORY_BYTES) this.#park()
  }

  #base(): number {
    return this.#state.valuesStart + this.#state.values.end
  }

  #park(): void {
    for (const part of this.#parts) {
      this.#state.file.write(part, this.#base() + this.#parked)
      this.#parked += part.length
    }
    this.#parts = []
    this.#partBytes = 0
  }

  /** Writes everything to `position`; returns its CRC. */
  writeTo(position: number): number {
    const { file } = this.#state
    let crc = 0
    let done = 0
    const buffer = new Uint8Array(Math.min(COPY_BYTES, this.#parked))
    while (done < this.#parked) {
      const part = buffer.subarray(0, Math.min(buffer.length, this.#parked - done))
      file.read(part, this.#base() + done)
      if (position !== this.#base()) file.write(part, position + done)
      crc = crc32(part, crc)
      done += part.length
    }
    for (const part of this.#parts) {
      file.write(part, position + done)
      crc = crc32(part, crc)
      done += part.length
    }
    return crc
  }
}
