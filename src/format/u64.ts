// 64-bit little-endian numbers as JavaScript numbers: exact below 2^53.

/** A number above 2^53 is rounded, but never to below 2^53, so checks of bounds refuse it. */
export function getU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true)
}

/** @throws RangeError when `value` is not an integer from 0 to 2^53 - 1 */
export function putU64(view: DataView, at: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${value} is not an integer from 0 to 2^53 - 1`)
  view.setUint32(at, value, true)
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true)
}
