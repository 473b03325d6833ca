// Combines several sources in one piece: new pixels are painted under the existing ones, or averaged with them.
//
// Opacity 0 … 255 says how much of a pixel a source covers. The operator is 'over' (Porter & Duff 1984) with colours
// weighted by opacity, so that soft edges do not darken and adjoining edges leave no seam. With binary masks this
// selects the upper source where it has a pixel. All loops run over colours and values alike.

import type { PixelRect } from '../../grid/tiles/rect.js'
import type { Canvas } from '../../raster/canvas.js'
import type { Samples } from '../../raster/pixels.js'

/** A canvas, or a part of one. */
export interface Layer {
  /** Samples are interleaved. */
  readonly bands: number
  readonly data: Samples
  readonly mask: Uint8Array
  /** Pixels a row. */
  readonly stride: number
  /** Position of the layer's first pixel. */
  readonly x: number
  readonly y: number
}

/** A canvas as a layer whose corner is that of a rectangle. */
export function layerOf({ width, bands, data, mask }: Canvas<Samples>, { minX, minY }: PixelRect): Layer {
  return { bands, data, mask, stride: width, x: minX, y: minY }
}

/** Index of a pixel in a layer. */
export const indexIn = (layer: Layer, x: number, y: number): number =>
  (y - layer.y) * layer.stride + x - layer.x

/** Whether all pixels of the rectangle are opaque. */
export function isCovered(layer: Layer, rect: PixelRect): boolean {
  const { mask } = layer
  for (let y = rect.minY; y < rect.endY; y++) {
    const from = indexIn(layer, rect.minX, y)
    const end = from + rect.endX - rect.minX
    for (let i = from; i < end; i++) if (mask[i] !== 255) return false
  }
  return true
}

/** Paints `lower` under `upper`, in place. */
export function paintUnder(upper: Layer, lower: Layer, rect: PixelRect): void {
  const { bands, data, mask } = upper
  const { data: lowerData, mask: lowerMask } = lower
  const rounding = data instanceof Uint8Array ? 0.5 : 0
  for (let y = rect.minY; y < rect.endY; y++) {
    let u = indexIn(upper, rect.minX, y)
    let l = indexIn(lower, rect.minX, y)
    const end = u + rect.endX - rect.minX
    for (; u < end; u++, l++) {
      const top = mask[u]!
      const bottom = lowerMask[l]!
      if (top === 255 || bottom === 0) continue
      if (top === 0) {
        for (let b = 0; b < bands; b++) data[u * bands + b] = lowerData[l * bands + b]!
        mask[u] = bottom
        continue
      }
      const seen = bottom * (255 - top)
      const whole = top * 255 + seen
      for (let b = 0; b < bands; b++) {
        const mixed = data[u * bands + b]! * (top * 255) + lowerData[l * bands + b]! * seen
        data[u * bands + b] = mixed / whole + rounding
      }
      mask[u] = whole / 255 + 0.5
    }
  }
}

/** Weighted sums of the sources of a piece. */
export class FeatherSum {
  readonly #bands: number
  readonly #rect: PixelRect
  readonly #width: number
  readonly #sums: Float32Array
  readonly #weights: Float32Array
  readonly #opacity: Uint8Array

  constructor(rect: PixelRect, bands: number) {
    this.#rect = rect
    this.#bands = bands
    this.#width = rect.endX - rect.minX
    const pixels = this.#width * (rect.endY - rect.minY)
    this.#sums = new Float32Array(pixels * bands)
    this.#weights = new Float32Array(pixels)
    this.#opacity = new Uint8Array(pixels)
  }

  /**
   * `distances` of the layer's pixels from its nearest empty ones. A pixel is weighted by its opacity times its
   * distance.
   */
  add(layer: Layer, distances: Float32Array): void {
    const bands = this.#bands
    const sums = this.#sums
    const weights = this.#weights
    const opacities = this.#opacity
    const { data, mask } = layer
    const { minX, minY, endX, endY } = this.#rect
    for (let y = minY, at = 0; y < endY; y++) {
      let from = indexIn(layer, minX, y)
      for (let x = minX; x < endX; x++, from++, at++) {
        const opacity = mask[from]!
        if (opacity === 0) continue
        const weight = opacity * (distances[from]! - 0.5)
        weights[at] = weights[at]! + weight
        for (let b = 0; b < bands; b++) {
          sums[at * bands + b] = sums[at * bands + b]! + weight * data[from * bands + b]!
        }
        if (opacity > opacities[at]!) opacities[at] = opacity
      }
    }
  }

  /** The result has the opacity of the most opaque source. */
  finish(to: Layer): void {
    const bands = this.#bands
    const rounding = to.data instanceof Uint8Array ? 0.5 : 0
    const { minX, minY, endX, endY } = this.#rect
    for (let y = minY, at = 0; y < endY; y++) {
      let into = indexIn(to, minX, y)
      for (let x = minX; x < endX; x++, into++, at++) {
        const weight = this.#weights[at]!
        if (weight === 0) continue
        for (let b = 0; b < bands; b++) {
          to.data[into * bands + b] = this.#sums[at * bands + b]! / weight + rounding
        }
        to.mask[into] = this.#opacity[at]!
      }
    }
  }
}

/** Multiplies opacity by a mask, whose rectangle is `of`. */
export function multiplyMask(layer: Layer, mask: Uint8Array, of: PixelRect, rect: PixelRect): void {
  const stride = of.endX - of.minX
  for (let y = rect.minY; y < rect.endY; y++) {
    let at = indexIn(layer, rect.minX, y)
    let from = (y - of.minY) * stride + rect.minX - of.minX
    const end = at + rect.endX - rect.minX
    for (; at < end; at++, from++) {
      const m = mask[from]!
      if (m === 255) continue
      const soft = ((layer.mask[at]! * m) / 255 + 0.5) | 0
      layer.mask[at] = m === 0 || layer.mask[at] === 0 ? 0 : soft < 1 ? 1 : soft
    }
  }
}
