// A build beside gdalwarp on the same tile grid with the same kernel: what differs, as numbers.

import type { BuildOptions } from '../../src/pyramid/build.js'
import { build } from '../../src/pyramid/build.js'
import { parseBuildOptions } from '../../src/pyramid/options.js'
import { prepare } from '../../src/pyramid/prepare.js'
import type { BuildReport } from '../../src/pyramid/report.js'
import { decodeTile } from '../../src/raster/tiles/codec.js'
import { openTiles } from '../../src/store/read/open.js'
import {
  gdalWarp,
  gdalWarpValues,
  interiorPsnr,
  type Picture,
  shiftOf,
  type TileRange,
  trueScale,
  type ValuePicture,
} from './gdal.js'

const TILE = 256
/** Of GDAL's positions, pixels: a hundredth of what is asked of ours. Exact ones take it up to twelve times as long. */
const APPROXIMATION = 0.001

export interface Comparison {
  readonly report: BuildReport
  readonly zoom: number
  /** x/y of tiles in which GDAL finds something and we have nothing, our range and a ring of one tile around it. */
  readonly missing: readonly string[]
  /** dB over interior pixels, and how many those are. */
  readonly psnr: number
  readonly pixels: number
  /** Of ours against GDAL's, pixels. */
  readonly shift: number
  /** Pixels that only one of both paints, of the pixels that both paint. */
  readonly coverage: number
}

export interface ComparedBuild {
  readonly sources: readonly string[]
  readonly out: string
  readonly options?: Partial<BuildOptions>
  /** Below the source's own zoom, so that the kernels have to widen. */
  readonly shrink?: number
  /** What GDAL warps instead of the sources: 8-bit pictures of 16-bit ones, and the like. */
  readonly gdalSources?: (report: BuildReport) => readonly string[]
  readonly gdalOptions?: readonly string[]
  /** GDAL's values → 0…255 after its warp, as our tone does before ours. */
  readonly gdalStretch?: readonly [min: number, max: number]
}

/** The deepest zoom of a tile file as one picture, transparent where there is no tile. */
async function pictureOf(path: string): Promise<{ picture: Picture; range: TileRange; has: Set<string> }> {
  const reader = openTiles(path)
  const zoom = reader.levels().at(-1)!.zoom
  const all = [...reader.tiles({ zoom })]
  // On both sides of the antimeridian: the picture of one of them is enough, that of the world too large.
  const east = all.filter((tile) => tile.x >= 2 ** (zoom - 1))
  const crosses = zoom > 6 && east.length > 0 && all.some((tile) => tile.x === 0)
  const tiles = crosses ? east : all
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
  for (let i = 0, d = 0; i < p.width * p.height; i++) {
    const grey = p.data[i * p.bands]!
    data[d++] = grey
    data[d++] = grey
    data[d++] = grey
  }
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
        for (let col = 0; col < TILE && !found; col++) found = gdal.alpha[at + col]! > 0
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

/** What is compared are the pixels as they were painted. */
export const LOSSLESS = { format: 'png', lossless: true } as const

/** The deepest zoom that these options build. */
export const deepestOf = async (options: BuildOptions): Promise<number> =>
  (await prepare(parseBuildOptions(options), {})).plan.maxZoom

/** Builds the deepest zoom, has GDAL do the same, and compares. */
export async function compareBuild(job: ComparedBuild): Promise<Comparison> {
  const { out, shrink = 0 } = job
  const options: BuildOptions = {
    ...LOSSLESS,
    threads: 0,
    ...job.options,
    sources: [...job.sources],
    out,
  }
  const deepest = (await deepestOf(options)) - shrink
  const report = await build({ ...options, minZoom: deepest, maxZoom: deepest })
  const { picture, range, has } = await pictureOf(out)
  const images = job.gdalSources?.(report) ?? job.sources
  const resampling = options.resampling ?? 'bilinear'
  // A pixel is empty when all its bands are nodata; gdalwarp's default leaves single bands out of a pixel as well.
  const unified = ['-wo', 'UNIFIED_SRC_NODATA=YES', ...(job.gdalOptions ?? [])]
  const extra = shrink > 0 ? [...unified, ...trueScale(images[0]!, range.zoom, TILE)] : unified
  const ring = wider(range)
  const around = asRgb(
    job.gdalStretch === undefined
      ? gdalWarp(images, ring, resampling, APPROXIMATION, extra)
      : stretched(gdalWarpValues(images, ring, resampling, APPROXIMATION, extra), job.gdalStretch),
  )
  const gdal = cropRing(around, ring, range)
  const { psnr, pixels } = interiorPsnr(gdal, picture)
  const { dx, dy } = shiftOf(gdal, picture)
  return {
    report,
    zoom: range.zoom,
    missing: missingTiles(around, ring, has),
    psnr,
    pixels,
    shift: Math.hypot(dx, dy),
    coverage: coverageDifference(gdal, picture),
  }
}

function stretched(from: ValuePicture, [min, max]: readonly [number, number]): Picture {
  const { width, height, bands, alpha } = from
  // a clamped array rounds and clamps
  const data = new Uint8ClampedArray(from.values.length)
  for (let i = 0; i < data.length; i++) data[i] = ((from.values[i]! - min) / (max - min)) * 255
  return { width, height, bands, data: new Uint8Array(data.buffer), alpha }
}

/** The part of the ring's picture that lies in the range. */
function cropRing(from: Picture, ring: TileRange, range: TileRange): Picture {
  const left = (range.minX - ring.minX) * TILE
  const top = (range.minY - ring.minY) * TILE
  const width = (range.maxX - range.minX + 1) * TILE
  const height = (range.maxY - range.minY + 1) * TILE
  const data = new Uint8Array(width * height * 3)
  const alpha = new Uint8Array(width * height)
  for (let row = 0; row < height; row++) {
    const at = (top + row) * from.width + left
    data.set(from.data.subarray(at * 3, (at + width) * 3), row * width * 3)
    alpha.set(from.alpha.subarray(at, at + width), row * width)
  }
  return { width, height, bands: 3, data, alpha }
}

function coverageDifference(a: Picture, b: Picture): number {
  let both = 0
  let one = 0
  for (let i = 0; i < a.alpha.length; i++) {
    const inA = a.alpha[i]! > 0
    const inB = b.alpha[i]! > 0
    if (inA && inB) both++
    else if (inA || inB) one++
  }
  return both === 0 ? one : one / both
}
