// Reuses memory: the system maps, zeroes and unmaps a large array every time one is allocated, which costs as much as
// filling it.
import type { Canvas } from '../../raster/canvas.js'
import type { Samples } from '../../raster/pixels.js'
import { pixelMemory } from '../../raster/simd.js'

/** Allocates samples: colours or values. */
export type SampleMaker<T extends Samples> = (length: number) => T

/** Memory of the kernels, which work fastest on it. */
export const makeColours: SampleMaker<Uint8Array> = (length) => pixelMemory().take(length)
export const makeValues: SampleMaker<Float32Array> = (length) => new Float32Array(length)

/** One canvas per slot, as large as the largest requested. Taking a slot again ends the use of its previous canvas. */
export class CanvasPool<T extends Samples = Uint8Array> {
  readonly #make: SampleMaker<T>
  readonly #data: T[] = []
  readonly #mask: Uint8Array[] = []

  constructor(make: SampleMaker<T>) {
    this.#make = make
  }

  /** The mask is cleared. Samples keep their old contents. */
  take(slot: number, width: number, height: number, bands: number): Canvas<T> {
    const pixels = width * height
    const data = atLeast(this.#data, slot, pixels * bands, this.#make).subarray(0, pixels * bands) as T
    const mask = atLeast(this.#mask, slot, pixels, makeColours).subarray(0, pixels)
    mask.fill(0)
    return { width, height, bands, data, mask }
  }

  /** Releases all memory. */
  close(): void {
    // slots need not be taken in order
    for (const list of [this.#data, this.#mask]) list.forEach((array) => void pixelMemory().give(array))
    this.#data.length = 0
    this.#mask.length = 0
  }
}

function atLeast<T extends Samples>(list: T[], slot: number, length: number, make: SampleMaker<T>): T {
  const found = list[slot]
  if (found !== undefined && found.length >= length) return found
  if (found instanceof Uint8Array) pixelMemory().give(found)
  const made = make(length)
  list[slot] = made
  return made
}

/** Canvases of one size, as many as are in use at once. */
export class TilePool<T extends Samples = Uint8Array> {
  readonly #make: SampleMaker<T>
  readonly #free: Canvas<T>[] = []
  readonly #size: number
  readonly #bands: number
  constructor(make: SampleMaker<T>, size: number, bands: number) {
    this.#make = make
    this.#size = size
    this.#bands = bands
  }

  /** The contents are undefined, including the mask. */
  take(): Canvas<T> {
    const pixels = this.#size * this.#size
    return (
      this.#free.pop() ?? {
        width: this.#size,
        height: this.#size,
        bands: this.#bands,
        data: this.#make(pixels * this.#bands),
        mask: new Uint8Array(pixels),
      }
    )
  }

  give(canvas: Canvas<T>): void {
    this.#free.push(canvas)
  }

  /** Releases the memory of canvases that are not in use. */
  close(): void {
    for (const { data } of this.#free) pixelMemory().give(data)
    this.#free.length = 0
  }
}
