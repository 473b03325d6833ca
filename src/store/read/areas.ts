// The stored tiles of a zoom as rectangles of tiles that share their bytes. Counts, bounds and coverage are computed
// from them. The time depends on the number of records and entries, not of tiles: a single PMTiles entry may cover a
// whole zoom.
import { decodeTileId, tileId, zoomBase } from '../../format/tile-id.js'
import type { RecordRow, Rows, TileRange } from './list.js'

/** Inclusive tile coordinates within the zoom's grid. */
export interface TileArea extends TileRange {
  readonly z: number
  /** Bytes of each tile. */
  readonly length: number
  readonly type: number
}

export const tilesIn = ({ minX, minY, maxX, maxY }: TileRange): number =>
  (maxX - minX + 1) * (maxY - minY + 1)

/** All stored tiles of a zoom, or those in a range. Each tile is covered once; the order is undefined. */
export function* listAreas(rows: Rows, zoom: number, range?: TileRange): Generator<TileArea, void> {
  const cursor = new Cursor(rows, zoom)
  const last = 2 ** zoom - 1
  const whole = { minX: 0, minY: 0, maxX: last, maxY: last }
  yield* areasOfCell(cursor, zoom, range === undefined ? whole : intersection(range, whole), 0, 0, 0)
}

/** The intersection of two ranges. Its max is below its min when it is empty. */
function intersection(a: TileRange, b: TileRange): TileRange {
  return {
    minX: Math.max(a.minX, b.minX),
    minY: Math.max(a.minY, b.minY),
    maxX: Math.min(a.maxX, b.maxX),
    maxY: Math.min(a.maxY, b.maxY),
  }
}

/** The areas of a range within one quadtree cell, whose keys are consecutive. */
function* areasOfCell(
  cursor: Cursor,
  zoom: number,
  range: TileRange,
  z: number,
  x: number,
  y: number,
): Generator<TileArea, void> {
  const size = 2 ** (zoom - z)
  const cell = { minX: x * size, minY: y * size, maxX: (x + 1) * size - 1, maxY: (y + 1) * size - 1 }
  const part = intersection(cell, range)
  if (part.minX > part.maxX || part.minY > part.maxY) return
  const from = zoomBase(zoom) + (tileId(z, x, y) - zoomBase(z)) * size * size
  const to = from + size * size
  const first = cursor.at(from)
  if (first === undefined || first.key >= to) return
  if (first.key <= from && endOf(first) >= to) {
    yield { z: zoom, ...part, length: first.length, type: first.type }
  } else if (tilesIn(part) === size * size) {
    for (
      let row: RecordRow | undefined = first;
      row !== undefined && row.key < to;
      row = cursor.at(endOf(row))
    )
      yield* squaresOf(zoom, row, Math.max(from, row.key), Math.min(to, endOf(row)))
  } else {
    const children = [0, 1, 2, 3].map((i) => ({ x: x * 2 + (i & 1), y: y * 2 + (i >> 1) }))
    children.sort((a, b) => tileId(z + 1, a.x, a.y) - tileId(z + 1, b.x, b.y))
    for (const child of children) yield* areasOfCell(cursor, zoom, range, z + 1, child.x, child.y)
  }
}

const endOf = ({ key, run = 1 }: RecordRow): number => key + run

/** Keys [from, to) of one record as the largest possible quadtree cells. */
function* squaresOf(
  zoom: number,
  { length, type }: RecordRow,
  from: number,
  to: number,
): Generator<TileArea, void> {
  const base = zoomBase(zoom)
  const zxy: [number, number, number] = [0, 0, 0]
  for (let at = from; at < to; ) {
    let up = 0
    while (up < zoom && (at - base) % 4 ** (up + 1) === 0 && at + 4 ** (up + 1) <= to) up++
    const size = 2 ** up
    decodeTileId(zoomBase(zoom - up) + (at - base) / 4 ** up, zxy)
    const [minX, minY] = [zxy[1] * size, zxy[2] * size]
    yield { z: zoom, minX, minY, maxX: minX + size - 1, maxY: minY + size - 1, length, type }
    at += 4 ** up
  }
}

const FIRST_ROWS = 4
const MOST_ROWS = 512

/** The records of a zoom, read in ascending order. */
class Cursor {
  readonly #rows: Rows
  readonly #zoom: number
  #bunch: readonly RecordRow[] = []
  #next = 0
  #most = FIRST_ROWS
  #isOver = false

  constructor(rows: Rows, zoom: number) {
    this.#rows = rows
    this.#zoom = zoom
  }

  /** The first live record that extends beyond `key`. Keys must not decrease from call to call. */
  at(key: number): RecordRow | undefined {
    for (let from = key; ; ) {
      while (this.#next < this.#bunch.length) {
        const row = this.#bunch[this.#next]!
        if (!row.deleted && endOf(row) > key) return row
        this.#next++
        from = Math.max(from, endOf(row))
      }
      if (this.#isOver || from >= zoomBase(this.#zoom + 1)) return undefined
      const bunch = this.#rows(this.#zoom, from, this.#most)
      this.#most = Math.min(MOST_ROWS, this.#most * 4)
      this.#bunch = bunch ?? []
      this.#next = 0
      this.#isOver = bunch === undefined
    }
  }
}
