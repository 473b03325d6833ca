import { mkdirSync, readdirSync, readlinkSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import { TileType } from '../../src/format/tile-type.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { serverOptions } from '../../src/server/options.js'
import { openCatalog } from '../../src/server/sources/catalog.js'
import type { Catalog, Source, SourceInput } from '../../src/server/sources/source.js'
import { createTiles } from '../../src/store/paths.js'
import { openTiles } from '../../src/store/read/open.js'
import { PmtilesReader } from '../../src/store/read/pmtiles-reader.js'
import { zipOf } from '../helpers/packed.js'
import {
  editionOf,
  editionTile,
  flatFile,
  type Maker,
  mbtilesFile,
  mbtilesOf,
  pmtilesFile,
  tarFile,
  tileFolder,
  tilesOf,
  versatilesFile,
  zipFile,
} from './tile-files.js'

async function opened(
  t: Test,
  inputs: readonly SourceInput[],
  options: Parameters<typeof serverOptions.parse>[0] = {},
): Promise<Catalog> {
  const catalog = await openCatalog(inputs, serverOptions.parse(options))
  t.teardown(() => catalog.close())
  return catalog
}

const ids = (catalog: Catalog): string[] => catalog.list().map(({ id }) => id)

const KINDS: readonly [kind: Source['kind'], name: string, make: Maker][] = [
  ['flat', 'a.pmtiles', flatFile],
  ['pmtiles', 'b.pmtiles', pmtilesFile],
  ['mbtiles', 'c.mbtiles', mbtilesFile],
  ['folder', 'd', tileFolder],
  ['tar', 'e.tar', tarFile],
  ['zip', 'f.zip', zipFile],
  ['versatiles', 'g.versatiles', versatilesFile],
]

t.test('every kind of archive', async (t) => {
  const root = t.testdir()
  for (const [, name, make] of KINDS) make(join(root, name), 7)
  const catalog = await opened(t, [root])
  t.same(ids(catalog), ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  t.same(catalog.problems(), [])
  for (const [kind, name] of KINDS) {
    await t.test(kind, async (t) => {
      const source = catalog.get(name[0]!)!
      t.equal(source.kind, kind)
      t.equal(source.path, join(root, name))
      t.equal(source.reader !== undefined, kind === 'flat' || kind === 'pmtiles')
      for (const [z, x, y] of tilesOf(2)) {
        const tile = source.get(z, x, y)!
        t.equal(editionOf(tile.bytes, z, x, y), 7)
        t.equal(tile.length, tile.bytes.length)
        t.match(tile.etag, /^"[\w-]+"$/)
        t.match(source.stat(z, x, y), { etag: tile.etag, length: tile.length, type: tile.type })
      }
      t.equal(new Set([...tilesOf(2)].map((zxy) => source.get(...zxy)!.etag)).size, 16, 'a tag each')
      const outside = [
        [1, 0, 0],
        [2, 4, 0],
        [2, 0, -1],
        [-1, 0, 0],
        [27, 0, 0],
        [2, 0.5, 0],
        [2, Number.NaN, 0],
        [99, 2 ** 40, 0],
      ] as const
      for (const zxy of outside) {
        t.equal(source.get(zxy[0], zxy[1], zxy[2]), undefined, zxy.join('/'))
        t.equal(source.stat(zxy[0], zxy[1], zxy[2]), undefined, zxy.join('/'))
      }
      const description = source.describe()
      t.equal(source.describe(), description, 'made once a version')
      t.match(description, { tiles: 16, minZoom: 2, maxZoom: 2, levels: [{ zoom: 2, count: 16 }] })
      t.match(source.version, /^[\w-]+$/)
      t.equal(source.contentEncoding, undefined)
    })
  }
})

t.test('folders: what is found in them, and what is not', async (t) => {
  const root = t.testdir()
  for (const name of ['in', 'in/sub', 'in/sub/subsub', 'in/.hidden', 'out']) mkdirSync(join(root, name))
  for (const name of [
    'in/one',
    'in/sub/two',
    'in/sub/subsub/three',
    'in/.hidden/four',
    'in/.five',
    'out/six',
  ]) {
    pmtilesFile(join(root, `${name}.pmtiles`), 1)
  }
  tileFolder(join(root, 'in/sub/tiles-in-folder'), 1)
  writeFileSync(join(root, 'in/notes.txt'), 'no archive')
  // of these nobody expects tiles
  writeFileSync(join(root, 'in/roads.zip'), zipOf([{ name: 'roads.shp', bytes: Buffer.from('shape') }]))
  writeFileSync(join(root, 'in/backup.tar.gz'), gzipSync('backup'))
  writeFileSync(join(root, 'in/broken.pmtiles'), 'no archive either')
  symlinkSync(join(root, 'out/six.pmtiles'), join(root, 'in/link-out.pmtiles'))
  symlinkSync(join(root, 'out'), join(root, 'in/folder-out'))
  symlinkSync('nowhere', join(root, 'in/link-to-nowhere.pmtiles'))
  symlinkSync('sub/two.pmtiles', join(root, 'in/alias.pmtiles'))

  const catalog = await opened(t, [join(root, 'in')])
  t.same(ids(catalog), ['alias', 'one', 'tiles-in-folder', 'two'], 'a link in a folder is a name of its own')
  t.equal(catalog.get('broken'), undefined)
  t.same(
    catalog
      .problems()
      .map(({ path }) => path)
      .sort(),
    [
      join(root, 'in/broken.pmtiles'),
      join(root, 'in/link-out.pmtiles'),
      join(root, 'in/link-to-nowhere.pmtiles'),
    ],
  )
  t.match(
    catalog.problems().find(({ path }) => path.endsWith('link-out.pmtiles'))!.message,
    /link to a file outside/,
  )

  t.same(ids(await opened(t, [join(root, 'in')], { folderDepth: 0 })), ['alias', 'one'])
  t.same(ids(await opened(t, [join(root, 'in')], { folderDepth: 2 })), [
    'alias',
    'one',
    'three',
    'tiles-in-folder',
    'two',
  ])
  const twice = [join(root, 'in/alias.pmtiles'), join(root, 'in'), join(root, 'in/sub/two.pmtiles')]
  t.same(ids(await opened(t, twice)), ['alias', 'one', 'tiles-in-folder', 'two'], 'each name once')
  t.same(ids(await opened(t, [join(root, 'in/link-out.pmtiles')])), ['link-out'], 'named itself')
  const missing = await opened(t, [{ path: join(root, 'in'), missing: '404' }])
  t.same(
    missing.list().map((source) => source.missing),
    ['404', '404', '404', '404'],
  )
})

t.test('globs', async (t) => {
  const root = t.testdir()
  for (const name of ['a', 'a/b', 'other']) mkdirSync(join(root, name))
  for (const name of ['a/x1.pmtiles', 'a/x2.pmtiles', 'a/y1.pmtiles', 'a/b/x3.bin', 'other/x4.pmtiles']) {
    pmtilesFile(join(root, name), 1)
  }
  symlinkSync('../other/x4.pmtiles', join(root, 'a/x5.pmtiles'))
  t.same(
    ids(await opened(t, [`${root}/a/x*.pmtiles`])),
    ['x1', 'x2'],
    'links out of the fixed part are left aside',
  )
  t.same(ids(await opened(t, [`${root}/a/**/x*`])), ['x1', 'x2', 'x3'])
  t.same(ids(await opened(t, [`${root}/{a,other}/{x,y}1.pmtiles`])), ['x1', 'y1'])
  const none = await opened(t, [`${root}/nothing-*.pmtiles`])
  t.same(ids(none), [])
  t.match(none.problems(), [{ path: `${root}/nothing-*.pmtiles`, message: /has no tile archives/ }])
  pmtilesFile(join(root, 'a/[1].pmtiles'), 1)
  t.same(ids(await opened(t, [`${root}/a/[1].pmtiles`])), ['_1_'], 'a name that is there is no glob')
})

t.test('ids are safe, single, and stay', async (t) => {
  const root = t.testdir()
  const names = [
    'tiles',
    'a b',
    'ü',
    'v1.2',
    'x.json',
    'ortho',
    '-'.repeat(200),
    '%2e%2e',
    'a?b#c',
    '_',
    'health',
  ]
  for (const name of names) pmtilesFile(join(root, `${name}.pmtiles`), 1)
  mkdirSync(join(root, 'sub'))
  mbtilesFile(join(root, 'ortho.mbtiles'), 1)
  pmtilesFile(join(root, 'sub/ortho.pmtiles'), 2)
  const catalog = await opened(t, [root])
  for (const id of ids(catalog)) {
    t.match(id, /^[\p{L}\p{N}._~-]{1,128}$/u)
    t.equal(catalog.get(id)!.id, id)
  }
  for (const id of [
    'tiles-1',
    'a_b',
    'ü',
    'v1.2',
    'x_json',
    'ortho',
    '-'.repeat(128),
    '_-1',
    'health-1',
    'a_b_c',
  ]) {
    t.ok(catalog.get(id), id)
  }
  t.equal(catalog.get('_2e_2e')?.path, join(root, '%2e%2e.pmtiles'))
  const orthos = ids(catalog).filter((id) => id.startsWith('ortho'))
  t.equal(orthos.length, 3)
  // another file of that name changes nothing for those that were there
  pmtilesFile(join(root, 'zzz.pmtiles'), 1)
  pmtilesFile(join(root, 'sub/a b.pmtiles'), 1)
  const again = await opened(t, [root])
  for (const { id, path } of catalog.list()) t.equal(again.get(id)?.path, path, id)
  t.equal(again.list().length, catalog.list().length + 2)

  await t.test('given ones', async (t) => {
    const path = join(root, 'v1.2.pmtiles')
    const two = await opened(t, [
      { path, id: 'first', missing: 'overzoom' },
      { path, id: 'second' },
    ])
    t.same(ids(two), ['first', 'second'])
    t.equal(two.get('first')!.missing, 'overzoom')
    t.equal(two.get('second')!.missing, undefined)
    const refused: readonly SourceInput[][] = [
      [{ path, id: 'a/b' }],
      [{ path, id: '' }],
      [{ path, id: '..' }],
      [{ path, id: 'tiles' }],
      [
        { path, id: 'same' },
        { path: join(root, 'ü.pmtiles'), id: 'same' },
      ],
      [{ path: root, id: 'many' }],
      [{}],
      [{ path, missing: '405' as never }],
      [{ path, mising: '404' } as never],
      [undefined as never],
      [3 as never],
      [{ reader: {} as never }],
    ]
    for (const inputs of refused) {
      await t.rejects(
        openCatalog(inputs, serverOptions.parse({})),
        { code: 'BAD_OPTION' },
        JSON.stringify(inputs),
      )
    }
  })
})

t.test('a named file that cannot be opened is an error', async (t) => {
  const root = t.testdir({ 'bad.pmtiles': 'PM but not really', 'bad.mbtiles': 'no' })
  for (const [name, code] of [
    ['bad.pmtiles', /NOT_A_TILE_FILE|DAMAGED/],
    ['bad.mbtiles', /NOT_A_TILE_FILE|DAMAGED/],
    ['none.pmtiles', /NOT_FOUND/],
    ['none.mbtiles', /NOT_FOUND/],
    ['nonefolder', /NOT_FOUND/],
  ] as const) {
    await t.rejects(openCatalog([join(root, name)], serverOptions.parse({})), { code }, name)
  }
  t.same(readdirSync(root).sort(), ['bad.mbtiles', 'bad.pmtiles'], 'and nothing is made by looking')
})

t.test('open readers', async (t) => {
  const root = t.testdir()
  flatFile(join(root, 'a.pmtiles'), 3)
  const reader = openTiles(join(root, 'a.pmtiles'))
  const catalog = await openCatalog([{ reader, id: 'mine' }, { reader }], serverOptions.parse({}))
  t.same(ids(catalog), ['a', 'mine'])
  t.equal(editionOf(catalog.get('mine')!.get(2, 1, 1)!.bytes, 2, 1, 1), 3)
  catalog.get('mine')!.hold()()
  catalog.close()
  t.equal(editionOf(reader.get(2, 1, 1)!.bytes, 2, 1, 1), 3, 'are closed by who opened them')
  reader.close()
})

t.test('more files than may be open at once', async (t) => {
  const root = t.testdir()
  for (let i = 0; i < 12; i++) KINDS[i % 3]![2](join(root, `f${i}.${i % 3 === 2 ? 'mbtiles' : 'pmtiles'}`), i)
  const catalog = await opened(t, [root], { openFiles: 4 })
  t.equal(catalog.list().length, 12)
  t.ok(catalog.openFiles <= 4)
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 12; i++) {
      t.equal(editionOf(catalog.get(`f${i}`)!.get(2, 1, 2)!.bytes, 2, 1, 2), i)
      t.ok(catalog.openFiles <= 4)
    }
  }
  await t.test('those held stay open', async (t) => {
    const held = [0, 1, 3, 4, 6, 7].map((i) => ({ i, source: catalog.get(`f${i}`)! }))
    const releases = held.map(({ source }) => {
      source.tiles.levels()
      return source.hold()
    })
    t.equal(catalog.openFiles, 6)
    for (const { i, source } of held) t.equal(editionOf(source.get(2, 0, 0)!.bytes, 2, 0, 0), i)
    for (const release of [...releases, ...releases]) release()
    catalog.get('f9')
    t.ok(catalog.openFiles <= 6)
  })
  await t.test('one that was replaced while it was closed', async (t) => {
    const old = catalog.get('f1')!
    const version = old.version
    for (let i = 2; i < 12; i++) catalog.get(`f${i}`)!.get(2, 0, 0)
    pmtilesFile(join(root, 'next'), 100)
    renameSync(join(root, 'next'), join(root, 'f1.pmtiles'))
    t.throws(() => old.get(2, 0, 0), /replaced/, 'no source answers from another file')
    const now = catalog.get('f1')!
    t.equal(editionOf(now.get(2, 0, 0)!.bytes, 2, 0, 0), 100)
    t.not(now.version, version)
  })
})

t.test('MBTiles of vector tiles', async (t) => {
  const root = t.testdir()
  const plain = Buffer.from([0x1a, 3, 0x78, 2, 0x28])
  const tiles = [
    { z: 0, x: 0, y: 0, bytes: gzipSync(plain) },
    { z: 1, x: 0, y: 0, bytes: plain },
    { z: 1, x: 1, y: 0, bytes: gzipSync(plain) },
  ]
  const json = JSON.stringify({ vector_layers: [{ id: 'roads', fields: {} }] })
  mbtilesOf(join(root, 'gzip.mbtiles'), tiles, { name: 'v', format: 'pbf', json })
  mbtilesOf(join(root, 'plain.mbtiles'), tiles.slice(1), { name: 'v', format: 'pbf' })
  const catalog = await opened(t, [root])
  for (const [id, encoding] of [
    ['gzip', 'gzip'],
    ['plain', undefined],
  ] as const) {
    const source = catalog.get(id)!
    t.equal(source.contentEncoding, encoding)
    for (const [z, x, y] of [
      [1, 0, 0],
      [1, 1, 0],
    ] as const) {
      const tile = source.get(z, x, y)!
      t.equal(tile.type, TileType.mvt)
      t.same(encoding === 'gzip' ? gunzipSync(tile.bytes) : Buffer.from(tile.bytes), plain)
      t.match(source.stat(z, x, y), { type: TileType.mvt, length: tile.bytes.length, etag: tile.etag })
    }
  }
  t.match(catalog.get('gzip')!.describe().metadata, { vector_layers: [{ id: 'roads' }], name: 'v' })
})

t.test('a folder of vector tiles is sent in one encoding', async (t) => {
  const mvt = Buffer.from([0x1a, 3, 1, 2, 3])
  const root = t.testdir({ v: { 1: { 0: { '0.pbf': gzipSync(mvt), '1.pbf': mvt } } } })
  const source = (await opened(t, [join(root, 'v')])).get('v')!
  t.equal(source.contentEncoding, 'gzip')
  for (const y of [0, 1]) {
    const tile = source.get(1, 0, y)!
    t.equal(tile.type, TileType.mvt)
    t.same(gunzipSync(tile.bytes), mvt)
    t.match(source.stat(1, 0, y), { etag: tile.etag, length: tile.length, type: tile.type })
  }
})

t.test('links in a folder of tiles do not lead out of it', async (t) => {
  const root = t.testdir({ 'secret.png': 'secret' })
  tileFolder(join(root, 'in/t'), 1)
  writeFileSync(join(root, 'in/t/2/0/0.png'), '')
  for (const [link, target] of [
    ['2/3/3', '../../../../secret'],
    ['2/3/2', '../1/1'],
  ] as const) {
    renameSync(join(root, `in/t/${link}.png`), join(root, 'spare'))
    symlinkSync(`${target}.png`, join(root, `in/t/${link}.png`))
  }
  const source = (await opened(t, [join(root, 'in')])).get('t')!
  t.equal(source.get(2, 3, 3), undefined)
  t.equal(source.stat(2, 3, 3), undefined)
  t.equal(editionOf(source.get(2, 3, 2)!.bytes, 2, 1, 1), 1, 'a link inside it is a tile')
  t.equal(source.get(2, 0, 0), undefined, 'an empty file is none')
})

t.test('a large archive is described by a sample', async (t) => {
  const root = t.testdir()
  const writer = createTiles(join(root, 'large.pmtiles'))
  const value = new Uint8Array(50).fill(1)
  for (const [z, x, y] of tilesOf(8)) writer.append(z, x, y, value, TileType.png)
  for (const [z, x, y] of tilesOf(9)) if (x < 200) writer.append(z, x, y, value, TileType.png)
  writer.append(3, 1, 2, editionTile(1, 3, 1, 2), TileType.jpeg)
  writer.commit()
  writer.close()
  const description = (await opened(t, [root])).get('large')!.describe()
  t.equal(description.isSampled, true)
  t.equal(description.tiles, 65_536 + 200 * 512 + 1)
  t.match(description.levels, [
    { zoom: 3, count: 1, bytes: editionTile(1, 3, 1, 2).length },
    { zoom: 8, count: 65_536, bytes: 65_536 * 50 },
    { zoom: 9, count: 102_400, bytes: 102_400 * 50 },
  ])
  t.match(description.types, [
    { name: 'png', count: 167_936 },
    { name: 'jpeg', count: 1 },
  ])
  t.same(
    description.bounds?.map((v) => Math.round(v)),
    [-180, -85, 180, 85],
    'of the deepest zoom that is small',
  )
})

t.test('of a foreign archive with very many entries the tiles are about counted', async (t) => {
  const path = join(t.testdir(), 'large.pmtiles')
  const writer = createTiles(path, { dedupe: false })
  const value = Buffer.alloc(8)
  for (const zoom of [2, 8, 9]) {
    for (let id = zoomBase(zoom); id < zoomBase(zoom + 1); id++) {
      value.writeUInt32LE(id)
      writer.append(...tileIdToZxy(id), value, TileType.png)
    }
  }
  writer.seal()
  writer.close()
  const [exact, about] = (['exact', 'about'] as const).map((levels) =>
    PmtilesReader.open(openRealFile(path, 'read'), { mode: 'buffered', levels }),
  )
  t.same(
    exact!.levels().map(({ zoom, count }) => [zoom, count]),
    [
      [2, 16],
      [8, 65_536],
      [9, 262_144],
    ],
  )
  for (const [i, { zoom, count }] of about!.levels().entries()) {
    const level = exact!.levels()[i]!
    t.equal(zoom, level.zoom)
    t.ok(Math.abs(count / level.count - 1) < 0.1, `${count} of ${level.count}`)
  }
  t.equal(about!.levels().length, 3)
  exact!.close()
  about!.close()
})

t.test('no descriptor is left open', async (t) => {
  const root = t.testdir()
  flatFile(join(root, 'a.pmtiles'), 1)
  pmtilesFile(join(root, 'b.pmtiles'), 1)
  const ours = (): number =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(root)
      } catch {
        return false
      }
    }).length
  const catalog = await openCatalog(
    [join(root, 'a.pmtiles'), join(root, 'b.pmtiles')],
    serverOptions.parse({}),
  )
  const release = catalog.get('b')!.hold()
  t.equal(catalog.openFiles, 2)
  catalog.close()
  t.equal(catalog.openFiles, 1, 'what is held is closed when it is let go')
  release()
  t.equal(catalog.openFiles, 0)
  t.equal(ours(), 0)
})
