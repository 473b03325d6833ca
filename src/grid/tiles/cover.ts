// Tiles in the order of the tile file.
//
// The order is that of PMTiles v3 tile ids: the Hilbert curve of the PMTiles specification (section 4.1). It is walked
// as a quadtree, so that only branches that meet the range are visited.

/** Inclusive tile numbers at one zoom. */
export interface TileRange {
  readonly minX: number
  readonly minY: number
  readonly maxX: number
  readonly maxY: number
}

export type TileXY = readonly [x: number, y: number]

/** The range that contains the given one, `levels` zooms up. */
export function parentRange(range: TileRange, levels = 1): TileRange {
  const d = 2 ** levels
  return {
    minX: Math.floor(range.minX / d),
    minY: Math.floor(range.minY / d),
    maxX: Math.floor(range.maxX / d),
    maxY: Math.floor(range.maxY / d),
  }
}

// A quadrant has one of four orientations, closed under xor: bit 0 swaps x and y, bit 1 rotates by 180°.
const SWAP = 1
const TURN = 2
const CHILD_X = [0, 0, 1, 1]
const CHILD_Y = [0, 1, 1, 0]
const CHILD_TURN = [SWAP, 0, 0, SWAP | TURN]

/**
 * The n-th tile (from 0) of ranges that do not overlap, in Hilbert (tile id) order, without walking the others.
 * @throws RangeError when there are not that many
 */
export function coverTileAt(zoom: number, ranges: readonly TileRange[], n: number): TileXY {
  let [x, y, size, orientation, left] = [0, 0, 2 ** zoom, 0, n]
  let inside = ranges
  if (left < 0 || left >= countIn(x, y, size, inside)) throw new RangeError(`there is no tile ${n}`)
  while (size > 1) {
    for (const [cx, cy, turned] of quadrants(x, y, size, orientation)) {
      const count = countIn(cx, cy, size / 2, inside)
      if (left >= count) {
        left -= count
        continue
      }
      ;[x, y, size, orientation] = [cx, cy, size / 2, turned]
      break
    }
    inside = inside.filter((range) => meets(x, y, size, [range]))
  }
  return [x, y]
}

function countIn(x: number, y: number, size: number, ranges: readonly TileRange[]): number {
  let count = 0
  for (const r of ranges) {
    const columns = Math.min(r.maxX, x + size - 1) - Math.max(r.minX, x) + 1
    const rows = Math.min(r.maxY, y + size - 1) - Math.max(r.minY, y) + 1
    if (columns > 0 && rows > 0) count += columns * rows
  }
  return count
}

/** The quarters of a square in the order of the curve, each with its corner and orientation. */
export function* quadrants(
  x: number,
  y: number,
  size: number,
  orientation: number,
): Generator<readonly [x: number, y: number, orientation: number]> {
  const half = size / 2
  for (let q = 0; q < 4; q++) {
    let cx = CHILD_X[q]!
    let cy = CHILD_Y[q]!
    if (orientation & SWAP) [cx, cy] = [cy, cx]
    if (orientation & TURN) {
      cx = 1 - cx
      cy = 1 - cy
    }
    yield [x + cx * half, y + cy * half, orientation ^ CHILD_TURN[q]!]
  }
}

function meets(x: number, y: number, size: number, ranges: readonly TileRange[]): boolean {
  for (const r of ranges) {
    if (x <= r.maxX && x + size > r.minX && y <= r.maxY && y + size > r.minY) return true
  }
  return false
}
