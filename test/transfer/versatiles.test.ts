// To VersaTiles containers and back: the same tiles, metadata and types; what they cannot keep is said or refused.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { TileType } from '../../src/format/tile-type.js'
import { convert, create, digest, openTileSet, verify } from '../../src/index.js'
import { decodeBlock, decodeHeader } from '../../src/interop/versatiles/layout.js'

const png = (n: number): Uint8Array => Buffer.from(`\x89PNG\r\n\x1a\n tile ${n}`, 'latin1')
const MVT = Uint8Array.of(0x1a, 3, 1, 2, 3)
const METADATA = {
  name: 'a <name> & more',
  attribution: '©',
  tileSize: 512,
  of: { a: [1.5, true] },
  json: 'mine',
  vector_layers: [{ id: 'roads', fields: { name: 'String' } }],
}

type Tile = readonly [z: number, x: number, y: number, bytes: Uint8Array, type?: TileType]

function make(path: string, tiles: Iterable<Tile>, bounds?: [number, number, number, number]): string {
  const writer = create(path)
  for (const [z, x, y, bytes, type] of tiles)
    if (type === undefined) writer.append(z, x, y, bytes)
    else writer.append(z, x, y, bytes, type)
  writer.setMetadata({ ...METADATA, ...(bounds && { bounds, center: [1, 2, 3] }) })
  writer.seal()
  writer.close()
  return path
}

/** Tiles of five blocks, many of them equal. */
function* pictures(): Generator<Tile> {
  yield [0, 0, 0, png(1)]
  yield [3, 2, 5, png(2)]
  for (let x = 250; x < 262; x++) for (let y = 253; y < 259; y++) yield [9, x, y, png((x * y) % 7)]
}

function look(path: string) {
  const bytes = readFileSync(path)
  const header = decodeHeader(bytes)
  const part = ({ position, length }: { position: number; length: number }): Buffer =>
    bytes.subarray(position, position + length)
  const index = brotliDecompressSync(part(header.blocks))
  const blocks = Array.from({ length: index.length / 33 }, (_, i) => decodeBlock(index, i * 33))
  return { header, blocks, metadata: part(header.metadata) }
}

t.test('pictures', async (t) => {
  const at = (name: string): string => join(t.testdirName, name)
  t.testdir({})
  const source = make(at('a.pmtiles'), pictures(), [-180, -45, 170, 85])
  const [out, back] = [at('a.versatiles'), at('back.pmtiles')]
  const report = await convert({ source, out })
  t.match(report, { tiles: 74, digest: (await digest(source)).digest, notes: [] })
  t.equal((await digest(out)).digest, report.digest)
  t.match(await verify(out), { ok: true })
  t.equal((await convert({ source: out, out: back })).digest, report.digest)
  using tiles = await openTileSet(back)
  t.match(tiles.metadata(), { ...METADATA, bounds: [-180, -45, 170, 85], center: [1, 2, 3] })
  const { header, blocks, metadata } = look(out)
  t.match(header, { format: 16, packing: 0, minZoom: 0, maxZoom: 9, bounds: [-180, -45, 170, 85] })
  const document = JSON.parse(metadata.toString()) as Record<string, string>
  t.match(document, { tilejson: '3.0.0', minzoom: 0, maxzoom: 9, tileSize: 512, name: METADATA.name })
  t.match(document, { vector_layers: METADATA.vector_layers })
  t.same(
    JSON.parse(document['json']!),
    { of: { a: [1.5, true] }, json: 'mine' },
    'VersaTiles reads no objects',
  )
  t.equal(blocks.length, 6)
  const [, , northWest] = blocks
  t.match(northWest, { zoom: 9, minX: 250, minY: 253, maxX: 255, maxY: 255 })
  t.equal(northWest!.tileBytes, 7 * png(1).length, 'equal tiles are stored once')
  t.same(
    readdirSync(t.testdirName).filter((name) => name.includes('flagstone-part')),
    [],
  )
})

t.test('vector tiles are compressed alike, and the metadata with them', async (t) => {
  const at = (name: string): string => join(t.testdirName, name)
  t.testdir({})
  const packed = make(at('packed.pmtiles'), [
    [0, 0, 0, gzipSync(MVT), TileType.mvt],
    [1, 1, 1, gzipSync(MVT), TileType.mvt],
  ])
  const report = await convert({ source: packed, out: at('packed.versatiles') })
  t.equal((await digest(at('packed.versatiles'))).digest, report.digest)
  const { header, metadata } = look(at('packed.versatiles'))
  t.match(header, { format: 32, packing: 1 })
  t.match(JSON.parse(gunzipSync(metadata).toString()), { name: METADATA.name })

  for (const isGzip of [true, false]) {
    const [first, second] = isGzip ? [gzipSync(MVT), MVT] : [MVT, gzipSync(MVT)]
    const mixed = make(at(`${isGzip}.pmtiles`), [
      [0, 0, 0, first, TileType.mvt],
      [1, 1, 1, second, TileType.mvt],
    ])
    const { notes } = await convert({ source: mixed, out: at(`${isGzip}.versatiles`) })
    t.match(notes, [isGzip ? /1 were gzipped/ : /1 were unpacked/])
    using tiles = await openTileSet(at(`${isGzip}.versatiles`))
    t.same(Buffer.from(tiles.get(1, 1, 1)!.bytes), Buffer.from(first))
  }
})

t.test('what a container cannot keep', async (t) => {
  const at = (name: string): string => join(t.testdirName, name)
  t.testdir({})
  const both = make(at('both.pmtiles'), [
    [0, 0, 0, png(1)],
    [1, 1, 1, MVT, TileType.mvt],
  ])
  await t.rejects(convert({ source: both, out: at('both.versatiles') }), {
    code: 'BAD_OPTION',
    message: /png and mvt/,
  })
  const several = make(at('several.pmtiles'), [
    [0, 0, 0, Uint8Array.of(0xff, 0xd8, 0xff, 0xe0)],
    [1, 1, 0, png(1)],
    [1, 1, 1, png(1)],
  ])
  const report = await convert({ source: several, out: at('several.versatiles') })
  t.match(report.notes, [/of several: the header says png/])
  t.equal((await digest(at('several.versatiles'))).digest, report.digest)
  const other = make(at('mlt.pmtiles'), [[0, 0, 0, Uint8Array.of(1, 2, 3), TileType.mlt]])
  t.match((await convert({ source: other, out: at('mlt.versatiles') })).notes, [/type mlt.*'bin'/])
  t.same(
    readdirSync(t.testdirName).filter((name) => name.includes('part') || name === 'both.versatiles'),
    [],
  )
})

t.test('only containers are replaced, and only on request', async (t) => {
  const at = (name: string): string => join(t.testdirName, name)
  t.testdir({ 'mine.versatiles': 'mine', 'empty.versatiles': '' })
  const source = make(at('a.pmtiles'), pictures())
  const out = at('a.versatiles')
  await convert({ source, out })
  await t.rejects(convert({ source, out }), { code: 'EXISTS', message: /--overwrite/ })
  await convert({ source, out, overwrite: true })
  const bytes = readFileSync(out)
  await t.rejects(convert({ source, out, overwrite: true }, { signal: AbortSignal.abort() }), {
    code: 'INTERRUPTED',
  })
  t.same(readFileSync(out), bytes)
  for (const name of ['mine.versatiles', 'empty.versatiles'])
    await t.rejects(convert({ source, out: at(name), overwrite: true }), {
      code: 'EXISTS',
      message: /replaces nothing but tile archives/,
    })
  t.equal(readFileSync(at('mine.versatiles'), 'utf8'), 'mine')
  writeFileSync(at('cut.versatiles'), bytes.subarray(0, 200))
  await t.rejects(convert({ source: at('cut.versatiles'), out: at('cut.pmtiles') }), { code: 'DAMAGED' })
})
