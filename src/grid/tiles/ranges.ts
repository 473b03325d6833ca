// Differences, unions and intersections of rectangles of tiles or pixels.
import type { TileRange } from './cover.js'
import { intersectRects, type PixelRect } from './rect.js'

/** The parts of `a` outside `b`, as at most four rectangles. */
export function outsideRects(a: PixelRect, b: PixelRect): PixelRect[] {
  const inner = intersectRects(a, b)
  if (inner === undefined) return [a]
  return [
    { ...a, endY: inner.minY },
    { ...a, minY: inner.endY },
    { ...inner, minX: a.minX, endX: inner.minX },
    { ...inner, minX: inner.endX, endX: a.endX },
  ].filter((rect) => rect.minX < rect.endX && rect.minY < rect.endY)
}

/** The number of tiles in ranges that do not overlap. */
export function countAll(ranges: readonly TileRange[]): number {
  let count = 0
  for (const { minX, minY, maxX, maxY } of ranges) count += (maxX - minX + 1) * (maxY - minY + 1)
  return count
}

interface Span {
  readonly minX: number
  readonly maxX: number
  /** The row where it began. */
  readonly minY: number
}

/**
 * The same tiles as ranges that do not overlap, from north to south, then from west to east. It sweeps over the rows
 * where a range begins or ends, so thousands of ranges take milliseconds.
 */
export function unionRanges(ranges: readonly TileRange[]): TileRange[] {
  if (ranges.length < 2) return [...ranges]
  const starting = [...ranges].sort((a, b) => a.minY - b.minY)
  const edges = [...new Set(ranges.flatMap((r) => [r.minY, r.maxY + 1]))].sort((a, b) => a - b)
  const done: TileRange[] = []
  let active: TileRange[] = []
  let open: Span[] = []
  let next = 0
  for (const y of edges) {
    active = active.filter((r) => r.maxY >= y)
    const before = active.length
    while (next < starting.length && starting[next]!.minY === y) active.push(starting[next++]!)
    if (active.length > before) active.sort((a, b) => a.minX - b.minX)
    open = continued(open, active, y, done)
  }
  return done.sort((a, b) => a.minY - b.minY || a.minX - b.minX)
}

/** The open spans from this row on: spans that continue stay open, and the others are closed into `done`. */
function continued(
  open: readonly Span[],
  active: readonly TileRange[],
  y: number,
  done: TileRange[],
): Span[] {
  const spans: Span[] = []
  let at = 0
  const end = (span: Span): void => {
    done.push({ minX: span.minX, minY: span.minY, maxX: span.maxX, maxY: y - 1 })
  }
  for (let i = 0; i < active.length; ) {
    const { minX } = active[i]!
    let { maxX } = active[i]!
    for (i++; i < active.length && active[i]!.minX <= maxX + 1; i++) maxX = Math.max(maxX, active[i]!.maxX)
    while (at < open.length && open[at]!.minX < minX) end(open[at++]!)
    const same = at < open.length && open[at]!.minX === minX && open[at]!.maxX === maxX
    spans.push(same ? open[at++]! : { minX, maxX, minY: y })
  }
  while (at < open.length) end(open[at++]!)
  return spans
}
