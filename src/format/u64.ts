// Numbers of 64 bits, little-endian, as JavaScript numbers: exact below 2^53.

/** A number over 2^53 comes out rounded, but never below 2^53: whoever checks bounds refuses it. */
export function getU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true)
}

/** @throws RangeError when `value` is no whole number from 0 to 2^53 - 1 */
export function putU64(view: DataView, at: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no count of 64 bits`)
  view.setUint32(at, value, true)
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true)
}
