// Values that prove themselves: every byte follows from the key, the version and the length, so that a wrong
// byte, a wrong tile and an old version are all recognised by the bytes alone.
//   0 u32 key · 4 u32 version · 8 … xorshift32 seeded by both
export const VALUE_HEAD = 8

/** Length of a value: follows from key and version too, so that a truncated one shows. */
export function lengthOf(key: number, version: number, most: number): number {
  return VALUE_HEAD + (mix(key, version + 77) % most)
}

function mix(key: number, version: number): number {
  let h = (Math.imul(key ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(version + 1, 0xc2b2ae35)) >>> 0
  h = Math.imul(h ^ (h >>> 15), 0x27d4eb2f) >>> 0
  return (h ^ (h >>> 13)) >>> 0 || 1
}

export function provenValue(key: number, version: number, most = 400): Uint8Array {
  const bytes = new Uint8Array(lengthOf(key, version, most))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, key, true)
  view.setUint32(4, version, true)
  let s = mix(key, version)
  for (let i = VALUE_HEAD; i < bytes.length; i++) {
    s ^= s << 13
    s ^= s >>> 17
    s ^= s << 5
    bytes[i] = s
  }
  return bytes
}

/** The version of a value; throws when it is not one of this key's. */
export function versionOf(key: number, bytes: Uint8Array, most = 400): number {
  if (bytes.length < VALUE_HEAD) throw new Error(`key ${key}: ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = view.getUint32(4, true)
  const expected = provenValue(key, version, most)
  if (Buffer.compare(expected, bytes) !== 0) {
    const at = expected.findIndex((byte, i) => byte !== bytes[i])
    throw new Error(
      `key ${key}: a wrong byte at ${at} of ${bytes.length} (the bytes say key ${view.getUint32(0, true)}, version ${version})`,
    )
  }
  return version
}
