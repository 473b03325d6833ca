// Codes and WKT against PROJ (through GDAL's Python bindings): each system is either computed as PROJ computes it,
// there and back, or refused. Datum shifts are left out of this: from the geographic system that a map stands on.
// A sample; test:long takes every code (minutes).
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import type { Crs } from '../../src/grid/crs/crs.js'
import { crsFromText } from '../../src/grid/crs/crs-text.js'
import { crsFromEpsg } from '../../src/grid/crs/epsg.js'
import { epsgCodes } from '../../src/grid/crs/epsg-table.js'
import { lonLatConverterOf } from '../../src/grid/crs/transform.js'
import { rounds } from '../helpers/rounds.js'

const PYTHON = `
import json, math, sys
from osgeo import gdal, osr
osr.UseExceptions()
gdal.PushErrorHandler('CPLQuietErrorHandler')
for line in sys.stdin:
    code = line.strip()
    try:
        s = osr.SpatialReference()
        try:
            s.ImportFromEPSG(int(code))
        except RuntimeError:
            s.SetFromUserInput('ESRI:' + code)
        area = s.GetAreaOfUse()
        s.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        g = s.CloneGeogCS()
        g.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        unit = g.GetAngularUnits() * 180 / math.pi
        pm = float(g.GetAttrValue('PRIMEM', 1) or 0)
        t = osr.CoordinateTransformation(g, s)
        n, w, so, e = area and (area.north_lat_degree, area.west_lon_degree, area.south_lat_degree, area.east_lon_degree) or (60, -60, -60, 60)
        if e < w: e += 360
        points = []
        for i in (.2, .5, .8):
            for j in (.2, .7):
                lon, lat = w + (e - w) * i, so + (n - so) * j
                if lon > 180: lon -= 360
                x, y, _ = t.TransformPoint((lon - pm) / unit, lat / unit)
                if abs(x) < 1e30: points.append([lon, lat, x, y])
        metres = s.GetLinearUnits() if s.IsProjected() else 111320 * unit
        out = {'code': code, 'points': points, 'metres': metres, 'geographic': not s.IsProjected(), 'unit': unit,
               'wkt1': s.ExportToWkt(), 'wkt2': s.ExportToWkt(['FORMAT=WKT2_2019'])}
        try:
            out['esri'] = s.ExportToWkt(['FORMAT=WKT1_ESRI'])
        except RuntimeError:
            pass
        print(json.dumps(out))
    except RuntimeError:
        pass
`

const python = ['python3', '/usr/bin/python3'].find(
  (p) => spawnSync(p, ['-c', 'from osgeo import osr']).status === 0,
)

interface Reference {
  readonly code: string
  /** Longitude and latitude from Greenwich on the system's own datum, and PROJ's coordinates. */
  readonly points: readonly (readonly [number, number, number, number])[]
  readonly metres: number
  readonly geographic: boolean
  readonly unit: number
  readonly wkt1: string
  readonly wkt2: string
  readonly esri?: string
}

/** One or two of every projection, then every 30th (or every) code. */
const CHOSEN =
  '2000 2056 2065 2036 2048 2154 2193 2218 53002 53004 53021 102066 3411 27592 31300 31464 4001 4226 4811 6201 9895 102026 20003 4812 2263 2400 3031 3035 3078 3139 3174 3375 3395 3408 3410 3411 3413 3785 3857 ' +
  '3942 3985 4087 4807 5041 5070 5513 5514 5880 5641 6200 6204 6933 7400 8044 8441 8857 9191 9895 20050 21781 22275 ' +
  '24200 26191 27200 27572 27700 28191 28992 29101 29702 29903 31281 31370 32201 32661 54001 54002 54003 54004 ' +
  '54008 54009 54010 54012 54017 54018 54024 54025 54026 54027 54029 54030 54032 54034 54035 102008 102100 102498'

function references(): Reference[] {
  const every = rounds(40, 1)
  const codes = new Set(CHOSEN.split(' '))
  for (const [i, code] of epsgCodes().entries()) if (i % every === 0) codes.add(`${code}`)
  const run = spawnSync(python!, ['-c', PYTHON], {
    input: [...codes].join('\n'),
    encoding: 'utf8',
    maxBuffer: 1 << 29,
    env: { ...process.env, PROJ_NETWORK: 'OFF' },
  })
  return run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Reference)
}

/** The larger of both ways' errors, metres. Ways back that we say are not there are not errors. */
function errorOf(crs: Crs, { points, metres, geographic, unit }: Reference): number {
  const bare = crs.definition.replace(/ ?\+towgs84=\S+/, '').replace('+datum=WGS84', '+ellps=WGS84')
  const converter = lonLatConverterOf(
    bare.startsWith('EPSG') ? crs : { ...crs, epsg: undefined, definition: bare },
  )
  const out = new Float64Array(2)
  const turn = (d: number, full: number): number => d - full * Math.round(d / full)
  let worst = 0
  for (const [lon, lat, x, y] of points) {
    const cos = Math.cos((lat * Math.PI) / 180)
    converter.fromLonLat(lon, lat, out)
    const dx = geographic ? turn(out[0]! - x, 360 / unit) * cos : out[0]! - x
    const there = Math.hypot(dx, out[1]! - y) * metres
    worst = Math.max(worst, Number.isNaN(there) ? Number.POSITIVE_INFINITY : there)
    converter.toLonLat(x, y, out)
    const back = Math.hypot(turn(out[0]! - lon, 360) * cos, out[1]! - lat) * 111_320
    if (!Number.isNaN(back)) worst = Math.max(worst, back)
  }
  return worst
}

/** Metres, where proj4's series are shorter than PROJ's: Robinson's table, Cassini's series in Palestine. */
const LOOSE: Readonly<Record<string, number>> = { 53030: 0.5, 54030: 0.5, 28191: 0.3 }
/** Cassini's series over half of the world: there is nothing to agree about. */
const SENSELESS = new Set(['53028', '54028'])

t.test(
  'systems agree with PROJ or are refused',
  { skip: python === undefined && 'needs python3-gdal' },
  (t) => {
    const all = references().filter((r) => r.points.length > 0 && !SENSELESS.has(r.code))
    t.ok(all.length > 150, `${all.length} systems`)
    const without = (text: string): string => text.replace(/,\s*(ID|AUTHORITY)\["[^"]*",("?)[^\]]*\]/g, '')
    const ways: [string, (r: Reference) => Crs | undefined][] = [
      ['codes', (r) => crsFromEpsg(Number(r.code))],
      ['WKT1', (r) => crsFromText(r.wkt1)],
      ['WKT1 without codes', (r) => crsFromText(without(r.wkt1))],
      ['WKT2 without codes', (r) => crsFromText(without(r.wkt2))],
      // Esri has no words for axes that count south and west
      ['Esri’s WKT', (r) => (r.esri && !/^804[45]$/.test(r.code) ? crsFromText(r.esri) : undefined)],
    ]
    for (const [what, read] of ways) {
      let computed = 0
      const wrong: string[] = []
      for (const reference of all) {
        let crs: Crs | undefined
        try {
          crs = read(reference)
        } catch (error) {
          if (!(error instanceof FlagstoneError && error.code === 'CRS_UNSUPPORTED')) throw error
        }
        if (crs === undefined) continue
        computed++
        const error = errorOf(crs, reference)
        if (!(error < (LOOSE[reference.code] ?? 0.1))) wrong.push(`${reference.code}: ${error} m`)
      }
      t.same(wrong, [], `${what}: none of ${computed} is wrong`)
      t.ok(computed > all.length * 0.85, `${what}: ${computed} of ${all.length} are computed`)
    }
    t.end()
  },
)
