// How far the pixels of a source are from its edge, for blending: in pixels of the zoom that the source is built for.
//
// So one place has the same weights at every zoom, and a blend does not jump where the depth of a build changes. In
// deeper tiles, which show the source enlarged, its distances at its own zoom are enlarged too.
import { growRect, insideWorld, type PixelRect } from '../../grid/tiles/rect.js'
import type { Canvas } from '../../raster/canvas.js'
import type { Samples } from '../../raster/pixels.js'
import { Distances } from '../cutline/distance.js'
import type { BuildPlan } from '../plan/plan.js'
import type { SourceSet } from '../sources/source-set.js'
import { layerOf } from './blend.js'
import { warpOptionsOf } from './content.js'
import { cutSource } from './own-cutline.js'
import { Reading } from './reading.js'
import { Scratch, warpAll } from './warping.js'

/** Distances of the pixels of a rectangle, row by row. */
interface Field {
  readonly rect: PixelRect
  readonly distances: Float32Array
}

export class FeatherDistances {
  readonly #plan: BuildPlan
  readonly #sources: SourceSet
  readonly #distances = new Distances()
  readonly #scratch = new Scratch()
  #enlarged = new Float32Array(0)

  constructor(plan: BuildPlan, sources: SourceSet) {
    this.#plan = plan
    this.#sources = sources
  }

  /**
   * Distances from the nearest empty pixel, at most the width of the feather and half a pixel, of a canvas that holds
   * the source in `target`, pixels of `zoom`. They are complete in `rect`. Overwritten by the next call.
   * @throws as RasterSource.read
   */
  async of(
    canvas: Canvas<Samples>,
    target: PixelRect,
    rect: PixelRect,
    source: number,
    zoom: number,
  ): Promise<Float32Array> {
    const { featherPx, depths } = this.#plan
    const own = depths[source]!.zoom
    if (zoom > own) {
      const scale = 2 ** (zoom - own)
      return this.#enlarge(await this.#ownField(canvas, rect, source, scale), target, rect, scale)
    }
    const scale = 2 ** (own - zoom)
    const { mask, width, height } = canvas
    const found = this.#distances.of(mask, width, height, featherPx / scale + 0.5)
    if (scale === 1) return found
    for (let i = 0; i < found.length; i++) if (found[i]! > 0) found[i] = (found[i]! - 0.5) * scale + 0.5
    return found
  }

  /** The distances at the source's own zoom around a rectangle of a deeper one; undefined when it has nothing there. */
  async #ownField(
    like: Canvas<Samples>,
    { minX, minY, endX, endY }: PixelRect,
    source: number,
    scale: number,
  ): Promise<Field | undefined> {
    const { featherPx, tileSize, depths } = this.#plan
    const { zoom } = depths[source]!
    const shown = {
      minX: Math.floor(minX / scale),
      minY: Math.floor(minY / scale),
      endX: Math.ceil(endX / scale),
      endY: Math.ceil(endY / scale),
    }
    // enlarging looks one pixel further
    const rect = insideWorld(growRect(shown, Math.ceil(featherPx) + 2), tileSize * 2 ** zoom)
    const [width, height] = [rect.endX - rect.minX, rect.endY - rect.minY]
    const target = { zoom, tileSize, x: rect.minX, y: rect.minY, width, height }
    const reading = new Reading(this.#sources, source, target, warpOptionsOf(this.#plan))
    try {
      const onto = { canvas: this.#scratch.canvas(width, height, like), x: 0, y: 0 }
      const canvas = await warpAll(reading, () => onto)
      if (canvas === undefined) return undefined
      cutSource(layerOf(canvas, rect), rect, source, this.#plan, zoom)
      return { rect, distances: this.#distances.of(canvas.mask, width, height, featherPx + 0.5) }
    } finally {
      await reading.cancel()
    }
  }

  /** A field for `rect`, `scale` times as fine, in the layout of `target`: linear between the middles of its pixels. */
  #enlarge(field: Field | undefined, target: PixelRect, rect: PixelRect, scale: number): Float32Array {
    const width = target.endX - target.minX
    const pixels = width * (target.endY - target.minY)
    if (this.#enlarged.length < pixels) this.#enlarged = new Float32Array(pixels)
    const out = this.#enlarged.subarray(0, pixels)
    // half a pixel from the edge
    const least = 0.5 + 0.5 / scale
    if (field === undefined) return out.fill(least)
    const { distances } = field
    const stride = field.rect.endX - field.rect.minX
    const lastY = field.rect.endY - field.rect.minY - 1
    for (let y = rect.minY; y < rect.endY; y++) {
      const [top, bottom, v] = between((y + 0.5) / scale - 0.5 - field.rect.minY, lastY)
      let at = (y - target.minY) * width + rect.minX - target.minX
      for (let x = rect.minX; x < rect.endX; x++, at++) {
        const place = Math.max(0, (x + 0.5) / scale - 0.5 - field.rect.minX)
        const left = Math.floor(place)
        const right = left + 1 < stride ? left + 1 : left
        const u = place - left
        const above = distances[top * stride + left]! * (1 - u) + distances[top * stride + right]! * u
        const below = distances[bottom * stride + left]! * (1 - u) + distances[bottom * stride + right]! * u
        const distance = above * (1 - v) + below * v
        out[at] = distance > least ? distance : least
      }
    }
    return out
  }
}

/** The positions before and after a place, at most `last`, and how far the place is from the first. */
function between(place: number, last: number): [number, number, number] {
  const low = Math.max(0, Math.floor(place))
  return [low, Math.min(last, low + 1), Math.max(0, place - low)]
}
