// GDAL as the independent judge: the same image warped by gdalwarp onto the same tile grid, and numbers that
// say how far two pictures are apart.
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gdal, runGdal } from './gdal-process.js'

export { withoutGdal } from './gdal-process.js'

const WORLD = 20037508.342789244

/** Whole tiles of one zoom. */
export interface TileRange {
  readonly zoom: number
  readonly tileSize: number
  readonly minX: number
  readonly minY: number
  readonly maxX: number
  readonly maxY: number
}

/** Planar-free picture: bands interleaved, alpha beside them. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly bands: number
  readonly data: Uint8Array
  readonly alpha: Uint8Array
}

/** Values instead of colours. */
export interface ValuePicture {
  readonly width: number
  readonly height: number
  readonly bands: number
  readonly values: Float32Array
  readonly alpha: Uint8Array
}

/**
 * gdalwarp of images, the last on top, onto a range of tiles. Palettes are expanded first, as our reader does.
 * @param approximation -et, pixels; 0 is exact
 */
export function gdalWarp(
  images: string | readonly string[],
  range: TileRange,
  resampling: string,
  approximation = 0,
  extra: string[] = [],
): Picture {
  const { width, height, bytes } = warpToRaw(images, range, resampling, ['-et', `${approximation}`, ...extra])
  return split(bytes, width, height, bytes.length / (width * height))
}

/** As gdalWarp, the values as 32-bit floats. */
export function gdalWarpValues(
  images: string | readonly string[],
  range: TileRange,
  resampling: string,
  approximation = 0,
  extra: string[] = [],
): ValuePicture {
  const options = ['-et', `${approximation}`, '-ot', 'Float32', ...extra]
  const { width, height, bytes } = warpToRaw(images, range, resampling, options)
  const raw = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
  const samples = raw.length / (width * height)
  const values = new Float32Array(width * height * (samples - 1))
  const alpha = new Uint8Array(width * height)
  for (let i = 0, d = 0; i < width * height; i++) {
    for (let b = 0; b < samples - 1; b++) values[d++] = raw[i * samples + b]!
    // alpha of floats is 255 too in some versions of GDAL and 1 in others
    alpha[i] = raw[i * samples + samples - 1]! > 0 ? 255 : 0
  }
  return { width, height, bands: samples - 1, values, alpha }
}

function warpToRaw(
  images: string | readonly string[],
  range: TileRange,
  resampling: string,
  options: readonly string[],
): { width: number; height: number; bytes: Buffer } {
  const dir = mkdtempSync(join(tmpdir(), 'flagstone-gdal-'))
  try {
    const { tileSize: size, zoom, minX, minY, maxX, maxY } = range
    const width = (maxX - minX + 1) * size
    const height = (maxY - minY + 1) * size
    const tileMetres = (2 * WORLD) / 2 ** zoom
    const west = -WORLD + minX * tileMetres
    const north = WORLD - minY * tileMetres
    const east = -WORLD + (maxX + 1) * tileMetres
    const south = WORLD - (maxY + 1) * tileMetres
    const list = typeof images === 'string' ? [images] : images
    const sources = list.map((image, i) => expandPalette(image, dir, i))
    const raw = join(dir, 'warped.raw')
    const name = resampling === 'nearest' ? 'near' : resampling
    const place = ['-t_srs', 'EPSG:3857', '-te', ...[west, south, east, north].map(String)]
    const form = [
      '-ts',
      `${width}`,
      `${height}`,
      '-r',
      name,
      '-dstalpha',
      '-of',
      'ENVI',
      '-co',
      'INTERLEAVE=BIP',
    ]
    gdal('gdalwarp', '-q', ...place, ...form, ...options, ...sources, raw)
    return { width, height, bytes: readFileSync(raw) }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/**
 * Warp options that tell gdalwarp how much the image shrinks. Left to itself it takes the ratio of its two
 * windows, which says little where the tiles reach far beyond the image. For images in metres.
 */
export function trueScale(image: string, zoom: number, tileSize: number): string[] {
  const info = JSON.parse(gdal('gdalinfo', '-json', image)) as {
    geoTransform: number[]
    wgs84Extent: { coordinates: [number, number][][] }
  }
  const latitudes = info.wgs84Extent.coordinates[0]!.map(([, latitude]) => latitude)
  const middle = (Math.min(...latitudes) + Math.max(...latitudes)) / 2
  const groundMetres = ((2 * WORLD) / (tileSize * 2 ** zoom)) * Math.cos((middle * Math.PI) / 180)
  const scale = info.geoTransform[1]! / groundMetres
  return ['-wo', `XSCALE=${scale}`, '-wo', `YSCALE=${scale}`]
}

const palettes = new Map<string, boolean>()

/** GDAL's word on it, asked once for a file as it is now. */
function hasPalette(image: string): boolean {
  const facts = statSync(image, { bigint: true, throwIfNoEntry: false })
  const key = `${image} ${facts?.ino} ${facts?.size} ${facts?.mtimeNs}`
  let known = facts === undefined ? undefined : palettes.get(key)
  if (known === undefined) {
    const info = JSON.parse(gdal('gdalinfo', '-json', image)) as {
      bands: { colorInterpretation: string }[]
    }
    known = info.bands[0]?.colorInterpretation === 'Palette'
    palettes.set(key, known)
  }
  return known
}

function expandPalette(image: string, dir: string, number: number): string {
  if (!hasPalette(image)) return image
  const expanded = join(dir, `rgb${number}.tif`)
  return runGdal('gdal_translate', ['-q', '-expand', 'rgb', image, expanded]).status === 0 ? expanded : image
}

/** Interleaved samples whose last one is alpha → colour and alpha. */
export function split(bytes: Uint8Array, width: number, height: number, samples: number): Picture {
  const bands = samples - 1
  const data = new Uint8Array(width * height * bands)
  const alpha = new Uint8Array(width * height)
  for (let i = 0, d = 0, s = 0; i < width * height; i++) {
    for (let b = 0; b < bands; b++) data[d++] = bytes[s++]!
    alpha[i] = bytes[s++]!
  }
  return { width, height, bands, data, alpha }
}

/** Peak signal-to-noise ratio, dB, over pixels that are opaque, with opaque neighbours, in both. */
export function interiorPsnr(a: Picture, b: Picture): { psnr: number; pixels: number } {
  let sum = 0
  let n = 0
  eachInterior(a, b, (i) => {
    for (let band = 0; band < a.bands; band++) {
      const d = a.data[i * a.bands + band]! - b.data[i * b.bands + band]!
      sum += d * d
    }
    n++
  })
  return {
    psnr: sum === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10((255 * 255 * n * a.bands) / sum),
    pixels: n,
  }
}

/** Displacement of b against a, pixels: the least-squares solution of a − b = gx·dx + gy·dy (Lucas & Kanade 1981). */
export function shiftOf(a: Picture, b: Picture): { dx: number; dy: number } {
  let xx = 0
  let xy = 0
  let yy = 0
  let xt = 0
  let yt = 0
  const w = a.width * a.bands
  eachInterior(a, b, (i) => {
    const p = i * a.bands
    const gx = (a.data[p + a.bands]! - a.data[p - a.bands]!) / 2
    const gy = (a.data[p + w]! - a.data[p - w]!) / 2
    const d = a.data[p]! - b.data[i * b.bands]!
    xx += gx * gx
    xy += gx * gy
    yy += gy * gy
    xt += gx * d
    yt += gy * d
  })
  const det = xx * yy - xy * xy
  if (det === 0) return { dx: 0, dy: 0 }
  return { dx: (yy * xt - xy * yt) / det, dy: (xx * yt - xy * xt) / det }
}

/** Of the two pictures that were asked about last: several numbers are wanted of each pair. */
let interior: { a: Picture; b: Picture; pixels: Uint32Array } | undefined

function eachInterior(a: Picture, b: Picture, visit: (index: number) => void): void {
  if (interior?.a !== a || interior.b !== b) interior = { a, b, pixels: interiorOf(a, b) }
  for (const i of interior.pixels) visit(i)
}

function interiorOf(a: Picture, b: Picture): Uint32Array {
  const { width, height } = a
  const opaque = new Uint8Array(width * height)
  for (let i = 0; i < opaque.length; i++) opaque[i] = a.alpha[i] === 255 && b.alpha[i] === 255 ? 1 : 0
  const across = new Uint8Array(width * height)
  for (let i = 1; i < across.length - 1; i++) across[i] = opaque[i - 1]! & opaque[i]! & opaque[i + 1]!
  const found = new Uint32Array(width * height)
  let n = 0
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * width + 1; i < (y + 1) * width - 1; i++)
      if ((across[i - width]! & across[i]! & across[i + width]!) === 1) found[n++] = i
  }
  return found.subarray(0, n)
}
