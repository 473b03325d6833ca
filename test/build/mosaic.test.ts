// Mosaics beside gdalwarp of the same files: which source is on top, no seam where pieces abut, no tile missing.
import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import { compareBuild } from '../helpers/compare-build.js'
import { gdal, withoutGdal } from '../helpers/gdal-process.js'
import { sharedData } from '../helpers/paths.js'

const folder = (name: string): string => join(sharedData ?? 'shared', 'mosaic', name)
const skip = withoutGdal || (existsSync(folder('naip_years')) ? false : 'needs the shared data')

const filesIn = (dir: string): string[] =>
  readdirSync(dir)
    .filter((name) => name.endsWith('.tif'))
    .sort()
    .map((name) => join(dir, name))

/** The first three bands, as a VRT beside nothing. */
function colours(dir: string, image: string): string {
  const vrt = join(dir, `${basename(image)}.vrt`)
  gdal('gdal_translate', '-q', '-of', 'VRT', '-b', '1', '-b', '2', '-b', '3', image, vrt)
  return vrt
}

async function check(t: Test, name: string, blend: 'first' | 'last'): Promise<void> {
  const dir = t.testdir()
  const sources = filesIn(folder(name))
  const found = await compareBuild({
    sources,
    out: join(dir, 'out.pmtiles'),
    options: { blend },
    gdalSources: () => {
      const images = sources.map((image) => colours(dir, image))
      // GDAL's later images lie on top
      return blend === 'last' ? images : images.reverse()
    },
  })
  t.same(found.missing, [], 'no tile is missing')
  t.ok(found.pixels > 100_000, `${found.pixels} interior pixels`)
  t.ok(found.psnr >= 45, `${found.psnr.toFixed(1)} dB`)
  t.ok(found.shift < 0.1, `shift ${found.shift.toFixed(4)} px`)
  t.ok(found.coverage < 0.001, `${(found.coverage * 100).toFixed(4)} % painted by one only`)
}

for (const name of ['rasterio_rgb', 'naip_years']) {
  for (const blend of ['last', 'first'] as const) {
    t.test(`${name}, the ${blend} on top`, { skip }, (t) => check(t, name, blend))
  }
}
