// MBTiles that are written: other programs find what they expect, and nothing is left of what failed.
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { TileType } from '../../../src/format/tile-type.js'
import { createSink, type SinkRequest } from '../../../src/interop/create.js'
import { MBTILES_TYPES } from '../../../src/interop/mbtiles/schemas.js'
import type { StoredTile } from '../../../src/store/read/tile-set.js'
import { checkMbtiles } from '../../helpers/mbtiles-check.js'

const tile = (z: number, x: number, y: number, n = x * y, length = 100): StoredTile => {
  const bytes = new Uint8Array(length).fill(n)
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return { z, x, y, bytes, type: TileType.png }
}
const ABOUT = {
  metadata: {
    name: 'A name',
    version: '2',
    vector_layers: [{ id: 'a', fields: {} }],
    tileSize: 256,
    empty: '',
  },
  bounds: [-180, -85, 180, 85],
  center: [1, 2.5, 3],
} as const
const request = (path: string, more: Partial<SinkRequest> = {}): SinkRequest => ({
  ...{ path, format: 'mbtiles', who: 'convert', overwrite: false, inputs: [] },
  ...more,
})

for (const mbtilesType of MBTILES_TYPES)
  t.test(`${mbtilesType}: valid for martin, in any order of the tiles`, async (t) => {
    const folder = t.testdir({})
    const places = Array.from({ length: 64 }, (_, i) =>
      tile(3, i >> 3, 7 - (i % 8), i % 5, 9 + 997 * (i % 7)),
    )
    const orders = {
      columns: places,
      shuffled: [...places].sort((a, b) => ((a.x * 5 + a.y * 3) % 7) - ((b.x * 5 + b.y * 3) % 7)),
    }
    const found = []
    for (const [order, tiles] of Object.entries(orders)) {
      const path = join(folder, `${order}.mbtiles`)
      const sink = await createSink(request(path, { mbtilesType }))
      t.equal(sink.wantsSorted, 'columns')
      sink.put(tile(0, 0, 0))
      for (const one of tiles) sink.put(one)
      t.notOk(existsSync(path))
      await sink.finish(ABOUT)
      const checked = checkMbtiles(path)
      t.same(checked.problems, [])
      found.push(checked)
    }
    const [{ metadata, schema, tiles, images, applicationId }, shuffled] = found as [
      (typeof found)[0] & object,
      (typeof found)[0] & object,
    ]
    t.same(shuffled.metadata, metadata)
    t.equal(tiles, 65)
    t.equal(images, mbtilesType === 'normalized' ? 36 : undefined)
    t.equal(applicationId, 0x4d504258)
    t.equal(schema['tiles'], mbtilesType === 'flat' ? 'table' : 'view')
    const { json, agg_tiles_hash: _, ...rows } = metadata
    t.same(rows, {
      ...{ name: 'A name', version: '2', format: 'png', minzoom: '0', maxzoom: '3' },
      ...{ bounds: '-180,-85,180,85', center: '1,2.5,3' },
    })
    t.same(JSON.parse(json!), { vector_layers: [{ id: 'a', fields: {} }], tileSize: 256, empty: '' })
    t.same(readdirSync(folder).sort(), ['columns.mbtiles', 'shuffled.mbtiles'])
  })

t.test('more tiles than the memory for pages holds', async (t) => {
  const path = join(t.testdir({}), 'a.mbtiles')
  const sink = await createSink(request(path))
  for (let x = 0; x < 64; x++) for (let y = 0; y < 64; y++) sink.put(tile(6, x, y, x + y, 24_000))
  await sink.finish({ metadata: {}, bounds: undefined, center: undefined })
  const { problems, tiles, metadata } = checkMbtiles(path)
  t.same({ problems, tiles, name: metadata['name'] }, { problems: [], tiles: 4096, name: 'a' })
})

t.test('only MBTiles are replaced, and only by a complete archive', async (t) => {
  const folder = t.testdir({})
  const path = join(folder, 'a.mbtiles')
  const first = await createSink(request(path))
  await t.rejects(createSink(request(path)), { code: 'LOCKED' })
  first.put(tile(0, 0, 0))
  await first.finish(ABOUT)
  await t.rejects(createSink(request(path)), { code: 'EXISTS' })
  const second = await createSink(request(path, { overwrite: true }))
  second.put(tile(1, 0, 0))
  second.put(tile(1, 1, 1))
  await second.abandon()
  t.equal(checkMbtiles(path).tiles, 1)
  t.same(readdirSync(folder), ['a.mbtiles'])
  const other = join(folder, 'b.mbtiles')
  for (const contents of ['notes', 'SQLite format 3\0 and more', '']) {
    writeFileSync(other, contents)
    await t.rejects(createSink(request(other, { overwrite: true })), { code: 'EXISTS' })
  }
  await t.rejects(createSink(request(join(folder, 'none', 'c.mbtiles'))), { code: 'NOT_FOUND' })
  await t.rejects(createSink(request(path, { overwrite: true, inputs: [path] })), { code: 'BAD_OPTION' })
})

t.test('vector tiles as MBTiles do not have them', async (t) => {
  const sink = await createSink(request(join(t.testdir({}), 'a.mbtiles')))
  sink.put({ z: 0, x: 0, y: 0, bytes: Buffer.from([0x1a, 1, 0]), type: TileType.mvt })
  await sink.finish({ metadata: {}, bounds: undefined, center: undefined })
  t.match(sink.notes, [/not gzipped/, /vector_layers/])
})
