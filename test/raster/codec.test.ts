// Encoding and decoding tiles: which format, what survives, and what is refused.

import sharp from 'sharp'
import t from 'tap'
import { TileType } from '../../src/format/tile-type.js'
import type { Pixels } from '../../src/raster/pixels.js'
import { decodeTile, type EncodeOptions, encodeTile, recodeExactly } from '../../src/raster/tiles/codec.js'
import { decodeHeights } from '../../src/raster/tiles/terrain.js'
import { randomFrom } from '../helpers/random.js'
import { sameBytes } from '../helpers/same-bytes.js'
import { type MaskStyle, picture } from './synthetic.js'

const psnr = (a: Pixels, b: Pixels): number => {
  let sum = 0
  let n = 0
  for (let p = 0; p < a.width * a.height; p++) {
    if (a.mask?.[p] === 0) continue
    for (let c = 0; c < a.bands; c++, n++) sum += (a.data[p * a.bands + c]! - b.data[p * a.bands + c]!) ** 2
  }
  return sum === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10((255 * 255 * n) / sum)
}

const round = async (pixels: Pixels, options: EncodeOptions) => {
  const tile = (await encodeTile(pixels, options))!
  return { tile, back: await decodeTile(tile.bytes) }
}

t.test('every format, bands and mask: what comes back', async (t) => {
  const cases: [EncodeOptions, number][] = [
    [{ format: 'png' }, Number.POSITIVE_INFINITY],
    [{ format: 'webp', lossless: true }, Number.POSITIVE_INFINITY],
    [{ format: 'auto', lossless: true }, Number.POSITIVE_INFINITY],
    [{ format: 'webp', quality: 90 }, 30],
    [{ format: 'auto', quality: 90 }, 30],
  ]
  for (const bands of [1, 3] as const) {
    for (const style of ['none', 'holes', 'soft'] as MaskStyle[]) {
      const image = picture(64, 48, bands, style, 5, 0.05)
      for (const [options, least] of cases) {
        const { tile, back } = await round(image, options)
        const what = `${JSON.stringify(options)} ${bands} ${style}`
        t.same([back.width, back.height], [64, 48], what)
        t.ok(Math.abs((back.mask === undefined) === (image.mask === undefined) ? 0 : 1) < 1, `${what}: mask`)
        const grey = bands === 1 && tile.type !== TileType.webp
        t.equal(back.bands, bands === 3 || !grey ? 3 : 1, `${what}: bands`)
        const compared =
          back.bands === bands ? back : { ...back, bands, data: back.data.filter((_, i) => i % 3 === 0) }
        const got = psnr(image, compared)
        t.ok(got >= least, `${what}: ${got.toFixed(1)} dB`)
        if (least === Number.POSITIVE_INFINITY) sameBytes(t, back.mask, image.mask, `${what}: opacity`)
      }
    }
  }
})

t.test('auto: JPEG where opaque, WebP where not, nothing where nothing is', async (t) => {
  const opaque = picture(32, 32, 3, 'none', 1)
  const type = async (p: Pixels, o: EncodeOptions) => (await encodeTile(p, o))?.type
  t.equal(await type(opaque, { format: 'auto' }), TileType.jpeg)
  t.equal(await type({ ...opaque, mask: new Uint8Array(1024).fill(255) }, { format: 'auto' }), TileType.jpeg)
  t.equal(await type(picture(32, 32, 3, 'holes', 1), { format: 'auto' }), TileType.webp)
  t.equal(await type(opaque, { format: 'auto', lossless: true }), TileType.webp)
  for (const format of ['auto', 'jpeg', 'png', 'webp'] as const) {
    t.equal(await encodeTile({ ...opaque, mask: new Uint8Array(1024) }, { format }), undefined, format)
  }
  await t.rejects(encodeTile(opaque, { format: 'jpeg', lossless: true }), TypeError)
})

t.test('AVIF: lossless is exact, grey and alpha come back', async (t) => {
  for (const bands of [1, 3] as const) {
    for (const style of ['none', 'holes', 'soft'] as MaskStyle[]) {
      const image = picture(64, 48, bands, style, 5, 0.05)
      for (const [lossless, least] of [
        [true, 99],
        [false, 28],
      ] as const) {
        const { tile, back } = await round(image, { format: 'avif', lossless, quality: 80 })
        t.equal(tile.type, TileType.avif)
        t.equal(back.mask === undefined, image.mask === undefined)
        const grey =
          back.bands === bands ? back : { ...back, bands, data: back.data.filter((_, i) => i % 3 === 0) }
        const got = psnr(image, grey)
        t.ok(got >= least, `${bands} ${style} ${lossless}: ${got.toFixed(1)} dB`)
        if (lossless) sameBytes(t, back.mask, image.mask)
      }
    }
  }
})

t.test('transparent tiles may be PNG; without alpha everything is opaque', async (t) => {
  const holes = picture(64, 48, 3, 'holes', 5, 0.05)
  const png = await round(holes, { format: 'auto', transparentFormat: 'png' })
  t.equal(png.tile.type, TileType.png)
  t.equal(psnr(holes, png.back), Number.POSITIVE_INFINITY)
  sameBytes(t, png.back.mask, holes.mask)
  t.equal((await round(holes, { format: 'auto', alpha: false })).tile.type, TileType.jpeg)
  const flat = await round(holes, { format: 'png', alpha: false, background: [1, 2, 3] })
  t.equal(flat.back.mask, undefined)
  const hole = holes.mask!.indexOf(0)
  t.same([...flat.back.data.subarray(hole * 3, hole * 3 + 3)], [1, 2, 3])
})

t.test('blank tiles are left out when asked', async (t) => {
  const tile = (colour: readonly number[], mask?: Uint8Array): Pixels => ({
    width: 16,
    height: 16,
    bands: colour.length,
    data: new Uint8Array(256 * colour.length).map((_, i) => colour[i % colour.length]!),
    mask,
  })
  const skip = { format: 'auto', skipBlank: true } as const
  t.equal(await encodeTile(tile([255, 255, 255]), skip), undefined)
  t.equal(await encodeTile(tile([255]), skip), undefined, 'grey')
  t.ok(await encodeTile(tile([255, 255, 255]), { format: 'auto' }), 'only when asked')
  t.ok(await encodeTile(tile([255, 255, 254]), skip))
  t.equal(await encodeTile(tile([9, 8, 7]), { ...skip, background: [9, 8, 7] }), undefined)
  const half = new Uint8Array(256).fill(255, 128)
  t.equal(await encodeTile(tile([255, 255, 255], half), skip), undefined, 'white beside nothing')
  const one = tile([255, 255, 255], half)
  one.data[0] = 3
  t.equal(await encodeTile(one, skip), undefined, 'what lies under the mask is not seen')
  one.data[600] = 3
  t.ok(await encodeTile(one, skip))
})

t.test('JPEG has no alpha: the background shows through', async (t) => {
  const grey = new Uint8Array(64 * 64 * 3).fill(100)
  const mask = new Uint8Array(64 * 64).map((_, p) => (p % 64 < 32 ? 255 : p % 64 < 48 ? 0 : 128))
  const image: Pixels = { width: 64, height: 64, bands: 3, data: grey, mask }
  const at = (p: Pixels, x: number): number => p.data[(30 * 64 + x) * p.bands]!
  for (const [background, behind] of [
    [undefined, 255],
    [[0, 0, 0] as const, 0],
  ] as const) {
    const { back } = await round(image, { format: 'jpeg', quality: 100, ...(background && { background }) })
    t.equal(back.mask, undefined)
    for (const [x, want] of [
      [8, 100],
      [40, behind],
      [56, (100 * 128 + behind * 127) / 255],
    ] as const) {
      t.ok(Math.abs(at(back, x) - want) <= 3, `${x}: ${at(back, x)} is ${want}`)
    }
  }
})

t.test('equal pictures are equal bytes, whatever lies under the mask', async (t) => {
  const image = picture(64, 64, 3, 'holes', 12)
  const random = randomFrom(99)
  const other = image.data.map((v, i) => (image.mask![Math.floor(i / 3)] === 0 ? random() * 255 : v))
  for (const options of [
    { format: 'webp' },
    { format: 'png' },
    { format: 'webp', lossless: true },
    { format: 'jpeg' },
  ] as const) {
    const a = await encodeTile(image, options)
    const b = await encodeTile({ ...image, data: other }, options)
    t.same(a, b, JSON.stringify(options))
  }
})

t.test('quality and level do something', async (t) => {
  const image = picture(128, 128, 3, 'none', 3, 0.2)
  const size = async (o: EncodeOptions) => (await encodeTile(image, o))!.bytes.length
  t.ok((await size({ format: 'jpeg', quality: 40 })) < (await size({ format: 'jpeg', quality: 90 })) / 1.5)
  t.ok((await size({ format: 'webp', quality: 40 })) < (await size({ format: 'webp', quality: 90 })) / 1.5)
  t.ok(
    (await size({ format: 'png', compressionLevel: 9 })) <=
      (await size({ format: 'png', compressionLevel: 1 })),
  )
})

t.test('AVIF and 16-bit PNG are read', async (t) => {
  const image = picture(64, 64, 3, 'none', 3, 0.05)
  const input = sharp(image.data, { raw: { width: 64, height: 64, channels: 3 } })
  const avif = await decodeTile(await input.clone().avif({ lossless: true }).toBuffer())
  t.ok(psnr(image, avif) > 35, `${psnr(image, avif)} dB`)
  const deep = await decodeTile(await input.clone().toColourspace('rgb16').png().toBuffer())
  t.ok(psnr(image, deep) > 50, `${psnr(image, deep)} dB`)
})

t.test('what is no picture, damaged or a bomb says so', async (t) => {
  const { bytes } = (await encodeTile(picture(64, 64, 3, 'none', 3), { format: 'png' }))!
  await t.rejects(decodeTile(new Uint8Array(0)), { code: 'DAMAGED' })
  await t.rejects(decodeTile(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)), { code: 'DAMAGED' })
  await t.rejects(decodeTile(bytes.subarray(0, bytes.length >> 1)), { code: 'DAMAGED' })
  for (const format of ['jpeg', 'webp'] as const) {
    const tile = (await encodeTile(picture(64, 64, 3, 'none', 3), { format }))!
    await t.rejects(decodeTile(tile.bytes.subarray(0, tile.bytes.length >> 1)), { code: 'DAMAGED' }, format)
  }
  const black = sharp({ create: { width: 5000, height: 5000, channels: 3, background: '#000' } })
  const bomb = await black.png().toBuffer()
  const tooLarge = { code: 'TOO_LARGE', message: /5000×5000 pixels is over the limit of 4096×4096/ }
  await t.rejects(decodeTile(bomb), tooLarge)
  await t.rejects(decodeHeights(bomb, 'mapbox'), tooLarge)
  await t.rejects(recodeExactly(bomb, 'webp'), tooLarge)
})
