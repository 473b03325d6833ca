// Tags and bytes of deep, subsampled, indexed and scaled images that lie: each file opens and reads, or says in one
// sentence why not; quickly and in bounded memory. No file here was made by a program that means well.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { needsTone, type SourceView } from '../../src/raster/source.js'
import { openFileSource } from '../../src/raster/tiff/file/byte-source.js'
import { TiffRaster } from '../../src/raster/tiff/raster.js'
import { randomFrom } from '../helpers/random.js'
import { cpuMs } from '../helpers/waiting.js'
import { type BareTag, bareTiff } from './bare-tiff.js'

/** 'read', or the code of the error; anything else is thrown on. */
async function outcome(file: string): Promise<{ what: string; message: string }> {
  const source = await openFileSource(file)
  try {
    const { stored } = (await TiffRaster.open(source)).look
    const tone = { ranges: [[0, 1000]] as const, gamma: 2 }
    const views: SourceView[] = [
      needsTone(stored) ? { kind: 'colour', tone } : { kind: 'colour' },
      { kind: 'values', bands: [stored.bands] },
    ]
    for (const view of views) {
      const raster = await TiffRaster.open(source, { view })
      const { width, height } = raster.layout
      const window = { x: 0, y: 0, width: Math.min(width, 512), height: Math.min(height, 512) }
      const { data, mask, bands } = await raster.read(0, window)
      if (
        view.kind === 'values' &&
        data.some((v, i) => !Number.isFinite(v) && mask?.[Math.floor(i / bands)] !== 0)
      ) {
        throw new Error('a value that is no number, and not masked')
      }
    }
    return { what: 'read', message: '' }
  } catch (error) {
    if (error instanceof FlagstoneError) return { what: error.code, message: error.message }
    throw error
  } finally {
    await source.close()
  }
}

const basic = (bits: readonly number[], photometric: number, more: readonly BareTag[] = []): BareTag[] => [
  [258, 'short', bits],
  [259, 'short', [1]],
  [262, 'short', [photometric]],
  [277, 'short', [bits.length]],
  ...more,
]

/** Name, tags, strip of a 16×16 image, what comes of it. */
const CASES: readonly (readonly [string, readonly BareTag[], number, string | RegExp])[] = [
  ['33 bits', basic([33], 1), 2000, /33-bit unsigned integer samples are not supported; /],
  ['48-bit floats', basic([48], 1, [[339, 'short', [3]]]), 2000, /48-bit floating-point samples/],
  ['8-bit floats', basic([8], 1, [[339, 'short', [3]]]), 2000, /8-bit floating-point samples/],
  ['complex', basic([64], 1, [[339, 'short', [6]]]), 4000, /complex samples are not supported; /],
  ['complex integers', basic([32], 1, [[339, 'short', [5]]]), 4000, /complex samples are not supported; /],
  ['depths that differ', basic([8, 8, 16], 2), 2000, /bands of different depths \(8, 8, 16 bits\)/],
  [
    'kinds that differ',
    basic([32, 32], 1, [[339, 'short', [1, 3]]]),
    4000,
    /bands of different kinds \(uint, float\)/,
  ],
  ['a palette without colours', basic([16], 3), 2000, /its palette is missing; /],
  ['a short palette', basic([12], 3, [[320, 'short', [1, 2, 3]]]), 2000, /its palette is missing; /],
  ['three inks', basic([8, 8, 8], 5), 2000, /CMYK images of 3 inks are not supported; /],
  [
    'subsampled by 0',
    basic([8, 8, 8], 6, [[530, 'short', [0, 0]]]),
    2000,
    /YCbCr images are not supported; /,
  ],
  [
    'subsampled by 65535',
    basic([8, 8, 8], 6, [[530, 'short', [65535, 2]]]),
    2000,
    /YCbCr images are not supported/,
  ],
  ['16-bit YCbCr', basic([16, 16, 16], 6), 4000, /YCbCr images are not supported; /],
  ['YCbCr in planes', basic([8, 8, 8], 6, [[284, 'short', [2]]]), 2000, 'SOURCE_CORRUPT'],
  [
    'YCbCr without green',
    basic([8, 8, 8], 6, [[529, 'rational', [1, 0, 0]]]),
    2000,
    /YCbCr images are not supported/,
  ],
  ['CIE L*a*b*', basic([8, 8, 8], 8), 2000, /CIE L\*a\*b\* images are not supported; /],
  [
    '16 bits, half of them missing',
    basic([16], 1),
    200,
    /it should be at bytes 8…520 of a file of \d+; the file is damaged/,
  ],
  [
    '31 bits, cut short',
    basic([31], 1),
    500,
    /it should be at bytes 8…1000 of a file of \d+; the file is damaged/,
  ],
  // As libtiff: without compression the rows say how many bytes there are, and the file has them.
  ['31 bits, a byte count that is too small', basic([31], 1), 900, 'read'],
  ['half-precision', basic([16], 1, [[339, 'short', [3]]]), 512, 'read'],
  ['a nodata value that is no number', basic([16], 1, [[42113, 'ascii', 'nothing']]), 512, 'read'],
  [
    'an infinite nodata value',
    basic([32], 1, [
      [339, 'short', [3]],
      [42113, 'ascii', '-inf'],
    ]),
    1024,
    'read',
  ],
  [
    'nodata nan',
    basic([32], 1, [
      [339, 'short', [3]],
      [42113, 'ascii', 'nan'],
    ]),
    1024,
    'read',
  ],
  [
    'metadata of nonsense',
    basic([16], 1, [
      [
        42112,
        'ascii',
        '<Item sample="0" role="scale">1e999</Item><Item sample="4294967295" role="offset">1</Item><Item role="scale"',
      ],
    ]),
    512,
    'read',
  ],
]

t.test('tags that lie', async (t) => {
  const dir = t.testdir()
  const random = randomFrom(11)
  for (const [name, tags, bytes, wanted] of CASES) {
    const strip = Uint8Array.from({ length: bytes }, () => random() * 256)
    const file = join(dir, 'lie.tif')
    writeFileSync(file, bareTiff(16, 16, strip, tags))
    const { what, message } = await outcome(file)
    if (typeof wanted === 'string') t.equal(what, wanted, `${name}: ${message}`)
    else t.match(message, wanted, name)
    if (message !== '') t.ok(message.startsWith(file), `names the file: ${message}`)
  }
})

t.test('a strip that would not fit into memory decoded is refused before it is', async (t) => {
  const dir = t.testdir()
  const file = join(dir, 'large.tif')
  // 1 bit packed is 1 byte a sample, 16-bit floats are singles, and values are singles, too.
  writeFileSync(
    file,
    bareTiff(40_000, 40_000, deflateSync(new Uint8Array(1000)), [
      ...basic([1], 1).filter(([tag]) => tag !== 259),
      [259, 'short', [8]],
    ]),
  )
  t.match(await outcome(file), { what: 'TOO_LARGE', message: /blocks of 40000×40000 pixels/ })
  writeFileSync(
    file,
    bareTiff(13_000, 13_000, deflateSync(new Uint8Array(1000)), [
      ...basic([8], 1).filter(([tag]) => tag !== 259),
      [259, 'short', [8]],
    ]),
  )
  t.match(await outcome(file), { what: 'SOURCE_CORRUPT' }, 'as a picture it would fit')
  const source = await openFileSource(file)
  await t.rejects(TiffRaster.open(source, { view: { kind: 'values', bands: [1] } }), { code: 'TOO_LARGE' })
  await source.close()
})

t.test('flipped bytes', async (t) => {
  const seed = 5
  t.comment(`seed ${seed}`)
  const random = randomFrom(seed)
  const dir = t.testdir()
  const noise = (length: number) => Uint8Array.from({ length }, () => random() * 256)
  const packed = (bytes: Uint8Array, predictor: number): [Uint8Array, BareTag[]] => [
    deflateSync(bytes),
    [
      [259, 'short', [8]],
      [317, 'short', [predictor]],
    ],
  ]
  const images: (readonly [Uint8Array, BareTag[]])[] = []
  const add = (bits: number[], photometric: number, more: BareTag[], predictor: number, bytes: number) => {
    const [strip, tags] = packed(noise(bytes), predictor)
    images.push([strip, [...basic(bits, photometric).filter(([tag]) => tag !== 259), ...tags, ...more]])
  }
  add([32], 1, [[339, 'short', [3]]], 3, 1024)
  add([64], 1, [[339, 'short', [2]]], 2, 2048)
  add([12, 12, 12], 2, [], 2, 72 * 16)
  add(
    [16, 16, 16, 16],
    2,
    [
      [338, 'short', [1]],
      [42112, 'ascii', '<Item sample="0" role="scale">0.5</Item>'],
    ],
    2,
    2048,
  )
  add(
    [9],
    3,
    [[320, 'short', Array.from({ length: 3 * 512 }, () => Math.floor(random() * 65536))]],
    1,
    18 * 16,
  )
  add([8, 8, 8, 8], 5, [], 2, 1024)
  add([8, 8, 8], 6, [[530, 'short', [4, 2]]], 1, 320)
  const seen = new Map<string, number>()
  for (const [strip, tags] of images) {
    const whole = bareTiff(16, 16, strip, tags)
    const file = join(dir, 'flipped.tif')
    writeFileSync(file, whole)
    t.equal((await outcome(file)).what, 'read', 'sound as made')
    for (let i = 0; i < 120; i++) {
      const bytes = Uint8Array.from(whole)
      for (let k = 0; k <= i % 3; k++) {
        // Mostly where the tags are.
        const at =
          random() < 0.7
            ? 8 + strip.length + random() * (bytes.length - strip.length - 8)
            : random() * bytes.length
        bytes[Math.floor(at)] = random() * 256
      }
      writeFileSync(file, i % 10 === 9 ? bytes.subarray(0, random() * bytes.length) : bytes)
      const start = cpuMs()
      const { what, message } = await outcome(file)
      if (cpuMs() - start > 5000) t.fail(`${what} took long: ${message}`)
      seen.set(what, (seen.get(what) ?? 0) + 1)
    }
  }
  t.comment(JSON.stringify(Object.fromEntries(seen)))
  t.ok((seen.get('read') ?? 0) > 50, 'some are still read')
  t.ok((seen.get('SOURCE_CORRUPT') ?? 0) > 50, 'some are damaged')
  t.ok(process.resourceUsage().maxRSS < 1e6, `${process.resourceUsage().maxRSS} KB at most`)
})
