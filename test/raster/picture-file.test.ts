// PNG, JPEG, WebP and AVIF as sources: samples as GDAL reads them, places from the files beside them, and what is
// broken, absurd or without a place refused with a sentence.

import { once } from 'node:events'
import { copyFileSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { deflateSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { crc32 } from '../../src/format/crc.js'
import { openRaster } from '../../src/raster/open.js'
import { encodeImage } from '../../src/raster/tiles/codec.js'
import { gdal, withoutGdal } from '../helpers/gdal-process.js'
import { sameBytes } from '../helpers/same-bytes.js'
import { within } from '../helpers/waiting.js'
import { isOneSentence, outcomeOf, sameAsGdal, sameColours, translated } from './against-gdal.js'

const skip = withoutGdal

t.test('samples are those that GDAL reads', { skip }, async (t) => {
  const rgb16 = ['-ot', 'UInt16', '-scale', '0', '255', '100', '64000']
  const alpha = ['-b', '1', '-b', '2', '-b', '3', '-b', '2', '-colorinterp_4', 'alpha']
  const cases: readonly [name: string, ...args: string[]][] = [
    ['grey.png', '-b', '1', '-of', 'PNG'],
    ['rgb.png', '-of', 'PNG'],
    ['rgba.png', ...alpha, '-of', 'PNG'],
    ['grey-alpha.png', '-b', '1', '-b', '2', '-colorinterp_2', 'alpha', '-of', 'PNG'],
    ['grey16.png', '-b', '1', ...rgb16, '-of', 'PNG'],
    ['rgb16.png', ...rgb16, '-of', 'PNG'],
    ['rgba16.png', ...alpha, ...rgb16, '-of', 'PNG'],
    ['nodata.png', '-b', '1', '-a_nodata', '90', '-of', 'PNG'],
    ['grey.jpg', '-b', '1', '-of', 'JPEG'],
    ['rgb.jpg', '-of', 'JPEG'],
    ['progressive.jpeg', '-of', 'JPEG', '-co', 'PROGRESSIVE=YES'],
    ['lossless.webp', '-of', 'WEBP', '-co', 'LOSSLESS=YES'],
    ['lossy.webp', '-of', 'WEBP', '-co', 'QUALITY=80'],
    ['rgba.webp', ...alpha, '-of', 'WEBP', '-co', 'LOSSLESS=YES'],
  ]
  for (const [name, ...args] of cases) {
    await t.test(name, async (t) => {
      const dir = t.testdir()
      const file = translated(dir, name, ...args)
      await sameAsGdal(t, file, dir)
      if (!name.includes('16')) await sameColours(t, file, dir)
    })
  }
})

t.test('palettes, single bits and inks are colours', { skip }, async (t) => {
  const dir = t.testdir()
  const rgb = translated(dir, 'rgb.tif')
  const palette = join(dir, 'palette.tif')
  gdal('rgb2pct.py', '-n', '64', rgb, palette)
  gdal('gdal_translate', '-q', '-of', 'PNG', palette, join(dir, 'palette.png'))
  gdal('gdal_translate', '-q', '-expand', 'rgb', palette, join(dir, 'expanded.tif'))
  await sameColours(t, join(dir, 'palette.png'), dir, join(dir, 'expanded.tif'))

  const inks = ['-b', '1', '-b', '2', '-b', '3', '-b', '1']
  const cmyk = translated(dir, 'cmyk.jpg', ...inks, '-of', 'JPEG')
  const source = await openRaster(cmyk)
  t.equal(source.info.stored.bands, 4)
  t.equal(source.info.bands, 3)
  await source.close()
  await sameColours(t, cmyk, dir)

  const bits = translated(dir, 'bits.tif', '-b', '1', '-scale', '80', '160', '0', '1', '-ot', 'Byte')
  gdal('gdal_translate', '-q', '-of', 'PNG', '-co', 'NBITS=1', bits, join(dir, 'bits.png'))
  gdal('gdal_translate', '-q', '-scale', '0', '1', '0', '255', bits, join(dir, 'scaled.tif'))
  await sameColours(t, join(dir, 'bits.png'), dir, join(dir, 'scaled.tif'))
})

/** An EXIF block that says the camera was held sideways. */
function turned(jpeg: Uint8Array): Uint8Array {
  const tiff = 'MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0'
  const body = Buffer.from(`Exif\0\0${tiff}`, 'latin1')
  const length = body.length + 2
  const marker = Buffer.from([0xff, 0xe1, length >> 8, length & 255])
  return Buffer.concat([jpeg.subarray(0, 2), marker, body, jpeg.subarray(2)])
}

t.test('orientation is not looked at', { skip }, async (t) => {
  const dir = t.testdir()
  const file = translated(dir, 'rgb.jpg', '-of', 'JPEG')
  writeFileSync(join(dir, 'turned.jpg'), turned(readFileSync(file)))
  copyFileSync(`${file}.aux.xml`, join(dir, 'turned.jpg.aux.xml'))
  await sameAsGdal(t, join(dir, 'turned.jpg'), dir, {}, file)
})

t.test('AVIF, which GDAL may not have', { skip }, async (t) => {
  const dir = t.testdir()
  const png = translated(dir, 'rgb.png', '-of', 'PNG')
  const source = await openRaster(png)
  const { width, height } = source.info
  const pixels = await source.read(0, { x: 0, y: 0, width, height })
  await source.close()
  const { bytes } = await encodeImage(pixels as never, { format: 'avif', lossless: true })
  writeFileSync(join(dir, 'a.avif'), bytes)
  copyFileSync(`${png}.aux.xml`, join(dir, 'a.avif.aux.xml'))
  const avif = await openRaster(join(dir, 'a.avif'))
  t.match(avif.info.description, /^AVIF 420×330, RGB/)
  const back = await avif.read(0, { x: 0, y: 0, width, height })
  await avif.close()
  let most = 0
  for (let i = 0; i < back.data.length; i++) most = Math.max(most, Math.abs(back.data[i]! - pixels.data[i]!))
  t.ok(most <= 3, `colours differ by ${most}`)
})

/** The picture alone, and its place in the files that are asked for. */
function placed(t: Test, name: string, files: Record<string, string>): string {
  const dir = t.testdir(files)
  const format = /png$/i.test(name) ? 'PNG' : 'JPEG'
  const file = translated(dir, name, '-of', format)
  rmSync(`${file}.aux.xml`)
  return file
}

const WORLD = '0.4\n0\n0\n-0.4\n472360.2\n5261679.8\n'
const WKT =
  'PROJCS["WGS_1984_UTM_Zone_33N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",15.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
const UTM = { epsg: 32633, name: 'EPSG:32633', definition: '+proj=utm +zone=33 +datum=WGS84 +units=m' }
const PLACE = [472360, 0.4, 0, 5261680, 0, -0.4]

t.test('world files of every name', { skip }, async (t) => {
  for (const [name, world] of [
    ['a.png', 'a.pgw'],
    ['a.png', 'a.PGW'],
    ['a.png', 'a.pngw'],
    ['a.png', 'a.wld'],
    ['a.JPG', 'a.jgw'],
    ['a.jpeg', 'a.jgw'],
    ['a.jpg', 'a.WLD'],
  ] as const) {
    await t.test(`${world} beside ${name}`, async (t) => {
      const file = placed(t, name, { [world]: WORLD, 'a.prj': WKT })
      const source = await openRaster(file)
      for (const [i, g] of PLACE.entries()) t.ok(Math.abs(source.info.geotransform[i]! - g) < 1e-6)
      t.match(source.info.crs.name, /UTM/)
      await source.close()
    })
  }
})

t.test('the CRS: --s-srs, else .aux.xml, else .prj', { skip }, async (t) => {
  const file = placed(t, 'a.png', { 'a.pgw': WORLD })
  const without = await outcomeOf(file)
  t.equal(without.code, 'CRS_MISSING')
  t.match(without.message, /--s-srs/)
  t.ok(isOneSentence(without.message))
  const given = await openRaster(file, { crs: UTM })
  t.equal(given.info.crs.epsg, 32633)
  await given.close()
  const old = 'Projection    UTM\nZone          33\nDatum         WGS84\nUnits         METERS\nParameters\n'
  writeFileSync(join(file, '../a.prj'), old)
  const fromOld = await openRaster(file)
  t.match(fromOld.info.crs.definition, /\+proj=utm \+zone=33/)
  await fromOld.close()
  writeFileSync(`${file}.aux.xml`, '<PAMDataset><SRS>EPSG:25833</SRS></PAMDataset>')
  const fromPam = await openRaster(file)
  t.equal(fromPam.info.crs.epsg, 25833)
  await fromPam.close()
})

t.test('no place at all', { skip }, async (t) => {
  const file = placed(t, 'a.png', {})
  const { code, message } = await outcomeOf(file)
  t.equal(code, 'CRS_MISSING')
  t.match(message, /world file .*pgw/)
  t.ok(isOneSentence(message), message)
})

t.test('axes of .aux.xml may be those of the CRS', { skip }, async (t) => {
  const file = placed(t, 'a.png', {})
  const wkt =
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]'
  const pam = (mapping: string, g: string): string =>
    `<PAMDataset><SRS dataAxisToSRSAxisMapping="${mapping}">${wkt}</SRS><GeoTransform>${g}</GeoTransform></PAMDataset>`
  for (const text of [pam('2,1', '10,0.01,0,50,0,-0.01'), pam('1,2', '50,0,-0.01,10,0.01,0')]) {
    writeFileSync(`${file}.aux.xml`, text)
    const source = await openRaster(file)
    t.same(source.info.geotransform, [10, 0.01, 0, 50, 0, -0.01])
    await source.close()
  }
})

/** A PNG that claims a size and has next to nothing in it. */
function hollowPng(width: number, height: number): Uint8Array {
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
    const out = Buffer.alloc(body.length + 8)
    out.writeUInt32BE(data.length)
    body.copy(out, 4)
    out.writeUInt32BE(crc32(body), body.length + 4)
    return out
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const mark = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10])
  return Buffer.concat([
    mark,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(1000))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

t.test('absurd sizes, cut files and broken bytes are refused', { skip }, async (t) => {
  const dir = t.testdir({ 'a.pgw': WORLD, 'a.jgw': WORLD, 'a.wld': WORLD })
  writeFileSync(join(dir, 'a.png'), hollowPng(100_000, 100_000))
  const huge = await outcomeOf(join(dir, 'a.png'), { crs: UTM })
  t.equal(huge.code, 'TOO_LARGE')
  t.match(huge.message, /30000 MB.*300 MB.*gdal_translate/)
  writeFileSync(join(dir, 'a.png'), hollowPng(3000, 3000))
  const hollow = await outcomeOf(join(dir, 'a.png'), { crs: UTM })
  t.equal(hollow.code, 'SOURCE_CORRUPT')
  t.ok(isOneSentence(hollow.message), hollow.message)
  const wholes = [
    translated(dir, 'b.png', '-of', 'PNG'),
    translated(dir, 'b.jpg', '-of', 'JPEG'),
    translated(dir, 'b.webp', '-of', 'WEBP'),
  ]
  for (const whole of wholes) {
    const bytes = readFileSync(whole)
    for (const share of [0.002, 0.3, 0.9]) {
      writeFileSync(whole, bytes.subarray(0, Math.max(12, bytes.length * share)))
      const cut = await outcomeOf(whole, { crs: UTM })
      t.equal(cut.code, 'SOURCE_CORRUPT', `${whole} cut to ${share}: ${cut.message}`)
      t.ok(isOneSentence(cut.message), cut.message)
    }
    renameSync(`${whole}.aux.xml`, `${whole}.gone`)
  }
})

t.test('a large picture is decoded once for all threads', { skip }, async (t) => {
  const dir = t.testdir()
  const path = translated(dir, 'large.jpg', '-outsize', '4300', '4200', '-of', 'JPEG')
  const { dev, ino, size, mtimeMs } = statSync(path)
  const key = [dev, ino, size, mtimeMs].join(':')
  const child = async (): Promise<{ data: Uint8Array; isShared: boolean }> => {
    const worker = new Worker(new URL('./picture-child.js', import.meta.url), { workerData: { path, key } })
    const [message] = (await within('the picture of a thread', once(worker, 'message'))) as [
      { data: Uint8Array; isShared: boolean },
    ]
    await worker.terminate()
    return message
  }
  const alone = await child()
  t.equal(alone.isShared, false, 'a thread that finds nothing decodes for itself')
  const source = await openRaster(path)
  const { data } = await source.read(0, { x: 4000, y: 4100, width: 50, height: 40 })
  const together = await child()
  t.equal(together.isShared, true)
  sameBytes(t, together.data, data)
  sameBytes(t, alone.data, data)
  await source.close()
})

t.test('what GDAL reads and we do not is named', async (t) => {
  const cases: Record<string, string> = {
    'a.jp2': '\0\0\0\x0cjP  \r\n',
    'a.nc': '\x89HDF\r\n',
    'a.img': 'EHFA_HEADER_TAG\0',
    'a.gif': 'GIF89a',
    'a.hgt.zip': 'PK\x03\x04',
    'a.hgt.gz': '\x1f\x8b\x08',
    'a.pdf': '%PDF-1.4',
    'a.dat': 'nothing that is known',
    'empty.png': '',
  }
  const dir = t.testdir()
  for (const [name, text] of Object.entries(cases)) {
    writeFileSync(join(dir, name), Buffer.from(text, 'latin1'))
    const { code, message } = await outcomeOf(join(dir, name))
    t.equal(code, 'SOURCE_UNSUPPORTED', message)
    t.ok(isOneSentence(message), message)
  }
  t.equal((await outcomeOf(join(dir, 'missing.png'))).code, 'NOT_FOUND')
  t.equal((await outcomeOf(dir)).code, 'SOURCE_UNREADABLE')
})
