// What a built file remembers of its sources: their names, dates, content and footprints, the same however it was built.
import { copyFileSync, existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { SourceRecord } from '../../../src/format/sources/record.js'
import { type BuildOptions, build } from '../../../src/pyramid/build.js'
import { openSource, type SourceOpener } from '../../../src/pyramid/sources/open.js'
import type { RasterSource } from '../../../src/raster/source.js'
import { openTiles } from '../../../src/store/read/open.js'
import type { FlatReader } from '../../../src/store/read/reader.js'
import { plainTiff, type TagValue } from '../../helpers/plain-tiff.js'
import { smallTiff } from '../../helpers/small-tiff.js'

function sourcesOf(path: string): readonly SourceRecord[] {
  const file = openTiles(path) as FlatReader
  try {
    return file.sources()
  } finally {
    file.close()
  }
}

async function recordsOf(
  sources: BuildOptions['sources'],
  folder: string,
  options: Partial<BuildOptions> = {},
): Promise<readonly SourceRecord[]> {
  const out = join(folder, 'out.pmtiles')
  await build({ sources, out, threads: 0, overwrite: true, ...options })
  return sourcesOf(out)
}

const tiff = (tags: Record<number, TagValue> = {}, side = 40): Uint8Array =>
  plainTiff({ width: side, height: side, data: new Array(side * side).fill(77), tags })

const gdalItems = (items: string): string => `<GDALMetadata>${items}</GDALMetadata>\0`
const ACQUIRED = '<Item name="ACQUISITIONDATETIME" domain="IMAGERY">2019-07-01 10:11:12</Item>'

t.test('dates and attributions that files carry', async (t) => {
  const dir = t.testdir()
  const write = (name: string, tags: Record<number, TagValue>): string => {
    writeFileSync(join(dir, name), tiff(tags))
    return join(dir, name)
  }
  const sources = [
    write('tag.tif', { 306: '2012:07:31 08:09:10\0', 33432: '(c) 2012 County of Somewhere\0' }),
    write('acquired.tif', { 306: '2022:01:01 00:00:00\0', 42112: gdalItems(ACQUIRED) }),
    write('pam.tif', { 306: '2022:01:01 00:00:00\0' }),
    write('never.tif', { 306: '0000:00:00 00:00:00\0', 33432: '<img src=x onerror=alert(1)>\0' }),
    write('long.tif', { 33432: `${'All rights reserved. '.repeat(20)}\0` }),
    write('utf8.tif', { 33432: `${Buffer.from('© Amt für Pläne').toString('latin1')}\0` }),
    write('latin.tif', { 33432: '© Amt für Pläne\0' }),
    {
      location: write('given.tif', { 306: '2012:07:31 08:09:10\0', 33432: 'Somebody\0' }),
      ...{ date: '2001', attribution: 'Us', licence: 'CC0-1.0', id: 'mine', properties: { sheet: 7 } },
    },
  ]
  const pam =
    '<PAMDataset><Metadata domain="IMAGERY"><MDI key="ACQUISITIONDATETIME">2018-05-06</MDI></Metadata>'
  writeFileSync(join(dir, 'pam.tif.aux.xml'), `${pam}</PAMDataset>`)
  const found = await recordsOf(sources, dir)
  t.same(
    found.map(({ id, date, attribution }) => [id, date, attribution]),
    [
      ['tag.tif', '2012-07-31T08:09:10', '(c) 2012 County of Somewhere'],
      ['acquired.tif', '2019-07-01T10:11:12', undefined],
      ['pam.tif', '2018-05-06', undefined],
      ['never.tif', undefined, undefined],
      ['long.tif', undefined, undefined],
      ['utf8.tif', undefined, '© Amt für Pläne'],
      ['latin.tif', undefined, '© Amt für Pläne'],
      ['mine', '2001', 'Us'],
    ],
  )
  t.same([found[7]!.name, found[7]!.licence, found[7]!.properties], ['given.tif', 'CC0-1.0', { sheet: 7 }])
  const newest = await recordsOf(sources, dir, { order: 'newest' })
  t.equal(newest.at(-1)!.id, 'acquired.tif', 'the dates in files decide what is on top, too')
})

t.test('names, ids and orders', async (t) => {
  const dir = t.testdir()
  const paths = ['2012', '2018', '2020'].map((folder) => {
    mkdirSync(join(dir, folder))
    writeFileSync(join(dir, folder, 'ortho.tif'), tiff())
    return join(dir, folder, 'ortho.tif')
  })
  const found = await recordsOf([paths[0]!, { location: paths[1]!, id: 'ortho.tif (2)' }, paths[2]!], dir)
  t.same(
    found.map(({ id, name, order }) => [id, name, order]),
    [
      ['ortho.tif', 'ortho.tif', 0],
      ['ortho.tif (2)', 'ortho.tif', 1],
      ['ortho.tif (3)', 'ortho.tif', 2],
    ],
  )
  const first = await recordsOf([paths[0]!, { location: paths[1]!, id: 'second' }], dir, { blend: 'first' })
  t.same(
    first.map(({ id }) => id),
    ['second', 'ortho.tif'],
    'the topmost last',
  )
})

t.test('properties are stored as JSON holds them', async (t) => {
  const dir = t.testdir()
  const location = join(dir, 'a.tif')
  writeFileSync(location, tiff())
  let asked = 0
  const changing = {
    get text() {
      asked++
      return asked > 1 ? undefined : 'first'
    },
  }
  const list: object = { toJSON: () => ['not an object'] }
  for (const [given, stored] of [
    [{ taken: new Date(0), toJSON: () => ({ sheet: 7 }) }, { sheet: 7 }],
    [{ taken: new Date(0), none: undefined }, { taken: '1970-01-01T00:00:00.000Z' }],
    [{ inner: changing }, { inner: { text: 'first' } }],
  ] as [Record<string, unknown>, object][]) {
    const [record] = await recordsOf([{ location, properties: given }], dir)
    t.same(record?.properties, stored)
  }
  for (const given of [list, { toJSON: () => 'text' }, { toJSON: () => null }, { toJSON: () => undefined }])
    await t.rejects(recordsOf([{ location, properties: given as Record<string, unknown> }], dir), {
      code: 'BAD_OPTION',
      message: /sources\.0\.properties: expected an object of values that JSON can hold/,
    })
})

t.test('what is too large for the file is left out, and the build says so', async (t) => {
  const dir = t.testdir()
  const location = join(dir, 'a.tif')
  writeFileSync(location, tiff())
  const out = join(dir, 'out.pmtiles')
  const said: string[] = []
  const { notes } = await build(
    {
      sources: [{ location, licence: 'CC0', properties: { list: new Array(2 ** 23).fill(0) } }],
      out,
      threads: 0,
    },
    { onNote: (note) => said.push(note) },
  )
  t.match(notes.at(-1), /^The file remembers its sources without other properties: .* too large for it\.$/)
  t.same(said, notes)
  const [record] = sourcesOf(out)
  t.match(record, { licence: 'CC0', footprint: { type: 'Polygon' } })
  t.equal(record?.properties, undefined)
})

t.test('a fingerprint is that of the content', async (t) => {
  const dir = t.testdir({ moved: {} })
  const path = join(dir, 'a.tif')
  const bytes = tiff({}, 600)
  const fingerprintOf = async (file: string): Promise<string> =>
    (await recordsOf([file], dir))[0]!.fingerprint
  writeFileSync(path, bytes)
  const before = await fingerprintOf(path)
  const moved = join(dir, 'moved', 'b.tif')
  copyFileSync(path, moved)
  utimesSync(moved, 1000, 1000)
  t.equal(await fingerprintOf(moved), before, 'another path and time')
  // 360 KB: the ends, and a sample between them
  for (const at of [5000, 355_000, 66_000]) {
    const changed = bytes.slice()
    changed[at]!++
    writeFileSync(path, changed)
    const now = await fingerprintOf(path)
    if (at === 66_000) t.equal(now, before, 'a pixel between the samples is not seen, as it says')
    else t.not(now, before, `a byte at ${at}`)
  }
  writeFileSync(path, Buffer.concat([bytes, Buffer.of(0)]))
  t.not(await fingerprintOf(path), before, 'another size')
  writeFileSync(path, bytes)
  const out = join(dir, 'archive.pmtiles')
  await build({ sources: [path], out, threads: 0 })
  const archive = await fingerprintOf(out)
  t.match(archive, /^f1-[0-9a-f]{32}$/, 'archives are sources too')
  t.not(archive, before)
})

/** A wavy blob with holes. */
const isIn = (x: number, y: number): boolean =>
  Math.hypot(x - 1000, y - 1000) < 800 + 120 * Math.sin(5 * Math.atan2(y - 1000, x - 1000)) &&
  Math.hypot(x - 1200, y - 900) > 180

/** Opens files, and stops the build at one of the reads. */
const abortingOpener =
  (controller: AbortController, reads: number): SourceOpener =>
  async (path, options) => {
    const source = await openSource(path, options)
    const read: RasterSource['read'] = (level, window, memory) => {
      if (reads-- === 0) controller.abort()
      return source.read(level, window, memory)
    }
    return { info: source.info, read, close: () => source.close() }
  }

t.test('the same records with any number of threads, and after any interruption', async (t) => {
  const dir = t.testdir()
  const metres = 10
  for (const [i, name] of ['below.tif', 'above.tif'].entries()) {
    const place = [1_000_000 + 5000 * i, 6_000_000 - 3000 * i, metres] as const
    const { bytes } = smallTiff({
      width: 2000,
      height: 2000,
      bands: 3,
      block: 256,
      compress: true,
      mask: isIn,
      place,
    })
    writeFileSync(join(dir, name), bytes)
  }
  const sources = ['below.tif', 'above.tif'].map((name) => join(dir, name))
  const common = { commitEverySeconds: 0, minZoom: 8, resampling: 'average' } as const
  const expected = await recordsOf(sources, dir, common)
  t.ok(
    expected.every(({ footprint }) => footprint!.coordinates.flat().length > 1),
    'with holes',
  )
  t.same(await recordsOf(sources, dir, { ...common, threads: 2 }), expected, 'two threads')
  const out = join(dir, 'resumed.pmtiles')
  const unfinished = new Set<number>()
  let passes = 0
  for (let isDone = false; !isDone && passes < 40; passes++) {
    const controller = new AbortController()
    const context = { openSource: abortingOpener(controller, 2 + passes), signal: controller.signal }
    isDone = await build({ ...common, sources, out, threads: 0, resume: passes > 0 }, context).then(
      () => true,
      (error: { code: string }) => {
        t.equal(error.code, 'INTERRUPTED')
        return false
      },
    )
    if (!isDone && existsSync(out)) unfinished.add(sourcesOf(out).length)
  }
  t.ok(passes > 2, `${passes} passes`)
  t.same([...unfinished], [2], 'an unfinished file names its sources')
  t.same(sourcesOf(out), expected, 'resumed')
  rmSync(out)
})
