// A TIFF of one strip from tags and bytes as given, for what no writer at hand makes.

export type BareTag = readonly [
  tag: number,
  type: 'short' | 'long' | 'rational' | 'ascii',
  values: readonly number[] | string,
]

const TYPES = { ascii: [2, 1], short: [3, 2], long: [4, 4], rational: [5, 8] } as const

/** Little- or big-endian; width, height and the strip's place are added. */
export function bareTiff(
  width: number,
  height: number,
  strip: Uint8Array,
  tags: readonly BareTag[],
  little = true,
): Uint8Array {
  const all: BareTag[] = [
    [256, 'long', [width]],
    [257, 'long', [height]],
    [273, 'long', [8]],
    [278, 'long', [height]],
    [279, 'long', [strip.length]],
    ...tags,
  ]
  all.sort((a, b) => a[0] - b[0])
  const parts: Uint8Array[] = [new Uint8Array(8), strip, new Uint8Array(strip.length % 2)]
  let at = 8 + strip.length + (strip.length % 2)
  const entries = all.map(([tag, kind, values]) => {
    const [code, size] = TYPES[kind]
    const list = typeof values === 'string' ? [...Buffer.from(`${values}\0`, 'latin1')] : values
    const bytes = new Uint8Array(Math.max(4, list.length * size))
    const view = new DataView(bytes.buffer)
    for (const [i, v] of list.entries()) {
      if (kind === 'ascii') view.setUint8(i, v)
      else if (kind === 'short') view.setUint16(i * 2, v, little)
      else if (kind === 'long') view.setUint32(i * 4, v, little)
      else {
        view.setUint32(i * 8, Math.round(v * 1e6), little)
        view.setUint32(i * 8 + 4, 1e6, little)
      }
    }
    const isInline = list.length * size <= 4
    const offset = at
    if (!isInline) {
      parts.push(bytes, new Uint8Array(bytes.length % 2))
      at += bytes.length + (bytes.length % 2)
    }
    return { tag, code, count: list.length, offset, inline: isInline ? bytes : undefined }
  })
  const ifd = new Uint8Array(2 + entries.length * 12 + 4)
  const view = new DataView(ifd.buffer)
  view.setUint16(0, entries.length, little)
  for (const [i, { tag, code, count, offset, inline }] of entries.entries()) {
    const e = 2 + i * 12
    view.setUint16(e, tag, little)
    view.setUint16(e + 2, code, little)
    view.setUint32(e + 4, count, little)
    if (inline === undefined) view.setUint32(e + 8, offset, little)
    else ifd.set(inline, e + 8)
  }
  const head = new DataView(parts[0]!.buffer)
  head.setUint16(0, little ? 0x4949 : 0x4d4d)
  head.setUint16(2, 42, little)
  head.setUint32(4, at, little)
  return Buffer.concat([...parts, ifd])
}
