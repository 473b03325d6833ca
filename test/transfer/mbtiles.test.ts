// Converts from and to MBTiles: tiles and metadata come back as they were.
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type Database from 'libsql'
import t from 'tap'
import { convert, create, open } from '../../src/index.js'
import { openTileSet } from '../../src/interop/open.js'
import { scanInTurns } from '../../src/interop/transfer/scan.js'
import { Turns } from '../../src/interop/transfer/turns.js'
import { checkMbtiles } from '../helpers/mbtiles-check.js'

const Sqlite = createRequire(import.meta.url)('libsql') as typeof Database
const png = (n: number): Buffer => Buffer.from(`\x89PNG\r\n\x1a\n tile ${n}`, 'latin1')
/** Gzip streams of equal contents that differ in their bytes. */
const vectors = (n: number): Buffer => gzipSync(Buffer.from([0x1a, 3, 0x0a, 1, n]), { level: n % 10 })

const PLACE = 'zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER'
const METADATA = 'CREATE TABLE metadata (name TEXT, value TEXT);'
const SCHEMAS = {
  flat: `CREATE TABLE tiles (${PLACE}, tile_data BLOB);
    CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row);`,
  'without an index, places twice': `CREATE TABLE tiles (${PLACE}, tile_data BLOB);`,
  view: `CREATE TABLE t (${PLACE}, tile_data BLOB, PRIMARY KEY (zoom_level, tile_column, tile_row)) WITHOUT ROWID;
    CREATE VIEW tiles AS SELECT * FROM t;`,
  normalized: `CREATE TABLE map (${PLACE}, tile_id TEXT, grid_id TEXT);
    CREATE UNIQUE INDEX map_index ON map (zoom_level, tile_column, tile_row);
    CREATE TABLE images (tile_data BLOB, tile_id TEXT);
    CREATE UNIQUE INDEX images_id ON images (tile_id);
    CREATE VIEW tiles AS SELECT zoom_level, tile_column, tile_row, tile_data
      FROM map JOIN images ON images.tile_id = map.tile_id;`,
  'numbered values': `CREATE TABLE tiles_shallow (${PLACE}, tile_data_id INTEGER,
      PRIMARY KEY (zoom_level, tile_column, tile_row)) WITHOUT ROWID;
    CREATE TABLE tiles_data (tile_data_id INTEGER PRIMARY KEY, tile_data BLOB);
    CREATE VIEW tiles AS SELECT zoom_level, tile_column, tile_row, tile_data
      FROM tiles_shallow JOIN tiles_data USING (tile_data_id);`,
} as const

/** An archive with zooms 0, 2 and 7: a part of it dense, some places alone. Returns the number of tiles. */
function makeMbtiles(path: string, schema: keyof typeof SCHEMAS): number {
  const db = new Sqlite(path)
  db.exec(`${METADATA} ${SCHEMAS[schema]} BEGIN`)
  const places: [number, number, number][] = [
    [0, 0, 0],
    [2, 3, 1],
    [7, 0, 0],
    [7, 127, 127],
    [7, 0, 127],
  ]
  for (let x = 20; x < 75; x++) for (let y = 30; y < 70; y++) if ((x * y) % 11 !== 0) places.push([7, x, y])
  places.reverse()
  for (const [z, x, y] of places) {
    const n = (x + y) % 40
    const row = [z, x, 2 ** z - 1 - y]
    const put = (table: string, ...more: unknown[]): unknown =>
      db.prepare(`INSERT OR IGNORE INTO ${table} VALUES (${more.map(() => '?').join()})`).run(...more)
    if (schema === 'normalized') {
      put('map', ...row, `id ${n}`, null)
      put('images', png(n), `id ${n}`)
    } else if (schema === 'numbered values') {
      put('tiles_shallow', ...row, n)
      put('tiles_data', n, png(n))
    } else put(schema === 'view' ? 't' : 'tiles', ...row, png(n))
    if (schema.startsWith('without') && x % 5 === 0) put('tiles', ...row, png(n))
  }
  db.exec(`INSERT INTO metadata VALUES ('name', 'A name'), ('format', 'png'), ('own key', '007');`)
  db.exec('COMMIT')
  db.close()
  return places.length
}

for (const schema of Object.keys(SCHEMAS) as (keyof typeof SCHEMAS)[])
  t.test(`${schema}: to PMTiles, and to MBTiles`, async (t) => {
    const folder = t.testdir({})
    const [source, out, back] = ['a.mbtiles', 'b.pmtiles', 'c.mbtiles'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    const tiles = makeMbtiles(source, schema)
    const report = await convert({ source, out })
    t.equal(report.tiles, tiles)
    const reader = open(out)
    t.same(reader.metadata(), { name: 'A name', 'own key': '007' })
    const stored = await openTileSet(source)
    for (const { z, x, y } of reader.tiles()) {
      const bytes = reader.get(z, x, y)?.bytes
      if (!stored.has(z, x, y) || Buffer.compare(bytes!, png((x + y) % 40)) !== 0) t.fail(`${z}/${x}/${y}`)
    }
    reader.close()
    stored.close()
    for (const again of [
      await convert({ source: out, out: back }),
      await convert({ source, out: back, overwrite: true }),
    ]) {
      t.equal(again.digest, report.digest)
      const { problems, tiles: count } = checkMbtiles(back)
      t.same({ problems, count }, { problems: [], count: tiles })
    }
  })

t.test('metadata of MBTiles come back from PMTiles', async (t) => {
  const folder = t.testdir({})
  const [source, middle, out] = ['a.mbtiles', 'b.pmtiles', 'c.mbtiles'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const json = {
    vector_layers: [{ id: 'roads', fields: { class: 'String' }, minzoom: 0 }],
    tilestats: { layerCount: 1 },
  }
  const rows = {
    ...{
      name: 'Roads',
      format: 'pbf',
      type: 'overlay',
      version: '2',
      description: 'a "text"\n',
      attribution: '<b>é</b>',
    },
    ...{ bounds: '-180,-85,180,85', center: '-10.5,20.25,1', minzoom: '0', maxzoom: '1' },
    ...{ generator: 'tippecanoe v2', strategies: '[{"a":1},{}]', 'own key': '1.50', yes: 'true' },
    json: JSON.stringify(json),
  }
  const db = new Sqlite(source)
  db.exec(`${METADATA} ${SCHEMAS.flat}`)
  for (const [name, value] of Object.entries({
    ...rows,
    scheme: 'tms',
    hash_algorithm: 'fnv1a',
    agg_tiles_hash: '12',
  }))
    db.prepare('INSERT INTO metadata VALUES (?, ?)').run(name, value)
  for (const [z, x, y] of [
    [0, 0, 0],
    [1, 0, 0],
    [1, 1, 0],
  ])
    db.prepare('INSERT INTO tiles VALUES (?, ?, ?, ?)').run(z, x, y, vectors(z! + x!))
  db.close()
  const report = await convert({ source, out: middle })
  t.match(report, { tiles: 3, types: [{ name: 'mvt', count: 3 }], notes: [] })
  const reader = open(middle)
  t.match(reader.metadata(), {
    ...json,
    name: 'Roads',
    version: '2',
    strategies: '[{"a":1},{}]',
    'own key': '1.50',
  })
  t.same(Buffer.from(reader.get(1, 1, 1)!.bytes), vectors(2))
  reader.close()
  t.match(await convert({ source: middle, out, mbtilesType: 'normalized' }), {
    digest: report.digest,
    notes: [],
  })
  const { metadata, problems } = checkMbtiles(out)
  t.same(problems, [])
  const { agg_tiles_hash: _, ...texts } = metadata
  t.same({ ...texts, json: JSON.parse(texts['json']!) }, { ...rows, json })
})

t.test('metadata of PMTiles come back from MBTiles', async (t) => {
  const folder = t.testdir({})
  const [source, middle, out] = ['a.pmtiles', 'b.mbtiles', 'c.pmtiles'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const metadata = {
    ...{
      name: 'Ortho',
      version: '3',
      tileSize: 512,
      empty: '',
      none: null,
      yes: true,
      list: [1, { a: 'b' }],
    },
    ...{ json: 'not JSON', nested: { json: '{}' }, 'a key with é': 'ß\u0000ß' },
  }
  const writer = create(source)
  writer.append(4, 3, 5, png(1))
  writer.append(5, 7, 11, png(2))
  writer.setMetadata(metadata)
  writer.seal({ bounds: [-112.5, 40.98, -101.25, 48.92], center: [-105, 45, 5] })
  writer.close()
  const report = await convert({ source, out: middle })
  t.same(checkMbtiles(middle).problems, [])
  t.match(checkMbtiles(middle).metadata, {
    bounds: '-112.5,40.98,-101.25,48.92',
    center: '-105,45,5',
    maxzoom: '5',
  })
  t.equal((await convert({ source: middle, out })).digest, report.digest)
  const reader = open(out)
  const { bounds, center, ...others } = reader.metadata()
  t.same(others, metadata)
  t.same({ bounds, center }, { bounds: [-112.5, 40.98, -101.25, 48.92], center: [-105, 45, 5] })
  reader.close()
})

t.test('what is not MBTiles is refused, and nothing is left', async (t) => {
  const folder = t.testdir({})
  const [source, out] = [join(folder, 'a.mbtiles'), join(folder, 'b.pmtiles')]
  writeFileSync(source, '')
  await t.rejects(convert({ source, out }), { code: 'NOT_A_TILE_FILE' })
  makeMbtiles(join(folder, 'c.mbtiles'), 'flat')
  await t.rejects(convert({ source: join(folder, 'c.mbtiles'), out, mbtilesType: 'flat' }), {
    code: 'BAD_OPTION',
  })
})

t.test('many tiles without an index are refused, because reading them would take hours', async (t) => {
  const folder = t.testdir({})
  const [source, out] = [join(folder, 'a.mbtiles'), join(folder, 'b.pmtiles')]
  const makers = [
    `CREATE TABLE tiles (${PLACE}, tile_data BLOB); INSERT INTO tiles SELECT 8, i / 256, i % 256, x'89' FROM n;`,
    `CREATE TABLE map (${PLACE}, id TEXT, PRIMARY KEY (zoom_level, tile_column, tile_row));
      INSERT INTO map SELECT 8, i / 256, i % 256, 'a' FROM n; CREATE TABLE images (id TEXT, tile_data BLOB);
      CREATE VIEW tiles AS SELECT zoom_level, tile_column, tile_row, tile_data FROM map JOIN images USING (id);
      INSERT INTO images VALUES ('a', x'89');`,
  ]
  for (const maker of makers) {
    rmSync(source, { force: true })
    const db = new Sqlite(source)
    db.exec(`${METADATA} CREATE TABLE n (i INTEGER);
      WITH RECURSIVE c (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 20000) INSERT INTO n SELECT i FROM c; ${maker}`)
    db.close()
    await t.rejects(convert({ source, out }), {
      code: 'NOT_A_TILE_FILE',
      message: /no index.*CREATE UNIQUE INDEX/,
    })
    await t.rejects(convert({ source, out, to: 'mbtiles' }), { code: 'NOT_A_TILE_FILE' })
    t.same(readdirSync(folder), ['a.mbtiles'])
  }
})

t.test('a database with tables of somebody else is not replaced', async (t) => {
  const folder = t.testdir({})
  const [source, out] = [join(folder, 'a.pmtiles'), join(folder, 'a.mbtiles')]
  const writer = create(source)
  writer.append(0, 0, 0, png(1))
  writer.close()
  makeMbtiles(out, 'normalized')
  await convert({ source, out, overwrite: true })
  const db = new Sqlite(out)
  db.exec("CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine')")
  db.close()
  await t.rejects(convert({ source, out, overwrite: true }), { code: 'EXISTS' })
  const again = new Sqlite(out)
  t.same(again.prepare('SELECT text FROM notes').pluck().all(), ['mine'])
  again.close()
})

t.test('many tiles without an index are refused at once, before they are sorted', async (t) => {
  const folder = t.testdir({})
  const path = join(folder, 'many.mbtiles')
  const db = new Sqlite(path)
  db.exec(`${METADATA} CREATE TABLE tiles (${PLACE}, tile_data BLOB);
    INSERT INTO tiles WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
      SELECT 9, i % 512, i / 512, x'89504e470d0a1a0a' FROM n`)
  db.close()
  let sorted = 0
  const tiles = await openTileSet(path)
  const listed = tiles.tiles.bind(tiles)
  tiles.tiles = (query) => {
    sorted++
    return listed(query)
  }
  const turns = new Turns(undefined, '')
  await t.rejects(
    scanInTurns(tiles, true, undefined, turns, () => {}),
    { message: /has no index/ },
  )
  t.equal(sorted, 0)
  tiles.close()
})
