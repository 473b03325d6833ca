// Makes frast files (`.ft`) byte by byte, from what frast's source says of them and not with our own writer.

export interface FrastTile {
  readonly x: number
  /** Row, counted from the south. */
  readonly south: number
  readonly value: Uint8Array
}

export interface FrastFile {
  readonly raster?: number
  readonly version?: number
  readonly codec?: number
  readonly levels: Readonly<Record<number, readonly FrastTile[]>>
  /** Bytes before each part, so that it is not aligned. */
  readonly gap?: number
  /** Number of zeros behind the keys that count as keys. */
  readonly zeroKeys?: number
  /** Bytes behind the last value. */
  readonly tail?: number
  readonly metadata?: string
  /** Changes the finished header. */
  readonly patch?: (header: Buffer) => void
}

/** Position of a field of a zoom in the header. */
export const levelField = (
  zoom: number,
  field: 'keysCapacity' | 'valsCapacity' | 'keys' | 'keysLength' | 'k2vs' | 'vals' | 'valsLength',
): number =>
  24 +
  zoom * 56 +
  8 * ['keysCapacity', 'valsCapacity', 'keys', 'keysLength', 'k2vs', 'vals', 'valsLength'].indexOf(field)

export function frastFile(options: FrastFile): Buffer {
  const {
    raster = 0,
    version = 0,
    codec = 0,
    levels,
    gap = 0,
    zeroKeys = 0,
    tail = 0,
    metadata = '',
  } = options
  const header = Buffer.alloc(4096)
  const parts: Buffer[] = [header]
  const add = (part: Buffer): number => {
    parts.push(Buffer.alloc(gap), part)
    return Buffer.concat(parts).length - part.length
  }
  const put = (at: number, value: number): unknown => header.writeBigUInt64LE(BigInt(value), at)
  const u64s = (values: readonly bigint[]): Buffer => Buffer.from(new BigUint64Array(values).buffer)
  for (const [name, tiles] of Object.entries(levels)) {
    const zoom = Number(name)
    const zeros = Array<bigint>(zeroKeys).fill(0n)
    const keys = tiles.map(({ x, south }) => (BigInt(zoom) << 58n) | (BigInt(south) << 29n) | BigInt(x))
    let at = 0
    const offsets: bigint[] = []
    for (const { value } of tiles) {
      offsets.push(BigInt(at))
      at += value.length
    }
    const keyBytes = u64s([...keys, ...zeros])
    // frast allocates more than it uses
    const capacity = 2 ** 14 * Math.ceil(keyBytes.length / 2 ** 14)
    put(levelField(zoom, 'keysCapacity'), capacity)
    put(levelField(zoom, 'keysLength'), keyBytes.length)
    put(levelField(zoom, 'keys'), add(Buffer.concat([keyBytes, Buffer.alloc(capacity - keyBytes.length)])))
    put(levelField(zoom, 'k2vs'), add(u64s([...offsets, ...zeros])))
    put(levelField(zoom, 'vals'), add(Buffer.concat(tiles.map(({ value }) => value))))
    put(levelField(zoom, 'valsLength'), at)
    put(levelField(zoom, 'valsCapacity'), Math.ceil(at / 4096) * 4096)
  }
  put(0, version)
  if (metadata !== '') {
    put(8, add(Buffer.from(metadata)))
    put(16, Buffer.byteLength(metadata))
  }
  header[1480] = raster
  header[1481] = codec
  options.patch?.(header)
  return Buffer.concat([...parts, Buffer.alloc(tail)])
}
