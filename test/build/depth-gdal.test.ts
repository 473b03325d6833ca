// Three depths in one build, of different CRS, partly overlapping, with irregular nodata, beside gdalwarp of the same
// files: exactly the tiles of the rule; every tile what gdalwarp makes of the sources at its zoom, and its average
// above; and no step where the depth changes that a uniform build does not have.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import type { Resampling } from '../../src/raster/pixels.js'
import { withoutGdal } from '../helpers/gdal.js'
import { gdal } from '../helpers/gdal-process.js'
import { isLong } from '../helpers/rounds.js'
import { smallTiff } from '../helpers/small-tiff.js'
import {
  compareTiles,
  type Grid,
  halveGrid,
  parentsOf,
  readGrids,
  tilesInside,
  warpTile,
} from './depth-grids.js'

interface Made {
  readonly path: string
  readonly zoom: number
}

interface Place {
  readonly zoom: number
  readonly crs: string
  /** Metres, or degrees, of a pixel. */
  readonly size: number
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  /** Discs without data: x, y, radius in pixels. */
  readonly holes: readonly (readonly [number, number, number])[]
}

const MIN_ZOOM = 9
const MAX_ZOOM = 19

/** Around 9° E 47° N: 30 m in degrees, 2 m in UTM, 0.2 m in the grids of Germany and of Switzerland. */
const METRES_E = 1 / (111_320 * Math.cos((47 * Math.PI) / 180))
const PLACES: readonly Place[] = [
  {
    ...{ zoom: 12, crs: 'EPSG:4326', size: 30 * METRES_E, left: 8.9, top: 47.06, width: 460, height: 330 },
    holes: [
      [255, 188, 60],
      [40, 300, 90],
    ],
  },
  {
    ...{ zoom: 16, crs: 'EPSG:32632', size: 2, left: 499_400, top: 5_205_900, width: 620, height: 530 },
    holes: [
      [400, 130, 75],
      [610, 520, 140],
      [0, 0, 100],
    ],
  },
  {
    ...{ zoom: 19, crs: 'EPSG:25832', size: 0.2, left: 499_960, top: 5_205_500, width: 700, height: 560 },
    holes: [
      [500, 90, 120],
      [330, 350, 60],
    ],
  },
  {
    ...{ zoom: 19, crs: 'EPSG:3035', size: 0.2, left: 4_245_070, top: 2_654_640, width: 520, height: 500 },
    holes: [[520, 250, 130]],
  },
]

type Value = (place: Place, x: number, y: number, band: number) => number

/** Waves of a dozen pixels of the source, so that a shift of a tenth of a pixel is seen. */
const detailed: Value = (_, x, y, band) =>
  128 + 50 * Math.sin(x / (2.1 + band / 3) + y / 5) + 50 * Math.cos(y / (1.9 + band / 4) - x / 9)

/** Where 9° E 47° N lies, near enough. */
const ORIGIN_3035 = [4_244_883, 2_654_702] as const

/** Waves on the ground that all sources agree on. */
const smooth: Value = ({ crs, size, left, top }, x, y, band) => {
  const isDegrees = crs === 'EPSG:4326'
  const [u, v] = [left + (x + 0.5) * size, top - (y + 0.5) * size]
  const east = isDegrees ? (u - 9) / METRES_E : crs === 'EPSG:3035' ? u - ORIGIN_3035[0] : u - 500_000
  const north = isDegrees ? (v - 47) * 111_160 : crs === 'EPSG:3035' ? v - ORIGIN_3035[1] : v - 5_205_164
  return 128 + 55 * Math.sin(east / (240 + 30 * band)) + 55 * Math.cos(north / 260 + east / 500)
}

/** The files. Heights are 500 and more. */
function make(dir: string, name: string, value: Value, isTerrain: boolean): Made[] {
  return PLACES.map((place, i) => {
    const { zoom, crs, size, left, top, width, height, holes } = place
    const isHole = (x: number, y: number): boolean =>
      holes.some(([cx, cy, r]) => Math.hypot(x - cx, y - cy) + 6 * Math.sin(x / 7) < r)
    const paint = (x: number, y: number, band: number): number => {
      if (isHole(x, y)) return 0
      const shown = Math.max(1, Math.round(value(place, x, y, band)))
      return isTerrain ? 500 + shown : shown
    }
    const raw = join(dir, `${name}${i}-raw.tif`)
    const kind = isTerrain ? { bands: 1, wide: true } : { bands: 3 }
    writeFileSync(raw, smallTiff({ ...kind, width, height, paint }).bytes)
    const path = join(dir, `${name}${i}.tif`)
    const corners = [left, top, left + width * size, top - height * size].map(String)
    const type = isTerrain ? ['-ot', 'Float32'] : []
    gdal('gdal_translate', '-q', ...type, '-a_srs', crs, '-a_ullr', ...corners, '-a_nodata', '0', raw, path)
    return { path, zoom }
  })
}

interface Case {
  readonly resampling: Resampling
  readonly isTerrain?: boolean
}

const nameOf = ({ resampling, isTerrain }: Case): string =>
  `${isTerrain === true ? 'heights' : 'colours'}, ${resampling}`

const optionsOf = ({ resampling, isTerrain }: Case, sources: readonly Made[], out: string): BuildOptions => ({
  sources: sources.map(({ path }) => path),
  out,
  resampling,
  depth: 'native',
  minZoom: MIN_ZOOM,
  threads: 0,
  ...(isTerrain === true ? { terrain: 'terrarium' } : { format: 'png' }),
})

async function check(t: Test, one: Case): Promise<void> {
  const dir = t.testdir()
  const isTerrain = one.isTerrain === true
  const sources = make(dir, 'detailed', detailed, isTerrain)
  const out = join(dir, 'out.pmtiles')
  await build(optionsOf(one, sources, out))
  const found = await readGrids(out)

  // which tiles
  const wanted = new Set<string>()
  for (const { path, zoom } of sources)
    for (const key of tilesInside(path, zoom, one.resampling))
      for (const tile of parentsOf(key, MIN_ZOOM)) wanted.add(tile)
  t.same([...found.keys()].sort(), [...wanted].sort(), `${wanted.size} tiles, those of the rule`)

  // what they show
  const expected = new Map<string, Grid>()
  const files = sources.map(({ path }) => path)
  for (let zoom = MAX_ZOOM; zoom >= MIN_ZOOM; zoom--) {
    const keys = [...wanted].filter((key) => key.startsWith(`${zoom}/`))
    for (const key of keys) expected.set(key, expectedTile(key, expected, files, one.resampling))
    const { psnr, worst, pixels, coverage } = compareTiles(keys, found, expected)
    const said = `zoom ${zoom}: ${psnr.toFixed(1)} dB, ${worst.toFixed(1)} at most, ${keys.length} tiles`
    t.ok(psnr >= (isTerrain ? 90 : 45), said)
    t.ok(pixels > 3000 && coverage < 0.001, `zoom ${zoom}: ${coverage} of ${pixels} only in one`)
  }
}

/** Quarters with a child are its average; the others are warped at the zoom of the tile. */
function expectedTile(
  key: string,
  below: ReadonlyMap<string, Grid>,
  files: readonly string[],
  resampling: Resampling,
): Grid {
  const [z, x, y] = key.split('/').map(Number) as [number, number, number]
  const children = [0, 1, 2, 3].map((k) => below.get(`${z + 1}/${2 * x + (k & 1)}/${2 * y + (k >> 1)}`))
  const isWhole = children.every((child) => child !== undefined)
  const tile = isWhole ? halveGrid(children[0]!) : warpTile(files, z, x, y, resampling)
  const out = isWhole
    ? { ...tile, values: new Float32Array(tile.bands << 16), mask: new Uint8Array(65536) }
    : tile
  for (const [k, child] of children.entries()) {
    if (child === undefined) continue
    const quarter = halveGrid(child)
    const corner = (k >> 1) * 128 * 256 + (k & 1) * 128
    for (let p = 0; p < 128 * 128; p++) {
      const to = corner + (p >> 7) * 256 + (p & 127)
      out.mask[to] = quarter.mask[p]!
      for (let b = 0; b < out.bands; b++) out.values[to * out.bands + b] = quarter.values[p * out.bands + b]!
    }
  }
  return out
}

/** Where all sources have an edge, small enough to be built to the deepest zoom throughout. */
const BBOX: [number, number, number, number] = [8.9987, 46.999, 9.0033, 47.0072]

async function checkSteps(t: Test, one: Case, overviewResampling: Resampling): Promise<void> {
  const dir = t.testdir()
  const sources = make(dir, 'smooth', smooth, one.isTerrain === true)
  const grids = []
  for (const depth of ['native', 'uniform'] as const) {
    const out = join(dir, `${depth}.pmtiles`)
    const options = { ...optionsOf(one, sources, out), bbox: BBOX, depth, overviewResampling }
    await build(options)
    grids.push(await readGrids(out))
  }
  const [mixed, uniform] = grids as [Map<string, Grid>, Map<string, Grid>]
  t.ok(mixed.size < uniform.size / 2, `${mixed.size} tiles, ${uniform.size} if uniform`)
  // above, the box is a few pixels, whose edges each zoom rounds to pixels of its own
  for (let zoom = MIN_ZOOM + 2; zoom <= MAX_ZOOM; zoom++) {
    const keys = [...mixed.keys()].filter((key) => key.startsWith(`${zoom}/`))
    const { psnr, worst } = compareTiles(keys, mixed, uniform)
    t.ok(psnr >= 45 && worst <= 3, `zoom ${zoom}: ${psnr.toFixed(1)} dB, ${worst.toFixed(1)} at most`)
  }
}

const cases: readonly Case[] = [
  { resampling: 'cubic' },
  { resampling: 'bilinear', isTerrain: true },
  ...(isLong
    ? ([
        { resampling: 'bilinear' },
        { resampling: 'lanczos' },
        { resampling: 'cubic', isTerrain: true },
      ] as const)
    : []),
]
for (const one of cases) {
  t.test(`as gdalwarp: ${nameOf(one)}`, { skip: withoutGdal }, (t) => check(t, one))
}

const stepCases: readonly (readonly [Case, Resampling])[] = [
  [{ resampling: 'bilinear' }, 'lanczos'],
  ...(isLong
    ? ([
        [{ resampling: 'cubic', isTerrain: true }, 'bilinear'],
        [{ resampling: 'bilinear' }, 'average'],
        [{ resampling: 'lanczos' }, 'cubic'],
        [{ resampling: 'bilinear', isTerrain: true }, 'lanczos'],
      ] as const)
    : []),
]
for (const [one, overviews] of stepCases) {
  const name = `no step that a uniform build does not have: ${nameOf(one)}, overviews ${overviews}`
  t.test(name, { skip: withoutGdal }, (t) => checkSteps(t, one, overviews))
}
