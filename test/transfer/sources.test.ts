// What a file remembers of its sources goes with its tiles from one Flagstone file to another, and is left out, in words,
// elsewhere.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { pngPixel } from '../../scripts/fixtures/flat-bytes.js'
import type { SourceFootprint, SourceRecord } from '../../src/format/sources/record.js'
import {
  apply,
  convert,
  create,
  diff,
  extract,
  merge,
  open,
  reopen,
  TileType,
  verify,
} from '../../src/index.js'
import { createSink } from '../../src/interop/create.js'
import { encodeImage } from '../../src/raster/tiles/codec.js'
import { sourceOf } from '../helpers/sources.js'

const square = (west: number, south: number, east: number, north: number): SourceFootprint => ({
  type: 'Polygon',
  coordinates: [
    [
      [west, south],
      [east, south],
      [east, north],
      [west, north],
      [west, south],
    ],
  ],
})

/** The world, an island in the east and one in the west that is shown from zoom 3 on, and one that is somewhere. */
const SOURCES: readonly SourceRecord[] = [
  sourceOf(0, { id: 'world', footprint: square(-180, -80, 180, 80), zoom: 2 }),
  sourceOf(1, { id: 'east', footprint: square(100, 10, 110, 20), zoom: 3, properties: { pilot: 'Ada' } }),
  sourceOf(2, { id: 'west', footprint: square(-110, 10, -100, 20), zoom: 4, minZoom: 3 }),
  sourceOf(3, { id: 'lost', footprint: null, zoom: 3 }),
]

function makeArchive(path: string, sources = SOURCES, colour = 1): void {
  const writer = create(path)
  for (const z of [0, 2, 3])
    for (let x = 0; x < 2 ** z; x++)
      for (let y = 0; y < 2 ** z; y++) writer.append(z, x, y, pngPixel(colour, x, y))
  writer.setMetadata({ name: 'a name' })
  writer.setSources(sources)
  writer.seal()
  writer.close()
}

const sourcesIn = (path: string): readonly SourceRecord[] => {
  using file = open(path)
  return file.sources()
}
const idsIn = (path: string): string =>
  sourcesIn(path)
    .map(({ id, order }) => `${order} ${id}`)
    .join(', ')

t.test('convert: from our file to our file, whatever the way', async (t) => {
  const folder = t.testdir({})
  const [source, out] = [join(folder, 'a.pmtiles'), join(folder, 'b.pmtiles')]
  makeArchive(source)
  t.same((await convert({ source, out })).notes, [])
  t.same(sourcesIn(out), SOURCES)
  t.same(
    (await verify(out)).findings.filter(({ ok }) => !ok),
    [],
  )
  await convert({ source, out, maxZoom: 2, overwrite: true })
  t.equal(idsIn(out), '0 world, 1 east, 2 lost', 'what is shown from zoom 3 on is not in zooms up to 2')
  await convert({ source, out, format: 'webp', lossless: true, overwrite: true })
  t.same(sourcesIn(out), SOURCES, 'encoded again')
})

t.test('convert: to other containers and back, with a word', async (t) => {
  const folder = t.testdir({})
  const source = join(folder, 'a.pmtiles')
  makeArchive(source)
  for (const name of ['b.mbtiles', 'b.tar', 'b.zip', 'b.versatiles', 'tiles/']) {
    const out = join(folder, name)
    t.match(
      (await convert({ source, out })).notes,
      [/^What the file remembers of its 4 sources is not passed on/],
      name,
    )
    const back = join(folder, `${name.replace(/\W/g, '')}.pmtiles`)
    t.same((await convert({ source: out, out: back })).notes, [], name)
    t.same(sourcesIn(back), [])
  }
  makeArchive(join(folder, 'c.pmtiles'), [sourceOf(0)])
  const one = await convert({ source: join(folder, 'c.pmtiles'), out: join(folder, 'c.mbtiles') })
  t.match(one.notes, [/^What the file remembers of its source is not passed on/])
})

t.test('convert: tiles of another size have other zooms, and so have the sources', async (t) => {
  const folder = t.testdir({})
  const [source, out, back] = ['a', 'b', 'c'].map((name) => join(folder, `${name}.pmtiles`)) as [
    string,
    string,
    string,
  ]
  const writer = create(source)
  const { bytes: tile } = await encodeImage(
    { width: 256, height: 256, bands: 3, data: new Uint8Array(256 * 256 * 3), mask: undefined },
    { format: 'png' },
  )
  for (const z of [1, 2, 3])
    for (let x = 0; x < 2 ** z; x++) for (let y = 0; y < 2 ** z; y++) writer.append(z, x, y, tile)
  writer.setSources(SOURCES)
  writer.seal()
  writer.close()
  await convert({ source, out, tileSize: 512 })
  t.same(
    sourcesIn(out).map(({ zoom, minZoom }) => [zoom, minZoom]),
    [
      [1, undefined],
      [2, undefined],
      [3, 2],
      [2, undefined],
    ],
  )
  await convert({ source: out, out: back, tileSize: 256 })
  t.same(sourcesIn(back), SOURCES)
})

t.test('convert: damaged ones cost no tile', async (t) => {
  const folder = t.testdir({})
  const [source, out] = [join(folder, 'a.pmtiles'), join(folder, 'b.pmtiles')]
  makeArchive(source)
  const bytes = readFileSync(source)
  const file = open(source)
  if (file.kind !== 'flat') throw new Error('not ours')
  const { valuesStart, sources } = file.superblock
  file.close()
  bytes[valuesStart + sources!.offset + 20]! ^= 1
  writeFileSync(source, bytes)
  const report = await convert({ source, out })
  t.equal(report.tiles, 81)
  t.match(report.notes, [/checksum.* the output remembers none/])
  t.same(sourcesIn(out), [])
})

t.test('too many to be stored cost no tile', async (t) => {
  const path = join(t.testdir({}), 'a.pmtiles')
  const sink = await createSink({ path, format: 'pmtiles', who: 'merge', overwrite: false, inputs: [] })
  await sink.put({ z: 0, x: 0, y: 0, bytes: pngPixel(1, 2, 3), type: TileType.png })
  const many = Array.from({ length: 200_001 }, (_, i) => sourceOf(i))
  await sink.finish({ metadata: {}, bounds: undefined, center: undefined, sources: many })
  t.match(sink.notes, [/^None of the sources is passed on: .* 200001 sources, more than 200000\.$/])
  t.same(sourcesIn(path), [])
})

t.test('extract: those that touch the area', async (t) => {
  const folder = t.testdir({})
  const source = join(folder, 'a.pmtiles')
  makeArchive(source)
  const cut = async (options: object): Promise<string> => {
    const out = join(folder, 'cut.pmtiles')
    await extract({ source, out, overwrite: true, ...options })
    return idsIn(out)
  }
  t.equal(await cut({ bbox: [101, 11, 102, 12] }), '0 world, 1 east, 2 lost')
  t.equal(await cut({ bbox: [0, 0, 50, 50] }), '0 world, 1 lost')
  t.equal(await cut({ bbox: [90, 0, -90, 30] }), '0 world, 1 east, 2 west, 3 lost', 'across the antimeridian')
  t.equal(await cut({ bbox: [-105, 11, -101, 12], maxZoom: 2 }), '0 world, 1 lost')
  t.equal(await cut({ region: square(-105, 11, -101, 12) }), '0 world, 1 west, 2 lost')
  t.equal(await cut({ region: square(0, 0, 40, 40) }), '0 world, 1 lost')
  t.equal(await cut({ minZoom: 1 }), '0 world, 1 east, 2 west, 3 lost')
})

t.test('merge: one pile, the archive that wins on top, ids of their own', async (t) => {
  const folder = t.testdir({})
  const [a, b, out] = ['a', 'b', 'out'].map((name) => join(folder, `${name}.pmtiles`)) as [
    string,
    string,
    string,
  ]
  makeArchive(a, [sourceOf(0, { id: 'base' }), sourceOf(1, { id: 'city' })])
  makeArchive(b, [sourceOf(0, { id: 'base' }), sourceOf(1, { id: 'city', name: 'another.tif' })], 2)
  await merge({ sources: [a, b], out, onDuplicate: 'last' })
  t.equal(idsIn(out), '0 city-2, 1 base, 2 city', 'what is in both is in it once')
  t.equal(sourcesIn(out)[2]!.name, 'another.tif')
  await merge({ sources: [a, b], out, onDuplicate: 'first', overwrite: true })
  t.equal(idsIn(out), '0 city-2, 1 base, 2 city')
  t.equal(sourcesIn(out)[2]!.name, 'city 1.tif')
  t.same(
    (await verify(out)).findings.filter(({ ok }) => !ok),
    [],
  )
})

t.test('diff and apply: a patch brings the sources, and takes them back', async (t) => {
  const folder = t.testdir({})
  const [a, b] = [join(folder, 'a.pmtiles'), join(folder, 'b.pmtiles')]
  const [patch, undo] = [join(folder, 'p.patch'), join(folder, 'u.patch')]
  makeArchive(a)
  makeArchive(b, SOURCES.slice(0, 2))
  t.match(await diff({ before: a, after: a }), { same: true, sources: false })
  const only = await diff({ before: a, after: b, patch })
  t.match(only, { same: false, sources: true, added: 0, changed: 0, removed: 0, metadata: [] })
  t.match(await apply({ file: a, patch, dryRun: true }), { outcome: 'applicable', sources: true })
  t.same(sourcesIn(a), SOURCES)
  t.match(await apply({ file: a, patch, undo }), { outcome: 'applied', sources: true, metadata: false })
  t.same(sourcesIn(a), SOURCES.slice(0, 2))
  t.match(await diff({ before: a, after: b }), { same: true })
  t.match(await apply({ file: a, patch }), { outcome: 'present', sources: false })
  await apply({ file: a, patch: undo })
  t.same(sourcesIn(a), SOURCES)

  // with tiles, and without sources: those of the file stay
  const writer = reopen(b)
  writer.setSources(SOURCES)
  writer.append(3, 0, 0, pngPixel(9, 9, 9))
  writer.seal()
  writer.close()
  t.match(await diff({ before: a, after: b, patch, overwrite: true }), { changed: 1, sources: false })
  t.match(await apply({ file: a, patch }), { outcome: 'applied', sources: false })
  t.same(sourcesIn(a), SOURCES)

  // to none
  makeArchive(join(folder, 'c.pmtiles'), [])
  await diff({ before: a, after: join(folder, 'c.pmtiles'), patch, overwrite: true })
  await apply({ file: a, patch })
  t.same(sourcesIn(a), [])

  // archives that cannot remember them do not differ in that
  await convert({ source: b, out: join(folder, 'd.mbtiles') })
  t.match(await diff({ before: b, after: join(folder, 'd.mbtiles') }), {
    sources: false,
    added: 0,
    changed: 0,
  })
})
