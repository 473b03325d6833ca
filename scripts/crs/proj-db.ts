// What PROJ's database (proj.db, installed with PROJ or GDAL) says of EPSG's and ESRI's coordinate systems, as plain
// rows. Read by Python's sqlite3, so that the project needs no SQLite for this.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const FOLDERS = [process.env['PROJ_DATA'], '/usr/share/proj', '/usr/local/share/proj']

/** The path of proj.db; undefined where there is none. */
export const projDb = FOLDERS.map((folder) => folder && join(folder, 'proj.db')).find(
  (path) => path !== undefined && path !== '' && existsSync(path),
)

export type Row = Readonly<Record<string, string | number | null>>

const QUERIES = {
  version: "select value from metadata where key = 'EPSG.VERSION'",
  deprecations:
    "select * from deprecation where replacement_auth_name = 'EPSG' and deprecated_auth_name = 'EPSG'",
  units: 'select auth_name, code, conv_factor, proj_short_name from unit_of_measure',
  ellipsoids:
    'select auth_name, code, semi_major_axis, uom_auth_name, uom_code, inv_flattening, semi_minor_axis from ellipsoid',
  meridians: 'select auth_name, code, longitude, uom_auth_name, uom_code from prime_meridian',
  datums:
    'select auth_name, code, ellipsoid_auth_name, ellipsoid_code, prime_meridian_auth_name, prime_meridian_code from geodetic_datum',
  axes: 'select orientation, coordinate_system_auth_name, coordinate_system_code, coordinate_system_order, uom_auth_name, uom_code from axis order by 2, 3, 4',
  extents:
    'select object_table_name, object_auth_name, object_code, west_lon, south_lat, east_lon, north_lat from usage u join extent e on e.auth_name = u.extent_auth_name and e.code = u.extent_code order by u.code',
  conversions: "select * from conversion where auth_name in ('EPSG', 'ESRI')",
  geodetic:
    "select * from geodetic_crs where auth_name in ('EPSG', 'ESRI') and type like 'geographic%' order by deprecated, auth_name, code",
  projected:
    "select * from projected_crs where auth_name in ('EPSG', 'ESRI') order by deprecated, auth_name, code",
  compound:
    "select * from compound_crs where auth_name in ('EPSG', 'ESRI') order by deprecated, auth_name, code",
  vertical:
    "select * from vertical_crs where auth_name in ('EPSG', 'ESRI') order by deprecated, auth_name, code",
} as const

const PYTHON = `
import json, sqlite3, sys
database = sqlite3.connect('file:' + sys.argv[1] + '?mode=ro', uri=True)
database.row_factory = sqlite3.Row
queries = json.load(sys.stdin)
print(json.dumps({name: [dict(row) for row in database.execute(query)] for name, query in queries.items()}))
`

export type ProjDb = Readonly<Record<keyof typeof QUERIES, readonly Row[]>>

/** Throws Error when Python or its sqlite3 is missing. */
export function readProjDb(path: string): ProjDb {
  const text = execFileSync('python3', ['-c', PYTHON, path], {
    input: JSON.stringify(QUERIES),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  return JSON.parse(text) as ProjDb
}
