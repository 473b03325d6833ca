// Makes tight tolerances affordable: a map projection is smooth, so cubic interpolation between a few hundred exact
// positions gives the others to a millionth of a pixel in a fiftieth of the time.
//
// Invariant: the interpolation is only used if its error, measured in the middle of every cell, is within a quarter of
// the tolerance. With discontinuities or edges (jumps, NaN) it is not used at all.

export interface PointSource {
  /** Whether positions are a linear function of the pixel, so that four nodes are exact. */
  readonly linear: boolean
  /** Source position (corner = 0) of the centre of a target pixel. Fractions are allowed. */
  at(column: number, row: number, out: Float64Array): void
}

interface Rect {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Cells per side, tried in turn. Each takes exact positions of about twice the square of it. */
const CELLS = [8, 16, 32]

/** `points`, or a much faster source that equals it in the rectangle to within `tolerance` / 4. */
export function smoothPoints(rect: Rect, points: PointSource, tolerance: number): PointSource {
  if (points.linear) return points
  for (const cells of CELLS) {
    if (Math.min(rect.width, rect.height) < 2 * cells) break
    const found = new Cubic(rect, points, cells)
    const error = found.error(points)
    if (error <= tolerance / 4) return found
    // if the positions are smooth, each doubling divides the error by sixteen
    if (!(error < tolerance * 1e4)) break
  }
  return points
}

class Cubic implements PointSource {
  readonly linear = false
  readonly #rect: Rect
  readonly #cells: number
  readonly #stepX: number
  readonly #stepY: number
  readonly #nodes: Float64Array
  /** The largest scale seen, in source pixels per target pixel, at least 1. */
  #scale = 1
  readonly #wx = new Float64Array(4)
  readonly #wy = new Float64Array(4)

  constructor(rect: Rect, points: PointSource, cells: number) {
    this.#rect = rect
    this.#cells = cells
    this.#stepX = (rect.width - 1) / cells
    this.#stepY = (rect.height - 1) / cells
    const side = cells + 1
    const nodes = new Float64Array(side * side * 2)
    const p = new Float64Array(2)
    for (let j = 0; j < side; j++) {
      for (let i = 0; i < side; i++) {
        points.at(rect.x + i * this.#stepX, rect.y + j * this.#stepY, p)
        nodes[(j * side + i) * 2] = p[0]!
        nodes[(j * side + i) * 2 + 1] = p[1]!
      }
    }
    this.#nodes = nodes
    const last = (side * side - 1) * 2
    const reach = Math.max(Math.abs(nodes[last]! - nodes[0]!), Math.abs(nodes[last + 1]! - nodes[1]!))
    this.#scale = Math.max(1, reach / Math.max(rect.width, rect.height))
  }

  /**
   * The error in the middle of the cells, where it is largest; in source pixels or, when shrinking, in target pixels.
   */
  error(points: PointSource): number {
    const a = new Float64Array(2)
    const b = new Float64Array(2)
    let worst = 0
    for (let j = 0; j < this.#cells; j++) {
      for (let i = 0; i < this.#cells; i++) {
        const x = this.#rect.x + (i + 0.5) * this.#stepX
        const y = this.#rect.y + (j + 0.5) * this.#stepY
        this.at(x, y, a)
        points.at(x, y, b)
        const error = Math.max(Math.abs(a[0]! - b[0]!), Math.abs(a[1]! - b[1]!))
        if (!(error < Number.POSITIVE_INFINITY)) return Number.POSITIVE_INFINITY
        if (error > worst) worst = error
      }
    }
    return worst / this.#scale
  }

  at(column: number, row: number, out: Float64Array): void {
    const cells = this.#cells
    const u = (column - this.#rect.x) / this.#stepX
    const v = (row - this.#rect.y) / this.#stepY
    // the four nodes around the position, or the outermost four
    const i = Math.max(0, Math.min(cells - 3, Math.floor(u) - 1))
    const j = Math.max(0, Math.min(cells - 3, Math.floor(v) - 1))
    weights(u - i, this.#wx)
    weights(v - j, this.#wy)
    const nodes = this.#nodes
    const wx = this.#wx
    let x = 0
    let y = 0
    for (let k = 0; k < 4; k++) {
      const at = ((j + k) * (cells + 1) + i) * 2
      const w = this.#wy[k]!
      x +=
        w *
        (wx[0]! * nodes[at]! + wx[1]! * nodes[at + 2]! + wx[2]! * nodes[at + 4]! + wx[3]! * nodes[at + 6]!)
      y +=
        w *
        (wx[0]! * nodes[at + 1]! +
          wx[1]! * nodes[at + 3]! +
          wx[2]! * nodes[at + 5]! +
          wx[3]! * nodes[at + 7]!)
    }
    out[0] = x
    out[1] = y
  }
}

/** Lagrange weights for nodes at 0, 1, 2, 3. */
function weights(t: number, out: Float64Array): void {
  const a = t - 1
  const b = t - 2
  const c = t - 3
  out[0] = (a * b * c) / -6
  out[1] = (t * b * c) / 2
  out[2] = (t * a * c) / -2
  out[3] = (t * a * b) / 6
}
