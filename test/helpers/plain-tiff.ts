// Small uncompressed GeoTIFFs of several strips, every tag as given: for what writers in the field do and no library does.

export interface PlainTiff {
  readonly width: number
  readonly height: number
  readonly rowsPerStrip?: number
  readonly samples?: number
  readonly bits?: 8 | 16 | 32
  /** Interleaved; 32 bits are floating-point. */
  readonly data: ArrayLike<number>
  /** More tags, and others than the usual ones; undefined: the tag is left out. */
  readonly tags?: Readonly<Record<number, TagValue | undefined>>
  /** Pixel size and upper left corner, in EPSG:32633 unless `keys` say otherwise; `null`: placed nowhere. */
  readonly place?: readonly [size: number, x: number, y: number] | null
  /** Of the GeoKeyDirectory: key, value; `null`: no keys at all. */
  readonly keys?: readonly (readonly [key: number, value: number])[] | null
}

/** Numbers as SHORT below 65536 and LONG above, texts as ASCII with their NUL, { doubles }. */
export type TagValue = readonly number[] | string | { readonly doubles: readonly number[] }

interface Encoded {
  readonly tag: number
  readonly type: number
  readonly count: number
  readonly bytes: Uint8Array
}

function encode(tag: number, value: TagValue): Encoded {
  if (typeof value === 'string')
    return { tag, type: 2, count: value.length, bytes: Buffer.from(value, 'latin1') }
  if ('doubles' in value) {
    const bytes = new Uint8Array(Float64Array.from(value.doubles).buffer)
    return { tag, type: 12, count: value.doubles.length, bytes }
  }
  const isShort = value.every((v) => v < 65536) && ![273, 279].includes(tag)
  const array = isShort ? Uint16Array.from(value) : Uint32Array.from(value)
  return { tag, type: isShort ? 3 : 4, count: value.length, bytes: new Uint8Array(array.buffer) }
}

/** The file, little-endian. */
export function plainTiff(spec: PlainTiff): Uint8Array {
  const { width, height, samples = 1, bits = 8, rowsPerStrip = height } = spec
  const Kind = bits === 8 ? Uint8Array : bits === 16 ? Uint16Array : Float32Array
  const pixels = new Uint8Array(Kind.from(spec.data).buffer)
  const rowBytes = (width * samples * bits) / 8
  const offsets: number[] = []
  const counts: number[] = []
  for (let y = 0; y < height; y += rowsPerStrip) {
    offsets.push(8 + y * rowBytes)
    counts.push(Math.min(rowsPerStrip, height - y) * rowBytes)
  }
  const { place = [10, 500000, 5300000], keys = [[3072, 32633]] } = spec
  const [size, x, y] = place ?? [0, 0, 0]
  const model = keys?.some(([key]) => key === 1024) ? [] : ([[1024, 1]] as const)
  const all = keys === null ? [] : [...model, [1025, 1] as const, ...keys].sort((a, b) => a[0] - b[0])
  const tags: Record<number, TagValue | undefined> = {
    256: [width],
    257: [height],
    258: new Array(samples).fill(bits),
    259: [1],
    262: [samples >= 3 ? 2 : 1],
    273: offsets,
    277: [samples],
    278: [rowsPerStrip],
    279: counts,
    339: bits === 32 ? new Array(samples).fill(3) : undefined,
    33550: place === null ? undefined : { doubles: [size, size, 0] },
    33922: place === null ? undefined : { doubles: [0, 0, 0, x, y, 0] },
    34735: keys === null ? undefined : [1, 1, 0, all.length, ...all.flatMap(([key, v]) => [key, 0, 1, v])],
    ...spec.tags,
  }
  const entries = Object.entries(tags)
    .filter((entry): entry is [string, TagValue] => entry[1] !== undefined)
    .map(([tag, value]) => encode(Number(tag), value))
  const directory = 8 + pixels.length + (pixels.length % 2)
  let more = directory + 2 + 12 * entries.length + 4
  const file = new Uint8Array(more + entries.reduce((sum, { bytes }) => sum + bytes.length + 1, 0))
  const view = new DataView(file.buffer)
  file.set([0x49, 0x49, 42, 0])
  view.setUint32(4, directory, true)
  file.set(pixels, 8)
  view.setUint16(directory, entries.length, true)
  for (const [i, { tag, type, count, bytes }] of entries.entries()) {
    const at = directory + 2 + 12 * i
    view.setUint16(at, tag, true)
    view.setUint16(at + 2, type, true)
    view.setUint32(at + 4, count, true)
    if (bytes.length <= 4) file.set(bytes, at + 8)
    else {
      view.setUint32(at + 8, more, true)
      file.set(bytes, more)
      more += bytes.length + (bytes.length % 2)
    }
  }
  return file.subarray(0, more)
}
