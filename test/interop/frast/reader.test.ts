// Reads frast files: every kind of raster, and the layouts that frast leaves behind.
import { copyFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { FlagstoneError } from '../../../src/errors.js'
import { TileType } from '../../../src/format/tile-type.js'
import { convert, create, decodeHeights, open, openTileSet, type TileSet } from '../../../src/index.js'
import { archiveKind } from '../../../src/interop/archive-name.js'
import { FrastReader } from '../../../src/interop/frast/reader.js'
import { type FrastFile, frastFile, levelField } from '../../helpers/frast-file.js'

t.before(() => FrastReader.load())

function written(t: Test, bytes: Uint8Array, name = 'a.ft'): string {
  const path = join(t.testdir(), name)
  writeFileSync(path, bytes)
  return path
}

function opened(t: Test, file: FrastFile, raw = false): FrastReader {
  const reader = FrastReader.open(written(t, frastFile(file)), { raw })
  t.teardown(() => reader.close())
  return reader
}

const jpeg = (red: number, green: number, blue: number, side = 64): Promise<Buffer> =>
  sharp({ create: { width: side, height: side, channels: 3, background: { r: red, g: green, b: blue } } })
    .jpeg({ quality: 95 })
    .toBuffer()

async function colourOf(bytes: Uint8Array): Promise<number[]> {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true })
  return [...data.subarray(0, info.channels)]
}

const near = (t: Test, found: readonly number[], wanted: readonly number[], what: string): unknown =>
  t.ok(
    found.length === wanted.length && found.every((v, i) => Math.abs(v - wanted[i]!) <= 3),
    `${what}: ${found} is about ${wanted}`,
  )

const terrain = (heights: (p: number) => number): Buffer =>
  deflateSync(Buffer.from(Uint16Array.from({ length: 65536 }, (_, p) => heights(p) * 8).buffer))

/** In any order. */
const placesOf = (tiles: TileSet, zoom: number): string[] =>
  [...tiles.tiles({ zoom })].map(({ z, x, y }) => `${z}/${x}/${y}`)

t.test('red and blue are swapped back, rows count from the north', async (t) => {
  const [orange, blue] = [await jpeg(250, 140, 20), await jpeg(20, 30, 220)]
  const levels = {
    2: [
      { x: 3, south: 0, value: orange },
      { x: 0, south: 1, value: blue },
    ],
  }
  for (const odd of [{}, { gap: 13 }, { tail: 12345 }, { zeroKeys: 5 }, { gap: 1, zeroKeys: 700, tail: 1 }]) {
    const reader = opened(t, { levels, ...odd })
    const what = JSON.stringify(odd)
    t.same(placesOf(reader, 2), ['2/3/3', '2/0/2'], what)
    t.same(reader.levels(), [{ zoom: 2, count: 2 }])
    t.equal(reader.get(2, 3, 3)?.type, TileType.jpeg)
    near(t, await colourOf(reader.get(2, 3, 3)!.bytes), [20, 140, 250], what)
    near(t, await colourOf(reader.get(2, 0, 2)!.bytes), [220, 30, 20], what)
    t.equal(reader.get(2, 3, 0), undefined)
    t.equal(reader.get(3, 3, 3), undefined)
    t.ok(reader.has(2, 0, 2))
    t.notOk(reader.has(2, 1, 2))
    t.same(
      [...reader.scan()].map(({ z, x, y, bytes }) => [z, x, y, bytes.length]),
      [
        [2, 3, 3, reader.get(2, 3, 3)!.bytes.length],
        [2, 0, 2, reader.get(2, 0, 2)!.bytes.length],
      ],
    )
    t.same(reader.metadata(), {})
    const raw = opened(t, { levels, ...odd }, true)
    t.same(Buffer.from(raw.get(2, 3, 3)!.bytes), orange, 'raw is what is stored')
    t.same(raw.metadata(), { channel_order: 'bgr' })
  }
})

t.test('pictures of odd sizes, grey ones, and colours that are right already', async (t) => {
  const odd = await jpeg(250, 140, 20, 37)
  const grey = await sharp(odd).toColourspace('b-w').jpeg().toBuffer()
  const png = await sharp(odd).png().toBuffer()
  const value = (x: number, value: Uint8Array) => ({ x, south: 0, value })
  const levels = { 3: [value(0, odd), value(1, grey), value(2, png)] }
  const reader = opened(t, { levels })
  near(t, await colourOf(reader.get(3, 0, 7)!.bytes), [20, 140, 250], 'odd')
  t.same(Buffer.from(reader.get(3, 1, 7)!.bytes), grey)
  t.match(reader.get(3, 2, 7), { type: TileType.png })
  const right = opened(t, { levels, metadata: '{"channel_order":"rgb","name":"x"}' })
  t.same(Buffer.from(right.get(3, 0, 7)!.bytes), odd)
  t.same(right.metadata(), { name: 'x' })
  const rightRaw = opened(t, { levels, metadata: '{"channel_order":"rgb"}' }, true)
  t.same(rightRaw.metadata(), {}, 'its colours are those of any archive')
  t.same(opened(t, { levels, metadata: '[1' }).metadata(), {})
  const pastEnd = (header: Buffer): unknown => header.writeBigUInt64LE(2n ** 63n, 8)
  t.same(opened(t, { levels, metadata: '{}', patch: pastEnd }).metadata(), {})
})

t.test('terrain becomes heights in metres, exactly', async (t) => {
  const heights = (p: number): number => (p % 65536) / 8
  const reader = opened(t, { raster: 2, levels: { 0: [{ x: 0, south: 0, value: terrain(heights) }] } })
  const tile = reader.get(0, 0, 0)!
  t.equal(tile.type, TileType.elevation)
  const decoded = await decodeHeights(tile.bytes)
  t.same([decoded.width, decoded.height, decoded.mask], [256, 256, undefined])
  t.ok(
    decoded.data.every((height, p) => height === heights(p)),
    'all 65536 heights, from 0 to 8191.875 m',
  )
})

t.test('rectangles, with rows that are full, short, or missing', (t) => {
  const value = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
  const all: string[] = []
  const tiles = []
  for (let south = 0; south < 64; south++)
    for (let x = 0; x < 64; x++)
      if ((x * 7 + south * 3) % 5 !== 0 && south % 9 !== 4) {
        tiles.push({ x, south, value })
        all.push(`6/${x}/${63 - south}`)
      }
  const reader = opened(t, { levels: { 6: tiles } })
  t.same(placesOf(reader, 6), all)
  for (const [minX, minY, maxX, maxY] of [
    [0, 0, 63, 63],
    [10, 10, 10, 10],
    [60, 0, 99, 5],
    [-5, 58, 3, 70],
    [20, 3, 40, 50],
    [5, 6, 4, 7],
  ] as const) {
    const found = [...reader.tiles({ zoom: 6, range: { minX, minY, maxX, maxY } })]
    const wanted = all.filter((name) => {
      const [, x, y] = name.split('/').map(Number) as [number, number, number]
      return x >= minX && x <= maxX && y >= minY && y <= maxY
    })
    t.same(
      found.map(({ z, x, y }) => `${z}/${x}/${y}`),
      wanted,
    )
  }
  for (const name of all.slice(0, 500)) {
    const [z, x, y] = name.split('/').map(Number) as [number, number, number]
    if (!reader.has(z, x, y)) t.fail(`${name} is missing`)
  }
  t.end()
})

t.test('an .ft file is what its first bytes say', async (t) => {
  const folder = t.testdir({})
  const frast = join(folder, 'frast.ft')
  writeFileSync(frast, frastFile({ levels: { 1: [{ x: 0, south: 0, value: await jpeg(1, 2, 3) }] } }))
  const ours = join(folder, 'ours.ft')
  const writer = create(join(folder, 'ours.pmtiles'))
  writer.append(1, 0, 0, Buffer.from('\x89PNG\r\n\x1a\n'))
  // before it is sealed it begins with zeros
  copyFileSync(join(folder, 'ours.pmtiles'), ours)
  t.equal(archiveKind(ours), 'file')
  writer.seal()
  writer.close()
  renameSync(join(folder, 'ours.pmtiles'), ours)
  t.equal(archiveKind(ours), 'file')
  t.equal(archiveKind(frast), 'frast')
  for (const path of [frast, ours]) {
    const tiles = await openTileSet(path)
    t.match(tiles.levels(), [{ zoom: 1, count: 1 }])
    tiles.close()
  }
})

const BAD: Record<string, { file: Partial<FrastFile>; says: RegExp; code?: string }> = {
  'another version': { file: { version: 7 }, says: /its version is 7/, code: 'NOT_A_TILE_FILE' },
  'another raster': { file: { raster: 9 }, says: /its raster type is 9/, code: 'NOT_A_TILE_FILE' },
  'another codec': { file: { codec: 1 }, says: /its codec is 1/, code: 'NOT_A_TILE_FILE' },
  'keys cut off': {
    file: { patch: (header) => header.writeBigUInt64LE(2n ** 40n, levelField(1, 'keysLength')) },
    says: /zoom 1: its keys end at byte \d+, and the file has \d+/,
  },
  'more keys than tiles': {
    file: { levels: { 1: Array.from({ length: 5 }, () => ({ x: 1, south: 1, value: Buffer.from('t') })) } },
    says: /zoom 1: it has 5 keys, more than there are tiles/,
  },
  'half a key': {
    file: { patch: (header) => header.writeBigUInt64LE(9n, levelField(1, 'keysLength')) },
    says: /not a multiple of 8/,
  },
  'offsets past the end': {
    file: { patch: (header) => header.writeBigUInt64LE(2n ** 63n, levelField(1, 'k2vs')) },
    says: /its offsets end at byte/,
  },
  'values cut off': {
    file: { patch: (header) => header.writeBigUInt64LE(10n ** 9n, levelField(1, 'valsLength')) },
    says: /its values end at byte \d+, and the file has \d+; get a complete copy/,
  },
  'values that go backwards': {
    file: { patch: (header) => header.writeBigUInt64LE(3n, levelField(1, 'valsLength')) },
    says: /value 0 goes from byte 0 to 4 of 3/,
  },
  'keys of another zoom': {
    file: {
      patch: (header) => {
        header.copy(
          header,
          levelField(2, 'keysCapacity'),
          levelField(1, 'keysCapacity'),
          levelField(2, 'keysCapacity'),
        )
        header.fill(0, levelField(1, 'keysCapacity'), levelField(2, 'keysCapacity'))
      },
    },
    says: /zoom 2: key 1, 288230376151711745, is not a tile of this zoom/,
  },
}

for (const [name, { file, says, code = 'DAMAGED' }] of Object.entries(BAD)) {
  t.test(`refused with a sentence: ${name}`, (t) => {
    const value = Buffer.from('tile')
    const levels = {
      1: [
        { x: 0, south: 0, value },
        { x: 1, south: 0, value },
      ],
    }
    try {
      const reader = FrastReader.open(written(t, frastFile({ levels, ...file })))
      t.teardown(() => reader.close())
      for (const _ of reader.scan());
      t.fail('it was read')
    } catch (error) {
      t.type(error, FlagstoneError)
      t.match(error, { code, message: says })
    }
    t.end()
  })
}

t.test('keys that do not ascend, and a damaged value', async (t) => {
  const value = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 1, 2])
  const tile = (x: number) => ({ x, south: 0, value })
  const twice = opened(t, { levels: { 3: [tile(1), tile(1), tile(2)] } })
  t.throws(() => [...twice.tiles({ zoom: 3 })], {
    code: 'DAMAGED',
    message: /key 1 is not above the one before it/,
  })
  const broken = opened(t, { levels: { 3: [tile(1)] } })
  t.throws(() => broken.get(3, 1, 7), {
    code: 'DAMAGED',
    message: /a\.ft, tile 3\/1\/7: A JPEG tile of 8 bytes/,
  })
  const bomb = deflateSync(Buffer.alloc(50_000_000))
  const flat = deflateSync(Buffer.alloc(1000))
  const levels = { 3: [{ ...tile(1), value: bomb }, { ...tile(2), value: flat }, tile(3)] }
  const heights = opened(t, { raster: 2, levels })
  t.throws(() => heights.get(3, 1, 7), {
    code: 'DAMAGED',
    message: /unpacks to more than the limit of 131072/,
  })
  t.throws(() => heights.get(3, 2, 7), { code: 'DAMAGED', message: /not 256×256 heights: it has 1000 bytes/ })
  t.throws(() => heights.get(3, 3, 7), { code: 'DAMAGED', message: /not 256×256 heights/ })
  t.end()
})

t.test('a level of 2^40 keys that are all zero has no tiles', (t) => {
  const path = written(t, frastFile({ levels: { 20: [{ x: 0, south: 0, value: Buffer.from('t') }] } }))
  const bytes = frastFile({
    levels: { 20: [{ x: 0, south: 0, value: Buffer.from('t') }] },
    patch: (header) => {
      header.writeBigUInt64LE(2n ** 40n, levelField(20, 'keysLength'))
      header.writeBigUInt64LE(2n ** 40n, levelField(20, 'keysCapacity'))
    },
  })
  writeFileSync(path, bytes)
  truncateSync(path, 2 ** 41)
  const reader = FrastReader.open(path)
  t.teardown(() => reader.close())
  t.same(reader.levels(), [{ zoom: 20, count: 1 }])
  t.end()
})

t.test('converted: colours are right and a note says so, or everything stays as it is', async (t) => {
  const orange = await jpeg(250, 140, 20, 256)
  const source = written(t, frastFile({ levels: { 1: [{ x: 1, south: 0, value: orange }] } }))
  const [right, raw] = [join(source, '../right.pmtiles'), join(source, '../raw.pmtiles')]
  t.match((await convert({ source, out: right })).notes, [/red and blue swapped.*swapped back/])
  t.same((await convert({ source, out: raw, raw: true })).notes, [])
  const [a, b] = [open(right), open(raw)]
  near(t, await colourOf(a.get(1, 1, 1)!.bytes), [20, 140, 250], 'swapped back')
  t.same(Buffer.from(b.get(1, 1, 1)!.bytes), orange)
  t.match(b.metadata(), { channel_order: 'bgr' })
  a.close()
  b.close()
  await t.rejects(convert({ source: raw, out: right, raw: true, overwrite: true }), {
    code: 'BAD_OPTION',
    message: /raw\.pmtiles is not a frast file/,
  })
})

t.test('terrain as terrarium keeps its heights', async (t) => {
  const heights = (p: number): number => (p % 5000) / 8
  const value = terrain(heights)
  const source = written(t, frastFile({ raster: 2, levels: { 1: [{ x: 1, south: 0, value }] } }))
  const out = join(source, '../terrarium.pmtiles')
  await convert({ source, out, terrain: 'terrarium' })
  const tiles = open(out)
  const { data } = await decodeHeights(tiles.get(1, 1, 1)!.bytes, 'terrarium')
  t.ok(data.every((height, p) => height === heights(p)))
  tiles.close()
  const raw = join(source, '../raw.pmtiles')
  await convert({ source, out: raw, raw: true })
  const copied = open(raw)
  t.same(Buffer.from(copied.get(1, 1, 1)!.bytes), value)
  t.match(copied.metadata(), { encoding: 'frast' })
  copied.close()
})
