// Any raster held against what GDAL reads from it: places, values in the whole and in random windows, masks, and
// colours of pictures. Files are made by gdal_translate from the fixture.

import { join } from 'node:path'
import type { Test } from 'tap'
import { openRaster } from '../../src/raster/open.js'
import type { OpenOptions } from '../../src/raster/open-options.js'
import type { Pixels, Samples } from '../../src/raster/pixels.js'
import type { RasterSource } from '../../src/raster/source.js'
import { gdal } from '../helpers/gdal-process.js'
import { fixture } from '../helpers/paths.js'
import { randomFrom } from '../helpers/random.js'
import { type GdalBands, gdalMask, gdalValues } from './gdal-values.js'

/** A piece of the fixture (420×330, RGB, UTM 33N) as another file. */
export function translated(dir: string, name: string, ...args: readonly string[]): string {
  const out = join(dir, name)
  gdal('gdal_translate', '-q', '-srcwin', '900', '800', '420', '330', ...args, fixture('ortho.tif'), out)
  return out
}

interface GdalInfo {
  readonly size: readonly [number, number]
  readonly geoTransform: readonly number[]
  readonly bands: GdalBands[]
}

const infoOf = (file: string): GdalInfo => JSON.parse(gdal('gdalinfo', '-json', file)) as GdalInfo

/** Same size and geotransform, and the same values and masks in all bands but alpha; `reference`: what GDAL reads instead. */
export async function sameAsGdal(
  t: Test,
  file: string,
  dir: string,
  options: OpenOptions = {},
  reference = file,
): Promise<void> {
  const info = infoOf(reference)
  const all = info.bands.map((_, i) => i + 1)
  const bands = all.filter((b) => info.bands[b - 1]!.colorInterpretation !== 'Alpha')
  const source = await openRaster(file, { ...options, view: { kind: 'values', bands } })
  try {
    const { width, height, geotransform } = source.info
    t.same([width, height], info.size, 'size')
    t.equal(source.info.stored.bands, bands.length, 'bands')
    for (const [i, g] of info.geoTransform.entries()) {
      t.ok(
        Math.abs(g - geotransform[i]!) <= 1e-9 * Math.max(1, Math.abs(g)),
        `geotransform ${i}: ${geotransform[i]} and ${g}`,
      )
    }
    const values = gdalValues(reference, dir, 0, all)
    const mask = maskOf(reference, dir, values, info.bands)
    const truth = { values, mask, info, bands }
    same(t, await source.read(0, { x: 0, y: 0, width, height }), truth, 0, 0, 'whole')
    await sameWindows(t, source, truth)
  } finally {
    await source.close()
  }
}

/** As gdalMask, with a nodata value a band: a pixel is empty when all its colours are. */
function maskOf(file: string, dir: string, values: Float64Array, bands: GdalBands[]): Uint8Array {
  const nodata = bands.map((band) => band.noDataValue)
  if (new Set(nodata).size === 1 || nodata.includes(undefined)) return gdalMask(file, dir, 0, values, bands)
  return Uint8Array.from({ length: values.length / bands.length }, (_, i) =>
    nodata.every((value, b) => values[i * bands.length + b] === value) ? 0 : 255,
  )
}

interface Truth {
  readonly values: Float64Array
  readonly mask: Uint8Array
  readonly info: GdalInfo
  readonly bands: readonly number[]
}

async function sameWindows(t: Test, source: RasterSource, truth: Truth): Promise<void> {
  const random = randomFrom(source.info.width + 7)
  const { width, height } = source.info
  for (let i = 0; i < 8; i++) {
    const x = Math.floor(random() * width)
    const y = Math.floor(random() * height)
    const w = 1 + Math.floor(random() * (width - x))
    const h = 1 + Math.floor(random() * (height - y))
    same(t, await source.read(0, { x, y, width: w, height: h }), truth, x, y, `window ${x},${y} ${w}×${h}`)
  }
}

function same(t: Test, pixels: Pixels<Samples>, truth: Truth, x: number, y: number, name: string): void {
  const { values, mask, info, bands } = truth
  const scales = bands.map((band) => info.bands[band - 1]!.scale ?? 1)
  const offsets = bands.map((band) => info.bands[band - 1]!.offset ?? 0)
  let wrong = 0
  let first = ''
  let masks = 0
  for (let row = 0; row < pixels.height; row++) {
    for (let column = 0; column < pixels.width; column++) {
      const at = (y + row) * info.size[0] + x + column
      const here = row * pixels.width + column
      const isFull = (pixels.mask?.[here] ?? 255) !== 0
      if (isFull !== (mask[at] !== 0)) masks++
      if (!isFull || mask[at] === 0) continue
      for (let k = 0; k < bands.length; k++) {
        const band = bands[k]!
        const want = Math.fround(values[at * info.bands.length + band - 1]! * scales[k]! + offsets[k]!)
        const got = pixels.data[here * bands.length + k]!
        if (got === want) continue
        wrong++
        first ||= `: ${got} instead of ${want} in band ${band} of pixel ${x + column},${y + row}`
      }
    }
  }
  t.equal(wrong, 0, `${name}: values${first}`)
  t.equal(masks, 0, `${name}: mask`)
}

/** A picture read as colours is what GDAL reads from `reference` (RGB or grey, with or without alpha). */
export async function sameColours(
  t: Test,
  file: string,
  dir: string,
  reference = file,
  tolerance = 0,
): Promise<void> {
  const source = await openRaster(file)
  try {
    const { width, height, bands } = source.info
    const { data, mask } = await source.read(0, { x: 0, y: 0, width, height })
    const info = infoOf(reference)
    const all = info.bands.map((_, i) => i + 1)
    const values = gdalValues(reference, dir, 0, all)
    let most = 0
    for (let i = 0; i < width * height; i++) {
      if (mask !== undefined && mask[i] === 0) continue
      for (let b = 0; b < bands; b++) {
        most = Math.max(most, Math.abs(data[i * bands + b]! - values[i * all.length + b]!))
      }
      if (all.length > bands)
        most = Math.max(most, Math.abs((mask?.[i] ?? 255) - values[i * all.length + bands]!))
    }
    t.ok(most <= tolerance, `colours differ by ${most}`)
  } finally {
    await source.close()
  }
}

/** Opens and reads; the error, or 'read'. Anything but a FlagstoneError is thrown. */
export async function outcomeOf(
  file: string,
  options: OpenOptions = {},
): Promise<{ code: string; message: string }> {
  try {
    const source = await openRaster(file, { view: { kind: 'values', bands: [1] }, ...options })
    try {
      const { width, height } = source.info
      await source.read(0, { x: 0, y: 0, width: Math.min(width, 2048), height: Math.min(height, 2048) })
      // The end as well: what is cut off is there.
      await source.read(0, { x: width - 1, y: height - 1, width: 1, height: 1 })
    } finally {
      await source.close()
    }
    return { code: 'read', message: '' }
  } catch (error) {
    const { name, code, message } = error as { name: string; code: string; message: string }
    if (name !== 'FlagstoneError') throw error
    return { code, message }
  }
}

/** One sentence (paths apart): what, why, and what to do behind a semicolon. */
export const isOneSentence = (message: string): boolean =>
  !message.includes('\n') && message.length < 500 && /;|, but/.test(message)
