// One byte of a source is another: whatever byte, of whatever kind of file, the build has its tiles, or one sentence,
// or with skipUnreadable names what it lost; soon, and in bounded memory.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { writeTiff } from '../../scripts/fixtures/tiff.js'
import { tiffCases } from '../../scripts/fixtures/tiff-cases.js'
import { build } from '../../src/pyramid/build.js'
import { openTiles } from '../../src/store/read/open.js'
import { startChild } from '../helpers/processes.js'
import { isLong, rounds } from '../helpers/rounds.js'
import { smallTiff } from '../helpers/small-tiff.js'
import { cpuMs } from '../helpers/waiting.js'
import { mbtilesOf } from '../server/tile-files.js'
import type { Flips } from './flips-child.js'

t.setTimeout(900_000)
const CHILD = new URL('./flips-child.js', import.meta.url)
const PEAK_MB = 700
/** Of so many bytes of the long form one is flipped. */
const EVERY = rounds(3, 1)
const few = isLong ? '' : ', a third of the bytes of test:long'
/** 12 km wide. */
const IMAGE = { width: 300, height: 200, block: 64, place: [1e6, 6e6, 40] } as const
const CASES = [
  ...['bigtiff-big-endian', 'mask-overviews', 'palette-nodata', 'nodata-sparse', 'rgba-premultiplied'],
  ...['strip-lzw', 'strip-zstd', 'strip-packbits', 'tile-deflate-pred2', 'jpeg-ycbcr-tables', 'webp'],
]

async function hold(t: Test, ...flips: readonly Flips[]): Promise<void> {
  const tried = flips.map((flip) => ({ ...flip, cases: Math.ceil(flip.cases / EVERY) }))
  const child = startChild(CHILD, [JSON.stringify(tried)])
  const { code, signal } = await child.end({ seconds: 600 }).catch((error) => {
    child.kill()
    throw error
  })
  const lines = child.lines.map((line) => JSON.parse(line))
  t.equal(signal ?? code, 0, `after ${JSON.stringify(lines.at(-1))}: ${child.stderr}`)
  t.same(
    lines.filter((line) => line.wrong !== undefined),
    [],
    `${lines.length - 1} flips`,
  )
  t.ok(lines.at(-1)?.peakMb < PEAK_MB, `${lines.at(-1)?.peakMb} MB`)
}

const WORLD = '10\n0\n0\n-10\n500005\n5299995\n'
const PLACE =
  '<PAMDataset><SRS>EPSG:32633</SRS><GeoTransform>500000,10,0,5300000,0,-10</GeoTransform></PAMDataset>'
const values = Buffer.from(Uint8Array.from({ length: 96 * 80 * 3 }, (_, i) => (i * 7) % 251))
const picture = sharp(values, { raw: { width: 96, height: 80, channels: 3 } })

t.test(`TIFF: header, directories, keys, and blocks of each codec${few}`, async (t) => {
  const dir = t.testdir()
  const flips: Flips[] = []
  for (const { name, spec } of tiffCases) {
    if (!CASES.includes(name)) continue
    const victim = join(dir, `${name}.tif`)
    const bytes = await writeTiff(spec)
    writeFileSync(victim, bytes)
    const { length } = bytes
    // directories lie at the end
    flips.push({ victim, source: victim, from: length - 700, end: length, cases: 30 })
    flips.push({ victim, source: victim, from: 0, end: length, cases: 15 })
  }
  t.equal(flips.length, 2 * CASES.length)
  await hold(t, ...flips)
})

t.test(`pictures, their world files and .aux.xml${few}`, async (t) => {
  const dir = t.testdir()
  const flips: Flips[] = []
  for (const kind of ['png', 'jpeg', 'webp'] as const) {
    const source = join(dir, kind, `a.${kind}`)
    mkdirSync(join(dir, kind))
    writeFileSync(source, await picture.clone().toFormat(kind).toBuffer())
    writeFileSync(join(dir, kind, 'a.wld'), WORLD)
    writeFileSync(`${source}.aux.xml`, PLACE)
    for (const victim of [source, join(dir, kind, 'a.wld'), `${source}.aux.xml`]) {
      flips.push({ victim, source, from: 0, end: 700, cases: 20 })
    }
  }
  await hold(t, ...flips)
})

t.test(`a VRT, and a TIFF in it${few}`, async (t) => {
  const dir = t.testdir()
  const tiff = smallTiff({ width: 64, height: 64, block: 32, place: [1e6, 6e6, 10] }).bytes
  const vrt = `<VRTDataset rasterXSize="128" rasterYSize="64"><SRS>EPSG:3857</SRS>
  <GeoTransform>1000000,10,0,6000000,0,-10</GeoTransform><VRTRasterBand dataType="Byte" band="1">
  <SimpleSource><SourceFilename relativeToVRT="1">a.tif</SourceFilename><SourceBand>1</SourceBand>
  <SrcRect xOff="0" yOff="0" xSize="64" ySize="64"/><DstRect xOff="64" yOff="0" xSize="64" ySize="64"/></SimpleSource>
  </VRTRasterBand></VRTDataset>`
  const source = join(dir, 'a.vrt')
  const part = join(dir, 'a.tif')
  writeFileSync(source, vrt)
  writeFileSync(part, tiff)
  await hold(
    t,
    { victim: source, source, from: 0, end: vrt.length, cases: 60 },
    { victim: part, source, from: 0, end: tiff.length, cases: 30 },
  )
})

t.test(`tile archives${few}`, async (t) => {
  const dir = t.testdir()
  const tiff = join(dir, 'a.tif')
  writeFileSync(tiff, smallTiff(IMAGE).bytes)
  const ours = join(dir, 'ours.pmtiles')
  await build({ sources: [tiff], out: ours, threads: 0 })
  const bytes = await picture.clone().resize(256, 256).png().toBuffer()
  const mbtiles = join(dir, 'a.mbtiles')
  mbtilesOf(
    mbtiles,
    [0, 1].map((x) => ({ z: 4, x, y: 3, bytes })),
    { name: 'a', format: 'png', minzoom: '4', maxzoom: '4' },
  )
  await hold(
    t,
    { victim: ours, source: ours, from: 0, end: 127, cases: 15 },
    { victim: ours, source: ours, from: 0, end: 1e9, cases: 25 },
    { victim: mbtiles, source: mbtiles, from: 0, end: 1e9, cases: 30 },
  )
})

t.test('the first tile of an archive is lost', async (t) => {
  const dir = t.testdir()
  const tiff = join(dir, 'a.tif')
  writeFileSync(tiff, smallTiff({ ...IMAGE, paint: (x, y) => (x * 3 + y * 7) % 200 }).bytes)
  const ours = join(dir, 'ours.pmtiles')
  await build({ sources: [tiff], out: ours, threads: 0, minZoom: 12, maxZoom: 12 })
  const file = openTiles(ours)
  const [first] = file.tiles({ zoom: 12 })
  const { bytes } = file.get(first!.z, first!.x, first!.y)!
  file.close()
  const whole = readFileSync(ours)
  const at = whole.indexOf(bytes)
  whole.fill(0, at, at + bytes.length)
  writeFileSync(ours, whole)
  const again = { sources: [ours], out: join(dir, 'again.pmtiles'), threads: 0 }
  await t.rejects(build(again), { name: 'FlagstoneError', message: /tile 12\/\d+\/\d+ cannot be read/ })
  const report = await build({ ...again, skipUnreadable: true })
  t.match(report.damaged, [{ path: ours }])
  t.ok(report.tiles > 1)
})

t.test('pixels of sizes that cannot be', async (t) => {
  const dir = t.testdir()
  const victim = join(dir, 'a.tif')
  const { spec } = tiffCases.find(({ name }) => name === 'strip-none')!
  const attempt = async (scale: readonly [number, number], width = 72): Promise<string> => {
    const tags = { ...spec.images[0]!.tags, 33550: { type: 'double', values: [...scale, 0] } } as const
    const bytes = Buffer.from(await writeTiff({ images: [{ ...spec.images[0]!, tags }] }))
    if (width !== 72) bytes.writeUInt32LE(width, widthAt(bytes))
    writeFileSync(victim, bytes)
    const start = cpuMs()
    const said = await build({
      sources: [victim],
      out: join(dir, 'a.pmtiles'),
      overwrite: true,
      threads: 0,
    }).then(
      ({ tiles }) => `${tiles} tiles`,
      (error) => (error.name === 'FlagstoneError' ? error.message : String(error.stack)),
    )
    t.ok(cpuMs() - start < 20_000, `${scale}: ${Math.round(cpuMs() - start)} ms`)
    return said
  }
  t.match(await attempt([1e-240, 10]), /gives pixels no area/)
  t.match(await attempt([10, 1e304]), /gives pixels no area/)
  // kernels as wide as that would take gigabytes
  t.match(await attempt([1e-7, 10]), /narrower than a pixel of zoom/)
  t.match(await attempt([1e-5, 10]), /narrower than a pixel of zoom/)
  // the whole world high, at the zoom of its width
  t.match(await attempt([10, 655_360]), /^\d+ tiles$|only nodata/)
  t.match(await attempt([10, 10], 16_711_752), /spread over .* tiles, nearly all of them empty/)
  const peak = process.resourceUsage().maxRSS / 1024
  t.ok(peak < PEAK_MB, `${Math.round(peak)} MB`)
})

/** Where the value of ImageWidth is written: classic, little-endian. */
function widthAt(bytes: Buffer): number {
  const directory = bytes.readUInt32LE(4)
  for (let i = 0; i < bytes.readUInt16LE(directory); i++) {
    const entry = directory + 2 + 12 * i
    if (bytes.readUInt16LE(entry) !== 256) continue
    bytes.writeUInt16LE(4, entry + 2)
    return entry + 8
  }
  throw new Error('no width')
}
