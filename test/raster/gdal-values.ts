// What GDAL reads from an image, as numbers: all bands as doubles, and its masks. For tests of samples that are no
// pictures.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { openGeoTiff } from '../../src/raster/formats/geotiff.js'
import type { Pixels, Samples } from '../../src/raster/pixels.js'
import type { RasterSource } from '../../src/raster/source.js'
import { gdal } from '../helpers/gdal-process.js'

export interface GdalBands {
  readonly type: string
  readonly colorInterpretation: string
  readonly noDataValue?: number | string
  readonly scale?: number
  readonly offset?: number
}

/** Interleaved values of the bands (from 1), as gdal_translate gives them. */
export function gdalValues(
  file: string,
  dir: string,
  level: number,
  bands: readonly (number | string)[],
  more: readonly string[] = [],
): Float64Array {
  const out = join(dir, 'values.bin')
  const overview = level === 0 ? [] : ['-oo', `OVERVIEW_LEVEL=${level - 1}`]
  const select = bands.flatMap((b) => ['-b', `${b}`])
  const form = ['-q', '-of', 'ENVI', '-co', 'INTERLEAVE=BIP', '-ot', 'Float64', '-a_nodata', 'none']
  gdal('gdal_translate', ...form, ...overview, ...select, ...more, file, out)
  return new Float64Array(new Uint8Array(readFileSync(out)).buffer)
}

/** 0 where GDAL says that there is nothing, by its mask band; of bands with nodata by the values (all at once, as our rule is). */
export function gdalMask(
  file: string,
  dir: string,
  level: number,
  values: Float64Array,
  bands: GdalBands[],
): Uint8Array {
  const nodata = bands[0]!.noDataValue
  const samples = bands.length
  const alpha = bands.findIndex((b) => b.colorInterpretation === 'Alpha')
  const colours = bands.map((_, i) => i).filter((i) => i !== alpha)
  const value = nodata === undefined ? Number.NaN : Math.fround(Number(nodata))
  const own = alpha >= 0 || nodata !== undefined ? undefined : gdalValues(file, dir, level, ['mask'])
  const mask = new Uint8Array(values.length / samples)
  for (let i = 0, at = 0; i < mask.length; i++, at += samples) {
    if (alpha >= 0 && values[at + alpha] === 0) continue
    let finite = true
    let isNodata = nodata !== undefined
    for (const s of colours) {
      const v = Math.fround(values[at + s]!)
      finite &&= Number.isFinite(v)
      isNodata &&= v === value
    }
    if (finite && !isNodata && (own === undefined || own[i] !== 0)) mask[i] = 255
  }
  return mask
}

/** Compares all bands of a file, read as values, with GDAL: exactly, but for Float32's own rounding. */
export async function compareValues(t: Test, file: string, source: RasterSource, dir: string): Promise<void> {
  const { stored, crs } = source.info
  const info = JSON.parse(gdal('gdalinfo', '-json', file)) as { bands: GdalBands[] }
  const all = info.bands.map((_, i) => i + 1)
  const colours = all.filter((b) => info.bands[b - 1]!.colorInterpretation !== 'Alpha')
  t.equal(stored.bands, colours.length, 'as many bands as GDAL')
  const view = { kind: 'values', bands: colours } as const
  const values = await openGeoTiff(file, { view, crs })
  try {
    for (const [i, { width, height }] of values.info.levels.slice(0, 2).entries()) {
      const pixels = await values.read(i, { x: 0, y: 0, width, height })
      const gdal = gdalValues(file, dir, i, all)
      const mask = gdalMask(file, dir, i, gdal, info.bands)
      sameValues(t, pixels, gdal, all.length, colours, mask, info.bands, `level ${i} ${width}×${height}`)
    }
  } finally {
    await values.close()
  }
}

function sameValues(
  t: Test,
  pixels: Pixels<Samples>,
  gdal: Float64Array,
  samples: number,
  colours: readonly number[],
  mask: Uint8Array,
  bands: readonly GdalBands[],
  name: string,
): void {
  let different = 0
  let masks = 0
  let first = ''
  const { width, height } = pixels
  const scales = colours.map((band) => bands[band - 1]!.scale ?? 1)
  const offsets = colours.map((band) => bands[band - 1]!.offset ?? 0)
  t.ok(pixels.data instanceof Float32Array, 'values are singles')
  t.equal(gdal.length, width * height * samples, `${name}: as many pixels`)
  for (let i = 0; i < width * height; i++) {
    const ours = pixels.mask === undefined ? 255 : pixels.mask[i]!
    if (ours !== mask[i]) masks++
    if (ours === 0 || mask[i] === 0) continue
    for (let k = 0; k < colours.length; k++) {
      const band = colours[k]!
      const want = Math.fround(gdal[i * samples + band - 1]! * scales[k]! + offsets[k]!)
      const got = pixels.data[i * colours.length + k]!
      if (got === want) continue
      different++
      first ||= `: ${got} instead of ${want} in band ${band} of pixel ${i % width},${Math.floor(i / width)}`
    }
  }
  t.equal(different, 0, `${name}: values${first}`)
  t.equal(masks, 0, `${name}: mask`)
}
