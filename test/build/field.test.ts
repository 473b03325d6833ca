// Builds of inputs on which an earlier version was wrong: the right values are GDAL's. Each is made here; those of
// the field, where they are, are built too.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import type { BuildReport } from '../../src/pyramid/report.js'
import { decodeTile } from '../../src/raster/tiles/codec.js'
import { openTiles } from '../../src/store/read/open.js'
import { sharedData } from '../helpers/paths.js'
import { type PlainTiff, plainTiff } from '../helpers/plain-tiff.js'

const SIZE = 64
const spread = (f: (x: number, y: number) => readonly number[]): number[] =>
  Array.from({ length: SIZE * SIZE }, (_, i) => f(i % SIZE, Math.floor(i / SIZE))).flat()
const colours = spread((x, y) => [x + 50, y + 80, 2 * x])

/** Builds one image in the calling thread. */
async function built(
  dir: string,
  image: PlainTiff | string,
  options: Partial<BuildOptions> = {},
): Promise<BuildReport> {
  const path = typeof image === 'string' ? image : join(dir, 'a.tif')
  if (typeof image !== 'string') writeFileSync(path, plainTiff(image))
  return build({ sources: [path], out: join(dir, 'a.pmtiles'), overwrite: true, threads: 0, ...options })
}

const field = (name: string): string => join(sharedData!, 'field', name)
const withoutField = sharedData === undefined && 'needs the shared data'

/** Pixels of the deepest zoom that are opaque, and those that are half so. */
async function alphaOf(path: string): Promise<{ opaque: number; soft: number }> {
  const reader = openTiles(path)
  const { zoom } = reader.levels().at(-1)!
  let opaque = 0
  let soft = 0
  for (const { x, y } of [...reader.tiles({ zoom })]) {
    const { mask, width, height } = await decodeTile(reader.get(zoom, x, y)!.bytes)
    for (let i = 0; i < width * height; i++) {
      const alpha = mask?.[i] ?? 255
      if (alpha === 255) opaque++
      else if (alpha > 0) soft++
    }
  }
  reader.close()
  return { opaque, soft }
}

t.test('nodata of single bands does not count in their range', async (t) => {
  const dir = t.testdir()
  const values = spread((x, y) => [x < 20 ? -9999 : 140 + x, 100 + y, y < 5 ? -9999 : 200 + x])
  const image = { width: SIZE, height: SIZE, samples: 3, bits: 32, data: values } as const
  const report = await built(dir, { ...image, tags: { 42113: '-9999\0' } })
  const said = /band 1 (\S+) to (\S+), band 2 (\S+) to (\S+), band 3 (\S+) to (\S+) are/.exec(
    report.notes[0]!,
  )!
  const [low1, high1, low2, high2, low3, high3] = said.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  t.ok(low1 >= 160 && high1 <= 203, `band 1: ${low1} to ${high1}`)
  t.ok(low2 >= 100 && high2 <= 163, `band 2: ${low2} to ${high2}`)
  t.ok(low3 >= 200 && high3 <= 263, `band 3: ${low3} to ${high3}`)
  const asked = await built(dir, image, { nodata: -9999 })
  t.equal(asked.notes[0], report.notes[0], 'as with --nodata')
})

t.test('the range of the field’s image', { skip: withoutField }, async (t) => {
  const { notes } = await built(t.testdir(), field('nodata-in-one-band.tif'))
  const [, low, high] = /band 1 (\S+) to (\S+),/.exec(notes[0]!)!.map(Number)
  t.ok(low! >= 140 && high! <= 227.5, `${low} to ${high}`)
})

t.test('a fourth band without a word about it is not alpha', async (t) => {
  const dir = t.testdir()
  const data = spread((x, y) => [x + 50, y + 80, 2 * x, 128])
  await built(dir, { width: SIZE, height: SIZE, samples: 4, data }, { format: 'png' })
  t.equal((await alphaOf(join(dir, 'a.pmtiles'))).soft, 0)
  await built(dir, { width: SIZE, height: SIZE, samples: 4, data, tags: { 338: [2] } }, { format: 'png' })
  t.ok((await alphaOf(join(dir, 'a.pmtiles'))).soft > 1000, 'and is when the tag says so')
})

t.test('16-bit alpha that does not exceed 255', async (t) => {
  const dir = t.testdir()
  const image = (top: number, extra = 2): PlainTiff => {
    const alphaOf = (y: number): number => (y < 20 ? 0 : y < 32 ? top >> 1 : top)
    const data = spread((x, y) => [300 * x, 300 * y, 9000, alphaOf(y)])
    return { width: SIZE, height: SIZE, samples: 4, bits: 16, data, tags: { 338: [extra] } }
  }
  const deep = await built(dir, image(65535), { format: 'png' })
  const expected = await alphaOf(join(dir, 'a.pmtiles'))
  t.ok(expected.opaque > 500 && expected.soft > 100)
  t.notMatch(deep.notes.join(), /255/)
  const shallow = await built(dir, image(255), { format: 'png' })
  t.same(await alphaOf(join(dir, 'a.pmtiles')), expected)
  t.match(shallow.notes.join(), /do not exceed 255/)
  await built(dir, image(256), { format: 'png' })
  t.equal((await alphaOf(join(dir, 'a.pmtiles'))).opaque, 0, 'more than 255 is what its type says')
  await built(dir, image(255, 1), { format: 'png' })
  t.same(await alphaOf(join(dir, 'a.pmtiles')), expected, 'of colours multiplied by it too')
})

t.test('the field’s own', { skip: withoutField }, async (t) => {
  const dir = t.testdir()
  const alpha = async (name: string): Promise<{ opaque: number; soft: number }> => {
    await built(dir, field(name), { format: 'png', zoom: 13 })
    return alphaOf(join(dir, 'a.pmtiles'))
  }
  t.equal((await alpha('rgbn-no-extrasamples.tif')).soft, 0)
  const plain = await alpha('nodata-plain.tif')
  t.same(await alpha('nodata-comma.tif'), plain)
  await built(dir, field('last-strip-count.tif'))
  t.equal((await built(dir, field('turned45.tif'))).maxZoom, 14)
  t.equal((await built(dir, field('turned0.tif'))).maxZoom, 14)
  await t.rejects(built(dir, field('smaller-than-a-pixel.tif'), { zoom: [0, 10] }), {
    code: 'NOTHING_TO_BUILD',
    message: /13 m wide and 13 m high, smaller than a pixel of zoom 10, which is 153 m/,
  })
})

t.test('an image that is turned has the zoom of its own resolution', async (t) => {
  const dir = t.testdir()
  const base = { width: SIZE, height: SIZE, samples: 3, data: colours }
  for (const degrees of [0, 10, 30, 45, 60, 90, 135, 200]) {
    const turn = (degrees * Math.PI) / 180
    const [a, b] = [10 * Math.cos(turn), 10 * Math.sin(turn)]
    const matrix = [a, b, 0, 1_000_000, b, -a, 0, 6_000_000, 0, 0, 0, 0, 0, 0, 0, 1]
    const tags = { 33550: undefined, 33922: undefined, 34264: { doubles: matrix } }
    const { maxZoom } = await built(dir, { ...base, keys: [[3072, 3857]], tags })
    t.equal(maxZoom, 14, `${degrees}°`)
  }
  // upright on its map, which is turned against the tiles: 45° in Siberia
  const polar = { ...base, keys: [[3072, 3995]], place: [340, 1_500_000, 1_500_000] } as const
  const [polarZoom, uprightZoom] = [
    (await built(dir, polar)).maxZoom,
    (await built(dir, { ...polar, place: [340, 0, -2_121_320] })).maxZoom,
  ]
  t.equal(polarZoom, uprightZoom)
})

t.test('images smaller than a pixel', async (t) => {
  const dir = t.testdir()
  const image = { width: SIZE, height: SIZE, samples: 3, data: colours }
  const at = (x: number): PlainTiff => ({ ...image, place: [0.05, 500_300 + x, 5_299_700] })
  await t.rejects(built(dir, at(0), { zoom: [0, 10] }), {
    code: 'NOTHING_TO_BUILD',
    message:
      /a\.tif is 3\.2 m wide and 3\.2 m high, smaller than a pixel of zoom 10, .* --max-zoom .* zoom 21\)/,
  })
  writeFileSync(join(dir, 'b.tif'), plainTiff(at(300)))
  await t.rejects(built(dir, at(0), { sources: [join(dir, 'a.tif'), join(dir, 'b.tif')], zoom: [0, 10] }), {
    message: /^The largest of the 2 sources is 3\.2 m wide/,
  })
  const empty = { ...image, data: colours.map(() => 0), tags: { 42113: '0\0' } }
  await t.rejects(built(dir, empty, { zoom: 12 }), { message: /only nodata/ }, 'a large one is another thing')
})

t.test('colour pictures are no heights, unless a band is named', async (t) => {
  const dir = t.testdir()
  const rgb = { width: SIZE, height: SIZE, samples: 3, data: colours }
  const refusal = { code: 'BAD_OPTION', message: /a\.tif is a colour image with 3 bands.*--bands 1/ }
  await t.rejects(built(dir, rgb, { terrain: 'mapbox' }), refusal)
  await t.rejects(built(dir, { ...rgb, bits: 16 }, { terrain: 'mapbox' }), refusal, 'of 16 bits too')
  const palette = {
    width: SIZE,
    height: SIZE,
    data: colours.filter((_, i) => i % 3 === 0),
    tags: { 262: [3], 320: Array.from({ length: 768 }, (_, i) => (i * 85) % 65536) },
  }
  await t.rejects(built(dir, palette, { terrain: 'mapbox' }), { message: /an image with a palette/ })
  const named = await built(dir, { ...rgb, bits: 16 }, { terrain: 'mapbox', bands: [2] })
  t.ok(named.tiles > 0, 'a named band is taken')
  const many = { ...rgb, bits: 32, tags: { 262: [1] } } as const
  t.ok((await built(dir, many, { terrain: 'mapbox' })).tiles > 0, 'bands that nobody calls colours are')
})
