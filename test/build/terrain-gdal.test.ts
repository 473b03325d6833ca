// Heights of terrain builds against gdalwarp: every decoded base tile within a step of the exact warp, the same
// pixels valid, no tile missing; overviews against averages of the base's heights.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import type { Pixels, Resampling } from '../../src/raster/pixels.js'
import { decodeHeights, isTerrainRgb, type TerrainEncoding } from '../../src/raster/tiles/terrain.js'
import { openTiles } from '../../src/store/read/open.js'
import { gdalWarpValues, type TileRange, withoutGdal } from '../helpers/gdal.js'
import { sharedData } from '../helpers/paths.js'

const TILE = 256

interface Case {
  readonly dem: string
  readonly terrain: TerrainEncoding
  readonly resampling?: Resampling
  readonly options?: Partial<BuildOptions>
}

const STEP: Record<TerrainEncoding, number> = {
  mapbox: 0.1,
  terrarium: 1 / 256,
  int16: 0.25,
  float32: 1 / 512,
}

const CASES: Case[] = [
  { dem: 'dem.tif', terrain: 'mapbox', resampling: 'cubic' },
  { dem: 'dem.tif', terrain: 'terrarium' },
  { dem: 'dem.tif', terrain: 'float32', resampling: 'cubicspline' },
  // gdalwarp's lanczos is a centimetre off itself where a position is a hair from a pixel's centre
  { dem: 'dem.tif', terrain: 'mapbox', resampling: 'lanczos' },
  { dem: 'dem25.tif', terrain: 'terrarium' },
  { dem: 'dem25.tif', terrain: 'mapbox', resampling: 'cubic' },
  { dem: 'nz_elev.tif', terrain: 'mapbox' },
  { dem: 'nz_elev.tif', terrain: 'terrarium', resampling: 'cubic' },
  { dem: 'qgis_SRTM_more.tif', terrain: 'terrarium' },
  { dem: 'qgis_SRTM_more.tif', terrain: 'int16', resampling: 'nearest' },
  {
    dem: 'dem_int16_utm34s.tif',
    terrain: 'terrarium',
    resampling: 'cubic',
    options: { bbox: [18.35, -33.95, 18.5, -33.85] },
  },
  { dem: 'dem_int16_utm34s.tif', terrain: 'mapbox', options: { bbox: [18.3, -34.25, 18.45, -34.1] } },
]

type Heights = Map<string, Pixels<Float32Array>>

/** Every tile's heights by z/x/y. */
async function heightsOf(path: string): Promise<{ tiles: Heights; zooms: number[] }> {
  const reader = openTiles(path)
  const { encoding } = reader.metadata()
  const tiles: Heights = new Map()
  for (const { z, x, y } of [...reader.tiles()]) {
    const { bytes } = reader.get(z, x, y)!
    tiles.set(`${z}/${x}/${y}`, await decodeHeights(bytes, isTerrainRgb(encoding) ? encoding : undefined))
  }
  const zooms = reader.levels().map((level) => level.zoom)
  reader.close()
  return { tiles, zooms }
}

function rangeOf(tiles: Heights, zoom: number): TileRange {
  const places = [...tiles.keys()].map((key) => key.split('/').map(Number)).filter(([z]) => z === zoom)
  const xs = places.map(([, x]) => x!)
  const ys = places.map(([, , y]) => y!)
  return {
    zoom,
    tileSize: TILE,
    minX: Math.min(...xs),
    minY: Math.min(...ys),
    maxX: Math.max(...xs),
    maxY: Math.max(...ys),
  }
}

interface Difference {
  pixels: number
  worst: number
  /** Valid in one only. */
  flips: number
  missing: string[]
}

function compare(tiles: Heights, image: string, range: TileRange, resampling: Resampling): Difference {
  const warped = gdalWarpValues(image, range, resampling)
  const found: Difference = { pixels: 0, worst: 0, flips: 0, missing: [] }
  for (let y = range.minY; y <= range.maxY; y++) {
    for (let x = range.minX; x <= range.maxX; x++) {
      const tile = tiles.get(`${range.zoom}/${x}/${y}`)
      let isPainted = false
      for (let p = 0; p < TILE * TILE; p++) {
        const row = (y - range.minY) * TILE + Math.floor(p / TILE)
        const at = row * warped.width + (x - range.minX) * TILE + (p % TILE)
        const isValid = warped.alpha[at]! > 0
        if (isValid) isPainted = true
        if (tile === undefined) continue
        const isOurs = tile.mask === undefined || tile.mask[p]! > 0
        if (isOurs !== isValid) found.flips++
        if (!isOurs || !isValid) continue
        found.pixels++
        found.worst = Math.max(found.worst, Math.abs(tile.data[p]! - warped.values[at]!))
      }
      if (tile === undefined && isPainted) found.missing.push(`${range.zoom}/${x}/${y}`)
    }
  }
  return found
}

/** The worst difference between overviews and averages of the valid heights below, and places that differ. */
function compareOverviews(tiles: Heights, zooms: readonly number[]): { worst: number; flips: number } {
  let worst = 0
  let flips = 0
  // averages of averages, each rounded only when it is written: so compare with the stored level below
  for (const [key, tile] of tiles) {
    const [z, x, y] = key.split('/').map(Number) as [number, number, number]
    if (z === zooms.at(-1)) continue
    const children = [0, 1, 2, 3].map((k) => tiles.get(`${z + 1}/${2 * x + (k & 1)}/${2 * y + (k >> 1)}`))
    for (let p = 0; p < TILE * TILE; p++) {
      const px = (p % TILE) * 2
      const py = Math.floor(p / TILE) * 2
      const child = children[2 * (py >> 8) + (px >> 8)]
      let sum = 0
      let n = 0
      for (let k = 0; child !== undefined && k < 4; k++) {
        const at = ((py & 255) + (k >> 1)) * TILE + (px & 255) + (k & 1)
        if (child.mask !== undefined && child.mask[at] === 0) continue
        sum += child.data[at]!
        n++
      }
      const isOurs = tile.mask === undefined || tile.mask[p]! > 0
      if (isOurs !== n > 0) flips++
      else if (isOurs) worst = Math.max(worst, Math.abs(tile.data[p]! - sum / n))
    }
  }
  return { worst, flips }
}

/** The tiles of a range that lie wholly inside a bbox. */
function inside(range: TileRange, [w, s, e, n]: readonly [number, number, number, number]): TileRange {
  const scale = 2 ** range.zoom
  const tileX = (lon: number): number => ((lon + 180) / 360) * scale
  const tileY = (lat: number): number =>
    ((1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI) / 2) * scale
  return {
    ...range,
    minX: Math.ceil(tileX(w)),
    maxX: Math.floor(tileX(e)) - 1,
    minY: Math.ceil(tileY(n)),
    maxY: Math.floor(tileY(s)) - 1,
  }
}

async function check(t: Test, c: Case): Promise<void> {
  const { dem, terrain, resampling = 'bilinear', options } = c
  const out = join(t.testdir(), 'out.pmtiles')
  const image = join(sharedData!, 'dem', dem)
  // finer than the source: there gdalwarp's kernels do not depend on how it cuts its work
  const report = await build({
    threads: 0,
    zoomLevelStrategy: 'upper',
    ...options,
    sources: [image],
    out,
    terrain,
    resampling,
  })
  const { tiles, zooms } = await heightsOf(out)
  t.equal(tiles.size, report.tiles)
  const whole = rangeOf(tiles, zooms.at(-1)!)
  const range = options?.bbox === undefined ? whole : inside(whole, options.bbox as never)
  const found = compare(tiles, image, range, resampling)
  t.same(found.missing, [], 'no tile is missing')
  t.ok(found.pixels > 10000, `${found.pixels} heights compared`)
  t.ok(found.worst <= STEP[terrain], `within ${found.worst.toFixed(5)} m of gdalwarp at zoom ${range.zoom}`)
  t.equal(found.flips, 0, 'the same pixels have a height')
  const above = compareOverviews(tiles, zooms)
  t.ok(
    above.worst <= STEP[terrain] * 1.001 + 0.001,
    `overviews within ${above.worst.toFixed(5)} m of averages`,
  )
  t.equal(above.flips, 0, 'overviews have a height where one of four has')
}

for (const c of CASES) {
  const isThere = sharedData !== undefined && existsSync(join(sharedData, 'dem', c.dem))
  const skip = withoutGdal || (isThere ? false : 'needs the shared data')
  t.test(`${c.dem} ${c.terrain} ${c.resampling ?? 'bilinear'}`, { skip }, (t) => check(t, c))
}
