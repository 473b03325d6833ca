// Where an image lies: geotransform from tags and world files, CRS from keys, and what is said when they are missing.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { geoTags, type ImageSpec, type TagValue, writeTiff } from '../../scripts/fixtures/tiff.js'
import { crsFromGeoKeys } from '../../src/grid/crs/geokeys/crs.js'
import type { GeoKeys } from '../../src/grid/crs/geokeys/geokeys.js'
import { openGeoTiff } from '../../src/raster/formats/geotiff.js'

const image: ImageSpec = { width: 4, height: 3, samples: 1, data: new Uint8Array(12), photometric: 1 }

type Tags = Record<number, TagValue>

async function write(dir: string, tags: Tags, name = 'a.tif'): Promise<string> {
  const file = join(dir, name)
  writeFileSync(file, await writeTiff({ images: [{ ...image, tags }] }))
  return file
}

async function geotransformOf(file: string): Promise<readonly number[]> {
  const source = await openGeoTiff(file)
  await source.close()
  return source.info.geotransform
}

const doubles = (...values: number[]): TagValue => ({ type: 'double', values })
const UTM = geoTags(32633, [500000, 5300000], 10)
const keysOnly: Tags = { 34735: UTM[34735]! }

t.test('geotransform', async (t) => {
  const dir = t.testdir()
  const corner = await write(dir, UTM)
  t.same(await geotransformOf(corner), [500000, 10, 0, 5300000, 0, -10], 'scale and corner')

  const tie = { ...UTM, 33922: doubles(2, 1, 0, 500020, 5299990, 0) }
  t.same(await geotransformOf(await write(dir, tie)), [500000, 10, 0, 5300000, 0, -10], 'tied inside')

  const negative = { ...UTM, 33550: doubles(10, -10, 0) }
  t.same(
    await geotransformOf(await write(dir, negative)),
    [500000, 10, 0, 5300000, 0, -10],
    'always north-up',
  )

  const point = geoTags(32633, [500005, 5299995], 10, { pixelIsPoint: true })
  t.same(await geotransformOf(await write(dir, point)), [500000, 10, 0, 5300000, 0, -10], 'pixel is point')

  const matrix = doubles(8, 6, 0, 500000, 6, -8, 0, 5300000, 0, 0, 0, 0, 0, 0, 0, 1)
  const turned = { ...keysOnly, 34264: matrix }
  t.same(await geotransformOf(await write(dir, turned)), [500000, 8, 6, 5300000, 6, -8], 'turned')

  const turnedPoint = { 34264: matrix, 34735: point[34735]! }
  const expected = [500000 - 7, 8, 6, 5300000 + 1, 6, -8]
  t.same(await geotransformOf(await write(dir, turnedPoint)), expected, 'turned, pixel is point')

  const bottomUp = {
    ...keysOnly,
    34264: doubles(10, 0, 0, 500000, 0, 10, 0, 5300000, 0, 0, 0, 0, 0, 0, 0, 1),
  }
  t.same(await geotransformOf(await write(dir, bottomUp)), [500000, 10, 0, 5300000, 0, 10], 'bottom-up')
})

t.test('world files', async (t) => {
  for (const name of ['photo.tfw', 'photo.tifw', 'photo.wld', 'photo.TFW']) {
    const dir = t.testdir({ [name]: '10\n0\n0\n-10\r\n500005.0\n5299995\n' })
    const file = await write(dir, keysOnly, 'photo.tif')
    t.same(await geotransformOf(file), [500000, 10, 0, 5300000, 0, -10], name)
  }
  const dir = t.testdir({ 'photo.tfw': '8,0\n6,0\n6,0\n-8,0\n500007,0\n5299999,0' })
  const turned = await geotransformOf(await write(dir, keysOnly, 'photo.tif'))
  t.same(turned, [500000, 8, 6, 5300000, 6, -8], 'turned, with decimal commas')
  const nonsense = t.testdir({ 'photo.tfw': 'not numbers' })
  await t.rejects(openGeoTiff(await write(nonsense, keysOnly, 'photo.tif')), { code: 'SOURCE_UNSUPPORTED' })
})

t.test('what is missing is named, with what to do', async (t) => {
  const dir = t.testdir()
  const { 34735: _keys, ...placed } = UTM
  const file = await write(dir, placed)
  await t.rejects(openGeoTiff(file), { code: 'CRS_MISSING', message: /a\.tif.*--s-srs/ })
  const crs = { epsg: 32633, name: 'EPSG:32633', definition: '+proj=utm +zone=33 +datum=WGS84' }
  const source = await openGeoTiff(file, { crs })
  t.equal(source.info.crs, crs, 'the option answers')
  await source.close()
  await t.rejects(openGeoTiff(await write(dir, {})), { code: 'CRS_MISSING', message: /world file.*--s-srs/ })
  await t.rejects(openGeoTiff(await write(dir, keysOnly)), {
    code: 'SOURCE_UNSUPPORTED',
    message: /geotransform/,
  })
  const flat = { ...keysOnly, 34264: doubles(0, 0, 0, 500000, 0, 0, 0, 5300000, 0, 0, 0, 0, 0, 0, 0, 1) }
  await t.rejects(openGeoTiff(await write(dir, flat)), { code: 'SOURCE_CORRUPT' }, 'a pixel without area')
  const line = { ...keysOnly, 33922: doubles(0, 0, 0, 1, 2, 0, 2, 1, 0, 2, 3, 0, 4, 2, 0, 3, 4, 0) }
  await t.rejects(openGeoTiff(await write(dir, line)), {
    code: 'SOURCE_UNSUPPORTED',
    message: /3 ground control points that span no area/,
  })
  const unknown = geoTags(32699, [0, 0], 1)
  await t.rejects(openGeoTiff(await write(dir, unknown)), {
    code: 'CRS_UNSUPPORTED',
    message: /EPSG:32699.*--s-srs/,
  })
})

t.test('the CRS given takes the place of the one in the file', async (t) => {
  const file = await write(t.testdir(), geoTags(32699, [0, 0], 1))
  const crs = { epsg: 3857, name: 'EPSG:3857', definition: 'EPSG:3857' }
  const source = await openGeoTiff(file, { crs })
  t.same(source.info.crs, crs)
  await source.close()
})

const definition = (...entries: [number, number | string][]): string => {
  const keys: GeoKeys = new Map(entries)
  const found = crsFromGeoKeys(keys)
  if (found === undefined) return 'nothing'
  return 'crs' in found ? found.crs.definition : `problem: ${found.problem}`
}

t.test('keys', (t) => {
  t.equal(definition(), 'nothing')
  t.equal(definition([1024, 32767]), 'nothing', 'a local system')
  t.equal(definition([1024, 32767], [2048, 4326]), 'nothing', 'a system of which only the datum is said')
  t.equal(definition([1024, 2], [2048, 4326]), 'EPSG:4326')
  t.equal(definition([2048, 4326]), 'EPSG:4326', 'without a model type')
  t.equal(definition([1024, 1], [3072, 3857]), 'EPSG:3857')
  t.equal(definition([1024, 1], [3072, 900913]), 'EPSG:3857')
  t.match(
    definition([1024, 1], [3072, 32767], [3074, 16133], [2048, 4326]),
    '+proj=utm +zone=33 +south +datum=WGS84',
  )
  t.match(definition([1024, 3]), /problem.*geocentric/)
  t.match(definition([1024, 1], [3072, 32767], [3075, 99], [2048, 4326]), /problem.*method 99/)
  t.match(definition([1024, 1], [3072, 32767], [3075, 1]), /problem/, 'no datum')
  t.match(
    definition([1024, 2], [2048, 32767], [2054, 9105], [2057, 6378137], [2059, 298]),
    '+to_degree=0.9',
    'longitudes in grads',
  )
  const grads = definition(
    [1024, 1],
    [3072, 32767],
    [3075, 1],
    [2048, 4326],
    [2054, 9105],
    [3080, 10],
    [3081, 50],
  )
  t.match(grads, '+lat_0=45 +lon_0=9', 'angles in grads')
  const feet = definition([1024, 1], [3072, 32767], [3075, 1], [2048, 4326], [3076, 9002], [3082, 1000])
  t.match(feet, /\+x_0=304\.8 .*\+to_meter=0\.3048/, 'false origins are in the unit of the CRS')
  t.match(definition([1024, 1], [3072, 32617], [3076, 9003]), /\+to_meter=0\.3048006/, 'a code, but in feet')
  t.notMatch(definition([1024, 1], [3072, 32617], [3076, 9001]), 'to_meter', 'a code and its own unit')
  t.match(definition([1024, 1], [3072, 2263], [3076, 9003]), '+units=us-ft', 'feet as they are in the code')
  t.match(
    definition([1024, 1], [3072, 32767], [3075, 1], [2048, 32767], [2050, 6326]),
    '+datum=WGS84',
    'the datum code names the geographic CRS',
  )
  t.end()
})

const ESRI =
  'ESRI PE String = PROJCS["World_Mollweide",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Mollweide"],PARAMETER["False_Easting",0.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",0.0],UNIT["Meter",1.0]]'

t.test('citations', (t) => {
  t.match(definition([1024, 32767], [2048, 4326], [3073, ESRI]), '+proj=moll', 'an Esri string')
  t.match(definition([1024, 1], [3072, 32767], [1026, `a|${ESRI}|b`]), '+proj=moll', 'among others')
  t.match(
    definition([1024, 1], [3072, 32767], [3073, ESRI.replace('Mollweide"]', 'Aitoff"]')]),
    /^problem.*Aitoff/,
    'one that cannot be computed',
  )
  const named: [string, string][] = [
    ['WGS 84 / UTM zone 17N', '+proj=utm +zone=17 +datum=WGS84'],
    ['NAD_1983_UTM_Zone_17N', '+proj=utm +zone=17 +ellps=GRS80'],
    ['UTM Zone 33, Northern Hemisphere, WGS84', 'problem'],
    ['WGS84 / UTM 33 S', '+proj=utm +zone=33 +south'],
    ['OSGB36 / British National Grid', '+proj=tmerc +lat_0=49 +lon_0=-2'],
    ['PCS Name = NAD27 / UTM zone 12N|GCS Name = NAD27', '+proj=utm +zone=12'],
    ['somewhere', 'problem'],
  ]
  for (const [name, expected] of named)
    t.match(definition([1024, 1], [3072, 32767], [3073, name]), expected, name)
  t.match(
    definition([1024, 1], [3072, 32767], [3073, 'WGS 84 / UTM zone 17N'], [3076, 9002]),
    /\+zone=17.*to_meter=0.3048/,
    'a name, but in feet',
  )
  t.match(
    definition([1024, 1], [3072, 32767], [3075, 99], [3073, 'WGS 84 / UTM zone 17N'], [2048, 4326]),
    'problem',
    'a name does not stand for parameters that are not understood',
  )
  t.equal(definition([1024, 32767], [1026, 'local grid of the works']), 'nothing')
  t.end()
})

t.test('meridians and datums', (t) => {
  const paris = definition([1024, 2], [2048, 32767], [2056, 7011], [2051, 8903], [2049, 'x'])
  t.match(paris, /\+a=6378249.2 .*\+pm=2.337229/, 'a meridian by its code')
  const own = definition([1024, 2], [2048, 32767], [2056, 7022], [2051, 32767], [2061, -17.5])
  t.match(own, '+pm=-17.5', 'by its longitude')
  const shifted = definition([1024, 2], [2048, 32767], [2056, 7022], [2049, 'European Datum 1950'])
  t.match(shifted, '+towgs84=', 'a datum by its name')
  const other = definition([1024, 2], [2048, 32767], [2056, 7004], [2049, 'European Datum 1950'])
  t.notMatch(other, '+towgs84=', 'not when the ellipsoid is another')
  t.end()
})

t.test('of several places the first in GDAL’s order', async (t) => {
  const pam = (inner: string): string => `<PAMDataset>${inner}</PAMDataset>`
  const utm31 = pam('<SRS>EPSG:32631</SRS><GeoTransform>1,2,0,3,0,-4</GeoTransform>')
  const world = '9\n0\n0\n-9\n4.5\n-4.5\n'
  const points = {
    ...keysOnly,
    33922: doubles(0, 0, 0, 100, 200, 0, 4, 0, 0, 140, 200, 0, 0, 3, 0, 100, 170, 0),
  }
  const place = async (tags: Tags, files: Record<string, string>): Promise<[string, readonly number[]]> => {
    const dir = t.testdir(files)
    const source = await openGeoTiff(await write(dir, tags))
    await source.close()
    const { crs, geotransform } = source.info
    return [crs.name, geotransform.map((v) => Math.round(v * 1e6) / 1e6 + 0)]
  }
  const inside = [500000, 10, 0, 5300000, 0, -10]
  t.same(await place(UTM, { 'a.tfw': world }), ['EPSG:32633', inside], 'tags before a world file')
  t.same(await place(UTM, { 'a.tif.aux.xml': utm31 }), ['EPSG:32631', [1, 2, 0, 3, 0, -4]], 'PAM before tags')
  t.same(await place(UTM, { 'a.tif.aux.xml': '<PAMDataset><SRS>' }), ['EPSG:32633', inside], 'damaged PAM')
  t.same(
    await place(UTM, { 'a.tif.aux.xml': pam('<Metadata/>') }),
    ['EPSG:32633', inside],
    'PAM of other things',
  )
  t.same(
    await place(points, { 'a.tfw': world }),
    ['EPSG:32633', [0, 9, 0, 0, 0, -9]],
    'a world file before points',
  )
  t.same(await place(points, {}), ['EPSG:32633', [100, 10, 0, 200, 0, -10]], 'points')
  const gcps = [0, 1, 2].map(
    (i) => `<GCP Pixel="${i % 2}" Line="${i >> 1}" X="${(i % 2) * 5}" Y="${(i >> 1) * -5}"/>`,
  )
  const list = pam(`<GCPList Projection="EPSG:32632">${gcps.join('')}</GCPList>`)
  t.same(await place(UTM, { 'a.tif.aux.xml': list }), ['EPSG:32632', [0, 5, 0, 0, 0, -5]], 'points of PAM')
})
