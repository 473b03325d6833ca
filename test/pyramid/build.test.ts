import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { metresToLat } from '../../src/grid/tiles/mercator.js'
import { type BuildOptions, type BuildProgress, build } from '../../src/pyramid/build.js'
import { parseBuildOptions } from '../../src/pyramid/options.js'
import { decodeCheckpoint, readCheckpoint, writeCheckpoint } from '../../src/pyramid/output/checkpoint.js'
import { emptyTally } from '../../src/pyramid/output/tally.js'
import { unitsOf } from '../../src/pyramid/plan/forest.js'
import type { BuildPlan } from '../../src/pyramid/plan/plan.js'
import { planBuild } from '../../src/pyramid/plan/plan-build.js'
import { prepare, threadsOf } from '../../src/pyramid/prepare.js'
import { SourceSet } from '../../src/pyramid/sources/source-set.js'
import { unpackTile } from '../../src/pyramid/work/packed.js'
import { SubtreeBuilder } from '../../src/pyramid/work/subtree.js'
import { decodeTile } from '../../src/raster/tiles/codec.js'
import { verifyTiles } from '../../src/sampling/verify.js'
import { openTiles } from '../../src/store/read/open.js'
import { version } from '../../src/version.js'
import { fixture } from '../helpers/paths.js'
import { type ImageOptions, ImageSource, infoOf, openerOf, speckled, tilesOf } from './images.js'
import { halved, type Picture, region } from './region.js'

const lossless = { format: 'png', resampling: 'nearest', commitEverySeconds: 0 } as const

const holes = [
  [0, 0, 300, 700],
  [1000, 400, 1001, 4000],
  [1352, 500, 1620, 780],
] as const

/** Not on tile borders; four roots that have two parents, which have one. */
const image: ImageOptions = {
  zoom: 13,
  x: 4096 * 301 + 3000,
  y: 4096 * 220 + 3500,
  width: 1700,
  height: 1100,
  paint: speckled(holes),
}

t.test('base tiles are the source, overviews its naive pyramid, and none is missing', async (t) => {
  const out = join(t.testdir(), 'out.pmtiles')
  const report = await build(
    { sources: ['image.tif'], out, ...lossless, minZoom: 7, metadata: { made: 'here' } },
    { openSource: openerOf(image) },
  )
  t.equal(report.minZoom, 7)
  t.equal(report.maxZoom, 13)
  t.same(readdirSync(join(out, '..')), ['out.pmtiles'], 'nothing else is left')
  // from whole pixels of zoom 7
  const x0 = image.x - (image.x % 64)
  const y0 = image.y - (image.y % 64)
  const width = Math.ceil((image.x + image.width - x0) / 64) * 64
  const height = Math.ceil((image.y + image.height - y0) / 64) * 64
  let naive: Picture = { width, height, rgba: new Uint8Array(width * height * 4) }
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) {
      const colour = image.paint(x, y)
      if (colour[3] > 0) naive.rgba.set(colour, ((image.y + y - y0) * width + image.x + x - x0) * 4)
    }
  }
  let tiles = 0
  for (let z = 13; z >= 7; z--) {
    const scale = 2 ** (13 - z)
    const found = await region(out, z, x0 / scale, y0 / scale, naive.width, naive.height)
    t.ok(Buffer.from(found.rgba).equals(Buffer.from(naive.rgba)), `zoom ${z}`)
    tiles += nonEmpty(naive, x0 / scale, y0 / scale)
    naive = halved(naive)
  }
  t.equal(report.tiles, tiles, 'no empty tile is stored')
  t.same(
    (await verifyTiles(out)).findings.filter((finding) => !finding.ok),
    [],
  )
  const reader = openTiles(out)
  t.match(reader.metadata(), {
    name: 'out',
    made: 'here',
    format: 'png',
    minzoom: 7,
    maxzoom: 13,
    type: 'baselayer',
    tileSize: 256,
    generator: `flagstone ${version}`,
    flagstone: { fileName: 'out' },
  })
  t.equal(reader.sealed, true)
  reader.close()
})

/** Tiles that a picture at x, y touches. */
function nonEmpty({ width, rgba }: Picture, x: number, y: number): number {
  const words = new Uint32Array(rgba.buffer)
  const seen = new Set<number>()
  for (let p = 0; p < words.length; p++) {
    if (words[p]! >>> 24 !== 0)
      seen.add(((y + Math.floor(p / width)) >> 8) * 65536 + ((x + (p % width)) >> 8))
  }
  return seen.size
}

// A strip of many subtrees, cheap to paint: two tiles high, of which little is painted.
const strip: ImageOptions = {
  zoom: 12,
  x: 100,
  y: 5000,
  width: 30000,
  height: 160,
  paint: speckled([[5000, 0, 20000, 160]]),
}
const stripBuild = (out: string): BuildOptions => ({
  sources: ['image.tif'],
  out,
  ...lossless,
  // the cheapest: these tests ask whether tiles are the same
  format: 'jpeg',
  minZoom: 2,
})

let stripTiles: Record<string, string> | undefined
/** The tiles of an undisturbed build of the strip, made once. */
async function wholeStrip(dir: string): Promise<Record<string, string>> {
  if (stripTiles === undefined) {
    const whole = join(dir, 'whole.pmtiles')
    await build(stripBuild(whole), { openSource: openerOf(strip) })
    stripTiles = tilesOf(whole)
    rmSync(whole)
  }
  return stripTiles
}

t.test('interrupted at every checkpoint and resumed: the same tiles', async (t) => {
  const dir = t.testdir()
  const whole = join(dir, 'whole.pmtiles')
  let reads = 0
  await build(stripBuild(whole), { openSource: openerOf({ ...strip, onRead: () => reads++ }) })
  const wanted = tilesOf(whole)
  stripTiles = wanted
  t.ok(Object.keys(wanted).length > 150)
  t.ok(reads > 16)
  let interruptions = 0
  // a subtree takes 8 reads or more
  for (const step of [11, 17, 30]) {
    const out = join(dir, `step${step}.pmtiles`)
    for (let pass = 0; pass < 30; pass++) {
      const controller = new AbortController()
      let left = step
      const openSource = openerOf({ ...strip, onRead: () => --left === 0 && controller.abort() })
      const { signal } = controller
      const done = await build({ ...stripBuild(out), resume: pass > 0 }, { openSource, signal }).then(
        () => true,
        (error: FlagstoneError) => {
          if (error.code !== 'INTERRUPTED') throw error
          t.match(error.message, existsSync(out) ? /--resume/ : /before anything was built/)
          interruptions++
          return false
        },
      )
      if (done) break
    }
    t.same(tilesOf(out), wanted, `interrupted every ${step} reads`)
    t.notOk(existsSync(`${out}.build`))
    t.same(
      (await verifyTiles(out)).findings.filter((finding) => !finding.ok),
      [],
    )
  }
  t.ok(interruptions > 8, `${interruptions} interruptions`)
})

/** Interrupts after so many reads; returns the error. */
async function interrupt(options: BuildOptions, image: ImageOptions, reads: number): Promise<FlagstoneError> {
  const controller = new AbortController()
  let left = reads
  const openSource = openerOf({ ...image, onRead: () => --left === 0 && controller.abort() })
  return build(options, { openSource, signal: controller.signal }).then(
    () => Promise.reject(new Error('was not interrupted')),
    (error: FlagstoneError) => error,
  )
}

t.test('a store ahead of its checkpoint, or a file just begun, is resumed too', async (t) => {
  const dir = t.testdir()
  const whole = await wholeStrip(dir)
  const out = join(dir, 'out.pmtiles')
  await interrupt(stripBuild(out), strip, 20)
  const early = readFileSync(`${out}.build`)
  await interrupt({ ...stripBuild(out), resume: true }, strip, 30)
  t.ok(decodeCheckpoint(early)!.subtreesDone < decodeCheckpoint(readFileSync(`${out}.build`))!.subtreesDone)
  writeFileSync(`${out}.build`, early)
  const report = await build({ ...stripBuild(out), resume: true }, { openSource: openerOf(strip) })
  t.equal(report.resumed, true)
  t.same(tilesOf(out), whole)
  t.equal(report.tiles, Object.keys(whole).length)

  // killed before the first superblock, and before the file was there at all
  const none = { ...decodeCheckpoint(early)!, subtreesDone: 0, tally: emptyTally(), pending: [] }
  for (const left of ['zeros', 'nothing']) {
    const begun = join(dir, `${left}.pmtiles`)
    writeCheckpoint(begun, none)
    if (left === 'zeros') writeFileSync(begun, new Uint8Array(100000))
    await build({ ...stripBuild(begun), resume: true }, { openSource: openerOf(strip) })
    t.same(tilesOf(begun), whole, left)
  }
})

t.test('what cannot be resumed, and why', async (t) => {
  const dir = t.testdir({ 'other.pmtiles': 'somebody wrote this' })
  const out = join(dir, 'out.pmtiles')
  const openSource = openerOf(strip)
  await interrupt(stripBuild(out), strip, 20)
  await t.rejects(build(stripBuild(out), { openSource }), {
    code: 'EXISTS',
    message: /unfinished build of .*: continue it with --resume/,
  })
  await t.rejects(build({ ...stripBuild(out), resume: true, quality: 80 }, { openSource }), {
    code: 'NOT_RESUMABLE',
    message: /the quality was 75 and is 80 now/,
  })
  // another file in its place
  const second = join(dir, 'second.pmtiles')
  await build({ ...stripBuild(second), quality: 60 }, { openSource })
  copyFileSync(second, out)
  await t.rejects(build({ ...stripBuild(out), resume: true }, { openSource }), {
    code: 'NOT_RESUMABLE',
    message: /is not the file that the interrupted build was writing/,
  })
  await t.rejects(build({ ...stripBuild(second), resume: true }, { openSource }), {
    code: 'NOT_RESUMABLE',
    message: /nothing to resume/,
  })
  const other = join(dir, 'other.pmtiles')
  writeCheckpoint(other, readCheckpoint(out)!)
  for (const how of [{ resume: true }, { overwrite: true }, { resume: true, overwrite: true }]) {
    await t.rejects(build({ ...stripBuild(other), ...how }, { openSource }), {
      code: 'EXISTS',
      message: /is another kind of file; build replaces nothing but tile archives/,
    })
  }
  t.equal(readFileSync(other, 'utf8'), 'somebody wrote this')
})

t.test('replacing a file: the old one stays until the new one is complete', async (t) => {
  const dir = t.testdir()
  const out = join(dir, 'out.pmtiles')
  const old: ImageOptions = { ...strip, width: 500, paint: () => [1, 2, 3, 255] }
  await build(stripBuild(out), { openSource: openerOf(old) })
  const before = readFileSync(out)
  await t.rejects(build(stripBuild(out), { openSource: openerOf(strip) }), {
    code: 'EXISTS',
    message: /--overwrite/,
  })
  const error = await interrupt({ ...stripBuild(out), overwrite: true }, strip, 20)
  t.equal(error.code, 'INTERRUPTED')
  t.ok(readFileSync(out).equals(before))
  await build({ ...stripBuild(out), resume: true }, { openSource: openerOf(strip) })
  t.same(readdirSync(dir), ['out.pmtiles'])
  t.notOk(readFileSync(out).equals(before))
  await build({ ...stripBuild(out), overwrite: true }, { openSource: openerOf(old) })
  t.same(readdirSync(dir), ['out.pmtiles'])
  await t.rejects(
    build(
      { ...stripBuild(out), overwrite: true },
      { openSource: openerOf({ ...strip, paint: () => [0, 0, 0, 0] }) },
    ),
    { code: 'NOTHING_TO_BUILD' },
  )
  t.same(readdirSync(dir), ['out.pmtiles'], 'nothing to build takes nothing away')
})

t.test('nothing is left of a build without tiles', async (t) => {
  const dir = t.testdir()
  const out = join(dir, 'out.pmtiles')
  const empty = openerOf({ ...strip, paint: () => [0, 0, 0, 0] })
  await t.rejects(build(stripBuild(out), { openSource: empty }), {
    code: 'NOTHING_TO_BUILD',
    message: /has only nodata/,
  })
  const controller = new AbortController()
  controller.abort()
  const aborted = { openSource: openerOf(strip), signal: controller.signal }
  await t.rejects(build(stripBuild(out), aborted), { code: 'INTERRUPTED' })
  const corrupt = openerOf({
    ...strip,
    onRead: () => {
      throw new FlagstoneError('SOURCE_CORRUPT', 'block 0 is damaged.')
    },
  })
  await t.rejects(build(stripBuild(out), { openSource: corrupt }), { code: 'SOURCE_CORRUPT' })
  t.same(readdirSync(dir), [])
})

t.test('a source that fails later leaves what can be resumed', async (t) => {
  const dir = t.testdir()
  const out = join(dir, 'out.pmtiles')
  let left = 20
  const failing = openerOf({
    ...strip,
    onRead: () => {
      if (--left === 0) throw new FlagstoneError('SOURCE_UNREADABLE', 'The disk went away.')
    },
  })
  await t.rejects(build(stripBuild(out), { openSource: failing }), {
    code: 'SOURCE_UNREADABLE',
    message: /The disk went away\. .*--resume/,
  })
  await build({ ...stripBuild(out), resume: true }, { openSource: openerOf(strip) })
  t.same(tilesOf(out), await wholeStrip(dir))
})

t.test('outputs that cannot be', async (t) => {
  const dir = t.testdir({ 'a.tif': 'x', folder: {} })
  const openSource = openerOf(strip)
  const reject = (options: Partial<BuildOptions>, code: string, message: RegExp): Promise<unknown> =>
    t.rejects(build({ sources: ['image.tif'], out: join(dir, 'x'), ...options }, { openSource }), {
      code,
      message,
    })
  await reject({ out: join(dir, 'no', 'x.pmtiles') }, 'NOT_FOUND', /does not exist; create it first/)
  await reject({ out: join(dir, 'folder') }, 'BAD_OPTION', /is a directory/)
  await reject(
    { sources: [join(dir, 'a.tif')], out: join(dir, 'a.tif'), overwrite: true },
    'BAD_OPTION',
    /a\.tif: build writes PMTiles; name the file .*a\.pmtiles/,
  )
  t.same(readdirSync(dir), ['a.tif', 'folder'])
})

t.test('kernels wider than 2×2: no seams inside or between subtrees', async (t) => {
  for (const overviewResampling of ['bilinear', 'cubic', 'lanczos'] as const) {
    const options = parseBuildOptions({
      sources: ['image.tif'],
      out: 'x',
      ...lossless,
      overviewResampling,
      minZoom: 9,
    })
    const deep = planBuild([infoOf(image)], options)
    const root = deep.maxZoom - 2
    const shallow = { ...deep, treeDepth: 2 }
    t.ok(deep.treeDepth > 2)
    const all = await Promise.all([deep, shallow].map((plan) => tilesOfPlan(plan, image)))
    const upTo = (tiles: Map<string, Uint8Array>): [string, Uint8Array][] =>
      [...tiles].filter(([key]) => Number(key.split('/')[0]) >= root).sort(([a], [b]) => (a < b ? -1 : 1))
    const [a, b] = all.map(upTo)
    t.equal(a!.length, b!.length)
    let most = 0
    for (const [i, [key, bytes]] of a!.entries()) {
      t.equal(key, b![i]![0])
      most = Math.max(most, await largestDifference(bytes, b![i]![1]))
    }
    // an opaque level is summed without opacities, which may round a tie the other way
    t.ok(most <= 1, `${overviewResampling}: the largest difference is ${most}`)
  }
})

async function largestDifference(a: Uint8Array, b: Uint8Array): Promise<number> {
  if (Buffer.from(a).equals(b)) return 0
  const [one, other] = await Promise.all([decodeTile(a), decodeTile(b)])
  const distance = (x: Uint8Array, y: Uint8Array): number =>
    x.reduce((m, v, i) => Math.max(m, Math.abs(v - y[i]!)), 0)
  if (one.mask !== undefined && other.mask !== undefined && distance(one.mask, other.mask) > 0) return 255
  return distance(one.data, other.data)
}

async function tilesOfPlan(plan: BuildPlan, of: ImageOptions): Promise<Map<string, Uint8Array>> {
  const builder = new SubtreeBuilder(plan, SourceSet.of(plan, [new ImageSource(of)]))
  const found = new Map<string, Uint8Array>()
  for (const unit of unitsOf(plan)) {
    if (unit.kind !== 'subtree') continue
    const { tiles } = await builder.build(unit)
    for (let i = 0; i < tiles.count; i++) {
      const { z, x: tx, y: ty, bytes } = unpackTile(tiles, i)
      found.set(`${z}/${tx}/${ty}`, bytes.slice())
    }
  }
  return found
}

t.test('a bbox cuts to the pixel', async (t) => {
  const out = join(t.testdir(), 'out.pmtiles')
  const pixel = 360 / 2 ** 13 / 256
  const west = -180 + (image.x + 400.2) * pixel
  const info = infoOf(image)
  const top = metresToLat(info.geotransform[3] - 100.3 * info.geotransform[1])
  const bottom = metresToLat(info.geotransform[3] - 600.4 * info.geotransform[1])
  await build(
    { sources: ['image.tif'], out, ...lossless, bbox: [west, bottom, west + 300 * pixel, top], zoom: 13 },
    { openSource: openerOf({ ...image, paint: () => [50, 60, 70, 255] }) },
  )
  const minX = Math.floor((image.x + 400) / 256)
  const minY = Math.floor((image.y + 100) / 256)
  const found = await region(out, 13, minX * 256, minY * 256, 1024, 1024)
  let painted = 0
  let box = [1e9, 1e9, -1, -1]
  for (let p = 0; p < found.width * found.height; p++) {
    if (found.rgba[4 * p + 3] === 0) continue
    painted++
    const x = (p % found.width) + minX * 256 - image.x
    const y = Math.floor(p / found.width) + minY * 256 - image.y
    box = [Math.min(box[0]!, x), Math.min(box[1]!, y), Math.max(box[2]!, x), Math.max(box[3]!, y)]
  }
  t.same(box, [400, 100, 699, 599])
  t.equal(painted, 300 * 500)
})

t.test('progress: ascending, complete', async (t) => {
  const out = join(t.testdir(), 'out.pmtiles')
  const events: BuildProgress[] = []
  await build(stripBuild(out), { openSource: openerOf(strip), onProgress: (p) => events.push(p) })
  const last = events.at(-1)!
  t.match(last, {
    phase: 'done',
    tilesDone: last.tilesTotal,
    subtreesDone: last.subtreesTotal,
    etaSeconds: 0,
  })
  t.ok(events.every((e, i) => i === 0 || e.tilesDone >= events[i - 1]!.tilesDone))
})

/** The fixture in a corner of an image with nothing else: so large that the caller and a worker are worth it. */
const large = join(t.testdir(), 'large.vrt')
const band = (n: number): string => `<VRTRasterBand dataType="Byte" band="${n}"><NoDataValue>0</NoDataValue>
<SimpleSource><SourceFilename>${fixture('ortho.tif')}</SourceFilename><SourceBand>${n}</SourceBand>
<SrcRect xOff="0" yOff="0" xSize="2400" ySize="2000"/><DstRect xOff="0" yOff="0" xSize="2400" ySize="2000"/>
</SimpleSource></VRTRasterBand>`
const largeBuild = (out: string, threads: number): BuildOptions => ({
  sources: [large],
  out,
  threads,
  zoom: [10, 17],
  commitEverySeconds: 0,
})

let largeTiles: Record<string, string> | undefined
/** The tiles of an undisturbed build of it without workers, made once. */
async function wholeLarge(dir: string): Promise<Record<string, string>> {
  if (largeTiles === undefined) {
    writeFileSync(
      large,
      `<VRTDataset rasterXSize="9600" rasterYSize="8000"><SRS>EPSG:32633</SRS>
<GeoTransform>472000,0.4,0,5262000,0,-0.4</GeoTransform>${[1, 2, 3].map(band).join('')}</VRTDataset>`,
    )
    const whole = join(dir, 'whole.pmtiles')
    await build(largeBuild(whole, 0))
    largeTiles = tilesOf(whole)
    rmSync(whole)
  }
  return largeTiles
}

t.test('worker threads: the same bytes with none, one, two, and one beside the caller', async (t) => {
  const dir = t.testdir()
  const wanted = await wholeLarge(dir)
  t.ok(Object.keys(wanted).length > 40)
  for (const [threads, useCaller] of [
    [1, false],
    [2, false],
    [2, true],
  ] as const) {
    const options = largeBuild(join(dir, `${threads} ${useCaller}.pmtiles`), threads)
    const resolved = parseBuildOptions(options)
    t.equal(threadsOf((await prepare(resolved, {})).plan, resolved, { useCaller }), threads)
    await build(options, { useCaller })
    t.same(tilesOf(options.out), wanted)
  }
})

for (const useCaller of [false, true]) {
  t.test(`worker threads: interrupted, failing${useCaller ? ', the caller too' : ''}`, async (t) => {
    const dir = t.testdir()
    const wanted = await wholeLarge(dir)
    const out = join(dir, 'out.pmtiles')
    const options = largeBuild(out, 2)
    const controller = new AbortController()
    const onProgress = () => controller.abort()
    await t.rejects(build(options, { signal: controller.signal, onProgress, useCaller }), {
      code: 'INTERRUPTED',
    })
    if (existsSync(out)) await build({ ...options, resume: true })
    else await build(options)
    t.same(tilesOf(out), wanted)
    // the worker's error arrives with its code
    const broken = join(dir, 'broken.tif')
    const bytes = readFileSync(fixture('ortho.tif'))
    writeFileSync(broken, bytes.subarray(0, bytes.length >> 1))
    const failed = build({ ...options, sources: [broken], out: join(dir, 'b.pmtiles') }, { useCaller })
    await t.rejects(failed, { name: 'FlagstoneError', code: /^SOURCE_/ })
  })
}
