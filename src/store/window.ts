// A file of any size as a row of mappings. A mapping may not exceed 2^30 bytes, so windows of that size
// start every 2^29 bytes: whatever is at most 2^29 bytes long lies whole in the window its first byte
// selects. Windows are mapped when first touched, may reach past the end of the file (growth needs no
// remapping), and live as long as any view into them.
//
// Invariant kept by the callers: no byte past the end of the file is ever touched (that is SIGBUS).
import type { ByteFile } from '../platform/byte-file.js'

export const WINDOW_BYTES = 2 ** 30
export const WINDOW_STEP = 2 ** 29

export class Windows {
  readonly #file: ByteFile
  readonly #windows: (Uint8Array | undefined)[] = []

  private constructor(file: ByteFile, first: Uint8Array) {
    this.#file = file
    this.#windows[0] = first
  }

  /** undefined when this file cannot be mapped. */
  static of(file: ByteFile): Windows | undefined {
    const first = file.map(0, WINDOW_BYTES)
    return first === undefined ? undefined : new Windows(file, new Uint8Array(first))
  }

  /** The window that holds [position, position + 2^29), from its byte `startOf(position)`; undefined if it cannot be mapped. */
  at(position: number): Uint8Array | undefined {
    const n = Math.floor(position / WINDOW_STEP)
    return this.#windows[n] ?? this.#map(n)
  }

  /** File position of the first byte of the window for `position`. */
  static startOf(position: number): number {
    return Math.floor(position / WINDOW_STEP) * WINDOW_STEP
  }

  #map(n: number): Uint8Array | undefined {
    const buffer = this.#file.map(n * WINDOW_STEP, WINDOW_BYTES)
    if (buffer === undefined) return undefined
    const window = new Uint8Array(buffer)
    this.#windows[n] = window
    return window
  }
}
