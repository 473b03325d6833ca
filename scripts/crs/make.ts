// Makes src/grid/crs/epsg-data.ts from PROJ's database: `npm run crs`. Run it when a new version of the database is to be
// taken over, and look at what test/grid/proj-agreement.test.ts says then.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import { epsgLines } from './epsg-rows.js'
import { projDb, readProjDb } from './proj-db.js'

if (projDb === undefined)
  throw new Error('needs PROJ’s database, proj.db: install PROJ or GDAL, or set PROJ_DATA')
const db = readProjDb(projDb)
const text = epsgLines(db)
const packed = brotliCompressSync(Buffer.from(text, 'latin1'), {
  params: { [constants.BROTLI_PARAM_LGWIN]: 22, [constants.BROTLI_PARAM_SIZE_HINT]: text.length },
})
const source = `// Made by scripts/crs/make.ts from PROJ's database; epsg-table.ts reads it.
// Source: EPSG Geodetic Parameter Dataset ${db.version[0]!['value']} (free to use under the EPSG terms) and ESRI's codes, as
// PROJ distributes them.
export const EPSG_DATA =
  '${packed.toString('base64')}'
`
writeFileSync(join(import.meta.dirname, '../../../src/grid/crs/epsg-data.ts'), source)
process.stdout.write(`${text.length} characters, ${packed.length} bytes packed\n`)
