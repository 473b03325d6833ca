// VersaTiles containers are read as the specification says, and nothing they claim is believed.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { tileId } from '../../../src/format/tile-id.js'
import { TileType } from '../../../src/format/tile-type.js'
import { archiveKind } from '../../../src/interop/archive-name.js'
import { openForCopy, openTileSet } from '../../../src/interop/open.js'
import type { TileSet } from '../../../src/store/read/tile-set.js'
import { integersFrom } from '../../helpers/random.js'
import { type ContainerMade, containerOf } from '../../helpers/versatiles.js'

const png = (n: number): Buffer => Buffer.from(`\x89PNG\r\n\x1a\n tile ${n}`, 'latin1')
const MVT = Uint8Array.of(0x1a, 3, 1, 2, 3)

/** Zeros in Brotli. */
const bombOf = (bytes: number): Buffer =>
  brotliCompressSync(Buffer.alloc(bytes), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })

function put(t: Test, bytes: Uint8Array, name = 'a.versatiles'): string {
  const path = join(t.testdir({}), name)
  writeFileSync(path, bytes)
  return path
}

async function opened(t: Test, made: ContainerMade): Promise<TileSet> {
  const tiles = await openTileSet(put(t, containerOf(made)))
  t.teardown(() => tiles.close())
  return tiles
}

/** Two blocks of zoom 9 in the wrong order, and one of zoom 2 with a hole. */
const BLOCKS = [
  { zoom: 9, box: [256, 255, 257, 255], tiles: [png(1), png(2)] },
  { zoom: 9, box: [255, 254, 255, 255], tiles: [png(3), png(4)] },
  { zoom: 2, box: [1, 1, 2, 2], tiles: [png(5), undefined, png(6), png(7)] },
] as const

const placesOf = (tiles: TileSet, zoom: number): string[] =>
  [...tiles.tiles({ zoom })].map(({ z, x, y }) => `${z}/${x}/${y}`)

t.test('tiles by place, in key order, in ranges', async (t) => {
  const tiles = await opened(t, { blocks: BLOCKS })
  t.same(tiles.get(9, 257, 255), { bytes: png(2), type: TileType.png })
  t.same(tiles.get(9, 255, 255)?.bytes, png(4))
  t.same(tiles.get(2, 1, 2)?.bytes, png(6), 'rows count from the north')
  for (const [z, x, y] of [
    [2, 2, 1],
    [2, 0, 0],
    [9, 258, 255],
    [9, 0, 511],
    [3, 1, 1],
    [26, 0, 0],
  ] as const) {
    t.equal(tiles.get(z, x, y), undefined, `${z}/${x}/${y}`)
    t.notOk(tiles.has(z, x, y))
  }
  t.ok(tiles.has(2, 2, 2))
  const counts = [
    { zoom: 2, count: 3 },
    { zoom: 9, count: 4 },
  ]
  t.same(tiles.levels(), counts)
  const keys = [...tiles.tiles({ zoom: 9 })].map(({ z, x, y }) => tileId(z, x, y))
  t.same(
    keys,
    [...keys].sort((a, b) => a - b),
  )
  t.equal(keys.length, 4)
  t.same(placesOf(tiles, 2), ['2/1/1', '2/1/2', '2/2/2'])
  t.same(placesOf(tiles, 3), [])
  const range = { minX: 255, minY: 255, maxX: 256, maxY: 400 }
  t.same([...tiles.tiles({ zoom: 9, range })].map(({ x }) => x).sort(), [255, 256])
  t.same([...tiles.tiles({ zoom: 9, range: { ...range, minX: 256 } })].length, 1)
  using copy = await openForCopy(tiles.path)
  t.same(
    copy.levels().map(({ zoom }) => zoom),
    [2, 9],
  )
})

t.test('vector tiles stay in gzip; Brotli and packed pictures are unpacked', async (t) => {
  const block = { zoom: 0, box: [0, 0, 0, 0] } as const
  const get = async (format: number, packing: number, bytes: Uint8Array) => {
    const tiles = await opened(t, { header: { format, packing }, blocks: [{ ...block, tiles: [bytes] }] })
    const tile = tiles.get(0, 0, 0)!
    return { bytes: Buffer.from(tile.bytes), type: tile.type }
  }
  t.same(await get(32, 0, MVT), { bytes: Buffer.from(MVT), type: TileType.mvt })
  t.same(await get(32, 1, gzipSync(MVT)), { bytes: gzipSync(MVT), type: TileType.mvt })
  t.same(await get(32, 2, brotliCompressSync(MVT)), { bytes: Buffer.from(MVT), type: TileType.mvt })
  t.same(await get(16, 1, gzipSync(png(1))), { bytes: png(1), type: TileType.png })
  t.same(await get(17, 2, brotliCompressSync(png(1))), { bytes: png(1), type: TileType.png }, 'by its bytes')
  const json = Buffer.from('{"a":1}')
  for (const [packing, bytes] of [json, gzipSync(json), brotliCompressSync(json)].entries())
    t.same(await get(35, packing, bytes), { bytes: json, type: TileType.unknown })
})

t.test('the TileJSON document, in any compression', async (t) => {
  const text = Buffer.from(
    '{"tilejson":"3.0.0","tiles":["https://a"],"name":"é","tile_format":"image/png","vector_layers":[{"id":"a"}]}',
  )
  const expected = { name: 'é', vector_layers: [{ id: 'a' }], format: 'png', bounds: [-180, -85, 180, 85] }
  for (const [packing, metadata] of [text, gzipSync(text), brotliCompressSync(text)].entries())
    t.same((await opened(t, { header: { packing }, blocks: [], metadata })).metadata(), expected)
  for (const metadata of [Buffer.from('[]'), Buffer.from('{'), Buffer.alloc(0)])
    t.same((await opened(t, { blocks: [], metadata })).metadata(), { format: 'png', bounds: expected.bounds })
})

t.test('told by its first bytes under another name', async (t) => {
  t.equal(archiveKind(put(t, containerOf({ blocks: BLOCKS }), 'some.bin')), 'versatiles')
})

t.test('what is not a container, or damaged as a whole, is refused in a sentence', async (t) => {
  const good = containerOf({ blocks: BLOCKS })
  const old = Buffer.from(good)
  old.write('versatiles_v01')
  const [one] = BLOCKS
  const lying = (says: object): Buffer => containerOf({ blocks: [{ ...one, says }] })
  const blocks = BLOCKS
  const cases: [Uint8Array, string, RegExp][] = [
    [Buffer.alloc(0), 'NOT_A_TILE_FILE', /is not a VersaTiles container/],
    [Buffer.from('something else'), 'NOT_A_TILE_FILE', /is not a VersaTiles container/],
    [old, 'VERSION_UNSUPPORTED', /version 01/],
    [good.subarray(0, 60), 'DAMAGED', /was cut off/],
    [good.subarray(0, 100), 'DAMAGED', /was cut off/],
    [containerOf({ blocks, header: { packing: 3 } }), 'DAMAGED', /no compression of number 3/],
    [containerOf({ blocks, header: { blocks: { position: 2 ** 60, length: 9 } } }), 'DAMAGED', /was cut off/],
    [containerOf({ blocks, header: { blocks: { position: 66, length: 2 ** 60 } } }), 'DAMAGED', /it takes/],
    [containerOf({ blocks, index: Buffer.from('not Brotli') }), 'DAMAGED', /cannot be read/],
    [containerOf({ blocks, index: brotliCompressSync(Buffer.alloc(34)) }), 'DAMAGED', /within an entry/],
    [containerOf({ blocks, index: bombOf(2 ** 27 + 33) }), 'DAMAGED', /more than the limit/],
    [containerOf({ blocks: [one, one] }), 'DAMAGED', /block 1 twice/],
    [
      containerOf({ blocks: [one, { ...BLOCKS[1], says: { position: 66 + 10 } }] }),
      'DAMAGED',
      /blocks 0 and 1 overlap/,
    ],
    [lying({ zoom: 8 }), 'DAMAGED', /outside the world/],
    [lying({ zoom: 200 }), 'DAMAGED', /zoom 200/],
    [lying({ minX: 258 }), 'DAMAGED', /outside the world/],
    [lying({ position: 2 ** 62 }), 'DAMAGED', /beyond the end/],
    [lying({ tileBytes: 2 ** 40 }), 'DAMAGED', /beyond the end/],
    [
      containerOf({ blocks: [], metadata: Buffer.from('{"profile":"geodetic"}') }),
      'NOT_A_TILE_FILE',
      /another grid/,
    ],
  ]
  for (const [bytes, code, message] of cases)
    await t.rejects(openTileSet(put(t, bytes)), { code, message }, String(message))
})

t.test('a damaged block does not harm the others', async (t) => {
  const [one, two] = BLOCKS
  const bad = async (made: object): Promise<TileSet> => opened(t, { blocks: [{ ...one, ...made }, two] })
  const bomb = bombOf(2 ** 26)
  for (const [made, message] of [
    [{ index: bomb }, /index of the block at 9\/256\/255 .* more than the limit of 24 bytes/],
    [{ index: brotliCompressSync(Buffer.alloc(12)) }, /12 bytes for 2 places/],
    [{ index: Buffer.from('nothing') }, /index of the block/],
    [{ slot: [5n, 1000] }, /tile 9\/256\/255: it is not inside its block/],
    [{ slot: [2n ** 63n, 5] }, /not inside its block/],
    [{ slot: [0n, 2 ** 32 - 1] }, /not inside its block/],
  ] as const) {
    const tiles = await bad(made)
    t.throws(() => tiles.get(9, 256, 255), { code: 'DAMAGED', message })
    t.same(tiles.get(9, 255, 255)?.bytes, png(4))
  }
  const packed = await opened(t, {
    header: { format: 32, packing: 2 },
    blocks: [{ zoom: 0, box: [0, 0, 0, 0], tiles: [bombOf(2 ** 26 + 1)] }],
  })
  t.throws(() => packed.get(0, 0, 0), { code: 'DAMAGED', message: /0\/0\/0.*more than the limit/ })
})

t.test('changed bytes lead to tiles or to an error with a code', async (t) => {
  const good = containerOf({ blocks: BLOCKS, metadata: Buffer.from('{"name":"a"}') })
  const next = integersFrom(7)
  const path = put(t, good)
  let refused = 0
  for (let round = 0; round < 400; round++) {
    const bytes = Buffer.from(good)
    for (let i = 0; i < 3; i++) bytes[14 + (next(bytes.length - 14) as number)] = next(256)
    writeFileSync(path, bytes)
    try {
      using tiles = await openTileSet(path)
      for (const { zoom } of tiles.levels())
        for (const { z, x, y } of tiles.tiles({ zoom })) tiles.get(z, x, y)
    } catch (error) {
      refused++
      t.ok(['DAMAGED', 'NOT_A_TILE_FILE'].includes((error as { code: string }).code), String(error))
    }
  }
  t.ok(refused > 50, `${refused} refused`)
})
