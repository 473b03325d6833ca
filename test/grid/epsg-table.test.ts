// The table of codes: deprecated ones are what EPSG replaced them by, and it is what its script makes of PROJ's database.
import t from 'tap'
import { epsgLines } from '../../scripts/crs/epsg-rows.js'
import { projDb, readProjDb } from '../../scripts/crs/proj-db.js'
import { crsFromName } from '../../src/grid/crs/crs-name.js'
import { crsFromText } from '../../src/grid/crs/crs-text.js'
import { crsFromEpsg, verticalMetres } from '../../src/grid/crs/epsg.js'
import { epsgConversion, epsgText } from '../../src/grid/crs/epsg-table.js'
import { lonLatConverterOf } from '../../src/grid/crs/transform.js'

/** Metres between two places in degrees. */
const apart = (a: ArrayLike<number>, b: readonly number[]): number =>
  Math.hypot((a[0]! - b[0]!) * Math.cos((b[1]! * Math.PI) / 180), a[1]! - b[1]!) * 111_320

// PROJ 9.1 without grids, through GDAL 3.6, which takes EPSG's replacement of a deprecated code
const DEPRECATED: readonly (readonly [
  code: number,
  at: readonly [number, number],
  lonLat: readonly [number, number],
  limit: number,
])[] = [
  [27592, [601280, 198720], [2.35329934479191, 46.7884320955067], 3],
  [31464, [4451280, 5348720], [11.3422063698426, 48.2745326775634], 3],
  [3411, [140000, -140000], [0, 88.17244819528896], 0.1],
  [4878, [100000, 1000000], [28.5, 58], 0.1],
]

t.test('deprecated codes', (t) => {
  const p = new Float64Array(2)
  for (const [code, at, lonLat, limit] of DEPRECATED) {
    for (const crs of [crsFromEpsg(code)!, crsFromText(`EPSG:${code}`)]) {
      t.equal(crs.epsg, code)
      lonLatConverterOf(crs).toLonLat(...at, p)
      t.ok(apart(p, lonLat) < limit, `EPSG:${code}: ${apart(p, lonLat)} m off`)
    }
  }
  t.end()
})

t.test('names, heights and conversions', (t) => {
  t.equal(crsFromName('RGF93 v1 / Lambert-93')?.epsg, 2154)
  t.equal(crsFromName('NAD_1983_HARN_StatePlane_Massachusetts_Mainland_FIPS_2001')?.name, 'ESRI:102286')
  t.equal(crsFromName('no such system'), undefined)
  t.equal(crsFromEpsg(5554)?.heightMetres, 1, 'a compound system')
  t.equal(crsFromEpsg(4979)?.heightMetres, 1, 'a system of three dimensions')
  t.equal(crsFromEpsg(25832)?.heightMetres, undefined)
  t.equal(verticalMetres(5703), 1)
  t.ok(Math.abs(verticalMetres(6360)! - 1200 / 3937) < 1e-12)
  t.equal(verticalMetres(8228), 0.3048)
  t.equal(verticalMetres(25832), undefined)
  const metres = (text: string): number | undefined => crsFromText(text).heightMetres
  t.equal(metres('EPSG:25832+8228'), 0.3048)
  t.equal(metres('EPSG:25832'), undefined)
  const geographic =
    'GEOGCS["a",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]'
  const vertical = 'VERT_CS["b",VERT_DATUM["c",2005],UNIT["foot",0.3048],AXIS["Gravity-related height",UP]]'
  t.equal(metres(`COMPD_CS["d",${geographic},${vertical}]`), 0.3048)
  t.match(epsgConversion(14833), '+proj=lcc +lat_0=42 +lon_0=-90')
  t.equal(epsgConversion(16032), '+proj=utm +zone=32')
  t.equal(epsgConversion(1), undefined)
  t.end()
})

/** Methods that proj4 has not, or that need a grid of their own. */
const NOT_COMPUTED =
  /Colombia Urban|Laborde|West Orientated|Krovak Modified|Bonne \(South|Orthographic|Tunisia|Near-Conformal|Guam|variant C|Hyperbolic|Zoned|Vertical Perspective|Schreiber|Mercator \(1SP\) \(Spherical\)/

t.test('all of PROJ’s database', { skip: projDb === undefined && 'needs proj.db' }, (t) => {
  const db = readProjDb(projDb!)
  if (db.version[0]!['value'] === 'v10.076') {
    t.ok(epsgLines(db) === epsgText(), 'the table is what npm run crs makes')
  }
  const methods = new Map(
    db.conversions.map((row) => [`${row['auth_name']}:${row['code']}`, row['method_name']]),
  )
  let deprecated = 0
  const refused: string[] = []
  for (const row of [...db.projected, ...db.geodetic]) {
    if (row['auth_name'] !== 'EPSG' || row['type'] === 'geographic 3D') continue
    if (row['deprecated'] === 1) deprecated++
    const method = methods.get(`${row['conversion_auth_name']}:${row['conversion_code']}`) ?? ''
    if (crsFromEpsg(Number(row['code'])) === undefined && !NOT_COMPUTED.test(String(method))) {
      refused.push(`${row['code']} ${row['name']}, ${method}`)
    }
  }
  t.ok(deprecated > 400, `${deprecated} of them deprecated`)
  t.same(refused, [], 'none is refused for want of a definition')
  t.end()
})
