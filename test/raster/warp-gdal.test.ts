// Warps against gdalwarp with exact transforms: same kernel, same grid, pixel by pixel.
//
// Two things of GDAL's are worked around, not followed. Its kernels widen by the ratio of its window sizes,
// which is off where the target is larger than the image, so the true scale is passed as XSCALE and YSCALE.
// And its lanczos, when shrinking, snaps to whole source pixels (3.6.2: an impulse does not move while the
// target moves by half a pixel), so lanczos is compared where it is not widened; warp.test.ts has the rest.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { footprintOf } from '../../src/grid/place/bounds.js'
import { openGeoTiff } from '../../src/raster/formats/geotiff.js'
import { type Pixels, RESAMPLINGS, type Resampling } from '../../src/raster/pixels.js'
import type { Geotransform, RasterSource } from '../../src/raster/source.js'
import { isFootprint, WIDEN_ABOVE } from '../../src/raster/warp/kernels/kernel.js'
import { planWarp } from '../../src/raster/warp/warp-plan.js'
import { tileRanges } from '../grid/tile-ranges.js'
import { gdalWarp, interiorPsnr, type Picture, shiftOf, withoutGdal } from '../helpers/gdal.js'
import { sharedData } from '../helpers/paths.js'
import { type MaskStyle, maskKindOf, memorySource, picture } from './synthetic.js'
import { warp } from './whole-warp.js'

const DECIBELS_LEAST = 55
const SHIFT_MOST = 0.02

const UTM = { epsg: 26917, name: 'EPSG:26917', definition: '+proj=utm +zone=17 +datum=NAD83 +units=m' }
const LONLAT = { epsg: 4326, name: 'EPSG:4326', definition: 'EPSG:4326' }

/** The picture as raw samples with an ENVI header, the mask as a fourth (second) band or as value 0. */
function writeEnvi(dir: string, image: Pixels, g: Geotransform, withAlpha: boolean): string {
  const { width, height, bands, data, mask } = image
  const samples = bands + (withAlpha ? 1 : 0)
  const raw = new Uint8Array(width * height * samples)
  for (let p = 0; p < width * height; p++) {
    for (let c = 0; c < bands; c++) raw[p * samples + c] = mask?.[p] === 0 ? 0 : data[p * bands + c]!
    if (withAlpha) raw[p * samples + bands] = mask![p]!
  }
  const path = join(dir, 'image.raw')
  writeFileSync(path, raw)
  // the datum is overridden by -s_srs
  const [system, end] = g[1] < 0.001 ? ['Geographic Lat/Lon', ''] : ['UTM', ' 17, North,']
  const map = `map info = {${system}, 1, 1, ${g[0]}, ${g[3]}, ${g[1]}, ${-g[5]},${end} WGS-84}`
  const shape = `samples = ${width}\nlines = ${height}\nbands = ${samples}\nheader offset = 0`
  const kind = 'file type = ENVI Standard\ndata type = 1\ninterleave = bip\nbyte order = 0'
  writeFileSync(join(dir, 'image.hdr'), `ENVI\n${shape}\n${kind}\n${map}\n`)
  return path
}

interface Comparison {
  readonly psnr: number
  readonly shift: number
  readonly maskEqual: number
  readonly opaque: number
  readonly pixels: number
}

async function compare(
  source: RasterSource,
  path: string,
  zoom: number,
  kernel: Resampling,
  extra: string[],
): Promise<Comparison> {
  const { info } = source
  const [range] = tileRanges(footprintOf(info.crs, info.geotransform, info.width, info.height)!, zoom)
  const { minX, minY, maxX, maxY } = range!
  const width = (maxX - minX + 1) * 256
  const height = (maxY - minY + 1) * 256
  const target = { zoom, tileSize: 256, x: minX * 256, y: minY * 256, width, height }
  const { scaleX, scaleY } = planWarp(info, target, { resampling: kernel })!.parts[0]!
  const given = (scale: number): number => (scale > WIDEN_ABOVE ? 1 / scale : 1)
  const scales = ['-wo', `XSCALE=${given(scaleX)}`, '-wo', `YSCALE=${given(scaleY)}`]
  const theirs = gdalWarp(path, { zoom, tileSize: 256, ...range! }, kernel, 0, [
    '-ovr',
    'NONE',
    ...scales,
    ...extra,
  ])
  const ours = (await warp(source, target, { resampling: kernel }))!
  const alpha = ours.mask ?? new Uint8Array(width * height).fill(255)
  const mine: Picture = { width, height, bands: ours.bands, data: ours.data, alpha }
  const { dx, dy } = shiftOf(theirs, mine)
  let equal = 0
  let opaque = 0
  for (let p = 0; p < width * height; p++) {
    if (alpha[p]! > 0 === theirs.alpha[p]! > 0) equal++
    if (alpha[p] === 255 && theirs.alpha[p] === 255) opaque++
  }
  return {
    ...interiorPsnr(theirs, mine),
    shift: Math.hypot(dx, dy),
    maskEqual: equal / (width * height),
    opaque,
  }
}

function judge(t: Test, c: Comparison, kernel: Resampling, what: string): void {
  t.ok(c.pixels > 300, `${what}: ${c.pixels} interior pixels`)
  // a position within rounding of a pixel's border is a whole pixel to nearest
  const decibels = kernel === 'nearest' ? 45 : DECIBELS_LEAST
  t.ok(c.psnr >= decibels, `${what}: ${c.psnr.toFixed(1)} dB`)
  t.ok(c.shift < SHIFT_MOST, `${what}: shifted by ${c.shift.toExponential(1)} px`)
  // GDAL's kernels of a footprint also paint up to a source pixel beyond the northern and western rim
  const least = isFootprint(kernel) ? 0.98 : 0.999
  t.ok(c.maskEqual >= least, `${what}: ${(100 * c.maskEqual).toFixed(3)} % painted alike`)
}

t.test('made-up images', { skip: withoutGdal }, async (t) => {
  // [pixel size, m; zoom]: at 40° north a pixel of zoom 18 is 0.457 m
  const cases: [number, string, MaskStyle[]][] = [
    [0.45, 'as it is', ['none', 'holes', 'soft']],
    [0.35, 'shrunk 1.3×', ['holes']],
    [0.1235, 'shrunk 3.7×', ['none', 'soft']],
    [1.5, 'enlarged 3.3×', ['holes']],
  ]
  for (const [metres, what, styles] of cases) {
    for (const style of styles) {
      const side = Math.round(80 / metres)
      // holes of single pixels would leave little interior
      const image = smoothMask(picture(side, side - 7, 3, style, 77, 0.3), style)
      const g: Geotransform = [500000, metres, 0, 4400000, 0, -metres]
      const source = memorySource(image, UTM, g, maskKindOf(style))
      const path = writeEnvi(t.testdir(), image, g, style === 'soft')
      const srs = ['-s_srs', 'EPSG:26917']
      const masks = { none: [], holes: ['-srcnodata', '0 0 0'], soft: ['-srcalpha'] }[style]
      for (const kernel of RESAMPLINGS) {
        if (kernel === 'lanczos' && metres < 0.45) continue
        const c = await compare(source, path, 18, kernel, [...srs, ...masks])
        judge(t, c, kernel, `${what}, ${style}, ${kernel}`)
      }
    }
  }
})

/** One hole instead of many; soft alpha only where the picture's style has it. */
function smoothMask(image: Pixels, style: MaskStyle): Pixels {
  if (style === 'none') return image
  const { width, height } = image
  const mask = new Uint8Array(width * height).map((_, p) => {
    const x = p % width
    const y = (p - x) / width
    if (Math.hypot(x - width * 0.3, y - height * 0.6) < height / 6) return 0
    return style === 'soft' && x > width * 0.8 ? 128 : 255
  })
  return { ...image, mask }
}

t.test('degrees, one band', { skip: withoutGdal }, async (t) => {
  const image = picture(400, 300, 1, 'none', 4, 0.3)
  const g: Geotransform = [-80, 6e-6, 0, 39.7, 0, -4.5e-6]
  const source = memorySource(image, LONLAT, g)
  const path = writeEnvi(t.testdir(), image, g, false)
  for (const kernel of RESAMPLINGS) {
    if (kernel === 'lanczos') continue
    judge(t, await compare(source, path, 18, kernel, ['-s_srs', 'EPSG:4326']), kernel, kernel)
  }
})

const REAL: [string, number, readonly Resampling[]][] = [
  ['rgb/TCI.tif', 10, ['bilinear', 'average']],
  ['rgb/RGBA.byte.tif', 9, ['nearest', 'bilinear', 'cubic', 'lanczos']],
  ['rgb/3420B_2010_328_RGB_LATLNG.tif', 15, ['bilinear']],
  ['rgb/cogeo.tif', 17, ['bilinear', 'nearest']],
  ['variants/crs_2193.tif', 17, ['bilinear', 'cubic']],
  ['variants/crs_3031.tif', 16, ['bilinear']],
  ['variants/crs_3395.tif', 18, ['bilinear']],
  ['rgb/hro_colorado/201404_13SED190110_201404_0x1500m_CL_1_mask.tif', 20, ['bilinear', 'cubic']],
]

for (const [name, zoom, kernels] of REAL) {
  const skip = withoutGdal || (sharedData === undefined && 'needs ../shared/data')
  t.test(`real: ${name}`, { skip }, async (t) => {
    const path = join(sharedData!, name)
    const source = await openGeoTiff(path)
    t.teardown(() => source.close())
    for (const kernel of kernels) {
      // the whole image at full resolution on both sides
      const full = {
        ...source,
        info: { ...source.info, levels: source.info.levels.slice(0, 1) },
        read: source.read.bind(source),
        close: source.close.bind(source),
      }
      judge(t, await compare(full, path, zoom, kernel, []), kernel, `zoom ${zoom} ${kernel}`)
    }
  })
}
