// Images in many coordinate systems and placed in every way, against gdalwarp with exact transforms: the same
// pixels at the same places.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { footprintOf, suggestedResolution, zoomForResolution } from '../../src/grid/place/bounds.js'
import { mapperOf, placementOf } from '../../src/grid/place/placement.js'
import { openRaster } from '../../src/raster/open.js'
import type { SourceInfo } from '../../src/raster/source.js'
import { tileRanges } from '../grid/tile-ranges.js'
import { gdalWarp, interiorPsnr, type Picture, shiftOf } from '../helpers/gdal.js'
import { gdal, runGdal, withoutGdal } from '../helpers/gdal-process.js'
import { translated } from './against-gdal.js'
import { warp } from './whole-warp.js'

const WIDTH = 110
const HEIGHT = 90
const TILE = 256

/** Where PROJ puts a place, easting or longitude first. */
function locate(crs: string, lon: number, lat: number): [number, number] {
  const systems = ['-s_srs', 'EPSG:4326', '-t_srs', crs, '-output_xy']
  const { stdout } = runGdal('gdaltransform', systems, `${lon} ${lat}\n`)
  return stdout.trim().split(' ').map(Number) as [number, number]
}

/** The piece of the fixture as gdal_translate writes it. */
const piece = (dir: string, name: string, ...args: string[]): string =>
  translated(dir, name, '-srcwin', '1000', '900', `${WIDTH}`, `${HEIGHT}`, ...args)

/** Our pixels and gdalwarp's, at the image's own zoom. */
async function agree(t: Test, path: string, what: string, crs?: string): Promise<void> {
  const source = await openRaster(path)
  try {
    const { info } = source
    const placement = placementOf(info)
    const metres = suggestedResolution(info.crs, placement, info.width, info.height)
    const zoom = zoomForResolution(metres, TILE, 'upper')
    const [range] = tileRanges(footprintOf(info.crs, placement, info.width, info.height)!, zoom)
    const { minX, minY, maxX, maxY } = range!
    const width = (maxX - minX + 1) * TILE
    const height = (maxY - minY + 1) * TILE
    const target = { zoom, tileSize: TILE, x: minX * TILE, y: minY * TILE, width, height }
    const ours = (await warp(source, target, { resampling: 'bilinear' }))!
    // kernels of the same width on both sides, whatever the scale
    const extra = ['-wo', 'XSCALE=1', '-wo', 'YSCALE=1', ...(crs === undefined ? [] : ['-s_srs', crs])]
    const theirs = gdalWarp(path, { zoom, tileSize: TILE, ...range! }, 'bilinear', 0, extra)
    const alpha = ours.mask ?? new Uint8Array(width * height).fill(255)
    const mine: Picture = { width, height, bands: ours.bands, data: ours.data, alpha }
    const { psnr, pixels } = interiorPsnr(theirs, mine)
    const { dx, dy } = shiftOf(theirs, mine)
    const shift = Math.hypot(dx, dy)
    const differ = alpha.filter((a, i) => a > 0 !== theirs.alpha[i]! > 0).length
    t.ok(
      pixels > 2000 && psnr >= 45 && shift < 0.1 && differ < 0.02 * pixels,
      `${what}: ${psnr.toFixed(1)} dB, ${shift.toFixed(4)} px off, ${pixels} pixels, ${differ} painted by one only`,
    )
  } finally {
    await source.close()
  }
}

/** Code, a place in its area, pixel size in its unit. Datums without a grid in common distributions of PROJ. */
const SYSTEMS: readonly (readonly [crs: string, lon: number, lat: number, size: number])[] = [
  ['EPSG:32617', -80.3, 40.2, 1],
  ['EPSG:32733', 16.2, -22.5, 1],
  ['EPSG:25832', 8.4, 52.1, 1],
  ['EPSG:2154', 2.5, 47.1, 1],
  ['EPSG:3035', 12.4, 50.3, 5],
  ['EPSG:5070', -97.2, 38.4, 5],
  ['EPSG:6933', 20.4, -12.3, 100],
  ['EPSG:3413', -40.2, 76.4, 20],
  ['EPSG:3031', 60.2, -75.4, 20],
  ['EPSG:3995', 130.4, 71.2, 20],
  ['EPSG:32661', 12.3, 84.9, 20],
  ['EPSG:3408', 100.3, 70.2, 50],
  ['EPSG:3571', -170.4, 68.3, 20],
  ['EPSG:2193', 172.6, -43.5, 1],
  ['EPSG:2056', 7.6, 46.9, 1],
  ['EPSG:2263', -73.9, 40.7, 3],
  ['EPSG:2277', -99.1, 30.9, 3],
  ['EPSG:2926', -122.1, 47.4, 3],
  ['EPSG:2784', -155.3, 19.6, 1],
  ['EPSG:3078', -85.2, 44.6, 2],
  ['EPSG:3375', 102.2, 3.6, 1],
  ['EPSG:3395', 24.6, 60.2, 5],
  ['EPSG:3832', 179.4, -17.6, 5],
  ['EPSG:3857', 24.6, 60.2, 5],
  ['EPSG:4087', 12.3, 41.2, 30],
  ['EPSG:3410', 12.3, 41.2, 200],
  ['EPSG:4326', 12.3, 41.2, 1e-5],
  ['EPSG:4258', 12.3, 51.2, 1e-5],
  ['EPSG:5880', -50.1, -12.2, 5],
  ['EPSG:3812', 4.6, 50.7, 1],
  ['EPSG:6668', 139.6, 35.6, 1e-5],
  ['EPSG:3006', 16.2, 60.4, 1],
  ['EPSG:7801', 25.3, 42.6, 1],
  ['EPSG:2039', 35.1, 31.8, 1],
  ['EPSG:5186', 127.1, 37.4, 1],
  ['ESRI:54009', 35.2, 12.6, 300],
  ['ESRI:54008', 35.2, 22.6, 300],
  ['ESRI:54030', 35.2, 32.6, 300],
  ['ESRI:54012', 35.2, 32.6, 300],
  ['ESRI:54034', 35.2, 32.6, 300],
  ['ESRI:102008', -100.1, 44.2, 20],
  ['+proj=laea +lat_0=-20 +lon_0=25 +R=6371000 +units=km', 26, -19, 0.05],
  ['+proj=sterea +lat_0=46 +lon_0=25 +k=0.99975 +x_0=500000 +y_0=500000 +datum=WGS84', 25.6, 45.6, 1],
  ['+proj=eqdc +lat_1=20 +lat_2=50 +lon_0=10 +datum=WGS84', 12, 44, 20],
  ['+proj=aeqd +lat_0=10 +lon_0=20 +datum=WGS84', 24, 14, 20],
  ['+proj=cass +lat_0=30 +lon_0=10 +ellps=WGS84 +towgs84=0,0,0', 10.3, 30.2, 1],
  ['+proj=poly +lat_0=0 +lon_0=-54 +datum=WGS84', -50, -10, 10],
  ['+proj=eqearth +datum=WGS84', 20, 30, 300],
  ['+proj=geos +h=35785831 +lon_0=0 +sweep=y +datum=WGS84', 12, 38, 1500],
  ['+proj=merc +lat_ts=20 +lon_0=30 +datum=WGS84 +units=us-ft', 31, 22, 10],
  // shifts that the file brings along
  ['+proj=tmerc +lon_0=-96 +ellps=clrk66 +towgs84=-8,160,176', -96.2, 38.1, 1],
  ['+proj=longlat +ellps=bessel +towgs84=598.1,73.7,418.2,0.202,0.045,-2.455,6.7', 9.2, 51.1, 1e-5],
]

// GDAL has it, we do not
const REFUSED = new Set(['ESRI:54012'])

t.test('coordinate systems of all kinds', { skip: withoutGdal }, async (t) => {
  const dir = t.testdir()
  for (const [i, [crs, lon, lat, size]] of SYSTEMS.entries()) {
    const [x, y] = locate(crs, lon, lat)
    const w = (size * WIDTH) / 2
    const h = (size * HEIGHT) / 2
    const corners = [x - w, y + h, x + w, y - h].map(String)
    const path = piece(dir, `${i}.tif`, '-a_srs', crs, '-a_ullr', ...corners)
    if (REFUSED.has(crs)) {
      await t.rejects(openRaster(path), { code: 'CRS_UNSUPPORTED', message: /--s-srs/ }, crs)
    } else await agree(t, path, crs)
  }
})

t.test('systems that count west and south', { skip: withoutGdal }, async (t) => {
  const dir = t.testdir()
  const [x, y] = locate('EPSG:32735', 27.2, -26.1)
  const corners = [x, y, x + WIDTH, y - HEIGHT].map(String)
  const path = piece(dir, 'utm.tif', '-a_srs', 'EPSG:32735', '-a_ullr', ...corners)
  const out = join(dir, 'lo27.tif')
  gdal('gdalwarp', '-q', '-t_srs', 'EPSG:2052', path, out)
  await agree(t, out, 'EPSG:2052')
})

t.test('turned, sheared, mirrored, bottom-up', { skip: withoutGdal }, async (t) => {
  const dir = t.testdir()
  const places: Record<string, number[]> = {
    turned: [304700, 0.8, 0.6, 4546700, 0.6, -0.8],
    sheared: [304700, 1, 0.4, 4546700, 0.1, -1],
    'bottom-up': [304700, 1, 0, 4546700, 0, 1],
    mirrored: [304700, -1, 0, 4546700, 0, -1],
    'half round': [304700, -1, 0, 4546700, 0, 1],
  }
  const base = piece(dir, 'base.vrt', '-of', 'VRT', '-a_srs', 'EPSG:32617')
  const { readFileSync, writeFileSync } = await import('node:fs')
  const text = readFileSync(base, 'utf8')
  for (const [name, g] of Object.entries(places)) {
    const vrt = join(dir, `${name}.vrt`)
    const place = `<GeoTransform>${g.join(',')}</GeoTransform>`
    writeFileSync(vrt, text.replace(/<GeoTransform>.*<\/GeoTransform>/, place))
    const tif = join(dir, `${name}.tif`)
    gdal('gdal_translate', '-q', vrt, tif)
    await agree(t, tif, `${name}, TIFF`)
    const point = join(dir, `${name} point.tif`)
    gdal('gdal_translate', '-q', '-mo', 'AREA_OR_POINT=Point', vrt, point)
    await agree(t, point, `${name}, pixel is point`)
    await agree(t, vrt, `${name}, VRT`)
  }
})

/** Control points of a map bent by a little of everything; a noise that a fit cannot follow, metres. */
function controlPoints(count: number, noise: number): [number, number, number, number][] {
  const points: [number, number, number, number][] = []
  for (let i = 0; i < count; i++) {
    const c = ((i * 0.618034) % 1) * WIDTH
    const r = ((i * 0.754878 + 0.3) % 1) * HEIGHT
    const bend = count >= 6 ? 4e-4 * c * r - 2e-4 * c * c : 0
    const x = 500000 + 0.9 * c + 0.2 * r + bend + noise * Math.sin(37 * i)
    const y = 4400000 + 0.15 * c - 1.1 * r + bend / 2 + noise * Math.cos(53 * i)
    points.push([c, r, x, y])
  }
  return points
}

/** Places of a grid of pixels and back, by GDAL's own transformer. */
function gdalPlaces(
  path: string,
  input: readonly (readonly [number, number])[],
  inverse: boolean,
): number[][] {
  const lines = input.map((p) => p.join(' ')).join('\n')
  return runGdal('gdaltransform', [...(inverse ? ['-i'] : []), '-output_xy', path], lines)
    .stdout.trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number))
}

function checkPlaces(t: Test, info: SourceInfo, path: string, what: string): void {
  const mapper = mapperOf(placementOf(info))
  const pixels: [number, number][] = []
  for (let c = -20; c <= WIDTH + 20; c += 25) for (let r = -10; r <= HEIGHT + 10; r += 20) pixels.push([c, r])
  const places = gdalPlaces(path, pixels, false)
  const back = gdalPlaces(path, places as [number, number][], true)
  const p = new Float64Array(2)
  let worstMap = 0
  let worstPixel = 0
  for (const [i, [c, r]] of pixels.entries()) {
    mapper.toMap(c, r, p)
    worstMap = Math.max(worstMap, Math.abs(p[0]! - places[i]![0]!), Math.abs(p[1]! - places[i]![1]!))
    mapper.toPixel(places[i]![0]!, places[i]![1]!, p)
    worstPixel = Math.max(worstPixel, Math.abs(p[0]! - back[i]![0]!), Math.abs(p[1]! - back[i]![1]!))
  }
  t.ok(worstMap < 1e-4, `${what}: pixel → map within ${worstMap.toExponential(1)} m`)
  t.ok(worstPixel < 1e-4, `${what}: map → pixel within ${worstPixel.toExponential(1)} px`)
}

t.test('ground control points', { skip: withoutGdal }, async (t) => {
  const dir = t.testdir()
  const cases: [number, number][] = [
    [3, 0],
    [4, 0.8],
    [5, 0.8],
    [6, 0],
    [9, 1.5],
    [24, 1.5],
  ]
  for (const [count, noise] of cases) {
    const gcps = controlPoints(count, noise).flatMap((point) => ['-gcp', ...point.map(String)])
    const plain = ['-a_srs', 'EPSG:32617', ...gcps]
    const files: Record<string, string> = {
      TIFF: piece(dir, `${count}.tif`, ...plain),
      'pixel is point': piece(dir, `${count}p.tif`, '-mo', 'AREA_OR_POINT=Point', ...plain),
      VRT: piece(dir, `${count}.vrt`, '-of', 'VRT', ...plain),
      'PNG with .aux.xml': piece(dir, `${count}.png`, '-of', 'PNG', ...plain),
    }
    for (const [kind, path] of Object.entries(files)) {
      const source = await openRaster(path)
      await source.close()
      checkPlaces(t, source.info, path, `${count} points, ${kind}`)
      if (kind === 'TIFF' || count === 9) await agree(t, path, `${count} points, ${kind}`)
    }
  }
})
