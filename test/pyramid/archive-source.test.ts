// Tile archives as sources: built again from PMTiles, MBTiles and z/x/y folders the same pixels come out.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import t, { type Test } from 'tap'
import { openTileSet } from '../../src/interop/open.js'
import { build } from '../../src/pyramid/build.js'
import { openArchive } from '../../src/pyramid/sources/archive-source.js'
import type { Pixels } from '../../src/raster/pixels.js'
import { decodeTile } from '../../src/raster/tiles/codec.js'
import { createTiles } from '../../src/store/paths.js'
import type { TileSet } from '../../src/store/read/tile-set.js'
import { fixture, sharedData } from '../helpers/paths.js'

/** RGB and opacity of a tile, whatever it is stored as; samples that do not show are 0. */
function rgba({ width, height, bands, data, mask }: Pixels): Uint8Array {
  const out = new Uint8Array(width * height * 4)
  for (let p = 0; p < width * height; p++) {
    const alpha = mask === undefined ? 255 : mask[p]!
    for (let c = 0; c < 3; c++) out[4 * p + c] = alpha === 0 ? 0 : data[p * bands + (bands === 3 ? c : 0)]!
    out[4 * p + 3] = alpha
  }
  return out
}

async function assertSame(t: Test, wanted: TileSet, path: string, zooms: readonly number[]): Promise<void> {
  const got = await openTileSet(path)
  const deepest = zooms.at(-1)!
  let total = 0
  for (const zoom of zooms) {
    let compared = 0
    const places = new Set<string>()
    for (const { z, x, y } of wanted.tiles({ zoom })) {
      places.add(`${x}/${y}`)
      const ours = got.get(z, x, y)
      if (ours === undefined) {
        t.fail(`${z}/${x}/${y} is missing`)
        continue
      }
      const [a, b] = [await decodeTile(ours.bytes), await decodeTile(wanted.get(z, x, y)!.bytes)]
      // An archive's alpha is soft, whatever its image's was: at lower zooms rims differ.
      if (zoom < deepest && (a.mask !== undefined || b.mask !== undefined)) continue
      if (Buffer.compare(rgba(a), rgba(b)) !== 0) t.fail(`${z}/${x}/${y} differs`)
      compared++
    }
    const more = [...got.tiles({ zoom })].filter(({ x, y }) => !places.has(`${x}/${y}`))
    t.same(more, [], `zoom ${zoom}: no tile more`)
    t.ok(compared > 0 || zoom < deepest, `zoom ${zoom}: ${compared} tiles compared`)
    total += compared
  }
  t.ok(total > 0, `${total} tiles compared`)
  got.close()
}

function toMbtiles(set: TileSet, path: string): void {
  const db = new Database(path)
  db.exec('CREATE TABLE metadata (name text, value text)')
  db.exec('CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)')
  const insert = db.prepare('INSERT INTO tiles VALUES (?, ?, ?, ?)')
  for (const { zoom } of set.levels()) {
    for (const { z, x, y } of set.tiles({ zoom })) {
      insert.run(z, x, 2 ** z - 1 - y, Buffer.from(set.get(z, x, y)!.bytes))
    }
  }
  db.close()
}

function toFolder(set: TileSet, path: string, tms: boolean): void {
  for (const { zoom } of set.levels()) {
    for (const { z, x, y } of set.tiles({ zoom })) {
      mkdirSync(join(path, String(z), String(x)), { recursive: true })
      const row = tms ? 2 ** z - 1 - y : y
      writeFileSync(join(path, String(z), String(x), `${row}.webp`), set.get(z, x, y)!.bytes)
    }
  }
  if (tms) writeFileSync(join(path, 'tilemapresource.xml'), '<TileMap/>')
}

/** A third of the fixture, with some of its edge. */
const PIECE = [14.6285, 47.504, 14.6335, 47.5075] as const

t.test('every kind of archive gives its own pixels back', async (t) => {
  const dir = t.testdir()
  const first = join(dir, 'first.pmtiles')
  const options = { format: 'webp', lossless: true, threads: 0 } as const
  await build({ sources: [fixture('ortho.tif')], out: first, bbox: [...PIECE], ...options })
  const set = await openTileSet(first)
  const zooms = set.levels().map((level) => level.zoom)
  toMbtiles(set, join(dir, 'tiles.mbtiles'))
  toFolder(set, join(dir, 'xyz'), false)
  toFolder(set, join(dir, 'tms'), true)
  for (const name of ['first.pmtiles', 'tiles.mbtiles', 'xyz', 'tms']) {
    await t.test(name, async (t) => {
      const out = join(dir, `${name}.again.pmtiles`)
      const report = await build({ sources: [join(dir, name)], out, ...options })
      t.equal(report.maxZoom, zooms.at(-1))
      await assertSame(t, set, out, zooms)
    })
  }
  await t.test('with worker threads', async (t) => {
    const out = join(dir, 'threads.pmtiles')
    await build({ sources: [join(dir, 'tiles.mbtiles')], out, ...options, threads: 2 })
    await assertSame(t, set, out, zooms)
  })
  set.close()
})

t.test(
  'an archive that ends higher up in places is filled from there, and empty where it is empty',
  async (t) => {
    const dir = t.testdir()
    const path = join(dir, 'mixed.pmtiles')
    const sharp = (await import('sharp')).default
    const tile = async (r: number, g: number, b: number): Promise<Uint8Array> =>
      sharp({ create: { width: 256, height: 256, channels: 3, background: { r, g, b } } })
        .png()
        .toBuffer()
    const writer = createTiles(path)
    const [red, green, blue] = [await tile(255, 0, 0), await tile(0, 255, 0), await tile(0, 0, 255)]
    // zoom 1: three of four; below the first of them two of four; nothing below the others
    writer.append(1, 0, 0, red)
    writer.append(1, 1, 0, green)
    writer.append(2, 0, 0, blue)
    writer.append(2, 1, 1, blue)
    writer.seal({ metadata: {} })
    writer.close()
    const source = await openArchive(path)
    t.match(source.info, { width: 1024, height: 512, bands: 3, maskKind: 'alpha' })
    t.same(source.info.levels, [
      { width: 1024, height: 512, blockWidth: 256, blockHeight: 256 },
      { width: 512, height: 256, blockWidth: 256, blockHeight: 256 },
    ])
    const at = async (x: number, y: number): Promise<number[]> => {
      const { data, mask } = await source.read(0, { x, y, width: 1, height: 1 })
      return [...data, mask === undefined ? 255 : mask[0]!]
    }
    t.same(await at(10, 10), [0, 0, 255, 255], 'stored')
    t.equal((await at(300, 10))[3], 0, 'the parent has children, so this is empty')
    t.same(await at(600, 300), [0, 255, 0, 255], 'nothing below: the parent, enlarged')
    await t.rejects(source.read(0, { x: 1000, y: 0, width: 100, height: 1 }), RangeError)
    await source.close()
  },
)

t.test('what is no archive of pictures is refused in a sentence', async (t) => {
  const dir = t.testdir({ 'bad.mbtiles': 'no database', empty: {}, 'vector.pmtiles': '' })
  await t.rejects(openArchive(join(dir, 'bad.mbtiles')), { code: 'NOT_A_TILE_FILE', message: /bad\.mbtiles/ })
  await t.rejects(openArchive(join(dir, 'none.mbtiles')), { code: 'NOT_FOUND' })
  await t.rejects(openArchive(join(dir, 'empty')), { code: /NOT_A_TILE_FILE|SOURCE_UNREADABLE|SYSTEM/ })
  const vector = join(dir, 'mvt.pmtiles')
  const writer = createTiles(vector)
  writer.append(0, 0, 0, Uint8Array.of(0x1a, 2, 3, 4))
  writer.seal({ metadata: {} })
  writer.close()
  await t.rejects(openArchive(vector), { code: 'SOURCE_UNSUPPORTED', message: /mvt\.pmtiles/ })
})

t.test('a build that waits for nothing still hears that it is to stop', async (t) => {
  const dir = t.testdir()
  const small = join(dir, 'small.pmtiles')
  await build({ sources: [fixture('ortho.tif')], out: small, maxZoom: 12, threads: 0 })
  const controller = new AbortController()
  setTimeout(() => controller.abort(), 100)
  const options = { sources: [small], out: join(dir, 'large.pmtiles'), maxZoom: 21 }
  // every one of its hundreds of units is decoded, painted and encoded on this thread
  await t.rejects(build({ ...options, threads: 0 }, { signal: controller.signal }), { code: 'INTERRUPTED' })
})

t.test('archives of others', { skip: sharedData === undefined && 'needs the shared data' }, async (t) => {
  const dir = t.testdir()
  for (const name of [
    'geography-class-png.mbtiles',
    'geography-class-jpg.mbtiles',
    'stamen_toner_z3.pmtiles',
  ]) {
    const path = join(sharedData!, 'archives', name)
    const out = join(dir, `${name}.pmtiles`)
    const report = await build({ sources: [path], out, format: 'webp', lossless: true, threads: 0 })
    const set = await openTileSet(path)
    t.equal(report.maxZoom, set.levels().at(-1)!.zoom, name)
    await assertSame(t, set, out, [report.maxZoom])
    set.close()
  }
})
