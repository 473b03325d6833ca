// Pieces of all bands that show the same rectangle of the same file are one layer, so that a file is read once
// for all its bands; and a grid of cells over the layers says which ones a window touches.
import type { VrtDocument } from './document.js'
import type { Piece, Rect } from './piece.js'

/** The plane of the mask band, after those of the bands. */
export const MASK = -1

/** What one band takes from a layer. */
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

/** In the order they are painted, which is that of the pieces in every band. */
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

/** Which layers touch a window: lists of them by cell of a grid with about as many cells as layers. */
export class LayerIndex {
  readonly #layers: readonly Layer[]
  readonly #across: number
  readonly #cellWidth: number
  readonly #cellHeight: number
  readonly #cells: number[][]

  constructor(layers: readonly Layer[], width: number, height: number) {
    this.#layers = layers
    this.#across = Math.min(128, Math.max(1, Math.ceil(Math.sqrt(layers.length))))
    this.#cellWidth = width / this.#across
    this.#cellHeight = height / this.#across
    this.#cells = Array.from({ length: this.#across ** 2 }, () => [])
    for (const [i, { to }] of layers.entries()) this.#eachCell(to, (cell) => cell.push(i))
  }

  /** Numbers of the layers that may touch the rectangle, in the order of painting. */
  touching(rect: Rect): number[] {
    const found = new Set<number>()
    this.#eachCell(rect, (cell) => {
      for (const i of cell) {
        const { to } = this.#layers[i]!
        const isApart =
          to.x >= rect.x + rect.width ||
          to.y >= rect.y + rect.height ||
          to.x + to.width <= rect.x ||
          to.y + to.height <= rect.y
        if (!isApart) found.add(i)
      }
    })
    return [...found].sort((a, b) => a - b)
  }

  #eachCell({ x, y, width, height }: Rect, visit: (cell: number[]) => void): void {
    const last = this.#across - 1
    const clamp = (v: number): number => Math.min(last, Math.max(0, Math.floor(v)))
    // The pixels a rectangle touches with a fraction are its own too.
    const left = clamp((x - 1) / this.#cellWidth)
    const right = clamp((x + width + 1) / this.#cellWidth)
    const top = clamp((y - 1) / this.#cellHeight)
    const bottom = clamp((y + height + 1) / this.#cellHeight)
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) visit(this.#cells[row * this.#across + column]!)
    }
  }
}
