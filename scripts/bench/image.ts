// The image for `bench build`: a large orthophoto-like GeoTIFF (RGB, UTM, 0.45 m, tiled 512, DEFLATE with
// predictor 2). What is given by --source is taken as it is. Else it is made, with the same pixels in every run: by
// make-big.sh of the shared tools where these lie beside the repository, else by GDAL's Python from the repository's
// fixture. Either way mirrored copies of a real picture: detail and noise are what makes codecs work.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Interpreters that may have GDAL's bindings: the first of the path, and the system's own. */
const PYTHONS = ['python3', '/usr/bin/python3']
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const MAKE_BIG = join(ROOT, '..', 'shared', 'tools', 'make-big.sh')
const WHAT = 'RGB, UTM 17N, tiled 512, DEFLATE + predictor 2'

/**
 * Mirrored copies of a picture side by side until they fill the image. argv: picture, target, size, metres.
 * Every copy is brightened or darkened a little differently, so that no two tiles are the same.
 */
const SCRIPT = `
import sys
import numpy
from osgeo import gdal, osr
gdal.UseExceptions()
gdal.SetCacheMax(1 << 28)
picture, target, size, metres = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
s = gdal.Open(picture).ReadAsArray()[:3]
n = min(s.shape[1], s.shape[2]) // 16 * 16
s = s[:, :n, :n]
d = gdal.GetDriverByName('GTiff').Create(target, size, size, 3, gdal.GDT_Byte,
    ['TILED=YES', 'BLOCKXSIZE=512', 'BLOCKYSIZE=512', 'BIGTIFF=IF_SAFER', 'NUM_THREADS=2', 'COMPRESS=DEFLATE', 'PREDICTOR=2'])
crs = osr.SpatialReference()
crs.ImportFromEPSG(32617)
d.SetProjection(crs.ExportToWkt())
d.SetGeoTransform([440000.0, metres, 0.0, 3950000.0, 0.0, -metres])
for y in range(0, size, n):
    for x in range(0, size, n):
        a = s
        if x // n % 2: a = a[:, :, ::-1]
        if y // n % 2: a = a[:, ::-1, :]
        shift = (x // n * 7 + y // n * 13) % 41 - 20
        a = numpy.clip(a.astype(numpy.int16) + shift, 1, 255).astype(numpy.uint8)
        w, h = min(n, size - x), min(n, size - y)
        d.WriteArray(numpy.ascontiguousarray(a[:, :h, :w]), x, y)
d = None
`

export interface BenchImage {
  readonly path: string
  readonly what: string
}

/** The image, or why there is none. */
export function benchImage(
  scratch: string,
  size: number,
  source: string | undefined,
): BenchImage | { problem: string } {
  if (source !== undefined)
    return existsSync(source) ? { path: source, what: source } : { problem: `${source} is not there` }
  const path = join(scratch, 'image.tif')
  if (existsSync(MAKE_BIG) && spawnSync('bash', [MAKE_BIG, path, `${size}`, 'deflate']).status === 0)
    return { path, what: `${size}² ${WHAT} (by make-big.sh)` }
  const python = PYTHONS.find(
    (name) => spawnSync(name, ['-c', 'from osgeo import gdal; import numpy']).status === 0,
  )
  if (python === undefined)
    return { problem: "GDAL's Python is not installed, so no image can be made; give one with --source" }
  const fixture = join(ROOT, 'fixtures', 'ortho.tif')
  const ran = spawnSync(python, ['-', fixture, path, `${size}`, '0.45'], { input: SCRIPT, encoding: 'utf8' })
  if (ran.status !== 0) return { problem: `making the image failed: ${ran.stderr}` }
  return { path, what: `${size}² ${WHAT} (copies of fixtures/ortho.tif)` }
}

/**
 * Another image of the first, by programs of GDAL. Arguments @west, @south, @east, @north stand for the corners of
 * the first. Throws with what a program said when it fails.
 */
export function derive(
  from: string,
  steps: readonly (readonly [program: string, ...args: string[]])[],
): void {
  const info = spawnSync('gdalinfo', ['-json', from], { encoding: 'utf8' })
  if (info.status !== 0) throw new Error(`gdalinfo failed (is GDAL installed?): ${info.stderr ?? info.error}`)
  const { upperLeft, lowerRight } = (
    JSON.parse(info.stdout) as { cornerCoordinates: Record<'upperLeft' | 'lowerRight', [number, number]> }
  ).cornerCoordinates
  const corners: Record<string, number> = {
    '@west': upperLeft[0],
    '@south': lowerRight[1],
    '@east': lowerRight[0],
    '@north': upperLeft[1],
  }
  for (const [program, ...args] of steps) {
    const filled = args.map((arg) => `${corners[arg] ?? arg}`)
    const ran = spawnSync(program, filled, { encoding: 'utf8' })
    if (ran.status !== 0) throw new Error(`${program} ${filled.join(' ')} failed: ${ran.stderr}`)
  }
}
