// Tiles in tar and zip archives: what is in them is found, and nothing they claim is believed.
import { renameSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { TileType } from '../../src/format/tile-type.js'
import { archiveKind, isTileArchive } from '../../src/interop/archive-name.js'
import { openTileSet } from '../../src/interop/open.js'
import { EntryTable } from '../../src/interop/packed/entry-table.js'
import { openBackend, readyToOpen } from '../../src/server/sources/open-backend.js'
import type { TileSet } from '../../src/store/read/tile-set.js'
import { tarOf, zipOf } from '../helpers/packed.js'
import { integersFrom } from '../helpers/random.js'

const png = (n: number): Buffer => Buffer.from(`\x89PNG\r\n\x1a\n tile ${n}`, 'latin1')
const MVT = Uint8Array.of(0x1a, 3, 1, 2, 3)

function put(t: Test, name: string, bytes: Uint8Array): string {
  const path = join(t.testdir({}), name)
  writeFileSync(path, bytes)
  return path
}

async function opened(t: Test, name: string, bytes: Uint8Array): Promise<TileSet> {
  const tiles = await openTileSet(put(t, name, bytes))
  t.teardown(() => tiles.close())
  return tiles
}

const textOf = (tiles: TileSet, z: number, x: number, y: number): string | undefined => {
  const tile = tiles.get(z, x, y)
  return tile && Buffer.from(tile.bytes).toString('latin1')
}

const FILES = [
  { name: './metadata.json', bytes: Buffer.from('{"name":"a name","scheme":"xyz"}') },
  {
    name: './tiles.json',
    bytes: Buffer.from('{"tilejson":"3.0.0","tiles":["a"],"name":"b","attribution":"me"}'),
  },
  { name: './1/', bytes: new Uint8Array() },
  { name: './1/1/0.png', bytes: png(1) },
  { name: './1/0/1.jpg', bytes: png(2) },
  { name: './0/0/0.PNG', bytes: png(3) },
  { name: './1/0/0.png', bytes: png(4) },
  { name: './1/0/0.png', bytes: png(5) },
  { name: './1/1/1.png', bytes: new Uint8Array() },
]
/** Names that are left aside. */
const OTHERS = [
  '../0/0/0.png',
  '/0/0/0.png',
  'a/../0/0/0.png',
  '2/9/9.png',
  '27/0/0.png',
  '0/0/00.png',
  'x.txt',
  '',
]

for (const [name, make] of [
  ['a.tar', tarOf],
  ['a.zip', zipOf],
  ['deflated.zip', (files: typeof FILES) => zipOf(files.map((file) => ({ ...file, deflate: true })))],
] as const) {
  t.test(`${name}: tiles, metadata, duplicates`, async (t) => {
    const others = OTHERS.filter((other) => other !== '' || name === 'a.tar')
    const tiles = await opened(
      t,
      name,
      make([...others.map((other) => ({ name: other, bytes: png(9) })), ...FILES]),
    )
    t.equal(textOf(tiles, 1, 1, 0), png(1).toString('latin1'))
    t.equal(tiles.get(1, 0, 1)?.type, TileType.png, 'told by its bytes')
    t.equal(textOf(tiles, 1, 0, 0), png(5).toString('latin1'), 'the last one counts')
    t.equal(tiles.get(1, 1, 1), undefined, 'no bytes')
    t.equal(tiles.get(2, 0, 0), undefined)
    t.ok(tiles.has(0, 0, 0))
    t.same(tiles.levels(), [
      { zoom: 0, count: 1 },
      { zoom: 1, count: 4 },
    ])
    t.same(
      [...tiles.tiles({ zoom: 1 })],
      [
        [0, 0],
        [0, 1],
        [1, 1],
        [1, 0],
      ].map(([x, y]) => ({ z: 1, x, y })),
    )
    t.same(
      [...tiles.tiles({ zoom: 1, range: { minX: 1, minY: 0, maxX: 1, maxY: 0 } })],
      [{ z: 1, x: 1, y: 0 }],
    )
    t.same(
      [...tiles.scan!()].map(({ z, x, y }) => `${z}/${x}/${y}`),
      ['1/1/0', '1/0/1', '0/0/0', '1/0/0'],
    )
    t.same(tiles.metadata(), { name: 'a name', scheme: 'xyz', attribution: 'me' })
  })

  t.test(`${name}: a folder, TMS rows, vector tiles`, async (t) => {
    const tiles = await opened(
      t,
      name,
      make([
        { name: 'some/2024/metadata.json', bytes: Buffer.from('{"scheme":"tms"}') },
        { name: 'some/2024/1/0/0.pbf.gz', bytes: gzipSync(MVT) },
        { name: 'some/2024/1/0/1.pbf.br', bytes: brotliCompressSync(MVT) },
        { name: 'some/2024/1/1/1.mvt', bytes: Uint8Array.of(1, 2, 3) },
        { name: 'some/2024/0/0/0.mlt', bytes: MVT },
      ]),
    )
    t.match(tiles.get(1, 0, 1), { bytes: gzipSync(MVT), type: TileType.mvt })
    t.same(Buffer.from(tiles.get(1, 0, 0)!.bytes), Buffer.from(MVT), 'Brotli is unpacked')
    t.equal(tiles.get(1, 1, 0)?.type, TileType.mvt, 'told by its extension')
    t.equal(tiles.get(0, 0, 0)?.type, TileType.mlt)
  })

  t.test(
    `${name}: cut off anywhere, or with any byte changed, it gives its tiles or a sentence`,
    async (t) => {
      const whole = make(FILES)
      const below = integersFrom(10)
      for (let i = 0; i < 150; i++) {
        const bytes = Buffer.from(whole)
        const isCut = i % 2 === 0
        const at = below(bytes.length)
        if (!isCut) bytes[at] = below(256)
        const path = put(t, name, isCut ? bytes.subarray(0, at) : bytes)
        try {
          const tiles = await openTileSet(path)
          for (const { zoom } of tiles.levels())
            for (const { z, x, y } of tiles.tiles({ zoom })) tiles.get(z, x, y)
          tiles.close()
        } catch (error) {
          const { code, message } = error as { code: string; message: string }
          t.match(
            code,
            /^(DAMAGED|NOT_A_TILE_FILE|TOO_LARGE)$/,
            `${isCut ? 'cut' : 'changed'} at ${at}: ${message}`,
          )
        }
      }
    },
  )
}

t.test('zip: a damaged or hostile directory does not move, hide or multiply tiles', async (t) => {
  const name = '1/0/0.png'
  const whole = zipOf([
    { name, bytes: png(1) },
    { name: '1/0/1.png', bytes: png(2) },
  ])
  /** With another name in the directory, but not where the file is. */
  const renamed = (to: string): Buffer => {
    const bytes = Buffer.from(whole)
    bytes.write(to, bytes.lastIndexOf(name), 'latin1')
    return bytes
  }
  const moved = await opened(t, 'a.zip', renamed('1/1/0.png'))
  t.throws(() => moved.get(1, 1, 0), { code: 'DAMAGED', message: /another name/ })
  t.equal(textOf(moved, 1, 0, 1), png(2).toString('latin1'))
  await t.rejects(opened(t, 'b.zip', renamed('1/0/0.pxg')), { code: 'DAMAGED', message: /a tile is named/ })
  // many names for the same bytes: unpacking each would never end
  const bomb = zipOf([{ name, bytes: Buffer.alloc(100_000), deflate: true }])
  const at = bomb.lastIndexOf('PK\x01\x02')
  const end = bomb.lastIndexOf('PK\x05\x06')
  const records = Array.from({ length: 200 }, () => bomb.subarray(at, end))
  const tail = Buffer.from(bomb.subarray(end))
  tail.writeUInt16LE(200, 8)
  tail.writeUInt16LE(200, 10)
  tail.writeUInt32LE(200 * (end - at), 12)
  const many = Buffer.concat([bomb.subarray(0, at), ...records, tail])
  await t.rejects(opened(t, 'c.zip', many), { code: 'DAMAGED', message: /overlap/ })
  // a symbolic link made on Unix: its contents are a path
  const link = Buffer.from(whole)
  const record = link.lastIndexOf(name) - 46
  link.writeUInt16LE((3 << 8) | 20, record + 4)
  link.writeUInt32LE((0o120777 << 16) >>> 0, record + 38)
  const tiles = await opened(t, 'd.zip', link)
  t.equal(tiles.get(1, 0, 0), undefined)
  t.ok(tiles.has(1, 0, 1))
})

t.test('tar: hard links, long names and sizes of GNU tar and pax', async (t) => {
  const long = `${'folder/'.repeat(30)}`
  const pax = (text: string): Buffer => Buffer.from(text)
  const tiles = await opened(
    t,
    'a.tar',
    tarOf([
      { name: '././@LongLink', type: 'L', bytes: Buffer.from(`${long}1/0/0.png\0`) },
      { name: 'cut', bytes: png(1) },
      { name: 'x', type: 'x', bytes: pax(`229 path=${long}1/0/1.png\n12 size=15\n`) },
      { name: 'cut', bytes: png(2), size: 15 },
      { name: '././@LongLink', type: 'L', bytes: Buffer.from(`${long}1/1/0.png\0`) },
      { name: '././@LongLink', type: 'K', bytes: Buffer.from(`${long}1/0/0.png\0`) },
      { name: 'cut', type: '1', link: 'cut', size: 15 },
      { name: '././@LongLink', type: 'L', bytes: Buffer.from(`${long}1/1/1.png\0`) },
      { name: 'cut', type: '1', link: '5/5/5.png' },
    ]),
  )
  t.equal(textOf(tiles, 1, 0, 0), png(1).toString('latin1'))
  t.equal(textOf(tiles, 1, 0, 1), png(2).toString('latin1'))
  t.equal(textOf(tiles, 1, 1, 0), png(1).toString('latin1'), 'a hard link')
  t.notOk(tiles.has(1, 1, 1), 'a link to nothing')
  t.same(tiles.levels(), [{ zoom: 1, count: 3 }])
})

t.test('what cannot be read is refused with a sentence', async (t) => {
  const tile = { name: '0/0/0.png', bytes: png(1) }
  const refused: [string, Uint8Array, RegExp][] = [
    ['a.tar.gz', gzipSync(tarOf([tile])), /gunzip /],
    ['a.tar', gzipSync(tarOf([tile])), /compressed as a whole/],
    ['a.tar', tarOf([{ name: 'x.txt', bytes: png(1) }]), /has no tiles named z\/x\/y/],
    ['a.tar', tarOf([tile, { name: 'a/0/0/0.png', bytes: png(1) }]), /several folders: '' and 'a\/'/],
    ['a.tar', tarOf([{ ...tile, size: 2 ** 33 - 1 }]), /cut off/],
    ['a.tar', Buffer.alloc(2000, 'x'), /not a tar archive/],
    ['a.tar', new Uint8Array(), /not a tar archive/],
    [
      'a.tar',
      tarOf([tile, { name: 'metadata.json', bytes: Buffer.from('{"profile":"geodetic"}') }]),
      /another grid/,
    ],
    ['a.zip', new Uint8Array(), /not a zip archive/],
    ['a.zip', Buffer.alloc(2000, 'x'), /not a zip archive/],
    ['a.zip', zipOf([{ ...tile, method: 93 }]), /compressed by Zstandard/],
    ['a.zip', zipOf([{ ...tile, flags: 1 }]), /encrypted|mismatch/],
  ]
  for (const [name, bytes, message] of refused)
    await t.rejects(openTileSet(put(t, name, bytes)), { message }, String(message))
  const lying = await opened(
    t,
    'a.zip',
    zipOf([
      { ...tile, crc: 1 },
      { name: '1/0/0.png', bytes: Buffer.alloc(2 ** 20), deflate: true, size: 100 },
      { name: '1/0/1.png', bytes: png(1), deflate: true, size: 100 },
      { name: '1/1/1.png', bytes: png(1), deflate: true, size: 2 ** 31 },
    ]),
  )
  t.throws(() => lying.get(0, 0, 0), { code: 'DAMAGED', message: /tile 0\/0\/0: its checksum is wrong/ })
  t.throws(() => lying.get(1, 0, 0), { code: 'DAMAGED', message: /limit of 100 bytes/ }, 'a bomb')
  t.throws(() => lying.get(1, 0, 1), { code: 'DAMAGED', message: /instead of 100/ })
  t.throws(() => lying.get(1, 1, 1), { code: 'TOO_LARGE' })
})

t.test('which files are archives of tiles', (t) => {
  const [tile, other] = [
    { name: 'a/3/4/5.webp', bytes: png(1) },
    { name: 'roads.shp', bytes: png(1) },
  ]
  for (const [name, make] of [
    ['a.tar', tarOf],
    ['a.ZIP', zipOf],
  ] as const) {
    t.ok(isTileArchive(put(t, name, make([tile]))))
    t.notOk(isTileArchive(put(t, name, make([other]))))
  }
  t.equal(archiveKind(put(t, 'a.what', zipOf([tile]))), 'zip')
  t.equal(archiveKind(put(t, 'a.what', tarOf([tile]))), 'tar')
  t.equal(archiveKind(put(t, 'a.what', png(1))), 'file')
  t.end()
})

t.test('a table of many entries finds each of them', (t) => {
  const below = integersFrom(7)
  const table = new EntryTable(false)
  const last = new Map<string, number>()
  for (let i = 0; i < 5000; i++) {
    const [x, row] = [below(64), below(64)]
    table.add(6, x, row, { position: i, bytes: 1, packedBytes: 0, crc: 0, extension: 'png' })
    last.set(`${x}/${63 - row}`, i)
  }
  table.finish(true)
  t.equal(table.count, last.size)
  for (const [place, i] of last) {
    const [x, y] = place.split('/').map(Number)
    if (table.find(6, x!, y!)?.position !== i) t.fail(place)
  }
  const all = [...table.tiles({ zoom: 6 })].map(({ x, y }) => `${x}/${y}`)
  t.same(new Set(all), new Set(last.keys()))
  t.equal([...table.stored()].length, last.size)
  t.end()
})

/** Whether it is refused while the file is being written; on a busy machine it may look too late to see that. */
function isRefused(read: () => unknown, path: string): boolean {
  for (let tries = 0; tries < 50; tries++) {
    const now = new Date()
    utimesSync(path, now, now)
    try {
      read()
    } catch (error) {
      return (error as { code?: string }).code === 'LOCKED'
    }
  }
  return false
}

t.test('served: from the old file until the new one is complete', async (t) => {
  const path = put(t, 'a.zip', zipOf([{ name: '0/0/0.png', bytes: png(1) }]))
  const longAgo = new Date(Date.now() - 10_000)
  utimesSync(path, longAgo, longAgo)
  await readyToOpen([path])
  const backend = openBackend(path)
  t.teardown(() => backend.close())
  const first = backend.get(0, 0, 0)!
  t.equal(backend.kind, 'zip')
  t.same(Buffer.from(first.bytes), png(1))
  t.equal(backend.stat(0, 0, 0)?.etag, first.etag)
  t.match(backend.describe(), { kind: 'z/x/y tiles in a zip archive', tiles: 1 })
  const { revision } = backend
  // written over in place
  writeFileSync(path, zipOf([{ name: '0/0/0.png', bytes: png(22) }]))
  t.ok(
    isRefused(() => backend.get(0, 0, 0), path),
    'just written',
  )
  utimesSync(path, longAgo, new Date(Date.now() - 5000))
  t.same(Buffer.from(backend.get(0, 0, 0)!.bytes), png(22))
  t.not(backend.revision, revision)
  t.not(backend.get(0, 0, 0)!.etag, first.etag)
  // another file under the name: the catalogue opens it as another source
  const other = join(t.testdirName, 'b.zip')
  writeFileSync(other, zipOf([{ name: '0/0/0.png', bytes: png(3) }]))
  renameSync(other, path)
  t.same(Buffer.from(backend.get(0, 0, 0)!.bytes), png(22))
})
