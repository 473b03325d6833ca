// The odd TIFFs of the shared data (depths of 1 to 64 bits, packed, predicted, planar, white is 0 …), number by
// number as GDAL reads them, or refused in a sentence. They have no place on earth, so only pixels are asked for.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import type { SampleType } from '../../src/raster/source.js'
import { isPictureCodec } from '../../src/raster/tiff/codecs/coding.js'
import { openFileSource } from '../../src/raster/tiff/file/byte-source.js'
import { TiffRaster } from '../../src/raster/tiff/raster.js'
import { gdalVersion, withoutGdal } from '../helpers/gdal-process.js'
import { sharedData } from '../helpers/paths.js'
import { readTiff } from './gdal-made.js'
import { gdalValues } from './gdal-values.js'

t.setTimeout(1_800_000)
const skip = withoutGdal || (sharedData === undefined && 'needs the shared data')

interface Ours {
  readonly bands: number
  readonly data: ArrayLike<number>
  readonly tolerance: number
  readonly type: SampleType
}

/** Values of all bands; or why not. */
async function ours(file: string): Promise<Ours | string> {
  const source = await openFileSource(file)
  try {
    const { look, layout } = await TiffRaster.open(source)
    const bands = look.stored.bands + (look.stored.hasAlpha ? 1 : 0)
    // GDAL shows inks as light.
    if (look.cmyk === true && look.stored.type === 'uint8') {
      const { data } = await readTiff(file, { nodata: [] })
      return { bands: 3, data, tolerance: 0, type: 'uint8' }
    }
    const all = Array.from({ length: bands }, (_, i) => i + 1)
    // A band asked for by number is not alpha; a value may be any number here.
    const { data } = await readTiff(file, { nodata: [], view: { kind: 'values', bands: all } })
    return { bands, data, tolerance: isPictureCodec(layout.compression) ? 2 : 0, type: look.stored.type }
  } catch (error) {
    if (error instanceof FlagstoneError) return `${error.code} ${error.message}`
    throw error
  } finally {
    await source.close()
  }
}

t.test('odd/image-tiff', { skip }, async (t) => {
  const dir = t.testdir()
  const folder = join(sharedData!, 'odd', 'image-tiff')
  let compared = 0
  const refused: string[] = []
  for (const name of readdirSync(folder)) {
    const file = join(folder, name)
    const got = await ours(file)
    if (typeof got === 'string') {
      t.match(got, /^(SOURCE_UNSUPPORTED|SOURCE_CORRUPT|TOO_LARGE) .*; /, name)
      refused.push(name)
      continue
    }
    let gdal: Float64Array
    try {
      const bands = Array.from({ length: got.bands }, (_, i) => i + 1)
      gdal = gdalValues(file, dir, 0, bands)
    } catch {
      t.comment(`GDAL cannot read ${name}`)
      continue
    }
    let worst = gdal.length === got.data.length ? 0 : Number.POSITIVE_INFINITY
    for (let i = 0; i < gdal.length && worst <= got.tolerance; i++) {
      const a = got.data[i]!
      // Before version 3.7 GDAL has no signed bytes.
      const b = Math.fround(got.type === 'int8' && gdal[i]! > 127 ? gdal[i]! - 256 : gdal[i]!)
      if (!Object.is(a, b) && a !== b) worst = Math.max(worst, Math.abs(a - b) || Number.POSITIVE_INFINITY)
    }
    t.ok(worst <= got.tolerance, `${name}: ${got.bands} bands, differs by ${worst}`)
    compared++
  }
  t.comment(`refused: ${refused.join(' ')}`)
  t.ok(compared >= 130, `${compared} files compared with GDAL ${gdalVersion}`)
})
