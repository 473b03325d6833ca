// Every compression GDAL and libtiff write: what comes out is what went in, or (lossy ones) what GDAL reads. Skips
// without GDAL; what only libtiff's own tools make skips without them.

import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { decodeZstdBy, nodeZstd, packageZstd } from '../../src/raster/tiff/codecs/zstd.js'
import { openFileSource } from '../../src/raster/tiff/file/byte-source.js'
import { Problem } from '../../src/raster/tiff/file/problem.js'
import { readStructure } from '../../src/raster/tiff/file/structure.js'
import { readLayout } from '../../src/raster/tiff/image/layout.js'
import { gdal, withoutGdal } from '../helpers/gdal-process.js'
import { randomFrom } from '../helpers/random.js'
import { type BareTag, bareTiff } from './bare-tiff.js'
import { decodeFile } from './codec-blocks.js'
import { dcJpeg } from './dc-jpeg.js'
import { type GdalType, type Made, made, readTiff, writeTiff } from './gdal-made.js'

t.setTimeout(1_800_000)
const has = (tool: string): boolean => spawnSync(tool, ['--version']).error === undefined
const skip = withoutGdal
const skipTools = skip || (has('tiffcp') ? false : "needs libtiff's tools (tiffcp)")

const bandsOf = (image: Made): number[] => Array.from({ length: image.samples }, (_, i) => i + 1)

async function valuesOf(
  file: string,
  bands: number[],
): Promise<{ data: ArrayLike<number>; mask?: Uint8Array }> {
  const { data, mask } = await readTiff(file, { view: { kind: 'values', bands } })
  return { data, ...(mask === undefined ? {} : { mask }) }
}

/** Interleaved values as GDAL reads them. */
function gdalValues(dir: string, file: string, type: 'Byte' | 'Float32'): Uint8Array | Float32Array {
  const raw = join(dir, 'read.raw')
  gdal('gdal_translate', '-q', '-of', 'ENVI', '-co', 'INTERLEAVE=BIP', '-ot', type, file, raw)
  const bytes = new Uint8Array(readFileSync(raw))
  return type === 'Byte' ? bytes : new Float32Array(bytes.buffer)
}

function same(t: Test, got: ArrayLike<number>, wanted: ArrayLike<number>, name: string): void {
  let wrong = got.length === wanted.length ? -1 : 0
  for (let i = 0; i < wanted.length && wrong < 0; i++) if (got[i] !== Math.fround(wanted[i]!)) wrong = i
  t.ok(wrong < 0, wrong < 0 ? name : `${name}: sample ${wrong} is ${got[wrong]}, not ${wanted[wrong]}`)
}

const TYPES: readonly (readonly [GdalType, number, number])[] = [
  ['Byte', 0, 255],
  ['UInt16', 0, 65535],
  ['Int16', -32768, 32767],
  ['UInt32', 0, 2 ** 32 - 1],
  ['Int32', -(2 ** 31), 2 ** 31 - 1],
  ['Float32', -1e6, 1e6],
  ['Float64', -1e12, 1e12],
]
const SHAPES: readonly (readonly [samples: number, ...options: string[]])[] = [
  [1, 'BLOCKYSIZE=7'],
  [3, 'TILED=YES', 'BLOCKXSIZE=32', 'BLOCKYSIZE=16'],
  [4, 'INTERLEAVE=BAND', 'BLOCKYSIZE=45'],
  [5, 'BLOCKYSIZE=16', 'ENDIANNESS=BIG'],
]

for (const codec of ['LERC', 'LERC_DEFLATE', 'LERC_ZSTD', 'LZMA', 'ZSTD', 'DEFLATE', 'LZW', 'PACKBITS']) {
  t.test(`${codec}: all types and shapes`, { skip }, async (t) => {
    const dir = t.testdir()
    let compared = 0
    for (const [i, [type, low, high]] of TYPES.entries()) {
      // Two shapes a type, all of them over the types.
      for (const [samples, ...shape] of [SHAPES[i % 4]!, SHAPES[(i + 1 + (i >> 2)) % 4]!]) {
        const predictors = ['LZMA', 'ZSTD'].includes(codec) && type !== 'Float64' ? [1, 2] : [1]
        for (const predictor of predictors) {
          const image = made(71, 45, samples, low, high, 9, type.startsWith('Float'))
          const options = [`COMPRESS=${codec}`, ...shape, ...(predictor === 2 ? ['PREDICTOR=2'] : [])]
          const file = writeTiff(dir, 'x.tif', image, type, options)
          if (file === undefined) continue
          // libtiff swaps bytes before it encodes, and takes some of what comes out for NaN: lost already.
          if (type.startsWith('Float') && codec.startsWith('LERC') && shape.includes('ENDIANNESS=BIG'))
            continue
          compared++
          const { data, mask } = await valuesOf(file, bandsOf(image))
          same(t, data, image.values, `${type} ${options.join(' ')}`)
          t.equal(mask, undefined)
        }
      }
    }
    t.ok(compared >= 9, `${compared} files compared`)
  })
}

t.test('LERC with an error allowed is what GDAL reads', { skip }, async (t) => {
  const dir = t.testdir()
  const image = made(200, 150, 1, -500, 3000, 3, true)
  for (const codec of ['LERC', 'LERC_ZSTD']) {
    for (const error of [0.01, 1, 50]) {
      const options = [`COMPRESS=${codec}`, `MAX_Z_ERROR=${error}`, 'BLOCKYSIZE=64']
      const file = writeTiff(dir, 'x.tif', image, 'Float32', options)!
      const { data } = await valuesOf(file, [1])
      same(t, data, gdalValues(dir, file, 'Float32'), options.join(' '))
      t.ok(
        image.values.every((v, i) => Math.abs(v - data[i]!) <= error * 1.01),
        'within the error',
      )
    }
  }
})

t.test('LERC: holes are NaN and become mask', { skip }, async (t) => {
  const dir = t.testdir()
  const image = made(90, 60, 1, 0, 100, 3, true)
  for (let i = 0; i < image.values.length; i++) if (i % 7 === 0 || i > 3000) image.values[i] = Number.NaN
  for (const codec of ['LERC', 'LERC_DEFLATE']) {
    for (const shape of ['BLOCKYSIZE=16', 'TILED=YES']) {
      const file = writeTiff(dir, 'x.tif', image, 'Float32', [`COMPRESS=${codec}`, shape])!
      const { data, mask } = await valuesOf(file, [1])
      let wrong = 0
      for (const [i, v] of image.values.entries()) {
        if (Number.isNaN(v) ? mask?.[i] !== 0 : mask?.[i] !== 255 || data[i] !== Math.fround(v)) wrong++
      }
      t.equal(wrong, 0, `${codec} ${shape}`)
    }
  }
})

t.test('LERC: an alpha band that is a mask', { skip }, async (t) => {
  const dir = t.testdir()
  for (const soft of [false, true]) {
    const image = made(80, 70, 4, 0, 255, 4)
    for (let i = 3; i < image.values.length; i += 4) {
      image.values[i] = (i >> 5) % 3 === 0 ? 0 : soft && i % 5 === 0 ? 99 : 255
    }
    for (const codec of ['LERC', 'LERC_ZSTD']) {
      const options = [`COMPRESS=${codec}`, 'PHOTOMETRIC=RGB', 'ALPHA=YES', 'TILED=YES']
      const file = writeTiff(dir, 'x.tif', image, 'Byte', options)!
      const { blocks } = await decodeFile(file)
      const wanted = gdalValues(dir, file, 'Byte')
      let wrong = 0
      for (let y = 0; y < 70; y++) {
        for (let x = 0; x < 80 * 4; x++) {
          const alpha = wanted[y * 320 + (x | 3)]!
          const value = blocks[0]![y * 1024 + x]!
          // Colours below nothing are whatever the decoder leaves there.
          if ((alpha > 0 || x % 4 === 3) && value !== wanted[y * 320 + x]) wrong++
        }
      }
      t.equal(wrong, 0, `${codec} ${soft ? 'soft' : 'hard'}`)
    }
  }
})

/** Runs of all lengths in both colours; `width` pixels a row. */
function bilevel(width: number, height: number, seed: number): Made {
  const random = randomFrom(seed)
  const values = new Float64Array(width * height)
  let length = 0
  for (let i = 0, run = 0, value = 0; i < values.length; i++) {
    if (run === 0) {
      value = 1 - value
      run = length++ % 3 === 0 ? length % Math.max(2, width) : 1 + Math.floor(random() ** 3 * width)
    }
    // Mostly like the row above, for two-dimensional codes.
    values[i] = i >= width && random() < 0.9 ? values[i - width]! : value
    if (run > 0) run--
  }
  return { width, height, samples: 1, values }
}

t.test('fax codings of GDAL', { skip }, async (t) => {
  const dir = t.testdir()
  for (const width of [1, 7, 8, 65, 2561, 6000]) {
    const image = bilevel(width, width > 2000 ? 150 : 60, width)
    for (const codec of ['CCITTRLE', 'CCITTFAX3', 'CCITTFAX4']) {
      for (const more of [
        ['PHOTOMETRIC=MINISWHITE', 'BLOCKYSIZE=9'],
        [width % 2 === 0 ? 'TILED=YES' : 'PHOTOMETRIC=MINISBLACK'],
      ]) {
        const file = writeTiff(dir, 'x.tif', image, 'Byte', [`COMPRESS=${codec}`, 'NBITS=1', ...more])!
        const { data } = await valuesOf(file, [1])
        same(t, data, image.values, `${codec} ${width} ${more.join(' ')}`)
      }
    }
  }
})

t.test('codings that only tiffcp makes', { skip: skipTools }, async (t) => {
  const dir = t.testdir()
  const plain = join(dir, 'plain.tif')
  const made = join(dir, 'made.tif')
  writeTiff(dir, 'plain.tif', bilevel(1999, 90, 5), 'Byte', ['NBITS=1', 'BLOCKYSIZE=90'])
  const wanted = (await decodeFile(plain)).blocks[0]!
  for (const coding of [
    'g3:1d',
    'g3:2d',
    'g3:1d:fill',
    'g3:2d:fill',
    'g4',
    'lzw',
    'zip',
    'packbits',
    'lzma',
    'zstd',
  ]) {
    for (const order of ['msb2lsb', 'lsb2msb']) {
      const done = spawnSync('tiffcp', ['-c', coding, '-f', order, '-r', '90', plain, made])
      if (done.status !== 0) continue
      const { blocks } = await decodeFile(made)
      t.ok(Buffer.from(blocks[0]!).equals(wanted), `${coding} ${order}`)
    }
  }
})

const JPEGS: readonly (readonly [samples: number, options: string, lossless?: string])[] = [
  [1, ''],
  [3, 'PHOTOMETRIC=YCBCR'],
  [3, 'PHOTOMETRIC=YCBCR JPEG_QUALITY=95'],
  [3, 'PHOTOMETRIC=RGB'],
  [3, 'PHOTOMETRIC=YCBCR JPEGTABLESMODE=0'],
  [3, 'PHOTOMETRIC=YCBCR JPEGTABLESMODE=1'],
  [3, 'PHOTOMETRIC=YCBCR JPEGTABLESMODE=2'],
  [3, 'PHOTOMETRIC=YCBCR JPEGTABLESMODE=3'],
  [3, 'PHOTOMETRIC=RGB JPEGTABLESMODE=3'],
  [3, 'PHOTOMETRIC=RGB INTERLEAVE=BAND'],
  [2, 'PHOTOMETRIC=MINISBLACK'],
  [2, 'PHOTOMETRIC=MINISBLACK ALPHA=YES'],
  [3, 'PHOTOMETRIC=MINISBLACK'],
  [2, 'INTERLEAVE=BAND'],
  [4, 'PHOTOMETRIC=RGB ALPHA=YES'],
  [4, 'PHOTOMETRIC=RGB ALPHA=NO'],
  [4, 'PHOTOMETRIC=MINISBLACK'],
  [4, 'INTERLEAVE=BAND'],
  [5, 'INTERLEAVE=BAND'],
]

t.test('JPEG as GDAL reads it', { skip }, async (t) => {
  const dir = t.testdir()
  for (const [i, [samples, options]] of JPEGS.entries()) {
    const image = made(203, 117, samples, 0, 255, 12)
    for (const shape of [
      i % 2 ? 'BLOCKYSIZE=117' : 'BLOCKYSIZE=16',
      'TILED=YES BLOCKXSIZE=64 BLOCKYSIZE=48',
    ]) {
      const all = `COMPRESS=JPEG ${options} ${shape}`.split(' ').filter(Boolean)
      const file = writeTiff(dir, 'x.tif', image, 'Byte', all)
      if (file === undefined) {
        t.comment(`GDAL does not write ${all.join(' ')}`)
        continue
      }
      const { data } = await valuesOf(file, bandsOf(image))
      same(t, data, gdalValues(dir, file, 'Byte'), `${samples} bands, ${all.join(' ')}`)
    }
  }
})

/** Tags of a picture of 8-bit samples. */
const pictureTags = (
  samples: number,
  compression: number,
  subsampling: readonly [number, number],
  ...more: BareTag[]
): BareTag[] => [
  [258, 'short', new Array<number>(samples).fill(8)],
  [259, 'short', [compression]],
  [262, 'short', [samples === 3 ? 6 : 1]],
  [277, 'short', [samples]],
  ...(samples === 3 ? ([[530, 'short', subsampling]] as const) : []),
  ...more,
]

const waves = (c: number, x: number, y: number): number => 90 * Math.sin(x / 2 + c) * Math.cos(y / 3) - 20 * c

const SAMPLINGS = [
  [1, 1],
  [2, 1],
  [1, 2],
  [2, 2],
  [4, 1],
  [4, 2],
  [1, 4],
] as const

t.test('JPEG with less colour than grey, any subsampling', { skip }, async (t) => {
  const dir = t.testdir()
  const file = join(dir, 'x.tif')
  for (const [across, down] of SAMPLINGS) {
    const { stream } = dcJpeg(
      205,
      131,
      [
        [across, down],
        [1, 1],
        [1, 1],
      ],
      waves,
    )
    writeFileSync(file, bareTiff(205, 131, stream, pictureTags(3, 7, [across, down])))
    const { data } = await valuesOf(file, [1, 2, 3])
    const values = Array.from(data)
    t.ok(Math.max(...values) - Math.min(...values) > 100)
    same(t, data, gdalValues(dir, file, 'Byte'), `${across}×${down}`)
  }
})

t.test('old-style JPEG as libtiff reads it', { skip: skipTools }, async (t) => {
  const dir = t.testdir()
  const file = join(dir, 'x.tif')
  for (const samples of [1, 3]) {
    for (const [across, down] of samples === 1 ? ([[1, 1]] as const) : SAMPLINGS.slice(0, 4)) {
      const sampling =
        samples === 1
          ? [[1, 1] as const]
          : ([
              [across, down],
              [1, 1],
              [1, 1],
            ] as const)
      const jpeg = dcJpeg(205, 131, sampling, waves)
      const tables = Buffer.concat([jpeg.quantization, jpeg.dc, jpeg.ac])
      const strip = (before: Uint8Array, scan: Uint8Array): Uint8Array => Buffer.concat([before, scan])
      const ids = new Array<number>(samples).fill(0)
      const tags = (...more: BareTag[]) =>
        pictureTags(samples, 6, [across, down], [512, 'short', [1]], ...more)
      const put = (bytes: Uint8Array, skipped: number, all: BareTag[]): Uint8Array =>
        stripBehind(bareTiff(205, 131, bytes, all), skipped, bytes.length)
      const kinds: Record<string, Uint8Array> = {
        'a whole stream': put(jpeg.stream, 0, tags([513, 'long', [8]], [514, 'long', [jpeg.stream.length]])),
        'a stream, the strip being its scan': put(
          jpeg.stream,
          jpeg.header.length,
          tags([513, 'long', [8]], [514, 'long', [jpeg.stream.length]]),
        ),
        'a header and a scan': put(
          strip(jpeg.header, jpeg.scan),
          jpeg.header.length,
          tags([513, 'long', [8]], [514, 'long', [jpeg.header.length]]),
        ),
        'tables by tags': put(
          strip(tables, jpeg.scan),
          tables.length,
          tags(
            [519, 'long', ids.map(() => 8)],
            [520, 'long', ids.map(() => 8 + 64)],
            [521, 'long', ids.map(() => 8 + 64 + jpeg.dc.length)],
          ),
        ),
      }
      for (const [name, bytes] of Object.entries(kinds)) {
        writeFileSync(file, bytes)
        const { data } = await readTiff(file, {})
        const wanted = await gdalRgb(dir, file, samples)
        t.equal(data.length, wanted.length)
        let worst = 0
        for (const [i, v] of wanted.entries()) worst = Math.max(worst, Math.abs(v - data[i]!))
        // libtiff repeats colours where ours are interpolated, as in new-style files.
        const limit = samples === 1 || (across === 1 && down === 1) ? 1 : 255
        t.ok(worst <= limit, `${name}, ${samples} bands, ${across}×${down}: differs by ${worst}`)
        if (limit === 255) t.ok(meanOf(data, wanted) < 2, `${meanOf(data, wanted)} on average`)
      }
    }
  }
})

const meanOf = (a: ArrayLike<number>, b: Uint8Array): number =>
  b.reduce((sum, v, i) => sum + Math.abs(v - a[i]!), 0) / b.length

/** The file with its strip beginning later, so that something may lie before it. */
function stripBehind(tiff: Uint8Array, skipped: number, length: number): Uint8Array {
  const view = new DataView(tiff.buffer, tiff.byteOffset)
  const at = view.getUint32(4, true)
  for (let i = 0; i < view.getUint16(at, true); i++) {
    const entry = at + 2 + 12 * i
    const tag = view.getUint16(entry, true)
    if (tag === 273) view.setUint32(entry + 8, 8 + skipped, true)
    if (tag === 279) view.setUint32(entry + 8, length - skipped, true)
  }
  return tiff
}

/** GDAL shows what is YCbCr in these files as RGBA, and leaves what is grey to libtiff's own tools. */
async function gdalRgb(dir: string, file: string, samples: number): Promise<Uint8Array> {
  if (samples === 1) {
    const plain = join(dir, 'plain.tif')
    execFileSync('tiffcp', ['-c', 'none', file, plain], { stdio: 'ignore' })
    return (await decodeFile(plain)).blocks[0]!
  }
  const raw = join(dir, 'rgb.raw')
  const form = ['-q', '-of', 'ENVI', '-ot', 'Byte', '-co', 'INTERLEAVE=BIP', '-b', '1', '-b', '2', '-b', '3']
  gdal('gdal_translate', ...form, file, raw)
  return readFileSync(raw)
}

t.test('WebP as GDAL reads it', { skip }, async (t) => {
  const dir = t.testdir()
  for (const samples of [3, 4]) {
    const image = made(203, 117, samples, 0, 255, 12)
    for (const how of ['WEBP_LOSSLESS=YES', 'WEBP_LEVEL=75', 'WEBP_LEVEL=100']) {
      for (const shape of ['BLOCKYSIZE=50', 'TILED=YES']) {
        const file =
          writeTiff(dir, 'x.tif', image, 'Byte', [
            'COMPRESS=WEBP',
            how,
            shape,
            ...(samples === 4 ? ['ALPHA=YES'] : []),
          ]) ?? join(dir, 'x.tif')
        // GDAL warns of its own default level when told lossless, and writes the file.
        const wanted = gdalValues(dir, file, 'Byte')
        const { data } = await valuesOf(file, bandsOf(image))
        same(t, data, wanted, `${samples} bands ${how} ${shape}`)
      }
    }
  }
})

t.test('what cannot be had is said in one sentence', async (t) => {
  const file = join(t.testdir(), 'x.tif')
  const kinds: [string, RegExp, BareTag[]][] = [
    ['12-bit JPEG', /12-bit JPEG is not supported; rewrite it with gdal_translate/, jpegOf(12, 1, 7)],
    ['JPEG of five', /JPEG with 5 interleaved bands/, jpegOf(8, 5, 7)],
    ['WebP of one', /WebP with 1 bands/, jpegOf(8, 1, 50001)],
    ['lossless old JPEG', /lossless old-style JPEG/, [...jpegOf(8, 1, 6), [512, 'short', [14]]]],
    ['LERC of 12 bits', /LERC with 12-bit samples/, jpegOf(12, 1, 34887)],
    ['fax of 8 bits', /CCITT group 4 with 1 bands of 8 bits/, jpegOf(8, 1, 4)],
    ['JPEG 2000', /JPEG 2000 compression is not supported/, jpegOf(8, 1, 34712)],
    ['JPEG XL', /JPEG XL compression is not supported/, jpegOf(8, 3, 50002)],
    ['JBIG', /JBIG compression is not supported/, jpegOf(1, 1, 34661)],
    ['unknown', /: compression 12345 is not supported/, jpegOf(8, 1, 12345)],
  ]
  for (const [name, message, tags] of kinds) {
    writeFileSync(file, bareTiff(16, 16, new Uint8Array(1000), tags))
    await t.rejects(readTiff(file, {}), { code: 'SOURCE_UNSUPPORTED', message }, name)
  }
})

const jpegOf = (bits: number, samples: number, compression: number): BareTag[] => [
  [258, 'short', new Array<number>(samples).fill(bits)],
  [259, 'short', [compression]],
  [262, 'short', [1]],
  [277, 'short', [samples]],
]

t.test('ZSTD of every level: the package and Node agree', { skip }, async (t) => {
  const dir = t.testdir()
  const random = randomFrom(6)
  const noise = made(120, 100, 1, 0, 255, 1)
  const runs = { ...noise, values: noise.values.map((_, i) => (i >> 6) % 5) }
  const text = { ...noise, values: noise.values.map((_, i) => 97 + (((i * i * 7919) >> 5) % 9)) }
  const decoder = await packageZstd()
  let compared = 0
  for (const image of [noise, runs, text]) {
    const pixels = Buffer.from(image.values)
    for (const level of [1, 3, 9, 19, 22]) {
      const file = writeTiff(dir, 'x.tif', image, 'Byte', [
        'COMPRESS=ZSTD',
        `ZSTD_LEVEL=${level}`,
        'BLOCKYSIZE=100',
      ])!
      const source = await openFileSource(file)
      const { ifds } = await readStructure(source)
      const { offsets, counts } = await readLayout(source, ifds[0]!, true)
      const input = await source.read(offsets[0]!, counts[0]!)
      await source.close()
      for (let k = 0; k < 20; k++) {
        const bytes = input.slice()
        if (k > 0) bytes[Math.floor(random() * bytes.length)]! ^= 1 << Math.floor(random() * 8)
        const a = new Uint8Array(12000)
        const b = new Uint8Array(12000)
        const one = await attempt(() => decodeZstdBy(() => decoder, bytes, a))
        if (k === 0) t.ok(one === 12000 && Buffer.from(a).equals(pixels), `level ${level}`)
        if (nodeZstd === undefined) continue
        const other = await attempt(() => decodeZstdBy(() => nodeZstd!, bytes, b))
        compared++
        if (k === 0) t.equal(other, 12000, `level ${level}, by Node`)
        // The package sees some damage that Node does not; what both take for sound is the same.
        if (one === 12000 && other === 12000) t.ok(Buffer.from(a).equals(b))
      }
    }
  }
  t.comment(nodeZstd === undefined ? 'Node has no zstd here' : `${compared} times by both`)
})

/** How many bytes come out; 'problem' for broken data. */
async function attempt(decode: () => Promise<number>): Promise<number | 'problem'> {
  try {
    return await decode()
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return 'problem'
  }
}
