// Where a system's coordinates come out on WGS 84, in the middle of its area: as GDAL has it without grids. A sample;
// test:long takes every code (some 10 minutes).
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { crsFromEpsg } from '../../src/grid/crs/epsg.js'
import { epsgCodes, epsgRow } from '../../src/grid/crs/epsg-table.js'
import { lonLatConverterOf } from '../../src/grid/crs/transform.js'
import { crsAt } from '../../src/grid/place/located.js'
import { rounds } from '../helpers/rounds.js'

const PYTHON = `
import json, sys
from osgeo import gdal, osr
osr.UseExceptions()
gdal.PushErrorHandler('CPLQuietErrorHandler')
def system(text):
    s = osr.SpatialReference()
    s.SetFromUserInput(text)
    s.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return s
wgs = system('EPSG:4326')
for line in sys.stdin:
    code = line.strip()
    try:
        try:
            s = system('EPSG:' + code)
        except RuntimeError:
            s = system('ESRI:' + code)
        area = s.GetAreaOfUse()
        if area is None: continue
        w, e = area.west_lon_degree, area.east_lon_degree
        lon, lat = (w + e + (360 if e < w else 0)) / 2, (area.south_lat_degree + area.north_lat_degree) / 2
        x, y, _ = osr.CoordinateTransformation(wgs, s).TransformPoint(lon - 360 if lon > 180 else lon, lat)
        lon, lat, _ = osr.CoordinateTransformation(s, wgs).TransformPoint(x, y)
        if abs(x) < 1e30: print(json.dumps([int(code), x, y, lon, lat]))
    except RuntimeError:
        pass
`

const python = ['python3', '/usr/bin/python3'].find(
  (p) => spawnSync(p, ['-c', 'from osgeo import osr']).status === 0,
)

type Reference = readonly [code: number, x: number, y: number, lon: number, lat: number]

/** Of meridians of their own, of other units and of ESRI's; old surveys with several shifts. */
const CHOSEN = [
  4264, 4802, 4803, 4805, 4806, 4807, 4811, 4813, 4816, 4820, 4821, 4901, 4903, 37201, 37207, 37218, 37241,
  37255, 37259, 4230, 4267, 4301, 4312, 4314, 4265, 4277, 4284, 3906, 2180, 21781, 23033, 26591, 26592, 27572,
  27700, 28992, 5169, 104305, 104990, 104992, 31258, 31276, 31370, 31467, 2393, 3068, 5514, 2065,
]

/**
 * Metres, by geographic system: where GDAL's operation is a grid or one of several that are equally good, and where frames
 * are taken for the same that are as near to each other as this. Of the first four maps the middle lies outside the areas of all
 * shifts: PROJ takes one or none there by rules of its own.
 */
const LOOSE: Readonly<Record<number, number>> = {
  ...{ 3176: 520, 22032: 350, 22092: 350, 9284: 270 },
  ...{
    4270: 10.4,
    4208: 8.2,
    4267: 7.2,
    104022: 6,
    104645: 6,
    4201: 5,
    4211: 4.4,
    4272: 3.7,
    4298: 3.6,
    4178: 3.2,
  },
  ...{
    104135: 2.7,
    7680: 2.4,
    9475: 2.4,
    104018: 2.4,
    4220: 2.2,
    4658: 2,
    9074: 1.9,
    9075: 1.9,
    104259: 1.9,
  },
  ...{
    4641: 1.9,
    4230: 1.8,
    4202: 1.6,
    104027: 1.5,
    104647: 1.5,
    4275: 1.5,
    7372: 1.4,
    37225: 1.3,
    4223: 1.3,
  },
  ...{
    37223: 1.3,
    4816: 1.3,
    4133: 1.2,
    4149: 1.2,
    9071: 1.2,
    9072: 1.2,
    104260: 1.2,
    104808: 1.2,
    5451: 1.2,
  },
}

const looseness = (code: number): number => {
  const row = epsgRow(code)
  return (
    LOOSE[code] ??
    (row?.kind === 'projected' && typeof row.base === 'number' ? LOOSE[row.base] : undefined) ??
    1
  )
}

function references(): Reference[] {
  const every = rounds(60, 1)
  const codes = new Set([...CHOSEN, ...epsgCodes().filter((_, i) => i % every === 7 % every)])
  const run = spawnSync(python!, ['-c', PYTHON], {
    input: [...codes].join('\n'),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, PROJ_NETWORK: 'OFF' },
  })
  return run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Reference)
}

/** Metres between GDAL's place and ours; undefined for what is refused. */
function apart([code, x, y, lon, lat]: Reference): number | undefined {
  const crs = crsFromEpsg(code)
  if (crs === undefined) return undefined
  const out = new Float64Array(2)
  lonLatConverterOf(crs).toLonLat(x, y, out)
  lonLatConverterOf(crsAt(crs, out[0]!, out[1]!)).toLonLat(x, y, out)
  const east = out[0]! - lon
  const turned = east - 360 * Math.round(east / 360)
  return Math.hypot(turned * Math.cos((lat * Math.PI) / 180), out[1]! - lat) * 111_320
}

t.test('places are those of GDAL', { skip: python === undefined && 'needs python3-gdal' }, (t) => {
  const all = references()
  const found = all.map((reference) => [reference[0], apart(reference)] as const)
  const computed = found.filter(([, metres]) => metres !== undefined)
  t.ok(computed.length > 150, `${computed.length} of ${all.length} systems`)
  const far = computed.filter(([code, metres]) => !(metres! < looseness(code)))
  t.same(
    far.map(([code, metres]) => `${code}: ${metres!.toFixed(1)} m`),
    [],
  )
  t.end()
})
