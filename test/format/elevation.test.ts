// Raw elevation tiles: what goes in comes out, fixed bytes, and anything else ends in DAMAGED.
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import {
  decodeElevation,
  encodeElevation,
  isElevation,
  type StoredElevation,
} from '../../src/format/elevation.js'

const tileOf = (samples: Int16Array | Float32Array, width: number, mask?: Uint8Array): StoredElevation => ({
  width,
  height: samples.length / width,
  samples,
  mask,
  step: 0.5,
  offset: -10,
})

/** Samples where the mask is 0 say nothing. */
function same(a: StoredElevation, b: StoredElevation): boolean {
  const bits = (s: Int16Array | Float32Array): ArrayLike<number> =>
    s instanceof Int16Array ? s : new Uint32Array(s.buffer, s.byteOffset, s.length)
  const [from, to] = [bits(a.samples), bits(b.samples)]
  if (a.samples.constructor !== b.samples.constructor || from.length !== to.length) return false
  for (let p = 0; p < from.length; p++) {
    const valid = a.mask === undefined || a.mask[p] !== 0
    if (valid !== (b.mask === undefined || b.mask[p] !== 0)) return false
    if (valid && from[p] !== to[p]) return false
  }
  return a.width === b.width && a.height === b.height && a.step === b.step && a.offset === b.offset
}

t.test('any numbers come back, holes too', async (t) => {
  const sizes = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }))
  fc.assert(
    fc.property(
      sizes,
      fc.boolean(),
      fc.boolean(),
      fc.infiniteStream(fc.integer()),
      ([w, h], isInt, holes, s) => {
        const values = [...s.take(w * h)]
        const samples = isInt ? Int16Array.from(values) : new Float32Array(Int32Array.from(values).buffer)
        const mask = holes ? Uint8Array.from(values, (v) => (v % 3 === 0 ? 0 : 255)) : undefined
        const tile = tileOf(samples, w, mask)
        return same(tile, decodeElevation(encodeElevation(tile)))
      },
    ),
    { numRuns: 500 },
  )
  const extremes = Int16Array.of(-32768, 32767, -32768, 32767, 0, -32768, 32767, 32767, -32768)
  t.ok(same(tileOf(extremes, 3), decodeElevation(encodeElevation(tileOf(extremes, 3)))), 'full range')
  const odd = Float32Array.of(-0, 0, Number.NaN, Infinity, -Infinity, 1e-45, -3.4e38, 3.4e38)
  t.ok(same(tileOf(odd, 4), decodeElevation(encodeElevation(tileOf(odd, 4)))), 'every bit pattern')
})

t.test('fixed bytes: the layout of the document', async (t) => {
  // 10 12 / 11 14, the last one without a value
  const bytes = encodeElevation(tileOf(Int16Array.of(10, 12, 11, 14), 2, Uint8Array.of(255, 255, 255, 0)))
  t.same([...bytes.subarray(0, 16)], [70, 83, 69, 76, 1, 1, 1, 1, 2, 0, 2, 0, 0, 0, 0, 0])
  const view = new DataView(bytes.buffer)
  t.equal(view.getFloat64(16, true), 0.5)
  t.equal(view.getFloat64(24, true), -10)
  // residuals 10, 2, 1, 0 zigzagged; high bytes; the mask's bits
  const payload = Uint8Array.of(20, 4, 2, 0, 0, 0, 0, 0, 0b0111)
  t.same(bytes.subarray(32), deflateRawSync(payload, { level: 6 }))
  const stored = new Uint8Array(32 + payload.length)
  stored.set(bytes.subarray(0, 32))
  stored[7] = 0
  stored.set(payload, 32)
  const back = decodeElevation(stored)
  t.same([...back.samples], [10, 12, 11, 13], 'uncompressed too; what has no value is as predicted')
  t.same([...back.mask!], [255, 255, 255, 0])
})

t.test('smooth heights get small', async (t) => {
  const heights = new Float32Array(256 * 256)
  for (let p = 0; p < heights.length; p++) {
    heights[p] = 800 + 300 * Math.sin((p % 256) / 40) * Math.cos(p / 256 / 55)
  }
  const floats = encodeElevation(tileOf(heights, 256)).length
  const numbers = encodeElevation(
    tileOf(
      Int16Array.from(heights, (h) => h * 10),
      256,
    ),
  ).length
  t.ok(floats < heights.length * 4 * 0.6, `${floats} bytes`)
  t.ok(numbers < heights.length * 2 * 0.3, `${numbers} bytes`)
})

t.test('hostile bytes: DAMAGED, and nothing else', async (t) => {
  const good = encodeElevation(
    tileOf(
      Int16Array.from({ length: 64 }, (_, i) => i * 3),
      8,
      new Uint8Array(64).fill(255),
    ),
  )
  const patched = (at: number, ...values: number[]): Uint8Array => {
    const copy = good.slice()
    copy.set(values, at)
    return copy
  }
  const fails = (bytes: Uint8Array, code: string, what: string): void => {
    t.throws(() => decodeElevation(bytes), { code }, what)
  }
  fails(new Uint8Array(0), 'DAMAGED', 'nothing')
  fails(good.subarray(0, 31), 'DAMAGED', 'half a header')
  fails(good.subarray(0, 40), 'DAMAGED', 'half a payload')
  fails(patched(0, 0x46, 0x53, 0x45, 0x4d), 'DAMAGED', 'magic')
  fails(patched(4, 2), 'VERSION_UNSUPPORTED', 'a later version')
  fails(patched(5, 9), 'DAMAGED', 'kind')
  fails(patched(6, 0x82), 'DAMAGED', 'flags')
  fails(patched(7, 7), 'DAMAGED', 'compression')
  fails(patched(8, 0xff, 0xff, 0xff, 0xff), 'DAMAGED', 'huge')
  fails(patched(8, 0, 0), 'DAMAGED', 'no width')
  fails(patched(8, 9), 'DAMAGED', 'too little for its size')
  fails(patched(8, 7), 'DAMAGED', 'too much for its size')
  fails(patched(16, 0, 0, 0, 0, 0, 0, 0, 0), 'DAMAGED', 'no step')
  fails(patched(24, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f), 'DAMAGED', 'NaN')
  const bomb = new Uint8Array([...good.subarray(0, 32), ...deflateRawSync(new Uint8Array(1e8))])
  fails(bomb, 'DAMAGED', 'a bomb')
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
      try {
        decodeElevation(patched(at, value))
        return true
      } catch (error) {
        return ['DAMAGED', 'VERSION_UNSUPPORTED'].includes((error as { code?: string }).code ?? '')
      }
    }),
    { numRuns: 1000 },
  )
  t.notOk(isElevation(Uint8Array.of(70, 83, 69)))
  t.throws(() => encodeElevation(tileOf(new Int16Array(4), 0)), RangeError)
  t.throws(() => encodeElevation({ ...tileOf(new Int16Array(4), 2), height: 3 }), TypeError)
})
