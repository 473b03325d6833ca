// The outlines of the inside of a raster, by following the edges between cells inside and outside.
//
// A point is the middle of such an edge, so that slanted outlines become straight lines: the same points as those of
// marching squares (Lorensen & Cline 1987, in two dimensions). Cells that touch at a corner only are not connected.
//
// Invariant: every edge between inside and outside is part of exactly one ring. Seen with y downwards, rings around an
// area run clockwise, and those around its holes counterclockwise.

/** A raster, row by row: 0 is outside. */
export interface Cells {
  readonly width: number
  readonly height: number
  readonly inside: Uint8Array
}

/** x and y of each point, one after another, in cells. The last point is joined to the first. */
export type Ring = Float64Array

const DX = [1, 0, -1, 0]
const DY = [0, 1, 0, -1]

/** All rings; undefined when they have more than `most` points together. */
export function traceRings(cells: Cells, most: number): Ring[] | undefined {
  const { width, height, inside } = cells
  const seen = new Uint8Array(inside.length)
  const rings: Ring[] = []
  let count = 0
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x
      // the northern edges of cells: each ring has some
      if (inside[at] === 0 || seen[at] === 1 || (y > 0 && inside[at - width] !== 0)) continue
      const ring = follow(cells, x, y, seen, most - count)
      if (ring === undefined) return undefined
      count += ring.length / 2
      rings.push(ring)
    }
  }
  return rings
}

/** Follows edges with the inside on the right, from the northern edge of a cell. */
function follow(
  cells: Cells,
  startX: number,
  startY: number,
  seen: Uint8Array,
  most: number,
): Ring | undefined {
  const { width } = cells
  const points: number[] = []
  let [x, y, direction] = [startX, startY, 0]
  do {
    if (points.length >= 2 * most) return undefined
    if (direction === 0) seen[y * width + x] = 1
    points.push(x + DX[direction]! / 2, y + DY[direction]! / 2)
    x += DX[direction]!
    y += DY[direction]!
    direction = turn(cells, x, y, direction)
  } while (x !== startX || y !== startY || direction !== 0)
  return Float64Array.from(points)
}

/** The direction in which the outline goes on at a corner. */
function turn(cells: Cells, x: number, y: number, direction: number): number {
  // the two cells ahead, to the right and to the left of the way
  const right = isInside(cells, x + AHEAD_RIGHT_X[direction]!, y + AHEAD_RIGHT_Y[direction]!)
  if (!right) return (direction + 1) % 4
  const left = isInside(cells, x + AHEAD_LEFT_X[direction]!, y + AHEAD_LEFT_Y[direction]!)
  return left ? (direction + 3) % 4 : direction
}

// East, south, west, north; the cell of a corner is the one to its south-east.
const AHEAD_RIGHT_X = [0, -1, -1, 0]
const AHEAD_RIGHT_Y = [0, 0, -1, -1]
const AHEAD_LEFT_X = [0, 0, -1, -1]
const AHEAD_LEFT_Y = [-1, 0, 0, -1]

function isInside({ width, height, inside }: Cells, x: number, y: number): boolean {
  return x >= 0 && y >= 0 && x < width && y < height && inside[y * width + x] !== 0
}

/** Half as many cells in each direction: inside where at least half of the four are, and one at the edge. */
export function halved({ width, height, inside }: Cells): Cells {
  const half = { width: (width + 1) >> 1, height: (height + 1) >> 1 }
  const to = new Uint8Array(half.width * half.height)
  for (let y = 0; y < half.height; y++) {
    for (let x = 0; x < half.width; x++) {
      const at = 2 * y * width + 2 * x
      const hasRight = 2 * x + 1 < width
      const hasBelow = 2 * y + 1 < height
      let count = inside[at]! === 0 ? 0 : 1
      if (hasRight && inside[at + 1] !== 0) count++
      if (hasBelow && inside[at + width] !== 0) count++
      if (hasRight && hasBelow && inside[at + width + 1] !== 0) count++
      const of = (hasRight ? 2 : 1) * (hasBelow ? 2 : 1)
      if (2 * count >= of) to[y * half.width + x] = 1
    }
  }
  return { ...half, inside: to }
}
