// MBTiles of others: what is in them is never trusted, and what writes them is followed.
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type Database from 'libsql'
import t, { type Test } from 'tap'
import { FlagstoneError } from '../../../src/errors.js'
import { TileType } from '../../../src/format/tile-type.js'
import { MbtilesReader } from '../../../src/interop/mbtiles/reader.js'
import { SqliteDatabase } from '../../../src/interop/sqlite/database.js'

const Sqlite = createRequire(import.meta.url)('libsql') as typeof Database
const PNG = Buffer.from('\x89PNG\r\n\x1a\n tile', 'latin1')
const TILES = 'CREATE TABLE tiles (zoom_level INT, tile_column INT, tile_row INT, tile_data BLOB);'
const INDEX = 'CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row);'
const METADATA = 'CREATE TABLE metadata (name TEXT, value TEXT);'
const ONE_TILE = `INSERT INTO tiles VALUES (1, 0, 1, x'${PNG.toString('hex')}');`
const PLAIN = TILES + INDEX + METADATA + ONE_TILE

function archive(t: Test, sql: string, name = 'a.mbtiles'): string {
  const path = join(t.testdir(), name)
  const db = new Sqlite(path)
  db.exec(sql)
  db.close()
  return path
}

function opened(t: Test, path: string, options = {}): MbtilesReader {
  const reader = MbtilesReader.open(path, options)
  t.teardown(() => reader.close())
  return reader
}

const descriptors = (): number => readdirSync('/proc/self/fd').length

t.before(() => MbtilesReader.load())

t.test('a plain archive', (t) => {
  const reader = opened(t, archive(t, PLAIN))
  t.same(Buffer.from(reader.get(1, 0, 0)!.bytes), PNG)
  t.equal(reader.get(1, 0, 0)!.type, TileType.png)
  t.equal(reader.get(1, 1, 0), undefined)
  t.ok(reader.has(1, 0, 0))
  t.notOk(reader.has(1, 0, 1))
  t.same(reader.head(1, 0, 0), { length: PNG.length, type: TileType.png, isGzip: false })
  t.same(reader.levels(), [{ zoom: 1, count: 1 }])
  t.same([...reader.tiles({ zoom: 1 })], [{ z: 1, x: 0, y: 0 }])
  t.same(reader.metadata(), {})
  t.end()
})

t.test('texts that are not UTF-8, and values of other types than the columns say', (t) => {
  const text = (latin: string): string => `CAST(x'${Buffer.from(latin, 'latin1').toString('hex')}' AS TEXT)`
  const path = archive(
    t,
    `${PLAIN}
    INSERT INTO metadata VALUES ('name', ${text('café')}), ('attribution', 'é – UTF-8'), ('description', x'414243'),
      ('nothing', NULL), (NULL, 'nameless'), ('version', 9223372036854775807), (${text('Größe')}, 1.5), ('empty', '');
    INSERT INTO tiles VALUES (9223372036854775807, 0, 0, x'00'), (NULL, 0, 0, x'00'), ('x', 'y', 'z', 'w'), (-3, 0, 0, 1),
      (2, 0, 0, NULL), (2, 0, 1, 'GIF89a'), (2, 0, 2, 7), (2, 1e300, 0, x'00'), (2.5, 0, 0, x'00'), (2, 0, 3, x'');`,
  )
  for (const levels of ['exact', 'about'] as const) {
    const reader = opened(t, path, { levels })
    t.match(reader.metadata(), {
      name: 'café',
      attribution: 'é – UTF-8',
      description: 'ABC',
      version: '9223372036854775807',
      Größe: '1.5',
      nothing: undefined,
      empty: undefined,
    })
    t.same(
      reader.levels().map(({ zoom }) => zoom),
      [1, 2],
    )
    t.equal(reader.get(2, 0, 3), undefined, 'NULL')
    t.same(Buffer.from(reader.get(2, 0, 2)!.bytes), Buffer.from('GIF89a'), 'a text')
    t.equal(reader.get(2, 0, 0), undefined, 'no bytes')
    t.equal([...reader.tiles({ zoom: 2 })].length, 4, 'those on the grid')
  }
  t.end()
})

t.test('a bit that is flipped in the first page', (t) => {
  const path = archive(t, `${PLAIN} INSERT INTO metadata VALUES ('name', 'a name'), ('format', 'png');`)
  const whole = readFileSync(path)
  const outcomes = new Set<string>()
  const pageBytes = whole.readUInt16BE(16)
  for (let at = 0; at < pageBytes; at += at < 120 ? 1 : 7) {
    const flipped = Buffer.from(whole)
    flipped[at]! ^= 1 << (at % 8)
    writeFileSync(path, flipped)
    try {
      const reader = MbtilesReader.open(path)
      try {
        reader.get(1, 0, 0)
        reader.levels()
        reader.metadata()
        outcomes.add('read')
      } finally {
        reader.close()
      }
    } catch (error) {
      if (!(error instanceof FlagstoneError)) throw error
      if (!error.message.startsWith(path)) t.fail(error.message)
      outcomes.add(error.code)
    }
  }
  t.ok(outcomes.has('read') && outcomes.has('NOT_A_TILE_FILE'), [...outcomes].join(' '))
  t.end()
})

const HUGE = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO many SELECT i FROM n;`

t.test('views that would run for ever, or do more than read, are refused in a sentence', (t) => {
  const endless = (columns: string): string =>
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT ${columns} FROM n;`
  const views: [string, string, RegExp][] = [
    [
      'endless rows',
      `CREATE VIEW tiles AS ${endless('1 AS zoom_level, i AS tile_column, 0 AS tile_row, i AS tile_data')}`,
      /recursive/,
    ],
    [
      'a function that makes much of little',
      'CREATE VIEW tiles AS SELECT 1 AS zoom_level, 0 AS tile_column, 0 AS tile_row, zeroblob(2000000000) AS tile_data',
      /zeroblob/,
    ],
    [
      'a computed column',
      `CREATE TABLE tiles (zoom_level INT, tile_column INT, tile_row INT, tile_data BLOB AS (zeroblob(zoom_level * 1000000)));`,
      /computed/,
    ],
    [
      'a module',
      'CREATE VIRTUAL TABLE words USING fts5(zoom_level, tile_column, tile_row, tile_data); CREATE VIEW tiles AS SELECT * FROM words;',
      /virtual table/,
    ],
  ]
  for (const [what, sql, why] of views) {
    const path = archive(t, METADATA + sql, `${what}.mbtiles`)
    t.throws(() => MbtilesReader.open(path), { code: 'NOT_A_TILE_FILE', message: why }, what)
  }
  const path = archive(
    t,
    `${PLAIN} DROP TABLE metadata; CREATE VIEW metadata (name, value) AS ${endless("'name' || i, 'x'")}`,
  )
  t.same(opened(t, path).metadata(), {}, 'endless metadata')
  t.end()
})

t.test('a query that takes too long ends, and is not tried again at once', (t) => {
  const path = archive(
    t,
    `${METADATA} CREATE TABLE many (i INT); ${HUGE}
    CREATE VIEW tiles AS SELECT a.i + b.i + c.i AS zoom_level, b.i + c.i AS tile_column, a.i + c.i AS tile_row, 'x' AS tile_data
    FROM many a, many b, many c;`,
  )
  t.throws(() => MbtilesReader.open(path, { deadlineMs: 50 }), {
    code: 'NOT_A_TILE_FILE',
    message: /takes too long.*CREATE UNIQUE INDEX/,
  })
  const slow = SqliteDatabase.open(path, 50)
  t.teardown(() => slow.close())
  const errors = [0, 1].map(() => {
    try {
      return slow.first('SELECT 1 FROM tiles WHERE zoom_level = ?1', [0], () => true)
    } catch (error) {
      return error
    }
  })
  t.match(errors[0], { errno: 'SQLITE_INTERRUPT' })
  t.equal(errors[0], errors[1], 'the second was not tried')
  t.end()
})

t.test('a tile of more than 64 MiB is not read; the others are', (t) => {
  const path = archive(t, `${PLAIN} INSERT INTO tiles VALUES (1, 1, 1, zeroblob(${70 * 2 ** 20}));`)
  const reader = opened(t, path)
  t.throws(() => reader.get(1, 1, 0), { code: 'TOO_LARGE', message: /larger than the limit of 64 MiB/ })
  t.same(reader.head(1, 1, 0), { length: 70 * 2 ** 20, type: TileType.unknown, isGzip: false })
  t.ok(reader.get(1, 0, 0))
  t.same(reader.levels(), [{ zoom: 1, count: 2 }])
  t.end()
})

t.test('tables and views of the usual kinds', (t) => {
  const hex = PNG.toString('hex')
  const kinds = {
    'map and images': `CREATE TABLE map (zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER, tile_id TEXT);
      CREATE TABLE images (tile_data BLOB, tile_id TEXT); CREATE UNIQUE INDEX map_index ON map (zoom_level, tile_column, tile_row);
      CREATE UNIQUE INDEX images_id ON images (tile_id); INSERT INTO map VALUES (1, 0, 1, 'a'); INSERT INTO images VALUES (x'${hex}', 'a');
      CREATE VIEW tiles AS SELECT map.zoom_level AS zoom_level, map.tile_column AS tile_column, map.tile_row AS tile_row,
        images.tile_data AS tile_data FROM map JOIN images ON images.tile_id = map.tile_id;`,
    'without rowid': `CREATE TABLE tiles (zoom_level INT, tile_column INT, tile_row INT, tile_data BLOB,
      PRIMARY KEY (zoom_level, tile_column, tile_row)) WITHOUT ROWID; ${ONE_TILE}`,
    'numbers as texts': `CREATE TABLE tiles (zoom_level TEXT, tile_column TEXT, tile_row TEXT, tile_data BLOB); ${ONE_TILE}`,
    'rows from the north, by a view': `CREATE TABLE xyz (z INT, x INT, y INT, data BLOB, PRIMARY KEY (z, x, y)); INSERT INTO xyz VALUES (1, 0, 0, x'${hex}');
      CREATE VIEW tiles AS SELECT z AS zoom_level, x AS tile_column, CAST(pow(2, z) AS INT) - 1 - y AS tile_row, data AS tile_data FROM xyz;`,
  }
  for (const [kind, sql] of Object.entries(kinds)) {
    const reader = opened(t, archive(t, METADATA + sql, `${kind}.mbtiles`))
    t.same(Buffer.from(reader.get(1, 0, 0)!.bytes), PNG, kind)
  }
  t.end()
})

t.test('many tiles: places and counts are the same, all, in part and about', (t) => {
  const path = archive(t, TILES + INDEX)
  const db = new Sqlite(path)
  db.exec(`WITH RECURSIVE x (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM x WHERE i < 299),
    y (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM y WHERE i < 99)
    INSERT INTO tiles SELECT 9, x.i + 50, y.i + 20, x'89' FROM x, y`)
  db.close()
  const reader = opened(t, path)
  t.same(reader.levels(), [{ zoom: 9, count: 30_000 }])
  t.same(opened(t, path, { levels: 'about' }).levels(), [{ zoom: 9, count: 30_000 }])
  const all = [...reader.tiles({ zoom: 9 })]
  t.equal(all.length, 30_000)
  t.equal(new Set(all.map(({ x, y }) => `${x}/${y}`)).size, 30_000)
  const range = { minX: 40, maxX: 60, minY: 411, maxY: 1000 }
  t.equal([...reader.tiles({ zoom: 9, range })].length, 11 * 81)
  const wide = { minX: 0, maxX: 511, minY: 411, maxY: 1000 }
  t.equal([...reader.tiles({ zoom: 9, range: wide })].length, 300 * 81)
  t.end()
})

t.test('pictures in gzip are the pictures', (t) => {
  const packed = gzipSync(PNG).toString('hex')
  const vectors = gzipSync(Buffer.of(0x1a, 3, 1, 2, 3)).toString('hex')
  const with_ = (format: string, first: string): string =>
    `${TILES}${METADATA} INSERT INTO metadata VALUES ('format', '${format}'); INSERT INTO tiles VALUES (0, 0, 0, x'${first}');`
  for (const format of ['png', 'pbf']) {
    const reader = opened(t, archive(t, with_(format, packed), `${format}.mbtiles`))
    const tile = reader.get(0, 0, 0)!
    t.same([tile.type, Buffer.from(tile.bytes)], [TileType.png, PNG], format)
    t.same(reader.head(0, 0, 0), { length: PNG.length, type: TileType.png, isGzip: false }, format)
  }
  const reader = opened(t, archive(t, with_('pbf', vectors), 'vectors.mbtiles'))
  t.equal(reader.get(0, 0, 0)!.type, TileType.mvt)
  t.equal(Buffer.from(reader.get(0, 0, 0)!.bytes).toString('hex'), vectors, 'vector tiles stay packed')
  t.end()
})

t.test('what was closed is closed, and nothing is left beside the file', (t) => {
  const path = archive(t, PLAIN)
  MbtilesReader.open(path).close()
  const before = descriptors()
  for (let i = 0; i < 20; i++) {
    const reader = MbtilesReader.open(path)
    t.ok(reader.get(1, 0, 0))
    // a list that is not read to its end
    reader.tiles({ zoom: 1 }).next()
    reader.close()
  }
  t.equal(descriptors(), before)
  t.same(readdirSync(join(path, '..')), ['a.mbtiles'])
  t.end()
})

t.test('a writer that keeps readers out, and one that does not', (t) => {
  const path = archive(t, PLAIN)
  const reader = opened(t, path)
  const db = new Sqlite(path)
  t.teardown(() => db.close())
  db.exec('BEGIN EXCLUSIVE')
  t.throws(() => reader.get(1, 0, 0), { code: 'LOCKED' })
  db.exec('ROLLBACK')
  db.exec(`BEGIN IMMEDIATE; INSERT INTO tiles VALUES (1, 1, 1, x'00')`)
  t.ok(reader.get(1, 0, 0), 'a change that is not committed keeps nobody out')
  t.notOk(reader.has(1, 1, 0))
  db.exec('COMMIT')
  t.ok(reader.has(1, 1, 0), 'committed')
  t.end()
})

t.test('a change that a crash left half done is not read', (t) => {
  const path = archive(t, PLAIN)
  const db = new Sqlite(path)
  db.exec(`PRAGMA cache_size = 1; BEGIN; UPDATE tiles SET tile_data = zeroblob(100000);
    INSERT INTO tiles SELECT 5, 1, value, zeroblob(9000) FROM json_each('[1,2,3,4,5,6,7,8,9]')`)
  const crashed = join(path, '..', 'crashed.mbtiles')
  copyFileSync(path, crashed)
  copyFileSync(`${path}-journal`, `${crashed}-journal`)
  db.exec('ROLLBACK')
  db.close()
  t.throws(() => MbtilesReader.open(crashed), { message: /left in the middle of a change.*sqlite3/ })
  t.end()
})

t.test('an archive with a write-ahead log', (t) => {
  const root = t.testdir()
  const path = join(root, 'a.mbtiles')
  const db = new Sqlite(path)
  db.exec('PRAGMA journal_mode = wal')
  db.exec(PLAIN)
  const reader = opened(t, path)
  const tile = (): string | undefined => {
    const bytes = reader.get(1, 0, 0)?.bytes
    return bytes && Buffer.from(bytes).toString()
  }
  t.equal(tile(), PNG.toString())
  const states = new Set<string | undefined>()
  for (let i = 0; i < 30; i++) {
    db.exec(`UPDATE tiles SET tile_data = CAST('edition ${i}' AS BLOB)`)
    if (i % 7 === 3) db.exec(`PRAGMA wal_checkpoint(${i % 2 === 0 ? 'PASSIVE' : 'RESTART'})`)
    t.equal(tile(), `edition ${i}`)
    states.add(reader.state())
  }
  t.equal(states.size, 30)

  // as after a crash: with its log, and no file of shared memory
  mkdirSync(join(root, 'copy'))
  const copy = join(root, 'copy/b.mbtiles')
  db.exec("UPDATE tiles SET tile_data = CAST('only in the log' AS BLOB)")
  copyFileSync(path, copy)
  copyFileSync(`${path}-wal`, `${copy}-wal`)
  t.equal(Buffer.from(opened(t, copy).get(1, 0, 0)!.bytes).toString(), 'only in the log')
  t.same(readdirSync(join(root, 'copy')), ['b.mbtiles', 'b.mbtiles-wal'], 'nothing was written')

  db.close()
  t.equal(tile(), 'only in the log', 'the last writer has gone')
  t.same(readdirSync(root), ['a.mbtiles', 'copy'], 'it took its log along')
  chmodSync(root, 0o555)
  t.equal(
    Buffer.from(opened(t, path).get(1, 0, 0)!.bytes).toString(),
    'only in the log',
    'in a folder to be read only',
  )
  chmodSync(root, 0o755)

  const again = new Sqlite(path)
  again.exec('PRAGMA journal_mode = delete')
  again.exec("UPDATE tiles SET tile_data = CAST('no log any more' AS BLOB)")
  t.equal(tile(), 'no log any more')
  again.exec('PRAGMA journal_mode = wal')
  again.exec("UPDATE tiles SET tile_data = CAST('a log again' AS BLOB)")
  t.equal(tile(), 'a log again')
  again.close()
  t.end()
})
