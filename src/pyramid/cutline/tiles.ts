// The tiles that a cutline touches, row by row: those under its edges, and those between them.
//
// Invariant: every tile that holds a pixel inside the cutline is included.
import { parentRange, type TileRange } from '../../grid/tiles/cover.js'
import { unionRanges } from '../../grid/tiles/ranges.js'
import { type CutlinePlan, eachEdge } from './plan.js'

/** The parts of `ranges` (which do not overlap) that the cutline touches. */
export function cutlineTiles(
  cutline: CutlinePlan,
  ranges: readonly TileRange[],
  tileSize: number,
): TileRange[] {
  if (ranges.length === 0) return []
  const up = zoomsUp(cutline, ranges, tileSize)
  if (up > 0) return coarsely(cutline, ranges, tileSize, up)
  const rows = new TileRows(cutline, ranges, tileSize)
  const found: TileRange[] = []
  for (const { minX, minY, maxX, maxY } of ranges) {
    for (let y = minY; y <= maxY; y++) {
      for (const [low, high] of rows.spans(y)) {
        if (low <= maxX && high >= minX) {
          found.push({ minX: Math.max(minX, low), minY: y, maxX: Math.min(maxX, high), maxY: y })
        }
      }
    }
  }
  return unionRanges(found)
}

/** With more rows than this, tiles are examined in larger squares, so that any plan is made within seconds. */
const MAX_ROWS = 2 ** 16
/** The same, for rows that edges run through: a star of a million points runs through each row a million times. */
const MAX_PASSES = 2 ** 22

function zoomsUp(cutline: CutlinePlan, ranges: readonly TileRange[], tileSize: number): number {
  const rows = ranges.reduce((sum, { minY, maxY }) => sum + maxY - minY + 1, 0)
  const { minY, maxY } = rowsOf(ranges)
  let passes = 0
  eachEdge(cutline.points, cutline.rings, (_x0, y0, _x1, y1) => {
    const [first, last] = passed(y0 / tileSize, y1 / tileSize, minY, maxY)
    passes += Math.max(0, last - first)
  })
  return Math.max(0, Math.ceil(Math.log2(Math.max(rows / MAX_ROWS, passes / MAX_PASSES))))
}

/** The first and the last row. */
const rowsOf = (ranges: readonly TileRange[]): { minY: number; maxY: number } => ({
  minY: ranges.reduce((least, r) => Math.min(least, r.minY), Number.POSITIVE_INFINITY),
  maxY: ranges.reduce((most, r) => Math.max(most, r.maxY), 0),
})

/** The first and the last row that an edge runs through. */
const passed = (y0: number, y1: number, minY: number, maxY: number): [first: number, last: number] => [
  Math.max(minY, Math.floor(Math.min(y0, y1))),
  Math.min(maxY, Math.floor(Math.max(y0, y1))),
]

/** All tiles of the squares, 2^up tiles wide, that the cutline touches: somewhat more than it touches itself. */
function coarsely(
  cutline: CutlinePlan,
  ranges: readonly TileRange[],
  tileSize: number,
  up: number,
): TileRange[] {
  const side = 2 ** up
  const squares = cutlineTiles(
    cutline,
    unionRanges(ranges.map((range) => parentRange(range, up))),
    tileSize * side,
  )
  const found = squares.flatMap((square) =>
    ranges.map((range) => ({
      minX: Math.max(range.minX, square.minX * side),
      minY: Math.max(range.minY, square.minY * side),
      maxX: Math.min(range.maxX, (square.maxX + 1) * side - 1),
      maxY: Math.min(range.maxY, (square.maxY + 1) * side - 1),
    })),
  )
  return unionRanges(found.filter(({ minX, minY, maxX, maxY }) => minX <= maxX && minY <= maxY))
}

type Span = [low: number, high: number]
const MANY_SPANS = 1024

/**
 * The tiles of each row that the cutline touches: those under its edges, and those between edges at the row's middle.
 */
class TileRows {
  readonly #tiles: number
  readonly #spans = new Map<number, Span[]>()
  /** Rows with so many spans are merged at once, so that memory stays small. */
  readonly #mergeAt = new Map<number, number>()
  /** Crossings of the middle of each row, for one polygon at a time. */
  readonly #crossings = new Map<number, number[]>()
  readonly #minY: number
  readonly #maxY: number

  constructor(cutline: CutlinePlan, ranges: readonly TileRange[], tileSize: number) {
    this.#tiles = cutline.worldPixels / tileSize
    const { minY, maxY } = rowsOf(ranges)
    this.#minY = minY
    this.#maxY = maxY
    const polygonOf = new Int32Array(cutline.rings.length)
    for (let p = 0; p + 1 < cutline.polygons.length; p++) {
      polygonOf.fill(p, cutline.polygons[p]!, cutline.polygons[p + 1]!)
    }
    let current = 0
    eachEdge(cutline.points, cutline.rings, (x0, y0, x1, y1, ring) => {
      if (polygonOf[ring] !== current) {
        this.#fill()
        current = polygonOf[ring]!
      }
      this.#edge(x0 / tileSize, y0 / tileSize, x1 / tileSize, y1 / tileSize)
    })
    this.#fill()
    for (const [y, spans] of this.#spans) this.#spans.set(y, merged(spans))
  }

  spans(y: number): readonly Span[] {
    return this.#spans.get(y) ?? []
  }

  #edge(x0: number, y0: number, x1: number, y1: number): void {
    const [first, last] = passed(y0, y1, this.#minY, this.#maxY)
    const slope = y1 === y0 ? 0 : (x1 - x0) / (y1 - y0)
    const low = Math.min(x0, x1)
    const high = Math.max(x0, x1)
    const at = (y: number): number => Math.min(high, Math.max(low, x0 + (y - y0) * slope))
    for (let row = first; row <= last; row++) {
      if (y0 === y1) this.#add(row, low, high)
      else {
        const a = at(row)
        const b = at(row + 1)
        this.#add(row, Math.min(a, b), Math.max(a, b))
      }
      const middle = row + 0.5
      if (y0 <= middle !== y1 <= middle) push(this.#crossings, row, at(middle))
    }
  }

  /** Fills a complete polygon. */
  #fill(): void {
    for (const [row, found] of this.#crossings) {
      const crossings = Float64Array.from(found).sort()
      for (let i = 0; i + 1 < crossings.length; i += 2) this.#add(row, crossings[i]!, crossings[i + 1]!)
    }
    this.#crossings.clear()
  }

  #add(row: number, from: number, to: number): void {
    // one turn of the world at a time
    for (let turn = Math.floor(from / this.#tiles); turn <= Math.floor(to / this.#tiles); turn++) {
      const low = Math.max(0, Math.floor(from) - turn * this.#tiles)
      const high = Math.min(this.#tiles - 1, Math.floor(to) - turn * this.#tiles)
      if (low <= high) this.#keep(row, [low, high])
    }
  }

  #keep(row: number, span: Span): void {
    const spans = push(this.#spans, row, span)
    if (spans.length < MANY_SPANS || spans.length < (this.#mergeAt.get(row) ?? 0)) return
    const few = merged(spans)
    this.#spans.set(row, few)
    this.#mergeAt.set(row, 2 * few.length)
  }
}

function push<T>(map: Map<number, T[]>, key: number, value: T): T[] {
  const list = map.get(key)
  if (list === undefined) {
    const begun = [value]
    map.set(key, begun)
    return begun
  }
  list.push(value)
  return list
}

function merged(spans: Span[]): Span[] {
  spans.sort((a, b) => a[0] - b[0])
  const found: Span[] = []
  for (const [low, high] of spans) {
    const last = found.at(-1)
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high)
    else found.push([low, high])
  }
  return found
}
