// convert encodes tiles again: other formats, sizes and encodings of heights. What can be exact is, the rest is near.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type ConvertOptions, convert, open, openTileSet, TileType } from '../../../src/index.js'
import type { Pixels } from '../../../src/raster/pixels.js'
import { decodeTile, encodeImage } from '../../../src/raster/tiles/codec.js'
import { decodeHeights, encodeHeights } from '../../../src/raster/tiles/terrain.js'
import { sameBytes } from '../../helpers/same-bytes.js'
import { type Place, picture, placesAbove, SIZE, writePyramid } from '../../interop/cog/pyramids.js'

/** 3 × 2 tiles that do not begin where tiles of the next lower zoom do. */
const PLACES = placesAbove(6, 4, 33, 21, 35, 22)
const isEdge = ([, x]: Place): boolean => x % 4 === 3

interface Run {
  readonly source: string
  readonly out: string
  to(options: Partial<ConvertOptions>): Promise<Awaited<ReturnType<typeof convert>>>
  left(): string[]
}

function runIn(folder: string, name = 'out.pmtiles'): Run {
  const [source, out] = [join(folder, 'in.pmtiles'), join(folder, name)]
  return {
    source,
    out,
    to: (options) => convert({ source, out, ...options }),
    left: () => readdirSync(folder).filter((file) => file !== 'in.pmtiles'),
  }
}

/** Mean square error of colours as PSNR, decibels, over pixels that both show; and whether masks are the same. */
function compare(a: Pixels, b: Pixels): { psnr: number; sameMask: boolean } {
  let [sum, count, sameMask] = [0, 0, a.width === b.width && a.height === b.height]
  for (let p = 0; p < a.width * a.height; p++) {
    const alpha = a.mask?.[p] ?? 255
    if (alpha !== (b.mask?.[p] ?? 255)) sameMask = false
    if (alpha === 0) continue
    for (let c = 0; c < 3; c++) {
      const at = (pixels: Pixels): number => pixels.data[p * pixels.bands + Math.min(c, pixels.bands - 1)]!
      sum += (at(a) - at(b)) ** 2
      count++
    }
  }
  return { psnr: 10 * Math.log10((255 * 255 * count) / sum), sameMask }
}

/** Compares the tiles of two archives at the same places. */
async function compareAll(
  before: string,
  after: string,
  places: readonly Place[],
): Promise<{ worst: number; sameMasks: boolean; missing: number }> {
  const [a, b] = [await openTileSet(before), await openTileSet(after)]
  let [worst, sameMasks, missing] = [Number.POSITIVE_INFINITY, true, 0]
  for (const place of places) {
    const [one, two] = [a.get(...place), b.get(...place)]
    if (one === undefined || two === undefined) {
      missing++
      continue
    }
    const { psnr, sameMask } = compare(await decodeTile(one.bytes), await decodeTile(two.bytes))
    worst = Math.min(worst, psnr)
    sameMasks &&= sameMask
  }
  a.close()
  b.close()
  return { worst, sameMasks, missing }
}

t.test('formats: lossless ones are exact, lossy ones are near, masks stay', async (t) => {
  const run = runIn(t.testdir({}))
  await writePyramid(run.source, PLACES, (...place) =>
    encodeImage(picture(...place, isEdge(place)), { format: isEdge(place) ? 'webp' : 'png', lossless: true }),
  )
  for (const [options, least] of [
    [{ format: 'png' }, Number.POSITIVE_INFINITY],
    [{ format: 'webp', lossless: true }, Number.POSITIVE_INFINITY],
    [{ format: 'webp', quality: 95 }, 36],
    [{ format: 'webp', quality: 20 }, 26],
    [{ format: 'avif', quality: 80 }, 32],
  ] as const) {
    const report = await run.to({ ...options, overwrite: true })
    t.equal(report.tiles, PLACES.length)
    t.equal(new Set(report.types.map(({ name }) => name)).size, 1)
    t.equal(report.types[0]!.name, options.format)
    const { worst, sameMasks, missing } = await compareAll(run.source, run.out, PLACES)
    t.ok(worst >= least && missing === 0, `${JSON.stringify(options)}: ${worst} dB`)
    // AVIF's alpha has losses too
    t.ok(sameMasks || options.format === 'avif', 'masks are the same')
  }
})

t.test('tiles that have the form are copied byte for byte', async (t) => {
  const run = runIn(t.testdir({}))
  await writePyramid(run.source, PLACES, (...place) =>
    encodeImage(picture(...place), { format: isEdge(place) ? 'png' : 'jpeg' }),
  )
  const edges = PLACES.filter(isEdge).length
  const report = await run.to({ format: 'jpeg', quality: 50 })
  t.match(
    report.notes[0],
    `${edges} tiles encoded again; ${PLACES.length - edges} tiles had the form already.`,
  )
  t.match(report.notes[1], /Without --format, --quality is for all tiles/)
  const [before, after] = [open(run.source), open(run.out)]
  for (const place of PLACES) {
    const [a, b] = [before.get(...place)!, after.get(...place)!]
    if (isEdge(place)) t.equal(b.type, TileType.jpeg)
    else sameBytes(t, b.bytes, a.bytes)
  }
  after.close()
  // quality alone: what is lossy is encoded again in its own format, PNG is not
  await run.to({ quality: 20, overwrite: true })
  const small = open(run.out)
  for (const place of PLACES) {
    const [a, b] = [before.get(...place)!, small.get(...place)!]
    t.equal(b.type, a.type)
    if (isEdge(place)) sameBytes(t, b.bytes, a.bytes)
    else t.ok(b.bytes.length < a.bytes.length)
  }
  before.close()
  small.close()
})

t.test('transparent pixels become JPEG only with a background', async (t) => {
  const run = runIn(t.testdir({}))
  await writePyramid(run.source, PLACES, (...place) =>
    encodeImage(picture(...place, true), { format: 'png' }),
  )
  await t.rejects(run.to({ format: 'jpeg' }), { code: 'BAD_OPTION', message: /Tile 4\/8\/5 .* --background/ })
  t.same(run.left(), [])
  await run.to({ format: 'jpeg', quality: 95, background: [255, 0, 0] })
  const [before, after] = [open(run.source), open(run.out)]
  const [a, b] = [
    await decodeTile(before.get(6, 33, 21)!.bytes),
    await decodeTile(after.get(6, 33, 21)!.bytes),
  ]
  t.equal(b.mask, undefined)
  const { data } = a
  for (let p = 0; p < SIZE * SIZE; p++) if (a.mask![p] === 0) data.set([255, 0, 0], 3 * p)
  const { psnr } = compare({ ...a, mask: undefined }, b)
  // the edge of the red is sharp, and JPEG stores half as many chroma samples
  t.ok(psnr > 22, `${psnr} dB`)
  const corner = [...b.data.subarray(3 * 255 * SIZE, 3 * 255 * SIZE + 3)]
  t.ok(corner[0]! > 250 && corner[1]! < 5 && corner[2]! < 5, corner.join())
  before.close()
  after.close()
})

t.test('tile sizes: four become one and one becomes four, without a pixel changed', async (t) => {
  const folder = t.testdir({})
  const run = runIn(folder)
  await writePyramid(
    run.source,
    PLACES,
    (...place) => encodeImage(picture(...place, isEdge(place)), { format: 'png' }),
    { tileSize: 256, name: 'n' },
  )
  for (const name of ['large.pmtiles', 'large.mbtiles']) {
    const large = join(folder, name)
    const report = await convert({ source: run.source, out: large, tileSize: 512 })
    // zoom 6 has 3 × 2 tiles, whose parents are 2 × 2; zoom 5 has 2 × 2 with 1 × 1 parent; zoom 4 has one tile
    t.same(
      report.levels.map(({ zoom, tiles }) => [zoom, tiles]),
      [
        [3, 1],
        [4, new Set(PLACES.filter(([z]) => z === 5).map(([, x, y]) => `${x >> 1}/${y >> 1}`)).size],
        [5, new Set(PLACES.filter(([z]) => z === 6).map(([, x, y]) => `${x >> 1}/${y >> 1}`)).size],
      ],
    )
    const tiles = await openTileSet(large)
    t.match(tiles.metadata(), { name: 'n' })
    const { tileSize, json } = tiles.metadata()
    t.equal(tileSize ?? JSON.parse(String(json)).tileSize, 512)
    const source = open(run.source)
    const joined = await decodeTile(tiles.get(5, 16, 10)!.bytes)
    t.equal(joined.width, 512)
    // of its four quarters only 6/33/21 is there
    t.equal(source.has(6, 32, 20), false)
    t.equal(joined.mask?.[0], 0)
    const original = await decodeTile(source.get(6, 33, 21)!.bytes)
    let wrong = 0
    for (let p = 0; p < SIZE * SIZE; p++) {
      const at = (SIZE + Math.floor(p / SIZE)) * 512 + SIZE + (p % SIZE)
      if (joined.mask![at] !== (original.mask?.[p] ?? 255)) wrong++
      else if (joined.mask![at] !== 0)
        for (let c = 0; c < 3; c++) if (joined.data[3 * at + c] !== original.data[3 * p + c]) wrong++
    }
    t.equal(wrong, 0)
    source.close()
    tiles.close()
    // and back: zooms 4 to 6 are as they were, and zoom 3 keeps the pyramid complete
    const back = await convert({ source: large, out: run.out, tileSize: 256, overwrite: true })
    t.same(
      back.levels.map(({ zoom }) => zoom),
      [3, 4, 5, 6],
    )
    t.match(await compareAll(run.source, run.out, PLACES), {
      worst: Number.POSITIVE_INFINITY,
      sameMasks: true,
      missing: 0,
    })
    // quarters in which nothing shows are not stored
    t.equal(back.tiles, PLACES.length + 1)
    const added = open(run.out)
    t.equal((await decodeTile(added.get(3, 4, 2)!.bytes)).width, SIZE)
    t.match(added.metadata(), { tileSize: 256 })
    added.close()
  }
})

t.test('the form follows the tiles: JPEG where all is opaque', async (t) => {
  const run = runIn(t.testdir({}))
  await writePyramid(run.source, placesAbove(4, 2, 4, 4, 6, 5), (...place) =>
    encodeImage(picture(...place), { format: 'jpeg' }),
  )
  await run.to({ tileSize: 512 })
  const tiles = open(run.out)
  t.equal(tiles.get(3, 2, 2)!.type, TileType.jpeg)
  // its eastern half is empty
  t.equal(tiles.get(3, 3, 2)!.type, TileType.webp)
  tiles.close()
})

t.test('heights: exact where the encoding can be, never lossy', async (t) => {
  const folder = t.testdir({})
  const run = runIn(folder)
  const heights = (z: number, x: number, y: number): Pixels<Float32Array> => {
    const data = new Float32Array(SIZE * SIZE).map((_, p) => 900 * Math.sin(p / 777 + x) + 30 * y + z)
    const mask = isEdge([z, x, y])
      ? new Uint8Array(SIZE * SIZE).map((_, p) => (p % 7 === 0 ? 0 : 255))
      : undefined
    return { width: SIZE, height: SIZE, bands: 1, data, mask }
  }
  const options = { format: 'png', step: 0.5, offset: 0, nodata: 'transparent' } as const
  await writePyramid(
    run.source,
    PLACES,
    (...place) => encodeHeights(heights(...place), { ...options, encoding: 'terrarium' }),
    { encoding: 'terrarium' },
  )
  const worstOf = async (path: string, encoding: 'mapbox' | 'terrarium'): Promise<number> => {
    const [a, b] = [open(run.source), open(path)]
    let worst = 0
    for (const place of PLACES) {
      const one = await decodeHeights(a.get(...place)!.bytes, 'terrarium')
      const two = await decodeHeights(b.get(...place)!.bytes, encoding)
      for (let p = 0; p < one.data.length; p++) {
        const alpha = one.mask?.[p] ?? 255
        if (alpha !== (two.mask?.[p] ?? 255)) worst = Number.POSITIVE_INFINITY
        if (alpha !== 0) worst = Math.max(worst, Math.abs(one.data[p]! - two.data[p]!))
      }
    }
    t.match(b.metadata(), { encoding })
    a.close()
    b.close()
    return worst
  }
  const report = await run.to({ terrain: 'mapbox' })
  t.same(report.types, [{ name: 'png', count: PLACES.length }])
  const mapbox = await worstOf(run.out, 'mapbox')
  t.ok(mapbox > 0.01 && mapbox <= 0.0502, `${mapbox} m`)
  await run.to({ format: 'webp', overwrite: true })
  t.equal(await worstOf(run.out, 'terrarium'), 0)
  const large = join(folder, 'large.pmtiles')
  await convert({ source: run.source, out: large, tileSize: 512 })
  await convert({ source: large, out: run.out, tileSize: 256, overwrite: true })
  t.equal(await worstOf(run.out, 'terrarium'), 0)
  for (const wrong of [{ format: 'jpeg' }, { format: 'avif' }, { quality: 90 }] as const)
    await t.rejects(run.to({ ...wrong, overwrite: true }), { code: 'BAD_OPTION', message: /must stay exact/ })
})

t.test('with a tile size, zooms are those of the new tiles', async (t) => {
  const run = runIn(t.testdir({}))
  await writePyramid(run.source, PLACES, (...place) => encodeImage(picture(...place), { format: 'jpeg' }))
  const zoomsOf = async (options: Partial<ConvertOptions>): Promise<number[]> =>
    (await run.to({ ...options, overwrite: true })).levels.map(({ zoom }) => zoom)
  t.same(await zoomsOf({ tileSize: 512, minZoom: 4 }), [4, 5])
  t.same(await zoomsOf({ tileSize: 512, maxZoom: 4 }), [3, 4])
  t.same(await zoomsOf({ format: 'webp', maxZoom: 5 }), [4, 5])
  await t.rejects(run.to({ tileSize: 512, minZoom: 6, overwrite: true }), { code: 'NOTHING_TO_BUILD' })
})

t.test('what is wrong gets a sentence, and nothing is left', async (t) => {
  const folder = t.testdir({})
  const run = runIn(folder)
  const { bytes } = await encodeImage(picture(6, 1, 1), { format: 'png' })
  await writePyramid(run.source, PLACES, async (z, x, y) => ({
    bytes: z === 6 && x === 34 && y === 22 ? bytes.slice(0, 500) : bytes,
    type: TileType.png,
  }))
  await t.rejects(run.to({ format: 'webp' }), { code: 'DAMAGED', message: /^Tile 6\/34\/22: / })
  await t.rejects(run.to({ tileSize: 512 }), { code: 'DAMAGED', message: /^Tile 6\/34\/22: / })
  await t.rejects(run.to({ terrain: 'mapbox' }), { code: 'BAD_OPTION', message: /does not say how/ })
  for (const [options, message] of [
    [{ lossless: true }, /needs a format/],
    [{ lossless: true, format: 'jpeg' }, /needs a format/],
    [{ background: [0, 0, 0] }, /is for the format 'jpeg'/],
    [{ quality: 0 }, /quality/],
    [{ tileSize: 300 }, /256 or 512/],
    [{ format: 'gif' }, /format/],
  ] as const)
    await t.rejects(run.to(options as Partial<ConvertOptions>), { message })
  t.same(run.left(), [])
  const vectors = join(folder, 'vectors.pmtiles')
  const vector = new Uint8Array([0x1a, 5, 1, 2, 3, 4, 5])
  await writePyramid(vectors, PLACES, async () => ({ bytes: vector, type: TileType.mvt }))
  await t.rejects(convert({ source: vectors, out: run.out, format: 'webp' }), {
    message: /tiles of the type mvt/,
  })
  const world = join(folder, 'world.pmtiles')
  await writePyramid(world, [[0, 0, 0]], async () => ({ bytes, type: TileType.png }))
  await t.rejects(convert({ source: world, out: run.out, tileSize: 512 }), { message: /only zoom 0/ })
  const abort = new AbortController()
  await writePyramid(join(folder, 'many.pmtiles'), placesAbove(5, 5, 0, 0, 31, 31), async () => ({
    bytes: bytes.slice(),
    type: TileType.png,
  }))
  const running = convert(
    { source: join(folder, 'many.pmtiles'), out: run.out, tileSize: 512 },
    { signal: abort.signal, onProgress: () => abort.abort() },
  )
  await t.rejects(running, { code: 'INTERRUPTED' })
  t.same(run.left().sort(), ['many.pmtiles', 'vectors.pmtiles', 'world.pmtiles'])
})
