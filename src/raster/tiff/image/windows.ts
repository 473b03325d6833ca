// Copies the parts that windows and units of an image have in common.
import type { Samples } from '../../pixels.js'
import type { PixelWindow } from '../../source.js'
import type { ImageLayout } from './layout.js'

export function checkWindow(window: PixelWindow, layout: ImageLayout): void {
  const { x, y, width, height } = window
  const whole = [x, y, width, height].every(Number.isInteger)
  if (
    !whole ||
    x < 0 ||
    y < 0 ||
    width < 1 ||
    height < 1 ||
    x + width > layout.width ||
    y + height > layout.height
  ) {
    throw new RangeError(
      `window ${x},${y} ${width}×${height} leaves the ${layout.width}×${layout.height} image`,
    )
  }
}

/** Copies the intersection of a unit at (x, y) and a window, with `bands` samples per pixel. */
export function copyRect(
  from: Samples,
  fromWidth: number,
  fromRows: number,
  x: number,
  y: number,
  to: Samples,
  window: PixelWindow,
  bands: number,
): void {
  const left = Math.max(x, window.x)
  const right = Math.min(x + fromWidth, window.x + window.width)
  const top = Math.max(y, window.y)
  const bottom = Math.min(y + fromRows, window.y + window.height)
  const length = (right - left) * bands
  for (let row = top; row < bottom; row++) {
    const start = ((row - y) * fromWidth + left - x) * bands
    to.set(from.subarray(start, start + length), ((row - window.y) * window.width + left - window.x) * bands)
  }
}

/** As copyRect, for masks. Returns whether all copied values are 255. */
export function copyMask(
  from: Uint8Array,
  fromWidth: number,
  fromRows: number,
  x: number,
  y: number,
  to: Uint8Array,
  window: PixelWindow,
): boolean {
  const left = Math.max(x, window.x)
  const right = Math.min(x + fromWidth, window.x + window.width)
  const top = Math.max(y, window.y)
  const bottom = Math.min(y + fromRows, window.y + window.height)
  let all = 255
  for (let row = top; row < bottom; row++) {
    let s = (row - y) * fromWidth + left - x
    let d = (row - window.y) * window.width + left - window.x
    for (let col = left; col < right; col++) {
      const value = from[s++]!
      to[d++] = value
      all &= value
    }
  }
  return all === 255
}
