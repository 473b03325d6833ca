// Projected systems that are user-defined by the code of EPSG's conversion (ProjectionGeoKey: State Plane zones,
// Gauss-Krüger strips, national grids …), against GDAL. A sample; test:long takes every code.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { epsgConversion, epsgConversionCodes } from '../../src/grid/crs/epsg-table.js'
import { lonLatConverterOf } from '../../src/grid/crs/transform.js'
import { openRaster } from '../../src/raster/open.js'
import { plainTiff } from '../helpers/plain-tiff.js'
import { rounds } from '../helpers/rounds.js'

const PYTHON = `
import json, sys
from osgeo import gdal, osr
osr.UseExceptions(); gdal.UseExceptions()
gdal.PushErrorHandler('CPLQuietErrorHandler')
for line in sys.stdin:
    path, lon, lat = line.split('\\t')
    dataset = gdal.Open(path)
    s = dataset.GetSpatialRef()
    if s is None or not s.IsProjected():
        print(json.dumps(None))
        continue
    g = s.CloneGeogCS()
    for each in (s, g): each.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    try:
        x, y, _ = osr.CoordinateTransformation(g, s).TransformPoint(float(lon), float(lat))
        print(json.dumps([x, y, s.GetLinearUnits()]))
    except RuntimeError:
        print(json.dumps(None))
`

const python = ['python3', '/usr/bin/python3'].find(
  (p) => spawnSync(p, ['-c', 'from osgeo import gdal']).status === 0,
)

/** UTM, Gauss-Krüger, State Plane of both datums, Swiss, Dutch, Czech, South African, Malaysian, polar … */
const CHOSEN = [
  16032, 16133, 16263, 14833, 10101, 12103, 15001, 19914, 19922, 19952, 17519, 19956, 18011, 16061, 19916,
]

/** Degrees, near the origin. */
function placeOf(conversion: string): readonly [lon: number, lat: number] {
  const number = (key: string): number =>
    Number(new RegExp(`\\+${key}=(\\S+)`).exec(conversion)?.[1] ?? Number.NaN)
  const zone = number('zone')
  if (!Number.isNaN(zone)) return [zone * 6 - 182, conversion.includes('+south') ? -30 : 30]
  const lon = number('lon_0') || number('lonc') || 0
  const lat = number('lat_1') || number('lat_0') || number('lat_ts') || 20
  return [lon + 0.7, Math.abs(lat) > 80 ? 0.95 * lat : lat + 0.4]
}

t.test('conversions by code', { skip: python === undefined && 'needs python3-gdal' }, async (t) => {
  const dir = t.testdir()
  const every = rounds(40, 1)
  const codes = epsgConversionCodes().filter(
    // 19917, New Zealand's map grid, is for one ellipsoid only
    (code, i) => code < 32767 && code !== 19917 && (i % every === 0 || CHOSEN.includes(code)),
  )
  const lines: string[] = []
  for (const [i, code] of codes.entries()) {
    const path = join(dir, `${code}.tif`)
    // some in US survey feet, most in metres
    const unit = i % 5 === 0 ? 9003 : 9001
    const keys = [
      [2048, 4326],
      [3072, 32767],
      [3074, code],
      [3076, unit],
    ] as const
    writeFileSync(path, plainTiff({ width: 2, height: 2, data: [1, 2, 3, 4], keys }))
    lines.push([path, ...placeOf(epsgConversion(code)!)].join('\t'))
  }
  const run = spawnSync(python!, ['-c', PYTHON], {
    input: lines.join('\n'),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  const theirs = run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as [number, number, number] | null)
  const wrong: string[] = []
  let compared = 0
  for (const [i, code] of codes.entries()) {
    if (theirs[i] == null) continue
    const [x, y, metres] = theirs[i]
    const source = await openRaster(join(dir, `${code}.tif`))
    await source.close()
    const p = new Float64Array(2)
    lonLatConverterOf(source.info.crs).fromLonLat(...placeOf(epsgConversion(code)!), p)
    compared++
    const off = Math.hypot(p[0]! - x, p[1]! - y) * metres
    if (!(off < 0.01)) wrong.push(`${code}: ${off} m, ${p} beside ${x},${y}: ${source.info.crs.definition}`)
  }
  t.same(wrong, [], `none of ${compared} is wrong`)
  t.ok(compared > 0.85 * codes.length, `${compared} of ${codes.length} compared`)
})
