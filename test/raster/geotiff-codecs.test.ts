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
import { decodeZstd, decodeZstdBy, nodeZstd, packageZstd } from '../../src/raster/tiff/codecs/zstd.js'
import { Problem } from '../../src/raster/tiff/file/problem.js'
import { BlockCache } from '../../src/raster/tiff/image/block-cache.js'
import { unpackBits } from '../../src/raster/tiff/samples/bits.js'
import { undoHorizontal8 } from '../../src/raster/tiff/samples/predictor.js'
import { integersFrom } from '../helpers/random.js'
import { sameBytes } from '../helpers/same-bytes.js'

const seed = Number(process.env.SEED ?? 7)
t.comment(`SEED=${seed}`)
const run = (property: fc.IRawProperty<unknown>, numRuns = 200): Promise<void> | void =>
  fc.assert(property as fc.IAsyncProperty<unknown>, { seed, numRuns })

/** Bytes with runs and repeats, so that dictionaries have something to find. */
const bytes = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 40 })), {
    maxLength: 60,
  })
  .map((parts) =>
    Uint8Array.from(parts.flatMap(([part, times]) => Array.from({ length: times }, () => [...part]).flat())),
  )

type Decode = (input: Uint8Array, out: Uint8Array) => number | Promise<number>
const decoder = await packageZstd()
const byPackage = (input: Uint8Array, out: Uint8Array): Promise<number> =>
  decodeZstdBy(() => decoder, input, out)
const byNode = (input: Uint8Array, out: Uint8Array): Promise<number> =>
  decodeZstdBy(() => nodeZstd!, input, out)
const CODECS: Record<string, readonly [encode: (bytes: Uint8Array) => Uint8Array, decode: Decode]> = {
  lzw: [encodeLzw, decodeLzw],
  packbits: [encodePackBits, decodePackBits],
  zstd: [encodeZstd, decodeZstd],
  'zstd by the package': [encodeZstd, byPackage],
}
if (nodeZstd === undefined) t.comment('Node has no zstd here: the package alone is tested')
else CODECS['zstd by Node'] = [encodeZstd, byNode]

for (const [name, [encode, decode]] of Object.entries(CODECS)) {
  t.test(`${name}: there and back`, async () => {
    await run(
      fc.asyncProperty(bytes, async (data) => {
        const out = new Uint8Array(data.length)
        const length = data.length === 0 ? 0 : await decode(encode(data), out)
        return length === data.length && out.every((v, i) => v === data[i])
      }),
    )
  })

  t.test(`${name}: any input ends, inside its output`, async () => {
    await run(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 400 }),
        fc.integer({ min: 0, max: 2000 }),
        async (input, size) => {
          const out = new Uint8Array(size)
          try {
            const length = await decode(input, out)
            return length >= 0 && length <= size
          } catch (error) {
            return error instanceof Problem
          }
        },
      ),
      1000,
    )
  })

  t.test(`${name}: a smaller output is filled, a shorter input falls short`, async (t) => {
    const data = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) >> 4)
    const encoded = encode(data)
    const half = new Uint8Array(2500)
    t.equal(await decode(encoded, half), 2500)
    sameBytes(t, half, data.subarray(0, 2500))
    const out = new Uint8Array(5000)
    try {
      const length = await decode(encoded.subarray(0, encoded.length >> 1), out)
      t.ok(length < 5000)
    } catch (error) {
      t.ok(error instanceof Problem)
    }
  })
}

t.test('LZW: a table that fills up and starts again', (t) => {
  const byte = integersFrom(1)
  const data = Uint8Array.from({ length: 60000 }, () => byte(256))
  const out = new Uint8Array(data.length)
  t.equal(decodeLzw(encodeLzw(data), out), data.length)
  sameBytes(t, out, data)
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

/** Runs two decoders over what was encoded, broken and cut off: do they always say the same? */
async function agree(encode: (bytes: Uint8Array) => Uint8Array, one: Decode, other: Decode): Promise<void> {
  const attempt = async (decode: Decode, packed: Uint8Array, out: Uint8Array): Promise<number | string> => {
    try {
      return await decode(packed, out)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      return 'problem'
    }
  }
  const next = integersFrom(seed)
  const damage = fc.integer({ min: 0, max: 2 })
  await run(
    fc.asyncProperty(bytes, damage, fc.integer({ min: 0, max: 3000 }), async (data, kind, size) => {
      const input = Uint8Array.from(encode(data))
      if (kind === 1 && input.length > 0) input[next(input.length)] = next(256)
      const packed = kind === 2 ? input.subarray(0, next(input.length + 1)) : input
      const [a, b] = [new Uint8Array(size), new Uint8Array(size)]
      const same = (await attempt(one, packed, a)) === (await attempt(other, packed, b))
      return same && (kind > 0 || a.every((v, i) => v === b[i]))
    }),
    1000,
  )
}

t.test('LZW in WebAssembly gives what JavaScript gives, also for broken data', () =>
  agree(encodeLzw, decodeLzw, (input, out) => decodeLzwHere(input, out, isOldLzw(input))),
)

t.test(
  'ZSTD by Node gives what the package gives, also for broken data',
  { skip: nodeZstd === undefined && 'Node has no zstd here' },
  () => agree(encodeZstd, byNode, byPackage),
)

t.test(
  'ZSTD: what could be more than a block holds is refused, and so is what takes too much memory',
  async (t) => {
    const out = new Uint8Array(1000)
    const bomb = encodeZstd(new Uint8Array(3 * 2 ** 20))
    await t.rejects(byPackage(bomb, out), { message: /could hold 3145728 bytes instead of 1000/ })
    const frame = encodeZstd(new Uint8Array(5000).fill(7))
    const much = 2 ** 31 - 2 ** 20 - frame.length - 1
    t.throws(() => decoder(frame, 1000, much), /bytes of memory, which are not available/)
    t.throws(() => decoder(frame, 1000, 2 ** 32), /bytes of memory, which are not available/)
    t.throws(() => decoder(frame, 1000, 4999), /a block is invalid/, 'never more than was said')
    sameBytes(t, decoder(frame, 5000, 5000), new Uint8Array(5000).fill(7), 'none of which hurts')
  },
)

t.test('ZSTD: frames in a row, empty ones and such as are skipped', async (t) => {
  const skipped = [0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]
  const empty = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0]
  const input = Uint8Array.from([
    ...encodeZstd(Uint8Array.of(1, 2)),
    ...skipped,
    ...empty,
    ...encodeZstd(Uint8Array.of(3)),
  ])
  for (const decode of [decodeZstd, byPackage]) {
    const out = new Uint8Array(3)
    t.equal(await decode(input, out), 3)
    t.same([...out], [1, 2, 3])
  }
})
