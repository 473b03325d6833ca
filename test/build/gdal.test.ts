// Built tiles against gdalwarp on the same tile grid with the same kernel: every tile GDAL finds non-empty
// exists, interior pixels agree at 45 dB or better, nothing is shifted by 0.1 px or more.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { build } from '../../src/pyramid/build.js'
import { decodeTile } from '../../src/raster/codec.js'
import { openTiles } from '../../src/store/paths.js'
import {
  gdalWarp,
  interiorPsnr,
  type Picture,
  shiftOf,
  type TileRange,
  trueScale,
  withoutGdal,
} from '../helpers/gdal.js'
import { fixture, sharedData } from '../helpers/paths.js'

interface Case {
  readonly image: string
  readonly resampling?: 'nearest' | 'bilinear' | 'cubic' | 'lanczos' | 'average'
  /** Below the source's own zoom, so that the kernels have to widen. */
  readonly shrink?: number
}

const shared = (path: string): string => join(sharedData ?? 'shared', path)

const CASES: Case[] = [
  { image: fixture('ortho.tif') },
  { image: shared('rgb/RGB.byte.tif') },
  { image: shared('rgb/RGB.byte.tif'), resampling: 'cubic' },
  { image: shared('rgb/RGB.byte.tif'), resampling: 'lanczos' },
  { image: shared('rgb/RGB.byte.tif'), resampling: 'cubic', shrink: 2 },
  { image: shared('rgb/RGB.byte.tif'), resampling: 'average', shrink: 2 },
  { image: shared('rgb/RGBA.byte.tif') },
  { image: shared('rgb/cogeo.tif') },
  { image: shared('rgb/osmgrey.tif') },
  { image: shared('rgb/3420B_2010_328_RGB_LATLNG.tif') },
  { image: shared('rgb/TCI.tif') },
  { image: shared('rgb/world.rgb.tif') },
  { image: shared('rgb/shade.tif') },
  ...['', '_alpha', '_extmask', '_mask', '_nodata'].map((kind) => ({
    image: shared(`rgb/hro_colorado/201404_13SED190110_201404_0x1500m_CL_1${kind}.tif`),
  })),
  // A minute each: asked for by FLAGSTONE_SLOW=1.
  ...(process.env.FLAGSTONE_SLOW === '1' ? [{ image: shared('bench8192_utm17_jpeg90.tif') }] : []),
]

const TILE = 256

/** The deepest zoom of a tile file as one picture, transparent where there is no tile. */
async function pictureOf(path: string): Promise<{ picture: Picture; range: TileRange; has: Set<string> }> {
  const reader = openTiles(path)
  const zoom = reader.levels().at(-1)!.zoom
  const tiles = [...reader.tiles({ zoom })]
  const range: TileRange = {
    zoom,
    tileSize: TILE,
    minX: Math.min(...tiles.map((tile) => tile.x)),
    maxX: Math.max(...tiles.map((tile) => tile.x)),
    minY: Math.min(...tiles.map((tile) => tile.y)),
    maxY: Math.max(...tiles.map((tile) => tile.y)),
  }
  const width = (range.maxX - range.minX + 1) * TILE
  const height = (range.maxY - range.minY + 1) * TILE
  let picture:
    | { width: number; height: number; bands: number; data: Uint8Array; alpha: Uint8Array }
    | undefined
  for (const { x, y } of tiles) {
    const pixels = await decodeTile(reader.get(zoom, x, y)!.bytes)
    // A tile may be grey where its neighbour has colours: three bands are enough for all.
    picture ??= {
      width,
      height,
      bands: 3,
      data: new Uint8Array(width * height * 3),
      alpha: new Uint8Array(width * height),
    }
    for (let row = 0; row < TILE; row++) {
      for (let col = 0; col < TILE; col++) {
        const from = row * TILE + col
        const to = ((y - range.minY) * TILE + row) * width + (x - range.minX) * TILE + col
        for (let b = 0; b < 3; b++)
          picture.data[to * 3 + b] = pixels.data[from * pixels.bands + (pixels.bands === 3 ? b : 0)]!
        picture.alpha[to] = pixels.mask === undefined ? 255 : pixels.mask[from]!
      }
    }
  }
  const has = new Set(tiles.map((tile) => `${tile.x}/${tile.y}`))
  reader.close()
  return { picture: picture!, range, has }
}

/** Grey answers of GDAL as RGB, to compare with ours. */
function asRgb(p: Picture): Picture {
  if (p.bands === 3) return p
  const data = new Uint8Array(p.width * p.height * 3)
  for (let i = 0; i < p.width * p.height; i++) data.fill(p.data[i * p.bands]!, i * 3, i * 3 + 3)
  return { ...p, bands: 3, data }
}

/** Tiles of a ring wider than ours in which GDAL finds something and we have nothing. */
function missingTiles(gdal: Picture, range: TileRange, has: Set<string>): string[] {
  const missing: string[] = []
  for (let ty = 0; ty < gdal.height / TILE; ty++) {
    for (let tx = 0; tx < gdal.width / TILE; tx++) {
      let found = false
      for (let row = 0; row < TILE && !found; row++) {
        const at = (ty * TILE + row) * gdal.width + tx * TILE
        found = gdal.alpha.subarray(at, at + TILE).some((a) => a > 0)
      }
      if (found && !has.has(`${range.minX + tx}/${range.minY + ty}`))
        missing.push(`${range.minX + tx}/${range.minY + ty}`)
    }
  }
  return missing
}

/** The range with a ring of one tile around it, inside the world. */
function wider(range: TileRange): TileRange {
  const last = 2 ** range.zoom - 1
  return {
    ...range,
    minX: Math.max(0, range.minX - 1),
    minY: Math.max(0, range.minY - 1),
    maxX: Math.min(last, range.maxX + 1),
    maxY: Math.min(last, range.maxY + 1),
  }
}

async function check(t: Test, { image, resampling = 'bilinear', shrink = 0 }: Case): Promise<void> {
  const out = join(t.testdir(), 'out.pmtiles')
  const options = { sources: [image], out, format: 'png' as const, lossless: true, resampling, threads: 1 }
  let report = await build(options)
  if (shrink > 0) report = await build({ ...options, maxZoom: report.maxZoom - shrink, overwrite: true })
  const { picture, range, has } = await pictureOf(out)
  const ring = wider(range)
  // A pixel is empty when all its bands are nodata; gdalwarp's default leaves single bands out of a pixel as well.
  const unified = ['-wo', 'UNIFIED_SRC_NODATA=YES']
  const extra = shrink > 0 ? [...unified, ...trueScale(image, range.zoom, TILE)] : unified
  t.same(missingTiles(gdalWarp(image, ring, resampling, 0, extra), ring, has), [], 'no tile is missing')
  const gdal = asRgb(gdalWarp(image, range, resampling, 0, extra))
  const { psnr, pixels } = interiorPsnr(gdal, picture)
  const { dx, dy } = shiftOf(gdal, picture)
  t.ok(pixels > 1000, `${pixels} interior pixels were compared`)
  t.ok(psnr >= 45, `${psnr.toFixed(1)} dB at zoom ${range.zoom}`)
  t.ok(Math.hypot(dx, dy) < 0.1, `shift ${dx.toFixed(3)}, ${dy.toFixed(3)} px`)
}

for (const c of CASES) {
  const skip = withoutGdal || (existsSync(c.image) ? false : 'needs the shared data')
  const name = `${c.image.split('/').at(-1)} ${c.resampling ?? 'bilinear'}${c.shrink ? ` ${c.shrink} zooms below its own` : ''}`
  t.test(name, { skip }, (t) => check(t, c))
}
