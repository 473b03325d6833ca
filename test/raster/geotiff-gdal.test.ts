// GDAL as the judge: the same pixels, masks, geotransforms and places on earth. Skips without GDAL.

import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { lonLatConverterOf } from '../../src/grid/crs/transform.js'
import { crsOfImage } from '../../src/grid/place/located.js'
import { openGeoTiff } from '../../src/raster/formats/geotiff.js'
import type { Pixels } from '../../src/raster/pixels.js'
import { needsTone, type RasterSource } from '../../src/raster/source.js'
import { gdal, runGdal, withoutGdal } from '../helpers/gdal-process.js'
import { fixture, sharedData } from '../helpers/paths.js'
import { compareValues } from './gdal-values.js'

t.setTimeout(1_800_000)

const needs = (shared: boolean): string | false =>
  withoutGdal || (shared && sharedData === undefined && 'needs the shared data')

interface GdalInfo {
  readonly geoTransform?: number[]
  /** Corners in degrees with seven decimals: upper left, lower left, lower right, upper right. */
  readonly wgs84Extent?: { readonly coordinates: readonly (readonly (readonly [number, number])[])[] }
  readonly bands: { readonly colorInterpretation: string; readonly noDataValue?: number }[]
}

/** Raw bytes of what gdal_translate gives for `select`, interleaved. */
function gdalBytes(file: string, dir: string, level: number, select: readonly string[]): Uint8Array {
  const out = join(dir, 'gdal.bin')
  const overview = level === 0 ? [] : ['-oo', `OVERVIEW_LEVEL=${level - 1}`]
  gdal('gdal_translate', '-q', '-of', 'ENVI', '-co', 'INTERLEAVE=BIP', ...overview, ...select, file, out)
  return readFileSync(out)
}

/** Colours and mask as GDAL has them: palettes expanded, the first three bands. */
function gdalPixels(file: string, dir: string, level: number, info: GdalInfo, bands: 1 | 3): Pair {
  if (info.bands[0]!.colorInterpretation === 'Palette') {
    const colour = gdalBytes(file, dir, level, ['-expand', bands === 1 ? 'gray' : 'rgb'])
    return { colour, mask: maskOf(gdalBytes(file, dir, level, ['-b', '1', '-b', 'mask']), 1, info) }
  }
  const all = bands === 3 ? ['1', '2', '3', 'mask'] : ['1', 'mask']
  const both = gdalBytes(
    file,
    dir,
    level,
    all.flatMap((b) => ['-b', b]),
  )
  const colour = new Uint8Array((both.length / (bands + 1)) * bands)
  for (let from = 0, to = 0; from < both.length; from++)
    for (let b = 0; b < bands; b++) colour[to++] = both[from++]!
  return { colour, mask: maskOf(both, bands, info) }
}

interface Pair {
  readonly colour: Uint8Array
  readonly mask: Uint8Array
}

/** GDAL's mask; nodata by our rule, all bands at once (GDAL's own is band by band). */
function maskOf(both: Uint8Array, bands: number, info: GdalInfo): Uint8Array {
  const nodata = info.bands[0]!.noDataValue
  const mask = new Uint8Array(both.length / (bands + 1))
  for (let i = 0, at = 0; i < mask.length; i++, at += bands + 1) {
    if (nodata === undefined) mask[i] = both[at + bands]!
    else for (let b = 0; b < bands; b++) if (both[at + b] !== nodata) mask[i] = 255
  }
  return mask
}

function worstDifference(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let worst = 0
  for (let i = 0; i < a.length; i++) {
    const apart = Math.abs(a[i]! - b[i]!)
    if (apart > worst) worst = apart
  }
  return worst
}

async function comparePixels(t: Test, file: string, source: RasterSource, dir: string): Promise<void> {
  const info = JSON.parse(gdal('gdalinfo', '-json', file)) as GdalInfo
  const { bands, levels, geotransform } = source.info
  if (info.geoTransform !== undefined) {
    const worst = Math.max(...info.geoTransform.map((v, i) => Math.abs(v - geotransform[i]!)))
    t.ok(worst < 1e-9, `geotransform as GDAL (${worst})`)
  }
  const corners = info.wgs84Extent?.coordinates[0]
  if (corners !== undefined) {
    const metres = Math.max(...cornersOf(source).map((at, i) => apart(at, corners[i]!)))
    // ED50: GDAL prefers another of the shifts that EPSG lists.
    const limit = source.info.crs.name.includes('23030') ? 15 : 0.03
    t.ok(metres < limit, `in place: ${metres} m`)
  }
  if (needsTone(source.info.stored)) return compareValues(t, file, source, dir)
  // One overview stands for all: a process of GDAL each takes its time.
  for (const [i, { width, height }] of levels.slice(0, 2).entries()) {
    const pixels = (await source.read(i, { x: 0, y: 0, width, height })) as Pixels
    const gdal = gdalPixels(file, dir, i, info, bands as 1 | 3)
    // The JPEG decoders may be different builds.
    const tolerance = /JPEG|WebP/.test(source.info.description) ? 2 : 0
    const worst = worstDifference(pixels.data, gdal.colour)
    t.ok(worst <= tolerance, `level ${i} ${width}×${height}: differs by ${worst}`)
    const mask = pixels.mask ?? new Uint8Array(width * height).fill(255)
    t.equal(worstDifference(mask, gdal.mask), 0, `level ${i}: the mask`)
  }
}

/** Metres between two places in degrees; NaN counts as far away. */
function apart(a: readonly [number, number], b: readonly [number, number]): number {
  const dLon = ((a[0] - b[0] + 540) % 360) - 180
  const metres = Math.hypot(dLon * Math.cos((a[1] * Math.PI) / 180), a[1] - b[1]) * 111_320
  return Number.isNaN(metres) ? Number.POSITIVE_INFINITY : metres
}

/** Longitude and latitude of pixel positions. */
function placesOf(source: RasterSource, pixels: readonly (readonly [number, number])[]): [number, number][] {
  const { geotransform: g } = source.info
  const crs = crsOfImage(source.info)
  const out = new Float64Array(2)
  return pixels.map(([col, row]) => {
    const at = [g[0] + col * g[1] + row * g[2], g[3] + col * g[4] + row * g[5]]
    lonLatConverterOf(crs).toLonLat(at[0]!, at[1]!, out)
    return [out[0]!, out[1]!]
  })
}

const cornersOf = (source: RasterSource): [number, number][] => {
  const { width, height } = source.info
  return placesOf(source, [
    [0, 0],
    [0, height],
    [width, height],
    [width, 0],
  ])
}

/** Metres between where we and GDAL put corners and middle, to more decimals than gdalinfo gives. */
function displacement(file: string, source: RasterSource): number {
  const { width, height } = source.info
  const pixels = [
    [0, 0],
    [width, 0],
    [0, height],
    [width, height],
    [width / 2, height / 2],
  ] as const
  const target = '+proj=longlat +datum=WGS84 +type=crs'
  const input = pixels.map((p) => p.join(' ')).join('\n')
  const places = runGdal('gdaltransform', ['-t_srs', target, file], input)
    .stdout.trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number))
  return Math.max(...placesOf(source, pixels).map((at, i) => apart(at, [places[i]![0]!, places[i]![1]!])))
}

const sharedFiles = (folder: string): string[] =>
  sharedData === undefined
    ? []
    : readdirSync(join(sharedData, folder))
        .filter((f) => f.endsWith('.tif'))
        .map((f) => join(sharedData!, folder, f))

t.test('shared data, pixel by pixel', { skip: needs(true) }, async (t) => {
  const dir = t.testdir()
  const folders = ['variants', 'rgb', 'rgb/hro_colorado', 'mosaic/rasterio_rgb', 'mosaic/naip_years', 'dem']
  const files = folders.flatMap(sharedFiles)
  let compared = 0
  for (const file of files) {
    await t.test(basename(file), async (t) => {
      let source: RasterSource
      try {
        source = await openGeoTiff(file)
      } catch (error) {
        t.ok(error instanceof FlagstoneError, String(error))
        t.match((error as FlagstoneError).code, /^(SOURCE_UNSUPPORTED|CRS_MISSING)$/)
        t.comment((error as FlagstoneError).message)
        return
      }
      await comparePixels(t, file, source, dir)
      await source.close()
      compared++
    })
  }
  t.ok(compared > 50, `${compared} files compared`)
})

/** Written by GDAL from our own small image with all sorts of creation options. */
const OPTIONS: readonly (readonly string[])[] = [
  ['COMPRESS=LZW', 'PREDICTOR=2', 'INTERLEAVE=BAND'],
  ['COMPRESS=DEFLATE', 'PREDICTOR=2', 'ENDIANNESS=BIG'],
  ['COMPRESS=ZSTD', 'ZSTD_LEVEL=19', 'TILED=YES', 'BLOCKXSIZE=16', 'BLOCKYSIZE=32'],
  ['COMPRESS=ZSTD', 'PREDICTOR=2', 'BLOCKYSIZE=50'],
  ['COMPRESS=PACKBITS', 'BIGTIFF=YES', 'ENDIANNESS=BIG'],
  ['COMPRESS=JPEG', 'JPEG_QUALITY=90', 'INTERLEAVE=BAND'],
  ['COMPRESS=JPEG', 'PHOTOMETRIC=RGB', 'BLOCKYSIZE=16'],
  ['COMPRESS=JPEG', 'PHOTOMETRIC=YCBCR', 'JPEGTABLESMODE=0', 'TILED=YES'],
  ['COMPRESS=WEBP', 'WEBP_LOSSLESS=YES', 'TILED=YES'],
]

for (const name of ['rgba.tif', 'strip-none.tif', 'grey.tif']) {
  t.test(`rewritten by GDAL: ${name}`, { skip: needs(false) }, async (t) => {
    const dir = t.testdir()
    for (const options of OPTIONS) {
      const file = join(dir, 'again.tif')
      const args = options.flatMap((o) => ['-co', o])
      const made = runGdal('gdal_translate', ['-q', ...args, fixture('tiff', name), file])
      // Not every option goes with every image (YCbCr with alpha, WebP in grey).
      if (made.status !== 0 || made.stderr.length > 0) continue
      await t.test(options.join(' '), async (t) => {
        const source = await openGeoTiff(file)
        await comparePixels(t, file, source, dir)
        await source.close()
      })
    }
  })
}

/** CRSs with and without a code: GDAL writes keys, we read them. Limits in metres; grids make the larger ones. */
const SYSTEMS: readonly (readonly [srs: string, corner: readonly [number, number], limit?: number])[] = [
  ['EPSG:27700', [400000, 300000]],
  ['EPSG:2193', [1750000, 5430000]],
  ['EPSG:3395', [1500000, 6000000]],
  ['EPSG:3031', [1000000, -900000]],
  ['EPSG:3413', [200000, -1500000]],
  ['EPSG:25832', [600000, 5600000]],
  ['EPSG:26917', [500000, 4500000]],
  ['EPSG:32733', [500000, 6500000]],
  ['EPSG:4269', [-80, 40]],
  ['EPSG:4326', [15, 47]],
  ['EPSG:3857', [1500000, 6000000]],
  ['EPSG:2056', [2600000, 1200000], 1],
  ['EPSG:28992', [155000, 463000], 1],
  ['EPSG:31370', [150000, 170000], 1],
  ['EPSG:31287', [400000, 400000], 2],
  ['EPSG:5514', [-700000, -1050000], 6],
  ['EPSG:2154', [650000, 6860000]],
  ['EPSG:3035', [4300000, 3200000]],
  ['EPSG:5070', [0, 2000000]],
  ['EPSG:3577', [1500000, -3900000]],
  ['EPSG:3375', [500000, 400000]],
  ['EPSG:2263', [980000, 200000]],
  ['EPSG:2048', [10000, 3500000]],
  ['EPSG:6933', [1000000, 5000000]],
  ['EPSG:3006', [600000, 6600000]],
  ['EPSG:3067', [400000, 6900000]],
  ['EPSG:7844', [149, -35]],
  ['EPSG:31467', [3500000, 5500000], 10],
  ['EPSG:26717', [500000, 4500000], 20],
  ['ESRI:102008', [100000, 200000]],
  [
    '+proj=tmerc +lat_0=10 +lon_0=20 +k=0.9999 +x_0=300000 +y_0=100000 +ellps=GRS80 +units=m',
    [310000, 200000],
  ],
  ['+proj=utm +zone=33 +ellps=intl', [500000, 5000000]],
  [
    '+proj=lcc +lat_1=44 +lat_2=49 +lat_0=46.5 +lon_0=3 +x_0=700000 +y_0=6600000 +datum=WGS84',
    [650000, 6800000],
  ],
  [
    '+proj=lcc +lat_1=46.8 +lat_0=46.8 +lon_0=0 +k_0=0.99987742 +x_0=600000 +y_0=200000 +datum=WGS84',
    [600000, 300000],
  ],
  ['+proj=aea +lat_1=29.5 +lat_2=45.5 +lat_0=23 +lon_0=-96 +x_0=5 +y_0=7 +datum=WGS84', [0, 2000000]],
  ['+proj=stere +lat_0=90 +lat_ts=71 +lon_0=-39 +x_0=1000 +y_0=2000 +datum=WGS84', [0, -2000000]],
  ['+proj=stere +lat_0=-90 +k=0.994 +lon_0=10 +x_0=2000000 +y_0=2000000 +datum=WGS84', [2500000, 2500000]],
  ['+proj=sterea +lat_0=52 +lon_0=5 +k=0.9999 +x_0=155000 +y_0=463000 +datum=WGS84', [160000, 460000]],
  ['+proj=merc +lon_0=100 +k=0.997 +x_0=3900000 +y_0=900000 +datum=WGS84', [3900000, 900000]],
  ['+proj=merc +lat_ts=30 +lon_0=10 +x_0=0 +y_0=0 +datum=WGS84', [100000, 3000000]],
  ['+proj=laea +lat_0=45 +lon_0=-100 +x_0=0 +y_0=0 +a=6370997 +b=6370997', [100000, 100000]],
  ['+proj=cass +lat_0=4 +lon_0=102 +x_0=1000 +y_0=2000 +datum=WGS84', [10000, 20000]],
  ['+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +R=6371007.181', [1000000, 5000000]],
  ['+proj=eqc +lat_ts=40 +lat_0=0 +lon_0=10 +x_0=0 +y_0=0 +datum=WGS84', [100000, 4000000]],
  [
    '+proj=omerc +no_uoff +lat_0=4 +lonc=115 +alpha=53.3158204722222 +gamma=53.1301023611111 +k=0.99984 +x_0=0 +y_0=0 +datum=WGS84',
    [600000, 600000],
  ],
  [
    '+proj=omerc +lat_0=45 +lonc=-86 +alpha=337 +gamma=337 +k=0.9996 +x_0=2546731 +y_0=-4354009 +datum=WGS84',
    [500000, 300000],
  ],
  ['+proj=aeqd +lat_0=40 +lon_0=-100 +x_0=0 +y_0=0 +datum=WGS84', [100000, 100000]],
  ['+proj=poly +lat_0=0 +lon_0=-54 +x_0=5000000 +y_0=10000000 +datum=WGS84', [5100000, 9000000]],
  [
    '+proj=lcc +lat_1=41.03 +lat_2=40.67 +lat_0=40.17 +lon_0=-74 +x_0=300000 +y_0=0 +datum=WGS84 +units=us-ft',
    [980000, 200000],
  ],
  ['+proj=longlat +ellps=bessel +towgs84=598.1,73.7,418.2,0.202,0.045,-2.455,6.7', [10, 50], 1000],
  ['+proj=longlat +a=6378000 +rf=300', [10, 50]],
]

t.test('coordinate systems written by GDAL', { skip: needs(false) }, async (t) => {
  const file = join(t.testdir(), 'crs.tif')
  for (const [srs, [x, y], limit = 0.01] of SYSTEMS) {
    const size = Math.abs(x) < 200 && Math.abs(y) < 90 ? 0.01 : 1000
    const corners = [x, y, x + size, y - size].map(String)
    gdal('gdal_translate', '-q', '-a_srs', srs, '-a_ullr', ...corners, fixture('tiff', 'grey.tif'), file)
    try {
      const source = await openGeoTiff(file)
      const metres = displacement(file, source)
      t.ok(metres < limit, `${srs}: ${metres.toExponential(1)} m from GDAL, as ${source.info.crs.definition}`)
      await source.close()
    } catch (error) {
      t.fail(`${srs}: ${error}`)
    }
  }
})
