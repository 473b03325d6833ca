// Damaged blocks of every compression: bits flipped, ends cut off, other data put in their place (seeded). Each
// is decoded, or is a Problem; nothing else is thrown, nothing takes long, and memory stays bounded.

import { join } from 'node:path'
import t from 'tap'
import { openFileSource } from '../../src/raster/tiff/file/byte-source.js'
import { Problem } from '../../src/raster/tiff/file/problem.js'
import { readStructure } from '../../src/raster/tiff/file/structure.js'
import { readLayout } from '../../src/raster/tiff/image/layout.js'
import { withoutGdal } from '../helpers/gdal-process.js'
import { randomFrom } from '../helpers/random.js'
import { cpuMs } from '../helpers/waiting.js'
import { blockShape, decodeBlock } from './codec-blocks.js'
import { made, writeTiff } from './gdal-made.js'

t.setTimeout(1_800_000)
const skip = withoutGdal
const seed = Number(process.env.SEED ?? 11)
t.comment(`SEED=${seed}`)

const KINDS: readonly (readonly [
  options: string,
  samples: number,
  type: 'Byte' | 'UInt16' | 'Float32',
  high: number,
])[] = [
  ['COMPRESS=LERC', 1, 'Float32', 5000],
  ['COMPRESS=LERC', 3, 'Byte', 255],
  ['COMPRESS=LERC_DEFLATE', 1, 'UInt16', 65535],
  ['COMPRESS=LERC_ZSTD', 2, 'Float32', 5000],
  ['COMPRESS=LZMA', 3, 'Byte', 255],
  ['COMPRESS=LZMA PREDICTOR=2', 1, 'UInt16', 65535],
  ['COMPRESS=ZSTD', 3, 'Byte', 255],
  ['COMPRESS=DEFLATE', 3, 'Byte', 255],
  ['COMPRESS=LZW', 3, 'Byte', 255],
  ['COMPRESS=PACKBITS', 1, 'Byte', 255],
  ['COMPRESS=CCITTRLE NBITS=1', 1, 'Byte', 1],
  ['COMPRESS=CCITTFAX3 NBITS=1', 1, 'Byte', 1],
  ['COMPRESS=CCITTFAX4 NBITS=1', 1, 'Byte', 1],
  ['COMPRESS=JPEG PHOTOMETRIC=YCBCR', 3, 'Byte', 255],
  ['COMPRESS=JPEG', 1, 'Byte', 255],
  ['COMPRESS=WEBP', 4, 'Byte', 255],
]

/** One way to damage a block. */
function damage(good: Uint8Array, random: () => number, kind: number): Uint8Array {
  const at = (limit: number): number => Math.floor(random() * limit)
  if (kind === 0) return good.subarray(0, at(good.length))
  const bytes = good.slice()
  // Headers decide sizes: half of the flips are there.
  const end = kind === 1 ? Math.min(100, bytes.length) : bytes.length
  for (let flips = 1 + at(3); flips > 0; flips--) bytes[at(end)] = at(256)
  if (kind === 3) bytes.fill(at(256), at(bytes.length))
  return bytes
}

for (const [options, samples, type, high] of KINDS) {
  t.test(`${options}, ${type}`, { skip }, async (t) => {
    const random = randomFrom(seed)
    const image = made(190, 130, samples, 0, high, 3, type === 'Float32')
    const shape = options.includes('NBITS')
      ? ['BLOCKYSIZE=65']
      : ['TILED=YES', 'BLOCKXSIZE=64', 'BLOCKYSIZE=64']
    const all = [...options.split(' '), ...shape]
    const file = writeTiff(t.testdir(), 'x.tif', image, type, all) ?? join(t.testdirName, 'x.tif')
    const source = await openFileSource(file)
    const structure = await readStructure(source)
    const layout = await readLayout(source, structure.ifds[0]!, structure.littleEndian)
    const good: Uint8Array[] = []
    for (const [i, offset] of layout.offsets.entries())
      good.push(await source.read(offset, layout.counts[i]!))
    await source.close()
    let problems = 0
    let slowest = 0
    const rounds = 150
    for (let k = 0; k < rounds; k++) {
      const block = k % good.length
      const wanted = blockShape(layout, block)
      const start = cpuMs()
      try {
        const { bytes } = await decodeBlock(layout, damage(good[block]!, random, k % 4), wanted)
        if (bytes.length !== wanted.bytes)
          t.fail(`round ${k}: ${bytes.length} bytes instead of ${wanted.bytes}`)
      } catch (error) {
        problems++
        if (!(error instanceof Problem)) t.fail(`round ${k}: ${(error as Error).stack}`)
      }
      slowest = Math.max(slowest, cpuMs() - start)
    }
    t.ok(problems > rounds / 8, `${problems} of ${rounds} noticed`)
    t.ok(slowest < 5000, `the slowest took ${Math.round(slowest)} ms`)
    for (const [i, input] of good.entries()) await decodeBlock(layout, input, blockShape(layout, i))
    t.pass('good blocks are decoded afterwards')
  })
}

t.test('memory', (t) => {
  const peak = process.resourceUsage().maxRSS / 1024
  t.ok(peak < 700, `${Math.round(peak)} MB at most`)
  t.end()
})
