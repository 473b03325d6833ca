// Writes frast files, and reads them back: with our reader, and byte by byte as frast does.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync, inflateSync } from 'node:zlib'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { convert, create, digest, merge, openTileSet } from '../../../src/index.js'
import { encodeHeights } from '../../../src/raster/tiles/terrain.js'
import { frastFile, levelField } from '../../helpers/frast-file.js'

const jpeg = (red: number, green: number, blue: number, side = 256): Promise<Buffer> =>
  sharp({ create: { width: side, height: side, channels: 3, background: { r: red, g: green, b: blue } } })
    .jpeg({ quality: 95 })
    .toBuffer()

type Tiles = readonly (readonly [z: number, x: number, y: number, bytes: Uint8Array])[]

function archive(t: Test, tiles: Tiles, metadata: Record<string, unknown> = {}): string {
  const path = join(t.testdir(), 'a.pmtiles')
  const writer = create(path)
  for (const [z, x, y, bytes] of tiles) writer.append(z, x, y, bytes)
  writer.setMetadata(metadata)
  writer.seal()
  writer.close()
  return path
}

/** Every value by its key, found as frast does: from the header, the keys and the offsets alone. */
function valuesOf(path: string): Map<bigint, Buffer> {
  const file = readFileSync(path)
  const u64 = (at: number): number => Number(file.readBigUInt64LE(at))
  const values = new Map<bigint, Buffer>()
  let last = -1n
  for (let zoom = 0; zoom < 26; zoom++) {
    const field = (name: Parameters<typeof levelField>[1]): number => u64(levelField(zoom, name))
    const count = field('keysLength') / 8
    if (count > 0 && field('keysCapacity') <= field('keysLength')) throw new Error('no key may be read past')
    for (let i = 0; i < count; i++) {
      const key = file.readBigUInt64LE(field('keys') + 8 * i)
      if (key <= last) throw new Error(`key ${key} does not ascend`)
      last = key
      const begin = u64(field('k2vs') + 8 * i)
      const end = i + 1 < count ? u64(field('k2vs') + 8 * (i + 1)) : field('valsLength')
      values.set(key, file.subarray(field('vals') + begin, field('vals') + end))
    }
  }
  return values
}

const keyOf = (z: number, x: number, y: number): bigint =>
  (BigInt(z) << 58n) | (BigInt(2 ** z - 1 - y) << 29n) | BigInt(x)

const firstPixel = async (bytes: Uint8Array): Promise<number[]> => [
  ...(await sharp(bytes).raw().toBuffer()).subarray(0, 3),
]

t.test('JPEGs are copied, in the order of frast, with the same digest', async (t) => {
  const pictures = await Promise.all([10, 120, 230].map((red) => jpeg(red, 90, 40)))
  const tiles: [number, number, number, Buffer][] = [
    [0, 0, 0, pictures[0]!],
    [13, 8191, 0, pictures[1]!],
    [13, 0, 8191, pictures[2]!],
  ]
  for (let x = 0; x < 16; x++)
    for (let y = 0; y < 16; y++) if ((x + y) % 3 !== 0) tiles.push([4, x, y, pictures[(x * y) % 3]!])
  const source = archive(t, tiles, { name: 'n', attribution: 'me' })
  const out = join(source, '../out.ft')
  const report = await convert({ source, out })
  t.match(report, { format: 'frast', tiles: tiles.length, notes: [/red and blue swapped; --frast-colours/] })
  t.equal(report.digest, (await digest(source)).digest)
  t.equal((await digest(out)).digest, report.digest)
  const values = valuesOf(out)
  t.equal(values.size, tiles.length)
  t.ok(tiles.every(([z, x, y, bytes]) => values.get(keyOf(z, x, y))?.equals(bytes)))
  const written = await openTileSet(out)
  t.match(written.metadata(), { name: 'n', attribution: 'me' })
  t.equal(written.metadata()['channel_order'], undefined)
  t.same(Buffer.from(written.get(13, 8191, 0)!.bytes), pictures[1])
  written.close()
  t.same(readdirSync(join(source, '..')).sort(), ['a.pmtiles', 'out.ft'])
  await t.rejects(convert({ source, out }), { code: 'EXISTS' })
  t.equal((await convert({ source, out, overwrite: true })).digest, report.digest)
  writeFileSync(join(source, '../mine.ft'), 'mine')
  await t.rejects(convert({ source, out: join(source, '../mine.ft'), overwrite: true }), {
    code: 'EXISTS',
  })
})

t.test('for frast’s own viewer, red and blue are swapped', async (t) => {
  const source = archive(t, [[1, 1, 0, await jpeg(250, 140, 20)]])
  const out = join(source, '../out.ft')
  t.same((await convert({ source, out, frastColours: true })).notes, [])
  const [stored] = valuesOf(out).values()
  const near = (found: readonly number[], wanted: readonly number[]): boolean =>
    found.every((v, i) => Math.abs(v - wanted[i]!) < 4)
  t.ok(near(await firstPixel(stored!), [20, 140, 250]))
  const tiles = await openTileSet(out)
  t.ok(near(await firstPixel(tiles.get(1, 1, 0)!.bytes), [250, 140, 20]))
  tiles.close()
  await t.rejects(convert({ source, out: join(out, '../b.pmtiles'), frastColours: true }), {
    code: 'BAD_OPTION',
    message: /--frast-colours \(frastColours\) is for frast files/,
  })
})

t.test('from frast, through another archive with --raw, and back: every byte', async (t) => {
  const colours = await jpeg(250, 140, 20)
  const heights = deflateSync(Buffer.alloc(131072, 7))
  for (const [raster, value] of [
    [0, colours],
    [2, heights],
  ] as const) {
    const levels = {
      2: [
        { x: 1, south: 0, value },
        { x: 0, south: 3, value },
      ],
    }
    const source = join(t.testdir(), 'a.ft')
    writeFileSync(source, frastFile({ raster, levels }))
    const [between, out] = [join(source, '../b.pmtiles'), join(source, '../c.ft')]
    const there = await convert({ source, out: between, raw: true })
    const back = await convert({ source: between, out })
    t.same(back.notes, [])
    t.equal(back.digest, there.digest)
    t.same(valuesOf(out), valuesOf(source))
    t.equal(readFileSync(out)[1480], raster)
    // both mean the same
    t.equal((await digest(out)).digest, (await digest(source)).digest)
  }
})

t.test('heights of every kind become terrain', async (t) => {
  const data = Float32Array.from({ length: 65536 }, (_, p) => (p % 4000) / 8)
  data[0] = -20
  data[1] = 9000
  const mask = new Uint8Array(65536).fill(255)
  mask[2] = 0
  const pixels = { width: 256, height: 256, bands: 1, data, mask } as const
  const base = { step: 1, offset: 0, nodata: 'transparent' } as const
  for (const encoding of ['terrarium', 'float32'] as const) {
    const tile = await encodeHeights(pixels, { ...base, encoding, format: 'png' })
    const metadata = encoding === 'terrarium' ? { encoding } : {}
    const source = archive(t, [[3, 1, 2, tile!.bytes]], metadata)
    const out = join(source, '../out.ft')
    t.match((await convert({ source, out })).notes, [
      /^2 heights are not between/,
      /^1 pixels have no height/,
    ])
    const [value] = valuesOf(out).values()
    const stored = inflateSync(value!)
    const found = new Uint16Array(stored.buffer, stored.byteOffset, 65536)
    t.same([...found.subarray(0, 4)], [0, 65535, 0, 3])
    t.ok(found.every((v, p) => p < 3 || v === data[p]! * 8))
    await t.rejects(convert({ source, out, frastColours: true, overwrite: true }), { code: 'BAD_OPTION' })
  }
})

t.test('what frast cannot have is refused, and nothing is left', async (t) => {
  const picture = await jpeg(1, 2, 3)
  const png = await sharp(picture).png().toBuffer()
  const cases: [Tiles, RegExp][] = [
    [[[1, 0, 0, png]], /Tile 1\/0\/0 is png of 256×256 pixels.*--format jpeg --tile-size 256/],
    [[[1, 0, 0, await jpeg(1, 2, 3, 512)]], /is jpeg of 512×512 pixels, and frast stores JPEGs of 256×256/],
    [[[26, 0, 0, picture]], /frast has zooms up to 25, and there are tiles of zoom 26: add --max-zoom 25/],
  ]
  for (const [tiles, message] of cases) {
    const source = archive(t, tiles)
    await t.rejects(convert({ source, out: join(source, '../out.ft') }), { code: 'BAD_OPTION', message })
    t.same(readdirSync(join(source, '..')), ['a.pmtiles'])
  }
  const source = archive(t, [[1, 0, 0, png]])
  const out = join(source, '../out.ft')
  t.equal((await convert({ source, out, format: 'jpeg' })).tiles, 1)
  await t.rejects(merge({ sources: [source, out], out: join(out, '../m.ft') }), {
    code: 'BAD_OPTION',
    message: /merge cannot write frast files; merge to a \.pmtiles file/,
  })
})
