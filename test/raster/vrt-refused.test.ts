// VRTs that are not simple, not sound or not friendly: one sentence each, in bounded time and memory.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openRaster } from '../../src/raster/open.js'
import { fixture } from '../helpers/paths.js'
import { cpuMs } from '../helpers/waiting.js'
import { isOneSentence, outcomeOf } from './against-gdal.js'

const ORTHO = fixture('ortho.tif')
const PLACE = '<SRS>EPSG:32633</SRS><GeoTransform>472000,0.4,0,5262000,0,-0.4</GeoTransform>'

const source = (inside = '', file = ORTHO, name = 'SimpleSource', attributes = ''): string =>
  `<${name}${attributes}><SourceFilename relativeToVRT="${file === ORTHO ? 0 : 1}">${file}</SourceFilename><SourceBand>1</SourceBand>
  <SrcRect xOff="0" yOff="0" xSize="100" ySize="80"/><DstRect xOff="0" yOff="0" xSize="100" ySize="80"/>${inside}</${name}>`

const band = (inside: string, attributes = 'dataType="Byte" band="1"'): string =>
  `<VRTRasterBand ${attributes}>${inside}</VRTRasterBand>`

const vrt = (bands: string, attributes = 'rasterXSize="100" rasterYSize="80"', place = PLACE): string =>
  `<VRTDataset ${attributes}>${place}${bands}</VRTDataset>`

t.test('the plain one is read', async (t) => {
  const dir = t.testdir({ 'a.vrt': vrt(band(source())) })
  t.same(await outcomeOf(join(dir, 'a.vrt')), { code: 'read', message: '' })
  const bom = t.testdir({
    'a.vrt': `\uFEFF<?xml version="1.0"?>\n<!-- made by hand -->\n${vrt(band(source()))}`,
  })
  t.same(await outcomeOf(join(bom, 'a.vrt')), { code: 'read', message: '' })
  const source1 = await openRaster(join(dir, 'a.vrt'))
  await t.rejects(source1.read(0, { x: 90, y: 0, width: 11, height: 1 }), RangeError)
  await source1.close()
})

const UNSUPPORTED: Record<string, readonly [text: string, says: RegExp]> = {
  warped: [
    vrt(band(source()), 'rasterXSize="100" rasterYSize="80" subClass="VRTWarpedDataset"'),
    /subClass="VRTWarpedDataset"/,
  ],
  pansharpened: [
    vrt(band(source()), 'rasterXSize="9" rasterYSize="8" subClass="VRTPansharpenedDataset"'),
    /VRTPansharpenedDataset/,
  ],
  derived: [
    vrt(band(source(), 'dataType="Byte" band="1" subClass="VRTDerivedRasterBand"')),
    /VRTDerivedRasterBand/,
  ],
  raw: [vrt(band('', 'dataType="Byte" band="1" subClass="VRTRawRasterBand"')), /VRTRawRasterBand/],
  'pixel function': [
    vrt(band(`<PixelFunctionType>sum</PixelFunctionType>${source()}`)),
    /<PixelFunctionType>/,
  ],
  kernel: [vrt(band(source('', ORTHO, 'KernelFilteredSource'))), /<KernelFilteredSource>/],
  averaged: [vrt(band(source('', ORTHO, 'AveragedSource'))), /<AveragedSource>/],
  exponent: [vrt(band(source('<Exponent>2</Exponent>', ORTHO, 'ComplexSource'))), /<Exponent>/],
  'expanded palette': [
    vrt(band(source('<ColorTableComponent>1</ColorTableComponent>', ORTHO, 'ComplexSource'))),
    /<ColorTableComponent>/,
  ],
  'open options': [vrt(band(source('<OpenOptions/>'))), /<OpenOptions>/],
  'mask of a band': [vrt(band(`${source()}<MaskBand/>`)), /<MaskBand>/],
  'complex numbers': [vrt(band(source(), 'dataType="CFloat32" band="1"')), /dataType="CFloat32"/],
  'ground control points': [vrt(band(source()), undefined, '<GCPList/>'), /control points/],
  'virtual files': [vrt(band(source('', '/vsizip/a.zip/a.tif'))), /\/vsizip\/a\.zip/],
  resampling: [
    vrt(band(source('', ORTHO, 'SimpleSource', ' resampling="cubic"').replace('xSize="100"', 'xSize="50"'))),
    /resampling="cubic"/,
  ],
}

t.test('what is not simple is refused by its name', async (t) => {
  for (const [name, [text, says]] of Object.entries(UNSUPPORTED)) {
    const dir = t.testdir({ 'a.vrt': text })
    const { code, message } = await outcomeOf(join(dir, 'a.vrt'))
    t.equal(code, 'SOURCE_UNSUPPORTED', `${name}: ${message}`)
    t.match(message, says)
    t.ok(isOneSentence(message), message)
  }
})

const NEST = '<a>'.repeat(100_000)
const CORRUPT: Record<string, readonly [text: string, says: RegExp]> = {
  'cut in a piece': [vrt(band(source())).slice(0, 300), /./],
  'cut behind a piece': [vrt(band(source())).slice(0, -30), /./],
  'no bands': [vrt(''), /0 bands/],
  'no size': [vrt(band(source()), ''), /rasterXSize/],
  'absurd size': [vrt(band(source()), 'rasterXSize="1e12" rasterYSize="8"'), /rasterXSize is “1e12”/],
  'negative size': [vrt(band(source()), 'rasterXSize="9" rasterYSize="-8"'), /rasterYSize is “-8”/],
  'half a pixel': [vrt(band(source()), 'rasterXSize="9.5" rasterYSize="8"'), /rasterXSize/],
  'band of no number': [vrt(band(source().replace('>1<', '>one<'))), /SourceBand is “one”/],
  'band that is not there': [vrt(band(source().replace('>1<', '>9<'))), /band 9/],
  'no file name': [vrt(band(source().replace(ORTHO, ''))), /no SourceFilename/],
  'empty rectangle': [vrt(band(source().replaceAll('xSize="100"', 'xSize="0"'))), /is not a rectangle/],
  'rectangle of words': [vrt(band(source().replaceAll('xOff="0"', 'xOff="nan"'))), /is not a rectangle/],
  'flat geotransform': [vrt(band(source()), undefined, PLACE.replaceAll('0.4', '0')), /no area/],
  'short geotransform': [vrt(band(source()), undefined, '<GeoTransform>1,2,3</GeoTransform>'), /six numbers/],
  'table of words': [vrt(band(source('<LUT>a:b</LUT>', ORTHO, 'ComplexSource'))), /LUT/],
  'deep nesting': [vrt(band(`${source()}${NEST}`)), /nested more than/],
  'an entity': [
    `<!DOCTYPE a [<!ENTITY b "bbbb">]>\n${vrt(band(source()))}`.replace('<!DOCTYPE', ' <!DOCTYPE'),
    /./,
  ],
  'an entity used': [vrt(band(source().replace(ORTHO, '&file;'))), /file/],
}

t.test('what is not sound is refused, whatever it claims', async (t) => {
  for (const [name, [text, says]] of Object.entries(CORRUPT)) {
    const dir = t.testdir({ 'a.vrt': text })
    const start = cpuMs()
    const { code, message } = await outcomeOf(join(dir, 'a.vrt'))
    t.match(code, /^SOURCE_(CORRUPT|UNSUPPORTED)$/, `${name}: ${code} ${message}`)
    t.match(message, says, name)
    t.ok(isOneSentence(message), message)
    t.ok(cpuMs() - start < 10_000, `${name}: in time`)
  }
})

t.test('entities are never expanded', async (t) => {
  const laughs = ['<!ENTITY a0 "lol">']
  for (let i = 1; i < 12; i++) laughs.push(`<!ENTITY a${i} "${`&a${i - 1};`.repeat(10)}">`)
  const text = vrt(band(source().replace(ORTHO, '&a11;')))
  const dir = t.testdir({
    'a.vrt': `<VRTDataset rasterXSize="1" rasterYSize="1"><!DOCTYPE b [${laughs.join('')}]>${text}`,
  })
  t.match((await outcomeOf(join(dir, 'a.vrt'))).code, /^SOURCE_/)
  const outside = t.testdir({
    'a.vrt': text.replace('&a11;', '&x;').replace('<VRTDataset', '<VRTDataset a="1"'),
    secret: 'secret',
  })
  t.match((await outcomeOf(join(outside, 'a.vrt'))).code, /^SOURCE_/)
})

t.test('pieces without an end are found out in one pass', async (t) => {
  const dir = t.testdir()
  writeFileSync(join(dir, 'a.vrt'), vrt(band('<SimpleSource>'.repeat(2_000_000))))
  const start = cpuMs()
  const { code } = await outcomeOf(join(dir, 'a.vrt'))
  t.equal(code, 'SOURCE_CORRUPT')
  t.ok(cpuMs() - start < 10_000)
})

t.test('files that are missing, broken or the VRT itself', async (t) => {
  const dir = t.testdir({ 'junk.tif': 'II*\0junk', 'a.vrt': vrt(band(source('', 'gone.tif'))) })
  const gone = await outcomeOf(join(dir, 'a.vrt'))
  t.equal(gone.code, 'NOT_FOUND')
  t.match(gone.message, /a\.vrt refers to .*gone\.tif, which does not exist/)
  writeFileSync(join(dir, 'b.vrt'), vrt(band(source('', 'junk.tif'))))
  const junk = await outcomeOf(join(dir, 'b.vrt'))
  t.equal(junk.code, 'SOURCE_CORRUPT')
  t.match(junk.message, /b\.vrt refers to a file that cannot be used: .*junk\.tif/)
  writeFileSync(join(dir, 'self.vrt'), vrt(band(source('', 'self.vrt'))))
  t.match((await outcomeOf(join(dir, 'self.vrt'))).message, /itself among its sources/)
  writeFileSync(join(dir, 'ping.vrt'), vrt(band(source('', 'pong.vrt'))))
  writeFileSync(join(dir, 'pong.vrt'), vrt(band(source('', 'sub/../link.vrt'))))
  mkdirSync(join(dir, 'sub'))
  symlinkSync('ping.vrt', join(dir, 'link.vrt'))
  const ring = await outcomeOf(join(dir, 'ping.vrt'))
  t.equal(ring.code, 'SOURCE_UNSUPPORTED')
  t.match(ring.message, /itself among its sources/)
  for (let i = 0; i < 6; i++) {
    writeFileSync(
      join(dir, `deep${i}.vrt`),
      vrt(band(source('', i === 0 ? ORTHO : `deep${i - 1}.vrt`)).replace('"1">/', '"0">/')),
    )
  }
  t.equal((await outcomeOf(join(dir, 'deep2.vrt'))).code, 'read')
  const deep = await outcomeOf(join(dir, 'deep5.vrt'))
  t.equal(deep.code, 'SOURCE_UNSUPPORTED')
  t.match(deep.message, /VRTs around it/)
})

t.test('a file shrunk a lot is read in bounded pieces', async (t) => {
  const text = vrt(
    band(source().replace(/<SrcRect[^>]*>/, '<SrcRect xOff="0" yOff="0" xSize="2400" ySize="2000"/>')),
    'rasterXSize="3" rasterYSize="2"',
  ).replace('xSize="100" ySize="80"', 'xSize="3" ySize="2"')
  const dir = t.testdir({ 'a.vrt': text })
  const shrunk = await openRaster(join(dir, 'a.vrt'))
  t.equal((await shrunk.read(0, { x: 0, y: 0, width: 3, height: 2 })).data.length, 6)
  await shrunk.close()
})

t.test('no place, no CRS', async (t) => {
  const dir = t.testdir({
    'a.vrt': vrt(band(source()), undefined, ''),
    'b.vrt': vrt(band(source()), undefined, '<GeoTransform>1,2,0,3,0,-2</GeoTransform>'),
  })
  t.match(await outcomeOf(join(dir, 'a.vrt')), { code: 'CRS_MISSING', message: /no GeoTransform/ })
  t.match(await outcomeOf(join(dir, 'b.vrt')), { code: 'CRS_MISSING', message: /--s-srs/ })
  const crs = { epsg: 32633, name: 'EPSG:32633', definition: '+proj=utm +zone=33 +datum=WGS84 +units=m' }
  t.equal((await outcomeOf(join(dir, 'b.vrt'), { crs })).code, 'read')
})
