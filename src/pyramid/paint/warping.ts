// Warps what is read of a source onto a canvas, and memory for canvases that live no longer than a piece.
import type { Canvas } from '../../raster/canvas.js'
import type { Pixels, Samples } from '../../raster/pixels.js'
import { pixelMemory } from '../../raster/simd.js'
import { runWarp } from '../../raster/warp/warp.js'
import type { Reading } from './reading.js'

/** Where the pixels of a reading go: the first one to x, y. */
export interface Onto {
  readonly canvas: Canvas<Samples>
  readonly x: number
  readonly y: number
}

/**
 * Warps all parts of a reading. `onto` is asked when the first is there, `whenLast` is called when all is read.
 * Undefined when the source has nothing there.
 * @throws as Reading.next
 */
export async function warpAll(
  reading: Reading,
  onto: () => Onto,
  whenLast?: () => void,
): Promise<Canvas<Samples> | undefined> {
  let place: Onto | undefined
  for (let read = await reading.next(); read !== undefined; read = await reading.next()) {
    if (read.isLast) whenLast?.()
    place ??= onto()
    const { canvas, x, y } = place
    runWarp(read.plan, read.part, withBands(read.pixels, canvas.bands), canvas, x, y)
    giveBack(read.pixels)
  }
  return place?.canvas
}

function giveBack({ data, mask }: Pixels<Samples>): void {
  const memory = pixelMemory()
  if (data instanceof Uint8Array) memory.give(data)
  if (mask !== undefined) memory.give(mask)
}

/** Expands grey sources of a coloured mosaic. */
function withBands(pixels: Pixels<Samples>, bands: number): Pixels<Samples> {
  if (pixels.bands === bands || pixels.bands !== 1) return pixels
  const { data: grey } = pixels
  const data =
    grey instanceof Uint8Array ? new Uint8Array(grey.length * bands) : new Float32Array(grey.length * bands)
  for (let i = 0, to = 0; i < grey.length; i++) {
    const value = grey[i]!
    for (let b = 0; b < bands; b++) data[to++] = value
  }
  return { ...pixels, bands, data }
}

/** Reused memory, see buffers.ts. Nothing in it outlives a piece. */
export class Scratch {
  #data: Samples = new Uint8Array(0)
  #mask = new Uint8Array(0)

  /** An empty canvas with the same kind of samples as another. */
  canvas(width: number, height: number, like: Canvas<Samples>): Canvas<Samples> {
    const pixels = width * height
    const length = pixels * like.bands
    const isFloat = like.data instanceof Float32Array
    if (this.#data.length < length || this.#data instanceof Float32Array !== isFloat) {
      this.#data = isFloat ? new Float32Array(length) : new Uint8Array(length)
    }
    if (this.#mask.length < pixels) this.#mask = new Uint8Array(pixels)
    const mask = this.#mask.subarray(0, pixels).fill(0)
    return { width, height, bands: like.bands, data: this.#data.subarray(0, length) as Samples, mask }
  }
}
