// A file of any size as a sequence of mappings. A mapping may not exceed 2^30 bytes, so windows of at most that size
// start every 2^29 bytes: a range of up to 2^29 bytes lies entirely in the window that its first byte selects. Windows
// are mapped when first touched and live as long as any view into them.
//
// A window extends past the end of the file, to twice its present size, so that a growing file is rarely mapped again.
// It does not extend further, because V8 counts mapped bytes as memory in use and would collect garbage for a gigabyte.
//
// Invariants that callers keep: no byte past the end of the file is touched (that raises SIGBUS), so no part of a
// window is handed out (lent-views.ts is for that). After `close` nobody reads a window.
import type { ByteFile } from '../../platform/byte-file.js'

export const WINDOW_BYTES = 2 ** 30
export const WINDOW_STEP = 2 ** 29
const LEAST_BYTES = 2 ** 20
/** Mapping offsets are multiples of this. */
const GRAIN = 65536

export class Windows {
  readonly #file: ByteFile
  readonly #windows: (Uint8Array<ArrayBuffer> | undefined)[] = []
  /** The first bytes of the file, including both superblocks. */
  readonly head: ArrayBuffer

  private constructor(file: ByteFile, head: ArrayBuffer) {
    this.#file = file
    this.head = head
  }

  /** undefined when the file cannot be mapped. */
  static of(file: ByteFile): Windows | undefined {
    const head = file.map(0, GRAIN)
    return head === undefined ? undefined : new Windows(file, head)
  }

  /**
   * A window that contains [position, end), at most 2^29 bytes. Its first byte is at `startOf(position)`. undefined
   * when it cannot be mapped.
   */
  at(position: number, end: number): Uint8Array | undefined {
    const n = Math.floor(position / WINDOW_STEP)
    const window = this.#windows[n]
    return window !== undefined && end - n * WINDOW_STEP <= window.length ? window : this.#map(n, end)
  }

  /**
   * Unmaps at once, because the garbage collector would wait for the event loop. Windows that were replaced by larger
   * ones are left to the collector.
   */
  close(): void {
    this.#file.unmap(this.head)
    for (const window of this.#windows) if (window !== undefined) this.#file.unmap(window.buffer)
    this.#windows.length = 0
  }

  /** File position of the first byte of the window for `position`. */
  static startOf(position: number): number {
    return Math.floor(position / WINDOW_STEP) * WINDOW_STEP
  }

  #map(n: number, end: number): Uint8Array | undefined {
    const start = n * WINDOW_STEP
    const wanted = Math.max(LEAST_BYTES, end - start, 2 * (this.#file.size() - start))
    const buffer = this.#file.map(start, Math.min(WINDOW_BYTES, Math.ceil(wanted / GRAIN) * GRAIN))
    if (buffer === undefined) return undefined
    const window = new Uint8Array(buffer)
    this.#windows[n] = window
    return window
  }
}
