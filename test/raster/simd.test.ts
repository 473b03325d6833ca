// The WebAssembly kernels against JavaScript, zlib and sharp: equal to the bit, or as good.

import { deflateSync, constants as zlib } from 'node:zlib'
import sharp from 'sharp'
import t from 'tap'
import { createCanvas } from '../../src/raster/canvas.js'
import { inflateExactly } from '../../src/raster/inflate.js'
import type { Pixels } from '../../src/raster/pixels.js'
import { simd } from '../../src/raster/simd.js'
import { undoHorizontal8 } from '../../src/raster/tiff/samples/predictor.js'
import { halveInto } from '../../src/raster/tiles/downsample.js'
import { encodeJpeg } from '../../src/raster/tiles/jpeg.js'
import { runKernel } from '../../src/raster/warp/kernels/choose.js'
import { integersFrom } from '../helpers/random.js'
import { sameBytes } from '../helpers/same-bytes.js'

const here = simd()!
t.ok(here, 'the module is built (npm run build) and runs here')

/** Smooth with detail, like a photograph. */
function picture(width: number, height: number, bands: number, noise = 12): Uint8Array {
  const below = integersFrom(width * 7 + height)
  const data = new Uint8Array(width * height * bands)
  for (let i = 0; i < data.length; i++) {
    const p = Math.floor(i / bands)
    const x = p % width
    const y = Math.floor(p / width)
    const wave = 110 + 70 * Math.sin(x / 17 + (i % bands)) * Math.cos(y / 23) + (x % 64 < 3 ? 40 : 0)
    data[i] = Math.max(0, Math.min(255, wave + (below(1000) / 1000 - 0.5) * 2 * noise))
  }
  return data
}

function moved(data: Uint8Array): Uint8Array {
  const to = here.take(data.length)
  to.set(data)
  return to
}

t.test('memory: what is taken never overlaps, what is given back is taken again', (t) => {
  const below = integersFrom(5)
  const held: Uint8Array[] = []
  const room = here.take(200 * 2 ** 20)
  t.equal(here.addressOf(room) >= 0, true, 'there is much of it')
  here.give(room)
  for (let step = 0; step < 3000; step++) {
    if (held.length > 0 && below(5) < 2) {
      const [array] = held.splice(below(held.length), 1)
      if (array!.some((v) => v !== array![0])) t.fail('somebody else wrote here')
      here.give(array!)
    } else if (held.length < 40) {
      const array = here.take(1 + below(300_000))
      array.fill(step)
      held.push(array)
    }
  }
  for (const array of held) {
    if (array.some((v) => v !== array[0])) t.fail('somebody else wrote here')
    here.give(array)
    // twice does nothing
    here.give(array)
  }
  const again = here.take(200 * 2 ** 20)
  t.equal(here.addressOf(again), here.addressOf(room), 'nothing is lost')
  here.give(again)
  const tooMuch = here.take(600 * 2 ** 20)
  t.equal(here.addressOf(tooMuch), -1, 'what does not fit lies elsewhere')
  t.end()
})

t.test('warp, halving, predictors: the same as JavaScript', (t) => {
  for (const bands of [1, 3] as const) {
    const [width, height] = [131, 90]
    const data = picture(width, height, bands, 100)
    const from: Pixels = { width, height, bands, data, mask: undefined }
    const near: Pixels = { ...from, data: moved(data) }
    const a = createCanvas(64, 16, bands)
    const b = {
      ...createCanvas(64, 16, bands),
      data: moved(new Uint8Array(64 * 16 * bands)),
      mask: moved(new Uint8Array(1024)),
    }
    for (const [from2, to] of [
      [from, a],
      [near, b],
    ] as const) {
      const kernel = runKernel('bilinear', from2, to, 1, 1, false)
      for (let y = 0; y < 16; y++)
        kernel.run(y * 64, 60 + (y % 5), 2.25 + y * 0.37, 1.013, 3.5 + y * 3.01, 0.31, true)
    }
    sameBytes(t, b.data, a.data, `bilinear, ${bands}`)
    sameBytes(t, b.mask, a.mask, `bilinear's mask, ${bands}`)
    for (const [w, h] of [
      [2, 2],
      [34, 6],
      [130, 90],
    ] as const) {
      const part = picture(w, h, bands, 100)
      const whole: Pixels = { width: w, height: h, bands, data: part, mask: undefined }
      const c = createCanvas(70, 50, bands)
      const d = { ...createCanvas(70, 50, bands), data: moved(new Uint8Array(70 * 50 * bands)) }
      halveInto(whole, 'average', 'binary', c, 3, 2)
      halveInto({ ...whole, data: moved(part) }, 'average', 'binary', d, 3, 2)
      sameBytes(t, d.data, c.data, `halved ${w}×${h}, ${bands}`)
    }
  }
  for (const samples of [1, 2, 3, 4]) {
    for (const width of [1, 2, 5, 6, 16, 17, 100, 511]) {
      const data = picture(width, 3, samples, 120)
      const near = moved(data)
      undoHorizontal8(data, width, 3, samples)
      undoHorizontal8(near, width, 3, samples)
      sameBytes(t, near, data, `predictor, ${samples} samples, ${width} wide`)
    }
  }
  t.end()
})

t.test('DEFLATE: what zlib makes comes back; what is damaged is never taken for right', (t) => {
  const below = integersFrom(11)
  const sources = [
    (j: number) => j * 0,
    (j: number) => (j % 7) * 30,
    () => below(256),
    () => Math.floor((below(1000) / 1000) ** 6 * 256),
    (j: number) => (below(10) === 0 ? below(256) : j >> 5) & 255,
  ]
  let wrong = 0
  for (let n = 0; n < 60; n++) {
    const length = 1 + below(50_000)
    const bytes = Uint8Array.from({ length }, (_, j) => sources[n % sources.length]!(j))
    for (const options of [
      { level: 0 },
      { level: 1 },
      { level: 9 },
      { strategy: zlib.Z_FIXED },
      { strategy: zlib.Z_HUFFMAN_ONLY },
    ]) {
      const packed = deflateSync(bytes, options)
      const out = inflateExactly(packed, length, here)
      if (out === undefined || Buffer.compare(out, bytes) !== 0)
        t.fail(`${length} bytes, ${JSON.stringify(options)}`)
      if (out !== undefined) here.give(out)
      for (const broken of [packed.subarray(0, below(packed.length)), flipped(packed, below(2 ** 31))]) {
        const made = inflateExactly(broken, length, here)
        if (made === undefined) continue
        if (Buffer.compare(made, bytes) !== 0) wrong++
        here.give(made)
      }
      for (const other of [length - 1, length + 1]) {
        if (inflateExactly(packed, other, here) !== undefined) t.fail('another length')
      }
    }
  }
  t.equal(wrong, 0, 'damage')
  t.end()
})

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const out = Uint8Array.from(bytes)
  const i = (at >> 8) % out.length
  out[i] = out[i]! ^ (1 << (at & 7))
  return out
}

async function psnr(jpeg: Uint8Array, data: Uint8Array, bands: number): Promise<number> {
  const picture = sharp(jpeg)
  const decoded = await (bands === 1 ? picture.toColourspace('b-w') : picture).raw().toBuffer()
  let sum = 0
  for (let i = 0; i < data.length; i++) sum += (decoded[i]! - data[i]!) ** 2
  return 10 * Math.log10((255 * 255 * data.length) / sum)
}

t.test("JPEG: as small and as near as libjpeg's, wherever the pixels lie", async (t) => {
  for (const bands of [1, 3] as const) {
    for (const quality of [1, 20, 50, 75, 90, 97]) {
      const [width, height] = [256, 256]
      const data = picture(width, height, bands)
      const ours = encodeJpeg({ width, height, bands, data, mask: undefined }, 0, 0, width, height, quality)!
      const raw = { raw: { width, height, channels: bands } }
      const image = sharp(data, raw)
      const theirs = await (bands === 1 ? image.toColourspace('b-w') : image)
        .jpeg({ quality, optimiseCoding: false, chromaSubsampling: '4:2:0' })
        .toBuffer()
      const name = `${bands} bands, quality ${quality}`
      t.ok(ours.length < theirs.length * 1.02, `${name}: ${ours.length} bytes beside ${theirs.length}`)
      const [mine, others] = [await psnr(ours, data, bands), await psnr(theirs, data, bands)]
      t.ok(mine > others - 0.15, `${name}: ${mine.toFixed(2)} dB beside ${others.toFixed(2)}`)
      const near = moved(data)
      const same = encodeJpeg(
        { width, height, bands, data: near, mask: undefined },
        0,
        0,
        width,
        height,
        quality,
      )!
      t.equal(Buffer.compare(ours, same), 0, `${name}: the same bytes`)
      here.give(near)
    }
  }
  const data = picture(512, 512, 3, 255)
  const noise: Pixels = { width: 512, height: 512, bands: 3, data, mask: undefined }
  const others = await sharp(data, { raw: { width: 512, height: 512, channels: 3 } })
    .jpeg({ quality: 100 })
    .toBuffer()
  const far = (await psnr(others, data, 3)) - (await psnr(encodeJpeg(noise, 0, 0, 512, 512, 100)!, data, 3))
  t.ok(far < 0.3, `noise at quality 100 fits, ${far.toFixed(2)} dB behind`)
  const part = encodeJpeg(noise, 32, 48, 64, 32, 75)!
  const cut = new Uint8Array(64 * 32 * 3)
  for (let y = 0; y < 32; y++)
    cut.set(data.subarray(((48 + y) * 512 + 32) * 3, ((48 + y) * 512 + 96) * 3), y * 192)
  const alone = encodeJpeg({ width: 64, height: 32, bands: 3, data: cut, mask: undefined }, 0, 0, 64, 32, 75)!
  t.equal(Buffer.compare(part, alone), 0, 'a part of a picture')
  t.equal(
    encodeJpeg(noise, 0, 0, 100, 100, 75),
    undefined,
    'sides that are no multiples of 16 are left to sharp',
  )
})

t.test(
  'JPEG: pure colours stay what they are, also those whose chroma is the highest there is',
  async (t) => {
    const corners = [0, 255].flatMap((r) => [0, 255].flatMap((g) => [0, 255].map((b) => [r, g, b] as const)))
    for (const colour of corners) {
      const data = new Uint8Array(64 * 64 * 3).map((_, i) => colour[i % 3]!)
      const jpeg = encodeJpeg({ width: 64, height: 64, bands: 3, data, mask: undefined }, 0, 0, 64, 64, 90)!
      const back = await sharp(jpeg).raw().toBuffer()
      const worst = back.reduce((most, v, i) => Math.max(most, Math.abs(v - colour[i % 3]!)), 0)
      t.ok(worst <= 4, `${colour}: off by ${worst}`)
    }
  },
)
