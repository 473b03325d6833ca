// The decoders of our own against encoders written apart from them, and the block cache.
import fc from 'fast-check'
import t from 'tap'
import {
  difference,
  encodeLzw,
  encodePackBits,
  encodeZstd,
  packBits,
} from '../../scripts/fixtures/tiff-codecs.js'
import { decodeLzw, decodeHere as decodeLzwHere, isOldLzw } from '../../src/raster/tiff/codecs/lzw.js'
import { decodePackBits } from '../../src/raster/tiff/codecs/packbits.js'
import { decodeZstd, decodeZstdHere, decodeZstdNear } from '../../src/raster/tiff/codecs/zstd.js'
import { Problem } from '../../src/raster/tiff/file/problem.js'
import { BlockCache } from '../../src/raster/tiff/image/block-cache.js'
import { unpackBits } from '../../src/raster/tiff/samples/bits.js'
import { undoHorizontal8 } from '../../src/raster/tiff/samples/predictor.js'

const seed = Number(process.env.SEED ?? 7)
t.comment(`SEED=${seed}`)
const run = (property: fc.IProperty<unknown[]>, numRuns = 200): void =>
  fc.assert(property as fc.IProperty<unknown>, { seed, numRuns })

/** Bytes with runs and repeats, so that dictionaries have something to find. */
const bytes = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 40 })), {
    maxLength: 60,
  })
  .map((parts) =>
    Uint8Array.from(parts.flatMap(([part, times]) => Array.from({ length: times }, () => [...part]).flat())),
  )

const CODECS = {
  lzw: [encodeLzw, decodeLzw],
  packbits: [encodePackBits, decodePackBits],
  zstd: [encodeZstd, decodeZstd],
} as const

for (const [name, [encode, decode]] of Object.entries(CODECS)) {
  t.test(`${name}: there and back`, (t) => {
    run(
      fc.property(bytes, (data) => {
        const out = new Uint8Array(data.length)
        const length = data.length === 0 ? 0 : decode(encode(data), out)
        return length === data.length && out.every((v, i) => v === data[i])
      }),
    )
    t.end()
  })

  t.test(`${name}: any input ends, inside its output`, (t) => {
    run(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 0, max: 2000 }), (input, size) => {
        const out = new Uint8Array(size)
        try {
          const length = decode(input, out)
          return length >= 0 && length <= size
        } catch (error) {
          return error instanceof Problem
        }
      }),
      1000,
    )
    t.end()
  })

  t.test(`${name}: a smaller output is filled, a shorter input falls short`, (t) => {
    const data = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) >> 4)
    const encoded = encode(data)
    const half = new Uint8Array(2500)
    t.equal(decode(encoded, half), 2500)
    t.same(half, data.subarray(0, 2500))
    const out = new Uint8Array(5000)
    try {
      t.ok(decode(encoded.subarray(0, encoded.length >> 1), out) < 5000)
    } catch (error) {
      t.ok(error instanceof Problem)
    }
    t.end()
  })
}

t.test('LZW: a table that fills up and starts again', (t) => {
  let state = 1
  const data = Uint8Array.from({ length: 60000 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return state >> 16
  })
  const out = new Uint8Array(data.length)
  t.equal(decodeLzw(encodeLzw(data), out), data.length)
  t.same(out, data)
  t.end()
})

t.test('LZW of before 1990: codes from the low bit', (t) => {
  // 256, 7, 258 (7 7), 8, 257 in nine bits each.
  const codes = [256, 7, 258, 8, 257]
  const input = new Uint8Array(6)
  codes.forEach((code, i) => {
    for (let bit = 0; bit < 9; bit++)
      if (code & (1 << bit)) input[(i * 9 + bit) >> 3]! |= 1 << ((i * 9 + bit) & 7)
  })
  t.ok(isOldLzw(input))
  const out = new Uint8Array(4)
  t.equal(decodeLzw(input, out), 4)
  t.same([...out], [7, 7, 7, 8])
  t.end()
})

t.test('predictor and bits: there and back', (t) => {
  run(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 7 }),
      (samples, width, rows, bits) => {
        const data = Uint8Array.from({ length: width * rows * samples }, (_, i) => (i * 131 + 17) & 255)
        const copy = data.slice()
        difference(copy, width, rows, samples)
        undoHorizontal8(copy, width, rows, samples)
        const few = data.map((v) => v & ((1 << bits) - 1))
        const unpacked = unpackBits(packBits(few, bits, width * samples, rows), bits, width * samples, rows)
        return copy.every((v, i) => v === data[i]) && unpacked.every((v, i) => v === few[i])
      },
    ),
  )
  t.end()
})

t.test('the cache holds the bytes it may, newest first', async (t) => {
  const cache = new BlockCache<{ byteLength: number; id: number }>(100)
  let made = 0
  const make = (id: number, byteLength: number) => () => {
    made++
    return Promise.resolve({ id, byteLength })
  }
  await cache.get(1, make(1, 40))
  await cache.get(2, make(2, 40))
  await cache.get(1, make(1, 40))
  t.equal(made, 2, 'a hit makes nothing')
  await cache.get(3, make(3, 40))
  t.equal(cache.bytes, 80)
  t.equal(cache.peek(2), undefined, 'the one not used for longest is gone')
  t.ok(cache.peek(1))
  t.equal((await cache.get(4, make(4, 1000))).id, 4, 'too large to keep, but served')
  t.ok(cache.bytes <= 100)
})

t.test('the cache makes what is asked for twice at once only once, and keeps no failure', async (t) => {
  const cache = new BlockCache<{ byteLength: number }>(100)
  let made = 0
  const slow = async (): Promise<{ byteLength: number }> => {
    made++
    await new Promise((resolve) => setTimeout(resolve, 10))
    return { byteLength: 1 }
  }
  const [a, b] = await Promise.all([cache.get(1, slow), cache.get(1, slow)])
  t.equal(made, 1)
  t.equal(a, b)
  await t.rejects(cache.get(2, () => Promise.reject(new Error('broken'))))
  t.ok(await cache.get(2, slow), 'the next try may succeed')
})

t.test('decoders in WebAssembly give what those in JavaScript give, also for broken data', (t) => {
  const attempt = (decode: () => number): number | string => {
    try {
      return decode()
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      return 'problem'
    }
  }
  const lzwHere = (input: Uint8Array, out: Uint8Array): number => decodeLzwHere(input, out, isOldLzw(input))
  let state = seed
  const next = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  // Not Node's own decoder, which refuses some of what these two take.
  const zstdNear = (input: Uint8Array, out: Uint8Array): number =>
    decodeZstdNear(input, out) ?? decodeZstdHere(input, out)
  const CHECKED = [
    [encodeLzw, decodeLzw, lzwHere],
    [encodeZstd, zstdNear, decodeZstdHere],
  ] as const
  run(
    fc.property(
      bytes,
      fc.integer({ min: 0, max: 2 }),
      fc.integer({ min: 0, max: 3000 }),
      (data, kind, size) => {
        return CHECKED.every(([encode, decode, here]) => {
          const input = Uint8Array.from(encode(data))
          if (kind === 1 && input.length > 0) input[next(input.length)] = next(256)
          const packed = kind === 2 ? input.subarray(0, next(input.length + 1)) : input
          const a = new Uint8Array(size)
          const b = new Uint8Array(size)
          const same = attempt(() => decode(packed, a)) === attempt(() => here(packed, b))
          return same && (kind > 0 || a.every((v, i) => v === b[i]))
        })
      },
    ),
    1000,
  )
  t.end()
})
