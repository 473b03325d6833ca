// Combines pieces of all bands that show the same rectangle of the same file into one layer, so that a file is read
// once for all its bands. An index finds the layers that a window touches.
import Flatbush from 'flatbush'
import type { VrtDocument } from './document.js'
import type { Piece, Rect } from './piece.js'

/** The plane of the mask band. */
export const MASK = -1

/** The piece that a layer paints on one band. */
export interface Stroke {
  /** Band from 0, or MASK. */
  readonly target: number
  readonly piece: Piece
}

export interface Layer {
  readonly file: string
  readonly from: Rect | undefined
  readonly to: Rect
  readonly strokes: readonly Stroke[]
}

/** The layers in the order of painting, which is the order of pieces in every band. */
export function layersOf(document: VrtDocument): Layer[] {
  const whole: Rect = { x: 0, y: 0, width: document.width, height: document.height }
  const lists = document.bands.map((band, target) => ({ target, pieces: band.pieces }))
  if (document.mask !== undefined) lists.push({ target: MASK, pieces: document.mask })
  const first = lists[0]!.pieces
  const isParallel = lists.every(
    ({ pieces }) =>
      pieces.length === first.length && pieces.every((piece, i) => isSamePlace(piece, first[i]!)),
  )
  const layerOf = (strokes: Stroke[]): Layer => {
    const { file, from, to } = strokes[0]!.piece
    return { file, from, to: to ?? whole, strokes }
  }
  if (isParallel) {
    return first.map((_, i) => layerOf(lists.map(({ target, pieces }) => ({ target, piece: pieces[i]! }))))
  }
  return lists.flatMap(({ target, pieces }) => pieces.map((piece) => layerOf([{ target, piece }])))
}

const isSamePlace = (a: Piece, b: Piece): boolean =>
  a.file === b.file && isSameRect(a.from, b.from) && isSameRect(a.to, b.to)

const isSameRect = (a: Rect | undefined, b: Rect | undefined): boolean =>
  a === b ||
  (a !== undefined &&
    b !== undefined &&
    a.x === b.x &&
    a.y === b.y &&
    a.width === b.width &&
    a.height === b.height)

/** Finds the layers that touch a window. The R-tree's size depends on their number only, however much they overlap. */
export class LayerIndex {
  readonly #layers: readonly Layer[]
  readonly #tree: Flatbush | undefined

  constructor(layers: readonly Layer[]) {
    this.#layers = layers
    if (layers.length === 0) return
    this.#tree = new Flatbush(layers.length)
    for (const { to } of layers) this.#tree.add(to.x, to.y, to.x + to.width, to.y + to.height)
    this.#tree.finish()
  }

  /** Numbers of the layers that overlap the rectangle, in the order of painting. */
  touching({ x, y, width, height }: Rect): number[] {
    // the tree also finds layers that only touch the edge
    const shares = (i: number): boolean => {
      const { to } = this.#layers[i]!
      return to.x < x + width && to.y < y + height && to.x + to.width > x && to.y + to.height > y
    }
    return (this.#tree?.search(x, y, x + width, y + height, shares) ?? []).sort((a, b) => a - b)
  }
}
