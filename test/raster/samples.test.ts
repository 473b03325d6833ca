// Stored samples that no program here writes: floating-point predictors in big-endian files, odd floats, 64-bit
// carries. Expected numbers are made by DataView, bytes by the definition of each predictor.
import t from 'tap'
import { Compression } from '../../src/raster/tiff/file/tags.js'
import type { ImageLayout } from '../../src/raster/tiff/image/layout.js'
import { decodeSamples } from '../../src/raster/tiff/image/samples.js'

type Shape = { width: number; rows: number; samples: number }
const shape: Shape = { width: 5, rows: 2, samples: 2 }
const count = 20

const layout = (
  bitsPerSample: number,
  sampleFormat: ImageLayout['sampleFormat'],
  predictor: number,
  littleEndian: boolean,
): ImageLayout =>
  ({ bitsPerSample, sampleFormat, predictor, littleEndian, compression: Compression.Deflate }) as ImageLayout

/** Predictor 3 as the definition has it: rows of byte planes, highest byte first, differenced as bytes. */
function bytePlanes(words: readonly Uint8Array[], { width, rows, samples }: Shape): Uint8Array {
  const size = words[0]!.length
  const perRow = width * samples
  const out = new Uint8Array(perRow * rows * size)
  for (let y = 0; y < rows; y++) {
    const row = out.subarray(y * perRow * size, (y + 1) * perRow * size)
    for (let i = 0; i < perRow; i++)
      for (let b = 0; b < size; b++) row[b * perRow + i] = words[y * perRow + i]![b]!
    for (let i = row.length - 1; i >= samples; i--) row[i] = row[i]! - row[i - samples]!
  }
  return out
}

const bigEndian = (size: number, write: (view: DataView) => void): Uint8Array => {
  const bytes = new Uint8Array(size)
  write(new DataView(bytes.buffer))
  return bytes
}

t.test('predictor 3: byte planes are the same in both byte orders', async (t) => {
  const values = Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i) * 10 ** (i - 5)))
  for (const littleEndian of [true, false]) {
    const singles = values.map((v) => bigEndian(4, (view) => view.setFloat32(0, v)))
    const got32 = decodeSamples(layout(32, 'float', 3, littleEndian), bytePlanes(singles, shape), shape, true)
    t.same([...got32], values, '32 bits')
    const doubles = values.map((v) => bigEndian(8, (view) => view.setFloat64(0, v)))
    const got64 = decodeSamples(layout(64, 'float', 3, littleEndian), bytePlanes(doubles, shape), shape, true)
    t.same([...got64], values, '64 bits')
    // 1.5, −2, 2⁻²⁴ (the smallest), 65504 (the largest), infinity …
    const halves = [0x3e00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x0000]
    const words = Array.from({ length: count }, (_, i) => bigEndian(2, (v) => v.setUint16(0, halves[i % 6]!)))
    const got16 = decodeSamples(layout(16, 'float', 3, littleEndian), bytePlanes(words, shape), shape, true)
    t.same([...got16.subarray(0, 6)], [1.5, -2, 2 ** -24, 65504, Infinity, 0], '16 bits')
    // Sign, 7 bits of exponent (bias 63), 16 of fraction.
    const triples = [
      [0x3f, 0x80, 0],
      [0xc0, 0, 0],
      [0, 0, 1],
      [0x7f, 0, 0],
    ]
    const words24 = Array.from({ length: count }, (_, i) => Uint8Array.from(triples[i % 4]!))
    const got24 = decodeSamples(layout(24, 'float', 3, littleEndian), bytePlanes(words24, shape), shape, true)
    t.same([...got24.subarray(0, 4)], [1.5, -2, 2 ** -78, Infinity], '24 bits')
  }
})

t.test('24-bit floats in the byte order of the file', async (t) => {
  const row = { width: 2, rows: 1, samples: 1 }
  t.same(
    [...decodeSamples(layout(24, 'float', 1, false), Uint8Array.of(0x3f, 0x80, 0, 0xc0, 0, 0), row, true)],
    [1.5, -2],
  )
  t.same(
    [...decodeSamples(layout(24, 'float', 1, true), Uint8Array.of(0, 0x80, 0x3f, 0, 0, 0xc0), row, true)],
    [1.5, -2],
  )
})

t.test('predictor 2: 64-bit differences carry from the low word', async (t) => {
  const row = { width: 4, rows: 1, samples: 1 }
  for (const littleEndian of [true, false]) {
    const bytes = new Uint8Array(32)
    const view = new DataView(bytes.buffer)
    const differences = [2n ** 32n - 1n, 1n, 2n ** 32n, -(2n ** 33n)]
    for (const [i, d] of differences.entries()) view.setBigInt64(i * 8, d, littleEndian)
    const got = decodeSamples(layout(64, 'int', 2, littleEndian), bytes, row, true)
    t.same([...got], [2 ** 32 - 1, 2 ** 32, 2 ** 33, 0])
  }
})

t.test('predictor 2 of packed bits wraps around', async (t) => {
  const row = { width: 4, rows: 1, samples: 1 }
  // 12 bits: 4000, +200 → 104, +4095 → 103, +0
  const bytes = Uint8Array.of(0xfa, 0x00, 0xc8, 0xff, 0xf0, 0x00)
  t.same([...decodeSamples(layout(12, 'uint', 2, true), bytes, row, true)], [4000, 104, 103, 103])
  t.same([...decodeSamples(layout(12, 'int', 1, true), bytes, row, true)], [-96, 200, -1, 0], 'signed')
})

t.test('bytes that are not owned stay as they are', async (t) => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
  const row = { width: 4, rows: 1, samples: 1 }
  for (const littleEndian of [true, false]) {
    const plain = { ...layout(16, 'uint', 1, littleEndian), compression: Compression.None }
    const got = decodeSamples(plain, bytes, row, false)
    t.same([...got], littleEndian ? [513, 1027, 1541, 2055] : [258, 772, 1286, 1800])
    t.same([...bytes], [1, 2, 3, 4, 5, 6, 7, 8])
  }
  const odd = new Uint8Array(9)
  odd.set(bytes, 1)
  const got = decodeSamples(layout(16, 'uint', 1, false), odd.subarray(1), row, false)
  t.same([...got], [258, 772, 1286, 1800], 'not aligned')
})
