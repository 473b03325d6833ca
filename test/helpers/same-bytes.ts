// Long arrays compared at once: tap's own `same` looks at each element, which takes a second for 200 KB.
import type { Test } from 'tap'

type Elements = Uint8Array | Uint8ClampedArray | Float32Array

const bytesOf = ({ buffer, byteOffset, byteLength }: Elements): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)

/** That both are of the same bytes, or both missing. */
export function sameBytes(
  t: Pick<Test, 'ok'>,
  found: Elements | undefined,
  wanted: Elements | undefined,
  message = 'the same bytes',
): void {
  if (found === undefined || wanted === undefined) return void t.ok(found === wanted, message)
  if (bytesOf(found).equals(bytesOf(wanted))) return void t.ok(true, message)
  const at = wanted.findIndex((value: number, i: number) => found[i] !== value)
  const lengths = `${found.length} elements, not ${wanted.length}`
  t.ok(false, `${message}: ${at < 0 ? lengths : `${found[at]}, not ${wanted[at]} at ${at}`}`)
}
