// A large picture that is put together of small ones, in the channels in which it will be encoded.

import type { PixelRect } from '../../grid/tiles/rect.js'
import { coverageOf } from '../../raster/canvas.js'
import type { Pixels } from '../../raster/pixels.js'
import type { RawPicture } from '../../raster/tiles/picture-encode.js'

export type Colour = readonly [red: number, green: number, blue: number]

export const WHITE: Colour = [255, 255, 255]

export class RawCanvas {
  readonly width: number
  readonly height: number
  readonly #channels: 2 | 3 | 4
  readonly #data: Uint8Array
  /** What shows through; undefined: the picture stays transparent. */
  readonly #background: Colour | undefined
  readonly #keepsHidden: boolean
  #isOpaque = true
  #isEmpty = true

  /** `bands`: of the pictures that will be put on it, 1 or 3. `keepsHidden`: keep the colours of transparent pixels. */
  constructor(
    width: number,
    height: number,
    bands: number,
    background: Colour | undefined,
    keepsHidden: boolean,
  ) {
    this.width = width
    this.height = height
    this.#background = background
    this.#keepsHidden = keepsHidden
    this.#channels = background !== undefined ? 3 : bands === 1 ? 2 : 4
    this.#data = new Uint8Array(width * height * this.#channels)
  }

  /** Nothing was put on it but transparent pixels. */
  get isEmpty(): boolean {
    return this.#isEmpty
  }

  /** What lies under `piece`, with the corner of the piece at x, y of the pixels. Pieces cover the picture once. */
  put(pixels: Pixels, piece: PixelRect, x: number, y: number): void {
    const coverage = coverageOf(pixels.mask)
    if (coverage !== 'none') this.#isEmpty = false
    if (coverage !== 'full') this.#isOpaque = false
    for (let row = piece.minY; row < piece.endY; row++) {
      const from = (y + row - piece.minY) * pixels.width + x
      const at = (row * this.width + piece.minX) * this.#channels
      if (this.#background === undefined) this.#copy(pixels, from, at, piece.endX - piece.minX)
      else this.#lay(pixels, from, at, piece.endX - piece.minX, this.#background)
    }
  }

  /** Samples that do not show are 0, or kept. */
  #copy({ bands, data, mask }: Pixels, from: number, at: number, count: number): void {
    const out = this.#data
    const channels = this.#channels
    for (let p = from, d = at; p < from + count; p++, d += channels) {
      const alpha = mask === undefined ? 255 : mask[p]!
      if (alpha === 0 && !this.#keepsHidden) continue
      const s = p * bands
      out[d] = data[s]!
      if (bands === 3) {
        out[d + 1] = data[s + 1]!
        out[d + 2] = data[s + 2]!
      }
      out[d + channels - 1] = alpha
    }
  }

  #lay({ bands, data, mask }: Pixels, from: number, at: number, count: number, behind: Colour): void {
    const out = this.#data
    for (let p = from, d = at; p < from + count; p++, d += 3) {
      const alpha = mask === undefined ? 255 : mask[p]!
      const s = p * bands
      for (let c = 0; c < 3; c++) {
        const sample = alpha === 0 ? 0 : bands === 3 ? data[s + c]! : data[s]!
        out[d + c] = ((sample * alpha + behind[c]! * (255 - alpha) + 127) / 255) | 0
      }
    }
  }

  /** `isGrey`: everything that was put on it had no colour. */
  finish(isGrey: boolean): RawPicture {
    const background = this.#background
    const isOpaque = this.#isOpaque || background !== undefined
    const isGreyBehind =
      background === undefined || (background[0] === background[1] && background[1] === background[2])
    return {
      width: this.width,
      height: this.height,
      channels: this.#channels,
      data: this.#data,
      isOpaque,
      isGrey: isGrey && (this.#isOpaque || isGreyBehind),
    }
  }
}
