// Stored samples of every kind that GDAL writes come back as the numbers that went in: types × predictors ×
// planes × byte orders × tiles, and packed bits of any number. Skips without GDAL.
import t, { type Test } from 'tap'
import { withoutGdal } from '../helpers/gdal-process.js'
import { type GdalType, type Made, made, readTiff, writeTiff } from './gdal-made.js'

t.setTimeout(1_800_000)
const skip = withoutGdal

/** Values of all bands are exactly those made, as singles. */
async function same(t: Test, file: string, image: Made, name: string, exact = Math.fround): Promise<string> {
  const bands = Array.from({ length: image.samples }, (_, i) => i + 1)
  const { raster, data, mask } = await readTiff(file, { view: { kind: 'values', bands } })
  const wrong = data.findIndex((v, i) => v !== exact(image.values[i]!))
  const what = wrong < 0 ? '' : `: sample ${wrong} is ${data[wrong]}, not ${exact(image.values[wrong]!)}`
  t.ok(wrong < 0 && data.length === image.values.length, name + what)
  t.equal(mask, undefined, 'everything is there')
  return raster.look.stored.type
}

const KINDS: readonly (readonly [GdalType, number, number, string])[] = [
  ['Byte', 0, 255, 'uint8'],
  ['UInt16', 0, 65535, 'uint16'],
  ['Int16', -32768, 32767, 'int16'],
  ['UInt32', 0, 2 ** 32 - 1, 'uint32'],
  ['Int32', -(2 ** 31), 2 ** 31 - 1, 'int32'],
  ['UInt64', 0, 2 ** 60, 'uint64'],
  ['Int64', -(2 ** 60), 2 ** 60, 'int64'],
  ['Float32', -1e6, 1e6, 'float32'],
  ['Float64', -1e12, 1e12, 'float64'],
]

const SHAPES = [
  [1, 'BLOCKYSIZE=7'],
  [3, 'INTERLEAVE=PIXEL', 'TILED=YES', 'BLOCKXSIZE=32', 'BLOCKYSIZE=16'],
  [2, 'INTERLEAVE=BAND', 'BLOCKYSIZE=40'],
  [5, 'INTERLEAVE=PIXEL', 'BLOCKYSIZE=16'],
  [4, 'INTERLEAVE=PIXEL', 'TILED=YES', 'BLOCKXSIZE=16', 'BLOCKYSIZE=48'],
] as const

for (const [type, low, high, ours] of KINDS) {
  t.test(`${type}: predictors, planes, byte orders`, { skip }, async (t) => {
    const dir = t.testdir()
    const isFloat = type.startsWith('Float')
    let compared = 0
    let turn = type.length
    for (const predictor of isFloat ? [1, 2, 3] : [1, 2]) {
      for (const order of ['LITTLE', 'BIG']) {
        turn++
        // Half of the shapes each time: what is left out here comes up with the next order or type.
        for (const [samples, ...shape] of SHAPES.filter((_, i) => (i + turn) % 2 === 0)) {
          // GDAL 3.6 swaps these bytes twice and cannot read them itself; samples.test.ts has our own.
          if (predictor === 3 && order === 'BIG') continue
          const image = made(71, 45, samples, low, high, 5, isFloat)
          const codec = (['DEFLATE', 'LZW', 'ZSTD'] as const)[compared % 3]!
          const options = [`COMPRESS=${codec}`, `PREDICTOR=${predictor}`, `ENDIANNESS=${order}`, ...shape]
          const file = writeTiff(dir, 'x.tif', image, type, options)
          if (file === undefined) continue
          compared++
          t.equal(await same(t, file, image, options.join(' ')), ours)
        }
      }
    }
    t.ok(compared >= 6, `${compared} files compared`)
    const plain = made(71, 45, 3, low, high, 6, isFloat)
    for (const order of ['LITTLE', 'BIG']) {
      const file = writeTiff(dir, 'x.tif', plain, type, [`ENDIANNESS=${order}`])!
      await same(t, file, plain, `uncompressed, ${order}`)
    }
  })
}

t.test('packed bits of any number', { skip }, async (t) => {
  const dir = t.testdir()
  for (const bits of [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 17, 20, 23, 24, 25, 29, 31]) {
    const type = bits <= 8 ? 'Byte' : bits <= 16 ? 'UInt16' : 'UInt32'
    const shapes = [
      [1, `NBITS=${bits}`],
      [3, `NBITS=${bits}`, 'COMPRESS=DEFLATE', 'TILED=YES', 'BLOCKXSIZE=16', 'BLOCKYSIZE=16'],
      [2, `NBITS=${bits}`, 'COMPRESS=LZW', 'INTERLEAVE=BAND', 'ENDIANNESS=BIG'],
    ] as const
    // Two of three, so that every neighbour has the others.
    for (const [samples, ...options] of shapes.filter((_, i) => i !== bits % 3)) {
      const image = made(39, 21, samples, 0, 2 ** bits - 1, bits)
      const file = writeTiff(dir, 'x.tif', image, type, options)
      if (file === undefined) continue
      await same(t, file, image, options.join(' '))
    }
  }
})

/** Half-precision neighbours of a number: 11 significant bits. */
const toHalf = (v: number): number => {
  const exponent = Math.max(-14, Math.floor(Math.log2(Math.abs(v) || 2 ** -30)))
  const step = 2 ** (exponent - 10)
  return Math.round(v / step) * step
}

t.test('16-bit floats', { skip }, async (t) => {
  const dir = t.testdir()
  for (const options of [
    ['ENDIANNESS=LITTLE'],
    ['ENDIANNESS=BIG'],
    ['COMPRESS=DEFLATE'],
    ['COMPRESS=LZW', 'INTERLEAVE=BAND'],
  ]) {
    const image = made(39, 21, 2, -1000, 1000, 9, true)
    const halves = { ...image, values: image.values.map(toHalf) }
    const file = writeTiff(dir, 'x.tif', halves, 'Float32', ['NBITS=16', ...options])
    t.ok(file !== undefined, 'GDAL writes them')
    t.equal(await same(t, file!, halves, options.join(' ')), 'float16')
  }
})

t.test('blocks that are not stored are nodata, whatever that is', { skip }, async (t) => {
  const dir = t.testdir()
  for (const [type, nodata] of [
    ['Float32', 'nan'],
    ['Float32', '-inf'],
    ['Int16', '-32768'],
    ['UInt16', '0'],
    ['Float64', '-1.7976931348623157e308'],
  ] as const) {
    const image = {
      width: 64,
      height: 32,
      samples: 1,
      values: new Float64Array(64 * 32).fill(Number(nodata.replace('inf', 'Infinity').replace('nan', 'NaN'))),
    }
    // The last of eight tiles is stored.
    image.values[64 * 32 - 1] = 5
    const options = ['SPARSE_OK=TRUE', 'TILED=YES', 'BLOCKXSIZE=16', 'BLOCKYSIZE=16']
    const file = writeTiff(dir, 'sparse.tif', image, type, options, ['-a_nodata', nodata])!
    const { data, mask, raster } = await readTiff(file, { view: { kind: 'values', bands: [1] } })
    t.ok(
      raster.layout.counts.some((c) => c === 0),
      'sparse',
    )
    t.equal(data[64 * 32 - 1], 5)
    t.ok(
      mask!.every((m, i) => m === (i === 64 * 32 - 1 ? 255 : 0)),
      `${type} ${nodata}`,
    )
  }
})

t.test('long strips without compression, read in pieces', { skip }, async (t) => {
  const dir = t.testdir()
  for (const options of [['INTERLEAVE=PIXEL'], ['INTERLEAVE=BAND', 'ENDIANNESS=BIG'], ['NBITS=12']]) {
    const image = made(613, 700, 3, 0, 4095, 4)
    const file = writeTiff(dir, 'long.tif', image, 'UInt16', [...options, 'BLOCKYSIZE=700'])!
    await same(t, file, image, options.join(' '))
  }
})

t.test('complex numbers are refused in one sentence', { skip }, async (t) => {
  const dir = t.testdir()
  const file = writeTiff(dir, 'x.tif', made(9, 9, 1, 0, 9, 1), 'Int16', [], ['-ot', 'CInt16'])!
  await t.rejects(readTiff(file, {}), {
    code: 'SOURCE_UNSUPPORTED',
    message: /complex samples are not supported; /,
  })
})
