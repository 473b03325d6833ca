// Converts rectangles between a file and the VRT that contains it.
import type { Loss } from '../losses.js'
import type { SourceInfo } from '../source.js'
import type { Layer } from './layers.js'
import type { Rect } from './piece.js'

/** The rectangle of a loss in pixels of the file's full resolution; the whole file if the loss has no rectangle. */
export function inFile(loss: Loss, info: SourceInfo): Rect {
  const level = Number(/level (\d+)$/.exec(loss.part)?.[1] ?? 0)
  const size = info.levels[level]
  if (loss.width === 0 || size === undefined || !loss.path.startsWith(info.path))
    return { x: 0, y: 0, width: info.width, height: info.height }
  return scaled(loss, info.width / size.width, info.height / size.height)
}

/** A rectangle of a file in the VRT's pixels. */
export function placed({ to }: Layer, from: Rect, rect: Rect): Rect {
  const byX = to.width / from.width
  const byY = to.height / from.height
  const x = Math.max(to.x, to.x + (rect.x - from.x) * byX)
  const y = Math.max(to.y, to.y + (rect.y - from.y) * byY)
  return {
    x,
    y,
    width: Math.min(to.x + to.width, to.x + (rect.x + rect.width - from.x) * byX) - x,
    height: Math.min(to.y + to.height, to.y + (rect.y + rect.height - from.y) * byY) - y,
  }
}

export const scaled = ({ x, y, width, height }: Rect, byX: number, byY: number): Rect => ({
  x: x * byX,
  y: y * byY,
  width: width * byX,
  height: height * byY,
})

/** The coarsest level of a file that is not shrunk by more than `shrink`. */
export function levelFor(info: SourceInfo, shrink: number): number {
  let best = 0
  for (const [i, { width }] of info.levels.entries()) {
    const by = info.width / width
    if (by <= shrink * 1.01 && by > info.width / info.levels[best]!.width) best = i
  }
  return best
}
