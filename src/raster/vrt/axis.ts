// Maps the pixels of a window to those of a file, one axis at a time.

/** Pixels that are covered less than this are not painted. */
const EDGE = 1e-3

/** One axis of a layer in a level: destination pixels [begin, end), and their position in the file's level. */
export interface Axis {
  readonly begin: number
  readonly end: number
  /** The outer edge of destination pixel p lies at start + p · step in the file's level. */
  readonly start: number
  readonly step: number
  /** Pixels of the file in the piece: [low, high). */
  readonly low: number
  readonly high: number
}

/** The axis of a piece; undefined when no part of it lies in the window. */
export function axisOf(
  windowAt: number,
  windowSize: number,
  toAt: number,
  toSize: number,
  fromAt: number,
  fromSize: number,
  fileSize: number,
  levelSize: number,
): Axis | undefined {
  const begin = Math.max(windowAt, Math.floor(toAt + EDGE))
  const end = Math.min(windowAt + windowSize, Math.ceil(toAt + toSize - EDGE))
  const shrink = levelSize / fileSize
  const step = (fromSize / toSize) * shrink
  const low = Math.max(0, Math.floor(fromAt * shrink + EDGE))
  const high = Math.min(levelSize, Math.ceil((fromAt + fromSize) * shrink - EDGE))
  if (begin >= end || low >= high) return undefined
  return { begin, end, start: fromAt * shrink - toAt * step, step, low, high }
}

/** Pixels of the file under destination pixels [begin, end): [from, to), never empty. */
export function reach({ start, step, low, high }: Axis, begin: number, end: number): [number, number] {
  const from = Math.min(high - 1, Math.max(low, Math.floor(start + begin * step)))
  const to = Math.max(from + 1, Math.min(high, Math.ceil(start + end * step)))
  return [from, to]
}
