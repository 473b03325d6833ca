// Memory used again and again: a large array is mapped, zeroed and unmapped by the system each time it is
// made, which costs as much as filling it.
import type { Canvas } from '../raster/canvas.js'

/** One canvas a slot, as large as the largest asked for. Taking a slot again ends the use of its last canvas. */
export class CanvasPool {
  readonly #data: Uint8Array[] = []
  readonly #mask: Uint8Array[] = []

  /** Nothing is painted; samples are what they were. */
  take(slot: number, width: number, height: number, bands: number): Canvas {
    const pixels = width * height
    const data = atLeast(this.#data, slot, pixels * bands).subarray(0, pixels * bands)
    const mask = atLeast(this.#mask, slot, pixels).subarray(0, pixels)
    mask.fill(0)
    return { width, height, bands, data, mask }
  }
}

function atLeast(list: Uint8Array[], slot: number, length: number): Uint8Array {
  const found = list[slot]
  if (found !== undefined && found.length >= length) return found
  const made = new Uint8Array(length)
  list[slot] = made
  return made
}

/** Canvases of one size, as many as are in use at once. */
export class TilePool {
  readonly #free: Canvas[] = []
  readonly #size: number
  readonly #bands: number
  constructor(size: number, bands: number) {
    this.#size = size
    this.#bands = bands
  }

  /** Content undefined, mask too. */
  take(): Canvas {
    const pixels = this.#size * this.#size
    return (
      this.#free.pop() ?? {
        width: this.#size,
        height: this.#size,
        bands: this.#bands,
        data: new Uint8Array(pixels * this.#bands),
        mask: new Uint8Array(pixels),
      }
    )
  }

  give(canvas: Canvas): void {
    this.#free.push(canvas)
  }
}
