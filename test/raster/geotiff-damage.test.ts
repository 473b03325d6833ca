// Damaged and hostile TIFFs: each is read, or refused with a sentence; no crash, no hang, no flood of memory,
// and never pixels made up for a block that cannot be decoded.

import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { type ImageSpec, writeTiff } from '../../scripts/fixtures/tiff.js'
import { tiffCases } from '../../scripts/fixtures/tiff-cases.js'
import { FlagstoneError } from '../../src/errors.js'
import type { Samples } from '../../src/raster/pixels.js'
import { openFileSource } from '../../src/raster/tiff/file/byte-source.js'
import { TiffRaster } from '../../src/raster/tiff/raster.js'
import { fixture, sharedData } from '../helpers/paths.js'
import { randomFrom } from '../helpers/random.js'
import { cpuMs } from '../helpers/waiting.js'
import type { Outcome } from './geotiff-harness.js'

const harness = fileURLToPath(new URL('./geotiff-harness.js', import.meta.url))

/** One child for all files; it is killed when it takes `timeoutMs`. */
async function observe(files: readonly string[], timeoutMs: number): Promise<Outcome[]> {
  const options = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 2 ** 26 } as const
  const { stdout } = await promisify(execFile)(process.execPath, [harness, ...files], options)
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Outcome)
}

function check(t: Test, outcomes: readonly Outcome[], root: string): void {
  for (const { file, outcome, message, ms, peakMb } of outcomes) {
    const name = file.slice(root.length + 1)
    t.comment(`${outcome.padEnd(20)} ${String(ms).padStart(5)} ms ${String(peakMb).padStart(5)} MB  ${name}`)
    t.not(outcome, 'BUG', `${name}: ${message}`)
    t.ok(ms < 10_000, `${name} takes ${ms} ms`)
    if (outcome !== 'read') {
      t.ok(message.includes(file), `the message names the file: ${message}`)
      t.match(message, /; |, /, 'and says what to do')
    }
  }
  t.ok(outcomes.at(-1)!.peakMb < 1000, 'memory stays bounded')
}

/** All pixels of a file, or the error. */
async function readFirst(file: string): Promise<FlagstoneError | Samples> {
  const source = await openFileSource(file)
  try {
    const raster = await TiffRaster.open(source)
    const { width, height } = raster.layout
    return (await raster.read(0, { x: 0, y: 0, width, height })).data
  } catch (error) {
    if (error instanceof FlagstoneError) return error
    throw error
  } finally {
    await source.close()
  }
}

const small: ImageSpec = {
  width: 64,
  height: 64,
  samples: 1,
  data: new Uint8Array(64 * 64).map((_, i) => (i * 37) % 251),
  photometric: 1,
}

/** Writes a value into the entry of a tag of the first directory (classic, little-endian). */
function patch(bytes: Uint8Array, tag: number, field: 'count' | 'value' | 'type', value: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const ifd = view.getUint32(4, true)
  for (let i = 0; i < view.getUint16(ifd, true); i++) {
    const at = ifd + 2 + 12 * i
    if (view.getUint16(at, true) !== tag) continue
    if (field === 'type') view.setUint16(at + 2, value, true)
    else view.setUint32(at + (field === 'count' ? 4 : 8), value, true)
    return bytes
  }
  throw new Error(`no tag ${tag}`)
}

/** Where the next-directory link of the first directory lies. */
function linkOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const ifd = view.getUint32(4, true)
  return ifd + 2 + 12 * view.getUint16(ifd, true)
}

t.test('hostile structure', async (t) => {
  const make = (more: Partial<ImageSpec> = {}): Promise<Uint8Array> =>
    writeTiff({ images: [{ ...small, ...more }] })
  const set = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
    new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).setUint32(at, value, true)
    return bytes
  }
  const deflate = { compression: 'deflate', tile: [32, 32] } as const
  const plain = await make()
  const cases: [name: string, bytes: Uint8Array, expected: RegExp][] = [
    [
      'circle of directories',
      set(plain.slice(), linkOf(plain), new DataView(plain.buffer).getUint32(4, true)),
      /SOURCE_CORRUPT.*circle/,
    ],
    ['first directory beyond the end', set(plain.slice(), 4, 0x7fffffff), /SOURCE_CORRUPT.*past its end/],
    ['no directory', set(plain.slice(), 4, 0), /SOURCE_CORRUPT.*no image/],
    ['next directory beyond the end', set(plain.slice(), linkOf(plain), 0xfffffff0), /SOURCE_CORRUPT/],
    ['width 0', patch(await make(), 256, 'value', 0), /SOURCE_CORRUPT.*width is 0/],
    ['width of billions', patch(await make(), 256, 'value', 0xfffffff0), /SOURCE_CORRUPT.*width/],
    ['wide and uncompressed', patch(await make(), 256, 'value', 2 ** 30), /TOO_LARGE/],
    [
      'billions of strips',
      patch(patch(await make({ rowsPerStrip: 1 }), 257, 'value', 2 ** 31 - 1), 256, 'value', 1),
      /TOO_LARGE.*blocks/,
    ],
    [
      'one-pixel tiles of a huge image',
      patch(patch(await make(deflate), 257, 'value', 2 ** 30), 323, 'value', 1),
      /TOO_LARGE.*blocks/,
    ],
    [
      'tiles of gigabytes',
      patch(patch(await make(deflate), 322, 'value', 2 ** 20), 323, 'value', 2 ** 20),
      /TOO_LARGE.*blocks of/,
    ],
    ['tile height 0', patch(await make(deflate), 323, 'value', 0), /SOURCE_CORRUPT.*tile height is 0/],
    ['a count of billions', patch(await make(deflate), 324, 'count', 0x7fffffff), /^pixels$/],
    [
      'offsets beyond the end',
      patch(await make(deflate), 324, 'value', 0x7fffffff),
      /SOURCE_CORRUPT.*past its end/,
    ],
    ['65535 samples', patch(await make(), 277, 'value', 65535), /SOURCE_CORRUPT|TOO_LARGE/],
    ['0 bits', patch(await make(), 258, 'value', 0), /SOURCE_CORRUPT.*bits per sample is 0/],
    ['photometric of the future', patch(await make(), 262, 'value', 60000), /SOURCE_UNSUPPORTED/],
    ['compression of the future', patch(await make(), 259, 'value', 60000), /SOURCE_UNSUPPORTED.*60000/],
    ['palette without a map', patch(await make(), 262, 'value', 3), /SOURCE_UNSUPPORTED.*palette/],
    ['an entry of an unknown type', patch(await make(), 339, 'type', 99), /^pixels$/],
    [
      'a block at an absurd place',
      patch(await make(), 273, 'value', 0xffffffff),
      /SOURCE_CORRUPT.*strip 0 of level 0/,
    ],
    [
      'a block of absurd size',
      patch(await make(), 279, 'value', 0xffffffff),
      /^pixels$|SOURCE_CORRUPT.*strip 0/,
    ],
    [
      'deflate called LZW',
      patch(await make(deflate), 259, 'value', 5),
      /SOURCE_CORRUPT.*tile \d,\d of level 0.*LZW|ends after/,
    ],
    ['deflate called JPEG', patch(await make(deflate), 259, 'value', 7), /SOURCE_CORRUPT.*no JPEG stream/],
    ['deflate called ZSTD', patch(await make(deflate), 259, 'value', 50000), /SOURCE_CORRUPT.*no ZSTD/],
    [
      'deflate called PackBits',
      patch(await make(deflate), 259, 'value', 32773),
      /SOURCE_CORRUPT.*ends after/,
    ],
    ['zstd with a huge window', hugeWindow(await make({ compression: 'zstd', tile: [32, 32] })), /^pixels$/],
  ]
  const dir = t.testdir()
  for (const [name, bytes, expected] of cases) {
    const file = join(dir, `${name}.tif`)
    writeFileSync(file, bytes)
    const start = cpuMs()
    const result = await readFirst(file)
    const text = result instanceof FlagstoneError ? `${result.code}: ${result.message}` : 'pixels'
    t.match(text, expected, name)
    t.ok(cpuMs() - start < 5000, `${name}: at once`)
  }
  const peak = process.resourceUsage().maxRSS / 1024
  t.ok(peak < 700, `none of them made us allocate what it claims (${Math.round(peak)} MB)`)
})

/** Asks for a window of 2 GB in every ZSTD frame; harmless, as the data cannot refer back that far. */
function hugeWindow(bytes: Uint8Array): Uint8Array {
  for (let i = 0; i + 6 < bytes.length; i++) {
    if (bytes[i] === 0x28 && bytes[i + 1] === 0xb5 && bytes[i + 2] === 0x2f && bytes[i + 3] === 0xfd)
      bytes[i + 5] = 0xa0
  }
  return bytes
}

t.test('a block cut short is never made up', async (t) => {
  const dir = t.testdir()
  // without compression counts are not looked at: field.test.ts
  for (const compression of ['lzw', 'deflate', 'packbits', 'zstd', 'jpeg', 'webp'] as const) {
    const samples = compression === 'webp' ? 3 : 1
    const data = new Uint8Array(64 * 64 * samples).map((_, i) => ((i * i) >> 3) & 255)
    const image = { ...small, samples, data, photometric: samples === 3 ? 2 : 1, compression }
    const bytes = await writeTiff({ images: [image] })
    const view = new DataView(bytes.buffer)
    const at = view.getUint32(4, true)
    let counted = 0
    for (let i = 0; i < view.getUint16(at, true); i++) {
      const entry = at + 2 + 12 * i
      if (view.getUint16(entry, true) === 279) counted = entry + 8
    }
    const file = join(dir, `${compression}.tif`)
    const whole = view.getUint32(counted, true)
    for (const part of [0.3, 0.7, 0.95]) {
      view.setUint32(counted, Math.floor(whole * part), true)
      writeFileSync(file, bytes)
      const result = await readFirst(file)
      t.match(
        result,
        { code: 'SOURCE_CORRUPT', message: /strip 0 of level 0/ },
        `${compression} cut to ${part}`,
      )
    }
  }
})

t.test('flipped and truncated fixtures', async (t) => {
  const dir = t.testdir()
  const seed = Number(process.env.SEED ?? 20_24)
  t.comment(`SEED=${seed}`)
  const next = randomFrom(seed)
  const counts: Record<string, number> = {}
  const files: string[] = []
  for (const { name } of tiffCases) {
    const good = readFileSync(fixture('tiff', `${name}.tif`))
    for (let k = 0; k < 12; k++) {
      const bytes = Buffer.from(good)
      // Directories are small and lie at the end: half of the flips there.
      const from = k % 2 === 0 ? 0 : Math.max(0, bytes.length - 700)
      for (let flips = 0; flips < 1 + (k % 3); flips++) {
        const at = from + Math.floor(next() * (bytes.length - from))
        bytes[at] = Math.floor(next() * 256)
      }
      const file = join(dir, `${name}-${k}.tif`)
      writeFileSync(file, k < 9 ? bytes : good.subarray(0, Math.floor(next() * good.length)))
      files.push(file)
    }
  }
  const outcomes = await observe(files, 120_000)
  t.equal(outcomes.length, files.length)
  for (const { file, outcome, message, ms } of outcomes) {
    counts[outcome] = (counts[outcome] ?? 0) + 1
    if (outcome === 'BUG' || ms > 10_000) t.fail(`${file}: ${ms} ms ${message}`)
  }
  t.comment(JSON.stringify(counts))
  t.ok(outcomes.at(-1)!.peakMb < 1000, 'memory stays bounded')
  t.ok((counts.SOURCE_CORRUPT ?? 0) > 100, 'damage is noticed')
})

for (const folder of ['corrupt', 'odd/image-tiff']) {
  t.test(
    `shared data: ${folder}`,
    { skip: sharedData === undefined && 'needs the shared data' },
    async (t) => {
      const root = join(sharedData!, folder)
      const files = readdirSync(root).filter((f) => /\.tiff?$/.test(f))
      const outcomes = await observe(
        files.map((f) => join(root, f)),
        240_000,
      )
      t.equal(outcomes.length, files.length, 'the child went through all of them')
      check(t, outcomes, root)
    },
  )
}
