// Lossy WebP of tiles: opacity comes back to the bit, colours as near as the quality asks for.
import sharp from 'sharp'
import t from 'tap'
import { TileType } from '../../src/format/tile-type.js'
import type { Pixels } from '../../src/raster/pixels.js'
import { encodeTile } from '../../src/raster/tiles/codec.js'

type Maker = (x: number, y: number) => number

/** The same numbers for the same seed. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const clamp = (value: number): number => Math.max(0, Math.min(255, Math.round(value)))

/** Something like a picture: slopes, edges and a little noise. */
function picture(width: number, height: number, opacity: Maker, noise = 6): Pixels & { mask: Uint8Array } {
  const next = random(width * 31 + height)
  const data = new Uint8Array(width * height * 3)
  const mask = new Uint8Array(width * height)
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const edge = (x >> 5) + (y >> 4) * 2 + (((x + y) >> 6) & 1) * 3
      const light = 90 + 60 * Math.sin(x / 23) * Math.cos(y / 31) + (edge % 5) * 14
      for (let c = 0; c < 3; c++)
        data[3 * p + c] = clamp(light + c * 9 * Math.sin(y / 17 + c) + (next() - 0.5) * noise)
      mask[p] = opacity(x, y)
    }
  }
  return { width, height, bands: 3, data, mask }
}

/** RGBA. Without alpha in the file where all is opaque. */
async function decoded(
  bytes: Uint8Array,
  isOpaque = false,
): Promise<{ data: Buffer; width: number; height: number }> {
  const image = sharp(bytes, { failOn: 'warning' })
  t.match(await image.metadata(), { format: 'webp', hasAlpha: !isOpaque })
  const { data, info } = await image.ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

/** Of the pixels that show, dB. */
function psnr({ data, mask }: { data: Uint8Array; mask: Uint8Array }, found: Uint8Array): number {
  let sum = 0
  let count = 0
  for (let p = 0; p < mask.length; p++) {
    if (mask[p] === 0) continue
    for (let c = 0; c < 3; c++) sum += (data[3 * p + c]! - found[4 * p + c]!) ** 2
    count += 3
  }
  return 10 * Math.log10((255 ** 2 * count) / sum)
}

const alphasOf = (rgba: Uint8Array): Uint8Array => rgba.filter((_, i) => i % 4 === 3)

async function encodeWebp(pixels: Pixels, quality: number): Promise<Uint8Array> {
  const tile = (await encodeTile(pixels, { format: 'webp', quality }))!
  t.equal(tile.type, TileType.webp)
  return tile.bytes
}

/** What libwebp makes of the same with the least effort. */
async function withLeastEffort({ width, height, data, mask }: Pixels, quality: number): Promise<Buffer> {
  const rgba = Buffer.alloc(width * height * 4)
  for (let p = 0; p < width * height; p++) {
    if (mask![p] === 0) continue
    for (let c = 0; c < 3; c++) rgba[4 * p + c] = data[3 * p + c]!
    rgba[4 * p + 3] = mask![p]!
  }
  return sharp(rgba, { raw: { width, height, channels: 4 } })
    .webp({ quality, effort: 0 })
    .toBuffer()
}

const noise = random(7)
const MASKS: Record<string, Maker> = {
  'a slanting edge': (x, y) => (x * 3 + y > 300 ? 255 : 0),
  'a hole': (x, y) => ((x - 100) ** 2 + (y - 90) ** 2 < 900 ? 0 : 255),
  'one pixel': (x, y) => (x === 77 && y === 201 ? 255 : 0),
  'one pixel missing': (x, y) => (x === 0 && y === 0 ? 0 : 255),
  'half transparent throughout': () => 128,
  'every opacity': (x) => x & 255,
  columns: (x) => (x & 1) * 255,
  rows: (_, y) => (y & 1) * 255,
  'noise of two values': () => (noise() < 0.5 ? 0 : 255),
  'noise of all values': () => Math.floor(noise() * 256),
}

for (const [name, opacity] of Object.entries(MASKS)) {
  t.test(`opacity comes back to the bit: ${name}`, async (t) => {
    for (const [width, height] of [
      [256, 256],
      [512, 512],
      [16, 16],
      [48, 272],
      [60, 65],
      [528, 16],
      [1, 1],
    ] as const) {
      const pixels = picture(width, height, opacity)
      if (!pixels.mask.some((value) => value > 0)) continue
      const isOpaque = pixels.mask.every((value) => value === 255)
      const found = await decoded(await encodeWebp(pixels, 75), isOpaque)
      t.same([found.width, found.height], [width, height])
      t.ok(Buffer.from(pixels.mask).equals(alphasOf(found.data)), `${width}×${height}`)
      // of one pixel three samples are all there is: where each may be 8 off, that is 30 dB
      const least = name === 'one pixel' ? 30 : 33
      t.ok(psnr(pixels, found.data) > least, `${psnr(pixels, found.data).toFixed(1)} dB`)
    }
  })
}

t.test('as near as with the least effort, in fewer bytes, at every quality', async (t) => {
  const pixels = picture(256, 256, MASKS['a slanting edge']!, 20)
  let last = { bytes: 0, psnr: 0 }
  for (const quality of [20, 50, 75, 80, 95]) {
    const bytes = await encodeWebp(pixels, quality)
    const other = await withLeastEffort(pixels, quality)
    const ours = psnr(pixels, (await decoded(bytes)).data)
    const theirs = psnr(pixels, (await decoded(other)).data)
    t.ok(ours > theirs - 0.1, `quality ${quality}: ${ours.toFixed(2)} dB, least effort ${theirs.toFixed(2)}`)
    t.ok(bytes.length < other.length, `${bytes.length} bytes, least effort ${other.length}`)
    t.ok(bytes.length > last.bytes && ours > last.psnr, 'more quality is more bytes, and nearer')
    last = { bytes: bytes.length, psnr: ours }
  }
})

t.test('extremes: black and white, noise', async (t) => {
  const opacity = MASKS['a hole']!
  for (const make of [
    (x: number, y: number) => ((x ^ y) & 1) * 255,
    (x: number, y: number) => (((x >> 2) ^ (y >> 2)) & 1) * 255,
    (x: number, y: number) => (((x >> 4) ^ (y >> 4)) & 1) * 255,
    () => Math.floor(noise() * 256),
    () => 0,
    () => 255,
  ]) {
    const pixels = picture(256, 256, opacity)
    for (let p = 0; p < 65536; p++) pixels.data.fill(make(p & 255, p >> 8), 3 * p, 3 * p + 3)
    for (const quality of [30, 80]) {
      const found = (await decoded(await encodeWebp(pixels, quality))).data
      const theirs = (await decoded(await withLeastEffort(pixels, quality))).data
      const [ours, other] = [psnr(pixels, found), psnr(pixels, theirs)]
      t.ok(ours > Math.min(45, other) - 0.5, `${ours.toFixed(1)} dB, least effort ${other.toFixed(1)}`)
      t.ok(Buffer.from(pixels.mask).equals(alphasOf(found)), 'opacity')
    }
  }
})

t.test('what does not show changes nothing, nor does what was encoded before', async (t) => {
  const one = picture(256, 256, MASKS['every opacity']!)
  const other = { ...one, data: one.data.map((v, i) => (one.mask[Math.floor(i / 3)] === 0 ? i & 255 : v)) }
  const first = Buffer.from(await encodeWebp(one, 60))
  await encodeWebp(picture(512, 512, MASKS.columns!, 200), 80)
  t.ok(first.equals(await encodeWebp(other, 60)))
})

t.test('grey keeps its opacity to the bit', async (t) => {
  const { width, height, mask, data } = picture(64, 64, MASKS['every opacity']!)
  const grey = { width, height, bands: 1, data: data.filter((_, i) => i % 3 === 0), mask }
  const found = await decoded(await encodeWebp(grey, 90))
  t.ok(Buffer.from(mask).equals(alphasOf(found.data)))
  const inColour = {
    data: grey.data.reduce((out, v, p) => out.fill(v, 3 * p, 3 * p + 3), data.slice()),
    mask,
  }
  t.ok(psnr(inColour, found.data) > 33, `${psnr(inColour, found.data).toFixed(1)} dB`)
})
