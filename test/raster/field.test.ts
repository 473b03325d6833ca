// What writers in the field put into TIFFs, and what GDAL and libtiff make of it: byte counts that are wrong,
// samples that no tag explains, nodata as text, places in files beside the image.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openRaster } from '../../src/raster/open.js'
import type { SourceInfo } from '../../src/raster/source.js'
import type { SampleArray } from '../../src/raster/view/tone.js'
import { type PlainTiff, plainTiff } from '../helpers/plain-tiff.js'

const WIDTH = 16
const HEIGHT = 10
const wave = (samples: number, bits = 8): number[] =>
  Array.from({ length: WIDTH * HEIGHT * samples }, (_, i) => ((i * 7 + 1) % 251) * (bits === 16 ? 3 : 1))

interface Read {
  readonly info: SourceInfo
  readonly data: SampleArray
  readonly mask: Uint8Array | undefined
}

async function read(path: string, spec: PlainTiff): Promise<Read> {
  writeFileSync(path, plainTiff(spec))
  const source = await openRaster(path)
  try {
    const { width, height } = source.info
    const { data, mask } = await source.read(0, { x: 0, y: 0, width, height })
    return { info: source.info, data, mask }
  } finally {
    await source.close()
  }
}

t.test('strips without compression have what their rows need, whatever their byte counts say', async (t) => {
  const path = join(t.testdir(), 'a.tif')
  const COUNTS: Readonly<Record<string, (whole: number[]) => number[] | undefined>> = {
    right: (whole) => whole,
    'the last one full': (whole) => whole.map(() => whole[0]!),
    'too large': (whole) => whole.map((n) => 3 * n),
    absurd: (whole) => whole.map(() => 4_000_000_000),
    'too small': (whole) => whole.map((n) => n >> 1),
    zero: (whole) => whole.map(() => 0),
    'one zero': ([first, ...others]) => [first!, ...others.map(() => 0)],
    'too few': ([first]) => [first!],
    none: () => undefined,
  }
  for (const samples of [1, 3]) {
    const data = wave(samples)
    const whole = [4, 4, 2].map((rows) => rows * WIDTH * samples)
    for (const [name, counts] of Object.entries(COUNTS)) {
      const spec = { width: WIDTH, height: HEIGHT, rowsPerStrip: 4, samples, data }
      const found = await read(path, { ...spec, tags: { 279: counts(whole) } })
      t.same([...found.data], data, `${name}, ${samples} samples`)
    }
  }
  const tags = { 273: [8, 0, 8 + 8 * WIDTH], 279: [4 * WIDTH, 0, 2 * WIDTH] }
  const sparse = await read(path, { width: WIDTH, height: HEIGHT, rowsPerStrip: 4, data: wave(1), tags })
  const expected = wave(1).map((v, i) => (i >= 4 * WIDTH && i < 8 * WIDTH ? 0 : v))
  t.same([...sparse.data], expected, 'a strip without a place is not stored')
  await t.rejects(
    read(path, { width: WIDTH, height: 40, data: wave(1), tags: { 257: [40_000], 278: [40_000] } }),
    { code: 'SOURCE_CORRUPT' },
    'rows that lie past the end of the file are damage',
  )
})

// GDAL's colour interpretation of the same tags
const ROLES: readonly (readonly [
  samples: number,
  photometric: number,
  extra: number[] | undefined,
  alpha: number | undefined,
])[] = [
  [4, 2, undefined, undefined],
  [5, 2, undefined, undefined],
  [2, 1, undefined, undefined],
  [4, 2, [0], undefined],
  [4, 2, [2], 3],
  [5, 2, [2], 3],
  [5, 2, [0, 2], 4],
  [6, 2, [2, 0], 3],
  [2, 1, [2], 1],
  [4, 1, [2], 1],
]

t.test('samples are alpha only when ExtraSamples says so', async (t) => {
  const path = join(t.testdir(), 'a.tif')
  for (const [samples, photometric, extra, alpha] of ROLES) {
    const said = `${samples} samples, photometric ${photometric}, ExtraSamples ${extra ?? 'missing'}`
    const data = wave(samples).map((v) => v & 0x7f)
    const tags = { 262: [photometric], 338: extra }
    const found = await read(path, { width: WIDTH, height: HEIGHT, samples, data, tags })
    t.equal(found.info.stored.hasAlpha, alpha !== undefined, said)
    t.equal(found.info.stored.bands, alpha === undefined ? samples : samples - 1, said)
    const mask = alpha === undefined ? undefined : data.filter((_, i) => i % samples === alpha)
    t.same(found.mask && [...found.mask], mask, `${said}: the mask`)
    const { bands } = found.info
    const colours = data.filter((_, i) => i % samples < bands)
    t.same([...found.data], colours, `${said}: the colours are as stored`)
  }
})

t.test('GDAL_NODATA is read as GDAL reads it', async (t) => {
  const path = join(t.testdir(), 'a.tif')
  const data = wave(1)
  const empty = async (text: string | undefined): Promise<number[]> => {
    const { mask } = await read(path, { width: WIDTH, height: HEIGHT, data, tags: { 42113: text } })
    return data.flatMap((v, i) => (mask?.[i] === 0 ? [v] : []))
  }
  const CASES: readonly (readonly [text: string | undefined, value: number | undefined])[] = [
    [undefined, undefined],
    ['\0', undefined],
    ['8\0', 8],
    ['8', 8],
    [' 8 \0', 8],
    ['8,0\0', 8],
    ['8.0\0', 8],
    ['0,8e1\0', 8],
    ['8 8 8\0', 8],
    ['8;9\0', 8],
    ['0x8\0', 8],
    ['1.000,5\0', 1],
    ['8,5\0', undefined],
    ['-9999\0', undefined],
    ['nan\0', undefined],
  ]
  for (const [text, value] of CASES) {
    const found = await empty(text)
    t.same([...new Set(found)], value === undefined ? [] : [value], JSON.stringify(text))
  }
  const zeros = data.map((v) => (v === 8 ? 0 : v))
  const { mask } = await read(path, {
    width: WIDTH,
    height: HEIGHT,
    data: zeros,
    tags: { 42113: 'none\0' },
  })
  t.same(
    zeros.filter((_, i) => mask?.[i] === 0).every((v) => v === 0),
    true,
    'a text that is no number is 0',
  )
  t.ok(mask?.includes(0))
})

t.test('nodata beside the image: text and exact bytes', async (t) => {
  const path = join(t.testdir(), 'a.tif')
  const spec = { width: WIDTH, height: HEIGHT, data: wave(1) }
  for (const [xml, value] of [
    ['<NoDataValue>8,5</NoDataValue>', 8],
    ['<NoDataValue>8 and more</NoDataValue>', 8],
    ['<NoDataValue le_hex_equiv="0000000000002040">9</NoDataValue>', 8],
  ] as const) {
    const pam = `<PAMDataset><PAMRasterBand band="1">${xml}</PAMRasterBand></PAMDataset>`
    writeFileSync(`${path}.aux.xml`, pam)
    const { mask } = await read(path, spec)
    t.same([...new Set(spec.data.filter((_, i) => mask?.[i] === 0))], [value], xml)
  }
})

const UTM33 =
  'PROJCS["WGS_1984_UTM_Zone_33N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",15.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'

t.test('.prj beside a TIFF with a world file', async (t) => {
  const dir = t.testdir()
  const path = join(dir, 'a.tif')
  const spec: PlainTiff = { width: WIDTH, height: HEIGHT, data: wave(1), place: null, keys: null }
  writeFileSync(join(dir, 'a.tfw'), '10\n0\n0\n-10\n500005\n5299995\n')
  await t.rejects(read(path, spec), { code: 'CRS_MISSING', message: /\.prj/ })
  writeFileSync(join(dir, 'a.prj'), UTM33)
  const { info } = await read(path, spec)
  t.same(info.geotransform, [500000, 10, 0, 5300000, 0, -10])
  t.match(info.crs.definition, /\+proj=tmerc.*\+lon_0=15|\+proj=utm.*\+zone=33/)
  const placed = await read(path, { ...spec, place: [20, 400000, 5200000] })
  t.same(
    placed.info.geotransform,
    [400000, 20, 0, 5200000, 0, -20],
    'the place of the TIFF itself goes first',
  )
  const known = await read(path, { ...spec, keys: [[3072, 32631]] })
  t.equal(known.info.crs.epsg, 32631, 'and so does its CRS')
  writeFileSync(join(dir, 'a.prj'), 'PROJCS["nonsense"]')
  await t.rejects(read(path, spec), { code: 'CRS_UNSUPPORTED', message: /a\.prj/ })
})
