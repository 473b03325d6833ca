// Tiles as values with a mask: of a build, of gdalwarp, and halved.
import type { Pixels, Resampling } from '../../src/raster/pixels.js'
import { decodeTile } from '../../src/raster/tiles/codec.js'
import { decodeHeights, isTerrainRgb } from '../../src/raster/tiles/terrain.js'
import { openTiles } from '../../src/store/read/open.js'
import { gdalWarpValues, type TileRange } from '../helpers/gdal.js'
import { gdal } from '../helpers/gdal-process.js'

/** Side of a tile. */
const TILE = 256

export interface Grid {
  readonly bands: number
  /** By pixel, then by band. */
  readonly values: Float32Array
  readonly mask: Uint8Array
}

/** gdalwarp's kernels are as wide as they are at the images' own zooms: what a tile shows directly is no finer. */
const OPTIONS = ['-wo', 'UNIFIED_SRC_NODATA=YES', '-wo', 'XSCALE=1', '-wo', 'YSCALE=1']

function warp(files: readonly string[], range: TileRange, resampling: Resampling) {
  return gdalWarpValues(files, range, resampling, 0, OPTIONS)
}

/** A tile of images, the last on top. */
export function warpTile(
  files: readonly string[],
  zoom: number,
  x: number,
  y: number,
  resampling: Resampling,
): Grid {
  const range = { zoom, tileSize: TILE, minX: x, maxX: x, minY: y, maxY: y }
  const { bands, values, alpha } = warp(files, range, resampling)
  return { bands, values, mask: alpha }
}

/** z/x/y of the tiles in which an image has a pixel. */
export function tilesInside(file: string, zoom: number, resampling: Resampling): Set<string> {
  const { wgs84Extent } = JSON.parse(gdal('gdalinfo', '-json', file)) as {
    wgs84Extent: { coordinates: [number, number][][] }
  }
  const scale = 2 ** zoom
  const corners = wgs84Extent.coordinates[0]!
  const xs = corners.map(([lon]) => Math.floor(((lon + 180) / 360) * scale))
  const ys = corners.map(([, lat]) =>
    Math.floor(((1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI) / 2) * scale),
  )
  // a ring around it
  const range = {
    zoom,
    tileSize: TILE,
    minX: Math.min(...xs) - 1,
    maxX: Math.max(...xs) + 1,
    minY: Math.min(...ys) - 1,
    maxY: Math.max(...ys) + 1,
  }
  const { width, alpha } = warp([file], range, resampling)
  const found = new Set<string>()
  for (const [i, value] of alpha.entries()) {
    if (value === 0) continue
    const row = Math.floor(i / width)
    found.add(`${zoom}/${range.minX + ((i - row * width) >> 8)}/${range.minY + (row >> 8)}`)
  }
  return found
}

/** A tile and the tiles above it, down to a zoom. */
export function parentsOf(key: string, minZoom: number): string[] {
  const [zoom, x, y] = key.split('/').map(Number) as [number, number, number]
  const all: string[] = []
  for (let z = zoom; z >= minZoom; z--) all.push(`${z}/${x >> (zoom - z)}/${y >> (zoom - z)}`)
  return all
}

/** Every tile of a file: heights, or three bands of colour. */
export async function readGrids(path: string): Promise<Map<string, Grid>> {
  const reader = openTiles(path)
  const { encoding } = reader.metadata()
  const found = new Map<string, Grid>()
  for (const { z, x, y } of [...reader.tiles()]) {
    const { bytes } = reader.get(z, x, y)!
    const pixels: Pixels | Pixels<Float32Array> = isTerrainRgb(encoding)
      ? await decodeHeights(bytes, encoding)
      : await decodeTile(bytes)
    const { bands, data, mask } = pixels
    found.set(`${z}/${x}/${y}`, {
      bands,
      values: Float32Array.from(data),
      mask: mask === undefined ? new Uint8Array(TILE * TILE).fill(255) : Uint8Array.from(mask),
    })
  }
  reader.close()
  return found
}

/** A quarter of a tile: the mean of the valid ones of four pixels. */
export function halveGrid({ bands, values, mask }: Grid): Grid {
  const side = TILE / 2
  const out = { bands, values: new Float32Array(side * side * bands), mask: new Uint8Array(side * side) }
  for (let p = 0; p < side * side; p++) {
    const at = 2 * Math.floor(p / side) * TILE + 2 * (p % side)
    const valid = [at, at + 1, at + TILE, at + TILE + 1].filter((i) => mask[i] !== 0)
    if (valid.length === 0) continue
    out.mask[p] = 255
    for (let b = 0; b < bands; b++) {
      let sum = 0
      for (const i of valid) sum += values[i * bands + b]!
      out.values[p * bands + b] = sum / valid.length
    }
  }
  return out
}

export interface Difference {
  /** Where both have a pixel, of a peak of 255. */
  readonly psnr: number
  readonly worst: number
  readonly pixels: number
  /** Pixels that only one has, of those that both have. */
  readonly coverage: number
}

export function compareTiles(
  keys: Iterable<string>,
  found: ReadonlyMap<string, Grid>,
  expected: ReadonlyMap<string, Grid>,
): Difference {
  let [squares, worst, pixels, values, single] = [0, 0, 0, 0, 0]
  for (const key of keys) {
    const [a, b] = [found.get(key), expected.get(key)]
    if (a === undefined || b === undefined) continue
    for (let p = 0; p < TILE * TILE; p++) {
      const both = (a.mask[p] !== 0 ? 1 : 0) + (b.mask[p] !== 0 ? 1 : 0)
      if (both === 1) single++
      if (both !== 2) continue
      pixels++
      for (let band = 0; band < b.bands; band++) {
        const off = Math.abs(a.values[p * a.bands + (band % a.bands)]! - b.values[p * b.bands + band]!)
        worst = Math.max(worst, off)
        squares += off * off
        values++
      }
    }
  }
  return {
    psnr: 10 * Math.log10((255 * 255 * values) / Math.max(squares, 1e-9)),
    worst,
    pixels,
    coverage: single / pixels,
  }
}
