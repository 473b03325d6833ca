// Source positions of a target rectangle on a sparse grid, refined until its measured error is small enough.
//
// Nodes are evenly spaced from the first to the last pixel centre of the rectangle, so none lies outside the world. The
// grid is doubled until the error *measured* at the midpoints of the previous grid is within twice the tolerance. (Each
// doubling divides the bilinear error by four, so the error of the final grid is at most half the tolerance.) Cells
// that do not get there (discontinuities of the projection, the edge of its domain) store the exact position of every
// pixel. NaN is a position outside the domain.
import { type PointSource, smoothPoints } from './warp-smooth.js'

/** Plain data; positions are x, y pairs. */
export interface CoordGrid {
  /** Cells across and down. */
  readonly columns: number
  readonly rows: number
  /** (columns + 1) × (rows + 1) positions, row by row. */
  readonly nodes: Float64Array
  /** For each cell, row by row: −1, or the index in `exact` of its pixels' positions. */
  readonly exactAt: Int32Array | undefined
  readonly exact: Float64Array | undefined
}

export interface Rect {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** The finest grid has this many pixels per cell. */
const MIN_STEP_PX = 4

const MAX_CELLS = 128

/** From this many cells per side on, interpolating positions costs less than computing them. */
const SMOOTH_FROM = 8

/** The first pixel of a cell, or the end for `cell = cells`. A cell's pixels lie between its nodes. */
export function cellStart(cell: number, cells: number, size: number): number {
  if (cell >= cells) return size
  return Math.ceil((cell * Math.max(1, size - 1)) / cells)
}

/** Builds the grid of a rectangle. Cells outside the image of `width` × `height` are not refined. */
export function buildGrid(
  rect: Rect,
  points: PointSource,
  tolerance: number,
  width: number,
  height: number,
): CoordGrid {
  if (points.linear) {
    return {
      columns: 1,
      rows: 1,
      nodes: sample(rect, points, 1, undefined),
      exactAt: undefined,
      exact: undefined,
    }
  }
  // not one cell: a grid that is symmetric about its middle (the equator) would look linear
  let cells = 2
  let nodes = sample(rect, points, cells, undefined)
  const size = Math.max(rect.width, rect.height)
  let cheap = points
  for (;;) {
    if (cells === SMOOTH_FROM) cheap = smoothPoints(rect, points, tolerance)
    const finer = sample(rect, cheap, cells * 2, nodes)
    const bad = badCells(finer, cells, rect, 2 * tolerance, width, height)
    const last = cells * 4 > MAX_CELLS || size / (cells * 4) < MIN_STEP_PX
    cells *= 2
    nodes = finer
    if (bad === undefined) return { columns: cells, rows: cells, nodes, exactAt: undefined, exact: undefined }
    if (last) return { columns: cells, rows: cells, nodes, ...exactCells(rect, cheap, cells, bad) }
  }
}

/** The nodes of a grid of cells × cells. The nodes of the `coarse` grid of half as many cells are copied. */
function sample(
  rect: Rect,
  points: PointSource,
  cells: number,
  coarse: Float64Array | undefined,
): Float64Array {
  const side = cells + 1
  const nodes = new Float64Array(side * side * 2)
  const p = new Float64Array(2)
  const stepX = Math.max(1, rect.width - 1) / cells
  const stepY = Math.max(1, rect.height - 1) / cells
  const coarseSide = cells / 2 + 1
  for (let j = 0; j < side; j++) {
    for (let i = 0; i < side; i++) {
      const at = (j * side + i) * 2
      if (coarse !== undefined && !(i & 1) && !(j & 1)) {
        const from = ((j >> 1) * coarseSide + (i >> 1)) * 2
        nodes[at] = coarse[from]!
        nodes[at + 1] = coarse[from + 1]!
      } else {
        points.at(rect.x + i * stepX, rect.y + j * stepY, p)
        nodes[at] = p[0]!
        nodes[at + 1] = p[1]!
      }
    }
  }
  return nodes
}

/** Flags of the coarse cells whose bilinear interpolation misses the finer nodes; undefined when there are none. */
function badCells(
  finer: Float64Array,
  cells: number,
  rect: Rect,
  tolerance: number,
  width: number,
  height: number,
): Uint8Array | undefined {
  let bad: Uint8Array | undefined
  const side = 2 * cells + 1
  const stepX = Math.max(1, rect.width - 1) / cells
  const stepY = Math.max(1, rect.height - 1) / cells
  const cell = new CellCheck(finer, side)
  for (let j = 0; j < cells; j++) {
    for (let i = 0; i < cells; i++) {
      cell.measure(2 * i, 2 * j)
      // errors are measured in source pixels or, when shrinking, in target pixels, which are then larger
      const allowed = tolerance * Math.max(1, cell.reach / Math.max(stepX, stepY))
      if (cell.error <= allowed || cell.misses(width, height)) continue
      bad ??= new Uint8Array(cells * cells)
      bad[j * cells + i] = 1
    }
  }
  return bad
}

/** Checks the nine nodes of a coarse cell. It is reused, so that checking allocates nothing. */
class CellCheck {
  /** Largest distance between interpolated and exact positions; Infinity where a node has no position. */
  error = 0
  /** Largest side of the box around the nodes. */
  reach = 0
  readonly #box = new Float64Array(4)
  readonly #nodes: Float64Array
  readonly #side: number
  #valid = 0
  constructor(nodes: Float64Array, side: number) {
    this.#nodes = nodes
    this.#side = side
  }

  measure(i: number, j: number): void {
    this.error = Math.max(this.#axis(i, j, 0), this.#axis(i, j, 1))
    const box = this.#box
    this.reach = Math.max(box[2]! - box[0]!, box[3]! - box[1]!)
    if (!(this.error < Number.POSITIVE_INFINITY)) this.error = Number.POSITIVE_INFINITY
  }

  #axis(i: number, j: number, axis: number): number {
    const n = this.#nodes
    const s = this.#side
    const at = (j * s + i) * 2 + axis
    const a = n[at]!
    const b = n[at + 4]!
    const c = n[at + 4 * s]!
    const d = n[at + 4 * s + 4]!
    const top = n[at + 2]!
    const left = n[at + 2 * s]!
    const mid = n[at + 2 * s + 2]!
    const right = n[at + 2 * s + 4]!
    const bottom = n[at + 4 * s + 2]!
    this.#bound(axis, a, b, c, d, top, left, mid, right, bottom)
    return Math.max(
      Math.abs(top - (a + b) / 2),
      Math.abs(left - (a + c) / 2),
      Math.abs(mid - (a + b + c + d) / 4),
      Math.abs(right - (b + d) / 2),
      Math.abs(bottom - (c + d) / 2),
    )
  }

  #bound(axis: number, ...values: number[]): void {
    let low = Number.POSITIVE_INFINITY
    let high = Number.NEGATIVE_INFINITY
    let valid = 0
    for (const v of values) {
      if (Number.isNaN(v)) continue
      valid++
      if (v < low) low = v
      if (v > high) high = v
    }
    this.#box[axis] = low
    this.#box[axis + 2] = high
    this.#valid = valid
  }

  /** Whether the cell cannot meet the image: it is too far away, given its error, or outside the domain. */
  misses(width: number, height: number): boolean {
    if (this.#valid === 0) return true
    if (this.error === Number.POSITIVE_INFINITY) return false
    const [x0, y0, x1, y1] = this.#box as unknown as [number, number, number, number]
    const e = 2 * this.error + 1
    return x1 + e < 0 || y1 + e < 0 || x0 - e > width || y0 - e > height
  }
}

function exactCells(
  rect: Rect,
  points: PointSource,
  cells: number,
  bad: Uint8Array,
): { exactAt: Int32Array; exact: Float64Array } {
  const exactAt = new Int32Array(cells * cells).fill(-1)
  const half = cells / 2
  let length = 0
  for (let cell = 0; cell < exactAt.length; cell++) {
    const i = cell % cells
    const j = (cell - i) / cells
    if (bad[(j >> 1) * half + (i >> 1)] === 0) continue
    exactAt[cell] = length
    length += 2 * spanOf(i, cells, rect.width) * spanOf(j, cells, rect.height)
  }
  const exact = new Float64Array(length)
  const p = new Float64Array(2)
  for (let cell = 0; cell < exactAt.length; cell++) {
    let at = exactAt[cell]!
    if (at < 0) continue
    const i = cell % cells
    const j = (cell - i) / cells
    const endX = cellStart(i + 1, cells, rect.width)
    const endY = cellStart(j + 1, cells, rect.height)
    for (let y = cellStart(j, cells, rect.height); y < endY; y++) {
      for (let x = cellStart(i, cells, rect.width); x < endX; x++) {
        points.at(rect.x + x, rect.y + y, p)
        exact[at++] = p[0]!
        exact[at++] = p[1]!
      }
    }
  }
  return { exactAt, exact }
}

export const spanOf = (cell: number, cells: number, size: number): number =>
  cellStart(cell + 1, cells, size) - cellStart(cell, cells, size)

/** The grid in pixels of a level that has `fx`, `fy` times the full size. */
export function scaleGrid(grid: CoordGrid, fx: number, fy: number): CoordGrid {
  if (fx === 1 && fy === 1) return grid
  const scaled = (from: Float64Array): Float64Array => from.map((v, i) => v * (i & 1 ? fy : fx))
  return { ...grid, nodes: scaled(grid.nodes), exact: grid.exact && scaled(grid.exact) }
}
