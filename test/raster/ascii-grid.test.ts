// ESRI ASCII grids: numbers as GDAL reads them, headers of every kind, files larger than what is kept, and
// broken ones refused with a sentence.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { parseNumber } from '../../src/raster/formats/ascii-number.js'
import { AsciiRows } from '../../src/raster/formats/ascii-rows.js'
import { openRaster } from '../../src/raster/open.js'
import type { ByteSource } from '../../src/raster/tiff/file/byte-source.js'
import { openFileSource } from '../../src/raster/tiff/file/byte-source.js'
import { withoutGdal } from '../helpers/gdal.js'
import { randomFrom } from '../helpers/random.js'
import { isOneSentence, outcomeOf, sameAsGdal } from './against-gdal.js'

const UTM = { epsg: 32633, name: 'EPSG:32633', definition: '+proj=utm +zone=33 +datum=WGS84 +units=m' }
const VALUES = { kind: 'values', bands: [1] } as const

const parsed = (text: string): number | undefined => parseNumber(Buffer.from(text), 0, text.length)

t.test('numbers are what Number() makes of them', (t) => {
  const texts =
    '0 -0 1 -1 +7 1. .5 -.5 1.5 -9999 1e5 1E-5 1.5e+3 123456789012345 1234567890123456789 0.1 3.4028235e38 1e400'
  for (const text of texts.split(' ')) t.equal(parsed(text), Number(text), text)
  t.equal(parsed('1d3'), 1000)
  t.equal(parsed('-1,25'), -1.25, 'a decimal comma')
  for (const text of ['nan', 'NaN', '-nan', '1.#QNAN', '-1.#IND']) t.ok(Number.isNaN(parsed(text)), text)
  for (const text of ['', '-', '.', 'abc', '1,5,0', '1.2.3', '1e', '0x10', 'Infinityx', '--1', '1e5e5']) {
    t.equal(parsed(text), undefined, JSON.stringify(text))
  }
  const anyText = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.tuple(fc.integer(), fc.nat(9_999_999)).map(([a, b]) => `${a}.${b}`),
    fc.tuple(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), fc.nat(12)).map(([v, d]) => v.toFixed(d)),
  )
  fc.assert(
    fc.property(anyText, (text) => Object.is(parsed(text), Number(text))),
    { numRuns: 3000 },
  )
  t.end()
})

/** Text of a grid; `line`: numbers a line. */
function grid(
  header: string,
  columns: number,
  rows: number,
  number: (i: number) => string,
  line = columns,
): string {
  const parts = [header]
  for (let i = 0; i < columns * rows; i++) parts.push(number(i), (i + 1) % line === 0 ? '\n' : ' ')
  return parts.join('')
}

const header = (columns: number, rows: number, rest = 'nodata_value -9999'): string =>
  `ncols ${columns}\nnrows ${rows}\nxllcorner 500000.5\nyllcorner 5200000\ncellsize 2.5\n${rest}\n`

t.test('heights and places are those of GDAL', { skip: withoutGdal }, async (t) => {
  const random = randomFrom(1)
  const whole = (): string => (random() < 0.05 ? '-9999' : String(Math.round(random() * 4000 - 500)))
  const real = (): string => (random() < 0.05 ? '-9999' : (random() * 4000 - 500).toFixed(3))
  const cases: Record<string, string> = {
    'whole.asc': grid(header(130, 70), 130, 70, whole),
    'real.asc': grid(header(130, 70), 130, 70, real),
    'wrapped.asc': grid(header(130, 70), 130, 70, real, 7),
    'one-line.asc': grid(header(130, 70), 130, 70, whole, 130 * 70),
    'crlf.grd': grid(header(33, 12), 33, 12, real).replaceAll('\n', '\r\n'),
    'tabs.txt': grid(header(33, 12), 33, 12, real).replaceAll(' ', '\t'),
    'centres.asc': grid(
      'NCOLS 20\nNROWS 10\nXLLCENTER 10.5\nYLLCENTER 20.5\nDX 1.0\nDY 2.0\nNODATA_value -9999\n',
      20,
      10,
      real,
    ),
    'without-nodata.asc': grid(header(20, 10, ''), 20, 10, whole),
    'commas.asc': grid(header(33, 12), 33, 12, real).replaceAll('.', ','),
    'exponents.asc': grid(header(20, 10), 20, 10, (i) => `${i}.5e-1`),
  }
  for (const [name, text] of Object.entries(cases)) {
    await t.test(name, async (t) => {
      const dir = t.testdir({ [name]: text })
      await sameAsGdal(t, join(dir, name), dir, { crs: UTM })
    })
  }
})

t.test('more rows than a block, asked for in any order', async (t) => {
  const columns = 1000
  const rows = 1200
  const dir = t.testdir({ 'a.asc': grid(header(columns, rows), columns, rows, String, 13) })
  const source = await openRaster(join(dir, 'a.asc'), { crs: UTM, view: VALUES, cacheBytes: 3 * 2 ** 20 })
  const { blockHeight } = source.info.levels[0]!
  t.ok(blockHeight < rows / 3, `${blockHeight} rows a block`)
  const check = async (x: number, y: number, width: number, height: number): Promise<void> => {
    const { data } = await source.read(0, { x, y, width, height })
    let wrong = 0
    for (let i = 0; i < data.length; i++) {
      if (data[i] !== (y + Math.floor(i / width)) * columns + x + (i % width)) wrong++
    }
    t.equal(wrong, 0, `${x},${y} ${width}×${height}`)
  }
  // At the same time as well: the last one passes over the rows that the others parse.
  await Promise.all([
    check(990, 1190, 10, 10),
    check(0, 0, 1000, 3),
    check(5, 600, 20, 300),
    check(1, 1199, 999, 1),
  ])
  await check(0, 0, columns, rows)
  await source.close()
})

t.test('a block is found after every one before it was passed once', async (t) => {
  const text = grid('', 1000, 1200, String)
  const dir = t.testdir({ 'a.asc': text })
  const file = await openFileSource(join(dir, 'a.asc'))
  let bytes = 0
  const counting: ByteSource = {
    name: file.name,
    sizeBytes: file.sizeBytes,
    read: (offset, length) => {
      bytes += length
      return file.read(offset, length)
    },
    close: () => file.close(),
  }
  const grown = new AsciiRows(counting, 1000, 1200, 0)
  const last = Math.ceil(1200 / grown.rowsPerBlock) - 1
  await grown.block(last)
  t.ok(bytes < text.length * 1.7, `${bytes} of ${text.length} bytes read for the last block`)
  bytes = 0
  await grown.block(last)
  await grown.block(1)
  t.ok(bytes < text.length, `${bytes} bytes read for two blocks known`)
  await file.close()
})

t.test('broken grids are refused', async (t) => {
  const sound = grid(header(10, 10), 10, 10, String)
  const cases: readonly (readonly [text: string, says: RegExp, code?: string])[] = [
    [sound.slice(0, 200), /at least 199 bytes/],
    [sound.slice(0, sound.length - 40), /ends after \d+ of 100 numbers/],
    [sound.replace(' 57 ', ' x57 '), /row 6 has “x57”/],
    [sound.replace(' 57 ', ' 5,7,1 '), /row 6 has “5,7,1”/],
    [sound.replace('ncols 10', 'ncols 1000000000000'), /1000000000000 ncols/],
    [sound.replace('ncols 10', 'ncols 2000000000'), /2000000000×10 numbers need/],
    [sound.replace('ncols 10', 'ncols -3'), /-3 ncols/],
    [sound.replace('ncols 10', 'ncols ten'), /ncols “ten” is not a number/],
    [sound.replace('nrows 10\n', ''), /no nrows/],
    [sound.replace('cellsize 2.5\n', ''), /has no xllcorner, yllcorner or cellsize/],
    [sound.replace('cellsize 2.5', 'cellsize 0'), /no area/],
    [sound.replace('xllcorner', 'xll'), /has no|not a number|ncols/],
    [`${header(10, 10)}${'9'.repeat(300_000)}`, /row 1 has “9+”/],
  ]
  for (const [text, says, code = 'SOURCE_CORRUPT'] of cases) {
    const dir = t.testdir({ 'a.asc': text })
    const { code: got, message } = await outcomeOf(join(dir, 'a.asc'), { crs: UTM, view: VALUES })
    t.equal(got, code, message)
    t.match(message, says)
    t.ok(isOneSentence(message), message)
  }
  const wide = t.testdir()
  writeFileSync(join(wide, 'a.asc'), header(5_000_000, 1))
  writeFileSync(join(wide, 'a.asc'), Buffer.alloc(10_000_000, '1 '), { flag: 'a' })
  t.equal((await outcomeOf(join(wide, 'a.asc'), { crs: UTM })).code, 'TOO_LARGE')
})

t.test('the CRS lies beside, in words old and new', async (t) => {
  const cases: readonly (readonly [prj: string, says: RegExp])[] = [
    ['Projection GEOGRAPHIC\nDatum WGS84\nUnits DD\nParameters\n', /\+proj=longlat/],
    ['Projection UTM\nDatum NAD83\nZone 17\nUnits METERS\nParameters', /\+proj=utm \+zone=17/],
    [
      'PROJECTION ALBERS\nDATUM NAD27\nUNITS METERS\nPARAMETERS\n29 30 0.0 /* 1st standard parallel\n45 30 0.0 /* 2nd\n-96 0 0.0 /* meridian\n23 0 0.0 /* origin\n0.0 /* x\n0.0 /* y\n',
      /\+proj=aea \+lat_1=29\.5 \+lat_2=45\.5 \+lon_0=-96 \+lat_0=23/,
    ],
  ]
  for (const [prj, says] of cases) {
    const dir = t.testdir({ 'a.asc': grid(header(4, 4), 4, 4, String), 'a.prj': prj })
    const source = await openRaster(join(dir, 'a.asc'))
    t.match(source.info.crs.definition, says)
    await source.close()
  }
  for (const [prj, code] of [
    ['Projection STATEPLANE\nZone 3426\nDatum NAD27\nUnits FEET\nParameters', 'CRS_UNSUPPORTED'],
    ['', 'CRS_MISSING'],
    ['nonsense', 'CRS_UNSUPPORTED'],
  ] as const) {
    const dir = t.testdir({ 'a.asc': grid(header(4, 4), 4, 4, String), 'a.prj': prj })
    const { code: got, message } = await outcomeOf(join(dir, 'a.asc'))
    t.equal(got, code, message)
    t.ok(isOneSentence(message), message)
  }
})
