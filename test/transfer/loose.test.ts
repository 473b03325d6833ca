// Tiles as loose files, in folders, tar and zip archives: the same tiles come back, and nothing else is ever replaced.
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { TileType } from '../../src/format/tile-type.js'
import { convert, create, digest, openTileSet, verify } from '../../src/index.js'
import { openRealFile } from '../../src/platform/real-file.js'

const png = (n: number): Uint8Array => Buffer.from(`\x89PNG\r\n\x1a\n tile ${n}`, 'latin1')
const MVT = Uint8Array.of(0x1a, 3, 1, 2, 3)

const METADATA = {
  name: 'a <name> & more',
  attribution: '©',
  tileSize: 512,
  vector_layers: [{ id: 'roads', fields: { name: 'String' } }],
}

/** Pictures, vector tiles and unknown ones, some of them equal. */
function makeArchive(path: string): void {
  const writer = create(path)
  for (let x = 7; x >= 0; x--) for (let y = 0; y < 6; y++) writer.append(3, x, y, png((x * y) % 5))
  writer.append(0, 0, 0, gzipSync(MVT), TileType.mvt)
  writer.append(1, 0, 0, MVT, TileType.mvt)
  writer.append(1, 1, 0, Buffer.from('GIF89a'), TileType.unknown)
  writer.append(1, 1, 1, Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), TileType.jpeg)
  writer.setMetadata(METADATA)
  writer.seal({ bounds: [-180, -45, 170, 85], center: [1, 2, 3] })
  writer.close()
}

/** Paths of all files below a folder. */
const filesIn = (folder: string): string[] =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort()

const FORMS = [
  { out: 'tiles/', to: undefined, scheme: undefined },
  { out: 'tms', to: undefined, scheme: 'tms' },
  { out: 'some.thing', to: 'folder', scheme: 'xyz' },
  { out: 'a.tar', to: undefined, scheme: undefined },
  { out: 'a.zip', to: undefined, scheme: undefined },
] as const

for (const { out: name, to, scheme } of FORMS) {
  t.test(`to ${name} and back`, async (t) => {
    const folder = t.testdir({})
    const [source, out, back] = ['a.pmtiles', name, 'back.pmtiles'].map((file) => join(folder, file)) as [
      string,
      string,
      string,
    ]
    makeArchive(source)
    const report = await convert({ source, out, to, scheme })
    t.match(report, { tiles: 52, digest: (await digest(source)).digest })
    t.equal((await digest(out)).digest, report.digest)
    t.match(await verify(out), { ok: true })
    t.equal((await convert({ source: out, out: back })).digest, report.digest)
    const tiles = await openTileSet(back)
    t.match(tiles.metadata(), {
      ...METADATA,
      tileSize: /^512$/,
      bounds: [-180, -45, 170, 85],
      center: [1, 2, 3],
    })
    t.equal(tiles.get(1, 1, 0)?.type, TileType.unknown)
    tiles.close()
    t.same(
      readdirSync(folder).filter((file) => file.includes('flagstone-part')),
      [],
    )
  })
}

t.test('a folder: names, hard links, descriptions', async (t) => {
  const folder = t.testdir({})
  const [source, out] = [join(folder, 'a.pmtiles'), join(folder, 'tiles')]
  makeArchive(source)
  await convert({ source, out, scheme: 'tms' })
  const files = filesIn(out)
  t.equal(files.length, 52 + 2)
  for (const file of ['0/0/0.pbf', '1/0/1.pbf', '1/1/1.bin', '1/1/0.jpg', '3/7/7.png', 'metadata.json'])
    t.ok(files.includes(file), file)
  t.equal(statSync(join(out, '3/0/7.png')).nlink, 24, 'equal tiles are one file')
  const metadata = JSON.parse(readFileSync(join(out, 'metadata.json'), 'utf8')) as Record<string, string>
  t.match(metadata, { scheme: 'tms', bounds: '-180,-45,170,85', minzoom: '0', maxzoom: '3', format: 'png' })
  t.ok(Object.values(metadata).every((value) => typeof value === 'string'))
  t.match(JSON.parse(metadata['json']!), { vector_layers: METADATA.vector_layers })
  const resource = readFileSync(join(out, 'tilemapresource.xml'), 'utf8')
  t.match(resource, /<Title>a &#60;name&#62; &#38; more<\/Title>/)
  t.match(resource, /<TileSet href="3" units-per-pixel="9783\.93\d+" order="3"\/>/)
  t.notOk(existsSync(join(out, '.flagstone-lock')))
})

t.test('only folders of tiles are replaced, and only on request', async (t) => {
  const folder = t.testdir({ empty: {}, file: 'mine' })
  const at = (name: string): string => join(folder, name)
  const source = at('a.pmtiles')
  makeArchive(source)
  await convert({ source, out: at('empty') })
  t.ok(existsSync(at('empty/0/0/0.pbf')), 'an empty folder is used')
  await t.rejects(convert({ source, out: at('empty') }), { code: 'EXISTS', message: /--overwrite/ })
  writeFileSync(at('empty/3/0/7.png'), png(1))
  await convert({ source, out: at('empty/'), overwrite: true })
  t.notOk(existsSync(at('empty/3/0/7.png')), 'replaced as a whole')
  for (const other of ['notes.txt', '3/notes.txt', '3/0/notes.txt', '3/0/deep/0.png', 'metadata.json.bak']) {
    mkdirSync(dirname(at(`empty/${other}`)), { recursive: true })
    writeFileSync(at(`empty/${other}`), 'mine')
    await t.rejects(convert({ source, out: at('empty'), overwrite: true }), {
      code: 'EXISTS',
      message: /replaces nothing but folders of tiles/,
    })
    t.equal(readFileSync(at(`empty/${other}`), 'utf8'), 'mine')
    rmSync(at(`empty/${other}`))
    rmSync(at('empty/3/0/deep'), { recursive: true, force: true })
  }
  // numbers outside the grid are dates, or anything else
  for (const photo of ['2024/12/25.jpg', '3/8/1.jpg', '3/1/8.jpg', '5/06/07.jpg']) {
    mkdirSync(dirname(at(`photos/${photo}`)), { recursive: true })
    writeFileSync(at(`photos/${photo}`), 'mine')
    await t.rejects(convert({ source, out: at('photos'), overwrite: true }), { code: 'EXISTS' }, photo)
    t.equal(readFileSync(at(`photos/${photo}`), 'utf8'), 'mine')
    rmSync(at('photos'), { recursive: true })
  }
  mkdirSync(at('site'))
  writeFileSync(at('site/metadata.json'), 'mine')
  await t.rejects(
    convert({ source, out: at('site'), overwrite: true }),
    { code: 'EXISTS' },
    'it describes no tiles',
  )
  t.equal(readFileSync(at('site/metadata.json'), 'utf8'), 'mine')
  symlinkSync(at('file'), at('empty/3/0/5.webp'))
  await t.rejects(convert({ source, out: at('empty'), overwrite: true }), { code: 'EXISTS' })
  rmSync(at('empty/3/0/5.webp'))
  for (const out of [at('file'), at('file/'), `${folder}/none/tiles`, 'https://a.b/c', '-'])
    await t.rejects(convert({ source, out, to: 'folder' }), { code: /BAD_OPTION|NOT_FOUND|SYSTEM/ }, out)
  await t.rejects(convert({ source: at('empty'), out: at('empty'), overwrite: true }), { code: 'BAD_OPTION' })
  await t.rejects(convert({ source: at('empty'), out: at('empty/4') }), { code: 'BAD_OPTION' })
  await t.rejects(convert({ source, out: folder }), { code: 'BAD_OPTION' }, 'the source is in it')
  await t.rejects(convert({ source, out: at('b.pmtiles'), scheme: 'tms' }), { code: 'BAD_OPTION' })
  t.equal(readFileSync(at('file'), 'utf8'), 'mine')
})

t.test('links of a folder lead to its own tiles, not out of it', async (t) => {
  const folder = t.testdir({ secret: 'mine', 'secret.json': '{"password":"mine"}', tiles: { 1: { 0: {} } } })
  const at = (name: string): string => join(folder, name)
  writeFileSync(at('tiles/1/0/0.png'), png(1))
  symlinkSync('0.png', at('tiles/1/0/1.png'))
  symlinkSync(at('secret.json'), at('tiles/metadata.json'))
  await convert({ source: at('tiles'), out: at('a.pmtiles') })
  const tiles = await openTileSet(at('a.pmtiles'))
  t.same(Buffer.from(tiles.get(1, 0, 1)!.bytes), Buffer.from(png(1)))
  t.notOk(JSON.stringify(tiles.metadata()).includes('mine'))
  tiles.close()
  symlinkSync(at('secret'), at('tiles/1/0/2.png'))
  mkdirSync(at('tiles/2/0'), { recursive: true })
  symlinkSync('../../../secret', at('tiles/2/0/2.png'))
  await t.rejects(convert({ source: at('tiles'), out: at('b.pmtiles') }), {
    code: 'SOURCE_UNREADABLE',
    message: /leads out/,
  })
  t.notOk(existsSync(at('b.pmtiles')))
})

t.test('only archives of tiles are replaced', async (t) => {
  const folder = t.testdir({ 'notes.tar': 'mine', 'notes.zip': 'mine' })
  const at = (name: string): string => join(folder, name)
  makeArchive(at('a.pmtiles'))
  for (const kind of ['tar', 'zip']) {
    const [source, out] = [at('a.pmtiles'), at(`a.${kind}`)]
    await convert({ source, out })
    await t.rejects(convert({ source, out }), { code: 'EXISTS' })
    await convert({ source, out, overwrite: true })
    const bytes = readFileSync(out)
    await t.rejects(convert({ source, out, overwrite: true }, { signal: AbortSignal.abort() }), {
      code: 'INTERRUPTED',
    })
    t.same(readFileSync(out), bytes)
    await t.rejects(convert({ source, out: at(`notes.${kind}`), overwrite: true }), {
      message: /replaces nothing but tile archives/,
    })
    t.equal(readFileSync(at(`notes.${kind}`), 'utf8'), 'mine')
  }
})

t.test('what an interrupted or killed run left is removed; what is not ours, or in use, stays', async (t) => {
  const folder = t.testdir({})
  const at = (name: string): string => join(folder, name)
  const [source, out, part] = [at('a.pmtiles'), at('tiles'), at('tiles.flagstone-part')]
  makeArchive(source)
  await t.rejects(convert({ source, out }, { signal: AbortSignal.abort() }), { code: 'INTERRUPTED' })
  t.same(readdirSync(folder), ['a.pmtiles'])
  // a killed run: its lock is free
  mkdirSync(join(part, '3/0'), { recursive: true })
  writeFileSync(join(part, '.flagstone-lock'), '')
  writeFileSync(join(part, '3/0/7.png'), png(1))
  linkSync(join(part, '3/0/7.png'), join(part, '3/0/6.png'))
  const lock = openRealFile(join(part, '.flagstone-lock'), 'readwrite')
  lock.tryLock('writer', 'exclusive')
  await t.rejects(convert({ source, out }), { code: 'LOCKED' }, 'another process writes it')
  lock.close()
  await convert({ source, out })
  t.notOk(existsSync(join(out, '3/0/7.png')))
  t.same(readdirSync(folder).sort(), ['a.pmtiles', 'tiles'])
  mkdirSync(part)
  writeFileSync(join(part, 'mine.txt'), 'mine')
  await t.rejects(convert({ source, out, overwrite: true }), { code: 'EXISTS', message: /in the way/ })
  t.equal(readFileSync(join(part, 'mine.txt'), 'utf8'), 'mine')
  // a folder that got something else meanwhile
  rmSync(part, { recursive: true })
  await t.rejects(
    convert(
      { source, out, overwrite: true },
      { onProgress: ({ phase }) => phase === 'finish' && writeFileSync(join(out, 'mine.txt'), 'mine') },
    ),
    { code: 'EXISTS', message: /changed just now/ },
  )
  t.equal(readFileSync(join(out, 'mine.txt'), 'utf8'), 'mine')
  t.same(readdirSync(folder).sort(), ['a.pmtiles', 'tiles'])
})

t.test('folders of others: several files for a place, odd names, vector tiles', async (t) => {
  const folder = t.testdir({
    'tiles.json': '{"tilejson":"3.0.0","tiles":[],"name":"theirs"}',
    0: { 0: { '0.mvt': Buffer.from(MVT), '0.pbf': 'x', '00.pbf': 'x', '1.pbf': 'x' } },
    '01': { 0: { '0.pbf': 'x' } },
    1: {
      0: {
        '0.png': Buffer.from(png(1)),
        '0.jpg': Buffer.from(png(2)),
        '1.pbf.gz': gzipSync(MVT),
        'x.txt': 'x',
      },
      '00': { '0.png': 'x' },
      5: { '0.png': 'x' },
    },
    27: { 0: { '0.png': 'x' } },
  })
  using tiles = await openTileSet(folder)
  t.same(tiles.levels(), [
    { zoom: 0, count: 1 },
    { zoom: 1, count: 2 },
  ])
  t.same(Buffer.from(tiles.get(0, 0, 0)!.bytes), Buffer.from(MVT))
  t.same(Buffer.from(tiles.get(1, 0, 0)!.bytes), Buffer.from(png(1)))
  t.match(tiles.get(1, 0, 1), { bytes: gzipSync(MVT), type: TileType.mvt })
  t.equal(tiles.get(1, 1, 1), undefined)
  t.same(
    [...tiles.scan!()].map(({ z, x, y }) => [z, x, y]),
    [
      [0, 0, 0],
      [1, 0, 0],
      [1, 0, 1],
    ],
  )
  t.same(tiles.metadata(), { name: 'theirs' })
})
