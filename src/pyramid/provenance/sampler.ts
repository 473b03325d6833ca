// Samples the valid pixels of sources while they are painted, so that nothing is read again for their footprints.
//
// A worker samples what it paints, and its results carry the samples to where they are put together. Parts that nobody
// paints, because other sources hide them, stay unknown.
//
// Invariant: the samples of a place do not depend on who paints it, nor on when. It may be painted twice (aprons), or
// at a higher zoom too, and then is valid if it ever was.
import type { PixelRect } from '../../grid/tiles/rect.js'
import type { Layer } from '../paint/blend.js'
import type { Painter } from '../paint/paint.js'
import type { Piece } from '../paint/pieces.js'
import type { Frame } from '../plan/plan.js'

/** What matters of a piece. */
type Place = Pick<Piece, 'rect' | 'mask' | 'maskRect'>

/** A rectangle of cells of a frame. */
export interface SampledPart {
  /** Index of the frame. */
  readonly frame: number
  /** The first cell, in cells from that of the frame. */
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  /** Which cells are valid: all, none, or one bit each, row by row, from the lowest bit on. */
  readonly valid: boolean | Uint8Array
}

export class Sampler {
  /** By source: the indices of its frames. */
  readonly #framesOf = new Map<number, number[]>()
  readonly #frames: readonly Frame[]
  #parts: SampledPart[] = []

  constructor(frames: readonly Frame[]) {
    this.#frames = frames
    for (const [i, { source }] of frames.entries()) {
      const own = this.#framesOf.get(source)
      if (own === undefined) this.#framesOf.set(source, [i])
      else own.push(i)
    }
  }

  /** To be asked by a painter of a zoom. */
  painter(zoom: number): Pick<Painter, 'look'> {
    return { look: (piece, source, layer) => this.look(zoom, piece, source, layer) }
  }

  /** Samples a source in piece.rect, where `layer` holds nothing else. */
  look(zoom: number, piece: Place, source: number, layer: Layer): void {
    for (const i of this.#framesOf.get(source) ?? []) {
      const frame = this.#frames[i]!
      // above its own zoom a source is painted only where it is known to be empty
      if (zoom < frame.zoom) continue
      const part = sample(i, frame, zoom, piece, layer)
      if (part !== undefined) this.#parts.push(part)
    }
  }

  /** What was sampled since the last call. */
  take(): SampledPart[] {
    const parts = this.#parts
    this.#parts = []
    return parts
  }
}

/** The cells whose middle lies in a rectangle of pixels of a zoom. */
function cellsIn(frame: Frame, side: number, rect: PixelRect): PixelRect {
  const first = (edge: number, from: number): number => Math.max(0, Math.ceil(edge / side - 0.5) - from)
  const end = (edge: number, from: number, count: number): number =>
    Math.min(count, Math.ceil(edge / side - 0.5) - from)
  return {
    minX: first(rect.minX, frame.x),
    minY: first(rect.minY, frame.y),
    endX: end(rect.endX, frame.x, frame.width),
    endY: end(rect.endY, frame.y, frame.height),
  }
}

function sample(
  index: number,
  frame: Frame,
  zoom: number,
  { rect, mask: cutline, maskRect }: Place,
  { mask, stride, x: left, y: top }: Layer,
): SampledPart | undefined {
  const side = frame.cell * 2 ** (zoom - frame.zoom)
  const { minX, minY, endX, endY } = cellsIn(frame, side, rect)
  const [width, height] = [endX - minX, endY - minY]
  if (width <= 0 || height <= 0) return undefined
  const valid = new Uint8Array(Math.ceil((width * height) / 8))
  let count = 0
  for (let row = 0, at = 0; row < height; row++) {
    const y = (frame.y + minY + row) * side + side / 2
    const from = (y - top) * stride - left
    const cut = (y - maskRect.minY) * (maskRect.endX - maskRect.minX) - maskRect.minX
    let x = (frame.x + minX) * side + side / 2
    for (let i = 0; i < width; i++, at++, x += side) {
      if (mask[from + x] === 0 || (cutline !== undefined && cutline[cut + x] === 0)) continue
      valid[at >> 3]! |= 1 << (at & 7)
      count++
    }
  }
  const isOneKind = count === 0 || count === width * height
  return { frame: index, x: minX, y: minY, width, height, valid: isOneKind ? count > 0 : valid }
}
