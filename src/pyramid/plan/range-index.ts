// Ranges of tiles that do not overlap, found by place. Thousands are searched in microseconds; without an index a plan
// of 5,000 sources would be walked in minutes.
import Flatbush from 'flatbush'
import type { TileRange } from '../../grid/tiles/cover.js'
import { countAll, outsideRects } from '../../grid/tiles/ranges.js'
import type { PixelRect } from '../../grid/tiles/rect.js'

/** With fewer ranges, looking at all of them is faster. */
const FEW = 8

export class RangeIndex {
  readonly ranges: readonly TileRange[]
  #made: Flatbush | undefined

  constructor(ranges: readonly TileRange[]) {
    this.ranges = ranges
  }

  /** Undefined when there are few. Made when it is needed. */
  get #index(): Flatbush | undefined {
    if (this.#made !== undefined || this.ranges.length <= FEW) return this.#made
    const index = new Flatbush(this.ranges.length)
    for (const { minX, minY, maxX, maxY } of this.ranges) index.add(minX, minY, maxX, maxY)
    index.finish()
    this.#made = index
    return index
  }

  has(x: number, y: number): boolean {
    return this.meets({ minX: x, minY: y, maxX: x, maxY: y })
  }

  /** Whether a tile of `range` is in one of the ranges. */
  meets(range: TileRange): boolean {
    if (this.#index === undefined) return this.ranges.some((one) => meet(one, range))
    return this.#index.collides(range.minX, range.minY, range.maxX, range.maxY)
  }

  /** The parts of the ranges inside `range`, in their order. */
  within(range: TileRange): TileRange[] {
    if (this.#index === undefined) return this.ranges.filter((one) => meet(one, range)).map(cut)
    return this.#index
      .search(range.minX, range.minY, range.maxX, range.maxY)
      .sort((a, b) => a - b)
      .map((i) => cut(this.ranges[i]!))

    function cut(one: TileRange): TileRange {
      return {
        minX: Math.max(one.minX, range.minX),
        minY: Math.max(one.minY, range.minY),
        maxX: Math.min(one.maxX, range.maxX),
        maxY: Math.min(one.maxY, range.maxY),
      }
    }
  }

  /** Number of tiles of `range` in the ranges. */
  countIn(range: TileRange): number {
    return countAll(this.within(range))
  }
}

/** The parts of ranges outside others. Large ranges with many others in them are divided first. */
export function minusRanges(ranges: readonly TileRange[], others: RangeIndex): TileRange[] {
  return ranges.flatMap((range) => {
    const inside = others.within(range)
    if (inside.length > FEW) return minusRanges(halvesOf(range), others)
    return inside.reduce((parts, other) => parts.flatMap((part) => outside(part, other)), [range])
  })
}

/** The halves of a range of more than one tile. */
function halvesOf(range: TileRange): TileRange[] {
  const { minX, minY, maxX, maxY } = range
  if (maxX - minX >= maxY - minY) {
    const middle = Math.floor((minX + maxX) / 2)
    return [
      { ...range, maxX: middle },
      { ...range, minX: middle + 1 },
    ]
  }
  const middle = Math.floor((minY + maxY) / 2)
  return [
    { ...range, maxY: middle },
    { ...range, minY: middle + 1 },
  ]
}

const rectOf = ({ minX, minY, maxX, maxY }: TileRange): PixelRect => ({
  minX,
  minY,
  endX: maxX + 1,
  endY: maxY + 1,
})

const outside = (range: TileRange, other: TileRange): TileRange[] =>
  outsideRects(rectOf(range), rectOf(other)).map(({ minX, minY, endX, endY }) => ({
    minX,
    minY,
    maxX: endX - 1,
    maxY: endY - 1,
  }))

const meet = (a: TileRange, b: TileRange): boolean =>
  a.minX <= b.maxX && a.maxX >= b.minX && a.minY <= b.maxY && a.maxY >= b.minY

/** The tiles under x, y, `up` zooms further down. */
export function cellOf(x: number, y: number, up: number): TileRange {
  const side = 2 ** up
  return { minX: x * side, minY: y * side, maxX: (x + 1) * side - 1, maxY: (y + 1) * side - 1 }
}
