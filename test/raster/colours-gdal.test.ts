// Colours that need work as GDAL shows them: inks, YCbCr without JPEG, palettes of any depth, deep alpha; and the
// files that lie beside an image. Skips without GDAL.

import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openGeoTiff } from '../../src/raster/formats/geotiff.js'
import type { Pixels } from '../../src/raster/pixels.js'
import type { SourceView } from '../../src/raster/source.js'
import { gdal, withoutGdal } from '../helpers/gdal-process.js'
import { randomFrom } from '../helpers/random.js'
import { bareTiff } from './bare-tiff.js'
import { type GdalType, made, readTiff, writeTiff } from './gdal-made.js'

t.setTimeout(1_800_000)
const skip = withoutGdal

/** What GDAL makes of a file, interleaved bytes. */
function gdalBytes(dir: string, file: string, select: readonly string[]): Uint8Array {
  const out = join(dir, 'gdal.bin')
  const form = ['-q', '-of', 'ENVI', '-ot', 'Byte', '-co', 'INTERLEAVE=BIP']
  gdal('gdal_translate', ...form, ...select, file, out)
  return readFileSync(out)
}

function worst(a: Uint8Array | Float32Array, b: Uint8Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let most = 0
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!))
  return most
}

const RGB = ['-b', '1', '-b', '2', '-b', '3']

t.test('CMYK as libtiff makes RGB of it', { skip }, async (t) => {
  const dir = t.testdir()
  const image = made(53, 37, 4, 0, 255, 3)
  for (const options of [
    ['COMPRESS=NONE'],
    ['COMPRESS=DEFLATE', 'PREDICTOR=2', 'TILED=YES', 'BLOCKXSIZE=32', 'BLOCKYSIZE=16'],
    ['COMPRESS=LZW', 'INTERLEAVE=BAND'],
    ['COMPRESS=JPEG', 'JPEG_QUALITY=95'],
  ]) {
    const file = writeTiff(dir, 'cmyk.tif', image, 'Byte', ['PHOTOMETRIC=CMYK', ...options])!
    const { data, raster } = await readTiff(file, {})
    t.equal(raster.bands, 3)
    t.equal(raster.maskKind, 'none')
    const tolerance = options[0] === 'COMPRESS=JPEG' ? 2 : 0
    const difference = worst(data, gdalBytes(dir, file, RGB))
    t.ok(difference <= tolerance, `${options.join(' ')}: differs by ${difference}`)
  }
  const deep = { ...image, values: image.values.map((v) => v * 257) }
  const file = writeTiff(dir, 'deep.tif', deep, 'UInt16', ['PHOTOMETRIC=CMYK'])!
  const eight = writeTiff(dir, 'cmyk.tif', image, 'Byte', ['PHOTOMETRIC=CMYK'])!
  t.same((await readTiff(file, {})).data, (await readTiff(eight, {})).data, '16 bits as 8')
})

t.test('YCbCr without JPEG, any subsampling', { skip }, async (t) => {
  const dir = t.testdir()
  const random = randomFrom(4)
  for (const [across, down] of [
    [1, 1],
    [2, 1],
    [2, 2],
    [4, 2],
    [4, 4],
    [1, 2],
  ] as const) {
    for (const little of [true, false]) {
      const [width, height] = [37, 22]
      const units = Math.ceil(width / across) * Math.ceil(height / down)
      const strip = Uint8Array.from({ length: units * (across * down + 2) }, () => 16 + random() * 220)
      const bytes = bareTiff(
        width,
        height,
        strip,
        [
          [258, 'short', [8, 8, 8]],
          [259, 'short', [1]],
          [262, 'short', [6]],
          [277, 'short', [3]],
          [530, 'short', [across, down]],
          ...(across === 4 && little
            ? ([
                [529, 'rational', [0.2126, 0.7152, 0.0722]],
                [532, 'rational', [16, 235, 128, 240, 128, 240]],
              ] as const)
            : []),
        ],
        little,
      )
      const file = join(dir, 'ycc.tif')
      writeFileSync(file, bytes)
      const { data } = await readTiff(file, {})
      // libtiff has no way for 1×2 blocks of separate rows in some versions: then GDAL says so.
      let gdal: Uint8Array
      try {
        gdal = gdalBytes(dir, file, RGB)
      } catch {
        continue
      }
      t.equal(worst(data, gdal), 0, `${across}×${down} ${little ? 'little' : 'big'}-endian`)
    }
  }
})

t.test('palettes of 1 to 16 bits', { skip }, async (t) => {
  const dir = t.testdir()
  const random = randomFrom(8)
  for (const bits of [1, 2, 3, 4, 5, 7, 8, 10, 12, 16]) {
    for (const factor of [257, 1]) {
      const size = 2 ** bits
      const [width, height] = [41, 9]
      const map = Array.from({ length: 3 * size }, () => Math.floor(random() * 256) * factor)
      // So that colours of eight bits are known for what they are, and others too.
      map[0] = 255 * factor
      const rowBytes = Math.ceil((width * bits) / 8)
      const strip = Uint8Array.from({ length: rowBytes * height }, () => random() * 256)
      const bytes = bareTiff(width, height, strip, [
        [258, 'short', [bits]],
        [259, 'short', [1]],
        [262, 'short', [3]],
        [277, 'short', [1]],
        [320, 'short', map],
      ])
      const file = join(dir, 'palette.tif')
      writeFileSync(file, bytes)
      const { data, raster } = await readTiff(file, {})
      t.equal(raster.look.stored.palette, true)
      const gdal =
        bits > 8 ? expanded(dir, file, map, bits, factor) : gdalBytes(dir, file, ['-expand', 'rgb'])
      t.equal(worst(data, gdal), 0, `${bits} bits, colours × ${factor}`)
    }
  }
})

/** gdal_translate expands only 8-bit palettes: indexes from GDAL, colours by the table. */
function expanded(
  dir: string,
  file: string,
  map: readonly number[],
  bits: number,
  factor: number,
): Uint8Array {
  const out = join(dir, 'index.bin')
  gdal('gdal_translate', '-q', '-of', 'ENVI', '-ot', 'UInt16', file, out)
  const index = new Uint16Array(Uint8Array.from(readFileSync(out)).buffer)
  const rgb = new Uint8Array(index.length * 3)
  for (let i = 0; i < rgb.length; i++) rgb[i] = map[(i % 3) * 2 ** bits + index[Math.floor(i / 3)]!]! / factor
  return rgb
}

t.test('white is 0, at any depth: pictures are turned around, values are not', { skip }, async (t) => {
  const dir = t.testdir()
  for (const [type, top, bits] of [
    ['Byte', 255, 8],
    ['Byte', 15, 4],
    ['UInt16', 65535, 16],
    ['UInt16', 4095, 12],
  ] as const) {
    const image = made(33, 21, 1, 0, top, 2)
    const file = writeTiff(dir, 'white.tif', image, type, ['PHOTOMETRIC=MINISWHITE', `NBITS=${bits}`])!
    const values = await readTiff(file, { view: { kind: 'values', bands: [1] } })
    t.same([...values.data], [...image.values], `${bits} bits: values`)
    const tone = { ranges: [[0, top]] as const, gamma: 1 }
    const view: SourceView = bits > 8 ? { kind: 'colour', tone } : { kind: 'colour' }
    const { data } = await readTiff(file, { view })
    const wanted = image.values.map((v) => Math.round(((top - v) * 255) / top))
    t.same([...data], [...wanted], `${bits} bits: colours`)
  }
})

t.test('scale and offset of bands, as gdal_translate -unscale', { skip }, async (t) => {
  const dir = t.testdir()
  const image = made(33, 21, 2, -3000, 9000, 2)
  const scaled = ['-a_scale', '0.01', '-a_offset', '273.15']
  const file = writeTiff(dir, 'scaled.tif', image, 'Int16', [], scaled)!
  const { data, raster } = await readTiff(file, { view: { kind: 'values', bands: [2, 1] } })
  t.same(raster.look.stored.scales, [
    { scale: 0.01, offset: 273.15 },
    { scale: 0.01, offset: 273.15 },
  ])
  const out = join(dir, 'unscaled.bin')
  const form = [
    '-q',
    '-unscale',
    '-of',
    'ENVI',
    '-ot',
    'Float32',
    '-co',
    'INTERLEAVE=BIP',
    '-b',
    '2',
    '-b',
    '1',
  ]
  gdal('gdal_translate', ...form, file, out)
  t.same([...data], [...new Float32Array(Uint8Array.from(readFileSync(out)).buffer)])
  // Ranges are in the same units.
  const tone = { ranges: [[243.15, 363.15]] as const, gamma: 1 }
  const toned = await readTiff(file, { view: { kind: 'colour', bands: [1], tone } })
  const wanted = Uint8Array.from({ length: 33 * 21 }, (_, i) =>
    Math.floor(Math.max(0, Math.min(1, (image.values[i * 2]! * 0.01 + 273.15 - 243.15) / 120)) * 255 + 0.5),
  )
  t.equal(worst(toned.data, wanted), 0, 'tone in units of the values')
})

t.test(
  'the .aux.xml beside an image: nodata before the tags, scale behind them, as in GDAL',
  { skip },
  async (t) => {
    const dir = t.testdir()
    const place = ['-a_srs', 'EPSG:32633', '-a_ullr', '500000', '5300000', '500330', '5299790']
    const image = made(33, 21, 2, 0, 9, 4)
    const said = ['-a_nodata', '4', '-a_scale', '0.5', '-a_offset', '10']
    writeTiff(dir, 'pam.tif', image, 'Int16', ['PROFILE=BASELINE'], [...place, ...said])
    const band = (b: number) => [...image.values].filter((_, i) => i % 2 === b - 1)
    for (const [tagged, scale, offset] of [
      [[], 0.5, 10],
      [['-a_scale', '2'], 2, 0],
    ] as const) {
      const file = writeTiff(dir, 'tags.tif', image, 'Int16', [], [...place, '-a_nodata', '7', ...tagged])!
      copyFileSync(join(dir, 'pam.tif.aux.xml'), `${file}.aux.xml`)
      const info = JSON.parse(gdal('gdalinfo', '-json', file))
      t.match(info.bands[0], { noDataValue: 4, scale, offset }, 'GDAL')
      const read = async (b: number) => mask(file, 0, { kind: 'values', bands: [b] })
      const pixels = await read(2)
      t.same(
        [...pixels.data],
        band(2).map((v) => v * scale + offset),
      )
      const isFour = band(2).map((v) => (v === 4 ? 0 : 255))
      t.same([...pixels.mask!], isFour)
      // A value for each band: asked for by number.
      const xml = readFileSync(`${file}.aux.xml`, 'utf8')
      writeFileSync(`${file}.aux.xml`, xml.replace(/<NoDataValue>4[^<]*/, '<NoDataValue>5'))
      t.same([...(await read(2)).mask!], isFour)
      t.same(
        [...(await read(1)).mask!],
        band(1).map((v) => (v === 5 ? 0 : 255)),
      )
    }
  },
)

t.test('NODATA_VALUES: a colour that means nothing, in any order of bands', { skip }, async (t) => {
  const dir = t.testdir()
  const place = ['-a_srs', 'EPSG:32633', '-a_ullr', '500000', '5300000', '500330', '5299790']
  const image = made(33, 21, 3, 0, 2, 4)
  const file = writeTiff(dir, 'colour.tif', image, 'Byte', [], [...place, '-mo', 'NODATA_VALUES=1 2 1'])!
  const gdal = gdalBytes(dir, file, ['-b', 'mask'])
  t.ok(gdal.includes(0), 'some are empty')
  t.same([...(await mask(file, 0)).mask!], [...gdal])
  t.same([...(await mask(file, 0, { kind: 'colour', bands: [2, 3, 1] })).mask!], [...gdal])
})

t.test('alpha of 16 bits and of floats', { skip }, async (t) => {
  const dir = t.testdir()
  for (const [type, top] of [
    ['UInt16', 65535],
    ['Float32', 255],
    ['Float32', 1],
  ] as const) {
    const image = made(33, 21, 4, 0, top, 2, type === 'Float32')
    image.values.forEach((v, i) => {
      if (i % 4 === 3) image.values[i] = i % 3 === 0 ? 0 : i % 7 === 0 ? Math.fround(v / 2) : top
    })
    const file = writeTiff(dir, 'alpha.tif', image, type as GdalType, ['ALPHA=YES', 'PHOTOMETRIC=RGB'])!
    const tone = { ranges: [[0, top]] as const, gamma: 1 }
    const { data, mask, raster } = await readTiff(file, { view: { kind: 'colour', tone } })
    t.equal(raster.maskKind, 'alpha')
    t.equal(raster.look.stored.bands, 3)
    const colour = Uint8Array.from({ length: 33 * 21 * 3 }, (_, i) =>
      Math.floor((image.values[Math.floor(i / 3) * 4 + (i % 3)]! / top) * 255 + 0.5),
    )
    t.ok(worst(data, colour) <= 0, `${type} ${top}: colours`)
    const alpha = Uint8Array.from({ length: 33 * 21 }, (_, i) =>
      Math.round((image.values[i * 4 + 3]! / top) * 255),
    )
    t.ok(worst(mask!, alpha) <= 1, `${type} ${top}: alpha`)
    t.ok(
      mask!.every((m, i) => (m === 0) === (image.values[i * 4 + 3] === 0)),
      'nothing is nothing, something is something',
    )
    const values = await readTiff(file, { view: { kind: 'values', bands: [3] } })
    t.ok(
      values.mask!.every((m, i) => m === (image.values[i * 4 + 3] === 0 ? 0 : 255)),
      'values are there or not',
    )
    const opaque = await readTiff(file, { view: { kind: 'colour', tone, alpha: false } })
    t.equal(opaque.mask?.some((m) => m === 0) ?? false, false, 'alpha: false')
    const band = await readTiff(file, { view: { kind: 'colour', tone, bands: [4] } })
    t.equal(band.raster.bands, 1, 'the alpha band, asked for by number, is a band')
    t.equal(band.mask, undefined)
  }
})

async function mask(file: string, level: number, view: SourceView = { kind: 'colour' }): Promise<Pixels> {
  const source = await openGeoTiff(file, { view })
  const { width, height } = source.info.levels[level]!
  const pixels = (await source.read(level, { x: 0, y: 0, width, height })) as Pixels
  await source.close()
  return pixels
}

async function levels(file: string): Promise<number> {
  const source = await openGeoTiff(file)
  await source.close()
  return source.info.levels.length
}

t.test('masks and overviews beside the file', { skip }, async (t) => {
  const dir = t.testdir()
  const place = ['-a_srs', 'EPSG:32633', '-a_ullr', '500000', '5300000', '503000', '5298000']
  const image = made(300, 200, 4, 1, 255, 3)
  // A disk is there, the rest not.
  for (let i = 0; i < 300 * 200; i++) {
    image.values[i * 4 + 3] = Math.hypot((i % 300) - 150, Math.floor(i / 300) - 100) < 90 ? 255 : 0
  }
  const plain = writeTiff(dir, 'plain.tif', image, 'Byte', ['TILED=YES'], [...place, ...RGB])!
  const outside = ['--config', 'GDAL_TIFF_INTERNAL_MASK', 'NO']
  const inside = ['--config', 'GDAL_TIFF_INTERNAL_MASK', 'YES']
  const maskFrom4 = [...place, ...RGB, '-mask', '4']
  const beside = writeTiff(dir, 'beside.tif', image, 'Byte', ['TILED=YES'], [...outside, ...maskFrom4])!
  const within = writeTiff(dir, 'within.tif', image, 'Byte', ['TILED=YES'], [...inside, ...maskFrom4])!
  t.equal((await mask(plain, 0)).mask, undefined)
  const wanted = Uint8Array.from({ length: 300 * 200 }, (_, i) => image.values[i * 4 + 3]!)
  await hasMask(t, beside, 0, wanted, 'photo.tif.msk')
  await hasMask(t, within, 0, wanted, 'inside')
  t.equal((await mask(beside, 0, { kind: 'colour', alpha: false })).mask, undefined, 'alpha: false')
  t.equal(
    (await mask(beside, 0, { kind: 'values', bands: [2] })).mask!.filter((m) => m === 0).length,
    wanted.filter((m) => m === 0).length,
    'values',
  )

  const more = ['-q', '-ro', '-r', 'nearest']
  // GDAL makes no smaller masks here: those overviews would show what is hidden.
  execFileSync('gdaladdo', [...more, within, '2', '4'], { stdio: 'ignore' })
  t.equal(await levels(within), 1, 'overviews without the mask are left out')
  for (const file of [plain, beside]) {
    execFileSync('gdaladdo', [...more, file, '2', '4'], { stdio: 'ignore' })
    t.equal(await levels(file), 3, `${file.slice(dir.length + 1)}.ovr`)
    for (const level of [1, 2]) {
      const bytes = gdalBytes(dir, file, ['-oo', `OVERVIEW_LEVEL=${level - 1}`, ...RGB, '-b', 'mask'])
      const pixels = await mask(file, level)
      t.equal(
        worst(
          pixels.data,
          bytes.filter((_, i) => i % 4 < 3),
        ),
        0,
        `level ${level}: colours`,
      )
      const gdal = bytes.filter((_, i) => i % 4 === 3)
      t.equal(worst(pixels.mask ?? new Uint8Array(gdal.length).fill(255), gdal), 0, `level ${level}: mask`)
    }
  }

  // GDAL needs its own word in a .msk to believe it; others lie there by chance.
  copyFileSync(plain, join(dir, 'chance.tif'))
  const grey = made(300, 200, 1, 0, 1, 3)
  writeTiff(dir, 'chance.tif.msk.tif', grey, 'Byte', [])
  copyFileSync(join(dir, 'chance.tif.msk.tif'), join(dir, 'chance.tif.msk'))
  t.equal((await mask(join(dir, 'chance.tif'), 0)).mask, undefined, 'a .msk that says nothing of itself')
  writeFileSync(join(dir, 'chance.tif.msk'), 'no image at all')
  t.equal((await mask(join(dir, 'chance.tif'), 0)).mask, undefined, 'a .msk that is something else')
  // What hides may not get lost: a damaged one is said. Overviews can be done without.
  copyFileSync(plain, join(dir, 'hurt.tif'))
  writeFileSync(join(dir, 'hurt.tif.msk'), readFileSync(`${beside}.msk`).subarray(0, 60))
  await t.rejects(mask(join(dir, 'hurt.tif'), 0), { code: 'SOURCE_CORRUPT', message: /hurt\.tif\.msk/ })
  copyFileSync(plain, join(dir, 'short.tif'))
  writeFileSync(join(dir, 'short.tif.ovr'), readFileSync(`${plain}.ovr`).subarray(0, 60))
  t.equal(await levels(join(dir, 'short.tif')), 1)
})

async function hasMask(
  t: Test,
  file: string,
  level: number,
  wanted: Uint8Array,
  name: string,
): Promise<void> {
  const pixels = await mask(file, level)
  t.equal(worst(pixels.mask ?? new Uint8Array(0), wanted), 0, `${name}: the mask`)
}
