// How far the tiles of a file reach that is deeper in some places than in others.

/** The first and last column and row. */
interface Reach {
  minX: number
  minY: number
  maxX: number
  maxY: number
}

/**
 * Widens the reach of the tiles of a zoom to that of tiles `depth` zooms above, in columns and rows of the deeper zoom.
 * Those that reach only as far as the parents of the deeper ones have nothing to add. The deeper tiles alone would
 * hide the others: clients ask for nothing outside a file's bounds.
 */
export function widen(reach: Reach, depth: number, { minX, minY, maxX, maxY }: Readonly<Reach>): void {
  const scale = 2 ** depth
  const up = (n: number): number => Math.floor(n / scale)
  if (minX < up(reach.minX)) reach.minX = minX * scale
  if (minY < up(reach.minY)) reach.minY = minY * scale
  if (maxX > up(reach.maxX)) reach.maxX = (maxX + 1) * scale - 1
  if (maxY > up(reach.maxY)) reach.maxY = (maxY + 1) * scale - 1
}
