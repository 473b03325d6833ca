// Joins archives: nothing is lost without a word, and what is blended is blended as pictures or as heights.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../../src/cli/run.js'
import { decodeHeights, describe, digest, merge, open, planMerge, verify } from '../../src/index.js'
import { decodeTile, encodeImage } from '../../src/raster/tiles/codec.js'
import { encodeHeights, type TerrainEncoding } from '../../src/raster/tiles/terrain.js'
import { makeFlat, makeFolder, makeMbtiles, type PlacedBytes, pngLike } from '../helpers/archives.js'

const SIDE = 16
/** Columns `from` to `to` painted in a colour, the rest transparent. */
async function stripe(
  colour: readonly [number, number, number],
  [from, to]: readonly [number, number],
  format: 'png' | 'webp' | 'jpeg' = 'png',
): Promise<Uint8Array> {
  const data = new Uint8Array(SIDE * SIDE * 3)
  const mask = new Uint8Array(SIDE * SIDE)
  for (let p = 0; p < mask.length; p++) {
    data.set(colour, 3 * p)
    if (p % SIDE >= from && p % SIDE < to) mask[p] = 255
  }
  const pixels = { width: SIDE, height: SIDE, bands: 3, data, mask }
  return (await encodeImage(pixels, { format, lossless: format === 'webp' })).bytes
}

const RED = [200, 10, 10] as const
const BLUE = [10, 10, 200] as const

/** What is left and what is right of the middle, as different tiles at zoom 3, with an overview each. */
const half = (isEast: boolean, overview: Uint8Array): PlacedBytes[] => [
  { z: 0, x: 0, y: 0, bytes: overview },
  ...Array.from({ length: 32 }, (_, i) => ({
    z: 3,
    x: (i >> 3) + (isEast ? 4 : 0),
    y: i & 7,
    bytes: pngLike(i + (isEast ? 100 : 0)),
  })),
]

t.test('archives without a common tile, of every kind, to every kind', async (t) => {
  const folder = t.testdir()
  const tiles = half(true, pngLike(1))
  const parts = [tiles.slice(0, 9), tiles.slice(9, 20), tiles.slice(20)]
  const sources = [
    makeFlat(join(folder, 'a.pmtiles'), parts[0]!, { name: 'a', attribution: 'me', bounds: [0, 0, 90, 80] }),
    makeMbtiles(join(folder, 'b.mbtiles'), parts[1]!),
    makeFolder(join(folder, 'c'), parts[2]!),
  ]
  const whole = await digest(makeFlat(join(folder, 'whole.pmtiles'), tiles))
  for (const name of ['all.pmtiles', 'all.mbtiles']) {
    const out = join(folder, name)
    const report = await merge({ sources, out })
    t.match(report, {
      tiles: 33,
      digest: whole.digest,
      notes: [],
      duplicates: { same: 0, blended: 0, won: [] },
    })
    t.equal((await digest(out)).digest, whole.digest)
    t.ok((await verify(out)).ok)
  }
  const all = open(join(folder, 'all.pmtiles'))
  t.match(all.metadata(), { name: 'all', attribution: 'me' })
  t.match(describe(all), { minZoom: 0, maxZoom: 3, tiles: 33 })
  all.close()
  // one archive twice is the archive
  const twice = await merge({ sources: [sources[1]!, sources[1]!], out: join(folder, 'd.pmtiles') })
  t.match(twice, { tiles: 11, duplicates: { same: 11, blended: 0, won: [] } })
  t.end()
})

t.test('neighbours: the overview shows both', async (t) => {
  const folder = t.testdir()
  const sources = [
    makeFlat(join(folder, 'west.pmtiles'), half(false, await stripe(RED, [0, 10])), {
      bounds: [-180, 0, 0, 80],
    }),
    makeFlat(join(folder, 'east.pmtiles'), half(true, await stripe(BLUE, [8, 16], 'webp')), {
      bounds: [0, 0, 180, 80],
      attribution: 'you',
    }),
  ]
  const out = join(folder, 'both.pmtiles')
  t.same(await planMerge({ sources }), {
    tiles: 65,
    shared: 1,
    levels: [
      { zoom: 0, tiles: 1, shared: 1 },
      { zoom: 3, tiles: 64, shared: 0 },
    ],
  })
  t.notOk(existsSync(out))
  await t.rejects(merge({ sources, out }, { signal: AbortSignal.abort() }), { code: 'INTERRUPTED' })
  t.same(readdirSync(folder).sort(), ['east.pmtiles', 'west.pmtiles'])
  const report = await merge({ sources, out })
  t.match(report, { tiles: 65, duplicates: { same: 0, blended: 1, won: [] } })
  t.match(report.notes, ['Several archives have different tiles at 1 place: 1 blended.'])
  t.equal(report.digest, (await digest(out)).digest, 'of the tile that was made')
  const elsewhere = join(folder, 'both.mbtiles')
  t.equal((await merge({ sources, out: elsewhere })).digest, (await digest(elsewhere)).digest)
  const both = open(out)
  t.same(both.metadata()['bounds'], [-180, 0, 180, 80])
  const tile = both.get(0, 0, 0)!
  both.close()
  t.equal(tile.type, 4, 'as the top one')
  const { data, mask, bands } = await decodeTile(tile.bytes)
  t.equal(mask, undefined)
  const at = (x: number): number[] => [...data.subarray(x * bands, x * bands + 3)]
  t.same([at(0), at(7), at(8), at(15)], [[...RED], [...RED], [...BLUE], [...BLUE]])
  t.end()
})

t.test('pictures that are deeper in some places say so', async (t) => {
  const folder = t.testdir()
  const at = (z: number, x: number, y: number): PlacedBytes => ({
    z,
    x,
    y,
    bytes: pngLike(100 * z + 10 * x + y),
  })
  const make = (name: string, tiles: PlacedBytes[], more: Record<string, unknown>): string =>
    makeFlat(join(folder, name), tiles, more)
  const world = make('world.pmtiles', [at(1, 0, 0), at(1, 1, 0)], { bounds: [-170, 10, 170, 80] })
  const city = make('city.pmtiles', [at(2, 2, 1), at(3, 4, 3)], { bounds: [5, 5, 40, 35] })
  const says = async (sources: string[], name: string): Promise<unknown> => {
    const out = join(folder, name)
    await merge({ sources, out })
    const { emptyResponse, sparse } = open(out).metadata()
    return [emptyResponse, sparse]
  }
  t.same(await says([world, city], 'a.pmtiles'), ['missing', true])
  t.same(await says([city, world], 'b.pmtiles'), ['missing', true])
  const shallow = make('shallow.pmtiles', [at(1, 1, 1)], { bounds: [5, -35, 40, -5] })
  t.same(
    await says([shallow, join(folder, 'a.pmtiles')], 'c.pmtiles'),
    ['missing', true],
    'as one of them says',
  )
  // zooms of one archive that were apart
  const top = make('top.pmtiles', [at(1, 1, 0)], { bounds: [5, 5, 40, 35] })
  t.same(await says([top, city], 'd.pmtiles'), [undefined, undefined])
  t.same(await says([city, make('city2.pmtiles', [at(3, 5, 3)], { bounds: [50, 5, 80, 35] })], 'e.pmtiles'), [
    undefined,
    undefined,
  ])
})

t.test('who wins', async (t) => {
  const folder = t.testdir()
  const place = { z: 2, x: 1, y: 1 }
  const opaque = await stripe(BLUE, [0, 16])
  const [a, b] = [await stripe(RED, [0, 10]), opaque]
  const sources = [
    makeFlat(join(folder, 'a.pmtiles'), [{ ...place, bytes: a }]),
    makeMbtiles(join(folder, 'b.mbtiles'), [{ ...place, bytes: b }]),
  ]
  const out = join(folder, 'c.pmtiles')
  const bytesFor = async (onDuplicate: 'first' | 'last' | 'blend', who: string, bytes: Uint8Array) => {
    const { duplicates, notes } = await merge({ sources, out, onDuplicate, overwrite: true })
    t.same(duplicates, { same: 0, blended: 0, won: [{ source: who, tiles: 1 }] }, `${onDuplicate}`)
    t.match(notes[0], `${who} won 1`)
    const file = open(out)
    t.same(file.get(2, 1, 1)?.bytes, bytes)
    file.close()
  }
  await bytesFor('first', sources[0]!, a)
  await bytesFor('last', sources[1]!, b)
  // the top one hides the other, so it stays byte for byte
  await bytesFor('blend', sources[1]!, b)
  // and that must be asked for
  await t.rejects(merge({ sources, out, overwrite: true }), { code: 'EXISTS', message: /Tile 2\/1\/1 is in/ })
  const above = makeFlat(join(folder, 'above.pmtiles'), [{ ...place, bytes: await stripe(RED, [2, 3]) }])
  const three = { sources: [...sources, above], out, overwrite: true }
  await t.rejects(merge(three), { code: 'EXISTS' }, 'the one in the middle hides the lowest')
  t.match(await merge({ ...three, onDuplicate: 'blend' }), { duplicates: { blended: 1, won: [] } })
  rmSync(above)
  await t.rejects(merge({ sources, out: join(folder, 'd.pmtiles'), onDuplicate: 'abort' }), {
    code: 'EXISTS',
    message: /Tile 2\/1\/1 is in .*a\.pmtiles and .*b\.mbtiles, with different contents/,
  })
  t.notOk(existsSync(join(folder, 'd.pmtiles')))
  t.same(readdirSync(folder).sort(), ['a.pmtiles', 'b.mbtiles', 'c.pmtiles'])
  let text = ''
  const write = (chunk: unknown): unknown => (text += String(chunk))
  const io = { stdout: { write }, stderr: { write }, isTerminal: false, signal: new AbortController().signal }
  for (const [word, who] of [
    ['override', 1],
    ['ignore', 0],
  ] as const) {
    text = ''
    t.equal(await run(['merge', ...sources, out, '--on-duplicate', word, '--overwrite'], io), 0)
    t.match(text, `${sources[who]} won 1`)
  }
  t.equal(await run(['merge', ...sources, out, '--on-duplicate', 'abort', '--overwrite'], io), 1)
  t.equal(await run(['merge', sources[0]!, out], io), 2)
  t.end()
})

t.test(
  'what hides others without being transparent, and what cannot be blended, aborts unless asked for',
  async (t) => {
    const folder = t.testdir()
    const out = join(folder, 'out.pmtiles')
    const place = { z: 2, x: 1, y: 1 }
    const sources = [
      makeFlat(join(folder, 'a.pmtiles'), [{ ...place, bytes: await stripe(RED, [0, 10]) }]),
      makeFlat(join(folder, 'b.pmtiles'), [{ ...place, bytes: await stripe(BLUE, [0, 16], 'jpeg') }]),
    ]
    await t.rejects(merge({ sources, out }), {
      code: 'EXISTS',
      message: /as JPEG always is, hides those below it/,
    })
    t.match((await merge({ sources, out, onDuplicate: 'blend' })).duplicates.won, [
      { source: sources[1], tiles: 1 },
    ])
    // below, the JPEG shows through
    const { duplicates } = await merge({ sources: [...sources].reverse(), out, overwrite: true })
    t.same(duplicates, { same: 0, blended: 1, won: [] })
    const vectors = [1, 2].map((n) =>
      makeFlat(join(folder, `${n}.pmtiles`), [{ ...place, bytes: new Uint8Array([0x1a, n, 0, 0]) }], {
        vector_layers: [{ id: `layer ${n}`, fields: {} }],
      }),
    )
    for (const onDuplicate of [undefined, 'blend'] as const)
      await t.rejects(merge({ sources: vectors, out, onDuplicate, overwrite: true }), { code: 'EXISTS' })
    await merge({ sources: vectors, out, onDuplicate: 'last', overwrite: true })
    const file = open(out)
    t.match(file.metadata()['vector_layers'], [{ id: 'layer 1' }, { id: 'layer 2' }])
    file.close()
    await t.rejects(merge({ sources: [sources[0]!, vectors[0]!], out, overwrite: true }), {
      code: 'BAD_OPTION',
      message: /cannot hold both/,
    })
    t.end()
  },
)

t.test('terrain is blended as heights', async (t) => {
  const folder = t.testdir()
  const heights = async (
    height: number,
    [from, to]: readonly [number, number],
    encoding: TerrainEncoding,
  ) => {
    const data = new Float32Array(SIDE * SIDE).fill(height)
    const mask = Uint8Array.from(data, (_, p) => (p % SIDE >= from && p % SIDE < to ? 255 : 0))
    const pixels = { width: SIDE, height: SIDE, bands: 1, data, mask }
    const options = { encoding, format: 'webp', step: 0.25, offset: 100, nodata: 'transparent' } as const
    return (await encodeHeights(pixels, options))!.bytes
  }
  for (const encoding of ['mapbox', 'terrarium', 'int16', 'float32'] as const) {
    const isColour = encoding === 'mapbox' || encoding === 'terrarium'
    const make = async (name: string, height: number, columns: readonly [number, number]): Promise<string> =>
      makeFlat(
        join(folder, `${encoding}-${name}.pmtiles`),
        [{ z: 1, x: 0, y: 0, bytes: await heights(height, columns, encoding) }],
        isColour ? { encoding } : {},
      )
    const sources = [await make('a', 120.5, [0, 10]), await make('b', 433.25, [6, 14])]
    const out = join(folder, `${encoding}.pmtiles`)
    const report = await merge({ sources, out })
    t.match(report, { duplicates: { blended: 1 } })
    t.equal(report.digest, (await digest(out)).digest)
    const file = open(out)
    const { data, mask } = await decodeHeights(file.get(1, 0, 0)!.bytes, isColour ? encoding : undefined)
    file.close()
    t.same(
      [0, 5, 6, 13, 14].map((x) => (mask![x] === 0 ? undefined : Math.round(data[x]! * 10) / 10)),
      [120.5, 120.5, 433.3, 433.3, undefined],
      encoding,
    )
  }
  const mapbox = join(folder, 'mapbox-a.pmtiles')
  await t.rejects(
    merge({ sources: [mapbox, join(folder, 'terrarium-a.pmtiles')], out: join(folder, 'x.pmtiles') }),
    {
      code: 'BAD_OPTION',
      message: /heights \(mapbox\).*heights \(terrarium\)/,
    },
  )
  t.end()
})
