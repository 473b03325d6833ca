// The simplest JPEG encoder that can do every sampling: each 8×8 block is one value (its DC coefficient). Pieces are
// given apart, for the ways TIFF stores them.

/** Zigzag order, all ones: a coefficient is 8 times a block's value. */
const QUANTIZATION = new Uint8Array(64).fill(1)
/** Categories 0 … 11 with codes of four bits. */
const DC = Uint8Array.of(
  0,
  0,
  0,
  12,
  ...new Array<number>(12).fill(0),
  ...Array.from({ length: 12 }, (_, i) => i),
)
/** The end of a block, one bit 0. */
const AC = Uint8Array.of(1, ...new Array<number>(15).fill(0), 0)

export interface DcJpeg {
  readonly quantization: Uint8Array
  readonly dc: Uint8Array
  readonly ac: Uint8Array
  /** SOI, tables and frame, up to and with the SOS segment. */
  readonly header: Uint8Array
  /** Entropy-coded data, without a marker behind it. */
  readonly scan: Uint8Array
  /** The whole. */
  readonly stream: Uint8Array
}

const segment = (marker: number, ...body: number[]): number[] => [
  0xff,
  marker,
  (body.length + 2) >> 8,
  (body.length + 2) & 255,
  ...body,
]

/** `sampling`: of each component, across and down. `value`: of a block, −128 … 127. */
export function dcJpeg(
  width: number,
  height: number,
  sampling: readonly (readonly [number, number])[],
  value: (component: number, x: number, y: number) => number,
): DcJpeg {
  const ids = sampling.map((_, i) => i)
  const frame = ids.flatMap((i) => [i + 1, (sampling[i]![0] << 4) | sampling[i]![1], 0])
  const header = Uint8Array.from([
    0xff,
    0xd8,
    ...segment(0xdb, 0, ...QUANTIZATION),
    ...segment(0xc0, 8, height >> 8, height & 255, width >> 8, width & 255, ids.length, ...frame),
    ...segment(0xc4, 0, ...DC),
    ...segment(0xc4, 0x10, ...AC),
    ...segment(0xda, ids.length, ...ids.flatMap((i) => [i + 1, 0]), 0, 63, 0),
  ])
  const scan = encodeScan(width, height, sampling, value)
  const stream = Uint8Array.from([...header, ...scan, 0xff, 0xd9])
  return { quantization: QUANTIZATION, dc: DC, ac: AC, header, scan, stream }
}

function encodeScan(
  width: number,
  height: number,
  sampling: readonly (readonly [number, number])[],
  value: (component: number, x: number, y: number) => number,
): Uint8Array {
  const out: number[] = []
  let buffer = 0
  let filled = 0
  const put = (bits: number, count: number): void => {
    for (let i = count - 1; i >= 0; i--) {
      buffer = (buffer << 1) | ((bits >> i) & 1)
      if (++filled < 8) continue
      out.push(buffer)
      if (buffer === 0xff) out.push(0)
      buffer = 0
      filled = 0
    }
  }
  const most = (axis: 0 | 1): number => Math.max(...sampling.map((s) => s[axis]))
  // A single component is not interleaved: its blocks go one by one.
  const single = sampling.length === 1
  const unitsAcross = Math.ceil(width / (8 * (single ? 1 : most(0))))
  const unitsDown = Math.ceil(height / (8 * (single ? 1 : most(1))))
  const before = sampling.map(() => 0)
  for (let v = 0; v < unitsDown; v++) {
    for (let u = 0; u < unitsAcross; u++) {
      for (const [c, [across, down]] of sampling.entries()) {
        for (let k = 0; k < (single ? 1 : across * down); k++) {
          const x = single ? u : u * across + (k % across)
          const y = single ? v : v * down + Math.floor(k / across)
          const coefficient = Math.round(value(c, x, y)) * 8
          const difference = coefficient - before[c]!
          before[c] = coefficient
          const category = difference === 0 ? 0 : Math.floor(Math.log2(Math.abs(difference))) + 1
          put(category, 4)
          put(difference < 0 ? difference + 2 ** category - 1 : difference, category)
          put(0, 1)
        }
      }
    }
  }
  while (filled > 0) put(1, 1)
  return Uint8Array.from(out)
}
