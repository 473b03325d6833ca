// Heights ↔ terrain-RGB and numbers: formulas at known places, within half a step everywhere, exact bits under
// transparency, clamped and counted where they do not fit.

import fc from 'fast-check'
import sharp from 'sharp'
import t from 'tap'
import { TileType } from '../../src/format/tile-type.js'
import type { Pixels } from '../../src/raster/pixels.js'
import { encodeTile } from '../../src/raster/tiles/codec.js'
import { fillHoles } from '../../src/raster/tiles/fill-holes.js'
import {
  checkTerrain,
  decodeHeights,
  encodeHeights,
  heightsToRgb,
  type TerrainEncoding,
  type TerrainOptions,
  terrainRange,
} from '../../src/raster/tiles/terrain.js'
import { randomFrom } from '../helpers/random.js'
import { sameBytes } from '../helpers/same-bytes.js'

const optionsOf = (encoding: TerrainEncoding, more: Partial<TerrainOptions> = {}): TerrainOptions => ({
  encoding,
  format: 'webp',
  step: 0.25,
  offset: 2500,
  nodata: 'transparent',
  ...more,
})

const HALF_STEP: Record<TerrainEncoding, number> = {
  mapbox: 0.05,
  terrarium: 1 / 512,
  int16: 0.125,
  float32: 0,
}

/** Hills, with holes where asked. */
function hills(side: number, seed: number, holes = true): Pixels<Float32Array> {
  const random = randomFrom(seed)
  const data = new Float32Array(side * side)
  const mask = holes ? new Uint8Array(side * side).fill(255) : undefined
  for (let p = 0; p < data.length; p++) {
    const x = p % side
    const y = Math.floor(p / side)
    data[p] = 1200 * Math.sin(x / 31) * Math.cos(y / 23) + random() * 3
    if (mask && Math.hypot(x - side * 0.4, y - side * 0.6) < side / 5) mask[p] = 0
    if (mask?.[p] === 0) data[p] = Number.NaN
  }
  return { width: side, height: side, bands: 1, data, mask }
}

t.test('the published formulas', async (t) => {
  const code = (height: number, encoding: 'mapbox' | 'terrarium'): number[] => {
    const out = new Uint8Array(3)
    heightsToRgb(
      { width: 1, height: 1, bands: 1, data: Float32Array.of(height), mask: undefined },
      encoding,
      out,
      3,
    )
    return [...out]
  }
  t.same(code(0, 'mapbox'), [1, 134, 160], '−10000 + (65536 + 134 · 256 + 160) · 0.1 = 0')
  t.same(code(-10000, 'mapbox'), [0, 0, 0])
  t.same(code(8848.8, 'mapbox'), [2, 224, 72])
  t.same(code(0, 'terrarium'), [128, 0, 0])
  t.same(code(-32768, 'terrarium'), [0, 0, 0])
  t.same(code(1.5, 'terrarium'), [128, 1, 128])
  t.same(code(8848.25, 'terrarium'), [162, 144, 64])
})

t.test('within half a step, the same holes, in every encoding and format', async (t) => {
  for (const encoding of ['mapbox', 'terrarium', 'int16', 'float32'] as const) {
    for (const format of ['webp', 'png'] as const) {
      for (const holes of [true, false]) {
        const image = hills(128, 5, holes)
        const tile = (await encodeHeights(image, optionsOf(encoding, { format })))!
        const back = await decodeHeights(tile.bytes, encoding === 'mapbox' ? 'mapbox' : 'terrarium')
        let worst = 0
        image.data.forEach((h, p) => {
          if (!holes || image.mask![p] !== 0) worst = Math.max(worst, Math.abs(h - back.data[p]!))
        })
        // Float32 of what is decoded: half a unit in the last place at 2048 m
        t.ok(worst <= HALF_STEP[encoding] + 1e-4, `${encoding} ${format}: ${worst}`)
        sameBytes(t, back.mask, image.mask, `${encoding} ${format}: holes`)
        t.equal(tile.clamped, 0)
        const picture = format === 'png' ? TileType.png : TileType.webp
        t.equal(tile.type, encoding === 'mapbox' || encoding === 'terrarium' ? picture : TileType.elevation)
      }
    }
  }
})

t.test('every code survives: also under transparent pixels', async (t) => {
  // sharp, as an independent reader, sees every bit
  const random = randomFrom(9)
  const data = Float32Array.from({ length: 65536 }, () => -10000 + Math.floor(random() * 16777216) / 10)
  const mask = Uint8Array.from(data, () => (random() < 0.3 ? 0 : 255))
  const image = { width: 256, height: 256, bands: 1, data, mask }
  const want = new Uint8Array(65536 * 4)
  heightsToRgb(image, 'mapbox', want, 4)
  for (const format of ['webp', 'png'] as const) {
    const tile = (await encodeHeights(image, optionsOf('mapbox', { format })))!
    const { data: got, info } = await sharp(tile.bytes).raw().toBuffer({ resolveWithObject: true })
    t.equal(info.channels, 4)
    t.ok(Buffer.from(want).equals(got), `${format}: all 262,144 bytes`)
  }
  const hidden = mask.indexOf(0)
  t.same([...want.subarray(4 * hidden, 4 * hidden + 4)], [1, 134, 160, 0], 'what is hidden is 0 m')
})

t.test('heights that do not fit are clamped and counted, never wrapped', async (t) => {
  const at = async (height: number, encoding: TerrainEncoding): Promise<[number, number]> => {
    const image = { width: 1, height: 1, bands: 1, data: Float32Array.of(height), mask: undefined }
    const tile = (await encodeHeights(image, optionsOf(encoding)))!
    const back = await decodeHeights(tile.bytes, encoding === 'mapbox' ? 'mapbox' : 'terrarium')
    return [Math.round(back.data[0]! * 100) / 100, tile.clamped]
  }
  t.same(await at(-11000, 'mapbox'), [-10000, 1])
  t.same(await at(2e6, 'mapbox'), [1667721.5, 1])
  t.same(await at(40000, 'terrarium'), [32768, 1])
  t.same(await at(-40000, 'terrarium'), [-32768, 1])
  t.same(await at(12000, 'int16'), [10691.75, 1])
  t.same(await at(-7000, 'int16'), [-5692, 1])
  t.same(await at(-10000.04, 'mapbox'), [-10000, 0], 'half a step beyond is rounding')
  t.same(terrainRange(optionsOf('int16')), [-5692, 10691.75])
  t.throws(() => checkTerrain(optionsOf('terrarium', { nodata: -40000 })), { code: 'BAD_OPTION' })
  checkTerrain(optionsOf('mapbox', { nodata: -9999 }))
})

t.test('pixels without a height: transparent, a height, or filled', async (t) => {
  const image = hills(64, 3)
  const read = async (nodata: TerrainOptions['nodata']): Promise<Pixels<Float32Array>> =>
    decodeHeights((await encodeHeights(image, optionsOf('float32', { nodata })))!.bytes)
  sameBytes(t, (await read('transparent')).mask, image.mask)
  const zero = await read(-7.5)
  t.equal(zero.mask, undefined)
  image.mask!.forEach((m, p) => {
    const want = m === 0 ? -7.5 : image.data[p]
    if (zero.data[p] !== want) t.fail(`pixel ${p}`)
  })
  const filled = await read('parent')
  t.equal(filled.mask, undefined)
  t.ok(
    image.data.every((h, p) => image.mask![p] === 0 || filled.data[p] === h),
    'heights stay',
  )
  const valid = image.data.filter((_, p) => image.mask![p] !== 0)
  const [low, high] = [Math.min(...valid), Math.max(...valid)]
  t.ok(
    filled.data.every((h) => h >= low && h <= high),
    'holes lie between',
  )
  const empty = { ...image, mask: new Uint8Array(64 * 64) }
  t.equal(await encodeHeights(empty, optionsOf('mapbox', { nodata: 0 })), undefined, 'empty tiles stay empty')
})

t.test('filling is smooth, and keeps a plane about a plane', async (t) => {
  const side = 64
  const data = Float32Array.from(
    { length: side * side },
    (_, p) => 10 * (p % side) + 3 * Math.floor(p / side),
  )
  const mask = Uint8Array.from(data, (_, p) => {
    const [x, y] = [p % side, Math.floor(p / side)]
    return x > 20 && x < 40 && y > 10 && y < 50 ? 0 : 255
  })
  const filled = fillHoles({ width: side, height: side, bands: 1, data, mask })!
  let step = 0
  for (let y = 0; y < side; y++) {
    for (let x = 1; x < side; x++) {
      step = Math.max(step, Math.abs(filled.data[y * side + x]! - filled.data[y * side + x - 1]!))
    }
  }
  t.ok(step < 60, `no cliff: ${step.toFixed(1)} m a pixel beside a slope of 10`)
  fc.assert(
    fc.property(fc.nat(63), fc.nat(63), fc.float({ min: -500, max: 9000, noNaN: true }), (x, y, h) => {
      const one = new Float32Array(64 * 64).fill(Number.NaN)
      one[y * 64 + x] = h
      const seen = new Uint8Array(64 * 64)
      seen[y * 64 + x] = 255
      const all = fillHoles({ width: 64, height: 64, bands: 1, data: one, mask: seen })!
      return all.data.every((v) => Math.abs(v - h) < 1e-3)
    }),
    { numRuns: 50 },
  )
  t.pass('one height fills a tile')
})

t.test('what is no tile of heights', async (t) => {
  await t.rejects(decodeHeights(Uint8Array.of(1, 2, 3), 'mapbox'), { code: 'DAMAGED' })
  const grey = { width: 8, height: 8, bands: 3, data: new Uint8Array(192).fill(100), mask: undefined }
  const jpeg = await encodeTile(grey, { format: 'jpeg', quality: 90 })
  await t.rejects(decodeHeights(jpeg!.bytes, 'mapbox'), {
    code: 'DAMAGED',
    message: /A JPEG holds no heights/,
  })
  const tile = (await encodeHeights(hills(16, 1), optionsOf('mapbox')))!
  await t.rejects(decodeHeights(tile.bytes), TypeError)
  const nan = hills(16, 1)
  const raw = (await encodeHeights({ ...nan, mask: undefined }, optionsOf('float32')))!
  sameBytes(t, (await decodeHeights(raw.bytes)).mask, nan.mask, 'numbers that are none are holes')
})
