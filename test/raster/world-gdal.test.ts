// The edges of the world against gdalwarp: the antimeridian from both sides and across, longitudes of 0…360 and
// beyond, poles, polar maps, rims of world maps. Nothing that GDAL paints is missing, and it looks the same.

import { join } from 'node:path'
import t from 'tap'
import { footprintOf } from '../../src/grid/place/bounds.js'
import { placementOf } from '../../src/grid/place/placement.js'
import { openRaster } from '../../src/raster/open.js'
import { gdalWarp } from '../helpers/gdal.js'
import { gdal, withoutGdal } from '../helpers/gdal-process.js'
import { fixture } from '../helpers/paths.js'
import { warp } from './whole-warp.js'

const WORLD = 20037508.342789244

interface Case {
  readonly what: string
  readonly crs: string
  /** West, north, east, south in the CRS. */
  readonly corners: readonly [number, number, number, number]
  /** Degrees of longitude our footprint may have at most. */
  readonly span: number
  /** GDAL leaves parts out (it does not follow more than half a turn). */
  readonly more?: true
}

const MODIS = '+proj=sinu +R=6371007.181'
const CASES: readonly Case[] = [
  { what: 'the whole world', crs: 'EPSG:4326', corners: [-180, 90, 180, -90], span: 360 },
  { what: '0…360', crs: 'EPSG:4326', corners: [0, 90, 360, -90], span: 360 },
  {
    what: 'a hair too wide',
    crs: 'EPSG:4326',
    corners: [-180.0000001, 90.0000001, 180.0000001, -90.0000001],
    span: 360,
  },
  { what: 'centres on the meridians', crs: 'EPSG:4326', corners: [-180.25, 90, 179.75, -90], span: 360 },
  {
    what: 'centres on the meridians, from 0',
    crs: 'EPSG:4326',
    corners: [-0.25, 90, 359.75, -90],
    span: 360,
  },
  { what: 'beyond −180', crs: 'EPSG:4326', corners: [-200, 60, -160, 20], span: 40.1 },
  { what: 'beyond 180', crs: 'EPSG:4326', corners: [160, 60, 200, 20], span: 40.1 },
  { what: 'up to 180', crs: 'EPSG:4326', corners: [120, 60, 180, 0], span: 60.1 },
  { what: 'from −180', crs: 'EPSG:4326', corners: [-180, 60, -120, 0], span: 60.1 },
  { what: 'two turns on', crs: 'EPSG:4326', corners: [500, 60, 560, 0], span: 60.1, more: true },
  { what: 'all of web mercator', crs: 'EPSG:3857', corners: [-WORLD, WORLD, WORLD, -WORLD], span: 360 },
  {
    what: 'more than web mercator',
    crs: 'EPSG:3857',
    corners: [-2.01e7, 2.01e7, 2.01e7, -2.01e7],
    span: 360,
  },
  {
    what: 'web mercator past 180',
    crs: 'EPSG:3857',
    corners: [1.6e7, 4e6, 2.4e7, -4e6],
    span: 72,
    more: true,
  },
  { what: 'the north pole', crs: 'EPSG:3413', corners: [-4e6, 4e6, 4e6, -4e6], span: 360 },
  { what: 'the south pole', crs: 'EPSG:3031', corners: [-3e6, 3e6, 3e6, -3e6], span: 360 },
  { what: 'beside the pole', crs: 'EPSG:3413', corners: [-4e6, 4e6, -1e6, 1e6], span: 63 },
  { what: 'a hemisphere', crs: 'EPSG:3571', corners: [-9e6, 9e6, 9e6, -9e6], span: 360 },
  {
    what: 'a globe seen from afar',
    crs: '+proj=ortho +lat_0=40 +lon_0=20 +R=6378137',
    corners: [-6.4e6, 6.4e6, 6.4e6, -6.4e6],
    span: 360,
  },
  {
    what: 'Mollweide with its rim',
    crs: 'ESRI:54009',
    corners: [-18040096, 9020048, 18040096, -9020048],
    span: 360,
  },
  {
    what: 'Robinson with its rim',
    crs: 'ESRI:54030',
    corners: [-17005833, 8625154, 17005833, -8625154],
    span: 360,
  },
  {
    what: 'sinusoidal with its rim',
    crs: MODIS,
    corners: [-20015109.354, 10007554.677, 20015109.354, -10007554.677],
    span: 360,
  },
  { what: 'a sinusoidal tile on the rim', crs: MODIS, corners: [1.2e7, 8e6, 1.6e7, 4e6], span: 70 },
  {
    what: 'a mercator map about 150° E',
    crs: 'EPSG:3832',
    corners: [-WORLD, 1.5e7, WORLD, -1.5e7],
    span: 360,
  },
  {
    what: 'UTM across the antimeridian',
    crs: 'EPSG:32601',
    corners: [-400000, 7000000, 900000, 5400000],
    span: 30,
  },
]

const ZOOM = 2
const SIDE = 256 * 2 ** ZOOM

t.test('edges of the world', { skip: withoutGdal }, async (t) => {
  const dir = t.testdir()
  for (const [i, { what, crs, corners, span, more }] of CASES.entries()) {
    const path = join(dir, `${i}.tif`)
    const size = ['-srcwin', '600', '500', '1200', '1000', '-outsize', '300', '240', '-r', 'average']
    gdal(
      'gdal_translate',
      '-q',
      ...size,
      '-a_srs',
      crs,
      '-a_ullr',
      ...corners.map(String),
      fixture('ortho.tif'),
      path,
    )
    const source = await openRaster(path)
    const { info } = source
    const box = footprintOf(info.crs, placementOf(info), info.width, info.height)!
    const degrees = ((box.east - box.west) / WORLD) * 180
    t.ok(degrees <= span + 1e-6, `${what}: ${degrees.toFixed(3)}° wide`)
    const target = { zoom: ZOOM, tileSize: 256, x: 0, y: 0, width: SIDE, height: SIDE }
    const ours = (await warp(source, target, { resampling: 'bilinear' }))!
    await source.close()
    const range = { zoom: ZOOM, tileSize: 256, minX: 0, minY: 0, maxX: 3, maxY: 3 }
    const theirs = gdalWarp(path, range, 'bilinear', 0, ['-wo', 'XSCALE=1', '-wo', 'YSCALE=1'])
    let missing = 0
    let additional = 0
    let both = 0
    let squares = 0
    for (let p = 0; p < SIDE * SIDE; p++) {
      const painted = ours.mask === undefined || ours.mask[p]! > 0
      if (theirs.alpha[p]! > 0) {
        if (!painted) missing++
        else {
          both++
          for (let b = 0; b < 3; b++) squares += (ours.data[p * 3 + b]! - theirs.data[p * 3 + b]!) ** 2
        }
      } else if (painted) additional++
    }
    const allowed = Math.max(2, both * 1e-4)
    t.ok(missing <= allowed, `${what}: ${missing} of ${both} pixels are missing`)
    if (more === undefined) t.ok(additional <= allowed, `${what}: ${additional} are too many`)
    // small pictures are shrunk here, which GDAL was told not to do: only those at their own scale are compared
    const psnr = 10 * Math.log10((255 * 255) / (squares / both / 3))
    if (both > SIDE * SIDE * 0.25) t.ok(psnr >= 45, `${what}: ${psnr.toFixed(1)} dB`)
  }
})
