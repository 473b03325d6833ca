// Built tiles against gdalwarp on the same tile grid with the same kernel: every tile GDAL finds non-empty
// exists, interior pixels agree at 45 dB or better, nothing is shifted by 0.1 px or more. With every kernel here; all
// the pictures of the shared data, with bilinear, are in inputs.test.ts.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { compareBuild } from '../helpers/compare-build.js'
import { withoutGdal } from '../helpers/gdal.js'
import { fixture, sharedData } from '../helpers/paths.js'
import { isLong } from '../helpers/rounds.js'

interface Case {
  readonly image: string
  readonly resampling?: 'nearest' | 'bilinear' | 'cubic' | 'lanczos' | 'average'
  /** Below the source's own zoom, so that the kernels have to widen. */
  readonly shrink?: number
}

const shared = (path: string): string => join(sharedData ?? 'shared', path)

const CASES: Case[] = [
  { image: fixture('ortho.tif') },
  { image: shared('rgb/RGB.byte.tif'), resampling: 'cubic' },
  { image: shared('rgb/RGB.byte.tif'), resampling: 'lanczos' },
  { image: shared('rgb/RGB.byte.tif'), resampling: 'cubic', shrink: 2 },
  { image: shared('rgb/RGB.byte.tif'), resampling: 'average', shrink: 2 },
  // A minute.
  ...(isLong ? [{ image: shared('bench8192_utm17_jpeg90.tif') }] : []),
]

async function check(t: Test, { image, resampling = 'bilinear', shrink = 0 }: Case): Promise<void> {
  const out = join(t.testdir(), 'out.pmtiles')
  const found = await compareBuild({ sources: [image], out, shrink, options: { resampling } })
  t.same(found.missing, [], 'no tile is missing')
  t.ok(found.pixels > 1000, `${found.pixels} interior pixels were compared`)
  t.ok(found.psnr >= 45, `${found.psnr.toFixed(1)} dB at zoom ${found.zoom}`)
  t.ok(found.shift < 0.1, `shift ${found.shift.toFixed(3)} px`)
}

for (const c of CASES) {
  const skip = withoutGdal || (existsSync(c.image) ? false : 'needs the shared data')
  const name = `${c.image.split('/').at(-1)} ${c.resampling ?? 'bilinear'}${c.shrink ? ` ${c.shrink} zooms below its own` : ''}`
  t.test(name, { skip }, (t) => check(t, c))
}
